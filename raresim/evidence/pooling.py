"""Several studies of one number: what they say together, and what a new study would find.

Two models of one law, y_i ~ N(mu, se_i² + tau²). `pool` estimates the heterogeneity tau² by REML
(Viechtbauer, J Educ Behav Stat 2005;30:261-293) with Hartung and Knapp's interval for mu.
`posterior` takes a half-normal prior on tau, for the two to four studies of a rare disease, or for
one (Friede, Röver, Wandel and Neuenschwander, Res Synth Methods 2017, doi:10.1002/jrsm.1217).

Estimates and standard errors both stand on the stated scale: `log` takes log rate ratios.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.optimize import brentq
from scipy.special import expit, ndtr, ndtri, stdtrit

from raresim.errors import InputError, Problem
from raresim.evidence.statistics import Floats

Scale = Literal["identity", "log", "logit"]
Interval = tuple[float, float]

PRIOR_SCALE = 0.5
"""Scale of the half-normal on tau, on a log or logit scale; Friede et al. name 0.5 and 1."""
TOGETHER = 1 << 14
"""Values of a mixture's components that are worked out at once."""


def natural(values: Floats | float, scale: Scale) -> Floats:
    """Return values of a scale as the numbers that papers print: exp of log, expit of logit.

    >>> float(natural(0.0, "log")), float(natural(0.0, "logit"))
    (1.0, 0.5)
    """
    if scale == "identity":
        return np.asarray(values, dtype=np.float64)
    return np.asarray(np.exp(values) if scale == "log" else expit(values))


@dataclass(frozen=True)
class Pooled:
    """A random-effects meta-analysis, on its scale.

    `se` is what the interval uses (Hartung and Knapp); `se_wald` is 1 / sqrt(sum w).
    """

    k: int
    scale: Scale
    mean: float
    se: float
    se_wald: float
    tau2: float
    converged: bool
    q: float
    i2: float

    def interval(self, level: float = 0.95) -> Interval:
        """Return mean ± t(k-1) se."""
        return _around(self.mean, self.se, self.k - 1, level)

    def prediction(self, level: float = 0.95) -> Interval | None:
        """Return where a new study's true value lies: mean ± t(k-2) sqrt(tau² + 1 / sum w).

        Higgins, Thompson and Spiegelhalter, JRSS A 2009;172:137-159. It uses the plain error of
        the mean, not Hartung and Knapp's. None for two studies: no degree of freedom is left.
        It covers too seldom, .88 to .92 in tests/statistical, as tau² is often estimated as 0
        (Nagashima, Noma and Furukawa, Stat Methods Med Res 2019;28:1689-1702).
        """
        if self.k < 3:
            return None
        return _around(self.mean, math.hypot(self.se_wald, self.tau2**0.5), self.k - 2, level)


def _around(mean: float, se: float, df: int, level: float) -> Interval:
    half = float(stdtrit(df, 0.5 + level / 2)) * se
    return mean - half, mean + half


