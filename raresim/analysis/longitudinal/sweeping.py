"""Inverses of positive definite matrices by sweeping, the rows of a batch side by side.

Each row takes the same steps and none looks at its neighbours, so row b is that row alone, bit for
bit, and a processor takes a step in several rows at once. LAPACK takes one matrix after the other.

Reference: Goodnight JH. Am Stat 1979;33:149-158.
"""

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray
from raresim.analysis.small_matrices import evened
from raresim.analysis.small_matrices import well_conditioned as by_eigenvalues
from raresim.compiled import compiled, writes

TOGETHER = 64  # rows that are swept together: their matrices stay in the cache
PLAIN = 0.5  # far enough from 1 that rounding of an inverse has no say


def swept(matrices: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Invert symmetric matrices (k, k, ...), of which the upper triangle is read.

    Returns
    -------
    inverse
        (k, k, ...), of no meaning where a pivot is not above 0.
    pivots
        (k, ...), whose product is the determinant; all are above 0 if, and only if, the matrix is
        positive definite.

    Examples
    --------
    >>> inverse, pivots = swept(np.array([[4.0, 2.0], [2.0, 3.0]])[:, :, None])
    >>> inverse[:, :, 0].tolist(), pivots[:, 0].tolist()
    ([[0.375, -0.25], [-0.25, 0.5]], [4.0, 2.0])
    """
    k, rest = matrices.shape[0], matrices.shape[2:]
    work = matrices.reshape(k, k, -1).copy()
    pivots = np.empty((k, work.shape[2]))
    _sweep(work, pivots)
    return work.reshape(k, k, *rest), pivots.reshape(k, *rest)


@compiled(writes("float64", 3), writes("float64", 2))
def _sweep(work: FloatArray, pivots: FloatArray) -> None:
    """Turn each matrix into its inverse, sweeping its upper triangle one pivot after the other."""
    size, batch = pivots.shape
    whole, divided = np.empty((size, TOGETHER)), np.empty((size, TOGETHER))
    for first in range(0, batch, TOGETHER):
        rows = slice(first, min(first + TOGETHER, batch))
        n = rows.stop - first
        for k in range(size):
            for j in range(size):
                found = work[j, k, rows] if j < k else work[k, j, rows]
                for b in range(n):
                    whole[j, b] = found[b]
            pivot = pivots[k, rows]
            for b in range(n):
                pivot[b] = whole[k, b]
                divided[k, b] = 1.0 / pivot[b] if pivot[b] > 0.0 else 1.0
            for j in range(size):
                if j != k:
                    for b in range(n):
                        divided[j, b] = whole[j, b] * divided[k, b]
            for i in range(size):
                own = whole[i]
                for j in range(i, size):
                    other, found = divided[j], work[i, j, rows]
                    for b in range(n):
                        found[b] -= own[b] * other[b]
            for j in range(size):
                found = work[j, k, rows] if j < k else work[k, j, rows]
                for b in range(n):
                    found[b] = divided[j, b] if j != k else -divided[k, b]
        for i in range(size):
            for j in range(i, size):
                upper, lower = work[i, j, rows], work[j, i, rows]
                for b in range(n):
                    upper[b] = -upper[b]
                    lower[b] = upper[b]


def inverses(matrices: FloatArray, fine: BoolArray) -> tuple[BoolArray, FloatArray, FloatArray]:
    """Invert positive definite matrices (B, k, k); also the logarithm of their determinants.

    Returns
    -------
    fine
        (B,) where `fine` was, and the matrix is positive definite.
    inverse
        (B, k, k), of no meaning elsewhere.
    logdet
        (B,).
    """
    inverse, pivots, root, sound = _swept_evenly(matrices)
    sound &= fine
    logs = np.log(np.where(sound, pivots, 1.0)) - 2.0 * np.log(root)
    inverse *= root[:, None] * root
    return sound, np.ascontiguousarray(np.moveaxis(inverse, 2, 0)), np.cumsum(logs, axis=0)[-1]


def solved(matrices: FloatArray, right: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Solve matrix x = right, (B, k, k) and (B, k); also say which matrices are definite."""
    inverse, _, root, definite = _swept_evenly(matrices)
    rest = right.T * root
    found = inverse[:, 0] * rest[0]
    for k in range(1, rest.shape[0]):
        found += inverse[:, k] * rest[k]
    return np.ascontiguousarray((found * root).T), definite


def well_conditioned(matrices: FloatArray, least: float) -> BoolArray:
    """Do what `small_matrices.well_conditioned` does, faster where there is no doubt.

    One over the smallest eigenvalue is at most the sum of all the inverse's, which is its trace.
    """
    inverse, _, _, definite = _swept_evenly(matrices)
    trace = np.cumsum(np.diagonal(inverse), axis=1)[:, -1]
    found: BoolArray = definite & (trace * least < PLAIN)
    doubtful = np.flatnonzero(~found)
    if doubtful.size > 0:
        found[doubtful] = by_eigenvalues(matrices[doubtful], least)
    return found


def _swept_evenly(
    matrices: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Sweep matrices (B, k, k) after they were scaled to a unit diagonal.

    Returns
    -------
    inverse, pivots
        (k, k, B) and (k, B) of the scaled matrices.
    root
        (k, B) what rows and columns were multiplied by.
    definite
        (B,) whether the matrices are finite and positive definite.
    """
    even, scale, sound = evened(matrices)
    inverse, pivots = swept(np.moveaxis(even, 0, 2))
    return inverse, pivots, np.ascontiguousarray(scale.T), sound & np.all(pivots > 0.0, axis=0)
