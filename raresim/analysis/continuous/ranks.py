"""Ranks of patients, ties at their mean."""

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray


def midranks(values: FloatArray, used: BoolArray) -> FloatArray:
    """Rank the used values of each row from 1 up; ties get their mean rank, the others 0.

    Examples
    --------
    >>> midranks(np.array([[3.0, 1.0, 3.0, 9.0]]), np.array([[True, True, True, False]]))
    array([[2.5, 1. , 2.5, 0. ]])
    """
    order, first, last = _groups(values, used)
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2.0 + 1.0, axis=1)
    return np.where(used, ranks, 0.0)


def tie_sum(values: FloatArray, used: BoolArray) -> FloatArray:
    """Give the sum of t^3 - t over the groups of t tied values of each row, (B,).

    Examples
    --------
    >>> tie_sum(np.array([[3.0, 1.0, 3.0, 9.0]]), np.array([[True, True, True, True]]))
    array([6.])
    """
    order, first, last = _groups(values, used)
    t = np.where(np.take_along_axis(used, order, axis=1), last - first + 1, 1)
    # each of the t members brings t^2 - 1: whole numbers, exact in any order
    total: FloatArray = np.add.reduce(t * t - 1, axis=1).astype(np.float64)
    return total


def _groups(values: FloatArray, used: BoolArray) -> tuple[IntArray, IntArray, IntArray]:
    """Give the order of each row, and in that order the places where each one's ties start and end.

    The unused come last, as if they were larger than all.
    """
    height = np.where(used, values, np.inf)
    order = np.argsort(height, axis=1, kind="stable")
    height = np.take_along_axis(height, order, axis=1)
    n = values.shape[1]
    place = np.broadcast_to(np.arange(n), values.shape)
    opens = np.ones(values.shape, dtype=np.bool_)
    opens[:, 1:] = height[:, 1:] != height[:, :-1]
    first = np.maximum.accumulate(np.where(opens, place, 0), axis=1)
    closes = np.ones(values.shape, dtype=np.bool_)
    closes[:, :-1] = opens[:, 1:]
    last = np.minimum.accumulate(np.where(closes, place, n)[:, ::-1], axis=1)[:, ::-1]
    return order, first, last
