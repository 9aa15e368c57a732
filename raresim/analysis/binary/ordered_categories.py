"""The likelihood of the proportional-odds model, maximised for trials with equal categories.

logit P(Y <= j) = theta_j - x'b for the categories j = 0..J-2, so b > 0 is a shift to higher
categories. With u and l the limits of a patient's category, F logistic and f = F (1 - F), the
derivative of log P in x'b is F(u) + F(l) - 1 and its second derivative -(f(u) + f(l)).

Source: McCullagh P. J R Stat Soc B 1980;42:109-142.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray, ordered_sum
from raresim.analysis.small_matrices import solution, times

TOLERANCE = 1e-9
MOST_ITERATIONS = 100
HALVINGS = 30
FLAT, FAR = 1e-9, 0.5  # a step of so many logits that gains this little: there is no maximum
LEAST_EIGENVALUE = 1e-14


@dataclass(frozen=True)
class Categories:
    """A batch of trials with J categories each.

    Attributes
    ----------
    code
        (R, n) category of each patient, 0..J-1.
    number
        J.
    columns
        (k, R, n) covariates and, last, the arm; 0 where a patient is not used.
    used
        (R, n)
    """

    code: IntArray
    number: int
    columns: FloatArray
    used: BoolArray


def categories_in_order(outcome: FloatArray, used: BoolArray) -> tuple[IntArray, IntArray]:
    """Give each value its place among those of its row, and how many of them there are, (B,)."""
    code = np.zeros(outcome.shape, dtype=np.int64)
    number = np.zeros(outcome.shape[0], dtype=np.int64)
    for b in range(outcome.shape[0]):
        values, own = np.unique(outcome[b, used[b]], return_inverse=True)
        code[b, used[b]] = own.reshape(-1)
        number[b] = values.size
    return code, number


def maximise(
    data: Categories,
) -> tuple[FloatArray, FloatArray, BoolArray, BoolArray]:
    """Maximise the likelihood by Newton's method with halved steps.

    Returns
    -------
    estimate, se
        (R,) of the arm, from the observed information.
    converged, separated
        (R,) whether there is a maximum; whether the likelihood rises without end.
    """
    cuts = data.number - 1
    rows = data.code.shape[0]
    beta = np.zeros((rows, cuts + data.columns.shape[0]))
    total = np.maximum(np.count_nonzero(data.used, axis=1), 1)
    for j in range(cuts):
        below = np.count_nonzero(data.used & (data.code <= j), axis=1) / total
        beta[:, j] = np.log(below / (1.0 - below))
    converged, separated, lost = np.zeros((3, rows), dtype=np.bool_)
    se = np.full(rows, np.nan)
    for _ in range(MOST_ITERATIONS):
        active = np.flatnonzero(~(converged | separated | lost))
        if active.size == 0:
            break
        part = Categories(
            data.code[active], data.number, data.columns[:, active], data.used[active]
        )
        value, score, information = _likelihood(part, beta[active])
        step, able, own_se = _solve(information, score)
        size = np.max(np.abs(step), axis=1)
        settled = able & (size <= TOLERANCE)
        shift = times(np.moveaxis(part.columns, 0, 2), step[:, cuts:])
        far = np.maximum(np.max(np.abs(step[:, :cuts]), axis=1), np.max(np.abs(shift), axis=1))
        flat = able & (far >= FAR) & (0.5 * ordered_sum(score * step) < FLAT)
        beta[active] += _climbing(part, beta[active], step, value, settled)
        converged[active], separated[active], lost[active] = settled, flat, ~able
        se[active] = own_se
    return beta[:, -1], se, converged, separated


def _limits(data: Categories, beta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give F(u), F(l) and the probability of each patient's category; 1, 0 and 1 where unused."""
    cuts = data.number - 1
    rows = np.arange(beta.shape[0])[:, None]
    edge = np.full((beta.shape[0], 1), np.inf)
    theta = np.concatenate([-edge, beta[:, :cuts], edge], axis=1)
    shift = np.zeros(data.code.shape)
    for j in range(data.columns.shape[0]):
        shift = shift + beta[:, cuts + j][:, None] * data.columns[j]
    upper, lower = theta[rows, data.code + 1] - shift, theta[rows, data.code] - shift
    # the difference of the smaller tails keeps its digits far out on either side
    turned = lower > 0.0
    chance = np.where(turned, expit(-lower) - expit(-upper), expit(upper) - expit(lower))
    used = data.used
    return (
        np.where(used, expit(upper), 1.0),
        np.where(used, expit(lower), 0.0),
        np.where(used, chance, 1.0),
    )


