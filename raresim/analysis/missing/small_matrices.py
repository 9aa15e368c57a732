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
    found = np.zeros(a.shape)
    for j in range(a.shape[-1]):
        pivot = a[..., j, j].copy()
        for k in range(j):
            pivot -= found[..., j, k] * found[..., j, k]
        positive = pivot > 0.0
        root = np.sqrt(np.where(positive, pivot, 1.0))
        found[..., j, j] = np.where(positive, root, 0.0)
        for i in range(j + 1, a.shape[-1]):
            left = a[..., i, j].copy()
            for k in range(j):
                left -= found[..., i, k] * found[..., j, k]
            found[..., i, j] = np.where(positive, left / root, 0.0)
    return found


def least_pivot(a: FloatArray) -> FloatArray:
    """Give the least share of a diagonal element that the ones before leave unexplained.

    Between 0 (singular) and 1; 0 where a diagonal element is not above 0.

    >>> least_pivot(np.array([[1.0, 0.6], [0.6, 1.0]])).round(12)
    np.float64(0.64)
    """
    diagonal = np.diagonal(a, axis1=-2, axis2=-1)
    positive = np.all(diagonal > 0.0, axis=-1)
    scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    root = cholesky(a * scale[..., :, None] * scale[..., None, :])
    least = np.min(np.diagonal(root, axis1=-2, axis2=-1) ** 2, axis=-1)
    found: FloatArray = np.where(positive, least, 0.0)
    return found
