"""Conduct over blocks of replicates: the same protocol as `events.py`, as arrays.

The trial is run as if nobody looked; then come the looks, in the order of their ticks; then
everything after the trial's end is cut away. That is sound because nothing before a look depends on
what follows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.trial.fate import Fate
from raresim.trial.ledger import Ledger, truncate
from raresim.trial.plan import Decide, MilestonePlan, Plan
from raresim.trial.ticks import NEVER, Exit, Ticks


class ShortStreamError(Exception):
    """The stream of candidates ended before recruitment did: a longer one must be made."""


def conduct(plan: Plan, fate: Fate, decide: Decide) -> tuple[Ledger, Ticks]:
    """Return the ledger and each milestone's tick (replicates, milestones), NEVER if not held."""
    whole = _unwatched(plan, fate)
    held = np.stack([_tick(milestone, whole) for milestone in plan.milestones], axis=1)
    performed, end = _look(plan, whole, held, decide)
    return truncate(whole, end), performed


def _take(values: npt.NDArray[Any], order: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    return np.take_along_axis(values, order if values.ndim == 2 else order[..., None], 1)


def _unwatched(plan: Plan, fate: Fate) -> Ledger:
    """Return the ledger of the trial in which nobody looks."""
    key = np.where(fate.eligible, fate.ready, NEVER)
    order = np.argsort(key, axis=1, kind="stable")[:, : plan.n]  # ties: lower candidate first
    ready = _take(key, order)
    _check_stream(plan, fate, ready)
    inside = ready <= plan.recruit_until
    full = inside[:, -1]
    closed = np.where(full, ready[:, -1], plan.recruit_until)
    stratum = np.where(inside, _take(fate.stratum, order), 0)
    arm = _arms(fate.lists, stratum, inside)
    absolute = _from_randomisation(np.where(inside, ready, NEVER))
    events = {name: absolute(_by_arm(fate.events[name], arm, order)) for name in plan.outcomes}
    out, reason = _exits(plan, fate, absolute, arm, order, events)
    last_screened = np.where(full, closed - 1, closed)[:, None]  # closing comes before presenting
    return Ledger(
        candidate=np.where(inside, order, -1),
        randomised=np.where(inside, ready, NEVER),
        arm=arm,
        stratum=stratum,
        stop=_kept(absolute(_take(fate.stop, order)), out),
        exit=out,
        reason=reason,
        events={name: _kept(value, out) for name, value in events.items()},
        visits=_kept(absolute(_take(fate.visits, order)), out),
        presented=np.where(fate.present <= last_screened, fate.present, NEVER),
        closed=closed,
        end=np.full(len(closed), NEVER),
    )


def _check_stream(plan: Plan, fate: Fate, ready: Ticks) -> None:
    """Refuse a stream whose candidates were used up while recruitment was open.

    Candidates present in order, so whoever is beyond the stream is ready after the last one
    presents.
    """
    beyond = np.minimum(fate.present[:, -1], plan.recruit_until)
    filled = ready[:, -1] <= beyond if ready.shape[1] == plan.n else np.zeros(len(ready), bool)
    if not bool(np.all(filled | (fate.present[:, -1] > plan.recruit_until))):
        raise ShortStreamError


def _arms(
    lists: npt.NDArray[np.int8], stratum: Ticks, inside: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int8]:
    """Return list[place] of each patient's stratum; the place counts those randomised before."""
    arm = np.zeros(stratum.shape, np.int8)
    for number in range(lists.shape[1]):
        here = inside & (stratum == number)
        place = np.cumsum(here, axis=1) - here
        place = np.minimum(place, lists.shape[2] - 1)  # beyond the list only where nobody is
        arm = np.where(here, np.take_along_axis(lists[:, number], place, 1), arm)
    return arm


def _from_randomisation(randomised: Ticks) -> Any:
    """Return a function that turns ticks since randomisation into ticks since the start."""

    def absolute(since: Ticks) -> Ticks:
        start = randomised if since.ndim == 2 else randomised[..., None]
        known = (since < NEVER) & (start < NEVER)
        return np.where(known, np.where(known, start, 0) + np.where(known, since, 0), NEVER)

    return absolute


def _by_arm(
    values: tuple[npt.NDArray[Any], ...], arm: npt.NDArray[np.int8], order: npt.NDArray[np.int64]
) -> npt.NDArray[Any]:
    """Return what happens to each patient under the arm that was assigned."""
    control, treated = (_take(value, order) for value in values)
    if control.ndim == 2:
        return np.where(arm == 1, treated, control)
    width = max(control.shape[-1], treated.shape[-1])
    wide = [
        np.pad(v, [(0, 0), (0, 0), (0, width - v.shape[-1])], constant_values=NEVER)
        for v in (control, treated)
    ]
    return np.where((arm == 1)[..., None], wide[1], wide[0])


def _exits(
    plan: Plan,
    fate: Fate,
    absolute: Any,
    arm: npt.NDArray[np.int8],
    order: npt.NDArray[np.int64],
    events: dict[str, Ticks],
) -> tuple[Ticks, npt.NDArray[np.int8]]:
    """Return the end of each patient's follow-up and its reason; death goes before leaving."""
    follow = absolute(_by_arm(fate.follow, arm, order))
    leave = absolute(_take(fate.leave, order))
    out = np.minimum(follow, leave)
    reason = np.where(leave < follow, Exit.LEFT, Exit.COMPLETED)
    for name in plan.fatal:
        death = events[name][..., 0]
        reason = np.where(death <= out, Exit.DIED, reason)
        out = np.minimum(out, death)
    return out, np.where(out < NEVER, reason, Exit.NONE).astype(np.int8)


def _kept(values: Ticks, out: Ticks) -> Ticks:
    """Return ticks that are not after the patient's end of follow-up."""
    limit = out if values.ndim == 2 else out[..., None]
    return np.where(values <= limit, values, NEVER)


def _tick(milestone: MilestonePlan, ledger: Ledger) -> Ticks:
    """Return the first tick at which a milestone's condition holds (all = max, any = min)."""
    ticks = []
    for part in milestone.parts:
        if part.kind == "calendar":
            ticks.append(np.full(ledger.replicates, part.tick))
        elif part.kind == "finished":
            exits = np.where(ledger.present, ledger.exit, -1)
            ticks.append(np.maximum(ledger.closed, np.max(exits, axis=1)))
        else:
            first = np.sort(ledger.events[part.outcome][..., 0], axis=1)
            ticks.append(first[:, part.patients - 1])
    combine = np.maximum if milestone.every else np.minimum
    return np.asarray(combine.reduce(ticks))


def _look(plan: Plan, whole: Ledger, held: Ticks, decide: Decide) -> tuple[Ticks, Ticks]:
    """Perform the milestones in the order of their ticks (then of the file) until one stops."""
    final = held[:, -1]
    order = np.argsort(held, axis=1, kind="stable")
    performed = np.full(held.shape, NEVER)
    end = np.full(len(held), NEVER)
    for position in range(held.shape[1]):
        for number in range(held.shape[1]):
            tick = held[:, number]
            now = (order[:, position] == number) & (end == NEVER) & (tick <= final)
            performed[now, number] = tick[now]
            if (
                number == held.shape[1] - 1
            ):  # the last milestone ends the trial; it is analysed after
                end = np.where(now, tick, end)
            elif bool(np.any(now)):
                rows = np.flatnonzero(now)
                stop = decide(truncate(whole.rows(rows), tick[rows]), number, tick[rows], rows)
                end[rows[stop]] = tick[rows[stop]]
    return performed, end
