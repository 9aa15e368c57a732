"""Level of the shipped designs with looks under no effect: within 4 Monte Carlo standard errors."""

from __future__ import annotations

import numpy as np
import pytest

from raresim.trial import load_scenario, run_block

BLOCKS = 1
TRIALS = BLOCKS * 1024
NAMES = [
    "cgd-efficacy-and-futility",
    "pulmonary-arterial-hypertension-blinded-n",
    "dravet-promising-zone",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_looks_hold_the_level(name: str) -> None:
    scenario = load_scenario(name)
    runs = [run_block(scenario, "no_effect", 31, block) for block in range(BLOCKS)]
    looks = runs[0].analyst.looks
    rejected = np.concatenate(
        [np.any([run.analyst.records[look]["rejected"] for look in looks], axis=0) for run in runs]
    )
    assert rejected.mean() <= 0.025 + 4 * np.sqrt(0.025 * 0.975 / TRIALS)
    assert rejected.any()
