"""Newton's method for the covariance of all rows of a batch at once.

A row that has converged is never touched again, so row b of a batch is that row alone, bit for
bit. Every step uses the exact second derivatives, or the expected information where these are
not those of a maximum, and is halved until the likelihood does not fall.
"""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray, ordered_sum
from raresim.analysis.longitudinal.design import (
    Layout,
    seen_visits,
    vector_to_coefficients,
)
from raresim.analysis.longitudinal.likelihood import (
    Curvature,
    Point,
    curvature,
    rough_curvature,
    evaluate,
    gathered,
    inverses,
    over_slots,
    times,
)
from raresim.analysis.longitudinal.patterns import Slots, make_slots
from raresim.analysis.longitudinal.structures import Shape, Structure

CLOSE = 1e-9  # of score' I^-1 score, twice the gain left: the step after it is rounding
MOST_STEPS = 60
MOST_HALVINGS = 30
LONGEST_STEP = 2.0  # parameters are logarithms or of order 1
SINGULAR = 1e-8  # of the information, scaled to a unit diagonal: its smallest eigenvalue
FLAT = 1e-9  # variance left of a visit after the others, of its own
COLLINEAR = 1e-9  # of the normal equations, scaled to a unit diagonal: smallest eigenvalue
STRIP = 256  # rows fitted together: what they need stays in the cache


@dataclass(frozen=True)
class Data:
    """Repeated measures ready to be fitted: sums by pattern around the least-squares fit."""

    outcome: FloatArray  # (B, n, m) residuals from least squares, 0 where not seen
    covariates: FloatArray  # (B, n, q) or (B, n, m, q)
    layout: Layout
    seen: BoolArray  # (B, n, m)
    slots: Slots
    start: FloatArray  # (B, p) the least-squares coefficients
    moments: FloatArray  # (B, G, m, m) a first covariance
    regular: BoolArray  # (B,) whether the coefficients can be told apart
    varied: BoolArray  # (B,) whether residuals are left at every visit of every group
    groups: int
    constant: FloatArray  # (B,) what weights add to the log-likelihood
    unweighted: FloatArray  # covariates before weights were multiplied in

    @property
    def observations(self) -> IntArray:
        """Return the number of observations of each row."""
        return np.count_nonzero(self.seen, axis=(1, 2))

    @property
    def patients(self) -> IntArray:
        """Return the number of patients with an observation."""
        return np.count_nonzero(np.any(self.seen, axis=2), axis=1)


@dataclass(frozen=True)
class Fit:
    """A covariance and what the coefficients are given it.

    Attributes
    ----------
    theta
        (B, G K) parameters, group after group.
    value
        (B, G, E) entries of the covariance.
    loglik
        (B,) log-likelihood, restricted with REML.
    beta, phi
        (B, p), (B, p, p) coefficients and their model-based covariance.
    information
        (B, GK, GK) minus the second derivatives in the parameters.
    slopes
        (B, GK, p, p): M_k = sum X' W D_k W X.
    entry_slopes
        (B, GE, p, p): the same for the entries of the covariance.
    shape
        The entries and their derivatives, groups laid out as blocks.
    converged
        (B,) whether it is a maximum with a regular information.
    steps
        (B,) steps taken.
    """

    theta: FloatArray
    value: FloatArray
    loglik: FloatArray
    beta: FloatArray
    phi: FloatArray
    information: FloatArray
    slopes: FloatArray
    entry_slopes: FloatArray
    shape: Shape
    converged: BoolArray
    steps: IntArray


