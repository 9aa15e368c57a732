"""The likelihood of repeated measures, restricted or not, its score and its information.

With V a patient's covariance, W its inverse on the observed visits (0 elsewhere), r his
residuals, D_k = dV/dtheta_k, H = sum X'WX, Phi = H^-1, and, summed over patients or taken for
each, M_k = X' W D_k W X, a_k = X' W D_k W r, R = r r', T = X Phi X' (0 without REML):

    -2 l     = (N - p) log 2 pi + sum log|V| + log|H| + sum r'W r           (REML)
    dl/dk    = 1/2 sum tr D_k [W (R + T) W - W]
    -d2l/dkl = sum tr D_k W D_l [W (R + T) W - W/2] - a_k' Phi a_l
               - 1/2 tr(Phi M_k Phi M_l) - sum_e (dl/dV_e) d2V_e/dkl

(the trace of M only for REML). Everything is first worked out in the entries V_e of the
matrix of visits and then taken to its parameters by the chain rule.

References: Lindstrom MJ, Bates DM. J Am Stat Assoc 1988;83:1014-1022. Wolfinger R, Tobias R,
Sall J. SIAM J Sci Comput 1994;15:1294-1310.
"""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.longitudinal.design import (
    Layout,
    cells_of,
    matrix_to_cells,
    to_coefficients,
    vector_to_coefficients,
)
from raresim.analysis.longitudinal.patterns import Slots
from raresim.analysis.longitudinal.products import Terms, whole
from raresim.analysis.longitudinal.sweeping import inverses, swept
from raresim.analysis.small_matrices import times

PART = 64  # rows whose matrices are multiplied together: they stay in the cache
FEW = 4  # patterns whose pairs of entries are written down together: likewise


@dataclass(frozen=True)
class Point:
    """Everything at one value of the covariance: coefficients and what follows from them."""

    fine: BoolArray  # (B,) whether the covariance is positive definite
    loglik: FloatArray  # (B,) without the constant
    beta: FloatArray  # (B, p)
    phi: FloatArray  # (B, p, p) covariance of the coefficients
    w: FloatArray  # (E, P, B)
    s: FloatArray  # (E, P, B): W (R + T) W
    score: FloatArray  # (B, G, E) dl/dV_e
    zr: FloatArray  # (rows m, P, B) products of covariates and residuals


@dataclass(frozen=True)
class Curvature:
    """Second derivatives of minus the likelihood in the entries of the covariance."""

    observed: FloatArray  # (B, GE, GE) without the part of the second derivatives of V
    expected: FloatArray  # (B, GE, GE) expected information without REML: never negative
    slopes: FloatArray  # (G, sums, B) of which `slopes_of` makes M_e


