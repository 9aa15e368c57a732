"""The ledger: what a trial wrote down, patients in the order of their randomisation.

Both conducts yield one. Arrays have a leading replicate axis; one trial is a ledger of one row.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.trial.ticks import NEVER, Exit, Ticks


@dataclass(frozen=True)
class Ledger:
    """What happened, in ticks since the trial's start, NEVER where it did not.

    Attributes
    ----------
    candidate, randomised, arm, stratum
        Per patient (replicates, n); candidate is -1 where nobody was randomised.
    stop, exit, reason
        End of treatment before its time, end of follow-up, and why (`Exit`).
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
    stop: Ticks
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
        return self.candidate >= 0

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
        """Return some replicates only."""

        def take(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: part[chosen] for name, part in value.items()}
            return value[chosen]

        return Ledger(**{item.name: take(getattr(self, item.name)) for item in fields(self)})


def take(values: npt.NDArray[Any], candidate: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Return candidates' values in the order of the ledger (of candidate 0 where nobody is)."""
    order = np.maximum(candidate, 0)
    return np.take_along_axis(values, order if values.ndim == 2 else order[..., None], 1)


def by_arm(
    values: tuple[npt.NDArray[Any], ...],
    arm: npt.NDArray[np.int8],
    candidate: npt.NDArray[np.int64],
) -> npt.NDArray[Any]:
    """Return what belongs to each patient under the arm that was assigned.

    A third axis that differs between arms, that of events, is filled up with NEVER.
    """
    each = [take(value, candidate) for value in values]
    if each[0].ndim == 3:
        width = max(value.shape[-1] for value in each)
        pads = [[(0, 0), (0, 0), (0, width - value.shape[-1])] for value in each]
        each = [
            np.pad(value, pad, constant_values=NEVER) if pad[2][1] else value
            for value, pad in zip(each, pads, strict=True)
        ]
    found = each[0]
    for number, value in enumerate(each[1:], 1):
        mine = arm == number
        found = np.where(mine if value.ndim == 2 else mine[..., None], value, found)
    return found


def stack(ledgers: list[Ledger]) -> Ledger:
    """Return ledgers of single trials as one, with room for the most patients and events."""

    def join(parts: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        if parts[0].ndim < 3:
            return np.concatenate(parts)
        width = max(part.shape[-1] for part in parts)
        pad = [(0, 0)] * (parts[0].ndim - 1)
        wide = [np.pad(p, [*pad, (0, width - p.shape[-1])], constant_values=NEVER) for p in parts]
        return np.concatenate(wide)

    found: dict[str, Any] = {}
    for item in fields(Ledger):
        values = [getattr(ledger, item.name) for ledger in ledgers]
        if isinstance(values[0], dict):
            found[item.name] = {k: join([value[k] for value in values]) for k in values[0]}
        else:
            found[item.name] = join(values)
    return Ledger(**found)


def replaced(ledger: Ledger, rows: npt.NDArray[np.int64], other: Ledger) -> Ledger:
    """Return the ledger with some of its rows from another one, with room for the most events."""

    def put(old: npt.NDArray[Any], new: npt.NDArray[Any]) -> npt.NDArray[Any]:
        width = max(old.shape[-1], new.shape[-1])
        if old.ndim == 3 and old.shape[-1] < width:
            pad = [(0, 0), (0, 0), (0, width - old.shape[-1])]
            old = np.pad(old, pad, constant_values=NEVER)
        old = old.copy()
        if old.ndim == 3:
            old[rows] = NEVER
        old[rows, ..., : new.shape[-1]] = new
        return old

    found: dict[str, Any] = {}
    for item in fields(Ledger):
        old, new = getattr(ledger, item.name), getattr(other, item.name)
        if isinstance(old, dict):
            found[item.name] = {name: put(value, new[name]) for name, value in old.items()}
        elif old.ndim == 1:
            found[item.name] = old.copy()
            found[item.name][rows] = new
        else:
            found[item.name] = put(old, new)
    return Ledger(**found)


def truncate(ledger: Ledger, end: Ticks) -> Ledger:
    """Return the ledger without anything after `end`, the tick at which each trial ended."""
    column = end[:, None]
    inside = ledger.present & (ledger.randomised <= column)
    out = ledger.exit <= column

    def until(value: Ticks) -> Ticks:
        limit = column if value.ndim == 2 else column[..., None]
        kept = inside if value.ndim == 2 else inside[..., None]
        return np.where(kept & (value <= limit), value, NEVER)

    return Ledger(
        candidate=np.where(inside, ledger.candidate, -1),
        randomised=until(ledger.randomised),
        arm=np.where(inside, ledger.arm, 0).astype(np.int8),
        stratum=np.where(inside, ledger.stratum, 0),
        stop=until(ledger.stop),
        exit=until(ledger.exit),
        reason=np.where(inside & out, ledger.reason, Exit.NONE).astype(np.int8),
        lag=np.where(inside, ledger.lag, 0),
        events={name: until(value) for name, value in ledger.events.items()},
        rescued={name: until(value) for name, value in ledger.rescued.items()},
        visits=until(ledger.visits),
        presented=np.where(ledger.presented <= column, ledger.presented, NEVER),
        kits=ledger.kits,
        closed=np.minimum(ledger.closed, end),
        end=end,
    )
