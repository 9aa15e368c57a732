"""Combination tests: one statistic from the p-values of separate stages."""

import numpy as np
from scipy.special import ndtri

from raresim.analysis.arrays import FloatArray
from raresim.errors import InputError


def inverse_normal(p: FloatArray, weights: FloatArray) -> FloatArray:
    """Combine one-sided stage-wise p-values by the inverse normal method.

    Z_k = (w_1 z_1 + ... + w_k z_k) / sqrt(w_1^2 + ... + w_k^2), z_j = Phi^(-1)(1 - p_j). Compare
    it with the boundaries of a group-sequential design whose information steps are the w_j^2.

    Parameters
    ----------
    p
        (..., K) p-values of the separate stages; NaN from a stage on that did not take place.
    weights
        (K,) weights fixed before the trial, above 0; their common factor does not matter.

    Returns
    -------
    (..., K) statistics after each stage.

    Raises
    ------
    InputError
        If p-values are outside 0 to 1 or the weights do not fit.

    References
    ----------
    Lehmacher W, Wassmer G. Biometrics 1999;55:1286-1290.

    Examples
    --------
    >>> inverse_normal(np.array([0.1, 0.03]), np.array([1.0, 1.0])).round(4)
    array([1.2816, 2.2361])
    """
    p, weights = _checked(p, weights)
    total: FloatArray = np.cumsum(weights * -ndtri(p), axis=-1)
    return np.asarray(total / np.sqrt(np.cumsum(weights * weights)))


def fisher_product(p: FloatArray, weights: FloatArray) -> FloatArray:
    """Combine one-sided stage-wise p-values by Fisher's product, p_1^w_1 ... p_k^w_k.

    Compare it with the critical values of `fisher_combination`: reject at that or less.

    Parameters
    ----------
    p, weights
        As in `inverse_normal`; weights of 1 give Fisher's own product.

    Returns
    -------
    (..., K) products after each stage.

    Raises
    ------
    InputError
        As `inverse_normal`.

    References
    ----------
    Bauer P, Koehne K. Biometrics 1994;50:1029-1041.

    Examples
    --------
    >>> fisher_product(np.array([0.1, 0.03]), np.array([1.0, 1.0]))
    array([0.1  , 0.003])
    """
    p, weights = _checked(p, weights)
    return np.asarray(np.cumprod(p**weights, axis=-1))


def _checked(p: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    p, weights = np.asarray(p, np.float64), np.asarray(weights, np.float64)
    fits = p.ndim > 0 and weights.shape == p.shape[-1:]
    if not fits or not np.all((weights > 0.0) & (weights < np.inf)):
        raise InputError(f"weights: found {weights}; expected one above 0 for each stage of p.")
    if np.any((p < 0.0) | (p > 1.0)):
        raise InputError("p: expected p-values between 0 and 1.")
    return p, weights