def prepare(
    outcome: FloatArray,
    covariates: FloatArray,
    layout: Layout,
    present: BoolArray,
    group: IntArray | None = None,
    groups: int = 1,
    weights: FloatArray | None = None,
) -> Data:
    """Sum the patients by pattern and centre them on the least-squares fit.

    Weights (B, n, m) divide the covariance: an observation of weight w has variance V/w.
    """
    seen = seen_visits(outcome, present)
    constant = np.zeros(outcome.shape[0])
    outcome = np.where(seen, outcome, 0.0)
    kept = np.any(seen, axis=2)
    if layout.by_visit:
        covariates = np.where(seen[:, :, :, None], covariates, 0.0)
    else:
        covariates = np.where(kept[:, :, None], covariates, 0.0)
    unweighted = covariates
    if weights is not None:
        root = np.sqrt(np.where(seen, weights, 1.0))
        constant = ordered_sum(np.log(root).reshape(root.shape[0], -1))
        outcome = outcome * root
        covariates = covariates * root[:, :, :, None]
    if group is None:
        group = np.zeros(kept.shape, dtype=np.int64)
    plain = make_slots(outcome, covariates, layout, seen, group)
    identity = plain.observed[:, None] * np.eye(layout.visits)[:, :, None, None]
    flat = identity[layout.products.v, layout.products.w]
    information = gathered(flat, plain, layout)
    regular = well_conditioned(information, COLLINEAR)
    regular, phi, _ = inverses(information, regular)
    visit, row = layout.kept[0], layout.stored[0]
    cross = over_slots(plain.zy[row, visit] * plain.observed[visit]).T
    start = times(phi, vector_to_coefficients(layout, cross))
    residual = np.where(seen, outcome - layout.fitted(covariates, start), 0.0)
    slots = make_slots(residual, covariates, layout, seen, group)
    moments, varied = first_moments(slots, layout, outcome, seen, groups)
    return Data(
        outcome=residual,
        covariates=covariates,
        layout=layout,
        seen=seen,
        slots=slots,
        start=start,
        moments=moments,
        regular=regular,
        varied=varied,
        groups=groups,
        constant=constant,
        unweighted=unweighted,
    )


def well_conditioned(matrices: FloatArray, least: float) -> BoolArray:
    """Say which symmetric matrices (B, p, p) stay regular when scaled to a unit diagonal."""
    p = matrices.shape[1]
    diagonal = matrices[:, np.arange(p), np.arange(p)]
    good = np.all(diagonal > 0.0, axis=1) & np.all(np.isfinite(matrices), axis=(1, 2))
    scale = 1.0 / np.sqrt(np.where(good[:, None], diagonal, 1.0))
    scaled = matrices * scale[:, :, None] * scale[:, None, :]
    scaled = np.where(good[:, None, None], scaled, np.eye(p))
    smallest = np.linalg.eigvalsh(scaled)[:, 0]
    return good & (smallest > least)


def first_moments(
    slots: Slots, layout: Layout, outcome: FloatArray, seen: BoolArray, groups: int
) -> tuple[FloatArray, BoolArray]:
    """Return residual products averaged over pairs of visits, shrunk until they are a covariance.

    Also whether residuals are left at every visit.
    """
    products = layout.products
    v, w = products.v, products.w
    m, rows = layout.visits, outcome.shape[0]
    yy = slots.yy * slots.observed[v] * slots.observed[w]
    together = slots.number * slots.observed[v] * slots.observed[w]
    number = np.moveaxis(_of_groups(together, slots, groups), 2, 0)
    total = np.moveaxis(_of_groups(yy, slots, groups), 2, 0)
    diagonal = v == w
    size = ordered_sum(np.swapaxes(np.where(seen, outcome, 0.0) ** 2, 1, 2).copy())
    varied = np.all(total[:, :, diagonal] > 1e-20 * size[:, None, :], axis=(1, 2))
    found = total / np.maximum(number, 1.0)
    variance = np.where(found[:, :, diagonal] > 0.0, found[:, :, diagonal], 1.0)
    root = np.sqrt(variance)
    correlation = found / (root[:, :, v] * root[:, :, w])
    correlation = np.where(varied[:, None, None], correlation, diagonal.astype(np.float64))
    matrix = np.zeros((rows, groups, m, m))
    matrix[:, :, v, w] = matrix[:, :, w, v] = correlation
    # random patterns may leave no covariance at all: move towards no correlation
    smallest = np.linalg.eigvalsh(matrix)[:, :, 0]
    keep = np.where(smallest < 0.05, 0.95 / np.maximum(1.0 - smallest, 1e-300), 1.0)
    matrix = keep[:, :, None, None] * matrix + (1.0 - keep)[:, :, None, None] * np.eye(m)
    return matrix * root[:, :, :, None] * root[:, :, None, :], varied


