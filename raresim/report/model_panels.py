"""What the picture of a disease model shows: a few panels of its untreated virtual patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raresim.cohort.sampling import flat
from raresim.disease import DiseaseModel
from raresim.disease.outcome_block import Recurrent, TimeToEvent
from raresim.disease.outcomes import CrossingProcess, TimedProcess, on_day
from raresim.disease.score_block import Diary, Longitudinal, States, Trajectory
from raresim.disease.variable_block import Category
from raresim.evidence.statistics import Floats
from raresim.files.units import days_in
from raresim.report.model_people import AHEAD, PATIENTS, YEAR, People, reach, span_of
from raresim.report.panels import Bars, Courses, Free, Panel, number, shares, steps
from raresim.report.words import fixed, plain

DRAWN = 25
"""Patients whose courses are drawn."""
MOST_STATES = 5
MOST_PANELS = 4
TITLE = 50
"""Letters above a panel of half the width."""


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
        elif not isinstance(outcome, Trajectory) or "t" in outcome.curve.names:
            found.append(_courses(people, name, outcome))
    return (*found[: MOST_PANELS - 1], _baseline(people))


def told(model: DiseaseModel, shown: tuple[Panel, ...]) -> str:
    """Return the text alternative: what is seen in each panel."""
    said = "; ".join(panel.told for panel in shown)
    return f"{PATIENTS:,} untreated virtual patients of the model {model.stem}. {said}."


def _title(name: str, label: str) -> str:
    """Return what an outcome or variable is called, without what stands behind a comma."""
    words = label or name.replace("_", " ")
    words = words if len(words) <= TITLE else words.split(",")[0]
    return words[:1].upper() + words[1:]


@dataclass(frozen=True)
class _Axis:
    """The times at which a score is shown, and where each patient's time starts on that axis."""

    x: Floats
    start: Floats
    days_a_unit: float
    label: str


def _axis(people: People, outcome: Longitudinal | Trajectory | States) -> _Axis:
    """Return what nearly all live through on the score's clock, else two years."""
    span = span_of(people.model, outcome)
    if span is None:
        x = np.linspace(0.0, AHEAD / YEAR, 25)
        return _Axis(x, np.zeros((1, 1)), YEAR, "years since randomisation")
    start, label = people.patients.values[span.variable], f"{plain(span.variable)} in {span.unit}"
    seen = float(np.quantile(start, 0.99)) + AHEAD / days_in(span.unit)
    x = np.linspace(span.low, min(span.high, np.ceil(seen)), 37)
    return _Axis(x, start, days_in(span.unit), label)


