"""Type I error of the shipped designs under no effect, 20,000 replicates."""

from __future__ import annotations

import numpy as np
import pytest

from raresim.analysis import Note
from raresim.trial import load_scenario, run_block
from raresim.trial.looks.look import Look
from tests.worlds import ATAXIA, CGD

BLOCKS, LAST = 20, 544  # 19 whole luck blocks and 544: 20,000 replicates
REPLICATES = 19 * 1024 + LAST


def records(name: str, wanted: list[Look]) -> dict[Look, dict[str, np.ndarray]]:
    scenario = load_scenario(name)
    parts = []
    for block in range(BLOCKS):
        size = 1024 if block < BLOCKS - 1 else LAST
        parts.append(run_block(scenario, "no_effect", 31, block, replicates=size).analyst.records)
    return {
        look: {key: np.concatenate([part[look][key] for part in parts]) for key in parts[0][look]}
        for look in wanted
    }


def error(share: float) -> float:
    return float(np.sqrt(share * (1 - share) / REPLICATES))


@pytest.mark.slow
def test_the_group_sequential_logrank_holds_its_level_and_the_counts_are_honest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    looks = [
        Look("interim", "infection_free"),
        Look("final", "infection_free"),
        Look("final", "infection_rate"),
    ]
    found = records(CGD, looks)
    rejected = found[looks[0]]["rejected"] | found[looks[1]]["rejected"]
    assert len(rejected) == REPLICATES
    size = float(rejected.mean())
    assert size <= 0.025 + 3 * error(0.025)
    assert size >= 0.025 - 5 * error(0.025)  # the level is used, not given away
    counts = found[looks[2]]
    rate = float(counts["rejected"].mean())
    with capsys.disabled():
        print(f"\nlog-rank size {size:.4f} (MCSE {error(size):.4f}); ", end="")
        print(f"negative-binomial Wald size {rate:.4f} (MCSE {error(rate):.4f})")
    if rate > 0.025 + 3 * error(0.025):
        warned = (counts["notes"] & Note.SIZE_ABOVE_NOMINAL.value) > 0
        assert warned[counts["analysed"]].all()


@pytest.mark.slow
def test_ancova_holds_its_level() -> None:
    look = Look("final", "change")
    found = records(ATAXIA, [look])[look]
    size = float(found["rejected"].mean())
    assert size <= 0.025 + 3 * error(0.025)
    assert size >= 0.025 - 5 * error(0.025)
