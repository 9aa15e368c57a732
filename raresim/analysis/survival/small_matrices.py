"""Symmetric matrices of a few rows, one for each replicate, by arithmetic whose order is fixed."""

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray

SPENT = 1e-10  # a pivot below this part of its diagonal is rounding


def inverse(matrix: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Invert positive definite matrices (B, k, k) by Cholesky's method.

    Returns
    -------
    inverse
        (B, k, k); of a matrix that is not positive definite, something finite.
    definite
        (B,) whether it was, each pivot being more than 1e-10 of its diagonal.

    Examples
    --------
    >>> inverse(np.array([[[4.0, 2.0], [2.0, 3.0]]]))[0].round(4)
    array([[[ 0.375, -0.25 ],
            [-0.25 ,  0.5  ]]])
    """
    root, definite = _cholesky(matrix)
    size = matrix.shape[-1]
    undone = _lower_inverse(root)
    found = np.zeros_like(matrix)
    for i in range(size):
        for j in range(i + 1):
            for m in range(i, size):
                found[:, i, j] += undone[:, m, i] * undone[:, m, j]
            found[:, j, i] = found[:, i, j]
    return found, definite


def log_determinant(matrix: FloatArray) -> FloatArray:
    """Give the logarithm of the determinant of positive definite matrices, else -infinity."""
    root, definite = _cholesky(matrix)
    total = np.zeros(matrix.shape[0])
    for j in range(matrix.shape[-1]):
        total = total + 2.0 * np.log(root[:, j, j])
    return np.where(definite, total, -np.inf)


def _cholesky(matrix: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Give the lower root and whether there is one; 1 stands where a pivot was spent."""
    size = matrix.shape[-1]
    root = np.zeros_like(matrix)
    definite = np.all(np.isfinite(matrix), axis=(1, 2))
    matrix = np.where(definite[:, None, None], matrix, np.eye(size))
    for j in range(size):
        pivot = matrix[:, j, j]
        for m in range(j):
            pivot = pivot - root[:, j, m] ** 2
        good = pivot > SPENT * matrix[:, j, j]
        definite = definite & good
        root[:, j, j] = np.sqrt(np.where(good, pivot, 1.0))
        for i in range(j + 1, size):
            rest = matrix[:, i, j]
            for m in range(j):
                rest = rest - root[:, i, m] * root[:, j, m]
            root[:, i, j] = np.where(good, rest / root[:, j, j], 0.0)
    return root, definite


def _lower_inverse(root: FloatArray) -> FloatArray:
    size = root.shape[-1]
    undone = np.zeros_like(root)
    for j in range(size):
        undone[:, j, j] = 1.0 / root[:, j, j]
        for i in range(j + 1, size):
            rest = np.zeros(root.shape[0])
            for m in range(j, i):
                rest = rest - root[:, i, m] * undone[:, m, j]
            undone[:, i, j] = rest / root[:, i, i]
    return undone


def times(matrix: FloatArray, vector: FloatArray) -> FloatArray:
    """Multiply matrices (B, j, k) with vectors (B, k), adding in order."""
    total = np.zeros(matrix.shape[:2])
    for m in range(vector.shape[1]):
        total = total + matrix[:, :, m] * vector[:, m, None]
    return total


def product(first: FloatArray, second: FloatArray) -> FloatArray:
    """Multiply matrices (B, i, j) with matrices (B, j, k), adding in order."""
    total = np.zeros((first.shape[0], first.shape[1], second.shape[2]))
    for m in range(second.shape[1]):
        total = total + first[:, :, m, None] * second[:, None, m, :]
    return total


def quadratic(matrix: FloatArray, vector: FloatArray) -> FloatArray:
    """Give v'Mv of each row."""
    right = times(matrix, vector)
    total = np.zeros(vector.shape[0])
    for m in range(vector.shape[1]):
        total = total + vector[:, m] * right[:, m]
    return total