def _value(data: Categories, beta: FloatArray) -> FloatArray:
    _, _, chance = _limits(data, beta)
    possible = np.all(chance > 0.0, axis=1)
    logs = np.log(np.where(chance > 0.0, chance, 1.0))
    return np.where(possible, ordered_sum(logs), -np.inf)


def _likelihood(data: Categories, beta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the log-likelihood, its derivative and minus its second derivative."""
    cuts, k = data.number - 1, beta.shape[1]
    high, low, chance = _limits(data, beta)
    chance = np.where(chance > 0.0, chance, np.nan)
    f_high, f_low = high * (1.0 - high), low * (1.0 - low)
    g_high, g_low = f_high / chance, f_low / chance
    score = np.zeros((beta.shape[0], k))
    information = np.zeros((beta.shape[0], k, k))
    bend_high = g_high * g_high - g_high * (1.0 - 2.0 * high)
    bend_low = g_low * g_low + g_low * (1.0 - 2.0 * low)
    for j in range(cuts):
        ends, starts = data.used & (data.code == j), data.used & (data.code == j + 1)
        score[:, j] = ordered_sum(np.where(ends, g_high, np.where(starts, -g_low, 0.0)))
        information[:, j, j] = ordered_sum(
            np.where(ends, bend_high, np.where(starts, bend_low, 0.0))
        )
        if j + 1 < cuts:
            both = ordered_sum(np.where(starts, -g_high * g_low, 0.0))
            information[:, j, j + 1] = information[:, j + 1, j] = both
        for i in range(data.columns.shape[0]):
            slope = np.where(ends, -f_high, np.where(starts, -f_low, 0.0))
            cross = ordered_sum(slope * data.columns[i])
            information[:, j, cuts + i] = information[:, cuts + i, j] = cross
    for i in range(data.columns.shape[0]):
        score[:, cuts + i] = ordered_sum((high + low - 1.0) * data.columns[i])
        for m in range(i, data.columns.shape[0]):
            both = ordered_sum((f_high + f_low) * data.columns[i] * data.columns[m])
            information[:, cuts + i, cuts + m] = information[:, cuts + m, cuts + i] = both
    return ordered_sum(np.log(chance)), score, information


def _solve(information: FloatArray, score: FloatArray) -> tuple[FloatArray, BoolArray, FloatArray]:
    """Solve for the step; also say whether that could be done, and the arm's standard error."""
    step, found = solution(information, score, LEAST_EIGENVALUE)
    arm = np.zeros_like(score)
    arm[:, -1] = 1.0
    variance = solution(information, arm, LEAST_EIGENVALUE)[0][:, -1]
    return step, found, np.sqrt(np.maximum(variance, 0.0))


def _climbing(
    part: Categories, beta: FloatArray, step: FloatArray, value: FloatArray, settled: BoolArray
) -> FloatArray:
    step = step.copy()
    falling = np.flatnonzero(~settled)
    for _ in range(HALVINGS):
        if falling.size == 0:
            break
        some = Categories(
            part.code[falling], part.number, part.columns[:, falling], part.used[falling]
        )
        reached = _value(some, beta[falling] + step[falling])
        slack = 1e-10 * (1.0 + np.abs(value[falling]))
        falling = falling[~(reached >= value[falling] - slack)]
        step[falling] *= 0.5
    return step
