"""Sums of cross-products over patients who lack the same visits: all that the model needs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray, ordered_sum
from raresim.analysis.missing.stacked import inverse, product, transposed

BY_FIT = ("zz", "zy", "yy", "number", "patients", "observed", "group", "spread", "centre")


@dataclass(frozen=True)
class Sums:
    """Sums of R fits over C cells of equal missingness and covariance group, the fits last.

    Attributes
    ----------
    zz, zy, yy
        (q, q, C, R), (q, T, C, R), (T, T, C, R); a missing outcome adds 0.
    number
        (C, R) patients.
    patients
        (G, R) patients of each group.
    observed
        (T, C, R) visits that a cell's patients have.
    group
        (C, R) covariance group.
    spread
        (T, R) variance of the observed outcomes, divisor their number.
    centre
        (T, R) what was taken from the outcomes before.
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
    spread: FloatArray
    centre: FloatArray
    constraint: FloatArray | None = None

    @property
    def columns(self) -> int:
        """Columns of the design, the first of them ones."""
        return len(self.zz)

    @property
    def visits(self) -> int:
        """Number of visits."""
        return len(self.yy)

    @property
    def groups(self) -> int:
        """Number of covariance groups."""
        return len(self.patients)

    @property
    def fits(self) -> int:
        """Number of fits."""
        return int(self.number.shape[-1])

    def of(self, rows: IntArray) -> "Sums":
        """Keep some fits."""
        return replace(self, **{name: getattr(self, name)[..., rows] for name in BY_FIT})

    def solve(self, information: FloatArray, score: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the generalised least squares coefficients (q, T, R) and their covariance."""
        if self.constraint is None:
            covariance = inverse(information)
        else:
            free = self.constraint[:, :, None]
            inside = product(product(transposed(free), information), free)
            covariance = product(product(free, inverse(inside)), transposed(free))
        found = product(covariance, score[:, None])[:, 0]
        return found.reshape(self.columns, self.visits, -1), covariance

    def restored(self, coefficient: FloatArray) -> FloatArray:
        """Add to the intercepts what was taken from the outcomes."""
        found = coefficient.copy()
        found[0] += self.centre
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
    (n, visits), q = outcome.shape, design.shape[1]
    times = ordered_sum(np.where(observed, 1.0, 0.0).T)
    centre = ordered_sum(np.where(observed, outcome, 0.0).T) / np.maximum(times, 1.0)
    y = np.where(observed, outcome - centre, 0.0)
    code = group * 2**visits + observed @ (2 ** np.arange(visits))
    cells = np.unique(code[np.any(weight > 0.0, axis=0)])
    columns = np.concatenate((np.ones((n, 1)), design, y), axis=1)
    total = _by_cell(
        (columns[:, :, None] * columns[:, None, :]).reshape(n, -1), weight, code, cells
    )
    total = total.reshape(1 + q + visits, 1 + q + visits, len(cells), len(weight))
    number, mine, outcomes = total[0, 0], slice(1, 1 + q), slice(1 + q, None)
    which = (cells // 2**visits).astype(np.int64)
    groups = int(group.max(initial=0)) + 1
    has = (cells >> np.arange(visits)[:, None]) % 2 == 1
    each = np.maximum(ordered_sum(np.swapaxes(number * has[:, :, None], 1, 2)), 1.0)
    mean = ordered_sum(np.swapaxes(total[0, outcomes], 1, 2)) / each
    squares = total[outcomes, outcomes][np.arange(visits), np.arange(visits)]
    fits = len(weight)
    return Sums(
        zz=total[mine, mine],
        zy=total[mine, outcomes],
        yy=total[outcomes, outcomes],
        number=number,
        patients=np.stack([ordered_sum(number[which == g].T) for g in range(groups)]),
        observed=np.repeat(has[:, :, None], fits, axis=2),
        group=np.repeat(which[:, None], fits, axis=1),
        spread=ordered_sum(np.swapaxes(squares, 1, 2)) / each - mean * mean,
        centre=np.repeat(centre[:, None], fits, axis=1),
        constraint=_constraint(q, visits, common) if common else None,
    )


def joined(parts: Sequence[Sums]) -> Sums:
    """Put the fits of several trials beside each other; cells that one lacks have no patients."""
    cells = max(len(part.number) for part in parts)
    found = {}
    for name in BY_FIT:
        each = [getattr(part, name) for part in parts]
        if name not in ("patients", "spread", "centre"):
            each = [_filled(one, cells) for one in each]
        found[name] = np.concatenate(each, axis=-1)
    return replace(parts[0], **found)


def _filled(values: FloatArray, cells: int) -> FloatArray:
    """Put zeros behind the cells (..., C, R)."""
    width = [(0, 0)] * (values.ndim - 2) + [(0, cells - values.shape[-2]), (0, 0)]
    return np.pad(values, width)


def _by_cell(entry: FloatArray, weight: FloatArray, code: IntArray, cells: IntArray) -> FloatArray:
    """Add the entries (n, K) by cell: (K, C, R)."""
    found = np.zeros((entry.shape[1], len(cells), len(weight)))
    for c, cell in enumerate(cells):
        for i in np.flatnonzero(code == cell):  # patient after patient: the order never changes
            found[:, c] += entry[i, :, None] * weight[:, i]
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
