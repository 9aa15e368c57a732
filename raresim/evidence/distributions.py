"""From statistics to distributions, each with a quantile function that works on whole blocks.

Parameters are arrays with a leading replicate axis, of length one where they do not differ between
replicates; `quantile` takes uniforms of shape (replicates, units).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

from raresim.errors import InputError, Problem
from raresim.evidence import families
from raresim.evidence.families import Family
from raresim.evidence.statistics import Floats, Mean, Quantiles, Uniform, rows_of

Bounds = tuple[float, float]


class Distribution(Protocol):
    """A distribution of one number, by its quantile function."""

    def quantile(self, u: Floats) -> Floats:
        """Return the values at cumulative probabilities `u`, shape (replicates, units)."""
        ...

    def describe(self) -> str:
        """Return family and parameters as a line for people."""
        ...

    def rows(self, chosen: slice) -> Distribution:
        """Return the distribution in some replicates."""
        ...


@dataclass(frozen=True)
class TruncatedNormal:
    """A normal held between two bounds; `mu` and `sigma` are those before truncation."""

    mu: Floats
    sigma: Floats
    lower: float = -np.inf
    upper: float = np.inf

    def quantile(self, u: Floats) -> Floats:
        """Invert the conditional CDF: mu + sigma Phi^-1(Phi(a) + u (Phi(b) - Phi(a)))."""
        mu, sigma = self.mu[:, None], self.sigma[:, None]
        low, high = ndtr((self.lower - mu) / sigma), ndtr((self.upper - mu) / sigma)
        return np.clip(mu + sigma * ndtri(low + u * (high - low)), self.lower, self.upper)

    def describe(self) -> str:
        """Return family and parameters."""
        return f"normal({self.mu[0]:.4g}, {self.sigma[0]:.4g}) on {self.lower:g} to {self.upper:g}"

    def rows(self, chosen: slice) -> TruncatedNormal:
        """Return the distribution in some replicates."""
        mu, sigma = rows_of(self.mu, chosen), rows_of(self.sigma, chosen)
        return TruncatedNormal(mu, sigma, self.lower, self.upper)


@dataclass(frozen=True)
class SplitLogistic:
    """A two-piece logistic through three quantiles, straight, or after a logarithm or a logit.

    The logit is that of a place on an interval, the logarithm that of the distance from a bound.

    The transformed value is a straight line in logit(u) on either side of the median, through the
    three points: any ascending quantiles can be met exactly, at any levels, however skew. Two-piece
    distributions: Wallis, Statistical Science 2014;29:106-112.

    `levels` and `values` (transformed) have shape (replicates, 3).
    """

    levels: Floats
    values: Floats
    lower: float = -np.inf
    upper: float = np.inf

    def quantile(self, u: Floats) -> Floats:
        """Return the values at cumulative probabilities `u`."""
        odds = logit(self.levels)[:, :, None]
        y = self.values[:, :, None]
        below = (y[:, 1] - y[:, 0]) / (odds[:, 1] - odds[:, 0])
        above = (y[:, 2] - y[:, 1]) / (odds[:, 2] - odds[:, 1])
        since = logit(u) - odds[:, 1]
        value = y[:, 1] + np.where(since < 0, below, above) * since
        if np.isinf(self.lower):
            return np.asarray(value)
        if np.isinf(self.upper):
            return np.asarray(self.lower + np.exp(value))
        return np.asarray(self.lower + (self.upper - self.lower) * expit(value))

    def describe(self) -> str:
        """Return family and parameters."""
        places = ", ".join(f"{level:.3g}" for level in self.levels[0])
        return f"two-piece logistic at {places} on {self.lower:g} to {self.upper:g}"

    def rows(self, chosen: slice) -> SplitLogistic:
        """Return the distribution in some replicates."""
        levels, values = rows_of(self.levels, chosen), rows_of(self.values, chosen)
        return SplitLogistic(levels, values, self.lower, self.upper)


def fit(
    statistic: Mean | Quantiles,
    bounds: Bounds | None,
    uniform: Uniform | None,
    family: Family | None = None,
) -> Distribution:
    """Return the distribution that has the statistic, of a family that the bounds suggest.

    Quartiles: two-piece logistic, after a logit or logarithm as the bounds ask. A mean with its SD:
    a normal held between two bounds, or the beta on them where no such normal has mean and SD; a
    gamma above one bound; a normal where there are none. `family` takes another for a mean.

    With `uniform`, one distribution for each replicate, drawn from what the statistic allows.

    Parameters
    ----------
    statistic
        A mean with its SD, or quartiles.
    bounds
        The lowest and highest possible value; None where there are none.
    family
        The family that a mean with its SD shall have.
    uniform
        Gives the uniforms of a part of the statistic.

    Raises
    ------
    InputError
        When no distribution of the family on these bounds has the statistic.
    """
    lower, upper = bounds or (-np.inf, np.inf)
    if isinstance(statistic, Quantiles):
        if family is not None:
            message = "quartiles are met by a two-piece distribution, of no other family"
            raise InputError(Problem(message, mend="remove 'family', or state mean and SD"))
        return _fit_quartiles(statistic, lower, upper, uniform)
    if statistic.sd is None:
        raise InputError(Problem("a distribution needs the SD beside its mean", mend="add 'sd:'"))
    if not lower < statistic.mean < upper:
        message = f"mean {statistic.mean:g} does not lie inside {lower:g} to {upper:g}"
        raise InputError(Problem(message, mend="check the mean and 'range'"))
    family = family or _suggested(statistic.mean, statistic.sd, lower, upper)
    drawn = statistic.point() if uniform is None else statistic.draw(uniform)
    mean, sd = drawn["mean"], drawn["sd"]
    if family == "normal":
        if uniform is not None:
            mean, sd = _feasible(mean, sd, lower, upper)
        return truncated_normal(mean, sd, lower, upper)
    if family == "beta":
        if uniform is not None:
            whole = upper - lower
            mean = np.clip(mean, lower + 0.01 * whole, upper - 0.01 * whole)
            sd = np.minimum(sd, families.widest_beta(mean, lower, upper))
        return families.beta(mean, sd, lower, upper)
    if uniform is not None:  # a rare draw below the bound is held near it
        mean = np.maximum(mean, lower + 0.01 * (statistic.mean - lower))
    return families.above(family, mean, sd, lower, upper)


def _suggested(mean: float, sd: float, lower: float, upper: float) -> Family:
    """Return the family that the bounds suggest for a mean and SD."""
    if np.isfinite(lower) and np.isinf(upper):
        return "gamma"
    if np.isinf(lower):
        return "normal"
    try:
        truncated_normal(np.array([mean]), np.array([sd]), lower, upper)
    except InputError:
        return "beta"
    return "normal"


def _feasible(mean: Floats, sd: Floats, lower: float, upper: float) -> tuple[Floats, Floats]:
    """Hold the rare draw that no truncated normal has at the edge of what the family can say.

    A half-normal's SD is 0.756 times its mean's distance from the bound, a uniform's 0.289 times
    the range; means stay inside the range.
    """
    if np.isinf(lower) or np.isinf(upper):
        return mean, sd
    whole = upper - lower
    mean = np.clip(mean, lower + 0.02 * whole, upper - 0.02 * whole)
    room = np.minimum(mean - lower, upper - mean)
    return mean, np.minimum(sd, np.minimum(0.75 * room, 0.25 * whole))


def _fit_quartiles(
    statistic: Quantiles, lower: float, upper: float, uniform: Uniform | None
) -> SplitLogistic:
    """Go through the three printed values at their (possibly drawn) levels."""
    values = np.array([statistic.q1, statistic.median, statistic.q3])
    if not (lower < values[0] and values[2] < upper):
        printed = ", ".join(f"{value:g}" for value in values)
        message = f"quartiles {printed} do not lie inside {lower:g} to {upper:g}"
        raise InputError(Problem(message, mend="check the quartiles and 'range'"))
    if uniform is None:
        levels = np.array([[0.25, 0.5, 0.75]])
    else:
        drawn = statistic.draw(uniform)
        levels = np.stack([drawn[name] for name in ("q1", "median", "q3")], axis=-1)
    if np.isfinite(upper):
        y = logit((values - lower) / (upper - lower))
    else:
        y = np.log(values - lower) if np.isfinite(lower) else values
    return SplitLogistic(levels, np.broadcast_to(y, levels.shape), lower, upper)


def truncated_normal(mean: Floats, sd: Floats, lower: float, upper: float) -> TruncatedNormal:
    """Return the normal held between bounds that has mean and SD, for each replicate.

    Solves for the parent by damped Newton steps.

    Raises
    ------
    InputError
        When a replicate's mean and SD are not those of any such normal.
    """
    mean, sd = np.broadcast_arrays(mean, sd)
    mu, log_sigma = mean.astype(float), np.log(sd)
    if np.isinf(lower) and np.isinf(upper):
        return TruncatedNormal(mu, sd.astype(float))
    for _ in range(60):
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            miss = _misses(mu, log_sigma, mean, sd, lower, upper)
        if not np.all(np.isfinite(miss)):
            break  # no mass is left between the bounds
        if float(np.max(np.abs(miss))) < 1e-10:
            return TruncatedNormal(mu, np.exp(log_sigma), lower, upper)
        h = 1e-6
        by_mu = (_misses(mu + h * sd, log_sigma, mean, sd, lower, upper) - miss) / h
        by_sigma = (_misses(mu, log_sigma + h, mean, sd, lower, upper) - miss) / h
        jacobian = np.stack([by_mu.T, by_sigma.T], axis=-1)
        step = np.linalg.solve(jacobian, miss.T[..., None])[..., 0]
        step = np.clip(step, -0.5, 0.5)
        mu = mu - step[:, 0] * sd
        log_sigma = log_sigma - step[:, 1]
    worst = int(np.argmax(np.max(np.abs(np.nan_to_num(miss, nan=np.inf)), axis=0)))
    numbers = f"mean {mean[worst]:g} and SD {sd[worst]:g}"
    message = f"no normal held to {lower:g} to {upper:g} has {numbers}"
    raise InputError(Problem(message, mend="check the numbers, widen the range or state quartiles"))


def _misses(
    mu: Floats, log_sigma: Floats, mean: Floats, sd: Floats, lower: float, upper: float
) -> Floats:
    """Return by how much the truncated mean and SD miss their targets, in SDs, shape (2, B)."""
    sigma = np.exp(log_sigma)
    a, b = (lower - mu) / sigma, (upper - mu) / sigma
    mass = ndtr(b) - ndtr(a)
    pa, pb = np.exp(-0.5 * a**2), np.exp(-0.5 * b**2)
    root = np.sqrt(2 * np.pi)
    first = (pa - pb) / root / mass
    a0, b0 = np.where(np.isinf(a), 0, a), np.where(np.isinf(b), 0, b)
    second = (a0 * pa - b0 * pb) / root / mass
    variance = sigma**2 * np.maximum(1 + second - first**2, 1e-12)
    return np.stack([(mu + sigma * first - mean) / sd, np.log(np.sqrt(variance) / sd)])
