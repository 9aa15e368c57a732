"""Conduct over blocks of replicates: the same protocol as `events.py`, as arrays.

The trial is run as if nobody looked; then come the looks, in the order of their ticks; then
everything after the trial's end is cut away. That is sound because nothing before a look depends on
what follows. Where a look changes the trial's course, the trial is run again with that change:
everything up to it comes out as before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.alike import alike, where
from raresim.either import either
from raresim.trial.conduct.recruitment import recruit
from raresim.trial.course import Course
from raresim.trial.fate.decided import Fate
from raresim.trial.fate.life import Life
from raresim.trial.ledger import Ledger, kept_until, replaced, truncate
from raresim.trial.plan import Decide, MilestonePlan, Part, Plan
from raresim.trial.ticks import NEVER, Exit, Ticks, never

COMPLETED, DIED = np.int8(Exit.COMPLETED), np.int8(Exit.DIED)


def conduct(plan: Plan, fate: Fate, decide: Decide) -> tuple[Ledger, Ticks, Fate]:
    """Return the ledger, each milestone's tick (replicates, milestones), and the fate as lived.

    A milestone that does not hold has the tick NEVER; fate is another one where patients crossed
    over.
    """
    replicates = len(fate.present)
    course = Course.unchanged(plan, replicates)
    if plan.changes:  # trials are played again, and others get into them
        fate = replace(fate, screened=None)
    whole, life = _play(plan, fate, course)
    fate = replace(fate, patients=life)
    held = _held(plan, whole)
    performed = np.full(held.shape, NEVER)
    end = np.full(replicates, NEVER)
    while (going := end == NEVER).any():
        waiting = either(performed == NEVER, held, NEVER)
        following = np.argmin(waiting, axis=1)  # ties: first in the file
        again = np.zeros(replicates, bool)
        for number, milestone in enumerate(plan.milestones):
            rows = np.flatnonzero(going & (following == number))
            if not len(rows):
                continue
            at = held[rows, number]
            performed[rows, number] = at
            if number == len(plan.milestones) - 1:  # it ends the trial, and is analysed after
                end[rows] = at
                continue
            decisions = decide(
                fate.rows(_some(rows)), truncate(whole.rows(rows), at), number, at, rows
            )
            acts = at + milestone.delay
            end[rows[decisions.stop]] = acts[decisions.stop]
            course.made(rows, acts, decisions.changes)
            again[rows] = (decisions.changes >= 0).any(axis=1) & ~decisions.stop
        if again.any():
            rows = np.flatnonzero(again)
            fate = _crossing_over(plan, fate, course, rows)
            anew, life = _play(plan, fate.rows(rows), course.rows(rows))
            whole = replaced(whole, rows, anew)
            assert fate.patients is not None
            fate = replace(fate, patients=fate.patients.replaced(rows, [life]))
            held[rows] = _held(plan, whole.rows(rows))
    return truncate(whole, end), performed, fate


def _some(rows: npt.NDArray[np.int64]) -> Any:
    """Return what chooses rows: a slice for a single one, which copies nothing."""
    return slice(int(rows[0]), int(rows[0]) + 1) if len(rows) == 1 else rows


def _crossing_over(plan: Plan, fate: Fate, course: Course, rows: npt.NDArray[np.int64]) -> Fate:
    """Return the fate with those of some rows who cross over as the course says."""
    at = course.rows(rows).crossings(plan)
    some = (at < NEVER).any(axis=1)
    rows, at = rows[some], at[some]
    if not len(rows):
        return fate
    return fate.replaced(rows, [fate.rows(rows).crossing_over(at)])


def _held(plan: Plan, whole: Ledger) -> Ticks:
    """Return the tick at which each milestone's condition holds, if nothing else is decided."""
    return np.stack([_tick(milestone, whole) for milestone in plan.milestones], axis=1)


def _play(plan: Plan, fate: Fate, course: Course) -> tuple[Ledger, Life]:
    """Return the ledger of trials whose course is known from the start, and its patients' lives."""
    who = recruit(plan, fate, course)
    life = fate.allotted(who.order, who.arm)
    randomised = where(who.inside, who.ready, NEVER)
    absolute = _from_randomisation(randomised)
    events = {name: absolute(life.events[name]) for name in plan.outcomes}
    out, reason = _exits(plan, life, course, absolute, events)
    crossed, begun = absolute(life.crossed), absolute(life.periods)
    last_screened = either(who.full, who.closed - 1, who.closed)  # closing precedes presenting
    ledger = Ledger(
        candidate=where(who.inside, who.order, -1),
        randomised=randomised,
        arm=who.arm,
        stratum=who.stratum,
        open=who.open,
        stop=kept_until(absolute(life.stop), out),
        periods=_before(begun, out),  # none begins as follow-up ends
        crossed=_before(crossed, out),  # a change comes after an exit
        exit=out,
        reason=reason,
        lag=where(who.inside, life.lag, 0),
        events={name: kept_until(value, out) for name, value in events.items()},
        rescued={name: kept_until(absolute(since), out) for name, since in life.rescued.items()},
        visits=kept_until(absolute(life.visits), out),
        presented=either(fate.present <= last_screened[:, None], fate.present, NEVER),
        kits=np.zeros(len(who.closed), np.int64),  # `engine.refusal` lets no design with kits in
        closed=who.closed,
        end=np.full(len(who.closed), NEVER),
    )
    return ledger, life


