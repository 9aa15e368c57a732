"""Adjusted p-values of several hypotheses from their p-values alone.

Every function takes p-values of shape (..., m), m hypotheses last, and returns as many adjusted
ones: a hypothesis is rejected at family-wise level alpha where its adjusted p-value is alpha
or less. A p-value of NaN is a hypothesis that could not be tested: it stays NaN, is never
rejected, and counts among the m for the others.
"""

import numpy as np

from raresim.analysis.arrays import FloatArray, IntArray
from raresim.errors import InputError


def bonferroni(p: FloatArray) -> FloatArray:
    """Multiply each p-value by their number; valid whatever the dependence.

    Examples
    --------
    >>> bonferroni(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.12, 0.09])
    """
    tested = checked(p)
    return _restored(np.minimum(tested * tested.shape[-1], 1.0), p)


def holm(p: FloatArray) -> FloatArray:
    """Adjust by Holm's step-down procedure; valid whatever the dependence.

    References
    ----------
    Holm S. Scand J Stat 1979;6:65-70.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.06, 0.06])
    """
    tested = checked(p)
    order, ascending = _sorted(tested)
    factors = np.arange(tested.shape[-1], 0.0, -1.0)
    stepped = np.maximum.accumulate(ascending * factors, axis=-1)
    return _restored(_unsorted(np.minimum(stepped, 1.0), order), p)


def hochberg(p: FloatArray) -> FloatArray:
    """Adjust by Hochberg's step-up procedure; valid where Simes' test is.

    So for independent statistics and for many positively dependent ones.

    References
    ----------
    Hochberg Y. Biometrika 1988;75:800-802.

    Examples
    --------
    >>> hochberg(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.04, 0.04])
    """
    tested = checked(p)
    order, ascending = _sorted(tested)
    factors = np.arange(tested.shape[-1], 0.0, -1.0)
    scaled = np.minimum(ascending * factors, 1.0)[..., ::-1]
    stepped = np.minimum.accumulate(scaled, axis=-1)[..., ::-1]
    return _restored(_unsorted(stepped, order), p)


def hommel(p: FloatArray) -> FloatArray:
    """Adjust by Hommel's procedure, the closed test of Simes' tests; valid where Simes' is.

    The adjusted p-value is the largest of Simes' p-values over the sets of hypotheses that hold
    it; for each size the set that matters is the hypothesis with the largest others.

    References
    ----------
    Hommel G. Biometrika 1988;75:383-386. Wright SP. Biometrics 1992;48:1005-1013.

    Examples
    --------
    >>> hommel(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.04, 0.04])
    """
    tested = checked(p)
    order, ascending = _sorted(tested)
    m = tested.shape[-1]
    found = ascending.copy()
    for size in range(2, m + 1):
        first = m - size  # the largest ``size`` p-values start here
        ranks = np.arange(2.0, size + 1.0)
        others = np.min(size * ascending[..., first + 1 :] / ranks, axis=-1, keepdims=True)
        low = ascending[..., : first + 1]
        found[..., first + 1 :] = np.maximum(
            found[..., first + 1 :],
            np.minimum(others, size * ascending[..., first : first + 1]),
        )
        found[..., : first + 1] = np.maximum(
            found[..., : first + 1], np.minimum(others, size * low)
        )
    return _restored(_unsorted(np.minimum(found, 1.0), order), p)


def fixed_sequence(p: FloatArray) -> FloatArray:
    """Adjust for testing in the order given, each only if all before it were rejected.

    Examples
    --------
    >>> fixed_sequence(np.array([0.01, 0.04, 0.03]))
    array([0.01, 0.04, 0.04])
    """
    return _restored(np.maximum.accumulate(checked(p), axis=-1), p)


def checked(p: FloatArray) -> FloatArray:
    """Read p-values; those missing become 1, which is never rejected."""
    values = np.asarray(p, dtype=np.float64)
    if values.ndim == 0 or values.shape[-1] == 0:
        raise InputError(f"p: found shape {values.shape}; expected at least one p-value.")
    if np.any((values < 0.0) | (values > 1.0)):
        raise InputError("p: expected p-values between 0 and 1, or NaN where there is none.")
    return np.where(np.isnan(values), 1.0, values)


def _sorted(p: FloatArray) -> tuple[IntArray, FloatArray]:
    order = np.argsort(p, axis=-1, kind="stable")
    return order, np.take_along_axis(p, order, axis=-1)


def _unsorted(values: FloatArray, order: IntArray) -> FloatArray:
    found = np.empty_like(values)
    np.put_along_axis(found, order, values, axis=-1)
    return found


def _restored(adjusted: FloatArray, p: FloatArray) -> FloatArray:
    return np.where(np.isnan(np.asarray(p, dtype=np.float64)), np.nan, adjusted)
