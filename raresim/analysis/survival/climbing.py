"""Newton's method for the coefficients of Cox regression, plain or with Firth's penalty."""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.small_matrices import inverse, log_determinant, times
from raresim.analysis.survival.covariate_likelihood import CovariateLikelihood

MOST_ITERATIONS = 60
TOLERANCE = 1e-10  # of a step, covariates having unit spread
NEAR = 1e-4  # a step halved to nothing settles only where the whole one was no longer than this
LONGEST_STEP = 2.5


@dataclass(frozen=True)
class Summit:
    """Where a likelihood is largest: coefficients, height and whether it was found."""

    beta: FloatArray
    height: FloatArray
    converged: BoolArray


def climb(
    likelihood: CovariateLikelihood,
    start: FloatArray,
    rows: IntArray,
    *,
    free: BoolArray,
    penalised: bool = False,
) -> Summit:
    """Maximise the log partial likelihood of some rows over the free coefficients.

    With ``penalised``, of log L + log |I| / 2 (Firth 1993; Heinze and Schemper 2001), I being
    the information of all coefficients whether free or not. A step that goes down is halved.
    Rows that have settled are not touched again, so a row does not depend on the others.

    Parameters
    ----------
    likelihood
        With covariates of unit spread.
    start
        (R, p) first values, one for each of ``rows``; those that are not free stay.
    rows
        (R,) rows of the likelihood.
    free
        (p,) which coefficients move.
    """
    beta = start.copy()
    height = np.full(rows.size, -np.inf)
    step, promised = np.zeros_like(beta), np.zeros(rows.size)
    converged = np.zeros(rows.size, dtype=np.bool_)
    for _ in range(MOST_ITERATIONS):
        active = np.flatnonzero(~converged)
        if active.size == 0:
            break
        there = beta[active] + step[active]
        reached, onward = _look(likelihood, there, rows[active], free, penalised)
        slack = 1e-13 * np.abs(height[active])
        slack = np.where(np.isfinite(slack), slack, 0.0)
        up = reached >= height[active] - slack
        beta[active] = np.where(up[:, None], there, beta[active])
        height[active] = np.where(up, reached, height[active])
        step[active] = np.where(up[:, None], onward, step[active] / 2.0)
        promised[active] = np.where(up, np.max(np.abs(onward), axis=1), promised[active])
        length = np.max(np.abs(step[active]), axis=1)
        scale = 1.0 + np.max(np.abs(beta[active]), axis=1)
        settled = (length <= TOLERANCE * scale) & (promised[active] <= NEAR * scale)
        converged[active] = np.isfinite(height[active]) & settled
    return Summit(beta, height, converged)


def _look(
    likelihood: CovariateLikelihood,
    beta: FloatArray,
    rows: IntArray,
    free: BoolArray,
    penalised: bool,
) -> tuple[FloatArray, FloatArray]:
    """Give the height at the coefficients and Newton's step from there."""
    value = likelihood.at(rows).value(beta, third=penalised)
    height, score = value.loglik, value.score
    if penalised:
        undone, definite = inverse(value.information)
        height = height + log_determinant(value.information) / 2.0
        assert value.skewness is not None
        score = score.copy()
        for r in range(beta.shape[1]):
            for a in range(beta.shape[1]):
                for b in range(beta.shape[1]):
                    score[:, r] += undone[:, a, b] * value.skewness[:, a, b, r] / 2.0
        height = np.where(definite, height, -np.inf)
    moving = free[:, None] & free[None, :]
    undone, definite = inverse(np.where(moving, value.information, np.eye(beta.shape[1])))
    step = times(undone, np.where(free, score, 0.0))
    # a flat likelihood has no step: a long one keeps the row from counting as settled
    step = np.where(definite[:, None], step, LONGEST_STEP * free)
    # shortened as a whole: coefficient by coefficient it might lead downhill
    longest = np.max(np.abs(step), axis=1)
    return height, step * (LONGEST_STEP / np.maximum(longest, LONGEST_STEP))[:, None]
