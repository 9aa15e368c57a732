"""Skewed and bounded families, each found from a mean and an SD, by their quantile functions.

    log-normal  s² = log(1 + (SD / m)²), mu = log m - s² / 2         (above a bound, m from there)
    gamma       shape (m / SD)², scale SD² / m                       (above a bound)
    Weibull     shape k where SD / m = sqrt(G(1 + 2/k) / G(1 + 1/k)² - 1), scale m / G(1 + 1/k)
    beta        on an interval, from the mean and SD as shares of it

Source: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions, volumes 1 and 2, Wiley
1994 and 1995 (moments of each family).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import gammaln, ndtri

from raresim.errors import InputError, Problem
from raresim.evidence.statistics import Floats, rows_of
from raresim.evidence.tabulated import beta_quantile, gamma_quantile

Family = Literal[
    "normal", "log-normal", "gamma", "weibull", "beta",
    "negative binomial", "beta-binomial", "metalog", "mixture",
]  # fmt: skip
"""Families that a file may name; normal is the one held between the bounds."""

WHOLE = ("negative binomial", "beta-binomial")
"""Families of whole numbers, by mean and SD (see `counts`)."""
OF_QUANTILES = ("metalog", "mixture")
"""Families that go through quantiles (see `metalog` and `mixture`)."""

LEAST_SHAPE = 0.1
"""Below it a beta has nearly all its patients at an end: two states and no distribution."""


@dataclass(frozen=True)
class AboveBound:
    """A log-normal, gamma or Weibull that begins at a lower bound, by mean and SD from there."""

    family: Family
    mean: Floats
    sd: Floats
    lower: float = 0.0

    def quantile(self, u: Floats) -> Floats:
        """Return the values at cumulative probabilities `u`, shape (replicates, units)."""
        mean, sd = self.mean[:, None], self.sd[:, None]
        if self.family == "log-normal":
            s = np.sqrt(np.log1p((sd / mean) ** 2))
            return np.asarray(self.lower + mean * np.exp(s * ndtri(u) - 0.5 * s**2))
        if self.family == "gamma":
            shape = (mean / sd) ** 2
            drawn = gamma_quantile(shape[:, 0], u)
            return np.asarray(self.lower + drawn * mean / shape)
        k = weibull_shape(self.sd / self.mean)[:, None]
        scale = mean / np.exp(gammaln(1 + 1 / k))
        return np.asarray(self.lower + scale * (-np.log1p(-u)) ** (1 / k))

    def describe(self) -> str:
        """Return family, mean and SD."""
        mean = self.mean[0] + self.lower
        return f"{self.family} above {self.lower:g}, mean {mean:.4g}, SD {self.sd[0]:.4g}"

    def rows(self, chosen: slice) -> AboveBound:
        """Return the distribution in some replicates."""
        mean, sd = rows_of(self.mean, chosen), rows_of(self.sd, chosen)
        return AboveBound(self.family, mean, sd, self.lower)


@dataclass(frozen=True)
class ScaledBeta:
    """A beta on an interval, by mean and SD."""

    mean: Floats
    sd: Floats
    lower: float
    upper: float

    def quantile(self, u: Floats) -> Floats:
        """Return the values at cumulative probabilities `u`, shape (replicates, units)."""
        width = self.upper - self.lower
        m, v = (self.mean - self.lower) / width, (self.sd / width) ** 2
        total = m * (1 - m) / v - 1
        return np.asarray(self.lower + width * beta_quantile(m * total, (1 - m) * total, u))

    def describe(self) -> str:
        """Return bounds, mean and SD."""
        numbers = f"mean {self.mean[0]:.4g}, SD {self.sd[0]:.4g}"
        return f"beta on {self.lower:g} to {self.upper:g}, {numbers}"

    def rows(self, chosen: slice) -> ScaledBeta:
        """Return the distribution in some replicates."""
        mean, sd = rows_of(self.mean, chosen), rows_of(self.sd, chosen)
        return ScaledBeta(mean, sd, self.lower, self.upper)


def above(family: Family, mean: Floats, sd: Floats, lower: float, upper: float) -> AboveBound:
    """Return the family's member above a bound that has mean and SD.

    Raises
    ------
    InputError
        When the range does not fit the family, or the mean lies below the bound.
    """
    if not np.isfinite(lower) or np.isfinite(upper):
        message = f"a {family} distribution needs a range without an upper end"
        raise InputError(Problem(message, mend="write 'range: 0 or more', or 'family: beta'"))
    if not np.all(mean > lower):
        message = f"mean {float(np.min(mean)):g} does not lie above {lower:g}"
        raise InputError(Problem(message, mend="check the mean and 'range'"))
    distance, sd = np.broadcast_arrays(mean - lower, sd)
    return AboveBound(family, distance, sd, lower)


def beta(mean: Floats, sd: Floats, lower: float, upper: float) -> ScaledBeta:
    """Return the beta on an interval that has mean and SD.

    Raises
    ------
    InputError
        When the interval is not finite, or no distribution on it has this mean and SD.
    """
    if not (np.isfinite(lower) and np.isfinite(upper)):
        message = "a beta distribution needs a range with two ends"
        raise InputError(Problem(message, mend="write 'range: 0 to 100', or another family"))
    most = widest_beta(mean, lower, upper)
    if not np.all(sd <= most):
        message = f"SD {float(np.max(sd)):g} puts nearly everybody at an end of the range"
        expected = f"at most {float(np.min(most)):.4g}, on {lower:g} to {upper:g} with this mean"
        mend = "check SD and 'range', or state the ends as a category"
        raise InputError(Problem(message, expected=expected, mend=mend))
    mean, sd = np.broadcast_arrays(mean, sd)
    return ScaledBeta(mean, sd, lower, upper)


def widest_beta(mean: Floats, lower: float, upper: float) -> Floats:
    """Return the largest SD with which both shapes of a beta are at least LEAST_SHAPE."""
    m = (mean - lower) / (upper - lower)
    variance = m * (1 - m) / (1 + LEAST_SHAPE / np.minimum(m, 1 - m))
    return np.asarray((upper - lower) * np.sqrt(variance))


def weibull_shape(variation: Floats) -> Floats:
    """Return the Weibull shape with a coefficient of variation, by bisection on log k.

    >>> weibull_shape(np.array([1.0]))  # the exponential
    array([1.])
    """
    return _bisect(lambda log_k: _log_variation(np.exp(log_k)), np.log(variation))


def _log_variation(k: Floats) -> Floats:
    ratio = np.exp(np.minimum(gammaln(1 + 2 / k) - 2 * gammaln(1 + 1 / k), 700.0))
    return np.asarray(0.5 * np.log(np.maximum(ratio - 1, 1e-300)))


def _bisect(falling: Callable[[Floats], Floats], wanted: Floats) -> Floats:
    """Return exp(x) where a falling function reaches a value, for log k in -4 to 7."""
    low, high = np.full(wanted.shape, -4.0), np.full(wanted.shape, 7.0)
    for _ in range(60):
        middle = 0.5 * (low + high)
        too_large = falling(middle) > wanted
        low, high = np.where(too_large, middle, low), np.where(too_large, high, middle)
    return np.asarray(np.exp(0.5 * (low + high)))