def _of_groups(values: FloatArray, slots: Slots, groups: int) -> FloatArray:
    if groups == 1:
        return over_slots(values)[None]
    return np.stack([over_slots(np.where(slots.group == g, values, 0.0)) for g in range(groups)])


def values_at(theta: FloatArray, structure: Structure, groups: int) -> FloatArray:
    """Return the entries (B, G, E) at parameters (B, GK)."""
    flat = np.ascontiguousarray(theta.reshape(-1, structure.size))
    return structure.value(flat).reshape(theta.shape[0], groups, -1)


def shape_at(theta: FloatArray, structure: Structure, groups: int) -> Shape:
    """Return entries (B, GE) and derivatives at parameters (B, GK), blocks for groups."""
    rows, size = theta.shape[0], structure.size
    one = structure.shape(np.ascontiguousarray(theta.reshape(-1, size)))
    if groups == 1:
        return one
    e = one.value.shape[1]
    first = np.zeros((rows, groups * e, groups * size))
    second = np.zeros((rows, groups * e, groups * size, groups * size))
    for g in range(groups):
        here, there = slice(g * e, (g + 1) * e), slice(g * size, (g + 1) * size)
        first[:, here, there] = one.first.reshape(rows, groups, e, size)[:, g]
        spread = np.broadcast_to(one.second, (rows * groups, e, size, size))
        second[:, here, there, there] = spread.reshape(rows, groups, e, size, size)[:, g]
    return Shape(one.value.reshape(rows, -1), first, second)


def chained(point: Point, bent: Curvature, shape: Shape) -> tuple[FloatArray, ...]:
    """Return score, observed and expected information in the parameters."""
    rows = shape.first.shape[0]
    back = np.ascontiguousarray(np.swapaxes(shape.first, 1, 2))
    flat = point.score.reshape(rows, -1)
    score = times(back, flat)
    observed = np.matmul(np.matmul(back, bent.observed), shape.first)
    expected = np.matmul(np.matmul(back, bent.expected), shape.first)
    e, k = shape.second.shape[1], shape.second.shape[2]
    if shape.second.shape[0] == 1:
        second = shape.second.reshape(e, k * k)
    else:
        second = shape.second.reshape(rows, e, k * k)
    curve = np.matmul(flat[:, None, :], second).reshape(rows, k, k)
    return score, observed - curve, expected


