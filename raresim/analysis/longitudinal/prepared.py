"""Repeated measures made ready to be fitted: sums by pattern around the least-squares fit."""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray, ordered_sum
from raresim.analysis.longitudinal.design import (
    Layout,
    seen_visits,
    vector_to_coefficients,
)
from raresim.analysis.longitudinal.likelihood import by_group, gathered, over_slots
from raresim.analysis.longitudinal.patterns import Slots, make_slots, with_outcome
from raresim.analysis.longitudinal.sweeping import inverses, well_conditioned
from raresim.analysis.small_matrices import times

COLLINEAR = 1e-9  # of the normal equations, scaled to a unit diagonal: smallest eigenvalue


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
        found: IntArray = np.count_nonzero(self.seen, axis=(1, 2))
        return found

    @property
    def patients(self) -> IntArray:
        """Return the number of patients with an observation."""
        found: IntArray = np.count_nonzero(np.any(self.seen, axis=2), axis=1)
        return found


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
    slots = with_outcome(plain, residual, covariates, layout)
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
    number = np.moveaxis(by_group(together, slots, groups), 2, 0)
    total = np.moveaxis(by_group(yy, slots, groups), 2, 0)
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


def free_observations(data: Data, reml: bool) -> IntArray:
    """Return the observations behind the constant of the (restricted) likelihood."""
    return data.observations - (data.start.shape[1] if reml else 0)
