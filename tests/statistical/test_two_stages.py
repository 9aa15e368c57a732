"""SPCD against its closed form, through the whole engine; sizes of trials of two stages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from raresim.analysis.sizing import spcd as planned
from raresim.trial import Scenario, run_block
from tests.staged import COURSES, SCORE, conventional, regression_only, shares
from tests.worlds import world

BLOCKS = 2


def rejected(scenario: Scenario, hypothesis: str, name: str, blocks: int = BLOCKS) -> np.ndarray:
    found = []
    for block in range(blocks):
        run = run_block(scenario, hypothesis, 5, block)
        found += [r["rejected"] for look, r in run.analyst.records.items() if look.estimand == name]
    return np.concatenate(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second", "n", "drop", "beside", "wins"),
    [
        ((0.6, 0.3), (0.5, 0.3), 150, 0.1, 0.9256, False),
        ((0.6, 0.4), (0.5, 0.25), 100, 0.0, 0.7002, True),
    ],
)
def test_spcd_wins_and_loses_as_its_closed_form_says(
    tmp_path: Path,
    first: tuple[float, float],
    second: tuple[float, float],
    n: int,
    drop: float,
    beside: float,
    wins: bool,
) -> None:
    """Powers of R's SPCDAnalyze 0.1 (numbers.md E43, E44), 2,048 trials, k = 4.

    The closed form is that of large trials with groups of fixed size; binomial counts of groups by
    chance give 0.9137 and 0.6932 (200,000 simulations).
    """
    scenario = shares(tmp_path, first, second, n, drop)
    plan = planned(first, second, n=n, drop_out=drop)
    assert plan.power == pytest.approx(beside, abs=1e-4)
    power = rejected(scenario, "effect", "stages").mean()
    parallel = rejected(conventional(scenario), "effect", "stages").mean()
    for found, wanted in ((power, plan.power), (parallel, plan.conventional_power)):
        error = np.sqrt(wanted * (1 - wanted) / (1024 * BLOCKS))
        assert found == pytest.approx(wanted, abs=4 * error)
    assert (power > parallel) == wins


@pytest.mark.slow
@pytest.mark.parametrize("which", [SCORE, COURSES])
def test_sizes_of_two_stages(which: str) -> None:
    """Within four Monte Carlo standard errors of the level, 2,048 trials of the shipped size."""
    if which == SCORE:
        found = rejected(world(SCORE, {"truth.uncertainty": "fixed"}), "no_effect", "both_stages")
    else:
        whole = regression_only({"design.randomise.n": 120})
        found = rejected(whole, "no_effect", "high_or_low")
    error = np.sqrt(0.025 * 0.975 / found.size)
    assert found.mean() == pytest.approx(0.025, abs=4 * error)
