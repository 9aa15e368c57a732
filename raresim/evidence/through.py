"""Laws through quantiles: straight pieces by default, a metalog or a mixture where a file asks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from raresim.errors import InputError, Problem
from raresim.evidence.quantile_table import QuantileTable
from raresim.evidence.statistics import Floats, Quantiles, Uniform, rows_of

QUARTERS = {"q1": 0.25, "median": 0.5, "q3": 0.75}


@dataclass(frozen=True)
class SplitLogistic:
    """A logistic in pieces through three quantiles or more, straight, or after a log or a logit.

    The logit is that of a place on an interval, the logarithm that of the distance from a bound.

    The transformed value is a straight line in logit(u) between two points, and beyond the outer
    ones it goes on: any ascending quantiles can be met exactly, at any levels, however skew.
    Two-piece distributions: Wallis, Statistical Science 2014;29:106-112.

    `levels` and `values` (transformed) have shape (replicates, points).
    """

    levels: Floats
    values: Floats
    lower: float = -np.inf
    upper: float = np.inf

    def quantile(self, u: Floats) -> Floats:
        """Return the values at cumulative probabilities `u`."""
        odds = logit(self.levels)[:, :, None]
        y = self.values[:, :, None]
        at = logit(u)
        slope = (y[:, 1] - y[:, 0]) / (odds[:, 1] - odds[:, 0])
        value = y[:, 1] + slope * (at - odds[:, 1])
        for k in range(1, y.shape[1] - 1):
            slope = (y[:, k + 1] - y[:, k]) / (odds[:, k + 1] - odds[:, k])
            since = at - odds[:, k]
            value = np.where(since < 0, value, y[:, k] + slope * since)
        return outward(value, self.lower, self.upper)

    def describe(self) -> str:
        """Return family and parameters."""
        places = ", ".join(f"{level:.3g}" for level in self.levels[0])
        pieces = self.levels.shape[1] - 1
        name = "two" if pieces == 2 else str(pieces)
        return f"{name}-piece logistic at {places} on {self.lower:g} to {self.upper:g}"

    def rows(self, chosen: slice) -> SplitLogistic:
        """Return the distribution in some replicates."""
        levels, values = rows_of(self.levels, chosen), rows_of(self.values, chosen)
        return SplitLogistic(levels, values, self.lower, self.upper)


def inward(values: Floats, lower: float, upper: float) -> Floats:
    """Return values as they are, as logarithms above a bound, or as logits on an interval."""
    if np.isfinite(upper):
        return np.asarray(logit((values - lower) / (upper - lower)))
    return np.asarray(np.log(values - lower) if np.isfinite(lower) else values)


def outward(value: Floats, lower: float, upper: float) -> Floats:
    """Return the way back from `inward`; what no computer holds becomes the largest number."""
    if np.isinf(lower):
        return np.asarray(value)
    if np.isinf(upper):
        return np.asarray(lower + np.exp(np.minimum(value, 700.0)))
    return np.asarray(lower + (upper - lower) * expit(value))


def points(
    statistic: Quantiles | QuantileTable, bounds: tuple[float, float], uniform: Uniform | None
) -> tuple[Floats, Floats]:
    """Return the levels, shape (replicates, points), and the values that stand at them.

    Raises
    ------
    InputError
        When a value does not lie inside the bounds.
    """
    printed = statistic.numbers()
    values = np.array(list(printed.values()))
    lower, upper = bounds
    if not (lower < values[0] and values[-1] < upper):
        what = "quartiles" if isinstance(statistic, Quantiles) else "quantiles"
        told = ", ".join(f"{value:g}" for value in values)
        message = f"{what} {told} do not lie inside {lower:g} to {upper:g}"
        raise InputError(Problem(message, mend=f"check the {what} and 'range'"))
    if uniform is None:
        of_table = statistic.levels if isinstance(statistic, QuantileTable) else None
        return np.array([of_table or list(QUARTERS.values())]), values
    drawn = statistic.draw(uniform)
    return np.stack([drawn[name] for name in printed], axis=-1), values
