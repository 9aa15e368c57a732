"""Rescue medication: who needs it when, and what it adds to the history of exposure.

It begins on the day of the first visit that takes place and whose reading meets the line, or with
the n-th event, in patients who take it, and lasts to the end or for a stated time. Each patient's
rescues are settled in the order of their days: what has happened is never changed by what comes
later, so with the rescues before settled, the next one's day is known; R kinds take R passes.

Some events are found on a grid of days (`FollowingProcess`, `CrossingProcess`): a rescue bends
their whole interval, also what comes before it. So whose event came before the rescue, or would
have been moved to before it, keeps the day of the event without it. Only between the rescue and the
next point of the grid, half a month or a month at most, is the day approximate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from raresim.disease import DiseaseModel
from raresim.disease.outcomes import (
    Course,
    CrossingProcess,
    Effect,
    EventPath,
    Exposure,
    FollowingProcess,
)
from raresim.either import either
from raresim.evidence.statistics import Floats
from raresim.trial.fate.readings import Booleans
from raresim.trial.grammar.endpoint import ScorePasses

ON_GRID = (FollowingProcess, CrossingProcess)
"""Processes that take a course as if it began with the interval of the grid in which it begins."""
Effects = dict[str, Effect]


@dataclass(frozen=True)
class Rescues:
    """Since when each patient takes each rescue (days, infinite: never), and what each does.

    `lasts` is for how many days each is taken, infinite for no end; `after` is a day beyond the
    follow-up: courses that never begin lie there, empty.
    """

    since: dict[str, Floats]
    effects: dict[str, Effects]
    lasts: dict[str, float]
    after: float

    @classmethod
    def none(
        cls,
        effects: dict[str, Effects],
        lasts: dict[str, float],
        shape: tuple[int, ...],
        after: float,
    ) -> Rescues:
        """Return rescues of which nobody has begun any."""
        return cls({name: np.full(shape, np.inf) for name in effects}, effects, lasts, after)

    @property
    def affected(self) -> set[str]:
        """The outcomes that a rescue bends by itself."""
        return {outcome for effects in self.effects.values() for outcome in effects}

    def rows(self, chosen: slice) -> Rescues:
        """Return some replicates only."""
        since = {name: days[chosen] for name, days in self.since.items()}
        return replace(self, since=since)

    def place(self, name: str) -> Any:
        """Return the place of a rescue among the patient's, from 0; ties as in the file."""
        names = list(self.since)
        own = self.since[name]
        before = [self.since[other] <= own for other in names[: names.index(name)]]
        before += [self.since[other] < own for other in names[names.index(name) + 1 :]]
        return sum((one.astype(np.int64) for one in before), np.zeros(own.shape, np.int64))

    def begins(self, place: int) -> Floats:
        """Return the day on which each patient's rescue of a place begins."""
        days = [either(self.place(n) == place, day, np.inf) for n, day in self.since.items()]
        return np.asarray(np.minimum.reduce(days))

    def added(self, treated: dict[str, Exposure], most: int) -> dict[str, Exposure]:
        """Return histories of exposure with the first `most` rescues of each patient."""
        found = dict(treated)
        for name, effects in self.effects.items():
            on = np.isfinite(self.since[name]) & (self.place(name) < most)
            since = either(on, self.since[name], self.after)
            until = either(on, self.since[name] + self.lasts[name], self.after)
            for outcome, effect in effects.items():
                course = Course(effect, since, until)
                found[outcome] = Exposure((*found[outcome].courses, course))
        return found


def walk(
    model: DiseaseModel,
    latents: dict[str, Any],
    treated: dict[str, Exposure],
    rescues: Rescues,
    names: set[str] | None,
) -> dict[str, Any]:
    """Return the paths under treatment and rescues, nothing before a rescue changed by it."""
    most = len(rescues.since)
    found = model.walk(latents, rescues.added(treated, most), names)
    grid = {name for name in found if _bent_on_grid(model, name, rescues.affected)}
    if not grid:
        return found
    kept = model.walk(latents, rescues.added(treated, 0), grid)
    for place in range(most):
        last = place == most - 1
        later = found if last else model.walk(latents, rescues.added(treated, place + 1), grid)
        begins = rescues.begins(place)[..., None]
        for name in grid:
            before, days = kept[name].days, later[name].days
            kept[name] = EventPath(either(np.minimum(before, days) <= begins, before, days))
    return found | {name: kept[name] for name in grid}


def _bent_on_grid(model: DiseaseModel, name: str, affected: set[str]) -> bool:
    """Whether rescue bends an event on a grid: itself, or a score that the event reads."""
    process = model.processes[name]
    return isinstance(process, ON_GRID) and not affected.isdisjoint({name, *process.reads})


def shown(line: ScorePasses, readings: Floats, came: Booleans, days: Floats) -> Floats:
    """Return the day of the visit that shows a need (confirmed: for the second time running).

    >>> line, days = ScorePasses(score="x", falls_by=3, confirmed=True), np.array([[7.0, 14.0]])
    >>> shown(line, np.array([[9.0, 5.0, 6.0]]), days > 0, days)
    array([14.])
    """
    met = line.met(readings[..., 1:], readings[..., :1])
    found, before = np.full(met.shape[:-1], np.inf), np.zeros(met.shape[:-1], bool)
    for visit in range(met.shape[-1]):
        counts = met[..., visit] & came[..., visit] & (before | (not line.confirmed))
        found = either(counts & np.isinf(found), days[..., visit], found)
        before = either(came[..., visit], met[..., visit], before)
    return found


def nth(days: Floats, times: int) -> Floats:
    """Return the day of the n-th event, infinite where there are fewer."""
    if days.shape[-1] < times:
        return np.full(days.shape[:-1], np.inf)
    return days[..., times - 1]


def settled(rescues: Rescues, needs: dict[str, Floats]) -> Rescues:
    """Return the rescues with the next of each patient, the earliest need that is not met yet."""
    since = dict(rescues.since)
    open_needs = [either(np.isinf(since[name]), needs[name], np.inf) for name in since]
    first = np.argmin(np.stack(open_needs), axis=0)
    for number, name in enumerate(rescues.since):
        now = (first == number) & np.isinf(since[name])
        since[name] = either(now, needs[name], since[name])
    return replace(rescues, since=since)
