"""Patients with and without the event in each arm: all that most methods need."""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray
from raresim.analysis.left_out import REASONS, flags_of, left_out
from raresim.analysis.notes import Note

SMALL_ARM = 50  # patients; below it asymptotic tests of proportions carry a note


@dataclass(frozen=True)
class EventCounts:
    """The 2 by 2 tables of B trials.

    Attributes
    ----------
    events_0, patients_0, events_1, patients_1
        (B,) patients with the event and all patients, control and treated; (B, S) by stratum.
    left_out
        (B, R + 1) patients whose outcome is missing, as `left_out` counts them.
    """

    events_0: IntArray
    patients_0: IntArray
    events_1: IntArray
    patients_1: IntArray
    left_out: IntArray

    def distinct(self) -> tuple[IntArray, IntArray]:
        """Give the distinct tables (U, 4) in the order of the attributes, and each row's own."""
        stacked = np.stack([self.events_0, self.patients_0, self.events_1, self.patients_1], axis=1)
        tables, own = np.unique(stacked, axis=0, return_inverse=True)
        return tables, own.reshape(-1)

    @property
    def used(self) -> IntArray:
        """Patients of each row, (B,)."""
        total: IntArray = self.patients_0 + self.patients_1
        return total if total.ndim == 1 else np.sum(total, axis=1)

    @property
    def both_arms(self) -> BoolArray:
        """Whether both arms have patients, (B,) or (B, S)."""
        both: BoolArray = (self.patients_0 > 0) & (self.patients_1 > 0)
        return both

    @property
    def constant(self) -> BoolArray:
        """Whether all patients had the same outcome, (B,) or (B, S)."""
        events = self.events_0 + self.events_1
        same: BoolArray = (events == 0) | (events == self.patients_0 + self.patients_1)
        return same

    def pooled(self) -> "EventCounts":
        """Add up the strata."""
        return EventCounts(
            np.sum(self.events_0, axis=1),
            np.sum(self.patients_0, axis=1),
            np.sum(self.events_1, axis=1),
            np.sum(self.patients_1, axis=1),
            self.left_out,
        )

    def without(self, kept: BoolArray, reason: str) -> tuple[IntArray, IntArray]:
        """Count the patients used and left out where strata (B, S) are not kept for a reason.

        One stratum alone, or one arm without patients, is not left out: its own notes say why
        there is no comparison.
        """
        there = self.patients_0 + self.patients_1
        several = np.count_nonzero(there, axis=1) > 1
        gone = (several & self.pooled().both_arms)[:, None] & (there > 0) & ~kept
        lost = self.left_out.copy()
        lost[:, tuple(REASONS).index(reason)] = np.sum(np.where(gone, there, 0), axis=1)
        lost[:, -1] = np.count_nonzero(gone, axis=1)
        return self.used - np.sum(np.where(gone, there, 0), axis=1), lost

    def notes(self, *, asymptotic: bool = False) -> IntArray:
        """Say which rows lack an arm, vary in no outcome or lost patients; of unstratified ones."""
        small = np.minimum(self.patients_0, self.patients_1) < SMALL_ARM
        notes: IntArray = (
            Note.ONE_ARM_EMPTY * ~self.both_arms
            + Note.CONSTANT_OUTCOME * (self.both_arms & self.constant)
            + Note.EXACT_ALTERNATIVE * (asymptotic & self.both_arms & small)
        )
        return notes | flags_of(self.left_out)


def count_events(
    outcome: FloatArray | BoolArray | CodeArray, arm: CodeArray, present: BoolArray
) -> EventCounts:
    """Count the events of a batch.

    Parameters
    ----------
    outcome
        (B, n) 1 with the event, 0 without, NaN if missing.
    arm
        (B, n) 0 control, 1 treated.
    present
        (B, n) False for padding.
    """
    values = np.asarray(outcome, dtype=np.float64)
    used = present & ~np.isnan(values)
    event = used & (values == 1.0)
    treated = arm == 1
    return EventCounts(
        np.count_nonzero(event & ~treated, axis=1),
        np.count_nonzero(used & ~treated, axis=1),
        np.count_nonzero(event & treated, axis=1),
        np.count_nonzero(used & treated, axis=1),
        left_out(outcome=present & ~used),
    )


def count_by_stratum(
    outcome: FloatArray | BoolArray | CodeArray,
    arm: CodeArray,
    present: BoolArray,
    stratum: CodeArray | None,
) -> EventCounts:
    """Count the events of each stratum in the order of the codes: arrays (B, S).

    A stratum that a row lacks has no patients there; without ``stratum`` there is one.
    """
    codes = np.zeros_like(arm) if stratum is None else stratum
    wanted = np.unique(codes[present]) if present.any() else np.zeros(1, dtype=np.int64)
    parts = [count_events(outcome, arm, present & (codes == code)) for code in wanted]
    return EventCounts(
        np.stack([part.events_0 for part in parts], axis=1),
        np.stack([part.patients_0 for part in parts], axis=1),
        np.stack([part.events_1 for part in parts], axis=1),
        np.stack([part.patients_1 for part in parts], axis=1),
        left_out(outcome=present & np.isnan(np.asarray(outcome, dtype=np.float64))),
    )
