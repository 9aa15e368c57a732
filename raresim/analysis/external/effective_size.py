"""How many patients a prior is worth."""

import numpy as np
from scipy.special import expit, logit

from raresim.analysis.arrays import FloatArray, ordered_sum
from raresim.analysis.bayesian.mixtures import (
    BetaMixture,
    GammaMixture,
    Mixture,
    NormalMixture,
)
from raresim.analysis.bayesian.panels import LEVELS, panels
from raresim.errors import InputError

FAR = (30.0, 60.0, 120.0, 240.0, 480.0, 700.0)  # log odds, or logs, of slowly falling ends


def effective_size(prior: Mixture, *, sd: float = float("nan")) -> float:
    """Give the prior effective sample size by expected local-information-ratio (ELIR).

    ELIR = E[i(theta) / i_F(theta)] over the prior: i minus the second derivative of the log
    prior density, i_F the Fisher information of one patient: 1/(theta (1 - theta)) for a
    probability, 1/theta for a rate (then in units of exposure), 1/sd^2 for a mean. Beta(a, b)
    gives a + b, Gamma(shape, rate) the rate, N(m, s^2) gives sd^2/s^2. By quadrature, with an
    error below 1e-6 for parameters of at least 1.05.

    Parameters
    ----------
    prior
        A mixture of shape (K,).
    sd
        Of one patient, for a normal mixture.

    Raises
    ------
    InputError
        If a component of a beta or gamma mixture has a parameter (shape) below 1, where ELIR
        does not exist, or the standard deviation is missing.

    References
    ----------
    Neuenschwander B, Weber S, Schmidli H, O'Hagan A. Biometrics 2020;76:578-587.

    Examples
    --------
    >>> round(effective_size(BetaMixture.of((1.0, 5.0, 15.0))), 6)
    20.0
    >>> round(effective_size(BetaMixture.of((0.8, 10.0, 2.0), (0.2, 1.0, 1.0))), 4)
    7.6515
    """
    if isinstance(prior, NormalMixture):
        if not sd > 0.0:
            raise InputError(f"sd: found {sd!r}; expected the sd of one patient.")
        return sd * sd * _normal(prior)
    least = (
        prior.first if isinstance(prior, GammaMixture) else np.minimum(prior.first, prior.second)
    )
    if np.any(least < 1.0):
        raise InputError("prior: found a parameter below 1; expected 1 or more for ELIR.")
    return _beta(prior) if isinstance(prior, BetaMixture) else _gamma(prior)


def moment_size(prior: Mixture, *, sd: float = float("nan")) -> float:
    """Give the sample size of the one conjugate distribution with the prior's mean and sd.

    Examples
    --------
    >>> round(moment_size(BetaMixture.of((0.8, 10.0, 2.0), (0.2, 1.0, 1.0))), 4)
    3.161
    """
    mean, variance = float(prior.mean()), float(prior.sd()) ** 2
    if isinstance(prior, NormalMixture):
        return sd * sd / variance
    if isinstance(prior, GammaMixture):
        return mean / variance
    return mean * (1.0 - mean) / variance - 1.0


def _levels(prior: Mixture) -> tuple[FloatArray, FloatArray]:
    """Give low and high quantiles of every component."""
    level = np.array(LEVELS)[:, None] * np.ones(prior.weight.size)
    return prior.component_quantile(level).ravel(), prior.component_quantile(1.0 - level).ravel()


def _ratio(prior: Mixture, nodes: FloatArray, slope: FloatArray, bend: FloatArray) -> FloatArray:
    """Give density times i: (p'^2 / p - p''), from the derivatives of each log density."""
    part = prior.weight * np.exp(prior.component_log_density(nodes[:, None]))
    density = ordered_sum(part)
    first, second = ordered_sum(part * slope), ordered_sum(part * (slope * slope + bend))
    some = density > 0.0
    found: FloatArray = np.where(some, first * first / np.where(some, density, 1.0), 0.0) - second
    return found


def _normal(prior: Mixture) -> float:
    low, high = _levels(prior)
    nodes, width = panels(np.sort(np.concatenate((low, high))))
    precision = prior.second**-2.0
    slope = (prior.first - nodes[:, None]) * precision
    return float(ordered_sum(width * _ratio(prior, nodes, slope, -precision * np.ones_like(slope))))


def _beta(prior: Mixture) -> float:
    low, _ = _levels(prior)
    mirrored = BetaMixture(prior.weight, prior.second, prior.first)  # precise close to 1
    upper = -logit(_levels(mirrored)[0])
    ends = np.array(FAR)
    breaks = np.concatenate((logit(low), upper, -ends, np.minimum(ends, 36.0)))
    t, width = panels(np.sort(breaks[np.isfinite(breaks)]))
    p, q = expit(t), expit(-t)
    a, b = prior.first - 1.0, prior.second - 1.0
    # derivatives times p (1 - p) and its square: on the log odds they stay finite at the ends
    slope = a * q[:, None] - b * p[:, None]
    bend = -a * (q * q)[:, None] - b * (p * p)[:, None]
    return float(ordered_sum(width * _ratio(prior, p, slope, bend)))


def _gamma(prior: Mixture) -> float:
    low, high = _levels(prior)
    breaks = np.concatenate((np.log(low), np.log(high), -np.array(FAR)))
    t, width = panels(np.sort(breaks[np.isfinite(breaks)]))
    rate = np.exp(t)
    a = prior.first - 1.0
    slope = a - prior.second * rate[:, None]  # derivatives times rate and its square
    bend = np.broadcast_to(-a, slope.shape)
    return float(ordered_sum(width * _ratio(prior, rate, slope, bend)))
