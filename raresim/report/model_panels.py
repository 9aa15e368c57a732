"""What the picture of a disease model shows: a few panels of its untreated virtual patients.

The patients are those of `raresim cohort MODEL --seed 1`, the first of them drawn one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from raresim.cohort.sampling import COHORT, flat
from raresim.disease import DiseaseModel
from raresim.disease.outcome_block import Recurrent, TimeToEvent
from raresim.disease.outcomes import READ, CrossingProcess, Horizon, TimedProcess, on_day
from raresim.disease.score_block import Diary, Longitudinal, ReadAtVisits, Trajectory
from raresim.disease.variable_block import Category, Number
from raresim.evidence.statistics import Floats, Quantiles
from raresim.evidence.survival import EventFree
from raresim.files.units import days_in
from raresim.report.panels import Bars, Courses, Free, Panel, number, shares, steps
from raresim.report.svg import short
from raresim.report.words import fixed
from raresim.streams import LUCK_BLOCK, EvenLuck

SEED, PATIENTS, DRAWN = 1, 2000, 25
YEAR = 365.25
AHEAD = 2 * YEAR
"""Days for which a score is followed that has no clock of its own."""
LONGEST = 10 * YEAR
MOST_STATES = 5
MOST_PANELS = 4


def panels(model: DiseaseModel) -> tuple[Panel, ...]:
    """Return the panels of a model's picture: its outcomes, in the order of the file, and age.

    Examples
    --------
    >>> from raresim.disease import load_model
    >>> [panel.title for panel in panels(load_model("friedreich-ataxia"))]
    ['Modified Friedreich ataxia rating scale', 'Age at baseline']
    """
    people = People(model)
    found: list[Panel] = []
    for name, outcome in model.spec.outcomes.items():
        if isinstance(outcome, Recurrent):
            found.append(_counts(people, name, outcome))
        elif isinstance(outcome, TimeToEvent):
            found.append(_free(people, name, outcome))
        elif isinstance(outcome, Diary):
            found.append(_diary(people, name, outcome))
        elif isinstance(outcome, Longitudinal) or "t" in outcome.curve.names:
            found.append(_courses(people, name, outcome))
    return (*found[: MOST_PANELS - 1], _baseline(people))


def told(model: DiseaseModel, shown: tuple[Panel, ...]) -> str:
    """Return the text alternative: what is seen in each panel."""
    said = "; ".join(panel.told for panel in shown)
    return f"{PATIENTS:,} untreated virtual patients of the model {model.stem}. {said}."


class People:
    """The patients of a picture, with their outcomes as far ahead as it shows them."""

    def __init__(self, model: DiseaseModel) -> None:
        self.model, self.luck, self.units = model, EvenLuck(SEED, COHORT), -(-PATIENTS // LUCK_BLOCK)
        self.patients = model.sample(self.luck, self.units, model.published)

    @cached_property
    def latents(self) -> dict[str, Any]:
        """What each patient is."""
        outcomes = self.model.spec.outcomes
        spans = [span for o in outcomes.values() if (span := _span(self.model, o)) is not None]
        before = max((span.days for span in spans), default=0.0)
        reaches = [
            _reach(self.model, o) for o in outcomes.values() if isinstance(o, TimeToEvent)
        ]
        scores = Horizon(max([AHEAD, before, *reaches]), before=before)
        found: dict[str, Any] = {}
        for name, process in self.model.processes.items():
            outcome, linked = outcomes[name], {other: found[other] for other in process.reads}
            horizon = scores
            if isinstance(outcome, Recurrent):
                horizon = Horizon(YEAR)
            elif isinstance(outcome, TimeToEvent):
                horizon = Horizon(_reach(self.model, outcome))
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


def _span(model: DiseaseModel, outcome: Any) -> Span | None:
    """Return the clock of an outcome that has one with two ends."""
    clock = getattr(outcome, "clock", "")
    variable = model.spec.patients.get(clock)
    if not isinstance(variable, Number) or not np.isfinite(variable.range[1]):
        return None
    return Span(clock, variable.unit, *variable.range)


def _reach(model: DiseaseModel, outcome: TimeToEvent) -> float:
    """Return how long to follow people for an event (days): as long as its law was published."""
    if outcome.when is not None:
        span = _span(model, outcome)
        return AHEAD if span is None else span.high * days_in(span.unit)
    if outcome.time is None:
        return AHEAD
    found = [0.0]
    for row in outcome.time.rows or [outcome.time]:
        law = row.evidence or row.assumed
        if isinstance(law, EventFree):
            found.append(law.times[-1])
        elif isinstance(law, Quantiles):
            found.append(law.q3 * days_in(outcome.time.unit))
    return min(max(found) or AHEAD, LONGEST)


def _title(name: str, label: str) -> str:
    """Return what an outcome or variable is called, without what stands behind a comma."""
    words = label or name.replace("_", " ")
    words = words if len(words) <= 44 else words.split(",")[0]
    return words[:1].upper() + words[1:]


def _courses(people: People, name: str, outcome: Longitudinal | Trajectory) -> Courses:
    """Follow a score: the true course of some patients, the middle of all, readings of some."""
    model, path, span = people.model, people.walked[name], _span(people.model, outcome)
    process = model.processes[name]
    assert isinstance(process, READ)
    x = np.linspace(0.0, AHEAD / YEAR, 25)
    start, a_unit, x_label = np.zeros((1, 1)), YEAR, "years since randomisation"
    if span is not None:
        x = np.linspace(span.low, span.high, 37)
        start, a_unit = people.patients.values[span.variable], days_in(span.unit)
        x_label = f"{span.variable.replace('_', ' ')}, {span.unit}"
    lived = people.lived()
    ended = np.minimum.reduce([np.full_like(lived, np.inf), *map(people.came, model.ending[name])])
    levels, free = [], []
    for at in x:
        day = (at - start) * a_unit
        level = np.where(day < ended, np.clip(path.level(day), *outcome.range), model.worst(name))
        levels.append(flat(np.where(day < lived, level, np.nan))[:PATIENTS])
        free.append(flat(np.broadcast_to(day < ended, lived.shape))[:DRAWN])
    level = np.stack(levels, axis=1)
    dots = []
    for day in np.linspace(0.0, AHEAD, 5):
        label = f"picture {day:g}"
        read = model.read(
            name, people.walked, on_day(label, day), process.luck_of(people.luck, label, people.units)
        )
        at = np.broadcast_to(start + day / a_unit, lived.shape)
        read = np.where((day < lived) & (at <= x[-1]), read, np.nan)
        dots.append(np.stack([flat(at)[:DRAWN], flat(read)[:DRAWN]]))
    middle = np.nanquantile(level, [0.1, 0.5, 0.9], axis=0)
    title = _title(name, outcome.label)
    ends = (0, len(x) // 2, -1)
    said = ", ".join(f"{number(middle[1, k])} at {number(x[k])}" for k in ends)
    return Courses(
        title,
        x_label,
        outcome.unit,
        f"{title} ({outcome.unit}): median {said} {x_label}",
        x,
        np.where(np.stack(free, axis=1), level[:DRAWN], np.nan),
        middle,
        np.concatenate(dots, axis=1),
    )


def _counts(people: People, name: str, outcome: Recurrent) -> Bars:
    """Count the events of a year, up to death."""
    until = np.minimum(people.lived(), YEAR)
    counts = flat((people.walked[name].days <= until[..., None]).sum(-1))[:PATIENTS]
    return shares(_title(name, outcome.label), "events in the first year", counts)


def _diary(people: People, name: str, outcome: Diary) -> Bars:
    """Count the first period of a diary."""
    process = people.model.processes[name]
    assert isinstance(process, READ)
    drawn = process.luck_of(people.luck, "picture", people.units)
    read = process.read(people.walked[name], on_day("picture", outcome.per), drawn)
    counts = np.round(flat(read)[:PATIENTS])
    return shares(_title(name, outcome.label), f"{outcome.unit}, first count", counts)


def _free(people: People, name: str, outcome: TimeToEvent) -> Free:
    """Follow the share free of an event, on its own clock, from zero on."""
    process, latent = people.model.processes[name], people.latents[name]
    unit, since = "years", "randomisation"
    days = people.walked[name].days[..., 0]
    clock = people.model.spec.patients.get(outcome.clock)
    if clock is not None and not isinstance(clock, Category):
        unit, since = clock.unit, outcome.clock
        if isinstance(process, TimedProcess):
            days = latent.time(latent.threshold)
        elif isinstance(process, CrossingProcess):
            days = process.on_clock(latent, people.walked, latent.days)
    times = flat(days)[:PATIENTS] / days_in(unit)
    x = np.linspace(0.0, _reach(people.model, outcome) / days_in(unit), 61)
    given = outcome.time.given if outcome.time is not None else None
    many = given is not None and len(people.model.states[given]) > MOST_STATES
    groups = people.groups(None if many else given)
    curves = {
        state: 100 * (times[mine, None] > x).mean(axis=0)
        for state, mine in groups.items()
        if mine.any()
    }
    title = f"Free of: {_title(name, outcome.label).lower()}"
    x_label = f"years since {since}" if clock is None else f"{since.replace('_', ' ')}, {unit}"
    told = ", ".join(
        f"{state} {fixed(curve[-1], 0)} %".strip() for state, curve in curves.items()
    )
    said = f"{title}: at {number(x[-1])} {x_label} {told} of the patients"
    return Free(title, x_label, "% of patients", said, x, curves)


def _baseline(people: People) -> Bars:
    """Show the first number of the patients, age where there is one, by the main category."""
    spec = people.model.spec.patients
    numeric = [name for name, variable in spec.items() if not isinstance(variable, Category)]
    categories = [
        name
        for name, variable in spec.items()
        if isinstance(variable, Category) and len(variable.states or []) in range(2, MOST_STATES + 1)
    ]
    if not numeric:
        name = next(iter(people.model.states))
        found = [100 * float(mine.mean()) for mine in people.groups(name).values()]
        return steps(_title(name, spec[name].label), tuple(people.groups(name)), np.array(found))
    name = "age" if "age" in numeric else numeric[0]
    variable = spec[name]
    given = getattr(variable, "given", None)
    by = given if given in categories else next(iter(categories), None)
    assert not isinstance(variable, Category)
    values = people.value(name)
    edges = _edges(values)
    groups = people.groups(by)
    stacks = {
        state: 100 * np.histogram(np.clip(values[mine], edges[0], edges[-1]), edges)[0] / PATIENTS
        for state, mine in groups.items()
    }
    low, half, high = np.quantile(values, [0.1, 0.5, 0.9])
    title = f"{_title(name, '' if name == 'age' else variable.label)} at baseline"
    parts = ", ".join(f"{100 * mine.mean():.0f} % {state}" for state, mine in groups.items() if by)
    said = f"{title}: median {number(half)} {variable.unit}, middle 80 % from {number(low)} to "
    said += number(high) + (f"; {parts}" if parts else "")
    return Bars(title, variable.unit, "% of patients", said, edges, stacks)


def _edges(values: Floats) -> Floats:
    """Return the edges of at most 24 bars of a round width; the last half per cent go outside."""
    low, high = float(values.min()), float(np.quantile(values, 0.995))
    rough = max(high - low, 1e-9) / 20
    power = 10.0 ** np.floor(np.log10(rough))
    width = power * next(k for k in (1, 2, 5, 10) if k * power >= rough)
    first, last = np.floor(low / width), max(np.ceil(high / width), np.floor(low / width) + 1)
    return np.asarray(width * np.arange(first, last + 1))
