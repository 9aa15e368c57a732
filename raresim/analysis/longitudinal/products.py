"""Sums of products by tables, the rows of a batch side by side.

Whatever the likelihood needs is made of products of two numbers, summed: an entry of an inverse
with a sum of covariates, two entries of inverses. Which two and to which sum is the same in every
row and for every pattern of visits, so it stands in a table.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from raresim.analysis.arrays import FloatArray, IntArray
from raresim.analysis.longitudinal.structures import entries
from raresim.compiled import compiled, reads, writes

if TYPE_CHECKING:
    from raresim.analysis.longitudinal.design import Layout


@dataclass(frozen=True, eq=False)
class Terms:
    """Products of a number of one array with one of another, and the sum that each belongs to."""

    one: IntArray
    other: IntArray
    place: IntArray
    size: int

    def add_to(self, total: FloatArray, one: FloatArray, other: FloatArray) -> None:
        """Add products of (k, P, B) and (l, P, B) to sums (size, P, B), in the order of the terms.

        ``other`` and ``total`` may have one pattern, which meets all of ``one``, in their order.
        """
        _add(self.one, self.other, self.place, whole(one), whole(other), total)

    def each(self, one: FloatArray, other: FloatArray) -> FloatArray:
        """Return the sums of each pattern, (size, P, B)."""
        total = np.zeros((self.size, *one.shape[1:]))
        self.add_to(total, one, other)
        return total

    def summed(self, one: FloatArray, other: FloatArray) -> FloatArray:
        """Return the sums over all patterns, (size, B)."""
        total = np.zeros((self.size, 1, one.shape[2]))
        self.add_to(total, one, other)
        return total[:, 0]


def whole(values: FloatArray) -> FloatArray:
    """Return an array in one piece."""
    return np.ascontiguousarray(values)


@compiled(
    reads("int64", 1),
    reads("int64", 1),
    reads("int64", 1),
    reads("float64", 3, "C"),
    reads("float64", 3, "C"),
    writes("float64", 3),
)
def _add(
    of_one: IntArray,
    of_other: IntArray,
    place: IntArray,
    one: FloatArray,
    other: FloatArray,
    total: FloatArray,
) -> None:
    for k in range(len(place)):
        for j in range(one.shape[1]):
            a = one[of_one[k], j]
            b = other[of_other[k], j if other.shape[1] > 1 else 0]
            found = total[place[k], j if total.shape[1] > 1 else 0]
            for row in range(len(found)):
                found[row] += a[row] * b[row]


class Products:
    """The tables of a layout.

    Arrays that they meet have entries (v, w), v <= w, of symmetric matrices of visits as their
    first axis; or sums of two covariates; or of a covariate with a visit, row after row.
    """

    def __init__(self, layout: "Layout") -> None:
        m = layout.visits
        self.visits, self.rows = m, layout.rows
        self.visit, self.row = layout.kept[0], layout.stored[0]
        self.v, self.w = entries(m)
        self.entry = symmetric(m, self.v, self.w)
        self.zv, self.zw = np.triu_indices(layout.rows)
        self.sums = symmetric(layout.rows, self.zv, self.zw)
        self.half = np.where(self.v == self.w, 0.5, 1.0)  # of E_vw + E_wv
        both_entry = self.entry[self.visit[:, None], self.visit[None, :]]
        both_sum = self.sums[self.row[:, None], self.row[None, :]]
        unique, where = np.unique(both_entry * self.zv.size + both_sum, return_inverse=True)
        of_entry, of_sum = unique // self.zv.size, unique % self.zv.size
        self.gathered = Terms(of_entry, of_sum, np.arange(unique.size), unique.size)
        # position among the products of each pair of coefficients where these are cells, of
        # each pair of cells where they are not: one gather lays a matrix out
        cells = np.arange(self.visit.size) if layout.order is None else layout.order
        self.size = cells.size
        where = where.reshape(self.visit.size, self.visit.size)[cells[:, None], cells[None, :]]
        self.where = where.reshape(-1)
        # products of an entry of a derivative with a sum: symmetric in the two entries
        e = self.v.size
        self.ev, self.ew = np.triu_indices(e)
        self.pairs = symmetric(e, self.ev, self.ew)
        key = self.pairs[:, of_entry] * self.zv.size + of_sum
        unique, where = np.unique(key, return_inverse=True)
        pair, which = unique // self.zv.size, unique % self.zv.size
        self.sloped = Terms(pair, which, np.arange(unique.size), unique.size)
        self.slope_where = where.reshape(e, -1)[:, self.where].reshape(-1)

    def matrices(self, sums: FloatArray) -> FloatArray:
        """Lay sums of `gathered` (sums, B) out as matrices (B, size, size)."""
        flat = np.take(whole(sums.T), self.where, axis=1)
        found: FloatArray = flat.reshape(-1, self.size, self.size)
        return found

    def slope_matrices(self, sums: FloatArray) -> FloatArray:
        """Lay sums of `sloped` (sums, B) out as matrices (B, E, size, size)."""
        flat = np.take(whole(sums.T), self.slope_where, axis=1)
        return flat.reshape(-1, self.v.size, self.size, self.size)

    def crossed(self, packed: FloatArray) -> FloatArray:
        """Lay (G, pairs, B) out, halves weighed, as blocks (B, GE, GE)."""
        weight = (self.half[self.ev] * self.half[self.ew])[:, None]
        groups, _, batch = packed.shape
        e = self.v.size
        found = np.zeros((batch, groups * e, groups * e))
        for g in range(groups):
            block = np.take(whole((packed[g] * weight).T), self.pairs, axis=1)
            found[:, g * e : (g + 1) * e, g * e : (g + 1) * e] = block
        return found

    @cached_property
    def right(self) -> Terms:
        """Covariate and outcome with an inverse: X' W y, by cells."""
        cell, u = grid(self.visit.size, self.visits)
        with_visit = self.row[cell] * self.visits + u
        return Terms(with_visit, self.entry[u, self.visit[cell]], cell, self.visit.size)

    @cached_property
    def explained(self) -> Terms:
        """Sums of covariates with coefficients of cells: what the means share with covariates."""
        row, cell = grid(self.rows, self.visit.size)
        place = row * self.visits + self.visit[cell]
        return Terms(self.sums[row, self.row[cell]], cell, place, self.rows * self.visits)

    def meets(self, own: IntArray, with_visit: IntArray) -> Terms:
        """Covariate and outcome of a visit with the coefficients of another visit's cells."""
        e, cell = np.nonzero(own[:, None] == self.visit)
        return Terms(self.row[cell] * self.visits + with_visit[e], cell, e, self.v.size)

    @cached_property
    def explained_first(self) -> Terms:
        """What explains the first visit of an entry, times the second."""
        return self.meets(self.v, self.w)

    @cached_property
    def explained_second(self) -> Terms:
        """What explains the second visit of an entry, times the first."""
        return self.meets(self.w, self.v)

    @cached_property
    def trace(self) -> Terms:
        """Sums of covariates with a matrix over the cells, flat: entries of X Phi X'."""
        at_v, at_w = self.v[:, None] == self.visit, self.w[:, None] == self.visit
        e, r, c = np.nonzero(at_v[:, :, None] & at_w[:, None, :])
        cells = self.visit.size
        return Terms(self.sums[self.row[r], self.row[c]], r * cells + c, e, self.v.size)

    @cached_property
    def turned(self) -> Terms:
        """Inverse with another symmetric matrix: all of A B, flat."""
        v, w, k = grid(self.visits, self.visits, self.visits)
        place = v * self.visits + w
        return Terms(self.entry[v, k], self.entry[k, w], place, self.visits**2)

    @cached_property
    def turned_back(self) -> Terms:
        """A flat matrix A with a symmetric one: the entries of A B, where it is symmetric."""
        e, k = grid(self.v.size, self.visits)
        return Terms(self.v[e] * self.visits + k, self.entry[k, self.w[e]], e, self.v.size)

    @cached_property
    def same(self) -> Terms:
        """Entry with the same entry, all in one sum."""
        e = np.arange(self.v.size)
        return Terms(e, e, np.zeros_like(e), 1)

    @cached_property
    def crossing(self) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Return a, b, c, d of the pairs (vw, ts): A_ws B_vt is A_a B_b, A_vs B_wt is A_c B_d."""
        v, w, t, s = self.v[self.ev], self.w[self.ev], self.v[self.ew], self.w[self.ew]
        return self.entry[w, s], self.entry[v, t], self.entry[v, s], self.entry[w, t]

    @cached_property
    def met(self) -> Terms:
        """Symmetric with itself: A_ws A_vt + A_vs A_wt by pairs."""
        a, b, c, d = self.crossing
        return self.by_pair(np.stack([a, c]), np.stack([b, d]))

    @cached_property
    def met_both(self) -> Terms:
        """Symmetric with another: A_ws B_vt + A_vs B_wt + B_ws A_vt + B_vs A_wt by pairs."""
        a, b, c, d = self.crossing
        return self.by_pair(np.stack([a, c, b, d]), np.stack([b, d, a, c]))

    def by_pair(self, one: IntArray, other: IntArray) -> Terms:
        """Return terms (turns, pairs) with a sum for each pair, one pair after the other."""
        pair = np.repeat(np.arange(one.shape[1]), one.shape[0])
        return Terms(one.T.reshape(-1), other.T.reshape(-1), pair, one.shape[1])

    @cached_property
    def counted(self) -> Terms:
        """Pairs of entries with the number of patients."""
        pair = np.arange(self.ev.size)
        return Terms(pair, np.zeros_like(pair), pair, pair.size)

    @cached_property
    def across(self) -> Terms:
        """Covariate and residual with an inverse, by row and visit."""
        row, u, k = grid(self.rows, self.visits, self.visits)
        at = row * self.visits
        return Terms(at + k, self.entry[k, u], at + u, self.rows * self.visits)

    @cached_property
    def leaning(self) -> Terms:
        """Inverse with what `across` gives: X' W (E_vw + E_wv) W r by entry and cell."""
        e, cell = grid(self.v.size, self.visit.size)
        v, w, u = self.v[e], self.w[e], self.visit[cell]
        at, place = self.row[cell] * self.visits, e * self.visit.size + cell
        one = np.stack([self.entry[u, v], self.entry[u, w]], axis=1).reshape(-1)
        other = np.stack([at + w, at + v], axis=1).reshape(-1)
        return Terms(one, other, np.repeat(place, 2), place.size)


def symmetric(size: int, v: IntArray, w: IntArray) -> IntArray:
    """Return the number of each entry (v, w) of a symmetric matrix, (size, size)."""
    table = np.zeros((size, size), dtype=np.int64)
    table[v, w] = table[w, v] = np.arange(v.size)
    return table


def grid(*sizes: int) -> tuple[IntArray, ...]:
    """Return the positions along each axis of an array of that shape, in its order."""
    return tuple(axis.reshape(-1).astype(np.int64) for axis in np.indices(sizes))
