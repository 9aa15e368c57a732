"""Graphical procedures: sequentially rejective, weighted Bonferroni tests."""

import numpy as np

from raresim.analysis.arrays import FloatArray, IntArray
from raresim.analysis.multiplicity.stepwise import checked
from raresim.errors import InputError

ROUNDING = 1e-9


def graphical(p: FloatArray, weights: FloatArray, transitions: FloatArray) -> FloatArray:
    """Adjust p-values by a graph that hands the level of a rejected hypothesis to others.

    Hypothesis i starts with alpha w_i; once rejected it gives the share g_ij of what it has to
    j, and the graph closes around it. Valid whatever the dependence. Holm's procedure has equal
    weights and shares; a fixed sequence gives all to the next.

    Parameters
    ----------
    p
        (..., m); NaN where a hypothesis could not be tested, see `stepwise`.
    weights
        (m,) of 0 or more, in sum at most 1.
    transitions
        (m, m) shares of 0 or more, in each row at most 1 in sum, none to itself.

    Returns
    -------
    (..., m) adjusted p-values; reject where they are alpha or less.

    Raises
    ------
    InputError
        If the graph is not one, or p-values are outside 0 to 1.

    References
    ----------
    Bretz F, Maurer W, Brannath W, Posch M. Stat Med 2009;28:586-604 (algorithm 2).

    Examples
    --------
    >>> pair = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> graphical(np.array([0.01, 0.04]), np.array([0.5, 0.5]), pair)
    array([0.02, 0.04])
    """
    tested = checked(p)
    m = tested.shape[-1]
    first, shares = _graph(weights, transitions, m)
    rows = tested.reshape(-1, m)
    index = np.arange(len(rows))
    weight = np.tile(first, (len(rows), 1))
    graph = np.tile(shares, (len(rows), 1, 1))
    open_, found = np.ones(rows.shape, bool), np.empty_like(rows)
    level = np.zeros(len(rows))
    for _ in range(m):
        live = open_ & (weight > 0.0)
        ratio = np.where(live, rows / np.where(live, weight, 1.0), np.inf)
        j = np.argmin(np.where(open_, np.minimum(ratio, 2.0), np.inf), axis=1)
        level = np.maximum(level, np.minimum(ratio[index, j], 1.0))
        found[index, j] = level
        open_[index, j] = False
        weight = np.where(open_, weight + weight[index, j, None] * graph[index, j], 0.0)
        graph = _without(graph, j, index)
    adjusted = found.reshape(tested.shape)
    return np.where(np.isnan(np.asarray(p, np.float64)), np.nan, adjusted)


def _without(graph: FloatArray, j: IntArray, index: IntArray) -> FloatArray:
    """Take hypothesis j out of each row's graph: what went through it goes on directly."""
    into, out = graph[index, :, j], graph[index, j, :]
    through = graph + into[:, :, None] * out[:, None, :]
    loop = into * out
    closed = 1.0 - loop
    safe = closed > ROUNDING
    found = np.where(safe[:, :, None], through / np.where(safe, closed, 1.0)[:, :, None], 0.0)
    places = np.arange(graph.shape[1])
    found[:, places, places] = 0.0
    found[index, j, :] = 0.0
    found[index, :, j] = 0.0
    return found


def _graph(weights: FloatArray, transitions: FloatArray, m: int) -> tuple[FloatArray, FloatArray]:
    weights, transitions = np.asarray(weights, np.float64), np.asarray(transitions, np.float64)
    if weights.shape != (m,) or not np.all(weights >= 0.0) or weights.sum() > 1.0 + ROUNDING:
        raise InputError(f"weights: found {weights}; expected {m} of 0 or more, at most 1 in sum.")
    good = transitions.shape == (m, m) and bool(np.all(transitions >= 0.0))
    good = good and bool(np.all(transitions.sum(axis=1) <= 1.0 + ROUNDING))
    if not good or np.any(np.diag(transitions) != 0.0):
        raise InputError(
            f"transitions: expected {m} rows of {m} shares of 0 or more, at most 1 in sum, "
            "with 0 on the diagonal."
        )
    return weights, transitions
