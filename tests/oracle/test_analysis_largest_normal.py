"""The largest of correlated normal values against integrals of another form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import chdtrc, ndtr

from raresim.analysis.survival.largest_normal import largest_exceeds

TURN = 2.0 * np.pi * (np.arange(200_000) + 0.5) / 200_000


def of_one_factor(bound: float, r: float, number: int, faces: int) -> float:
    """Return P(max >= bound) of values that are correlated by one common factor."""

    def within(t: float) -> float:
        low = -np.inf if faces == 1 else (-bound - np.sqrt(r) * t) / np.sqrt(1.0 - r)
        all_of = ndtr((bound - np.sqrt(r) * t) / np.sqrt(1.0 - r)) - ndtr(low)
        return float(np.exp(-t * t / 2.0) / np.sqrt(2.0 * np.pi) * all_of**number)

    turns = [bound / np.sqrt(r), -bound / np.sqrt(r)]
    return 1.0 - float(quad(within, -12.0, 12.0, points=turns, epsabs=1e-13, limit=500)[0])


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("r", [0.3, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("bound", [-1.0, 0.4, 1.7, 3.0])
def test_equally_correlated_values(bound: float, r: float, absolute: bool) -> None:
    if absolute and bound < 0.0:
        return
    for number in (2, 3, 4):
        equal = np.full((1, number, number), r) + (1.0 - r) * np.eye(number)
        found = largest_exceeds(np.array([bound]), equal, absolute=absolute)[0]
        want = of_one_factor(bound, r, number, 2 if absolute else 1)
        assert found == pytest.approx(want, abs=1e-8)


@pytest.mark.parametrize("absolute", [False, True])
def test_values_of_two_dimensions(absolute: bool) -> None:
    """All values are shadows of one point of a plane, seen from directions less than 90° apart."""
    rng = np.random.default_rng(4)
    for _ in range(40):
        angle, bound = np.sort(rng.uniform(0.0, np.pi / 2.0, 4)), rng.uniform(0.3, 3.0)
        if np.min(np.diff(angle)) < 0.01:  # values that are nearly one are another matter
            continue
        shadow = np.cos(angle[:, None] - TURN)
        highest = np.max(np.abs(shadow) if absolute else shadow, axis=0)
        facing = highest > 0.0
        reach = (bound / np.where(facing, highest, 1.0)) ** 2
        want = float(np.mean(np.where(facing, chdtrc(2, reach), 0.0)))
        found = largest_exceeds(
            np.array([bound]), np.cos(angle[:, None] - angle)[None], absolute=absolute
        )[0]
        assert found == pytest.approx(want, abs=1e-8)
