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

from collections.abc import Callable
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
from raresim.analysis.small_matrices import evened, times

PART = 64  # rows whose products are summed together: they stay in the cache


@dataclass(frozen=True)
class Point:
    """Everything at one value of the covariance: coefficients and what follows from them."""

    fine: BoolArray  # (B,) whether the covariance is positive definite
    loglik: FloatArray  # (B,) without the constant
    beta: FloatArray  # (B, p)
    phi: FloatArray  # (B, p, p) covariance of the coefficients
    w: FloatArray  # (m, m, P, B)
    s: FloatArray  # (m, m, P, B): W (R + T) W
    score: FloatArray  # (B, G, E) dl/dV_e
    zr: FloatArray  # (rows, m, P, B) products of covariates and residuals


@dataclass(frozen=True)
class Curvature:
    """Second derivatives of minus the likelihood in the entries of the covariance."""

    observed: FloatArray  # (B, GE, GE) without the part of the second derivatives of V
    expected: FloatArray  # (B, GE, GE) expected information without REML: never negative
    slopes: FloatArray  # (G, sums, B) of which `slopes_of` makes M_e


def inverse_of_visits(
    value: FloatArray, slots: Slots, layout: Layout
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Invert each pattern's covariance by sweeping.

    Parameters
    ----------
    value
        (B, G, E) entries of the covariance of all visits.

    Returns
    -------
    inverse
        (m, m, P, B), 0 for visits that were not observed.
    logdet
        (P, B).
    fine
        (B,) whether all pivots were positive.
    """
    m, products = layout.visits, layout.products
    entry = products.entry
    if value.shape[1] == 1:
        spread = np.ascontiguousarray(value[:, 0].T)[:, None, :]
        matrix = np.ascontiguousarray(spread[entry] * np.ones((1, 1, slots.number.shape[0], 1)))
    else:
        rows = np.arange(value.shape[0])[None, :]
        of_slot = value[rows, slots.group]  # (P, B, E)
        matrix = np.ascontiguousarray(np.moveaxis(of_slot, 2, 0)[entry])
    both = slots.observed[:, None] * slots.observed[None]
    matrix *= both
    diagonal = np.arange(m)
    matrix[diagonal, diagonal] += 1.0 - slots.observed
    logdet = np.zeros(slots.number.shape)
    fine = np.ones(value.shape[0], dtype=np.bool_)
    for k in range(m):
        pivot = matrix[k, k].copy()
        good = pivot > 0.0
        fine &= np.all(good, axis=0)
        pivot = np.where(good, pivot, 1.0)
        logdet += np.log(pivot)
        row = matrix[k] / pivot
        column = matrix[:, k].copy()
        matrix -= column[:, None] * row[None]
        matrix[k] = row
        matrix[:, k] = row
        matrix[k, k] = -1.0 / pivot
    return -matrix * both, logdet, fine


def sweep_product(a: FloatArray, b: FloatArray) -> FloatArray:
    """Multiply matrices over their first two axes, term after term."""
    found = a[:, 0, None] * b[None, 0]
    for k in range(1, a.shape[1]):
        found += a[:, k, None] * b[None, k]
    return found


def evaluate(value: FloatArray, slots: Slots, layout: Layout, reml: bool) -> Point:
    """Evaluate likelihood, coefficients and score at covariances (B, G, E)."""
    w, logdet, fine = inverse_of_visits(value, slots, layout)
    fine &= np.all(np.isfinite(value), axis=(1, 2))
    if not np.all(fine):  # rows without a matrix go on with zeros, which nobody reads
        w, logdet = np.where(fine, w, _safe(slots, layout)), np.where(fine, logdet, 0.0)
    flat = w[layout.products.v, layout.products.w]
    information = gathered(flat, slots, layout)
    cross = sweep_product(slots.zy, w)  # (rows, m, P, B)
    visit, row = layout.kept[0], layout.stored[0]
    right = vector_to_coefficients(layout, over_slots(cross[row, visit]).T)
    fine, phi, logdet_h = inverses(information, fine)
    beta = times(phi, right)
    cells = np.ascontiguousarray(cells_of(layout, beta).T)
    zr, spread = residual_sums(slots, layout, cells)
    total = spread
    if reml:
        inner = np.ascontiguousarray(matrix_to_cells(layout, phi).reshape(phi.shape[0], -1).T)
        total = total + traced(slots, layout, inner)
    entry = layout.products.entry
    s = sweep_product(sweep_product(w, total[entry]), w)
    score = score_of_entries(w, s, slots, layout, value.shape[1])
    square = entry_sums(flat, spread, layout)
    loglik = -0.5 * (over_slots(logdet[None] * slots.number)[0] + over_slots(square[None])[0])
    if reml:
        loglik = loglik - 0.5 * logdet_h
    return Point(fine & np.isfinite(loglik), loglik, beta, phi, w, s, score, zr)


def _safe(slots: Slots, layout: Layout) -> FloatArray:
    """Return inverses of the identity."""
    identity = np.eye(layout.visits)[:, :, None, None]
    return identity * slots.observed[:, None]


def entry_sums(a: FloatArray, b: FloatArray, layout: Layout) -> FloatArray:
    """Return tr(A B) of symmetric matrices given by their entries (E, P, B)."""
    weight = 2.0 * layout.products.half
    total = np.zeros(a.shape[1:])
    for e in range(a.shape[0]):
        total += weight[e] * (a[e] * b[e])
    return total


def over_slots(values: FloatArray) -> FloatArray:
    """Add over the patterns, one after the other: (k, P, B) to (k, B)."""
    total = values[:, 0].copy()
    for j in range(1, values.shape[1]):
        total += values[:, j]
    return total


def gathered(flat: FloatArray, slots: Slots, layout: Layout) -> FloatArray:
    """Return sum X' A X (B, p, p) for matrices A of visits, given by entries (E, P, B)."""
    products = layout.products
    total = np.zeros((products.of_entry.size, flat.shape[2]))
    for j in range(flat.shape[1]):
        total += flat[products.of_entry, j] * slots.zz[products.of_sum, j]
    return to_coefficients(layout, products.matrices(total))


def inverses(matrices: FloatArray, fine: BoolArray) -> tuple[BoolArray, FloatArray, FloatArray]:
    """Invert positive definite matrices (B, p, p); also the logarithm of their determinants.

    By LAPACK: designs have up to some dozens of coefficients, where `small_matrices.inverse` is
    slow.
    """
    p = matrices.shape[1]
    scaled, scale, sound = evened(np.where(fine[:, None, None], matrices, np.eye(p)))
    sign, logdet = np.linalg.slogdet(scaled)
    fine = fine & sound & (sign > 0.0)
    scaled = np.where(fine[:, None, None], scaled, np.eye(p))
    inverse = np.linalg.inv(scaled)
    inverse = 0.5 * (inverse + np.swapaxes(inverse, 1, 2))
    inverse = inverse * scale[:, :, None] * scale[:, None, :]
    full = logdet - 2.0 * np.cumsum(np.log(scale), axis=1)[:, -1]
    return fine, inverse, full


def residual_sums(slots: Slots, layout: Layout, cells: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return sums of covariate times residual (rows, m, P, B) and of residuals (E, P, B)."""
    products = layout.products
    visit, row = layout.kept[0], layout.stored[0]
    zr = slots.zy.copy()
    for cell, (v, r) in enumerate(zip(visit, row, strict=True)):
        zr[:, v] -= slots.zz[products.sums[:, r]] * cells[cell]
    rr = slots.yy.copy()
    for cell, (v, r) in enumerate(zip(visit, row, strict=True)):
        # r_v r_w = y_v y_w - (x_w b) y_v - (x_v b) r_w
        as_w = np.flatnonzero(products.w == v)
        rr[as_w] -= slots.zy[r, products.v[as_w]] * cells[cell]
        as_v = np.flatnonzero(products.v == v)
        rr[as_v] -= zr[r, products.w[as_v]] * cells[cell]
    return zr, rr


def traced(slots: Slots, layout: Layout, inner: FloatArray) -> FloatArray:
    """Return the entries (E, P, B) of sum X Phi X'; ``inner`` is C Phi C', flat (cells^2, B)."""
    total = np.zeros_like(slots.yy)
    for entry, flat, which in layout.products.trace:
        total[entry] += slots.zz[which] * inner[flat][:, None]
    return total


def score_of_entries(
    w: FloatArray, s: FloatArray, slots: Slots, layout: Layout, groups: int
) -> FloatArray:
    """Return dl/dV_e (B, G, E)."""
    products = layout.products
    difference = (s - slots.number * w)[products.v, products.w]
    difference *= products.half[:, None, None]
    return np.ascontiguousarray(np.moveaxis(by_group(difference, slots, groups), 2, 0))


def by_group(values: FloatArray, slots: Slots, groups: int) -> FloatArray:
    """Add over the patterns of each group: (k, P, B) to (G, k, B)."""
    if groups == 1:
        return over_slots(values)[None]
    return np.stack([over_slots(np.where(slots.group == g, values, 0.0)) for g in range(groups)])


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
    sums = slope_sums(point, slots, layout, groups)
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
    other = np.ascontiguousarray(np.swapaxes(turned, 2, 3)).reshape(batch, e, p * p)
    found: FloatArray = np.matmul(turned.reshape(batch, e, p * p), np.swapaxes(other, 1, 2))
    return found


def expected_information(point: Point, slots: Slots, layout: Layout, groups: int) -> FloatArray:
    """Return sum n/2 tr D_e W D_f W, (B, GE, GE)."""
    products = layout.products
    w = point.w[products.v, products.w]

    def term(j: int, part: slice) -> FloatArray:
        own = w[:, j, part]
        return own[:, None] * (own * slots.number[j, part])

    return products.crossed(_summed(term, slots, groups))


def bent_information(point: Point, slots: Slots, layout: Layout, groups: int) -> FloatArray:
    """Return sum tr D_e W D_f S, (B, GE, GE)."""
    products = layout.products
    w, s = point.w[products.v, products.w], point.s[products.v, products.w]

    def term(j: int, part: slice) -> FloatArray:
        return w[:, None, j, part] * s[None, :, j, part]

    met = _summed(term, slots, groups)
    return products.crossed(met + np.swapaxes(met, 1, 2))


def slope_sums(point: Point, slots: Slots, layout: Layout, groups: int) -> FloatArray:
    """Return the sums (G, sums, B) of which M_e = sum X' W D_e W X are made."""
    products = layout.products
    w = point.w[products.v, products.w]

    def term(j: int, part: slice) -> FloatArray:
        own = w[:, j, part]
        both = products.met(own[:, None] * own[None])
        return products.sloped(both, slots.zz[:, j, part])

    return _summed(term, slots, groups)


def _summed(term: Callable[[int, slice], FloatArray], slots: Slots, groups: int) -> FloatArray:
    """Add the terms (..., rows) of all patterns by group, (G, ..., B), a few rows at a time."""
    patterns, batch = slots.number.shape
    parts = []
    for first in range(0, batch, PART):
        part = slice(first, first + PART)
        total = _of_groups(term(0, part), slots.group[0, part], groups)
        for j in range(1, patterns):
            total += _of_groups(term(j, part), slots.group[j, part], groups)
        parts.append(total)
    return np.concatenate(parts, axis=-1)


def _of_groups(values: FloatArray, group: IntArray, groups: int) -> FloatArray:
    """Lay values (..., rows) out by the group of each row, (G, ..., rows), zeros elsewhere."""
    if groups == 1:
        return values[None]
    return np.stack([np.where(group == g, values, 0.0) for g in range(groups)])


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
    visit, row = layout.kept[0], layout.stored[0]
    e, cells = products.v.size, visit.size
    w = point.w[products.v, products.w]
    cross = sweep_product(point.zr, point.w).reshape(-1, *w.shape[1:])  # row and visit as one

    def term(j: int, part: slice) -> FloatArray:
        return w[:, None, j, part] * cross[None, :, j, part]

    met = _summed(term, slots, groups)
    v, u, m = products.v[:, None], products.w[:, None], layout.visits
    total = met[:, products.entry[visit, v], row * m + u]
    total += met[:, products.entry[visit, u], row * m + v]
    total *= products.half[:, None, None]
    flat = np.moveaxis(total.reshape(groups * e, cells, -1), 2, 0)
    return vector_to_coefficients(layout, flat)
