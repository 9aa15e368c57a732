"""Who was at risk when an event happened: the table that all rank-based methods share."""

from dataclasses import dataclass

import numpy as np

from raresim.alike import pick
from raresim.analysis.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    IntArray,
    NumberArray,
    counts_before,
    flagged_first,
)


@dataclass(frozen=True)
class RiskSets:
    """Each event of each row with its risk set, in the order of stratum and time.

    All arrays have shape (B, E), E being the most events in a row; columns beyond a row's own
    events have ``real`` False and hold zeros (``events`` holds 1 to divide by).

    Attributes
    ----------
    real
        Whether an event stands in the column.
    at_risk_0, at_risk_1
        Control and treated patients at risk at the event's time in its stratum.
    events
        Events at that time in that stratum.
    having_0, having_1
        Control and treated patients who have these events.
    rank
        Place of the event among those tied with it, from 0.
    again
        Whether the patient has another event at the same time in an earlier column.
    record
        Position, among the records given, of the event.
    order
        (B, n) the sorted order of the records given.
    events_through
        (B, n) for each sorted record: events of the row no later than its stratum and time.
    counted
        (B, n + 1) for each sorted position: events of the row before it.
    opening
        (B, n) for each sorted record: the position at which its stratum begins.
    first, close
        Sorted position at which the event's risk set begins, and one past its end.
    """

    real: BoolArray
    at_risk_0: FloatArray
    at_risk_1: FloatArray
    events: FloatArray
    having_0: FloatArray
    having_1: FloatArray
    rank: FloatArray
    again: BoolArray
    record: IntArray
    order: IntArray
    events_through: IntArray
    counted: IntArray
    opening: IntArray
    first: IntArray
    close: IntArray

    @property
    def at_risk(self) -> FloatArray:
        """Patients of both arms at risk."""
        return self.at_risk_0 + self.at_risk_1

    @property
    def opens(self) -> BoolArray:
        """Whether the event is the first of those tied with it."""
        opens: BoolArray = self.real & (self.rank == 0.0)
        return opens

    @property
    def closes(self) -> BoolArray:
        """Whether the event is the last of those tied with it."""
        closes: BoolArray = self.real & (self.rank == self.events - 1.0)
        return closes


def risk_sets(
    time: NumberArray,
    event: BoolArray,
    treated: BoolArray,
    at_risk: BoolArray,
    stratum: CodeArray | None = None,
    patient: IntArray | None = None,
) -> RiskSets:
    """Count the risk set of every event.

    A record is at risk at all times up to and including its own. Records that are neither an
    event nor at risk change nothing, whatever their time.

    Parameters
    ----------
    time
        (B, n) time of the record.
    event
        (B, n) whether an event happened at that time.
    treated
        (B, n) whether it belongs to the treated arm.
    at_risk
        (B, n) whether it counts as a patient at risk until its time.
    stratum
        (B, n) integer codes; risk sets never mix strata.
    patient
        (B, n) whose record it is, in rising order; without it each record is a patient.
    """
    order, start, end, close, opening = _runs(time, stratum)
    event_s, treated_s, at_risk_s = (pick(x, order) for x in (event, treated, at_risk))
    place, real = flagged_first(event_s)
    first, last, close = (pick(x, place) for x in (start, end, close))
    before = counts_before(event_s)
    first_column, last_column = pick(before, first), pick(before, last)
    rank = np.where(real, np.arange(place.shape[1]) - first_column, 0)
    record, of_treated = pick(order, place), pick(treated_s, place)
    again = np.zeros_like(real)
    if patient is not None:
        owner = pick(patient, record)
        again[:, 1:] = real[:, 1:] & (rank[:, 1:] > 0) & (owner[:, 1:] == owner[:, :-1])
    having = real & ~again
    return RiskSets(
        real=real,
        at_risk_0=_between(counts_before(at_risk_s & ~treated_s), first, close) * real,
        at_risk_1=_between(counts_before(at_risk_s & treated_s), first, close) * real,
        events=np.where(real, last_column - first_column, 1.0),
        having_0=_between(counts_before(having & ~of_treated), first_column, last_column) * real,
        having_1=_between(counts_before(having & of_treated), first_column, last_column) * real,
        rank=rank.astype(np.float64),
        again=again,
        record=record,
        order=order,
        events_through=pick(before, end),
        counted=before,
        opening=opening,
        first=first,
        close=close,
    )


def _runs(
    time: NumberArray, stratum: CodeArray | None
) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray]:
    """Sort by stratum and time.

    Returns the order and, for each sorted position, where its run of equal keys starts and
    ends, and where its stratum ends (one past the last position) and starts.
    """
    if stratum is None:
        order = np.argsort(time, axis=1, kind="stable")
    else:
        order = np.lexsort((time, stratum), axis=1)
    sorted_time = np.take_along_axis(time, order, axis=1)
    changes = sorted_time[:, 1:] != sorted_time[:, :-1]
    close = np.full(time.shape, time.shape[1])
    opening = np.broadcast_to(np.int64(0), time.shape)
    if stratum is not None:
        sorted_stratum = pick(stratum, order)
        new_stratum = sorted_stratum[:, 1:] != sorted_stratum[:, :-1]
        close, opening = _run_ends(new_stratum), _run_starts(new_stratum)
        changes |= new_stratum
    return order, _run_starts(changes), _run_ends(changes), close, opening


def _run_starts(changes: BoolArray) -> IntArray:
    """Give, for each sorted position, the first position of its run of equal keys."""
    starts = np.zeros((changes.shape[0], changes.shape[1] + 1), dtype=np.int64)
    starts[:, 1:] = np.where(changes, np.arange(1, changes.shape[1] + 1), 0)
    return np.maximum.accumulate(starts, axis=1)


def _run_ends(changes: BoolArray) -> IntArray:
    """Give, for each sorted position, one past the last position of its run."""
    number = changes.shape[1] + 1
    ends = np.full((changes.shape[0], number), number, dtype=np.int64)
    ends[:, :-1] = np.where(changes, np.arange(1, number), number)
    return np.ascontiguousarray(np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1])


def _between(before: IntArray, first: IntArray, last: IntArray) -> FloatArray:
    return (pick(before, last) - pick(before, first)).astype(np.float64)
