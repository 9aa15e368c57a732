"""The probability that one unknown number exceeds another by a margin, given two posteriors."""

import numpy as np
from scipy.special import betainc, betaln, log_expit, logit, ndtr

from raresim.analysis.arrays import FloatArray, ordered_sum
from raresim.analysis.bayesian.mixtures import BetaMixture, GammaMixture, Mixture, NormalMixture
from raresim.analysis.bayesian.panels import LEVELS, panels
from raresim.errors import InputError

BLOCK = 2048  # rows whose quadrature nodes are held at once


def probability_above(
    treated: Mixture, control: Mixture, margin: FloatArray | float = 0.0
) -> FloatArray:
    """Give P(treated - control > margin), or for rates P(treated / control > margin).

    Normal distributions: closed form. Gamma distributions: the margin is a ratio of rates, and
    the probability that of an F distribution, as a regularised incomplete beta function. Beta
    distributions: quadrature over the control on the logit scale in panels between quantiles of
    both distributions, with an error below 1e-10.

    Parameters
    ----------
    treated, control
        Mixtures of one family, (B, K) and (B, L), or without the replicate axis.
    margin
        A difference of probabilities or of means, or a ratio of rates; a number, or (B,).

    Returns
    -------
    (B,) probabilities.

    Raises
    ------
    InputError
        If the families differ, or the margin cannot be.

    References
    ----------
    Cook JD. Exact calculation of beta inequalities. M. D. Anderson Cancer Center technical
    report UTMDABTR-005-05, 2005 (the problem; the quadrature here is another one).

    Examples
    --------
    >>> one, other = BetaMixture.of((1.0, 9.0, 3.0)), BetaMixture.of((1.0, 4.0, 8.0))
    >>> round(float(probability_above(one, other)), 8)
    0.98501344
    """
    if type(treated) is not type(control):
        raise InputError(
            f"control: found {type(control).__name__}; expected {type(treated).__name__}."
        )
    if isinstance(treated, GammaMixture) and not np.all(np.greater(margin, 0.0)):
        raise InputError(f"margin: found {margin!r}; expected a ratio of rates above 0.")
    if isinstance(treated, BetaMixture) and not np.all(np.less(np.abs(margin), 1.0)):
        raise InputError(f"margin: found {margin!r}; expected a difference within -1 to 1.")
    parts = []
    for k in range(treated.weight.shape[-1]):
        for j in range(control.weight.shape[-1]):
            weight = treated.weight[..., k] * control.weight[..., j]
            one = (treated.first[..., k], treated.second[..., k])
            other = (control.first[..., j], control.second[..., j])
            parts.append(weight * _pair(type(treated), one, other, margin))
    return ordered_sum(np.stack(np.broadcast_arrays(*parts), axis=-1))


Pair = tuple[FloatArray, FloatArray]


def _pair(family: type[Mixture], one: Pair, other: Pair, margin: FloatArray | float) -> FloatArray:
    if family is NormalMixture:
        spread = np.sqrt(one[1] * one[1] + other[1] * other[1])
        normal: FloatArray = ndtr((one[0] - other[0] - margin) / spread)
        return normal
    if family is GammaMixture:
        share = other[1] / (other[1] + margin * one[1])
        return np.asarray(betainc(other[0], one[0], share), dtype=np.float64)
    found = np.broadcast_arrays(*one, *other, np.asarray(margin, dtype=np.float64))
    rows = [np.ravel(x) for x in found]
    blocks = [
        beta_above(*(row[start : start + BLOCK] for row in rows))
        for start in range(0, rows[0].size, BLOCK)
    ]
    return np.concatenate(blocks).reshape(found[0].shape)


def beta_above(
    a1: FloatArray, b1: FloatArray, a0: FloatArray, b0: FloatArray, margin: FloatArray
) -> FloatArray:
    """Give P(p1 - p0 > margin) of rows of beta distributions (R,), as `probability_above`.

    Examples
    --------
    >>> one = np.array([1.0])
    >>> beta_above(one, one, one, one, np.array([0.25])).round(12)  # (1 - margin)^2 / 2
    array([0.28125])
    """
    margin = margin[:, None]
    lower, upper = np.maximum(0.0, -margin), np.minimum(1.0, 1.0 - margin)
    one = BetaMixture(a1, a1[:, None], b1[:, None])
    other = BetaMixture(a0, a0[:, None], b0[:, None])
    levels = np.array(LEVELS)
    flipped = BetaMixture(a0, b0[:, None], a0[:, None])  # precise close to 1
    own = np.concatenate(
        (
            logit(other.component_quantile(levels)),
            -logit(flipped.component_quantile(levels[::-1])),
        ),
        axis=1,
    )
    levels = np.append(levels, 1.0 - levels[:-1])
    theirs = logit(np.clip(one.component_quantile(levels) - margin, lower, upper))
    low = np.maximum(own[:, :1], logit(lower))
    high = np.maximum(np.minimum(own[:, -1:], logit(upper)), low)
    breaks = np.sort(np.clip(np.concatenate((own, theirs), axis=1), low, high), axis=1)
    nodes, weights = panels(breaks)
    left, right = log_expit(nodes), log_expit(-nodes)
    log = a0[:, None] * left + b0[:, None] * right - betaln(a0, b0)[:, None]
    above = one.component_above(np.exp(left) + margin)
    surely = betainc(a0, b0, lower[:, 0])  # where p0 + margin is below 0
    found = surely + ordered_sum(weights * np.exp(log) * above)
    return np.clip(found, 0.0, 1.0)
