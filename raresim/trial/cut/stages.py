"""What a stage makes of each patient: the algebra that cut and true values share.

Times are ticks in a data cut and days of potential outcomes in the true values. A stage is read at
the visit that ends it: whoever was not seen there, or at the visit with which it is compared, is
not known in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from raresim.either import either
from raresim.evidence.statistics import Floats
from raresim.trial.cut.change import scaled
from raresim.trial.cut.intercurrent import Booleans, Intercurrent, Times
from raresim.trial.grammar.endpoint import Endpoint, ScorePasses
from raresim.trial.grammar.estimand import Estimand
from raresim.trial.grammar.patient import Line
from raresim.trial.grammar.stage import Stage


@dataclass(frozen=True)
class Seen:
    """What was seen of patients (replicates, n), visits and events along a last axis.

    `came` says which visits are known, `at` when each took place or was due, `read` what it read;
    all begin with randomisation. `weeks` are those of the visits after it.
    """

    weeks: tuple[int, ...]
    came: Booleans
    at: Times
    read: Mapping[str, Floats]
    events: Mapping[str, Times]

    def both(self, stage: Stage) -> Booleans:
        """Return who was seen at both ends of a stage."""
        since, until = self._ends(stage)
        return np.asarray(self.came[..., since] & self.came[..., until])

    def past(self, stage: Stage, line: Line) -> Booleans:
        """Return who is past a line at the end of a stage, or had its events in the stage."""
        if isinstance(line, ScorePasses):
            since, until = self._ends(stage)
            read = self.read[line.score]
            return line.met(read[..., until], read[..., since])
        return np.asarray(self.count(stage, line.event) >= line.times)

    def count(self, stage: Stage, event: str) -> Times:
        """Return how often an event came within a stage."""
        since, until = (self.at[..., end, None] for end in self._ends(stage))
        return np.asarray(((self.events[event] > since) & (self.events[event] <= until)).sum(-1))

    def between(self, stage: Stage, when: Times) -> Booleans:
        """Return where something happens within a stage."""
        since, until = self._ends(stage)
        return np.asarray((when > self.at[..., since]) & (when <= self.at[..., until]))

    def end(self, stage: Stage) -> Times:
        """Return when a stage ends."""
        return np.asarray(self.at[..., self._ends(stage)[1]])

    def change(self, estimand: Estimand, stage: Stage) -> Floats:
        """Return the change in a stage, on the scale of the variable."""
        since, until = self._ends(stage)
        read = self.read[estimand.outcome]
        return scaled(estimand, read[..., until], read[..., since])

    def response(self, endpoint: Endpoint, stage: Stage) -> Booleans:
        """Return who has an endpoint in a stage: at the visit that ends it, or an event in it."""
        found = np.zeros(self.came.shape[:-1], bool)
        for line in endpoint.scores:
            found |= self.past(stage, line)
        for event in endpoint.events:
            found |= self.count(stage, event) > 0
        return found

    def _ends(self, stage: Stage) -> tuple[int, int]:
        """Return the numbers of the visits at both ends; 0 is randomisation."""
        since, until = (self.weeks.index(w) + 1 if w else 0 for w in (stage.since, stage.week))
        return since, until


def outcome(
    estimand: Estimand, endpoint: Endpoint | None, stage: Stage, seen: Seen, events: Intercurrent
) -> Floats:
    """Return the change in a stage, or 1 and 0 of an endpoint; NaN where nobody knows.

    A composite event within the stage is the bad answer, seen or not. Where an event is
    hypothetical, nothing after it is used.
    """
    known = seen.both(stage) & ~(events.first("hypothetical") < seen.end(stage))
    if endpoint is None:
        return either(known, seen.change(estimand, stage), np.nan)
    decided = seen.between(stage, events.first("composite"))
    came = either(decided, events.bad, seen.response(endpoint, stage))
    return either(known | decided, came.astype(np.float64), np.nan)


def counts(stages: list[Stage], number: int, seen: Seen) -> Booleans:
    """Return who counts in a stage by what was observed in the one before."""
    line = stages[number].line
    if number == 0 or line is None:
        return np.ones(seen.came.shape[:-1], bool)
    before = stages[number - 1]
    past = seen.past(before, line)
    wanted = ~past if stages[number].unless is not None else past
    return np.asarray(seen.both(before) & wanted)
