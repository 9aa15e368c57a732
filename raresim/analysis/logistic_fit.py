"""The (penalised) likelihood of logistic regression, maximised for a batch of trials.

Firth's penalty adds log det(I) / 2 to the log-likelihood, I the information X'WX, which takes the
first-order bias off the estimate and keeps it finite. Sums over patients run from left to right,
so that padding changes no bit; the small systems are solved for each row by itself.

Source: Firth D. Biometrika 1993;80:27-38. Heinze G, Schemper M. Stat Med 2002;21:2409-2419.
"""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray, ordered_sum
from raresim.analysis.designs import column_sums, cross_products, standardised
from raresim.analysis.small_matrices import solution, times, well_conditioned

TOLERANCE = 1e-9  # of a step, with the columns scaled to a standard deviation of 1
MOST_ITERATIONS = 100
SCORING = 15  # steps with the information before the penalty's own curvature is worth its price
NUDGE = 1e-5  # of a coefficient, to difference the score
HALVINGS = 12
LONGEST_STEP = 5.0  # with the penalty; without it the likelihood is concave and halving is enough
FLAT = 1e-9  # log-likelihood that a step of FAR logits may gain where it has no maximum:
FAR = 0.5  # with a maximum, such a step means standard errors above 10,000
LEAST_EIGENVALUE = 1e-14  # of the information with a diagonal of 1
COLLINEAR = 1e-10  # smallest eigenvalue of the correlations of the columns


@dataclass(frozen=True)
class Design:
    """Outcome and columns of a batch: an intercept, p covariates and, last, the arm, if any.

    Attributes
    ----------
    outcome
        (B, n) 0 or 1.
    columns
        (k, B, n); the covariates are centred and scaled (which changes nothing about the
        arm), and all are 0 where a patient is not used.
    used
        (B, n)
    regular
        (B,) whether the columns can be told apart.
    """

    outcome: FloatArray
    columns: FloatArray
    used: BoolArray
    regular: BoolArray

    @property
    def by_patient(self) -> FloatArray:
        """The columns as (B, n, k)."""
        return np.moveaxis(self.columns, 0, 2)

    def rows(self, rows: IntArray) -> "Design":
        """Give some rows only."""
        return Design(
            self.outcome[rows], self.columns[:, rows], self.used[rows], self.regular[rows]
        )


@dataclass(frozen=True)
class Point:
    """The likelihood at given coefficients.

    Attributes
    ----------
    value
        (B,) (penalised) log-likelihood.
    score
        (B, k) its derivative.
    information
        (B, k, k) X'WX.
    chance
        (B, n) fitted probabilities.
    """

    value: FloatArray
    score: FloatArray
    information: FloatArray
    chance: FloatArray


def design(
    outcome: FloatArray, covariates: FloatArray, used: BoolArray, arm: FloatArray | None = None
) -> Design:
    """Lay out a batch; ``covariates`` is (B, n, p). Without an arm the covariates are all."""
    scaled = [standardised(covariates[:, :, j], used)[0] for j in range(covariates.shape[2])]
    columns = [used.astype(np.float64), *scaled]
    if arm is not None:
        columns.append(np.where(used, arm, 0.0))
        scaled.append(standardised(arm, used)[0])
    regular = np.any(used, axis=1)
    if scaled:
        number = np.maximum(np.count_nonzero(used, axis=1), 1)
        correlation = cross_products(np.stack(scaled, axis=2), used / number[:, None])
        regular = well_conditioned(correlation, COLLINEAR)
    return Design(np.where(used, outcome, 0.0), np.stack(columns), used, regular)


def likelihood(data: Design, beta: FloatArray, *, penalised: bool) -> Point:
    """Evaluate the (penalised) log-likelihood at coefficients (B, k)."""
    k = data.columns.shape[0]
    logit = np.zeros(data.outcome.shape)
    for j in range(k):
        logit = logit + beta[:, j][:, None] * data.columns[j]
    logit = np.where(data.used, logit, 0.0)
    small = np.exp(-np.abs(logit))
    chance = np.where(logit >= 0.0, 1.0, small) / (1.0 + small)
    weights = np.where(data.used, small / (1.0 + small) ** 2, 0.0)
    fit = data.outcome * logit - np.maximum(logit, 0.0) - np.log1p(small)
    value = ordered_sum(np.where(data.used, fit, 0.0))
    information = cross_products(data.by_patient, weights)
    residual = np.where(data.used, data.outcome - chance, 0.0)
    if penalised:
        sign, log_determinant = np.linalg.slogdet(information)
        sound = (sign > 0.0) & np.isfinite(log_determinant)
        value = np.where(sound, value + 0.5 * log_determinant, -np.inf)
        residual = residual + _leverage(data, weights, information, sound) * (0.5 - chance)
    score = column_sums(data.by_patient, residual)
    return Point(value, score, information, chance)