def inverse_of_visits(
    value: FloatArray, slots: Slots, layout: Layout
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Invert each pattern's covariance.

    Parameters
    ----------
    value
        (B, G, E) entries of the covariance of all visits.

    Returns
    -------
    inverse
        (E, P, B) entries, 0 for visits that were not observed.
    logdet
        (P, B).
    fine
        (B,) whether all are positive definite.
    """
    products = layout.products
    v, w = products.v, products.w
    if value.shape[1] == 1:
        spread = whole(value[:, 0].T)[:, None]
    else:
        of_slot = value[np.arange(value.shape[0])[None, :], slots.group]  # (P, B, E)
        spread = np.moveaxis(of_slot, 2, 0)
    both = slots.observed[v] * slots.observed[w]
    matrix = spread * both
    matrix[v == w] += 1.0 - slots.observed
    inverse, pivots = swept(matrix[products.entry])
    good = pivots > 0.0
    logs = np.log(np.where(good, pivots, 1.0))
    return inverse[v, w] * both, np.cumsum(logs, axis=0)[-1], np.all(good, axis=(0, 1))


def evaluate(value: FloatArray, slots: Slots, layout: Layout, reml: bool) -> Point:
    """Evaluate likelihood, coefficients and score at covariances (B, G, E)."""
    products = layout.products
    w, logdet, fine = inverse_of_visits(value, slots, layout)
    fine &= np.all(np.isfinite(value), axis=(1, 2))
    if not np.all(fine):  # rows without a matrix go on with those of the identity: nobody reads it
        w, logdet = np.where(fine, w, _identity(slots, layout)), np.where(fine, logdet, 0.0)
    zy = slots.zy.reshape(-1, *slots.number.shape)
    right = vector_to_coefficients(layout, products.right.summed(zy, w).T)
    fine, phi, logdet_h = inverses(gathered(w, slots, layout), fine)
    beta = times(np.swapaxes(phi, 1, 2), right)  # symmetric: rows are nearer than columns
    zr, spread = residual_sums(slots, layout, whole(cells_of(layout, beta).T))
    total = spread
    if reml:
        inner = whole(matrix_to_cells(layout, phi).reshape(phi.shape[0], -1).T)
        total = spread.copy()
        products.trace.add_to(total, slots.zz, inner[:, None])
    s = products.turned_back.each(products.turned.each(w, total), w)
    score = score_of_entries(w, s, slots, layout, value.shape[1])
    weight = 2.0 * products.half[:, None, None]
    square = products.same.summed(weight * w, spread)[0]
    loglik = -0.5 * (over_slots(logdet[None] * slots.number)[0] + square)
    if reml:
        loglik = loglik - 0.5 * logdet_h
    return Point(fine & np.isfinite(loglik), loglik, beta, phi, w, s, score, zr)


def _identity(slots: Slots, layout: Layout) -> FloatArray:
    """Return the entries of the identity of the observed visits (E, P, B)."""
    products = layout.products
    diagonal = (products.v == products.w)[:, None, None]
    return np.where(diagonal, slots.observed[products.v], 0.0)


def over_slots(values: FloatArray) -> FloatArray:
    """Add over the patterns, one after the other: (k, P, B) to (k, B)."""
    total = values[:, 0].copy()
    for j in range(1, values.shape[1]):
        total += values[:, j]
    return total


def gathered(flat: FloatArray, slots: Slots, layout: Layout) -> FloatArray:
    """Return sum X' A X (B, p, p) for matrices A of visits, given by entries (E, P, B)."""
    products = layout.products
    total = products.gathered.summed(flat, slots.zz)
    return to_coefficients(layout, products.matrices(total))


def residual_sums(slots: Slots, layout: Layout, cells: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return sums of covariate times residual (rows m, P, B) and of residuals (E, P, B)."""
    products, minus = layout.products, -cells[:, None]
    zy = slots.zy.reshape(-1, *slots.number.shape)
    zr, rr = zy.copy(), slots.yy.copy()
    products.explained.add_to(zr, slots.zz, minus)
    # r_v r_w = y_v y_w - (x_w b) y_v - (x_v b) r_w
    products.explained_second.add_to(rr, zy, minus)
    products.explained_first.add_to(rr, zr, minus)
    return zr, rr


def score_of_entries(
    w: FloatArray, s: FloatArray, slots: Slots, layout: Layout, groups: int
) -> FloatArray:
    """Return dl/dV_e (B, G, E)."""
    difference = (s - slots.number * w) * layout.products.half[:, None, None]
    return whole(np.moveaxis(by_group(difference, slots, groups), 2, 0))


def by_group(values: FloatArray, slots: Slots, groups: int) -> FloatArray:
    """Add over the patterns of each group: (k, P, B) to (G, k, B)."""
    return np.stack([over_slots(own) for own in of_groups(values, slots.group, groups)])


def of_groups(values: FloatArray, group: IntArray, groups: int) -> list[FloatArray]:
    """Return values (k, P, B) for each group, zeros in patterns (P, B) of the others."""
    if groups == 1:
        return [values]
    return [np.where(group == g, values, 0.0) for g in range(groups)]


def rough_curvature(point: Point, slots: Slots, layout: Layout, groups: int) -> Curvature:
    """Give the expected information of complete likelihoods in place of second derivatives."""
    expected = expected_information(point, slots, layout, groups)
    return Curvature(np.zeros_like(expected), expected, np.zeros((0, 0, 0)))


def curvature(point: Point, slots: Slots, layout: Layout, reml: bool, groups: int) -> Curvature:
    """Work out the second derivatives at a point."""
    expected = expected_information(point, slots, layout, groups)
    observed = bent_information(point, slots, layout, groups) - expected
    lean = leanings(point, slots, layout, groups)  # (B, GE, p)
    observed -= np.matmul(np.matmul(lean, point.phi), np.swapaxes(lean, 1, 2))
    sums = _of_pairs(layout.products.sloped, slots.zz, point, slots, layout, groups)
    if reml:
        half = np.tile(layout.products.half, groups)
        weights = 0.5 * half[:, None] * half
        for first in range(0, len(observed), PART):
            part = slice(first, first + PART)
            traces = _traces(_unweighted(sums[:, :, part], layout), point.phi[part])
            observed[part] -= weights * traces
    observed = 0.5 * (observed + np.swapaxes(observed, 1, 2))
    return Curvature(observed, expected, sums)


def _traces(slopes: FloatArray, phi: FloatArray) -> FloatArray:
    """Return tr(Phi M_e Phi M_f), (B, GE, GE)."""
    batch, e, p, _ = slopes.shape
    turned = np.matmul(slopes.reshape(batch, e * p, p), phi).reshape(slopes.shape)
    other = whole(np.swapaxes(turned, 2, 3)).reshape(batch, e, p * p)
    found: FloatArray = np.matmul(turned.reshape(batch, e, p * p), np.swapaxes(other, 1, 2))
    return found


def expected_information(point: Point, slots: Slots, layout: Layout, groups: int) -> FloatArray:
    """Return sum n/2 tr D_e W D_f W, (B, GE, GE)."""
    counted, number = layout.products.counted, slots.number[None]
    return layout.products.crossed(_of_pairs(counted, number, point, slots, layout, groups))


def bent_information(point: Point, slots: Slots, layout: Layout, groups: int) -> FloatArray:
    """Return sum tr D_e W D_f S, (B, GE, GE)."""
    products = layout.products
    own = of_groups(point.w, slots.group, groups)
    return products.crossed(np.stack([products.met_both.summed(w, point.s) for w in own]))


def _of_pairs(
    terms: Terms, other: FloatArray, point: Point, slots: Slots, layout: Layout, groups: int
) -> FloatArray:
    """Return sums (G, size, B) of pairs of entries of W with others (l, P, B).

    Pairs are many, so only those of a few patterns are written down at a time.
    """
    patterns, batch = slots.number.shape
    total = np.zeros((groups, terms.size, 1, batch))
    for first in range(0, patterns, FEW):
        part = slice(first, first + FEW)
        pairs = layout.products.met.each(point.w[:, part], point.w[:, part])
        for found, own in zip(total, of_groups(pairs, slots.group[part], groups), strict=True):
            terms.add_to(found, own, other[:, part])
    return total[:, :, 0]


def slopes_of(sums: FloatArray, layout: Layout) -> FloatArray:
    """Lay M_e = sum X' W D_e W X out from their sums (G, sums, B), (B, GE, p, p)."""
    weights = np.tile(layout.products.half, len(sums))
    found: FloatArray = _unweighted(sums, layout) * weights[:, None, None]
    return found


def _unweighted(sums: FloatArray, layout: Layout) -> FloatArray:
    """Give `slopes_of` with both of the equal entries of a diagonal one."""
    found = [to_coefficients(layout, layout.products.slope_matrices(own)) for own in sums]
    return found[0] if len(found) == 1 else np.concatenate(found, axis=1)


def leanings(point: Point, slots: Slots, layout: Layout, groups: int) -> FloatArray:
    """Return a_e = sum X' W D_e W r, (B, GE, p)."""
    products = layout.products
    cross = products.across.each(point.zr, point.w)
    total = np.stack(
        [products.leaning.summed(own, cross) for own in of_groups(point.w, slots.group, groups)]
    )
    e = products.v.size
    total = total.reshape(groups * e, -1, total.shape[2])
    total *= np.tile(products.half, groups)[:, None, None]
    return vector_to_coefficients(layout, np.moveaxis(total, 2, 0))
