"""The treatments of an arm, one after the other: as the design has them, and as patients take them.

A period begins on its day for everybody in the arm. One with a condition is taken by some only: the
others stay on the treatment that they have, to the end of its time. So each treatment begins on a
day of the patient's own; one that a patient never gets begins when the next does, and lasts no
time. Whoever gets again what they have goes on with it: that is one course, not two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from raresim.either import either
from raresim.evidence.statistics import Floats
from raresim.trial.fate.adverse_events import Stages
from raresim.trial.fate.readings import Booleans
from raresim.trial.grammar.arm import Planned
from raresim.trial.grammar.endpoint import ScorePasses


@dataclass(frozen=True)
class Sequence:
    """Treatments one after the other: the day on which each begins, and the planned end of all.

    Days since randomisation, ascending, of shape (replicates, units) or with a 1 for either.
    """

    names: tuple[str, ...]
    begins: tuple[Floats, ...]
    end: Floats

    def stages(self, stop: Floats) -> Stages:
        """Return each treatment with its end: as planned, or on the day `stop` before that."""
        ends = [np.minimum(stop, day) for day in (*self.begins[1:], self.end)]
        return list(zip(self.names, ends, strict=True))

    def turns(self, stop: Floats) -> list[Floats]:
        """Return since when each treatment after the first is had, infinite for who never has it.

        That is also whoever ends treatment on the day `stop`, before it begins.
        """
        following = [*self.begins[2:], self.end]
        pairs = zip(self.begins[1:], following, strict=True)
        return [either((day < end) & (day < stop), day, np.inf) for day, end in pairs]


def in_order(periods: tuple[Planned, ...], takes: list[Booleans]) -> Sequence:
    """Return the treatments of an arm where `takes` says who takes each period after the first."""
    codes = {period.give: code for code, period in enumerate(periods)}
    first, *later = periods
    at_hand = np.full((1, 1), codes[first.give])
    maybe = {first.give}  # what anybody can have by then
    kept: list[tuple[Planned, Any]] = []
    for period, takes_it in zip(later, takes, strict=True):
        if maybe != {period.give}:
            turns = takes_it & (at_hand != codes[period.give])
            at_hand = either(turns, codes[period.give], at_hand)
            kept.append((period, turns))
        maybe = {period.give} if period.line is None else maybe | {period.give}
    end = np.full((1, 1), periods[-1].until)
    begins: list[Floats] = []
    following = end
    for period, turns in reversed(kept):
        following = either(turns, period.since, following)
        begins.insert(0, following)
    names = (first.give, *(period.give for period, _ in kept))
    return Sequence(names, (np.zeros((1, 1)), *begins), end)


def past_line(line: ScorePasses, readings: Floats, came: Booleans, days: Floats) -> Booleans:
    """Return who is past a line as last read, where visits `came` (confirmed: twice running).

    `readings` begin with that of randomisation, which serves where no visit came.

    >>> line, days = ScorePasses(score="x", falls_by=3), np.array([[7.0, 14.0, 21.0]])
    >>> past_line(line, np.array([[9.0, 5.0, 8.0, 2.0]]), days <= 14, days)
    array([False])
    >>> past_line(line, np.array([[9.0, 5.0, 8.0, 2.0]]), days <= 7, days)
    array([ True])
    """
    met = line.met(readings, readings[..., :1])
    now, before = met[..., 0], np.zeros(met.shape[:-1], bool)
    for visit in range(days.shape[-1]):
        seen = came[..., visit]
        now, before = either(seen, met[..., visit + 1], now), either(seen, now, before)
    return np.asarray(now & before if line.confirmed else now)


def came_times(days: Floats, times: int, since: float, until: float) -> Booleans:
    """Return to whom an event came so often between two days, the second one included."""
    return np.asarray(((days > since) & (days <= until)).sum(axis=-1) >= times)