def _leverage(
    data: Design, weights: FloatArray, information: FloatArray, sound: BoolArray
) -> FloatArray:
    """Give the diagonal of the hat matrix, w x' I^-1 x, (B, n)."""
    k = data.columns.shape[0]
    inverse = np.linalg.inv(np.where(sound[:, None, None], information, np.eye(k)))
    found = np.zeros(weights.shape)
    for i in range(k):
        for j in range(k):
            found = found + inverse[:, i, j][:, None] * data.columns[i] * data.columns[j]
    return weights * found


def maximise(
    data: Design,
    start: FloatArray | None = None,
    *,
    penalised: bool = False,
    free: int | None = None,
) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Maximise by Newton's method with halved steps; converged rows are not touched again.

    Parameters
    ----------
    data
        A batch of designs.
    start
        (B, k) first coefficients; zeros if not given.
    penalised
        Whether with Firth's penalty.
    free
        Number of coefficients, from the first, that move; all by default.

    Returns
    -------
    beta
        (B, k) last coefficients.
    converged
        (B,) whether the last step was shorter than 1e-9.
    separated
        (B,) whether long steps gain nothing: the likelihood has no maximum.
    """
    rows, size = data.outcome.shape[0], data.columns.shape[0]
    k = size if free is None else free
    beta = np.zeros((rows, size)) if start is None else start.copy()
    converged, separated = np.zeros((2, rows), dtype=np.bool_)
    alive = data.regular.copy()
    for iteration in range(MOST_ITERATIONS):
        rows = np.flatnonzero(alive & ~converged)
        if rows.size == 0:
            break
        part = data.rows(rows)
        here = likelihood(part, beta[rows], penalised=penalised)
        step, solved = solution(here.information[:, :k, :k], here.score[:, :k], LEAST_EIGENVALUE)
        if penalised and iteration >= SCORING:
            curved, sound = solution(
                _curvature(part, beta[rows], k), here.score[:, :k], LEAST_EIGENVALUE
            )
            step = np.where(sound[:, None], curved, step)
        size = np.max(np.abs(step), axis=1)
        flat = np.zeros_like(solved)
        if not penalised:
            flat = solved & (_farthest(part, step) >= FAR) & (_gain(here, step) < FLAT)
        settled = solved & (size <= TOLERANCE)
        if penalised:
            step = step * np.minimum(1.0, LONGEST_STEP / np.maximum(size, 1e-300))[:, None]
        moved = np.zeros((rows.size, beta.shape[1]))
        moved[:, :k] = _climbing(part, beta[rows], step, here.value, settled, penalised)
        beta[rows] += moved
        alive[rows] = solved & ~flat
        converged[rows] = settled
        separated[rows] = flat
    return beta, converged, separated


def _gain(here: Point, step: FloatArray) -> FloatArray:
    """Give what the step promises: half of score times step."""
    return 0.5 * ordered_sum(here.score[:, : step.shape[1]] * step)


def _farthest(part: Design, step: FloatArray) -> FloatArray:
    """Give by how many logits the step moves the patient whom it moves most."""
    logits: FloatArray = np.max(np.abs(times(part.by_patient, step)), axis=1, initial=0.0)
    return logits


def _curvature(part: Design, beta: FloatArray, free: int) -> FloatArray:
    """Give minus the second derivative of the penalised likelihood, by differences of the score."""
    found = np.empty((beta.shape[0], free, free))
    for j in range(free):
        nudge = np.zeros_like(beta)
        nudge[:, j] = NUDGE
        above = likelihood(part, beta + nudge, penalised=True).score[:, :free]
        below = likelihood(part, beta - nudge, penalised=True).score[:, :free]
        found[:, j] = (below - above) / (2.0 * NUDGE)
    return 0.5 * (found + np.swapaxes(found, 1, 2))


def _climbing(
    part: Design,
    beta: FloatArray,
    step: FloatArray,
    value: FloatArray,
    settled: BoolArray,
    penalised: bool,
) -> FloatArray:
    """Halve the steps of the rows whose likelihood would fall."""
    step = step.copy()
    falling = np.flatnonzero(~settled)
    for _ in range(HALVINGS):
        if falling.size == 0:
            break
        there = beta[falling].copy()
        there[:, : step.shape[1]] += step[falling]
        reached = likelihood(part.rows(falling), there, penalised=penalised).value
        slack = 1e-10 * (1.0 + np.abs(value[falling]))
        falling = falling[~(reached >= value[falling] - slack)]
        step[falling] *= 0.5
    return step
