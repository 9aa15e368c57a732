"""From the entries of the covariance to its parameters, by the chain rule."""

import numpy as np

from raresim.analysis.arrays import FloatArray
from raresim.analysis.longitudinal.likelihood import Curvature, Point
from raresim.analysis.longitudinal.structures import Shape, Structure
from raresim.analysis.small_matrices import times


def values_at(theta: FloatArray, structure: Structure, groups: int) -> FloatArray:
    """Return the entries (B, G, E) at parameters (B, GK)."""
    flat = np.ascontiguousarray(theta.reshape(-1, structure.size))
    return structure.value(flat).reshape(theta.shape[0], groups, -1)


def blocks(parts: FloatArray, groups: int) -> FloatArray:
    """Lay (B G, a, ...) out as blocks on the diagonal: (B, G a, G b), or (B, G a, G b, G b)."""
    if groups == 1:
        return parts
    own, axes = parts.shape[1:], parts.ndim - 1
    each = parts.reshape(-1, groups, *own)
    found = np.zeros((each.shape[0], *(groups * size for size in own)))
    for g in range(groups):
        place = tuple(slice(g * size, (g + 1) * size) for size in own)
        found[(slice(None), *place[:axes])] = each[:, g]
    return found


def chained(
    point: Point, bent: Curvature, theta: FloatArray, structure: Structure, groups: int
) -> tuple[Shape, FloatArray, FloatArray, FloatArray]:
    """Return the covariance's shape, score, observed and expected information."""
    rows, weights = theta.shape[0], point.score.reshape(theta.shape[0] * groups, -1)
    flat = np.ascontiguousarray(theta.reshape(rows * groups, -1))
    one, curve = structure.bent(flat, weights)
    first = blocks(one.first, groups)
    back = np.ascontiguousarray(np.swapaxes(first, 1, 2))
    score = times(np.swapaxes(first, 1, 2), point.score.reshape(rows, -1))
    observed = np.matmul(np.matmul(back, bent.observed), first) - blocks(curve, groups)
    expected = np.matmul(np.matmul(back, bent.expected), first)
    return Shape(one.value.reshape(rows, -1), first, one.second), score, observed, expected


def parameter_slopes(first: FloatArray, slopes: FloatArray) -> FloatArray:
    """Turn M_e of the entries into M_k of the parameters."""
    rows, e, p, _ = slopes.shape
    back = np.ascontiguousarray(np.swapaxes(first, 1, 2))
    found: FloatArray = np.matmul(back, slopes.reshape(rows, e, p * p)).reshape(rows, -1, p, p)
    return found