def pool(
    estimates: Sequence[float],
    errors: Sequence[float],
    *,
    scale: Scale = "identity",
    at_least_wald: bool = False,
) -> Pooled:
    """Return the random-effects meta-analysis of two or more estimates.

    With w_i = 1 / (se_i² + tau²) and mu = sum w y / sum w, the error of mu is sqrt(q / sum w),
    q = sum w (y - mu)² / (k - 1), with t(k-1): Hartung and Knapp, Stat Med 2001;20:1771-1782;
    IntHout, Ioannidis and Borm, BMC Med Res Methodol 2014;14:25. Q and I² = max(0, 1 - (k-1)/Q)
    have the weights of tau = 0 (Higgins and Thompson, Stat Med 2002;21:1539-1558).

    `at_least_wald` takes max(1, q) for q, the ad-hoc correction: the error is never below that of
    Wald's interval (Röver, Knapp and Friede, BMC Med Res Methodol 2015;15:99).

    Examples
    --------
    >>> found = pool([-0.581, 0.530, 0.771, 1.031], [0.152, 0.228, 0.245, 0.339], scale="log")
    >>> round(found.mean, 3), round(found.se, 3), round(found.tau2, 3), found.converged
    (0.405, 0.36, 0.473, True)
    """
    y, v = _checked(estimates, errors)
    k = len(y)
    if k == 1:
        message = "one estimate says nothing about the differences between studies"
        raise InputError(Problem(message, mend="call 'posterior', which has a prior for them"))
    tau2, converged = _reml(y, v)
    mean, total = (float(part[0]) for part in _mean(y, v, tau2))
    spread = float(np.sum((y - mean) ** 2 / (v + tau2))) / (k - 1)
    q = float(np.sum((y - _mean(y, v, 0.0)[0]) ** 2 / v))
    return Pooled(
        k=k,
        scale=scale,
        mean=mean,
        se=math.sqrt((max(1.0, spread) if at_least_wald else spread) / total),
        se_wald=math.sqrt(1 / total),
        tau2=tau2,
        converged=converged,
        q=q,
        i2=max(0.0, 1 - (k - 1) / q) if q > 0 else 0.0,
    )


def _checked(estimates: Sequence[float], errors: Sequence[float]) -> tuple[Floats, Floats]:
    """Return estimates and variances as arrays, sorted: the order of studies is of no account."""
    y, se = np.asarray(estimates, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    if y.ndim != 1 or y.shape != se.shape or not y.size:
        message = f"expected one standard error for each estimate, got {se.size} for {y.size}"
        raise InputError(Problem(message, mend="give two lists of the same length"))
    for i, (value, error) in enumerate(zip(y, se, strict=True)):
        if not (math.isfinite(value) and 0 < error < math.inf):
            message = f"study {i + 1}: expected a finite estimate and a standard error above 0"
            found = f"{value:g} with standard error {error:g}"
            raise InputError(Problem(message, found=found, mend="check the numbers and the scale"))
    order = np.lexsort((se, y))
    return y[order], se[order] ** 2


def _mean(y: Floats, v: Floats, tau2: Floats | float) -> tuple[Floats, Floats]:
    """Return the weighted mean and the sum of the weights, for each tau²."""
    w = 1 / (v[:, None] + tau2)
    total = np.sum(w, axis=0)
    return y[0] + np.sum(w * (y - y[0])[:, None], axis=0) / total, total


def _restricted(y: Floats, v: Floats, tau2: Floats) -> Floats:
    """Return the restricted log-likelihood of each tau²: mu is integrated out, up to a constant."""
    mean, total = _mean(y, v, tau2)
    w = 1 / (v[:, None] + tau2)
    squares = np.sum(w * (y[:, None] - mean) ** 2, axis=0)
    return np.asarray(0.5 * (np.sum(np.log(w), axis=0) - np.log(total) - squares))


def _reml(y: Floats, v: Floats) -> tuple[float, bool]:
    """Return REML's tau² >= 0, and whether its score is zero there or falls from tau² = 0 on.

    A grid finds the highest of several peaks. Above 10 max(range², se²) weights are equal within
    a tenth and the score is negative: no peak lies there.
    """
    top = 10 * max(float(np.ptp(y)) ** 2, float(v.max()))
    grid = top * np.linspace(0.0, 1.0, 201) ** 4
    height = _restricted(y, v, grid)
    best = int(np.argmax(height))

    def score(tau2: float) -> float:
        mean, total = _mean(y, v, tau2)
        w = 1 / (v + tau2)
        return float(np.sum((w * (y - mean)) ** 2) - total[0] + np.sum(w**2) / total[0])

    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, 200)])
    if score(low) > 0 > score(high):
        root, report = brentq(score, low, high, xtol=1e-14 * top, rtol=1e-14, full_output=True)
        return float(root), bool(report.converged)
    at_zero = score(0.0) <= 0 and bool(height[0] >= height[best] - 1e-9)
    return (0.0, True) if at_zero else (float(grid[best]), False)


