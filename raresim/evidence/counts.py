"""Whole numbers from a mean and an SD: negative binomial above a bound, beta-binomial on a range.

    negative binomial  theta = m² / (SD² - m), P(X <= k) = I(theta, k + 1; theta / (theta + m))
    beta-binomial      of N steps, with mean share s = m / N, between a binomial and two ends:
                       rho = (SD² / (N s (1 - s)) - 1) / (N - 1), shapes s (1 / rho - 1) and
                       (1 - s) (1 / rho - 1)

I is the regularised incomplete beta function. A value is the least whole number whose cumulative
probability reaches the uniform.
Source: Johnson, Kemp & Kotz, Univariate Discrete Distributions, 3rd edition, Wiley 2005, chapters 5
and 6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaln, gammaln

from raresim.errors import InputError, Problem
from raresim.evidence.statistics import Floats, rows_of

Integers = npt.NDArray[np.int64]

MOST_STEPS = 1000
"""A scale of more steps than this is as good as continuous."""
NEARLY_ALL = 1 - 1e-9
"""Cumulative probability at which a list of probabilities may end."""
LEAST_EXCESS = 0.001
"""A drawn variance is held this much above that of a Poisson or binomial, as a share of it."""


@dataclass(frozen=True)
class NegativeBinomial:
    """A negative binomial that begins at a whole bound, by mean and SD from there."""

    mean: Floats
    sd: Floats
    lower: float = 0.0

    def quantile(self, u: Floats) -> Floats:
        """Return the least whole numbers that reach `u`: a ladder of counts, then bisection."""
        (mean, sd), which = _distinct(self.mean, self.sd, rows=u.shape[0])
        theta = mean**2 / (sd**2 - mean)
        p = theta / (theta + mean)
        ladder = _ladder(float(np.max(mean + 10 * sd + 40 * sd**2 / mean)))
        reached = betainc(theta[:, None], ladder + 1.0, p[:, None])
        rung = _first(np.maximum.accumulate(reached, axis=1), which, u)
        high, low = ladder[rung], np.where(rung > 0, ladder[np.maximum(rung - 1, 0)], -1)
        while True:
            row, unit = np.nonzero(high - low > 1)
            if row.size == 0:
                return np.asarray(self.lower + high.astype(float))
            middle = (low[row, unit] + high[row, unit]) // 2
            mine = which[row]
            enough = betainc(theta[mine], middle + 1.0, p[mine]) >= u[row, unit]
            high[row[enough], unit[enough]] = middle[enough]
            low[row[~enough], unit[~enough]] = middle[~enough]

    def cumulative(self) -> Floats:
        """Return P(X <= lower), P(X <= lower + 1), ... to the tail, of the first replicate."""
        first = self.rows(slice(1))
        top = first.quantile(np.array([[NEARLY_ALL]]))[0, 0] - self.lower
        theta = first.mean**2 / (first.sd**2 - first.mean)
        return np.asarray(betainc(theta, np.arange(top) + 1.0, theta / (theta + first.mean)))

    def describe(self) -> str:
        """Return bound, mean, SD and theta."""
        mean, sd = self.mean[0], self.sd[0]
        numbers = f"mean {mean + self.lower:.4g}, SD {sd:.4g}, theta {mean**2 / (sd**2 - mean):.3g}"
        return f"negative binomial from {self.lower:g} on, {numbers}"

    def rows(self, chosen: slice) -> NegativeBinomial:
        """Return the distribution in some replicates."""
        return NegativeBinomial(rows_of(self.mean, chosen), rows_of(self.sd, chosen), self.lower)


@dataclass(frozen=True)
class BetaBinomial:
    """A beta-binomial on the whole numbers from one bound to another, by mean and SD."""

    mean: Floats
    sd: Floats
    lower: float
    upper: float

    def quantile(self, u: Floats) -> Floats:
        """Return the least whole numbers that reach `u`, from summed probabilities."""
        (mean, sd), which = _distinct(self.mean, self.sd, rows=u.shape[0])
        return np.asarray(self.lower + _first(self._reached(mean, sd), which, u))

    def _reached(self, mean: Floats, sd: Floats) -> Floats:
        """Return cumulative probabilities, a row for each mean and SD."""
        first, second = (shape[:, None] for shape in _shapes(mean, sd, self.lower, self.upper))
        steps = self.upper - self.lower
        k = np.arange(steps + 1)
        ways = gammaln(steps + 1) - gammaln(k + 1) - gammaln(steps - k + 1)
        logs = ways + betaln(k + first, steps - k + second) - betaln(first, second)
        reached = np.cumsum(np.exp(logs), axis=1)
        return np.asarray(reached / reached[:, -1:])

    def cumulative(self) -> Floats:
        """Return P(X <= lower), P(X <= lower + 1), ... but the last, of the first replicate."""
        return np.asarray(self._reached(self.mean[:1], self.sd[:1])[0, :-1])

    def describe(self) -> str:
        """Return bounds, mean and SD."""
        numbers = f"mean {self.mean[0]:.4g}, SD {self.sd[0]:.4g}"
        return f"beta-binomial on {self.lower:g} to {self.upper:g}, {numbers}"

    def rows(self, chosen: slice) -> BetaBinomial:
        """Return the distribution in some replicates."""
        mean, sd = rows_of(self.mean, chosen), rows_of(self.sd, chosen)
        return BetaBinomial(mean, sd, self.lower, self.upper)


def negative_binomial(mean: Floats, sd: Floats, lower: float, upper: float) -> NegativeBinomial:
    """Return the negative binomial from a bound on that has mean and SD.

    Raises
    ------
    InputError
        When the range is none of counts, or patients differ no more than by chance.
    """
    if not float(lower).is_integer() or np.isfinite(upper):
        message = "a negative binomial needs whole numbers without an upper end"
        raise InputError(Problem(message, mend="write 'range: 0 or more', or another family"))
    mean, sd = np.broadcast_arrays(mean - lower, sd)
    if not np.all(sd**2 > mean):
        worst = int(np.argmin(sd**2 / mean))
        message = f"SD {sd[worst]:g} is no larger than a Poisson's about mean {mean[worst]:g}"
        expected = f"more than {np.sqrt(mean[worst]):.4g}, the root of the mean from {lower:g} on"
        mend = (
            "check mean and SD; whole numbers that differ less than by chance have no "
            "negative binomial: state quartiles, 'family: gamma', or 'beta-binomial' on two ends"
        )
        raise InputError(Problem(message, expected=expected, mend=mend))
    return NegativeBinomial(mean, sd, lower)


def beta_binomial(mean: Floats, sd: Floats, lower: float, upper: float) -> BetaBinomial:
    """Return the beta-binomial on a range of whole numbers that has mean and SD.

    Raises
    ------
    InputError
        When the range is none of 2 to 1,000 steps, or the SD is not between a binomial's and that
        of patients who are all at the two ends.
    """
    whole = float(lower).is_integer() and float(upper).is_integer()
    if not (whole and 2 <= upper - lower <= MOST_STEPS):
        message = f"a beta-binomial needs a range of whole numbers, of 2 to {MOST_STEPS:,} steps"
        raise InputError(Problem(message, mend="write 'range: 0 to 28', or another family"))
    mean, sd = np.broadcast_arrays(mean, sd)
    least, most = _spreads(mean, lower, upper)
    if not np.all((sd > least) & (sd < most)):
        worst = int(np.argmin(np.minimum(sd - least, most - sd)))
        small = sd[worst] <= least[worst]
        reason = "is no larger than a binomial's" if small else "puts everybody at an end"
        message = f"SD {sd[worst]:g} about mean {mean[worst]:g} {reason}"
        expected = f"between {least[worst]:.4g} and {most[worst]:.4g}, on {lower:g} to {upper:g}"
        mend = "check SD and 'range', or " + (
            "leave 'family' out: a number that differs less is no count of steps"
            if small
            else "state the ends as a category"
        )
        raise InputError(Problem(message, expected=expected, mend=mend))
    return BetaBinomial(mean, sd, lower, upper)


def held(
    printed: float, mean: Floats, sd: Floats, lower: float, upper: float
) -> tuple[Floats, Floats]:
    """Hold the rare draw of mean and SD that the family does not have at the edge of it.

    Variances stay LEAST_EXCESS above chance; on a range with two ends SDs stay 0.1 % below the most
    that there can be, and means a hundredth inside the range.
    """
    if np.isinf(upper):
        mean = np.maximum(mean, lower + 0.01 * (printed - lower))
        return mean, np.maximum(sd, np.sqrt((1 + LEAST_EXCESS) * (mean - lower)))
    edge = 0.01 * (upper - lower)
    mean = np.clip(mean, lower + edge, upper - edge)
    least, most = _spreads(mean, lower, upper)
    return mean, np.clip(sd, (1 + LEAST_EXCESS) * least, (1 - LEAST_EXCESS) * most)


def _spreads(mean: Floats, lower: float, upper: float) -> tuple[Floats, Floats]:
    """Return the SD of a binomial and that of patients at the two ends."""
    steps = upper - lower
    share = (mean - lower) / steps
    chance = np.asarray(np.sqrt(steps * share * (1 - share)))
    return chance, np.asarray(chance * np.sqrt(steps))


def _shapes(mean: Floats, sd: Floats, lower: float, upper: float) -> tuple[Floats, Floats]:
    """Return both shapes of the beta behind a beta-binomial."""
    steps = upper - lower
    share = (mean - lower) / steps
    rho = (sd**2 / (steps * share * (1 - share)) - 1) / (steps - 1)
    total = 1 / rho - 1
    return np.asarray(share * total), np.asarray((1 - share) * total)


def _ladder(top: float) -> Integers:
    """Return counts from 0 to `top` or beyond: each to 128, then in steps of a 128th.

    >>> _ladder(133.0)[-4:].tolist()
    [128, 130, 132, 134]
    """
    rungs = list(range(129))
    while rungs[-1] < top:
        rungs.append(rungs[-1] + rungs[-1] // 128 + 1)
    return np.array(rungs, np.int64)


def _distinct(mean: Floats, sd: Floats, rows: int) -> tuple[Floats, Integers]:
    """Return the distinct pairs of mean and SD, shape (2, pairs), and which pair each row has."""
    pairs, which = np.unique(np.stack([mean, sd]), axis=1, return_inverse=True)
    return np.asarray(pairs), np.broadcast_to(np.ravel(which), (rows,))


def _first(reached: Floats, which: Integers, u: Floats) -> Integers:
    """Return for each uniform the first column in which its row's ascending table reaches it."""
    found = np.empty(u.shape, np.int64)
    for pair, table in enumerate(reached):
        mine = which == pair
        found[mine] = np.searchsorted(table, u[mine])
    return np.asarray(np.minimum(found, reached.shape[1] - 1))
