"""Sums over the patients who share a pattern of observed visits.

A patient's share of the likelihood depends on his data through sums of products that are the
same at every step, and on the covariance of the visits that he was seen at. So patients are
summed once, by pattern (and group), and no step after that knows how many they were. A row
has its patterns in the order of their codes; slots that it does not need stand last and hold
zeros, which change no sum.
"""

from dataclasses import dataclass, replace

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.longitudinal.design import Layout


@dataclass(frozen=True)
class Slots:
    """Sums by pattern; the batch is the last axis, patterns P the one before.

    Attributes
    ----------
    slot
        (B, n) the pattern of each patient, P (none) if never seen.
    observed
        (m, P, B) 1 where the visit belongs to the pattern.
    group
        (P, B) the group whose covariance holds.
    number
        (P, B) patients.
    zz, zy, yy
        (sums, P, B), (rows, m, P, B), (E, P, B) sums of products of covariates and outcomes.
    """

    slot: IntArray
    observed: FloatArray
    group: IntArray
    number: FloatArray
    zz: FloatArray
    zy: FloatArray
    yy: FloatArray

    def take(self, rows: IntArray) -> "Slots":
        """Keep some rows of the batch, and the slots that they need."""
        number = self.number[:, rows]
        used = int(np.count_nonzero(np.any(number > 0.0, axis=1)))
        used = max(used, 1)
        return Slots(
            slot=self.slot[rows],
            observed=np.ascontiguousarray(self.observed[:, :used, rows]),
            group=np.ascontiguousarray(self.group[:used, rows]),
            number=np.ascontiguousarray(number[:used]),
            zz=np.ascontiguousarray(self.zz[:, :used, rows]),
            zy=np.ascontiguousarray(self.zy[:, :, :used, rows]),
            yy=np.ascontiguousarray(self.yy[:, :used, rows]),
        )


def slot_of_patient(seen: BoolArray, group: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Give the patterns of each row their numbers.

    Parameters
    ----------
    seen
        (B, n, m) observed visits.
    group
        (B, n) group of the patient.

    Returns
    -------
    slot
        (B, n) 0, 1, ... in the order of the codes; the largest number, P, for patients who
        were never seen.
    code
        (P, B) the visits of each slot as bits, all of them where there is no slot.
    group
        (P, B) the group of each slot.
    """
    rows, patients, visits = seen.shape
    full = (1 << visits) - 1
    bits = np.zeros((rows, patients), dtype=np.int64)
    for v in range(visits):
        bits += seen[:, :, v].astype(np.int64) << v
    # full patterns first: most patients have one, and it is the best conditioned
    key = np.where(bits > 0, (group << visits) + (full - bits), np.iinfo(np.int64).max)
    order = np.argsort(key, axis=1, kind="stable")
    sorted_key = np.take_along_axis(key, order, axis=1)
    new = np.ones_like(sorted_key, dtype=np.bool_)
    new[:, 1:] = sorted_key[:, 1:] != sorted_key[:, :-1]
    real = sorted_key != np.iinfo(np.int64).max
    rank = np.cumsum(new & real, axis=1) - 1
    number = int(rank.max(initial=0)) + 1
    slot = np.full((rows, patients), number, dtype=np.int64)
    np.put_along_axis(slot, order, np.where(real, rank, number), axis=1)
    code = np.full((number, rows), full, dtype=np.int64)
    of_group = np.zeros((number, rows), dtype=np.int64)
    b, i = np.nonzero(new & real)
    first = sorted_key[b, i]
    code[rank[b, i], b] = full - (first & full)
    of_group[rank[b, i], b] = first >> visits
    return slot, code, of_group


def sum_by_slot(values: FloatArray, slot: IntArray, slots: int) -> FloatArray:
    """Add values (B, n) of each slot in the order of the patients, to (slots, B)."""
    rows = slot.shape[0]
    place = (np.minimum(slot, slots) * rows + np.arange(rows)[:, None]).reshape(-1)
    size = (slots + 1) * rows
    total: FloatArray = np.bincount(place, values.reshape(-1), size).astype(np.float64, copy=False)
    return total.reshape(slots + 1, rows)[:slots]


def make_slots(
    outcome: FloatArray, covariates: FloatArray, layout: Layout, seen: BoolArray, group: IntArray
) -> Slots:
    """Sum the patients of each pattern.

    ``outcome`` (B, n, m) and ``covariates`` (B, n, q) or (B, n, m, q) must hold 0 where nobody
    was seen.
    """
    products = layout.products
    slot, code, of_group = slot_of_patient(seen, group)
    columns = layout.columns(covariates)
    z = [np.ascontiguousarray(columns[:, :, j]) for j in range(layout.rows)]
    visits = np.arange(layout.visits)[:, None, None]
    slots = code.shape[0]
    zz = [
        sum_by_slot(z[a] * z[b], slot, slots) for a, b in zip(products.zv, products.zw, strict=True)
    ]
    bare = Slots(
        slot=slot,
        observed=((code[None] >> visits) & 1).astype(np.float64),
        group=of_group,
        number=sum_by_slot(np.ones(slot.shape), slot, slots),
        zz=np.stack(zz),
        zy=np.zeros((0, 0, 0, 0)),
        yy=np.zeros((0, 0, 0)),
    )
    return with_outcome(bare, outcome, covariates, layout)


def with_outcome(
    plain: Slots, outcome: FloatArray, covariates: FloatArray, layout: Layout
) -> Slots:
    """Sum other outcomes (B, n, m) of the same patients with the same covariates."""
    products, slot = layout.products, plain.slot
    columns = layout.columns(covariates)
    z = [np.ascontiguousarray(columns[:, :, j]) for j in range(layout.rows)]
    y = [np.ascontiguousarray(outcome[:, :, v]) for v in range(layout.visits)]

    def added(values: FloatArray) -> FloatArray:
        return sum_by_slot(values, slot, plain.number.shape[0])

    zy = [np.stack([added(one * two) for two in y]) for one in z]
    yy = [added(y[v] * y[w]) for v, w in zip(products.v, products.w, strict=True)]
    return replace(plain, zy=np.stack(zy), yy=np.stack(yy))