def newton_step(
    score: FloatArray, observed: FloatArray, expected: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return the step, score' I^-1 score, and whether the observed information gave it."""
    fine = np.ones(score.shape[0], dtype=np.bool_)
    good = fine & _positive(observed)
    information = np.where(good[:, None, None], observed, expected)
    _, inverse, _ = inverses(information, fine)
    step = times(inverse, score)
    gain = ordered_sum(step * score)
    longest = np.max(np.abs(step), axis=1)
    shrink = np.where(longest > LONGEST_STEP, LONGEST_STEP / np.maximum(longest, 1e-300), 1.0)
    return step * shrink[:, None], gain, good


def _positive(matrices: FloatArray) -> BoolArray:
    """Say which symmetric matrices (B, k, k) have positive pivots only."""
    work = np.ascontiguousarray(np.moveaxis(matrices, 0, 2))
    size = work.shape[0]
    fine = np.ones(work.shape[2], dtype=np.bool_)
    for j in range(size):
        pivot = work[0, 0]
        good = pivot > 0.0
        fine &= good
        row = work[0, 1:] / np.where(good, pivot, 1.0)
        work = work[1:, 1:] - work[1:, 0, None] * row[None]
    return fine


@dataclass
class _State:
    """Rows on their way: the last accepted parameters and where they go next."""

    theta: FloatArray
    step: FloatArray
    loglik: FloatArray
    halvings: IntArray
    close: BoolArray
    steps: IntArray


def fit_rows(
    data: Data,
    structure: Structure,
    reml: bool,
    usable: BoolArray,
    start: FloatArray | None = None,
) -> Fit:
    """Fit the rows that are usable, strip by strip; the others stay NaN and not converged.

    ``start`` (B, GK) are parameters to start from; by default those of the first moments.
    """
    batch, p = data.start.shape
    k, e = structure.size * data.groups, data.layout.products.v.size
    fit = _empty(batch, p, k, e, data.groups)
    rows = np.flatnonzero(usable)
    for first in range(0, rows.size, STRIP):
        here = rows[first : first + STRIP]
        if start is None:
            flat = data.moments[here].reshape(-1, structure.visits, structure.visits)
            theta = structure.start(flat).reshape(here.size, -1)
        else:
            theta = start[here]
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # steps too far
            _fit_strip(data, structure, reml, here, theta, fit)
    return fit


def _empty(batch: int, p: int, k: int, e: int, groups: int) -> Fit:
    def nan(*shape: int) -> FloatArray:
        return np.full((batch, *shape), np.nan)

    return Fit(
        theta=nan(k),
        value=nan(groups, e),
        loglik=nan(),
        beta=nan(p),
        phi=nan(p, p),
        information=nan(k, k),
        slopes=nan(k, p, p),
        entry_slopes=nan(groups * e, p, p),
        shape=Shape(nan(groups * e), nan(groups * e, k), nan(0, 0, 0)),
        converged=np.zeros(batch, dtype=np.bool_),
        steps=np.zeros(batch, dtype=np.int64),
    )


def _fit_strip(
    data: Data,
    structure: Structure,
    reml: bool,
    rows: IntArray,
    theta: FloatArray,
    fit: Fit,
) -> None:
    groups = data.groups
    state = _State(
        theta=theta,
        step=np.zeros_like(theta),
        loglik=np.full(rows.size, -np.inf),
        halvings=np.zeros(rows.size, dtype=np.int64),
        close=np.zeros(rows.size, dtype=np.bool_),
        steps=np.zeros(rows.size, dtype=np.int64),
    )
    slots = data.slots.take(rows)
    for turn in range(MOST_STEPS + MOST_HALVINGS):
        if rows.size == 0:
            return
        trial = state.theta + state.step
        point = evaluate(values_at(trial, structure, groups), slots, data.layout, reml)
        if turn == 0:  # far from the maximum the expected information is as good, and cheaper
            bent = rough_curvature(point, slots, data.layout, groups)
        else:
            bent = curvature(point, slots, data.layout, reml, groups)
        shape = shape_at(trial, structure, groups)
        score, observed, expected = chained(point, bent, shape)
        room = 1e-9 * (1.0 + np.abs(point.loglik))  # rounding of the likelihood is no fall
        better = point.fine & (point.loglik >= state.loglik - room)
        done = better & state.close
        here = np.flatnonzero(done)
        if here.size > 0:
            _keep(fit, rows, here, trial, point, bent, shape, observed, data)
            fit.steps[rows[here]] = state.steps[here]
        step, gain, exact = newton_step(score, observed, expected)
        sound = better & np.all(np.isfinite(step), axis=1)
        state.theta = np.where(sound[:, None], trial, state.theta)
        state.loglik = np.where(sound, point.loglik, state.loglik)
        state.halvings = np.where(sound, 0, state.halvings + 1)
        state.step = np.where(sound[:, None], step, 0.5 * state.step)
        state.close = sound & exact & (gain <= CLOSE) & (turn > 0)
        state.steps = state.steps + sound
        lost = (state.halvings > MOST_HALVINGS) | (state.steps > MOST_STEPS)
        stay = np.flatnonzero(~done & ~lost)
        if stay.size < rows.size:
            rows, slots, state = rows[stay], slots.take(stay), _picked(state, stay)


def _picked(state: _State, stay: IntArray) -> _State:
    return _State(
        state.theta[stay],
        state.step[stay],
        state.loglik[stay],
        state.halvings[stay],
        state.close[stay],
        state.steps[stay],
    )


def _keep(
    fit: Fit,
    rows: IntArray,
    here: IntArray,
    theta: FloatArray,
    point: Point,
    bent: Curvature,
    shape: Shape,
    observed: FloatArray,
    data: Data,
) -> None:
    """Write down the rows that are done; those with a regular information have converged."""
    to = rows[here]
    first, slopes = shape.first[here], bent.slopes[here]
    value = shape.value[here].reshape(here.size, data.groups, -1)
    fit.theta[to], fit.value[to] = theta[here], value
    fit.loglik[to] = point.loglik[here] + data.constant[to]
    fit.beta[to], fit.phi[to] = point.beta[here] + data.start[to], point.phi[here]
    fit.information[to] = observed[here]
    fit.entry_slopes[to] = slopes
    fit.shape.value[to], fit.shape.first[to] = shape.value[here], first
    fit.slopes[to] = parameter_slopes(first, slopes)
    regular = well_conditioned(observed[here], SINGULAR)
    fit.converged[to] = regular & conditional_variances_left(value, data.layout)


def fit_at(data: Data, structure: Structure, reml: bool, theta: FloatArray) -> Fit:
    """Evaluate everything at parameters (B, GK) that were found elsewhere."""
    groups, rows = data.groups, np.arange(theta.shape[0])
    fit = _empty(rows.size, data.start.shape[1], theta.shape[1], data.slots.yy.shape[0], groups)
    point = evaluate(values_at(theta, structure, groups), data.slots, data.layout, reml)
    bent = curvature(point, data.slots, data.layout, reml, groups)
    shape = shape_at(theta, structure, groups)
    _, observed, _ = chained(point, bent, shape)
    _keep(fit, rows, rows, theta, point, bent, shape, observed, data)
    return fit


def fit_like_mmrm(data: Data, structure: Structure, reml: bool, start: FloatArray) -> Fit:
    """Fit one row as R's mmrm 0.3 does: L-BFGS-B from its start, with R's tolerance.

    It stops when a step gains less than 4e-9 of the likelihood, so estimates are off the
    maximum by up to some 1e-4 standard errors; started and stopped like this, they are mmrm's.
    """
    from scipy.optimize import minimize

    def losing(theta: FloatArray) -> tuple[float, FloatArray]:
        here = theta[None]
        value = values_at(here, structure, data.groups)
        point = evaluate(value, data.slots, data.layout, reml)
        first = shape_at(here, structure, data.groups).first
        score = times(np.ascontiguousarray(np.swapaxes(first, 1, 2)), point.score.reshape(1, -1))
        constant = 0.5 * np.log(2.0 * np.pi) * free_observations(data, reml)[0]
        if not point.fine[0]:
            return np.inf, np.zeros_like(theta)
        return float(constant - point.loglik[0]), -score[0]

    options = {"maxcor": 5, "ftol": 1e7 * np.finfo(np.float64).eps, "gtol": 0.0}
    found = minimize(losing, start, jac=True, method="L-BFGS-B", options=options)
    return fit_at(data, structure, reml, found.x[None])


def free_observations(data: Data, reml: bool) -> IntArray:
    """Return the observations behind the constant of the (restricted) likelihood."""
    return data.observations - (data.start.shape[1] if reml else 0)


def parameter_slopes(first: FloatArray, slopes: FloatArray) -> FloatArray:
    """Turn M_e of the entries into M_k of the parameters."""
    rows, e, p, _ = slopes.shape
    back = np.ascontiguousarray(np.swapaxes(first, 1, 2))
    return np.matmul(back, slopes.reshape(rows, e, p * p)).reshape(rows, -1, p, p)


def conditional_variances_left(value: FloatArray, layout: Layout) -> BoolArray:
    """Say whether no visit is determined by the others (B,)."""
    m = layout.visits
    matrix = value[:, :, layout.products.entry]
    diagonal = matrix[:, :, np.arange(m), np.arange(m)]
    root = np.sqrt(diagonal)
    correlation = matrix / (root[:, :, :, None] * root[:, :, None, :])
    smallest: FloatArray = np.linalg.eigvalsh(correlation)[:, :, 0]
    left: BoolArray = np.all(smallest > FLAT, axis=1)
    return left
