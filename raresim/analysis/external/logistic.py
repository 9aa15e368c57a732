"""Logistic regression of many tables at once, by Newton's method."""

import numpy as np
from scipy.special import expit, log_expit

from raresim.analysis.arrays import BoolArray, FloatArray, ordered_sum
from raresim.analysis.small_matrices import inverse, times

MOST_ITERATIONS = 100
HALVINGS = 30
TOLERANCE = 1e-11
STEEPEST = 30.0  # a linear predictor beyond this: the fit separates the groups


def fit_logistic(
    outcome: BoolArray, design: FloatArray, used: BoolArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Fit by maximum likelihood; rows that have converged are not touched again.

    Parameters
    ----------
    outcome
        (B, n).
    design
        (B, n, k) columns, the intercept among them.
    used
        (B, n) who counts.

    Returns
    -------
    coefficients
        (B, k).
    inverse
        (B, k, k) inverse of the information.
    converged
        (B,) False where groups are separated or columns cannot be told apart.

    Examples
    --------
    >>> outcome = np.array([[True, False, True, True]])
    >>> design = np.array([[[1.0], [1.0], [1.0], [1.0]]])
    >>> fit_logistic(outcome, design, np.ones((1, 4), dtype=bool))[0].round(6)  # log 3
    array([[1.098612]])
    """
    rows, _, k = design.shape
    x = np.where(used[:, :, None], design, 0.0)
    y = np.where(used, outcome, 0.0)
    beta, undone = np.zeros((rows, k)), np.full((rows, k, k), np.nan)
    converged, broken = np.zeros(rows, dtype=np.bool_), np.zeros(rows, dtype=np.bool_)
    for _ in range(MOST_ITERATIONS):
        at = np.flatnonzero(~converged & ~broken)
        if at.size == 0:
            break
        eta = times(x[at], beta[at])
        p = expit(eta)
        score = column_sums(x[at], y[at] - np.where(used[at], p, 0.0))
        found, regular = inverse(cross(x[at], np.where(used[at], p * (1.0 - p), 0.0)))
        step = times(found, score)
        steep = np.max(np.where(used[at], np.abs(eta), 0.0), axis=1) > STEEPEST
        bad = ~regular | steep | ~np.all(np.isfinite(step), axis=1)
        broken[at[bad]] = True
        at, step, found = at[~bad], step[~bad], found[~bad]
        size = _shortened(x[at], y[at], used[at], beta[at], step)
        done = np.max(np.abs(step), axis=1, initial=0.0) <= TOLERANCE * (
            1.0 + np.max(np.abs(beta[at]), axis=1, initial=0.0)
        )
        beta[at] = beta[at] + size[:, None] * step
        undone[at[done]] = found[done]
        converged[at[done]] = True
    return beta, undone, converged


def _shortened(
    x: FloatArray, y: FloatArray, used: BoolArray, beta: FloatArray, step: FloatArray
) -> FloatArray:
    """Halve the step of each row until the likelihood does not fall."""
    before = _likelihood(x, y, used, beta)
    size = np.ones(beta.shape[0])
    for _ in range(HALVINGS):
        after = _likelihood(x, y, used, beta + size[:, None] * step)
        worse = after < before - 1e-9 * (1.0 + np.abs(before))
        if not np.any(worse):
            break
        size = np.where(worse, size / 2.0, size)
    return size


def _likelihood(x: FloatArray, y: FloatArray, used: BoolArray, beta: FloatArray) -> FloatArray:
    eta = times(x, beta)
    return ordered_sum(np.where(used, y * eta + log_expit(-eta), 0.0))


def column_sums(x: FloatArray, weight: FloatArray) -> FloatArray:
    """Give the weighted sum of each column: (B, n, k) and (B, n) to (B, k)."""
    sums = [ordered_sum(x[:, :, j] * weight) for j in range(x.shape[2])]
    return np.stack(sums, axis=1) if sums else np.zeros((x.shape[0], 0))


def cross(x: FloatArray, weight: FloatArray) -> FloatArray:
    """Give x' diag(weight) x: (B, k, k)."""
    k = x.shape[2]
    found = np.zeros((x.shape[0], k, k))
    for i in range(k):
        for j in range(i + 1):
            found[:, i, j] = found[:, j, i] = ordered_sum(x[:, :, i] * weight * x[:, :, j])
    return found
