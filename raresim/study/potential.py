"""Potential outcomes as an estimand's strategies ask for them: pairs with the same luck.

Treatment policy looks at the world as it is. A hypothetical strategy looks at the world in which
nobody has the event: everybody is treated as planned, or nobody takes the rescue. A principal
stratum holds the pairs that would have the event under neither arm (Frangakis & Rubin, Biometrics
2002;58:21-29): under both arms everybody is followed, so who belongs to it is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from raresim.disease.people import condition
from raresim.evidence.statistics import Floats, rows_of
from raresim.trial.cut.intercurrent import Booleans, Intercurrent
from raresim.trial.fate.people import People, strips
from raresim.trial.grammar.endpoint import Endpoint, ScorePasses, first_passed
from raresim.trial.grammar.estimand import Estimand
from raresim.trial.grammar.intercurrent import STOPS
from raresim.trial.scenario import Scenario


@dataclass(frozen=True)
class Lives:
    """What happens to each patient under one arm, followed in full, arrays (columns, units).

    `first` event (with what is composite) and `count` of events until `end`, the end of life, of
    follow-up, or of what strategies look at; `decided` where an intercurrent event settled what
    came of it, `outside` where one belongs to a principal stratum's definition.
    """

    end: Floats
    first: Floats
    count: Floats
    alive: Booleans
    decided: Booleans
    outside: Booleans


@dataclass(frozen=True)
class Potential:
    """Pairs of potential outcomes for one estimand."""

    scenario: Scenario
    folk: People
    name: str

    @property
    def estimand(self) -> Estimand:
        """The estimand."""
        return self.scenario.spec.analysis.estimands[self.name]

    @property
    def endpoint(self) -> Endpoint | None:
        """The endpoint that the variable reads, where it is one."""
        return self.scenario.spec.analysis.endpoints.get(self.estimand.outcome)

    @property
    def pair(self) -> tuple[int, ...]:
        """The arms that are compared, control first; one arm where there is no control."""
        return self.scenario.pair(self.name)

    @property
    def belongs(self) -> Booleans:
        """Who belongs to the estimand's population, but for a principal stratum."""
        inside = condition(self.estimand.where, self.scenario.model, self.folk.screened)
        return np.asarray(self.folk.eligible & inside)

    @property
    def _world(self) -> dict[str, bool]:
        """What still happens where strategies are hypothetical."""
        as_if = self.estimand.having("hypothetical")
        rescues = self.scenario.spec.truth.rescue
        return {"stops": STOPS not in as_if, "rescue": not any(e in rescues for e in as_if)}

    @property
    def _walked(self) -> set[str]:
        """The outcomes, and adverse events, whose days say what happens."""
        own = self.endpoint.events if self.endpoint is not None else [self.estimand.outcome]
        return {*own, *self.scenario.model.spec.fatal}

    def walked(self, arm: int, chosen: slice, names: set[str] | None = None) -> dict[str, Any]:
        """Return the paths of some outcomes, or of those that say what happens."""
        wanted = self._walked if names is None else names
        return self.folk.walk(arm, chosen, wanted, **self._world)

    def read(self, arm: int, score: str) -> Floats:
        """Return what is read at randomisation and at each planned visit, the last axis."""
        return self.folk.read(arm, [score], **self._world)[score]

    def events(
        self, arm: int, chosen: slice = slice(None), paths: dict[str, Any] | None = None
    ) -> Intercurrent:
        """Return the days of intercurrent events: of outcomes too where paths are at hand."""
        treatment = self.folk.treatment(arm, **self._world)
        planned = self.scenario.spec.design.treat_for
        days = {event: found[..., 0] for event, found in treatment.adverse.items()}
        days |= {STOPS: np.where(treatment.stop < planned, treatment.stop, np.inf)}
        days |= treatment.rescues.since
        own = (event for event in self.estimand.intercurrent if event in days)
        at = {event: rows_of(days[event], chosen) for event in own}
        for event in self.estimand.intercurrent:
            if paths is not None and event in self.scenario.model.spec.fatal:
                at[event] = paths[event].days[..., 0]
        bad = self.scenario.better(self.estimand.outcome) == "less"
        return Intercurrent(self.estimand, bad, at, np.inf)

    def lives(self, arm: int, followed: float) -> Lives:
        """Return what happens within so many days."""
        lines = self.endpoint.scores if self.endpoint is not None else []
        read = {line.score: self.read(arm, line.score) for line in lines}
        parts = []
        for strip in strips(*self.folk.eligible.shape):
            own = {score: values[strip] for score, values in read.items()}
            parts.append(self._lives(arm, followed, strip, own))
        whole = zip(*(vars(part).values() for part in parts), strict=True)
        return Lives(*(np.concatenate(column) for column in whole))

    def _lives(self, arm: int, followed: float, strip: slice, read: dict[str, Floats]) -> Lives:
        paths = self.walked(arm, strip)
        end: Floats = np.full(self.folk.eligible[strip].shape, followed)
        for name in self.scenario.model.spec.fatal:
            end = np.minimum(end, paths[name].days[..., 0])
        events = self.events(arm, strip, paths)
        at_risk = events.at_risk(end)
        if self.endpoint is None:
            days = paths[self.estimand.outcome].days
        else:
            found = [paths[name].days[..., 0] for name in self.endpoint.events]
            found += [
                self._passed(line, read[line.score], at_risk) for line in self.endpoint.scores
            ]
            days = np.minimum.reduce(found)[..., None]
        first, until = events.composed(days[..., 0], at_risk, at_risk)
        return Lives(
            until,
            first,
            np.sum(days <= at_risk[..., None], axis=-1).astype(np.float64),
            end >= followed,
            np.broadcast_to(events.first("composite", "while on treatment") <= end, end.shape),
            np.broadcast_to(events.first("principal stratum") < end, end.shape),
        )

    def _passed(self, line: ScorePasses, read: Floats, at_risk: Floats) -> Floats:
        """Return the day of the visit at which a score has passed a line, infinite if never."""
        days = 7.0 * np.array(self.scenario.spec.design.visits.weeks, np.float64)
        met = line.met(read[..., 1:], read[..., :1])
        found = first_passed(met, days <= at_risk[..., None], line.confirmed)
        return np.asarray(np.min(np.where(found, days, np.inf), axis=-1))
