"""Where falling functions of many rows cross a level: regula falsi, safeguarded by halving."""

from collections.abc import Callable

import numpy as np

from raresim.analysis.arrays import FloatArray, IntArray

MOST_ITERATIONS = 200
TOLERANCE = 1e-12

# (values, rows) to the function less its level, of the length of `rows`
Falling = Callable[[FloatArray, IntArray], FloatArray]


def falling_root(function: Falling, low: FloatArray, high: FloatArray) -> FloatArray:
    """Find the root between `low` (function above 0) and `high` (below 0) of each row (R,).

    The Illinois variant of regula falsi, every third step halving; a row that has converged is
    never touched again.

    References
    ----------
    Dowell M, Jarratt P. BIT 1971;11:168-174.

    Examples
    --------
    >>> falling_root(lambda x, rows: 2.0 - x * x, np.zeros(1), np.full(1, 2.0)).round(9)
    array([1.41421356])
    """
    low, high = low.copy(), high.copy()
    everyone = np.arange(low.size)
    at_low, at_high = function(low, everyone), function(high, everyone)
    last = np.zeros(low.size)  # +1: the low end moved last, -1: the high end did
    for iteration in range(MOST_ITERATIONS):
        width = high - low
        rows = np.flatnonzero(width > TOLERANCE * (1.0 + np.abs(low) + np.abs(high)))
        if rows.size == 0:
            break
        left, right, f_left, f_right = low[rows], high[rows], at_low[rows], at_high[rows]
        slope = f_left - f_right
        share = np.where(slope > 0.0, f_left / np.where(slope > 0.0, slope, 1.0), 0.5)
        share = np.full(rows.size, 0.5) if iteration % 3 == 2 else np.clip(share, 1e-9, 1 - 1e-9)
        here = left + share * (right - left)
        value = function(here, rows)
        up = value >= 0.0
        low[rows], high[rows] = np.where(up, here, left), np.where(up, right, here)
        f_left = np.where(~up & (last[rows] < 0.0), f_left / 2.0, f_left)
        f_right = np.where(up & (last[rows] > 0.0), f_right / 2.0, f_right)
        at_low[rows], at_high[rows] = np.where(up, value, f_left), np.where(up, f_right, value)
        last[rows] = np.where(up, 1.0, -1.0)
    return low + (high - low) / 2.0
