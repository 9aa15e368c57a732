"""Columns of a regression: brought to unit spread, and their sums over patients."""

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, ordered_sum

FLAT = 1e-10  # a spread below this part of a column's size is rounding


def standardised(column: FloatArray, used: BoolArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Centre the used values of a column (B, n) and divide them by their standard deviation.

    With an intercept this changes nothing about the other columns' coefficients, and makes the
    equations well conditioned.

    Returns
    -------
    scaled
        (B, n), 0 for those not used and where the column does not vary.
    spread
        (B,) what was divided by, 1 where the column does not vary.
    varies
        (B,) whether it does.

    Examples
    --------
    >>> standardised(np.array([[1.0, 3.0, 9.0]]), np.array([[True, True, False]]))
    (array([[-1.,  1.,  0.]]), array([1.]), array([ True]))
    """
    number = np.maximum(np.count_nonzero(used, axis=1), 1)
    column = np.where(used, column, 0.0)
    centred = np.where(used, column - (ordered_sum(column) / number)[:, None], 0.0)
    spread = np.sqrt(ordered_sum(centred * centred) / number)
    varies = spread > FLAT * np.sqrt(ordered_sum(column * column) / number)
    spread = np.where(varies, spread, 1.0)
    return np.where(varies[:, None], centred, 0.0) / spread[:, None], spread, varies


def column_sums(x: FloatArray, weight: FloatArray) -> FloatArray:
    """Give the weighted sum of each column: (B, n, k) and (B, n) to (B, k)."""
    sums = [ordered_sum(x[:, :, j] * weight) for j in range(x.shape[2])]
    return np.stack(sums, axis=1) if sums else np.zeros((x.shape[0], 0))


def cross_products(x: FloatArray, weight: FloatArray) -> FloatArray:
    """Give x' diag(weight) x: (B, n, k) and (B, n) to (B, k, k)."""
    k = x.shape[2]
    found = np.empty((x.shape[0], k, k))
    for i in range(k):
        weighted = weight * x[:, :, i]
        for j in range(i, k):
            found[:, i, j] = found[:, j, i] = ordered_sum(weighted * x[:, :, j])
    return found
