"""From a table of intervals (start, stop] to the event times and follow-up of each patient."""

from typing import TYPE_CHECKING

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.columns import arms, flags, numbers, unreadable

if TYPE_CHECKING:
    import pandas as pd


def recurrent_histories(
    data: "pd.DataFrame", *, id: str, start: str, stop: str, event: str, arm: str, control: object
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Gather the intervals of each patient.

    Returns
    -------
    event_time
        (n, K), infinity where a patient had fewer than K events.
    follow_up
        (n,) end of the last interval.
    arm
        (n,) 0 control, 1 treated.

    Raises
    ------
    InputError
        If intervals do not follow each other from 0, or the arm of a patient changes.
    """
    first, last, observed = numbers(data, start), numbers(data, stop), flags(data, event)
    treated = arms(data, arm, control)
    if data[id].isna().any():
        raise unreadable(id, "a missing value", "a patient in every row", "fill in the patient")
    patient = data.groupby(id, sort=False, observed=True).ngroup().to_numpy(dtype=np.int64)
    order = np.lexsort((last, patient))
    patient, first, last = patient[order], first[order], last[order]
    observed, treated = observed[order], treated[order]
    opens = np.concatenate((np.array([True]), patient[1:] != patient[:-1]))
    labels = data[id].to_numpy()[order]
    _check_intervals(opens, first, last, labels, start)
    changed = ~opens & (treated != np.roll(treated, 1))
    if np.any(changed):
        who = labels[int(np.argmax(changed))]
        raise unreadable(
            arm, f"two arms for patient {who}", "one arm for each patient", "correct the arm"
        )
    closes = np.roll(opens, -1)
    most = int(np.bincount(patient, weights=observed).max())
    event_time = np.full((int(patient[-1]) + 1, most), np.inf)
    before: IntArray = np.cumsum(observed) - observed
    place: IntArray = (
        before - before[np.maximum.accumulate(np.where(opens, np.arange(opens.size), 0))]
    )
    event_time[patient[observed], place[observed]] = last[observed]
    return event_time, last[closes], treated[closes]


def deaths(data: "pd.DataFrame", *, id: str, stop: str, death: str) -> BoolArray:
    """Say of each patient, in the order of `recurrent_histories`, whether follow-up ended in death.

    Raises
    ------
    InputError
        If a patient has an interval after death.
    """
    died, last = flags(data, death), numbers(data, stop)
    patient = data.groupby(id, sort=False, observed=True).ngroup().to_numpy(dtype=np.int64)
    end = np.full(int(patient.max()) + 1, -np.inf)
    np.maximum.at(end, patient, last)
    early = died & (last < end[patient])
    if np.any(early):
        who = data[id].to_numpy()[int(np.argmax(early))]
        raise unreadable(
            death,
            f"an interval after the death of patient {who}",
            "death in the last interval only",
            "end the follow-up at death",
        )
    ended = np.zeros(end.size, dtype=np.bool_)
    ended[patient[died]] = True
    return ended


def _check_intervals(
    opens: BoolArray, first: FloatArray, last: FloatArray, labels: object, start: str
) -> None:
    expected = np.where(opens, 0.0, np.roll(last, 1))
    bad = (first != expected) | (last <= first)
    if np.any(bad):
        row = int(np.argmax(bad))
        who = np.asarray(labels)[row]
        raise unreadable(
            start,
            f"an interval from {first[row]:g} to {last[row]:g} for patient {who}",
            f"intervals that follow each other, here from {expected[row]:g} to a later time",
            "cut each patient's follow-up from 0 at the events; late entry is not supported",
        )
