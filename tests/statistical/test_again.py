"""The winner of many equal designs looks better than it is; on fresh seeds it does not."""

from __future__ import annotations

import numpy as np

from raresim.questions.again import FRESH, best, limits
from raresim.streams import Luck
from raresim.study.montecarlo import proportion

DESIGNS, TRIALS, SEEDS, POWER = 20, 2000, 100, 0.8


def hits(seed: int, design: str) -> np.ndarray:
    """Return the successes of a design whose power is known."""
    drawn = [Luck(seed, block).uniform(design, 1)[:, 0] for block in range(2)]
    return (np.concatenate(drawn)[:TRIALS] < POWER).astype(float)


def test_the_interval_of_the_winner_covers_the_truth() -> None:
    looked, covered = [], 0
    for seed in range(1, SEEDS + 1):
        rates = {f"design {k}": hits(seed, f"design {k}") for k in range(DESIGNS)}
        winner = best(rates)
        looked.append(rates[winner].mean())
        again = proportion(hits(seed + FRESH, winner), np.arange(TRIALS))
        low, high = limits(again)
        covered += low <= POWER <= high
    assert 0.814 < np.mean(looked) < 0.820  # it looks like .817
    assert covered >= 75
