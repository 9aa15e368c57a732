"""The posterior of one arm's unknown, or of the effect between two: moments and limits."""

import numpy as np
from scipy.special import digamma, polygamma

from raresim.analysis.arrays import FloatArray, IntArray, ordered_sum
from raresim.analysis.bayesian.comparing import probability_above
from raresim.analysis.bayesian.mixtures import GammaMixture, Mixture, NormalMixture
from raresim.analysis.bayesian.root import falling_root


def effect_moments(treated: Mixture, control: Mixture) -> tuple[FloatArray, FloatArray]:
    """Give mean and sd of treated - control; of the log ratio for rates.

    Examples
    --------
    >>> from raresim.analysis.bayesian.mixtures import BetaMixture
    >>> one = BetaMixture(np.ones((1, 1)), np.full((1, 1), 3.0), np.full((1, 1), 1.0))
    >>> effect_moments(one, one)[0]
    array([0.])
    """
    if isinstance(treated, GammaMixture):
        mean, variance = _log_moments(treated)
        other, its = _log_moments(control)
        return mean - other, np.sqrt(variance + its)
    return treated.mean() - control.mean(), np.sqrt(treated.sd() ** 2 + control.sd() ** 2)


def _log_moments(rate: Mixture) -> tuple[FloatArray, FloatArray]:
    each = digamma(rate.first) - np.log(rate.second)
    mean = ordered_sum(rate.weight * each)
    away = each - mean[..., None]
    return mean, ordered_sum(rate.weight * (polygamma(1, rate.first) + away * away))


def effect_quantile(treated: Mixture, control: Mixture, level: float) -> FloatArray:
    """Give the quantile of treated - control, (B,); of the ratio for rates.

    Examples
    --------
    >>> from raresim.analysis.bayesian.mixtures import BetaMixture
    >>> one = BetaMixture(np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1)))
    >>> effect_quantile(one, one, 0.02).round(6)  # triangular: sqrt(2 level) - 1
    array([-0.8])
    """
    if isinstance(treated, NormalMixture):
        return _normal_difference(treated, control).quantile(level)
    rates = isinstance(treated, GammaMixture)

    def excess(value: FloatArray, rows: IntArray) -> FloatArray:
        margin = np.exp(value) if rates else value
        return probability_above(_rows(treated, rows), _rows(control, rows), margin) - (1.0 - level)

    one, other = _extremes(treated), _extremes(control)
    if rates:
        low, high = np.log(one[0] / other[1]), np.log(one[1] / other[0])
    else:
        low = np.maximum(one[0] - other[1], -1.0 + 1e-15)
        high = np.minimum(one[1] - other[0], 1.0 - 1e-15)
    root = falling_root(excess, low, high)
    return np.exp(root) if rates else root


def _rows(mixture: Mixture, rows: IntArray) -> Mixture:
    return type(mixture)(mixture.weight[rows], mixture.first[rows], mixture.second[rows])


def _extremes(mixture: Mixture) -> tuple[FloatArray, FloatArray]:
    """Give limits that hold all but 2e-5 of each component."""
    level = np.full(mixture.weight.shape, 1e-5)
    low, high = mixture.component_quantile(level), mixture.component_quantile(1.0 - level)
    return np.maximum(np.min(low, axis=-1), 1e-300), np.max(high, axis=-1)


def _normal_difference(treated: Mixture, control: Mixture) -> NormalMixture:
    shape = (*treated.weight.shape[:-1], -1)
    weight = treated.weight[..., :, None] * control.weight[..., None, :]
    mean = treated.first[..., :, None] - control.first[..., None, :]
    sd = np.hypot(treated.second[..., :, None], control.second[..., None, :])
    return NormalMixture(weight.reshape(shape), mean.reshape(shape), sd.reshape(shape))
