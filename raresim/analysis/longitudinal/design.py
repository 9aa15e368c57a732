"""Designs of repeated measures: which covariate has which coefficient at which visit."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.longitudinal.products import Products


@dataclass(frozen=True, eq=False)
class Layout:
    """The mean of visit v is the sum over a, j of covariate[a] map[v, a, j] beta[j].

    Attributes
    ----------
    map
        (m, q, p).
    by_visit
        Whether covariates differ from visit to visit of a patient: (B, n, m, q), not (B, n, q).
    """

    map: FloatArray
    by_visit: bool

    @property
    def visits(self) -> int:
        """Return the number of visits, m."""
        return int(self.map.shape[0])

    @property
    def covariates(self) -> int:
        """Return the number of covariates, q."""
        return int(self.map.shape[1])

    @property
    def coefficients(self) -> int:
        """Return the number of coefficients, p."""
        return int(self.map.shape[2])

    @cached_property
    def kept(self) -> tuple[IntArray, IntArray]:
        """Return visit and covariate of each cell: the pairs that have a coefficient."""
        visit, covariate = np.nonzero(np.any(self.map != 0.0, axis=2))
        return visit.astype(np.int64), covariate.astype(np.int64)

    @cached_property
    def matrix(self) -> FloatArray:
        """Return the map of the cells to the coefficients, (cells, p)."""
        visit, covariate = self.kept
        found: FloatArray = np.ascontiguousarray(self.map[visit, covariate])
        return found

    @cached_property
    def order(self) -> IntArray | None:
        """Return the cell of each coefficient if each has just one, of weight 1."""
        ones = (self.matrix == 0.0) | (self.matrix == 1.0)
        single = np.all(ones.all()) and np.all(self.matrix.sum(axis=0) == 1.0)
        if not (single and np.all(self.matrix.sum(axis=1) == 1.0)):
            return None
        found: IntArray = np.argmax(self.matrix, axis=0)
        return found

    @cached_property
    def stored(self) -> tuple[IntArray, IntArray]:
        """Return for each cell the row of the sums that it reads, and how rows were made.

        Covariates that stay are summed once for all visits, others once for each cell.
        """
        visit, covariate = self.kept
        return (np.arange(visit.size), visit) if self.by_visit else (covariate, visit)

    @cached_property
    def rows(self) -> int:
        """Return the number of rows of the sums."""
        return int(self.kept[0].size) if self.by_visit else self.covariates

    @cached_property
    def products(self) -> Products:
        """Return the products of which all sums over patients are made."""
        return Products(self)

    def columns(self, covariates: FloatArray) -> FloatArray:
        """Lay covariates (B, n, q) or (B, n, m, q) out as rows (B, n, rows) that are summed."""
        if not self.by_visit:
            return covariates
        visit, covariate = self.kept
        return np.ascontiguousarray(covariates[:, :, visit, covariate])

    def fitted(self, covariates: FloatArray, beta: FloatArray) -> FloatArray:
        """Return the means (B, n, m) at coefficients (B, p)."""
        cells = cells_of(self, beta)
        found = np.zeros((*covariates.shape[:2], self.visits))
        for cell, (v, a) in enumerate(zip(*self.kept, strict=True)):
            column = covariates[:, :, v, a] if self.by_visit else covariates[:, :, a]
            found[:, :, v] += column * cells[:, cell, None]
        return found

    def design(self, covariates: FloatArray) -> FloatArray:
        """Return the design matrices (B, n, m, p)."""
        shape = (*covariates.shape[:2], self.visits, self.coefficients)
        found = np.zeros(shape)
        for cell, (v, a) in enumerate(zip(*self.kept, strict=True)):
            column = covariates[:, :, v, a] if self.by_visit else covariates[:, :, a]
            found[:, :, v, :] += column[:, :, None] * self.matrix[cell]
        return found


def to_coefficients(layout: Layout, matrices: FloatArray) -> FloatArray:
    """Turn matrices as `Products` lays them out into ones over the coefficients."""
    if layout.order is not None:
        return matrices
    half = np.matmul(matrices, layout.matrix)
    found: FloatArray = np.matmul(np.ascontiguousarray(layout.matrix.T), half)
    return found


def vector_to_coefficients(layout: Layout, vectors: FloatArray) -> FloatArray:
    """Turn vectors over the cells (..., cells) into ones over the coefficients (..., p)."""
    order = layout.order
    if order is not None:
        return np.ascontiguousarray(vectors[..., order])
    found = np.zeros((*vectors.shape[:-1], layout.coefficients))
    for cell in range(layout.matrix.shape[0]):
        found += vectors[..., cell, None] * layout.matrix[cell]
    return found


def cells_of(layout: Layout, beta: FloatArray) -> FloatArray:
    """Return the coefficients (B, p) of the cells, (B, cells)."""
    order = layout.order
    if order is not None:
        found = np.empty((beta.shape[0], order.size))
        found[:, order] = beta
        return found
    found = np.zeros((beta.shape[0], layout.matrix.shape[0]))
    for j in range(layout.coefficients):
        found += beta[:, j, None] * layout.matrix[:, j]
    return found


def matrix_to_cells(layout: Layout, matrices: FloatArray) -> FloatArray:
    """Return C A C' over the cells of matrices A over the coefficients (B, p, p)."""
    order = layout.order
    if order is not None:
        found = np.empty_like(matrices)
        found[:, order[:, None], order[None, :]] = matrices
        return found
    half = np.matmul(layout.matrix, matrices)
    other: FloatArray = np.matmul(half, np.ascontiguousarray(layout.matrix.T))
    return other


def by_visit_layout(visits: int, coefficients: int) -> Layout:
    """Return the layout of design matrices (B, n, m, p) that are given as they are."""
    same = np.eye(coefficients)
    return Layout(np.repeat(same[None], visits, axis=0), True)


def seen_visits(outcome: FloatArray, present: BoolArray) -> BoolArray:
    """Return which visits (B, n, m) have an outcome."""
    return present[:, :, None] & ~np.isnan(outcome)
