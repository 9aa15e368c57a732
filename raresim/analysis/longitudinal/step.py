"""One step of Newton's method uphill, by the expected information where the observed fails."""

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, ordered_sum

LONGEST_STEP = 2.0  # parameters are logarithms or of order 1


def newton_step(
    score: FloatArray, observed: FloatArray, expected: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return the step, score' I^-1 score, and whether the observed information gave it."""
    good = _positive(observed)
    information = np.where(good[:, None, None], observed, expected)
    sound = good.copy()
    sound[~good] = _positive(expected[~good])
    k = score.shape[1]
    scale = np.sqrt(np.where(sound[:, None], information[:, np.arange(k), np.arange(k)], 1.0))
    scaled = information / (scale[:, :, None] * scale[:, None, :])
    scaled = np.where(sound[:, None, None], scaled, np.eye(k))
    right = (score / scale)[:, :, None]
    try:
        solved = np.linalg.solve(scaled, right)
    except np.linalg.LinAlgError:  # positive pivots may still vanish in rounding
        regular = np.linalg.slogdet(scaled)[0] != 0.0
        solved = np.linalg.solve(np.where(regular[:, None, None], scaled, np.eye(k)), right)
    step = solved[:, :, 0] / scale
    gain = ordered_sum(step * score)
    longest = np.max(np.abs(step), axis=1)
    shrink = np.where(longest > LONGEST_STEP, LONGEST_STEP / np.maximum(longest, 1e-300), 1.0)
    return step * shrink[:, None], gain, good


def _positive(matrices: FloatArray) -> BoolArray:
    """Say which symmetric matrices (B, k, k) have positive pivots only."""
    work = np.ascontiguousarray(np.moveaxis(matrices, 0, 2))
    size = work.shape[0]
    fine = np.ones(work.shape[2], dtype=np.bool_)
    for _ in range(size):
        pivot = work[0, 0]
        good = pivot > 0.0
        fine &= good
        row = work[0, 1:] / np.where(good, pivot, 1.0)
        work = work[1:, 1:] - work[1:, 0, None] * row[None]
    return fine
