"""The ledger: what a trial wrote down, patients in the order of their randomisation.

Both conducts yield one. Arrays have a leading replicate axis; one trial is a ledger of one row.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.alike import all_if, everywhere, rows, rows_alike, where
from raresim.either import either
from raresim.trial.deferred import Deferred, deferred
from raresim.trial.ticks import NEVER, Exit, Ticks, never


@dataclass(frozen=True)
class Ledger(Deferred):
    """What happened, in ticks since the trial's start, NEVER where it did not.

    Attributes
    ----------
    candidate, randomised, arm, stratum
        Per patient (replicates, n); candidate is -1 where nobody was randomised.
    open
        Which arms a patient could be allotted to, the sum of 2^k over them (replicates, n).
    stop, exit, reason
        End of treatment before its time, end of follow-up, and why (`Exit`).
    periods
        Since when a patient is in each period of the arm after the first, as taken (replicates, n,
        periods).
    crossed
        Since when a patient has the treatment of another arm.
    lag
        Ticks from whatever happens to a patient until it is known to the trial.
    events
        Per outcome (replicates, n, events).
    rescued
        Per rescue medication, since when each patient takes it (replicates, n).
    visits
        Visits that took place (replicates, n, visits).
    presented
        Screening of each candidate (replicates, candidates).
    kits
        Drug kits that were sent until the ledger was written (replicates,); they have no ticks
        here, so `truncate` leaves them as they are. 0 where the design has no kits.
    closed, end
        End of recruitment and of the trial (replicates,).
    """

    candidate: npt.NDArray[np.int64]
    randomised: Ticks
    arm: npt.NDArray[np.int8]
    stratum: Ticks
    open: Ticks
    stop: Ticks
    periods: Ticks
    crossed: Ticks
    exit: Ticks
    reason: npt.NDArray[np.int8]
    lag: Ticks
    events: dict[str, Ticks]
    rescued: dict[str, Ticks]
    visits: Ticks
    presented: Ticks
    kits: npt.NDArray[np.int64]
    closed: Ticks
    end: Ticks

    @property
    def replicates(self) -> int:
        """Number of rows."""
        return len(self.candidate)

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """Where a patient was randomised."""
        if rows_alike(self.candidate):
            return all_if(everywhere(self.candidate[0] >= 0, self.candidate.shape))
        return all_if(self.candidate >= 0)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return every array by name, those of outcomes as `events.NAME`."""
        found: dict[str, npt.NDArray[Any]] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, dict):
                found |= {f"{item.name}.{name}": part for name, part in value.items()}
            else:
                found[item.name] = value
        return found

    def rows(self, chosen: Any) -> Ledger:
        """Return some replicates only; all of them are what there is, uncopied."""
        if everybody(chosen, self.replicates):
            return self

        def take(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: rows(part, chosen) for name, part in value.items()}
            return rows(value, chosen)

        return deferred(Ledger, lambda name: take(getattr(self, name)))


def everybody(chosen: Any, replicates: int) -> bool:
    """Whether row numbers are those of all replicates, in order."""
    if not isinstance(chosen, np.ndarray) or len(chosen) != replicates:
        return False
    return bool(np.array_equal(chosen, np.arange(replicates)))


def stack(ledgers: list[Ledger]) -> Ledger:
    """Return ledgers of single trials as one, with room for the most patients and events."""
    return Ledger(
        **{
            item.name: stacked([getattr(ledger, item.name) for ledger in ledgers])
            for item in fields(Ledger)
        }
    )


def stacked(values: list[Any]) -> Any:
    """Return arrays of single trials as one, also those in tuples or dictionaries."""
    first = values[0]
    if isinstance(first, dict):
        return {name: stacked([value[name] for value in values]) for name in first}
    if isinstance(first, tuple):
        return tuple(stacked([*parts]) for parts in zip(*values, strict=True))
    if first.ndim == 3:
        width = max(value.shape[-1] for value in values)
        values = [widened(value, width) for value in values]
    return np.concatenate(values)


def appended(ledger: Ledger, other: Ledger) -> Ledger:
    """Return the patients of a ledger and after them those of another, in the same trials."""
    patients = ("candidate", "randomised", "arm", "stratum", "open", "stop", "crossed", "exit",
                "reason", "lag", "visits")  # fmt: skip
    whole: dict[str, Any] = {
        name: np.concatenate([getattr(ledger, name), getattr(other, name)], axis=1)
        for name in patients
    }
    for kind in ("events", "rescued"):
        own, more = getattr(ledger, kind), getattr(other, kind)
        whole[kind] = {name: beside(own[name], more[name]) for name in own}
    whole["periods"] = beside(ledger.periods, other.periods)
    return replace(ledger, **whole)


def beside(*values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the values of patients, then those of others, with room for the most events."""
    if values[0].ndim == 3:
        width = max(value.shape[-1] for value in values)
        values = tuple(widened(value, width) for value in values)
    return np.concatenate(values, axis=1)


def replaced(value: Any, rows: npt.NDArray[np.int64], other: Any) -> Any:
    """Return arrays with some of their rows from others, with room for the most events.

    Arrays may stand in a ledger, a tuple or a dictionary.
    """
    if isinstance(value, Ledger):
        return Ledger(
            **{
                item.name: replaced(getattr(value, item.name), rows, getattr(other, item.name))
                for item in fields(Ledger)
            }
        )
    if isinstance(value, dict):
        return {name: replaced(part, rows, other[name]) for name, part in value.items()}
    if isinstance(value, tuple):
        return tuple(replaced(old, rows, new) for old, new in zip(value, other, strict=True))
    if value.ndim == 3:
        width = max(value.shape[-1], other.shape[-1])
        value, other = widened(value, width), widened(other, width)
    found = value.copy()
    found[rows] = other
    return found


def widened(values: npt.NDArray[Any], width: int) -> npt.NDArray[Any]:
    """Return a third axis of events filled up with NEVER."""
    missing = width - values.shape[-1]
    if not missing:
        return values
    return np.pad(values, [(0, 0), (0, 0), (0, missing)], constant_values=NEVER)


def truncate(ledger: Ledger, end: Ticks) -> Ledger:
    """Return the ledger without anything after `end`, the tick at which each trial ended."""
    column = end[:, None]  # whatever happens to a patient happens after randomisation
    inside = all_if(ledger.randomised <= column)

    def until(name: str) -> Any:
        value = getattr(ledger, name)
        if isinstance(value, dict):
            return {key: kept_until(part, column) for key, part in value.items()}
        if name in NOBODY:
            return where(inside, value, NOBODY[name])
        if name == "reason":
            return np.where(ledger.exit <= column, value, Exit.NONE).astype(np.int8)
        if name == "closed":
            return np.minimum(value, end)
        return end if name == "end" else value if name == "kits" else kept_until(value, column)

    return deferred(Ledger, until)


NOBODY = {"candidate": -1, "randomised": NEVER, "arm": 0, "stratum": 0, "open": 0, "lag": 0}
"""What stands where nobody was randomised."""


def kept_until(value: Ticks, end: Ticks) -> Ticks:
    """Return ticks of patients that are not after an end (replicates, n), or of all (with a 1)."""
    if never(value):
        return value
    return either(value <= (end if value.ndim == 2 else end[..., None]), value, NEVER)
