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
from raresim.evidence import counts, families
from raresim.evidence.families import Family
from raresim.evidence.metalog import metalog
from raresim.evidence.mixture import mixture
from raresim.evidence.quantile_table import QuantileTable
from raresim.evidence.statistics import Floats, Mean, Quantiles, Uniform, rows_of
from raresim.evidence.through import SplitLogistic, inward, points

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
class Moved:
    """A law that keeps its shape while the levels at which its printed values lie are drawn.

    `places` is a law in pieces of logits: at the drawn levels it has those of the printed ones. So
    each draw has the printed values at its levels, whatever the family could have there.
    """

    law: Distribution
    places: SplitLogistic

    def quantile(self, u: Floats) -> Floats:
        """Return the values at cumulative probabilities `u`."""
        return self.law.quantile(np.clip(expit(self.places.quantile(u)), 2.0**-60, 1 - 2.0**-53))

    def describe(self) -> str:
        """Return the law as printed."""
        return self.law.describe()

    def rows(self, chosen: slice) -> Moved:
        """Return the distribution in some replicates."""
        return Moved(self.law, self.places.rows(chosen))


def fit(
    statistic: Mean | Quantiles | QuantileTable,
    bounds: Bounds | None,
    uniform: Uniform | None,
    family: Family | None = None,
) -> Distribution:
    """Return the distribution that has the statistic, of a family that the bounds suggest.

    Quantiles: a logistic in pieces, after a logit or logarithm as the bounds ask. A mean with its
    SD: a normal held between two bounds, or the beta on them where no such normal has mean and SD;
    a gamma above one bound; a normal where there are none. `family` takes another.

    With `uniform`, one distribution for each replicate, drawn from what the statistic allows.

    Parameters
    ----------
    statistic
        A mean with its SD, quartiles, or a table of quantiles.
    bounds
        The lowest and highest possible value; None where there are none.
    family
        The family in place of the one that the bounds suggest.
    uniform
        Gives the uniforms of a part of the statistic.

    Raises
    ------
    InputError
        When no distribution of the family on these bounds has the statistic.
    """
    lower, upper = bounds or (-np.inf, np.inf)
    if isinstance(statistic, (Quantiles, QuantileTable)):
        return _through(statistic, (lower, upper), uniform, family)
    if statistic.sd is None:
        raise InputError(Problem("a distribution needs the SD beside its mean", mend="add 'sd:'"))
    if family in families.OF_QUANTILES:
        message = f"a {family} goes through quantiles, and here are mean and SD"
        raise InputError(Problem(message, mend="state 'quantiles', or another family"))
    if not lower < statistic.mean < upper:
        message = f"mean {statistic.mean:g} does not lie inside {lower:g} to {upper:g}"
        raise InputError(Problem(message, mend="check the mean and 'range'"))
    family = family or _suggested(statistic.mean, statistic.sd, lower, upper)
    drawn = statistic.point() if uniform is None else statistic.draw(uniform)
    mean, sd = drawn["mean"], drawn["sd"]
    if uniform is not None:
        mean, sd = _held(family, statistic.mean, mean, sd, (lower, upper))
    return _member(family, mean, sd, lower, upper)


def _member(family: Family, mean: Floats, sd: Floats, lower: float, upper: float) -> Distribution:
    """Return the family's member that has mean and SD."""
    if family == "normal":
        return truncated_normal(mean, sd, lower, upper)
    if family == "beta":
        return families.beta(mean, sd, lower, upper)
    if family == "negative binomial":
        return counts.negative_binomial(mean, sd, lower, upper)
    if family == "beta-binomial":
        return counts.beta_binomial(mean, sd, lower, upper)
    return families.above(family, mean, sd, lower, upper)


def _held(
    family: Family, printed: float, mean: Floats, sd: Floats, bounds: Bounds
) -> tuple[Floats, Floats]:
    """Hold the rare draw of mean and SD that the family does not have at the edge of it."""
    lower, upper = bounds
    if family == "normal":
        return _feasible(mean, sd, lower, upper)
    if family in families.WHOLE:
        return counts.held(printed, mean, sd, lower, upper)
    if family == "beta":
        whole = upper - lower
        mean = np.clip(mean, lower + 0.01 * whole, upper - 0.01 * whole)
        return mean, np.minimum(sd, families.widest_beta(mean, lower, upper))
    return np.maximum(mean, lower + 0.01 * (printed - lower)), sd  # held near the bound


def _through(
    statistic: Quantiles | QuantileTable,
    bounds: Bounds,
    uniform: Uniform | None,
    family: Family | None,
) -> Distribution:
    """Go through the printed values at their (possibly drawn) levels."""
    if family is not None and family not in families.OF_QUANTILES:
        message = "quantiles are met by a law in pieces, a metalog or a mixture, of no other family"
        raise InputError(Problem(message, mend="remove 'family', or state mean and SD"))
    levels, values = points(statistic, bounds, uniform)
    if family is None:
        y = inward(values, *bounds)
        return SplitLogistic(levels, np.broadcast_to(y, levels.shape), *bounds)
    printed = points(statistic, bounds, None)[0][0]
    law = (metalog if family == "metalog" else mixture)(printed, values, *bounds)
    if uniform is None:
        return law
    return Moved(law, SplitLogistic(levels, np.broadcast_to(logit(printed), levels.shape)))


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
