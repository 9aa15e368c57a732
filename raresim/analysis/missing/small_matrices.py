"""Products and factors of stacks of small matrices, in an order of addition that never changes.

A BLAS product's last bits may depend on how many matrices stand beside; these do not.
"""

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray


def product(a: FloatArray, b: FloatArray) -> FloatArray:
    """Multiply (..., i, k) by (..., k, j), adding over k from first to last.

    >>> product(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    array([[11.]])
    """
    total = a[..., :, 0, None] * b[..., None, 0, :]
    for k in range(1, a.shape[-1]):
        total = total + a[..., :, k, None] * b[..., None, k, :]
    found: FloatArray = total
    return found


def transposed(a: FloatArray) -> FloatArray:
    """Swap the last two axes."""
    return np.swapaxes(a, -1, -2)


def inverse(a: FloatArray) -> FloatArray:
    """Invert (..., k, k); LAPACK takes one matrix after the other, so neighbours change nothing."""
    found: FloatArray = np.linalg.inv(a).astype(np.float64, copy=False)
    return found


def inverse_of_part(a: FloatArray, part: BoolArray) -> FloatArray:
    """Invert the rows and columns (..., T) of ``part`` of symmetric matrices; zeros elsewhere.

    >>> inverse_of_part(np.array([[2.0, 1.0], [1.0, 5.0]]), np.array([True, False]))
    array([[0.5, 0. ],
           [0. , 0. ]])
    """
    both = part[..., :, None] & part[..., None, :]
    eye = np.eye(a.shape[-1])
    found: FloatArray = np.where(both, inverse(np.where(both, a, eye)), 0.0)
    return found


def cholesky(a: FloatArray) -> FloatArray:
    """Give L with L L' = a, for stacks of positive semidefinite matrices (zero pivots stay zero).

    >>> cholesky(np.array([[4.0, 0.0], [0.0, 0.0]]))
    array([[2., 0.],
           [0., 0.]])
    """
    left, found = a.copy(), np.zeros(a.shape)
    for j in range(a.shape[-1]):
        pivot = left[..., j, j, None]
        positive = pivot > 0.0
        root = np.sqrt(np.where(positive, pivot, 1.0))
        column = np.where(positive, left[..., j:, j] / root, 0.0)
        column[..., :1] = np.where(positive, root, 0.0)
        found[..., j:, j] = column
        left[..., j:, j:] -= column[..., :, None] * column[..., None, :]
    return found