@dataclass(frozen=True)
class Mixture:
    """A mixture of normals: weights, means and SDs of its components."""

    weights: Floats
    means: Floats
    sds: Floats

    @property
    def mean(self) -> float:
        """Mean."""
        return float(np.sum(self.weights * self.means))

    @property
    def sd(self) -> float:
        """SD: the variance is that within and that between components."""
        spread = self.sds**2 + (self.means - self.mean) ** 2
        return math.sqrt(float(np.sum(self.weights * spread)))

    def quantile(self, u: Floats | float) -> Floats:
        """Return the values at cumulative probabilities `u` of any shape, each one alone.

        Newton's steps on log(F / u) from the nearer tail, held between the least and the greatest
        of the components' quantiles: there the mixture's lies.
        """
        u = np.asarray(u, dtype=np.float64)
        sign, tail = np.where(u > 0.5, -1.0, 1.0), np.minimum(u, 1 - u)
        low, high = self._bracket(sign, ndtri(tail))
        x, moving, sd = low / 2 + high / 2, np.ones(u.shape, dtype=np.bool_), self.sd
        for _ in range(200):
            below, density = self._tail(x, sign)
            low, high = np.where(below < tail, x, low), np.where(below > tail, x, high)
            there = x - np.log(below / tail) * below / density
            there = np.where((there >= low) & (there <= high), there, low / 2 + high / 2)
            last, x = x, np.where(moving, there, x)
            moving &= np.abs(x - last) > 1e-14 * (np.abs(x) + sd)
            if not moving.any():
                break
        return np.asarray(sign * x)

    def _bracket(self, sign: Floats, z: Floats) -> tuple[Floats, Floats]:
        """Return the least and the greatest of the components' quantiles."""
        low, high = np.full(z.shape, np.inf), np.full(z.shape, -np.inf)
        for _, mean, sd in self._together(z):
            own = sign * mean + sd * z
            low, high = np.minimum(low, own.min(axis=0)), np.maximum(high, own.max(axis=0))
        return low, high

    def _tail(self, x: Floats, sign: Floats) -> tuple[Floats, Floats]:
        """Return P(sign X < x) and its density; sums in order, so a part has the whole's bits."""
        below, density = np.zeros(x.shape), np.zeros(x.shape)
        for weight, mean, sd in self._together(x):
            z = (x - sign * mean) / sd
            below = _in_order(below, weight * ndtr(z))
            peak = weight / (sd * math.sqrt(2 * math.pi))
            density = _in_order(density, peak * np.exp(-0.5 * z**2))
        return below, density

    def _together(self, x: Floats) -> Iterator[tuple[Floats, Floats, Floats]]:
        """Yield weights, means and SDs of components, as many at once as `x` leaves room for."""
        step = max(1, TOGETHER // max(x.size, 1))
        shape = (-1, *(1 for _ in x.shape))
        for first in range(0, self.weights.size, step):
            part = slice(first, first + step)
            weight, mean, sd = self.weights[part], self.means[part], self.sds[part]
            yield weight.reshape(shape), mean.reshape(shape), sd.reshape(shape)


def _in_order(total: Floats, terms: Floats) -> Floats:
    """Return a total plus each of the terms, one after the other, as `sum` would not."""
    if total.size < len(terms):
        return np.asarray(np.add.accumulate(np.concatenate([total[None], terms]))[-1])
    for term in terms:
        total = total + term
    return total


@dataclass(frozen=True)
class Posterior:
    """What few studies and a prior on tau say of their mean and of a new study, on their scale."""

    y: Floats
    v: Floats
    scale: Scale
    prior_scale: float

    @cached_property
    def _edges(self) -> Floats:
        """Return the edges of the panels on which tau is integrated.

        They widen from the smallest error to half the prior's scale, and end 10 scales past where
        the prior and estimates that lie far apart would meet.
        """
        apart = math.sqrt(float(np.sum((self.y - np.mean(self.y)) ** 2)))
        end = 10 * self.prior_scale + math.sqrt(apart * self.prior_scale)
        step = min(math.sqrt(float(self.v.min())), self.prior_scale) / 4
        edges = [0.0]
        while edges[-1] < end:
            edges.append(edges[-1] + min(max(step, 0.4 * edges[-1]), self.prior_scale / 2))
        return np.array(edges)

    def _log_density(self, tau: Floats) -> Floats:
        prior = -0.5 * (tau / self.prior_scale) ** 2
        return _restricted(self.y, self.v, tau**2) + prior

    def _masses(self, upper: float = math.inf) -> tuple[Floats, Floats]:
        """Return Gauss-Legendre nodes of tau on (0, upper) and their mass, up to a constant."""
        edges = np.minimum(self._edges, upper)
        half = np.diff(edges)[:, None] / 2
        tau = (edges[:-1, None] + half * (1 + NODES)).ravel()
        peak = np.max(self._log_density(self._edges))
        return tau, np.exp(self._log_density(tau) - peak) * (half * NODE_WEIGHTS).ravel()

    @cached_property
    def tau(self) -> tuple[Floats, Floats]:
        """Values of tau and their probabilities, negligible ones left out."""
        tau, mass = self._masses()
        keep = mass > 1e-17 * np.sum(mass)
        return tau[keep], mass[keep] / np.sum(mass[keep])

    def tau_quantile(self, p: float) -> float:
        """Return the value below which tau lies with probability p."""
        whole, end = float(np.sum(self._masses()[1])), float(self._edges[-1])

        def miss(upper: float) -> float:
            return float(np.sum(self._masses(upper)[1])) / whole - p

        return float(brentq(miss, 0.0, end, xtol=1e-13 * end, rtol=1e-13))

    @cached_property
    def mu(self) -> Mixture:
        """Mean over studies; given tau it is N(sum w y / sum w, 1 / sum w)."""
        tau, weight = self.tau
        means, total = _mean(self.y, self.v, tau**2)
        return Mixture(weight, means, np.sqrt(1 / total))

    @cached_property
    def new(self) -> Mixture:
        """True value in a new study or centre; given tau, mu's law with tau² more variance."""
        return Mixture(self.mu.weights, self.mu.means, np.hypot(self.mu.sds, self.tau[0]))

    def predict(self, u: Floats) -> Floats:
        """Return a new study's value at uniforms `u`, as papers print it."""
        return natural(self.new.quantile(u), self.scale)


def posterior(
    estimates: Sequence[float],
    errors: Sequence[float],
    *,
    scale: Scale = "log",
    prior_scale: float | None = None,
) -> Posterior:
    """Return the Bayesian meta-analysis: mu flat, tau half-normal, tau integrated by quadrature.

    One estimate is enough: tau then keeps its prior. `prior_scale` is 0.5 on a log or logit scale;
    on the identity scale it has the unit of the estimates and must be stated.

    Examples
    --------
    >>> found = posterior([-0.8, -0.2], [0.3, 0.25], scale="log")
    >>> round(found.mu.mean, 3), round(found.mu.sd, 3), round(found.new.sd, 3)
    (-0.474, 0.381, 0.599)
    >>> found.predict(np.array([[0.025, 0.5, 0.975]])).round(2)
    array([[0.17, 0.63, 2.18]])
    """
    y, v = _checked(estimates, errors)
    if prior_scale is None and scale != "identity":
        prior_scale = PRIOR_SCALE
    least = float(np.ptp(y)) / 1e6
    if prior_scale is None or not least < prior_scale < math.inf:
        message = "expected the scale of the prior on tau, not a millionth of the differences"
        mend = "state 'prior_scale': a usual difference between studies, in the unit of estimates"
        raise InputError(Problem(message, found=str(prior_scale), mend=mend))
    return Posterior(y, v, scale, prior_scale)


NODES, NODE_WEIGHTS = leggauss(16)
