"""Chances to be the best, and trials that follow them, against the R package adaptr 1.4.0.

Numbers: adaptr.json of an independent set (items adaptr_prob_best_beta_binomial_closedform,
adaptr_equal_2arm_defaults, adaptr_3arm_best). Trials there: 1,000, with 5,000 draws at each look.
Rules, as adaptr's manual has them: arms whose chance to be the best is below `inferiority` are
dropped, again and again as long as there is one; then the trial stops where a chance is above
`superiority`; else the next patients are allotted by the chances, not below the floors. Tolerance:
4 standard errors of both simulations together.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from raresim.analysis.bayesian import best_share
from raresim.randomisation import adaptive_parts

TRIALS = 1500
Numbers = npt.NDArray[np.float64]


def test_two_arms_are_those_of_the_integral() -> None:
    found = best_share(np.array([[15.0, 20.0]]), np.array([[50.0, 50.0]]))
    assert found[0] == pytest.approx([0.150108189352058, 0.849891810647942], abs=1e-10)


def test_three_arms_are_those_of_two_million_draws() -> None:
    found = best_share(np.array([[10.0, 14.0, 18.0]]), np.full((1, 3), 40.0))
    for ours, theirs in zip(found[0], (0.0189575, 0.178337, 0.8027055), strict=True):
        assert abs(ours - theirs) <= 4 * math.sqrt(theirs * (1 - theirs) / 2e6)


def trials(
    shares: list[float], looks: list[int], floor: float, *, inferior: float, superior: float
) -> tuple[Numbers, Numbers]:
    """Return the patients of each trial and whether one arm was found superior."""
    rng, arms = np.random.default_rng(11), len(shares)
    n, events = np.zeros((2, TRIALS, arms))
    parts = np.ones((TRIALS, arms))
    open_, going = np.ones((TRIALS, arms), bool), np.ones(TRIALS, bool)
    size, won = np.zeros(TRIALS), np.zeros(TRIALS)
    for new, look in zip(np.diff(looks, prepend=0), looks, strict=True):
        rows = np.flatnonzero(going)
        more = rng.multinomial(new, parts[rows] / parts[rows].sum(axis=1, keepdims=True))
        n[rows] += more
        events[rows] += rng.binomial(more, shares)
        size[rows] = look
        best = best_share(events[rows], n[rows], highest=False, among=open_[rows])
        while (low := open_[rows] & (best < inferior)).any():
            open_[rows] &= ~low
            best = best_share(events[rows], n[rows], highest=False, among=open_[rows])
        done = best.max(axis=1) > superior
        won[rows], going[rows] = done, ~done
        told = np.where(open_[rows], best, np.nan)[~done]
        parts[rows[~done]] = adaptive_parts(told, floor, 1.0)
    return size, won


def close(ours: Numbers, theirs: float, sd: float) -> bool:
    return abs(ours.mean() - theirs) <= 4 * sd * math.sqrt(1 / TRIALS + 1 / 1000)


@pytest.mark.parametrize(
    ("shares", "looks", "floor", "size", "sd", "superior"),
    [
        ([0.25, 0.25], [200, 400, 600, 800, 1000], 0.0, 977.8, 116.793838882027, 0.047),
        ([0.3, 0.3, 0.2], [100, 200, 300, 400], 0.15, 376.4, 61.374317159597, 0.217),
    ],
)
def test_trials_stop_as_often_as_adaptrs(
    shares: list[float], looks: list[int], floor: float, size: float, sd: float, superior: float
) -> None:
    patients, won = trials(shares, looks, floor, inferior=0.01, superior=0.99)
    assert close(patients, size, sd), patients.mean()
    assert close(won, superior, math.sqrt(superior * (1 - superior))), won.mean()
