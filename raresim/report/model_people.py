"""The people of a model's picture: untreated patients, followed as far as the picture shows them.

They are spread evenly over whatever one variable or outcome alone decides (`EvenLuck`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from raresim.cohort.sampling import COHORT, flat
from raresim.disease import DiseaseModel
from raresim.disease.outcome_block import Recurrent, TimeToEvent
from raresim.disease.outcomes import CrossingProcess, Horizon
from raresim.disease.variable_block import Number
from raresim.evidence.statistics import Floats, Quantiles
from raresim.evidence.survival import EventFree
from raresim.files.units import days_in
from raresim.report.svg import short
from raresim.report.words import plain
from raresim.streams import LUCK_BLOCK, EvenLuck

SEED, PATIENTS = 1, 2000
YEAR = 365.25
AHEAD = 2 * YEAR
"""Days for which a score is followed that has no clock of its own."""
LONGEST = 10 * YEAR
"""Days for which anybody is followed until an event with a law, at most."""


class People:
    """The patients of a picture, with their outcomes as far ahead as it shows them."""

    def __init__(self, model: DiseaseModel) -> None:
        self.model, self.luck = model, EvenLuck(SEED, COHORT)
        self.units = -(-PATIENTS // LUCK_BLOCK)
        self.patients = model.sample(self.luck, self.units, model.published)

    @cached_property
    def latents(self) -> dict[str, Any]:
        """What each patient is."""
        outcomes = self.model.spec.outcomes
        spans = [span for o in outcomes.values() if (span := span_of(self.model, o)) is not None]
        before = max((span.days for span in spans), default=0.0)
        events = [o for o in outcomes.values() if isinstance(o, TimeToEvent)]
        ahead = max([AHEAD, before, *(reach(self.model, o) for o in events)])
        scores = Horizon(ahead, before=before)
        found: dict[str, Any] = {}
        for name, process in self.model.processes.items():
            outcome, linked = outcomes[name], {other: found[other] for other in process.reads}
            horizon = scores
            if isinstance(outcome, Recurrent):
                horizon = Horizon(YEAR)
            elif isinstance(outcome, TimeToEvent):
                horizon = Horizon(reach(self.model, outcome))
            numbers = self.model.published
            found[name] = process.latent(self.luck, self.patients, numbers, linked, horizon)
        return found

    @cached_property
    def walked(self) -> dict[str, Any]:
        """What happens to each patient."""
        return self.model.walk(self.latents)

    def value(self, name: str) -> Any:
        """Return a baseline variable, one value for each patient."""
        return flat(self.patients.values[name])[:PATIENTS]

    def groups(self, name: str | None) -> dict[str, Any]:
        """Return who has each state of a category, or everybody under no name."""
        if name is None:
            return {"": np.ones(PATIENTS, dtype=bool)}
        states, mine = self.model.states[name], self.value(name)
        return {short(state): mine == k for k, state in enumerate(states)}

    def called(self, name: str | None) -> str:
        """Return what people call a variable."""
        return "" if name is None else self.model.spec.patients[name].label or plain(name)

    def came(self, event: str) -> Floats:
        """Return the day of an event since randomisation, below zero where it is known so."""
        process, latent = self.model.processes[event], self.latents[event]
        days = self.walked[event].days[..., 0]
        if isinstance(process, CrossingProcess) and process.since is not None:
            on_clock = process.on_clock(latent, self.walked, latent.days)
            days = np.where(days <= 0, on_clock - latent.origin, days)
        return np.asarray(days)

    def lived(self) -> Floats:
        """Return the day of death or of what else ends everything, infinite without."""
        days: Floats = np.full((LUCK_BLOCK, self.units), np.inf)
        for event in self.model.spec.fatal:
            days = np.minimum(days, self.came(event))
        return days


@dataclass(frozen=True)
class Span:
    """The clock of an outcome: the variable that holds it, its unit, from when to when."""

    variable: str
    unit: str
    low: float
    high: float

    @property
    def days(self) -> float:
        """How long it is."""
        return (self.high - self.low) * days_in(self.unit)


def span_of(model: DiseaseModel, outcome: Any) -> Span | None:
    """Return the clock of an outcome that has one with two ends."""
    clock = getattr(outcome, "clock", "")
    variable = model.spec.patients.get(clock)
    if not isinstance(variable, Number) or not np.isfinite(variable.range[1]):
        return None
    return Span(clock, variable.unit, *variable.range)


def reach(model: DiseaseModel, outcome: TimeToEvent) -> float:
    """Return how long to follow people for an event (days): as long as its law was published."""
    if outcome.when is not None:
        span = span_of(model, outcome)
        return AHEAD if span is None else span.high * days_in(span.unit)
    if outcome.time is None:
        return AHEAD
    found = [0.0]
    laws = [outcome.time.evidence or outcome.time.assumed]
    laws += [row.evidence or row.assumed for row in outcome.time.rows or []]
    for law in laws:
        if isinstance(law, EventFree):
            found.append(law.times[-1])
        elif isinstance(law, Quantiles):
            found.append(law.q3 * days_in(outcome.time.unit))
    return min(max(found) or AHEAD, LONGEST)
