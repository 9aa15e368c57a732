"""Sums of cross-products over patients who lack the same visits: all that the model needs."""

from dataclasses import dataclass, replace

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray, ordered_sum
from raresim.analysis.small_matrices import lapack_inverse, product, transposed


@dataclass(frozen=True)
class Sums:
    """Sums of R fits over C cells of equal missingness and covariance group.

    Attributes
    ----------
    zz, zy, yy
        (R, C, q, q), (R, C, q, T), (R, C, T, T); a missing outcome adds 0.
    number
        (R, C) patients.
    patients
        (R, G) patients of each group.
    observed
        (C, T) visits that a cell's patients have.
    group
        (C,) covariance group.
    groups
        G.
    spread
        (R, T) variance of the observed outcomes, divisor their number.
    centre
        (R, T) what was taken from the outcomes before.
    constraint
        (q T, p) maps the free coefficients to those of each column and visit, or None.
    """

    zz: FloatArray
    zy: FloatArray
    yy: FloatArray
    number: FloatArray
    patients: FloatArray
    observed: BoolArray
    group: IntArray
    groups: int
    spread: FloatArray
    centre: FloatArray
    constraint: FloatArray | None = None

    @property
    def columns(self) -> int:
        """Columns of the design, the first of them ones."""
        return int(self.zz.shape[-1])

    @property
    def visits(self) -> int:
        """Number of visits."""
        return int(self.yy.shape[-1])

    def of(self, rows: IntArray) -> "Sums":
        """Keep some fits."""
        by_fit = ("zz", "zy", "yy", "number", "patients", "spread", "centre")
        return replace(self, **{name: getattr(self, name)[rows] for name in by_fit})

    def solve(self, information: FloatArray, score: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the generalised least squares coefficients (R, q, T) and their covariance."""
        if self.constraint is None:
            covariance = lapack_inverse(information)
        else:
            free = product(product(transposed(self.constraint), information), self.constraint)
            covariance = product(
                product(self.constraint, lapack_inverse(free)), transposed(self.constraint)
            )
        found = product(covariance, score[:, :, None])[:, :, 0]
        return found.reshape(-1, self.columns, self.visits), covariance

    def restored(self, coefficient: FloatArray) -> FloatArray:
        """Add to the intercepts what was taken from the outcomes."""
        found = coefficient.copy()
        found[:, 0] += self.centre
        return found


def sums_of(
    outcome: FloatArray,
    design: FloatArray,
    weight: FloatArray,
    group: CodeArray,
    *,
    common: tuple[int, ...] = (),
) -> Sums:
    """Sum over the patients of one trial, for R fits of it with other weights.

    Parameters
    ----------
    outcome
        (n, T), NaN where missing.
    design
        (n, q), the first column ones.
    weight
        (R, n) how often each patient counts: 0 or 1, or more in a bootstrap sample.
    group
        (n,) covariance group, from 0.
    common
        Columns of the design with one coefficient for all visits.
    """
    observed = ~np.isnan(outcome)
    visits = outcome.shape[1]
    times = ordered_sum(np.where(observed, 1.0, 0.0).T)
    centre = ordered_sum(np.where(observed, outcome, 0.0).T) / np.maximum(times, 1.0)
    y = np.where(observed, outcome - centre, 0.0)
    code = group * 2**visits + observed @ (2 ** np.arange(visits))
    here = np.any(weight > 0.0, axis=0)
    cells = np.unique(code[here])
    z = design
    zz = _by_cell(z[:, :, None] * z[:, None, :], weight, code, cells)
    zy = _by_cell(z[:, :, None] * y[:, None, :], weight, code, cells)
    yy = _by_cell(y[:, :, None] * y[:, None, :], weight, code, cells)
    number = _by_cell(np.ones(len(y)), weight, code, cells)
    which = (cells // 2**visits).astype(np.int64)
    groups = int(group.max(initial=0)) + 1
    patients = np.stack([ordered_sum(number[:, which == g]) for g in range(groups)], axis=1)
    diagonal = np.diagonal(yy, axis1=-2, axis2=-1)
    has = (cells[:, None] >> np.arange(visits)) % 2 == 1
    each = np.maximum(ordered_sum(np.swapaxes(number[:, :, None] * has, 1, 2)), 1.0)
    mean = ordered_sum(np.swapaxes(zy[:, :, 0], 1, 2)) / each
    return Sums(
        zz=zz,
        zy=zy,
        yy=yy,
        number=number,
        patients=patients,
        observed=has,
        group=which,
        groups=groups,
        spread=ordered_sum(np.swapaxes(diagonal, 1, 2)) / each - mean * mean,
        centre=np.tile(centre, (len(weight), 1)),
        constraint=_constraint(z.shape[1], visits, common) if common else None,
    )


def _by_cell(entry: FloatArray, weight: FloatArray, code: IntArray, cells: IntArray) -> FloatArray:
    found = np.zeros((len(weight), len(cells), *entry.shape[1:]))
    for c, cell in enumerate(cells):
        for i in np.flatnonzero(code == cell):  # patient after patient: the order never changes
            found[:, c] += weight[:, i].reshape(-1, *(1,) * (entry.ndim - 1)) * entry[i]
    return found


def _constraint(columns: int, visits: int, common: tuple[int, ...]) -> FloatArray:
    blocks = [
        np.ones((visits, 1)) if column in common else np.eye(visits) for column in range(columns)
    ]
    found = np.zeros((columns * visits, sum(block.shape[1] for block in blocks)))
    at = 0
    for column, block in enumerate(blocks):
        found[column * visits : (column + 1) * visits, at : at + block.shape[1]] = block
        at += block.shape[1]
    return found
