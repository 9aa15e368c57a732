"""One step of Newton's method uphill, by the expected information where the observed fails."""

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, ordered_sum
from raresim.analysis.longitudinal.sweeping import solved

LONGEST_STEP = 2.0  # parameters are logarithms or of order 1


def newton_step(
    score: FloatArray, observed: FloatArray, expected: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return the step, score' I^-1 score, and whether the observed information gave it."""
    step, good = solved(observed, score)
    bad = np.flatnonzero(~good)
    if bad.size > 0:
        other, fine = solved(expected[bad], score[bad])
        step[bad] = np.where(fine[:, None], other, score[bad])
    gain = ordered_sum(step * score)
    longest = np.max(np.abs(step), axis=1)
    shrink = np.where(longest > LONGEST_STEP, LONGEST_STEP / np.maximum(longest, 1e-300), 1.0)
    return step * shrink[:, None], gain, good
