"""Algebra of many small matrices (i, j, ...) at once: whatever stands behind i and j is the stack.

With the stack last, each step is one long operation over all of it: several times as fast as
matrices that lie one after the other. Additions have a fixed order, so neighbours change no bit.
"""

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray


def product(a: FloatArray, b: FloatArray) -> FloatArray:
    """Multiply (i, k, ...) by (k, j, ...), adding over k from first to last.

    >>> product(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    array([[11.]])
    """
    total: FloatArray = a[:, 0, None] * b[None, 0]
    for k in range(1, a.shape[1]):
        total = total + a[:, k, None] * b[None, k]
    return total


def transposed(a: FloatArray) -> FloatArray:
    """Swap the first two axes."""
    return np.swapaxes(a, 0, 1)


def diagonal(a: FloatArray) -> FloatArray:
    """Give the diagonals, (k, ...)."""
    return a[np.arange(len(a)), np.arange(len(a))]


def inverse(a: FloatArray) -> FloatArray:
    """Invert positive definite matrices by Gauss-Jordan steps; others become NaN or infinite.

    >>> inverse(np.array([[2.0, 1.0], [1.0, 1.0]]))
    array([[ 1., -1.],
           [-1.,  2.]])
    """
    found = a.copy()
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for p in range(len(a)):
            pivot = 1.0 / found[p, p]
            row, column = found[p] * pivot, found[:, p].copy()
            found -= column[:, None] * row[None]
            found[p], found[:, p] = row, -column * pivot
            found[p, p] = pivot
    return found


def inverse_of_part(a: FloatArray, part: BoolArray) -> FloatArray:
    """Invert the rows and columns (k, ...) of ``part`` of symmetric matrices; zeros elsewhere.

    >>> inverse_of_part(np.array([[2.0, 1.0], [1.0, 5.0]]), np.array([True, False]))
    array([[0.5, 0. ],
           [0. , 0. ]])
    """
    both = part[:, None] & part[None]
    eye = np.eye(len(a)).reshape(*a.shape[:2], *(1,) * (both.ndim - 2))
    return np.where(both, inverse(np.where(both, a, eye)), 0.0)


def least_pivot(a: FloatArray) -> FloatArray:
    """Give the least share of a diagonal element that the ones before leave unexplained.

    Between 0 (singular) and 1; 0 where a diagonal element is not above 0.

    >>> least_pivot(np.array([[1.0, 0.6], [0.6, 1.0]])).round(12)
    np.float64(0.64)
    """
    variance = diagonal(a)
    positive = variance > 0.0
    scale = 1.0 / np.sqrt(np.where(positive, variance, 1.0))
    left = a * scale[:, None] * scale[None]
    least = np.where(np.all(positive, axis=0), 1.0, 0.0)
    for p in range(len(a)):
        pivot = left[p, p]
        least = np.where(pivot > 0.0, np.minimum(least, pivot), 0.0)
        safe = np.where(pivot > 0.0, pivot, 1.0)
        column = left[p + 1 :, p]
        left[p + 1 :, p + 1 :] -= column[:, None] * (column / safe)[None]
    return least