def _from_randomisation(randomised: Ticks) -> Any:
    """Return a function that turns ticks since randomisation into ticks since the start."""
    everybody = bool((randomised < NEVER).all())

    def absolute(since: Ticks) -> Ticks:
        start = randomised if since.ndim == 2 else randomised[..., None]
        if never(since):
            return since
        if everybody:
            return np.asarray(np.minimum(start + since, NEVER))
        known = (since < NEVER) & (start < NEVER)
        return either(known, either(known, start, 0) + either(known, since, 0), NEVER)

    return absolute


def _exits(
    plan: Plan, life: Life, course: Course, absolute: Any, events: dict[str, Ticks]
) -> tuple[Ticks, npt.NDArray[np.int8]]:
    """Return the end of each patient's follow-up and its reason; death goes before leaving.

    An extended follow-up is for those whose own has not ended when the change acts.
    """
    follow = absolute(life.follow)
    if plan.changing("extend"):
        extended, length = course.first(plan, "extend")
        longer = absolute(np.broadcast_to(length[:, None], follow.shape))
        follow = either(follow > extended[:, None], np.maximum(longer, follow), follow)
    leave = absolute(life.leave)
    out = np.minimum(follow, leave)
    reason = COMPLETED + (leave < follow)  # `Exit`: LEFT comes after COMPLETED, and DIED after LEFT
    for name in plan.fatal:
        death = events[name][..., 0]
        reason = np.maximum(reason, DIED * (death <= out))
        out = np.minimum(out, death)
    return out, reason * (out < NEVER)


def _before(values: Ticks, out: Ticks) -> Ticks:
    """Return ticks that are before the patient's end of follow-up."""
    if never(values):
        return values
    return either(values < (out if values.ndim == 2 else out[..., None]), values, NEVER)


def _tick(milestone: MilestonePlan, ledger: Ledger) -> Ticks:
    """Return the first tick at which a milestone's condition holds (all = max, any = min)."""
    ticks = [_part(part, ledger) for part in milestone.parts]
    combine = np.maximum if milestone.every else np.minimum
    return np.asarray(combine.reduce(ticks))


def _part(part: Part, ledger: Ledger) -> Ticks:
    """Return the first tick at which a condition holds."""
    if part.kind == "calendar":
        return np.full(ledger.replicates, part.tick)
    if part.kind == "finished":
        exits = where(ledger.present, ledger.exit, 0).max(axis=1)
        return np.asarray(np.maximum(ledger.closed, exits))
    if part.kind == "screened":
        return _nth(ledger.presented, part.number)
    mine = ledger.present & np.isin(ledger.arm, part.arms) if part.arms else ledger.present
    if part.kind == "seen":
        seen = where(mine, ledger.visits[..., part.visit], NEVER)
        return _nth(_known(seen, ledger), part.number)
    if part.kind == "randomised":
        return _nth(where(mine, ledger.randomised, NEVER), part.number)
    if part.kind == "completed":
        mine = mine & (ledger.reason == Exit.COMPLETED)
        return _nth(either(mine, ledger.exit, NEVER), part.number)
    events = ledger.events[part.outcome]
    events = events[..., :1] if part.kind == "first" else events
    known = _known(where(mine, events, NEVER), ledger)
    return _nth(known.reshape(len(known), -1), part.number)


def _known(tick: Ticks, ledger: Ledger) -> Ticks:
    """Return when an entry is known: its patient's data come so much later."""
    if alike(ledger.lag) and not ledger.lag.flat[0]:
        return tick
    lag = ledger.lag if tick.ndim == 2 else ledger.lag[..., None]
    return either(tick < NEVER, either(tick < NEVER, tick, 0) + lag, NEVER)


def _nth(ticks: Ticks, number: int) -> Ticks:
    """Return the tick of the n-th entry of each row, NEVER where there are fewer."""
    if ticks.shape[1] < number:
        return np.full(len(ticks), NEVER)
    return np.asarray(np.partition(ticks, number - 1, axis=1)[:, number - 1])
