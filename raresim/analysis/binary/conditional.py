"""The distribution of the treated events given all margins, exactly.

Given the margins of each stratum the number of treated events has weights w(x) psi^x, psi the
common odds ratio. The weights are products of binomial coefficients, kept as whole numbers, so
that p-values at psi = 1 are correctly rounded and equal probabilities are equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import comb, log

import numpy as np

from raresim.analysis.arrays import FloatArray, IntArray, ordered_sum
from raresim.analysis.newton import Score, solve_score

# R's fisher.test and binom.test count a table as no more likely than the one seen when its
# probability is at most that of the one seen times this
ROUNDING = 10**7

Tails = tuple[float, float, float, float, float]


@dataclass(frozen=True)
class Conditional:
    """Weights of the treated events ``low``, ``low`` + 1, ...

    Attributes
    ----------
    low
        Least number of treated events.
    weights
        Whole numbers proportional to the probabilities at odds ratio 1.
    """

    low: int
    weights: tuple[int, ...]

    def tails(self, events: int) -> Tails:
        """Give P(X <= x), P(X >= x), P(X = x), all no likelier than x, all as likely as x."""
        x, total = events - self.low, sum(self.weights)
        seen = self.weights[x]
        rarer = [w for w in self.weights if w * ROUNDING <= seen * (ROUNDING + 1)]
        tied = sum(w for w in rarer if seen * ROUNDING <= w * (ROUNDING + 1))
        below = sum(self.weights[: x + 1])
        above = sum(self.weights[x:])
        return below / total, above / total, seen / total, sum(rarer) / total, tied / total


@lru_cache(maxsize=4096)
def hypergeometric(patients_0: int, patients_1: int, events: int) -> Conditional:
    """Give the distribution of the treated events of one 2 by 2 table with these margins."""
    low, high = max(0, events - patients_0), min(events, patients_1)
    return Conditional(
        low,
        tuple(comb(patients_1, x) * comb(patients_0, events - x) for x in range(low, high + 1)),
    )


@lru_cache(maxsize=4096)
def fisher_tails(patients_0: int, patients_1: int, events: int) -> tuple[Tails, ...]:
    """Give `Conditional.tails` for every possible number of treated events, in order."""
    found = hypergeometric(patients_0, patients_1, events)
    return tuple(found.tails(found.low + x) for x in range(len(found.weights)))


def sum_of_strata(strata: Sequence[tuple[int, int, int]]) -> Conditional:
    """Give the distribution of the treated events summed over strata of these margins."""
    low = 0
    weights: tuple[int, ...] = (1,)
    for margins in strata:
        one = hypergeometric(*margins)
        low += one.low
        sums = [0] * (len(weights) + len(one.weights) - 1)
        for i, a in enumerate(weights):
            for j, b in enumerate(one.weights):
                sums[i + j] += a * b
        weights = tuple(sums)
    return Conditional(low, weights)


def one_sided_table(patients_0: int, patients_1: int) -> FloatArray:
    """Give Fisher's p-value of 'greater' for every table, (patients_0 + 1, patients_1 + 1)."""
    found = np.empty((patients_0 + 1, patients_1 + 1))
    for events in range(patients_0 + patients_1 + 1):
        one = hypergeometric(patients_0, patients_1, events)
        above = list(accumulate(reversed(one.weights)))[::-1]
        for x, tail in enumerate(above):
            found[events - one.low - x, one.low + x] = tail / above[0]
    return found


def odds_ratio(
    families: Sequence[Conditional], events: IntArray, tail: float, *, mid_p: bool = False
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the conditional maximum-likelihood odds ratio and its exact limits.

    The lower limit solves P(X >= x) = tail, the upper one P(X <= x) = tail; with ``mid_p`` only
    half of P(X = x) counts. At the ends of the support the estimate and a limit are 0 or
    infinite; with a support of one point the limits are 0 and infinite and there is no estimate.

    Parameters
    ----------
    families
        One distribution for each of U tables.
    events
        (U,) treated events seen.
    tail
        Probability in each tail, such as 0.025.
    """
    weights, at = _log_weights(families, events)
    last = np.array([len(family.weights) - 1 for family in families], dtype=np.int64)
    steps = np.arange(weights.shape[1], dtype=np.float64)

    def moments(theta: FloatArray, rows: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        exponent = weights[rows] + theta[:, None] * steps
        chance = np.exp(exponent - np.max(exponent, axis=1)[:, None])
        chance = chance / ordered_sum(chance)[:, None]
        return chance, ordered_sum(chance * steps), at[rows].astype(np.float64)

    def mean_score(theta: FloatArray, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        chance, mean, seen = moments(theta, rows)
        return seen - mean, ordered_sum(chance * (steps - mean[:, None]) ** 2)

    def tail_score(sign: int) -> Score:
        def score(theta: FloatArray, rows: IntArray) -> tuple[FloatArray, FloatArray]:
            chance, mean, seen = moments(theta, rows)
            share = (sign * (steps - seen[:, None]) > 0.0) + (0.5 if mid_p else 1.0) * (
                steps == seen[:, None]
            )
            part = chance * share
            total = np.maximum(ordered_sum(part), 1e-300)
            slope = sign * (ordered_sum(part * steps) / total - mean)
            return sign * (np.log(tail) - np.log(total)), slope

        return score

    free = last > 0
    ends = (at == 0, at == last)
    start = np.log((at + 0.5) / (last - at + 0.5))
    middle = free & ~ends[0] & ~ends[1]
    estimate = np.where(free, np.where(ends[0], -np.inf, np.inf), np.nan)
    lower, upper = np.full(at.shape, -np.inf), np.full(at.shape, np.inf)
    for target, score, rows in (
        (estimate, mean_score, np.flatnonzero(middle)),
        (lower, tail_score(1), np.flatnonzero(free & ~ends[0])),
        (upper, tail_score(-1), np.flatnonzero(free & ~ends[1])),
    ):
        target[rows], _ = solve_score(score, start[rows], rows)
    return np.exp(estimate), np.exp(lower), np.exp(upper)


def _log_weights(families: Sequence[Conditional], events: IntArray) -> tuple[FloatArray, IntArray]:
    """Lay out the logarithms of the weights (U, W), -inf in padding, and the place of x."""
    width = max((len(family.weights) for family in families), default=1)
    found = np.full((len(families), width), -np.inf)
    for u, family in enumerate(families):
        found[u, : len(family.weights)] = [log(w) for w in family.weights]
    low = np.array([family.low for family in families], dtype=np.int64)
    return found, events - low
