"""Newton's method for many one-dimensional score equations at once.

A row that has converged is never touched again, so the other rows of a batch cannot change its
iterations: row b of a batch is the same as that row alone.
"""

from collections.abc import Callable

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray

# (parameter, rows) to (score, minus its derivative), all of the length of `rows`
Score = Callable[[FloatArray, IntArray], tuple[FloatArray, FloatArray]]

TOLERANCE = 1e-10  # Newton converges quadratically: the step after this one is rounding
MOST_ITERATIONS = 100
LONGEST_STEP = 2.0  # parameters are logarithms: a factor of 7 in one step is far


def solve_score(
    score: Score,
    start: FloatArray,
    rows: IntArray,
    *,
    low: float = -np.inf,
    high: float = np.inf,
) -> tuple[FloatArray, BoolArray]:
    """Find where a score falls through zero, safeguarded by bisection.

    The step is score / information, at most 2 long. The signs of the scores seen so far bracket
    the root; a step out of the bracket is replaced by its middle.

    Parameters
    ----------
    score
        The score and minus its derivative of the rows asked for.
    start
        (R,) first values, one for each of ``rows``.
    rows
        (R,) rows to solve.
    low, high
        Where the parameter must stay.

    Returns
    -------
    root
        (R,) last values.
    converged
        (R,) whether the last step was shorter than 1e-10 (1 + |root|).

    Examples
    --------
    >>> target = np.array([1.0, 2.0])
    >>> def exponential(x, rows):
    ...     return target[rows] - np.exp(x), np.exp(x)
    >>> root, converged = solve_score(exponential, np.zeros(2), np.arange(2))
    >>> np.round(root, 6), converged
    (array([0.      , 0.693147]), array([ True,  True]))
    """
    root = np.array(start, dtype=np.float64)
    lower = np.full(root.shape, low)
    upper = np.full(root.shape, high)
    converged = np.zeros(root.shape, dtype=np.bool_)
    for _ in range(MOST_ITERATIONS):
        active = np.flatnonzero(~converged)
        if active.size == 0:
            break
        here = root[active]
        value, information = score(here, rows[active])
        lower[active] = np.where(value > 0.0, here, lower[active])
        upper[active] = np.where(value < 0.0, here, upper[active])
        there = _next(here, value, information, lower[active], upper[active])
        root[active] = there
        converged[active] = np.abs(there - here) <= TOLERANCE * (1.0 + np.abs(here))
    return root, converged


def _next(
    here: FloatArray,
    score: FloatArray,
    information: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
) -> FloatArray:
    concave = information > 0.0
    step = np.where(
        concave, score / np.where(concave, information, 1.0), LONGEST_STEP * np.sign(score)
    )
    there = here + np.clip(step, -LONGEST_STEP, LONGEST_STEP)
    outside = (there < lower) | (there > upper)
    bounded = np.isfinite(lower) & np.isfinite(upper)
    middle = np.where(bounded, lower, here) / 2.0 + np.where(bounded, upper, here) / 2.0
    return np.where(outside, middle, there)