def _courses(people: People, name: str, outcome: Longitudinal | Trajectory | States) -> Courses:
    """Follow a score: the true course of some patients, the middle of all, readings of some."""
    axis, model, path = _axis(people, outcome), people.model, people.walked[name]
    lived, x = people.lived(), axis.x
    endless = np.full_like(lived, np.inf)
    ended = np.minimum.reduce([endless, *map(people.came, model.ending[name])])
    levels, shown = [], []
    for at in x:
        day = (at - axis.start) * axis.days_a_unit
        level = np.where(day < ended, np.clip(path.level(day), *outcome.range), model.worst(name))
        level = np.where(day < lived, level, np.nan)
        levels.append(flat(level)[:PATIENTS])
        shown.append(flat(np.where(day < ended, level, np.nan))[:DRAWN])
    middle = np.nanquantile(np.stack(levels, axis=1), [0.1, 0.5, 0.9], axis=0)
    title = _title(name, outcome.label)
    ends = (0, len(x) // 2, -1)
    said = ", ".join(f"{number(middle[1, k])} {outcome.unit} at {number(x[k])}" for k in ends)
    said = f"{title} by {axis.label}: median {said}"
    readings = _readings(people, name, axis, lived)
    drawn = np.stack(shown, axis=1)
    return Courses(title, axis.label, outcome.unit, said, x, drawn, middle, readings)


def _readings(people: People, name: str, axis: _Axis, lived: Floats) -> Floats:
    """Return times and values of the first patients' readings, every half year for two years."""
    process = people.model.readers[name]
    found = []
    for day in np.linspace(0.0, AHEAD, 5):
        label = f"picture {day:g}"
        drawn = process.luck_of(people.luck, label, people.units)
        read = people.model.read(name, people.walked, on_day(label, day), drawn)
        at = np.broadcast_to(axis.start + day / axis.days_a_unit, lived.shape)
        read = np.where((day < lived) & (at <= axis.x[-1]), read, np.nan)
        found.append(np.stack([flat(at)[:DRAWN], flat(read)[:DRAWN]]))
    return np.concatenate(found, axis=1)


def _counts(people: People, name: str, outcome: Recurrent) -> Bars:
    """Count the events of a year, up to death."""
    until = np.minimum(people.lived(), YEAR)
    counts = flat((people.walked[name].days <= until[..., None]).sum(-1))[:PATIENTS]
    return shares(_title(name, outcome.label), "events in the first year", counts)


def _diary(people: People, name: str, outcome: Diary) -> Bars:
    """Count the first period of a diary."""
    process = people.model.readers[name]
    drawn = process.luck_of(people.luck, "picture", people.units)
    read = process.read(people.walked[name], on_day("picture", outcome.per), drawn)
    counts = np.round(flat(read)[:PATIENTS])
    return shares(_title(name, outcome.label), outcome.unit, counts)


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
    x = np.linspace(0.0, reach(people.model, outcome) / days_in(unit), 61)
    given = outcome.time.given if outcome.time is not None else None
    many = given is not None and len(people.model.states[given]) > MOST_STATES
    groups = people.groups(None if many else given)
    curves = {
        state: 100 * (times[mine, None] > x).mean(axis=0)
        for state, mine in groups.items()
        if mine.any()
    }
    title = f"Free of {outcome.label.split(',')[0] or plain(name)}"
    x_label = f"years since {since}" if clock is None else f"{plain(since)} in {unit}"
    parts = [f"{state} {fixed(curve[-1], 0)} %".strip() for state, curve in curves.items()]
    by = people.called(given) if len(curves) > 1 else ""
    middle = f" and {by}" if by else ""
    said = f"{title} by {x_label}{middle}: {', '.join(parts)} of patients at {number(x[-1])}"
    return Free(title, x_label, "% of patients", said, x, curves, by)


def _baseline(people: People) -> Bars:
    """Show age, or the first number of the patients, by the main category."""
    spec = people.model.spec.patients
    numeric = [name for name, variable in spec.items() if not isinstance(variable, Category)]
    if not numeric:
        groups = people.groups(next(iter(spec)))
        found = np.array([100 * mine.mean() for mine in groups.values()])
        return steps(_title(*_named(people, next(iter(spec)))), tuple(groups), found)
    name = "age" if "age" in numeric else numeric[0]
    by, values = _main_category(people, name), people.value(name)
    edges, groups = _edges(values), people.groups(by)
    stacks = {
        state: 100 * np.histogram(np.clip(values[mine], edges[0], edges[-1]), edges)[0] / PATIENTS
        for state, mine in groups.items()
    }
    unit = getattr(spec[name], "unit", "")
    title = "Age at baseline" if name == "age" else _title(*_named(people, name))
    low, half, high = (number(float(q)) for q in np.quantile(values, [0.1, 0.5, 0.9]))
    said = f"{title}: median {half} {unit}, middle 80 % from {low} to {high}"
    parts = ", ".join(f"{state} {100 * mine.mean():.0f} %" for state, mine in groups.items())
    said += f", {people.called(by)}: {parts}" if by else ""
    return Bars(title, unit, "% of patients", said, edges, stacks, by=people.called(by))


def _named(people: People, variable: str) -> tuple[str, str]:
    """Return name and label of a variable."""
    return variable, people.model.spec.patients[variable].label


def _main_category(people: People, name: str) -> str | None:
    """Return the category that a number depends on, or the first one with names for its states."""
    spec = people.model.spec.patients
    named = [
        category
        for category, variable in spec.items()
        if isinstance(variable, Category) and 2 <= len(variable.states or []) <= MOST_STATES
    ]
    given = getattr(spec[name], "given", None)
    return given if given in named else next(iter(named), None)


def _edges(values: Floats) -> Floats:
    """Return the edges of about 20 bars of a round width; a long tail goes into the last one."""
    low, high = float(values.min()), float(values.max())
    high = min(high, low + 2 * (float(np.quantile(values, 0.99)) - low))
    rough = max(high - low, 1e-9) / 20
    power = 10.0 ** np.floor(np.log10(rough))
    width = power * next(k for k in (1, 2, 5, 10) if k * power >= rough)
    first, last = np.floor(low / width), max(np.ceil(high / width), np.floor(low / width) + 1)
    return np.asarray(width * np.arange(first, last + 1))
