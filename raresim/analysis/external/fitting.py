"""A mixture of betas fitted to a density, without random numbers."""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaln, digamma, expit, log_expit, logsumexp, polygamma

from raresim.analysis.arrays import FloatArray, ordered_sum
from raresim.analysis.bayesian.mixtures import BetaMixture
from raresim.errors import InputError

MOST_ITERATIONS = 3000
NEWTON_STEPS = 30
SETTLED = 1e-10  # change of the mean log density
LEAST = 1e-14  # of the density that is looked at, against its peak


@dataclass(frozen=True)
class Fit:
    """A mixture, and what it approximates.

    Attributes
    ----------
    mixture
        The fitted mixture.
    exact_mean, exact_sd
        Of the density itself, on the scale of the probability.
    divergence
        Kullback-Leibler divergence from the density to the mixture, in nats.
    converged
        Whether the iterations settled.
    """

    mixture: BetaMixture
    exact_mean: float
    exact_sd: float
    divergence: float
    converged: bool


def fit_beta_mixture(log_odds: FloatArray, density: FloatArray, components: int) -> Fit:
    """Fit a mixture of betas to a density of log odds on a regular grid, by the EM algorithm.

    The grid points are the sample and the density their weights, so that EM minimises the
    Kullback-Leibler divergence from the density to the mixture. It starts with the points cut
    into as many parts of equal mass; a local minimum, as EM finds it.

    Raises
    ------
    InputError
        If there is no component.

    References
    ----------
    Dempster AP, Laird NM, Rubin DB. J R Stat Soc B 1977;39:1-38.

    Examples
    --------
    >>> grid = np.arange(-12.0, 12.0, 0.02)
    >>> density = expit(grid) ** 4 * expit(-grid) ** 16  # Beta(4, 16) on the log odds
    >>> fit = fit_beta_mixture(grid, density, 1)
    >>> fit.mixture.first.round(6), fit.mixture.second.round(6)
    (array([4.]), array([16.]))
    """
    if components < 1:
        raise InputError(f"components: found {components!r}; expected 1 or more.")
    kept = density > LEAST * np.max(density)
    x, mass = log_odds[kept], density[kept] / ordered_sum(density[kept])
    left, right = log_expit(x), log_expit(-x)  # log p and log (1 - p)
    p = expit(x)
    mean = float(ordered_sum(mass * p))
    sd = float(np.sqrt(ordered_sum(mass * (p - mean) ** 2)))
    part = np.minimum((np.cumsum(mass) * components).astype(np.int64), components - 1)
    share = (part == np.arange(components)[:, None]).astype(np.float64)
    a, b = np.ones(components), np.ones(components)
    weight, before, converged = np.zeros(components), -np.inf, False
    for _ in range(MOST_ITERATIONS):
        each = share * mass
        weight = ordered_sum(each)
        a, b = _fitted(each / weight[:, None], p, left, right, a, b)
        log = np.log(weight)[:, None] + _log_densities(a, b, left, right)
        total = np.asarray(logsumexp(log, axis=0), dtype=np.float64)
        share = np.exp(log - total)
        now = float(ordered_sum(mass * total))
        converged = abs(now - before) <= SETTLED
        if converged:
            break
        before = now
    step = float(log_odds[1] - log_odds[0])
    exact = np.log(mass / step) - left - right  # density of p, not of its log odds
    divergence = float(ordered_sum(mass * (exact - total)))
    return Fit(BetaMixture(weight / ordered_sum(weight), a, b), mean, sd, divergence, converged)


def _log_densities(a: FloatArray, b: FloatArray, left: FloatArray, right: FloatArray) -> FloatArray:
    log = (a - 1.0)[:, None] * left + (b - 1.0)[:, None] * right
    return np.asarray(log - betaln(a, b)[:, None], dtype=np.float64)


def _fitted(
    mass: FloatArray,
    p: FloatArray,
    left: FloatArray,
    right: FloatArray,
    a: FloatArray,
    b: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Give the maximum likelihood betas of weighted points (K, G), by Newton on log a and log b."""
    mean = ordered_sum(mass * p)
    variance = ordered_sum(mass * (p - mean[:, None]) ** 2)
    size = np.maximum(mean * (1.0 - mean) / variance - 1.0, 0.1)
    fresh = a == 1.0
    a, b = np.where(fresh, mean * size, a), np.where(fresh, (1.0 - mean) * size, b)
    one, other = ordered_sum(mass * left), ordered_sum(mass * right)
    for _ in range(NEWTON_STEPS):
        both = digamma(a + b)
        g, h = a * (both - digamma(a) + one), b * (both - digamma(b) + other)
        bend = polygamma(1, a + b)
        aa = a * a * (polygamma(1, a) - bend)
        bb = b * b * (polygamma(1, b) - bend)
        ab = -a * b * bend
        fixed = aa * bb - ab * ab
        up, over = (bb * g - ab * h) / fixed, (aa * h - ab * g) / fixed
        a, b = a * np.exp(np.clip(up, -1.0, 1.0)), b * np.exp(np.clip(over, -1.0, 1.0))
        if float(np.max(np.abs(up) + np.abs(over))) < 1e-12:
            break
    return a, b
