"""Metalogs: smooth laws whose quantile function is a sum of simple terms, as many as quantiles.

    M(y) = a1 + a2 L + a3 d L + a4 d + a5 d² + a6 d² L + a7 d³ + a8 d³ L + ...,
    L = log(y / (1 - y)), d = y - 1/2

M is the value itself, the logarithm of its distance from a bound, or the logit of its place on an
interval. With as many terms as quantiles the coefficients solve linear equations and the law goes
through every quantile. It is a law only where M ascends, which not all quantiles allow; with three
terms it does where |a3| < 1.66711 a2.
Source: Keelin, The Metalog Distributions, Decision Analysis 2016;13:243-277,
doi:10.1287/deca.2016.0338.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from raresim.errors import InputError, Problem
from raresim.evidence.statistics import Floats
from raresim.evidence.through import inward, outward

MOST_TERMS = 10
"""More terms wave between their points."""
_HALF = np.concatenate([np.geomspace(0.01, 40, 400), [np.inf]])
_GRID = np.concatenate([-_HALF[::-1], [0.0], _HALF])
"""Log odds at which the slope is looked at."""


@dataclass(frozen=True)
class Metalog:
    """A metalog by its coefficients, straight, above a bound or between two."""

    terms: Floats
    lower: float = -np.inf
    upper: float = np.inf

    def quantile(self, u: Floats) -> Floats:
        """Return the values at cumulative probabilities `u`."""
        odds, away = logit(u), u - 0.5
        value = np.full(u.shape, self.terms[0])
        for k, factor in enumerate(self.terms[1:], start=1):
            value = value + factor * _term(k, odds, away)
        return outward(value, self.lower, self.upper)

    def describe(self) -> str:
        """Return range and coefficients."""
        told = ", ".join(f"{term:.4g}" for term in self.terms)
        return f"metalog of {len(self.terms)} terms ({told}) on {self.lower:g} to {self.upper:g}"

    def rows(self, chosen: slice) -> Metalog:
        """Return the distribution itself: it is the same in all replicates."""
        return self


def metalog(levels: Floats, values: Floats, lower: float, upper: float) -> Metalog:
    """Return the metalog through values at their levels.

    Raises
    ------
    InputError
        When no metalog of so many terms goes through them.
    """
    if len(values) > MOST_TERMS:
        message = f"a metalog through {len(values)} quantiles would wave between them"
        mend = "remove 'family': the law in pieces goes through all of them; or state fewer"
        expected = f"{MOST_TERMS} quantiles at most"
        raise InputError(Problem(message, expected=expected, mend=mend))
    terms = _solve(levels, inward(values, lower, upper))
    if not _ascends(terms):
        message = (
            f"no metalog of {len(values)} terms goes through these quantiles: between or beyond "
            "them its density would be negative"
        )
        mend = "remove 'family': the law in pieces goes through any quantiles"
        raise InputError(Problem(message, mend=f"{mend}; or state fewer of them"))
    return Metalog(terms, lower, upper)


def _term(k: int, odds: Floats, away: Floats) -> Floats:
    """Return the k-th term, counted from 0: a power of the distance from the middle, or with L."""
    power, with_odds = _shape(k)
    found = away**power if power else np.ones_like(away)
    return found * odds if with_odds else found


def _shape(k: int) -> tuple[int, bool]:
    """Return the power of d in the k-th term, and whether L stands beside it.

    >>> [_shape(k) for k in range(8)]
    [(0, False), (0, True), (1, True), (1, False), (2, False), (2, True), (3, False), (3, True)]
    """
    return k // 2, (k == 1 or k == 2) if k < 4 else k % 2 == 1


def _solve(levels: Floats, y: Floats) -> Floats:
    """Return the coefficients with which the metalog has y at the levels."""
    odds, away = logit(levels), levels - 0.5
    matrix = np.stack([_term(k, odds, away) for k in range(len(y))], axis=-1)
    return np.asarray(np.linalg.solve(matrix, y))


def _ascends(terms: Floats) -> bool:
    """Return whether M ascends everywhere.

    y (1 - y) dM/dy is looked at on a grid of the log odds, up to both ends.
    """
    y = expit(_GRID)
    spread, away = y * expit(-_GRID), y - 0.5
    odds = np.where(np.isinf(_GRID), 0.0, _GRID)  # L y (1 - y) tends to 0
    slope = np.zeros(y.size)
    for k in range(1, len(terms)):
        power, with_odds = _shape(k)
        steep = power * away ** max(power - 1, 0) * spread
        slope += terms[k] * (steep * odds + away**power if with_odds else steep)
    return bool(np.all(slope > 0))
