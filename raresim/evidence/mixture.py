"""Mixtures of two normals, held to a range, found from a table of five quantiles or more.

    F(x) = (G(x) - G(a)) / (G(b) - G(a)),  G(x) = w Phi((x - m1) / s1) + (1 - w) Phi((x - m2) / s2)

The five numbers make the sum of the squared misses of the table's values least, from three starts
that cut the table in two; the same table gives the same numbers. Five levels are needed to tell
five numbers.
Source: Titterington, Smith & Makov, Statistical Analysis of Finite Mixture Distributions, Wiley
1985 (fits by least distance); trust-region least squares of SciPy.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.special import expit, logit, ndtr

from raresim.errors import InputError, Problem
from raresim.evidence.statistics import Floats

LEAST_LEVELS = 5
TOLERANCE = 0.01
"""Largest miss of a value that passes, as a share of the distance between the outer values."""


@dataclass(frozen=True)
class NormalMixture:
    """Two normals with weights, held to a range.

    `weights`, `means` and `sds` have two entries.
    """

    weights: Floats
    means: Floats
    sds: Floats
    lower: float = -np.inf
    upper: float = np.inf

    def quantile(self, u: Floats) -> Floats:
        """Return the values at cumulative probabilities `u`: a table, then Newton inside it."""
        x = np.unique(np.clip(np.ravel(self._nodes), self.lower, self.upper))
        reached = np.maximum.accumulate(self.cdf(x))
        above = np.clip(np.searchsorted(reached, u), 1, x.size - 1)
        low, high = x[above - 1], x[above]
        part = (u - reached[above - 1]) / np.maximum(reached[above] - reached[above - 1], 1e-300)
        found = low + np.clip(part, 0, 1) * (high - low)
        for _ in range(4):
            step = (self.cdf(found) - u) / np.maximum(self.density(found), 1e-300)
            found = np.clip(found - step, low, high)
        return np.asarray(found)

    @property
    def _nodes(self) -> Floats:
        """Values from ten SDs below to ten SDs above either mean."""
        return np.asarray(self.means + self.sds * np.linspace(-10, 10, 2001)[:, None])

    def cdf(self, x: Floats) -> Floats:
        """Return the share at or below values."""
        low, high = self._below(np.array([self.lower, self.upper]))
        return np.asarray((self._below(x) - low) / max(high - low, 1e-300))

    def density(self, x: Floats) -> Floats:
        """Return the density at values inside the range."""
        z = (x[..., None] - self.means) / self.sds
        low, high = self._below(np.array([self.lower, self.upper]))
        parts = np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * self.sds)
        return np.asarray(parts @ self.weights / max(high - low, 1e-300))

    def _below(self, x: Floats) -> Floats:
        first, second = (ndtr((x - m) / s) for m, s in zip(self.means, self.sds, strict=True))
        return np.asarray(self.weights[0] * first + self.weights[1] * second)

    def describe(self) -> str:
        """Return the two normals and their weights."""
        parts = zip(self.weights, self.means, self.sds, strict=True)
        told = " and ".join(f"{100 * w:.3g} % normal({m:.4g}, {s:.4g})" for w, m, s in parts)
        return f"mixture of {told} on {self.lower:g} to {self.upper:g}"

    def rows(self, chosen: slice) -> NormalMixture:
        """Return the distribution itself: it is the same in all replicates."""
        return self


def mixture(levels: Floats, values: Floats, lower: float, upper: float) -> NormalMixture:
    """Return the mixture that has a table's values at their levels, as nearly as can be.

    Raises
    ------
    InputError
        When there are fewer than five levels, or the best mixture misses a value by more than one
        per cent of the distance between the outer ones.
    """
    if len(values) < LEAST_LEVELS:
        message = f"{len(values)} quantiles do not tell a mixture of two normals"
        mend = "remove 'family', or state 'quantiles' at more levels"
        raise InputError(Problem(message, expected=f"{LEAST_LEVELS} quantiles or more", mend=mend))
    law, missed, at = _fitted(tuple(levels), tuple(values), lower, upper)
    if missed > TOLERANCE:
        message = (
            f"no mixture of two normals has these quantiles: the best misses {at:g} by "
            f"{100 * missed:.2g} % of the distance between the outer ones"
        )
        mend = "remove 'family': the law in pieces goes through all of them"
        raise InputError(Problem(message, expected=f"{100 * TOLERANCE:g} % at most", mend=mend))
    return law


@functools.lru_cache(maxsize=64)
def _fitted(
    levels: tuple[float, ...], values: tuple[float, ...], lower: float, upper: float
) -> tuple[NormalMixture, float, float]:
    """Return the best mixture, its largest miss as a share of the width, and the value missed."""
    p, x = np.array(levels), np.array(values)
    width = x[-1] - x[0]

    def law(free: Floats) -> NormalMixture:
        weight = expit(free[0])
        means, sds = x[0] + width * free[1:3], width * np.exp(free[3:])
        return NormalMixture(np.array([weight, 1 - weight]), means, sds, lower, upper)

    def misses(free: Floats) -> Floats:
        return np.asarray((law(free).quantile(p) - x) / width)

    lowest, highest = [-4, -1, -1, *[np.log(0.01)] * 2], [4, 2, 2, *[np.log(3)] * 2]
    found = [
        least_squares(misses, start, bounds=(lowest, highest), xtol=1e-12, ftol=1e-12, gtol=1e-12)
        for start in _starts(p, (x - x[0]) / width)
    ]
    best = min(found, key=lambda one: float(one.cost))
    missed = np.abs(misses(best.x))
    at = int(np.argmax(missed))
    return _ordered(law(best.x)), float(missed[at]), float(x[at])


def _starts(p: Floats, place: Floats) -> list[list[float]]:
    """Return starts that cut the table at a quarter, half and three quarters of the patients."""
    found = []
    for cut in (0.25, 0.5, 0.75):
        levels = logit([0.25 * cut, 0.5 * cut, 0.75 * cut])
        more = logit([cut + part * (1 - cut) for part in (0.25, 0.5, 0.75)])
        first, second = (np.interp(at, logit(p), place) for at in (levels, more))
        sds = [max(float(part[2] - part[0]) / 1.349, 0.03) for part in (first, second)]
        found.append([float(logit(cut)), float(first[1]), float(second[1]), *np.log(sds)])
    return found


def _ordered(law: NormalMixture) -> NormalMixture:
    """Return the law with the lower mean first."""
    order = np.argsort(law.means, kind="stable")
    weights, means, sds = law.weights[order], law.means[order], law.sds[order]
    return NormalMixture(weights, means, sds, law.lower, law.upper)
