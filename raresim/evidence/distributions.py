"""From statistics to distributions, each with a quantile function that works on whole blocks.

Parameters are arrays with a leading replicate axis, of length one where they do not differ between
replicates; `quantile` takes uniforms of shape (replicates, units).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

from raresim.errors import InputError
from raresim.evidence.statistics import Floats, Mean, Quantiles, Uniform

Bounds = tuple[float, float]
_FEASIBLE = 1.66711  # |a3| / a2 beyond which a metalog of three terms has no density (Keelin 2016)


class Distribution(Protocol):
    """A distribution of one number, by its quantile function."""

    def quantile(self, u: Floats) -> Floats:
        """Return the values at cumulative probabilities `u`, shape (replicates, units)."""
        ...

    def describe(self) -> str:
        """Return family and parameters as a line for people."""
        ...

    def first(self) -> Distribution:
        """Return the distribution of the first replicate alone."""
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

    def first(self) -> TruncatedNormal:
        """Return the distribution of the first replicate alone."""
        return TruncatedNormal(self.mu[:1], self.sigma[:1], self.lower, self.upper)


@dataclass(frozen=True)
class Metalog:
    """A metalog of three terms on an interval (logit) or on the line.

    The transformed value is a1 + a2 L + a3 (u - 1/2) L with L = logit(u).
    Source: Keelin, The metalog distributions, Decision Analysis 2016;13:243-277.
    """

    terms: Floats
    lower: float
    upper: float

    def quantile(self, u: Floats) -> Floats:
        """Return the values at cumulative probabilities `u`."""
        a = self.terms[:, :, None]
        odds = logit(u)
        y = a[:, 0] + a[:, 1] * odds + a[:, 2] * (u - 0.5) * odds
        if np.isinf(self.lower):
            return np.asarray(y)
        return np.asarray(self.lower + (self.upper - self.lower) * expit(y))

    def describe(self) -> str:
        """Return family and parameters."""
        a = ", ".join(f"{term:.4g}" for term in self.terms[0])
        return f"metalog({a}) on {self.lower:g} to {self.upper:g}"

    def first(self) -> Metalog:
        """Return the distribution of the first replicate alone."""
        return Metalog(self.terms[:1], self.lower, self.upper)


def fit(
    statistic: Mean | Quantiles, bounds: Bounds | None, uniform: Uniform | None
) -> Distribution:
    """Return the distribution that has the statistic: normal for a mean, metalog for quartiles.

    With `uniform`, one distribution for each replicate, drawn from what the statistic allows.

    Raises
    ------
    InputError
        When no distribution of the family on these bounds has the statistic.
    """
    lower, upper = bounds or (-np.inf, np.inf)
    if isinstance(statistic, Quantiles):
        return _fit_metalog(statistic, lower, upper, uniform)
    if statistic.sd is None:
        raise InputError("a distribution needs the SD beside its mean")
    if uniform is None:
        return _fit_normal(np.array([statistic.mean]), np.array([statistic.sd]), lower, upper)
    drawn = statistic.draw(uniform)
    # a half-normal has SD 0.756 times its mean's distance from the bound: the rare draw that is
    # wider still is held there, so that the parent's mode stays inside the range
    room = np.minimum(drawn["mean"] - lower, upper - drawn["mean"])
    return _fit_normal(drawn["mean"], np.minimum(drawn["sd"], 0.75 * room), lower, upper)


def _fit_metalog(
    statistic: Quantiles, lower: float, upper: float, uniform: Uniform | None
) -> Metalog:
    """Put a metalog through the three printed values at their (possibly drawn) levels."""
    values = np.array([statistic.q1, statistic.median, statistic.q3])
    if not (lower < values[0] and values[2] < upper):
        raise InputError(f"quartiles {values} do not lie inside {lower:g} to {upper:g}")
    levels = np.array([[0.25, 0.5, 0.75]]) if uniform is None else statistic.levels(uniform)
    y = values if np.isinf(lower) else logit((values - lower) / (upper - lower))
    odds = logit(levels)
    basis = np.stack([np.ones_like(odds), odds, (levels - 0.5) * odds], axis=-1)
    terms = np.linalg.solve(basis, np.broadcast_to(y, levels.shape)[..., None])[..., 0]
    skew = terms[:, 2] / terms[:, 1]
    if uniform is None and not (terms[0, 1] > 0 and abs(skew[0]) < _FEASIBLE):
        raise InputError(f"no metalog of three terms has the quartiles {values}")
    # a rare draw beyond the feasible skew is held at its edge, so that the quantile still ascends
    edge = 0.999 * _FEASIBLE * np.abs(terms[:, 1])
    terms[:, 1] = np.abs(terms[:, 1])
    terms[:, 2] = np.clip(terms[:, 2], -edge, edge)
    return Metalog(terms, lower, upper)


def _fit_normal(mean: Floats, sd: Floats, lower: float, upper: float) -> TruncatedNormal:
    """Solve for the parent whose truncation has the mean and SD (damped Newton, by replicate)."""
    mean, sd = np.broadcast_arrays(mean, sd)
    mu, log_sigma = mean.astype(float), np.log(sd)
    if np.isinf(lower) and np.isinf(upper):
        return TruncatedNormal(mu, sd.astype(float))
    for _ in range(60):
        miss = _misses(mu, log_sigma, mean, sd, lower, upper)
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
    raise InputError(
        f"no normal held to {lower:g} to {upper:g} has mean {mean[0]:g} and SD {sd[0]:g}; "
        "widen the range or state quartiles"
    )


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
