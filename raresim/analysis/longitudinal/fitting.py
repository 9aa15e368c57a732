"""Newton's method for the covariance of all rows of a batch at once.

A row that has converged is never touched again, so row b of a batch is that row alone, bit for
bit. Every step uses the exact second derivatives, or the expected information where these are
not those of a maximum, and is halved until the likelihood does not fall.
"""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.longitudinal.design import (
    Layout,
)
from raresim.analysis.longitudinal.likelihood import (
    Curvature,
    Point,
    curvature,
    evaluate,
    rough_curvature,
    slopes_of,
)
from raresim.analysis.longitudinal.parameters import chained, parameter_slopes, values_at
from raresim.analysis.longitudinal.prepared import Data
from raresim.analysis.longitudinal.step import newton_step
from raresim.analysis.longitudinal.structures import Shape, Structure
from raresim.analysis.longitudinal.sweeping import well_conditioned

CLOSE = 1e-9  # of score' I^-1 score, twice the gain left: the step after it is rounding
MOST_STEPS = 60
MOST_HALVINGS = 30
SINGULAR = 1e-8  # of the information, scaled to a unit diagonal: its smallest eigenvalue
FLAT = 1e-9  # variance left of a visit after the others, of its own
STRIP = 256  # rows fitted together: what they need stays in the cache


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
    patterns = np.count_nonzero(data.slots.number[:, rows] > 0.0, axis=0)
    rows = rows[np.argsort(patterns, kind="stable")]  # a strip is as long as its longest row
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
        shape, score, observed, expected = chained(point, bent, trial, structure, groups)
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
    first, slopes = shape.first[here], slopes_of(bent.slopes[:, :, here], data.layout)
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
    shape, _, observed, _ = chained(point, bent, theta, structure, groups)
    _keep(fit, rows, rows, theta, point, bent, shape, observed, data)
    return fit


def conditional_variances_left(value: FloatArray, layout: Layout) -> BoolArray:
    """Say whether no visit is determined by the others (B,)."""
    groups, m = value.shape[1], layout.visits
    matrix = value[:, :, layout.products.entry].reshape(-1, m, m)
    left: BoolArray = np.all(well_conditioned(matrix, FLAT).reshape(-1, groups), axis=1)
    return left
