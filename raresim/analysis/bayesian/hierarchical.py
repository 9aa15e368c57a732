"""Binomial trials (or baskets) with exchangeable log odds, solved without simulation.

    r_j ~ Binomial(n_j, p_j),  logit p_j = theta_j ~ N(mu, tau^2),  mu ~ N(m, s^2),  tau ~ prior

The likelihoods are exact binomial ones. Given tau everything is a convolution with a normal
density, L_j(mu) = (N(0, tau^2) * likelihood_j)(mu), done on a regular grid by the fast Fourier
transform: a normal kernel is exact in frequencies however small tau is, so no grid must follow
it. tau is integrated by Gauss-Legendre panels.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit

from raresim.analysis.arrays import FloatArray, ordered_sum
from raresim.analysis.bayesian.between import BetweenTrials
from raresim.errors import InputError

STEP = 0.04  # of the grid of log odds; a likelihood of n = 1,000 has a sd of 0.06
REACH = 8.0  # standard deviations
EDGE = 6.0  # log odds over which a likelihood is faded out beyond everything that counts
FARTHEST = 400.0  # log odds that a grid may reach


@dataclass(frozen=True)
class Hierarchy:
    """Posterior densities on a regular grid of log odds.

    Attributes
    ----------
    grid
        (G,) log odds.
    each
        (J, G) posterior density of each trial's own log odds.
    new
        (G,) predictive density of the log odds of a new trial: the MAP prior.
    tau_mean, tau_sd
        Posterior mean and standard deviation of the between-trial standard deviation.
    """

    grid: FloatArray
    each: FloatArray
    new: FloatArray
    tau_mean: float
    tau_sd: float

    def probability_moments(self, density: FloatArray) -> tuple[float, float]:
        """Give mean and standard deviation of the probability under a density of `grid`."""
        p = expit(self.grid)
        mean = float(ordered_sum(p * density)) * STEP
        square = float(ordered_sum((p - mean) ** 2 * density)) * STEP
        return mean, float(np.sqrt(square))

    def cumulative(self, density: FloatArray, log_odds: FloatArray) -> FloatArray:
        """Give the posterior probability below some log odds, by a spline of degree 7."""
        from scipy.interpolate import make_interp_spline  # costs 0.1 s to import

        rises = make_interp_spline(self.grid, density, k=7).antiderivative()
        inside = np.clip(log_odds, self.grid[0], self.grid[-1])
        found: FloatArray = np.clip(rises(inside) - rises(self.grid[0]), 0.0, 1.0)
        return found

    def quantile(self, density: FloatArray, level: float) -> float:
        """Give a quantile of the log odds."""
        from scipy.interpolate import make_interp_spline  # costs 0.1 s to import

        low, high = float(self.grid[0]), float(self.grid[-1])
        rises = make_interp_spline(self.grid, density, k=7).antiderivative()
        start = float(rises(low))
        while high - low > 1e-11:
            middle = (low + high) / 2.0
            short = float(rises(middle)) - start < level
            low, high = (middle, high) if short else (low, middle)
        return (low + high) / 2.0


def binomial_hierarchy(
    events: FloatArray,
    patients: FloatArray,
    between: BetweenTrials,
    mean: float = 0.0,
    sd: float = 2.0,
) -> Hierarchy:
    """Solve the hierarchical model of the module's text, for J trials.

    Parameters
    ----------
    events, patients
        (J,) of each trial or basket.
    between
        Prior of tau.
    mean, sd
        Normal prior of mu, on the log odds.

    Raises
    ------
    InputError
        If counts are impossible, or the priors reach beyond 400 on the log odds.

    References
    ----------
    Berry SM, Broglio KR, Groshen S, Berry DA. Clin Trials 2013;10:720-734 (baskets);
    Neuenschwander B et al. Clin Trials 2010;7:5-18 (MAP prior).

    Examples
    --------
    >>> found = binomial_hierarchy(
    ...     np.array([1.0, 6.0]), np.array([20.0, 20.0]), BetweenTrials(0.5)
    ... )
    >>> [round(found.probability_moments(density)[0], 4) for density in found.each]
    [0.1384, 0.2309]
    """
    r, n = np.asarray(events, dtype=np.float64), np.asarray(patients, dtype=np.float64)
    if r.ndim != 1 or r.shape != n.shape or not np.all((r >= 0.0) & (r <= n)):
        raise InputError(f"events: found {r} of {n}; expected 0 up to the number of patients.")
    if not sd > 0.0:
        raise InputError(f"sd: found {sd!r}; expected a number above 0.")
    taus, weights = between.nodes()
    grid = _grid(mean, sd, float(taus[-1]))
    likelihoods = _likelihoods(r, n, grid)
    prior = np.exp(-0.5 * ((grid - mean) / sd) ** 2) / (sd * np.sqrt(2.0 * np.pi))
    waves = 2.0 * np.pi * np.fft.rfftfreq(grid.size, STEP)
    each, new = np.zeros(likelihoods.shape), np.zeros(grid.size)
    masses = np.zeros(taus.size)
    for t, tau in enumerate(taus):
        kernel = np.exp(-0.5 * (tau * waves) ** 2)
        marginal = np.stack([np.maximum(_blur(one, kernel), 0.0) for one in likelihoods])
        rest = [prior * np.prod(np.delete(marginal, j, axis=0), axis=0) for j in range(len(r))]
        everyone = prior * np.prod(marginal, axis=0)
        masses[t] = weights[t] * float(ordered_sum(everyone)) * STEP
        new += weights[t] * _blur(everyone, kernel)
        for j, others in enumerate(rest):
            each[j] += weights[t] * likelihoods[j] * _blur(others, kernel)
    total = float(ordered_sum(masses))
    tau_mean = float(ordered_sum(masses * taus)) / total
    tau_square = float(ordered_sum(masses * (taus - tau_mean) ** 2)) / total
    each = np.maximum(each, 0.0)
    new = np.maximum(new, 0.0)
    return Hierarchy(
        grid,
        each / (ordered_sum(each)[:, None] * STEP),
        new / (float(ordered_sum(new)) * STEP),
        tau_mean,
        float(np.sqrt(tau_square)),
    )


def _grid(mean: float, sd: float, tau: float) -> FloatArray:
    reach = REACH * np.hypot(sd, tau) + REACH * tau + EDGE
    if reach + abs(mean) > FARTHEST:
        raise InputError(
            f"sd: found priors that reach {reach:.3g} from {mean:.3g}; expected up to "
            f"{FARTHEST:g} on the log odds (a half-t of few degrees of freedom has no place here)."
        )
    steps = int(np.ceil(reach / STEP))
    return np.asarray(mean + STEP * np.arange(-steps, steps + 1), dtype=np.float64)


def _likelihoods(r: FloatArray, n: FloatArray, grid: FloatArray) -> FloatArray:
    """Give the likelihoods with a peak of 1, faded out at the ends so that they are periodic."""
    log = r[:, None] * log_expit(grid) + (n - r)[:, None] * log_expit(-grid)
    depth = np.minimum(grid - grid[0], grid[-1] - grid) / EDGE
    fade = expit(40.0 * (np.minimum(depth, 1.0) - 0.5))
    likelihoods: FloatArray = np.exp(log - np.max(log, axis=1, keepdims=True)) * fade
    return likelihoods


def _blur(values: FloatArray, kernel: FloatArray) -> FloatArray:
    return np.asarray(np.fft.irfft(np.fft.rfft(values) * kernel, values.size), np.float64)
