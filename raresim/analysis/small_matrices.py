"""Symmetric matrices of a few rows, a stack of them at once, in an order of addition that is fixed.

A BLAS product's last bits may depend on how many matrices stand beside; these do not. LAPACK takes
one matrix after the other, so its solutions, inverses and eigenvalues may be used on stacks.
"""

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray

SPENT = 1e-10  # a pivot below this part of its diagonal is rounding


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


def times(matrix: FloatArray, vector: FloatArray) -> FloatArray:
    """Multiply matrices (..., j, k) with vectors (..., k), adding in order; k may be 0.

    >>> times(np.array([[[1.0, 2.0], [0.0, 1.0]]]), np.array([[3.0, 4.0]]))
    array([[11.,  4.]])
    """
    if vector.shape[-1] == 0:
        return np.zeros(matrix.shape[:-1])
    total = matrix[..., 0] * vector[..., 0, None]
    for k in range(1, vector.shape[-1]):
        total += matrix[..., k] * vector[..., k, None]
    found: FloatArray = total
    return found


def quadratic(matrix: FloatArray, vector: FloatArray) -> FloatArray:
    """Give v'Mv of matrices (..., k, k) and vectors (..., k)."""
    return times(vector[..., None, :], times(matrix, vector))[..., 0]


def transposed(a: FloatArray) -> FloatArray:
    """Swap the last two axes."""
    return np.swapaxes(a, -1, -2)


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


def inverse(matrix: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Invert positive definite matrices (B, k, k) by Cholesky's method, all at once.

    It takes k^3 steps whatever B: for many rows and few columns.

    Returns
    -------
    inverse
        (B, k, k); of a matrix that is not positive definite, the identity.
    definite
        (B,) whether it was, each pivot being more than 1e-10 of its diagonal.

    Examples
    --------
    >>> inverse(np.array([[[4.0, 2.0], [2.0, 3.0]]]))[0].round(4)
    array([[[ 0.375, -0.25 ],
            [-0.25 ,  0.5  ]]])
    """
    root, definite = _root(matrix)
    undone = _lower_inverse(root)
    size = matrix.shape[-1]
    found = np.zeros_like(matrix)
    for i in range(size):
        for j in range(i + 1):
            for m in range(i, size):
                found[:, i, j] += undone[:, m, i] * undone[:, m, j]
            found[:, j, i] = found[:, i, j]
    return found, definite


def log_determinant(matrix: FloatArray) -> FloatArray:
    """Give the logarithm of the determinant of positive definite matrices, else -infinity."""
    root, definite = _root(matrix)
    total = np.zeros(matrix.shape[0])
    for j in range(matrix.shape[-1]):
        total = total + 2.0 * np.log(root[:, j, j])
    return np.where(definite, total, -np.inf)


def _root(matrix: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Give the lower root, the identity where a pivot was spent, and where none was."""
    size = matrix.shape[-1]
    finite = np.all(np.isfinite(matrix), axis=(1, 2))
    safe = np.where(finite[:, None, None], matrix, 0.0)
    root = cholesky(safe)
    pivots = np.diagonal(root, axis1=1, axis2=2) ** 2
    least = SPENT * np.maximum(np.diagonal(safe, axis1=1, axis2=2), 0.0)
    definite = finite & np.all(pivots > least, axis=1)
    return np.where(definite[:, None, None], root, np.eye(size)), definite


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


def lapack_inverse(a: FloatArray) -> FloatArray:
    """Invert regular matrices (..., k, k), symmetric or not."""
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
    found: FloatArray = np.where(both, lapack_inverse(np.where(both, a, eye)), 0.0)
    return found


def evened(matrices: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Scale symmetric matrices (..., k, k) to a unit diagonal.

    Returns
    -------
    even
        (..., k, k); the identity where a number is not finite or a diagonal element not above 0.
    scale
        (..., k) one over the roots of the diagonal; even = scale' matrix scale.
    sound
        (...) where neither was the case.
    """
    diagonal = np.diagonal(matrices, axis1=-2, axis2=-1)
    sound = np.all(np.isfinite(matrices), axis=(-2, -1)) & np.all(diagonal > 0.0, axis=-1)
    scale = 1.0 / np.sqrt(np.where(sound[..., None], diagonal, 1.0))
    safe = matrices
    if not np.all(sound):
        safe = np.where(sound[..., None, None], matrices, np.eye(matrices.shape[-1]))
    return safe * scale[..., :, None] * scale[..., None, :], scale, sound


def least_pivot(a: FloatArray) -> FloatArray:
    """Give the least share of a diagonal element that the ones before leave unexplained.

    Between 0 (singular) and 1; 0 where a diagonal element is not above 0.

    >>> least_pivot(np.array([[1.0, 0.6], [0.6, 1.0]])).round(12)
    np.float64(0.64)
    """
    even, _, sound = evened(a)
    least = np.min(np.diagonal(cholesky(even), axis1=-2, axis2=-1) ** 2, axis=-1)
    found: FloatArray = np.where(sound, least, 0.0)
    return found


def well_conditioned(matrices: FloatArray, least: float) -> BoolArray:
    """Say which matrices (..., k, k), scaled, have no eigenvalue as small as ``least``."""
    even, _, sound = evened(matrices)
    smallest = np.min(np.linalg.eigvalsh(even), axis=-1, initial=np.inf)
    found: BoolArray = sound & (smallest > least)
    return found


def solution(matrices: FloatArray, right: FloatArray, least: float) -> tuple[FloatArray, BoolArray]:
    """Solve matrix x = right, (B, k, k) and (B, k), where the matrices are well conditioned.

    Returns
    -------
    x
        (B, k); 0 where there is no solution.
    found
        (B,) whether all is finite and no eigenvalue of the scaled matrix is as small as ``least``.

    Examples
    --------
    >>> solution(np.array([[[4.0, 0.0], [0.0, 2.0]]]), np.array([[2.0, 3.0]]), 1e-14)
    (array([[0.5, 1.5]]), array([ True]))
    """
    even, scale, sound = evened(matrices)
    found = sound & np.all(np.isfinite(right), axis=1) & (np.linalg.eigvalsh(even)[:, 0] > least)
    even = np.where(found[:, None, None], even, np.eye(right.shape[1]))
    x = np.linalg.solve(even, (np.where(found[:, None], right, 0.0) * scale)[:, :, None])
    return x[:, :, 0] * scale, found
