"""The model gate: a model must have the statistics that it was built from.

Every published input is compared with a population of 2,500 times the source's n, at most a
million, that is spread evenly over every decision point (a Latin hypercube): its Monte Carlo error
stays near 0.02 of the source's standard error. A miss over 0.1 standard errors fails the gate.
Targets, to which nothing was fitted, are reported and never gated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from raresim.cohort.population import Population, population
from raresim.disease import DiseaseModel
from raresim.disease.outcome_block import AnyOutcome, Recurrent, TimeOfEvent, TimeToEvent
from raresim.disease.outcomes import TrajectoryProcess
from raresim.disease.score_block import Longitudinal, Trajectory
from raresim.disease.spec import Target
from raresim.disease.uncertain import of_outcome, parts_of, rows_given, subject
from raresim.disease.variable_block import Category, Number
from raresim.evidence import EventFree, Quantiles, QuantileTable, Share, Stated, Statistic
from raresim.evidence.quantile_table import described
from raresim.evidence.statistics import Floats
from raresim.files import Expression
from raresim.files.units import days_in

GATE = 0.1
"""Largest miss of an input, in standard errors of its source."""
TIMES_N = 2500
MOST = 1_000_000
YEAR = 365.25

Role = Literal["input", "assumed", "target", "rule"]


@dataclass(frozen=True)
class CheckRow:
    """One number, as published and as the model has it."""

    role: Role
    what: str
    number: str
    published: float
    error: float | None
    model: float

    @property
    def miss(self) -> float | None:
        """(model - published) / standard error, None where the source gives no error."""
        return (self.model - self.published) / self.error if self.error else None

    @property
    def passed(self) -> bool:
        """Whether the gate lets it through: inputs within 0.1 SE, rules without exception."""
        if self.role == "rule":
            return self.model == 0
        return self.role != "input" or self.miss is None or abs(self.miss) <= GATE


@dataclass(frozen=True)
class _Claim:
    """A statistic and how to compute its numbers from a population."""

    role: Role
    what: str
    statistic: Statistic
    compute: Callable[[Population], dict[str, float]]


def check(model: DiseaseModel) -> list[CheckRow]:
    """Return every number of the model as published and as attained, and every rule."""
    claims = [*_variables(model), *_links(model), *_outcomes(model), *_targets(model)]
    sizes = [claim.statistic.n or 0 for claim in claims if claim.role == "input"]
    patients = min(TIMES_N * max(sizes, default=40), MOST)
    people = population(model, patients, _times(model))
    rows = []
    for claim in claims:
        attained = claim.compute(people)
        errors = claim.statistic.errors()
        for number, published in claim.statistic.numbers().items():
            if number in attained:
                rows.append(
                    CheckRow(
                        claim.role,
                        claim.what,
                        number,
                        published,
                        errors[number],
                        attained[number],
                    )
                )
    return rows + [_rule(model, people, index) for index in range(len(model.spec.rules))]


def _rule(model: DiseaseModel, people: Population, index: int) -> CheckRow:
    """Return in how many patients a rule fails."""
    rule = model.spec.rules[index].always
    failed = float(np.sum(~people.among(rule)))
    return CheckRow("rule", rule.text, "patients in whom it fails", 0.0, None, failed)


def _times(model: DiseaseModel) -> dict[str, list[float]]:
    """Return the days at which each outcome is needed."""
    found: dict[str, set[float]] = {name: set() for name in model.spec.outcomes}
    for name, outcome in model.spec.outcomes.items():
        found[name].add(outcome.change_after if isinstance(outcome, Longitudinal) else YEAR)
        if isinstance(outcome, TimeToEvent) and outcome.follows:
            found[name] |= set(outcome.population_law.times)
    for target in model.spec.targets:
        for name in filter(None, (target.free_of, target.rate_of, target.change_of)):
            found[name].add(target.at or target.during or YEAR)
    return {name: sorted(days) for name, days in found.items()}


def _role(published: object) -> Role:
    return "input" if published is not None else "assumed"


def _variables(model: DiseaseModel) -> Iterator[_Claim]:
    for name, variable in model.spec.patients.items():
        if not isinstance(variable, (Category, Number)):
            continue
        for when, row in rows_given(variable):
            statistic = row.evidence or row.assumed
            what = subject(name, variable.given, when)
            parent = (variable.given, when) if variable.given and when else None
            yield _Claim(
                _role(row.evidence), what, statistic, _of_variable(name, statistic, parent)
            )


def _of_variable(
    name: str, statistic: Statistic, parent: tuple[str, str] | None = None
) -> Callable[[Population], dict[str, float]]:
    def compute(people: Population) -> dict[str, float]:
        values = people.values[name]
        if parent is not None:
            state = people.model.states[parent[0]].index(parent[1])
            values = values[people.values[parent[0]] == state]
        return describe(people.model, name, statistic, values)

    return compute


def describe(
    model: DiseaseModel, name: str, statistic: Statistic, values: Floats
) -> dict[str, float]:
    """Return the numbers of a statistic's kind from values."""
    if isinstance(statistic, Share):
        states = enumerate(model.states[name])
        return {state: float(np.mean(values == k)) for k, state in states}
    if isinstance(statistic, Quantiles):
        return _quartiles(values)
    if isinstance(statistic, QuantileTable):
        return described(statistic, values)
    return {"mean": float(np.mean(values)), "sd": float(np.std(values))}


def _quartiles(values: Floats) -> dict[str, float]:
    q1, median, q3 = np.quantile(values, [0.25, 0.5, 0.75])
    return {"q1": float(q1), "median": float(median), "q3": float(q3)}


def _links(model: DiseaseModel) -> Iterator[_Claim]:
    for link in model.spec.links:
        first, second = link.between
        if {first, second} & set(model.states):
            continue  # of normal scores: see `achieved`
        what = f"correlation of {first} and {second}"
        yield _Claim(_role(link.evidence), what, link.statistic, _correlation(first, second))


def _correlation(first: str, second: str) -> Callable[[Population], dict[str, float]]:
    def compute(people: Population) -> dict[str, float]:
        r = np.corrcoef(people.values[first], people.values[second])[0, 1]
        return {"correlation": float(r)}

    return compute


def _outcomes(model: DiseaseModel) -> Iterator[_Claim]:
    for name, outcome in model.spec.outcomes.items():
        yield from _own_numbers(name, outcome)
        if isinstance(outcome, TimeToEvent) and outcome.follows:
            yield from _joint(name, outcome)
        elif isinstance(outcome, TimeToEvent) and outcome.time is not None:
            yield from _laws(name, outcome.time)
        rate = getattr(outcome, "rate", None) or getattr(outcome, "hazard", None)
        if isinstance(outcome, (Recurrent, TimeToEvent)) and rate is not None:
            yield _Claim(_role(rate.evidence), f"{name}: rate", rate.statistic, _rate(name, YEAR))
        if isinstance(outcome, Recurrent):
            spread = outcome.between_patients
            what = f"{name}: spread between patients"
            yield _Claim(_role(spread.evidence), what, spread.statistic, _dispersion(name))
        if isinstance(outcome, Longitudinal):
            screening = outcome.at_screening
            what = f"{name} at screening"
            compute = _of_variable(name, screening.statistic)
            yield _Claim(_role(screening.evidence), what, screening.statistic, compute)
            for part in (outcome.mean_change, outcome.spread_of_change):
                what = f"{name}: change after {outcome.change_after:g} days"
                change = _change(name, outcome.change_after, part.statistic, outcome.among)
                yield _Claim(_role(part.evidence), what, part.statistic, change)


def _own_numbers(name: str, outcome: AnyOutcome) -> Iterator[_Claim]:
    """Yield the numbers that a process takes as they are: hazard ratios, a curve's numbers."""
    for key, value in outcome:
        for part in parts_of(name, key, value):
            stated = part.stated
            if key != "faster_with" and isinstance(stated, Stated):
                number = next(iter(stated.statistic.numbers()))
                back = np.exp if key == "follows" else np.asarray
                compute = _taken(name, part.key, number, back)
                yield _Claim(_role(stated.evidence), part.what, stated.statistic, compute)
    noise = getattr(outcome, "noise", None)
    if isinstance(outcome, Trajectory) and isinstance(noise, Stated):
        what = of_outcome(name, "noise")
        yield _Claim(_role(noise.evidence), what, noise.statistic, _noise(name, outcome))
    spread = getattr(outcome, "between_periods", None)
    if isinstance(spread, Stated):
        compute = _taken(name, "between_periods", "theta", np.asarray)
        what = of_outcome(name, "between_periods")
        yield _Claim(_role(spread.evidence), what, spread.statistic, compute)


def _taken(
    name: str, key: str, number: str, back: Callable[[Floats], Floats]
) -> Callable[[Population], dict[str, float]]:
    """Return the number that the process uses: it holds by construction, up to a slip of units."""
    return lambda people: {number: float(back(people.model.published.numbers[name, key])[0])}


def _noise(name: str, outcome: Trajectory) -> Callable[[Population], dict[str, float]]:
    """Read a score in the middle of its scale, where nothing holds it back, a million times."""

    def compute(people: Population) -> dict[str, float]:
        process = people.model.processes[name]
        assert isinstance(process, TrajectoryProcess)
        u = ((np.arange(1_000_000) + 0.5) / 1_000_000)[None, :]
        # a level between two steps, moved evenly, as levels of patients are
        step = outcome.step * np.modf(np.arange(1_000_000) * 0.618034)[0][None, :]
        level = sum(outcome.range) / 2 + step
        read = process.observe(level, people.model.published.numbers[name, "noise"], u)
        return {"sd": float(np.sqrt(np.mean((read - level) ** 2)))}

    return compute


def _joint(name: str, outcome: TimeToEvent) -> Iterator[_Claim]:
    """Follow the population itself: its law was solved for, and is not that of any patient."""
    assert outcome.time is not None
    law = outcome.population_law

    def compute(people: Population) -> dict[str, float]:
        at = zip(law.free, law.times, strict=True)
        return {text: float(np.mean(people.firsts[name] > day)) for text, day in at}

    yield _Claim(_role(outcome.time.evidence), of_outcome(name, "time"), law, compute)


def _laws(name: str, block: TimeOfEvent) -> Iterator[_Claim]:
    days = days_in(block.unit)
    for when, row in rows_given(block):
        statistic = row.evidence or row.assumed
        what = subject(of_outcome(name, "time"), block.given, when)
        compute = _of_time(name, when, statistic, days)
        yield _Claim(_role(row.evidence), what, statistic, compute)


def _of_time(
    name: str, when: str, statistic: EventFree | Quantiles, days: float
) -> Callable[[Population], dict[str, float]]:
    """Invert the law on an even grid of a million patients who are followed from time 0."""

    def compute(people: Population) -> dict[str, float]:
        law = people.model.published.times[name, when]
        u = (np.arange(1_000_000) + 0.5) / 1_000_000
        return _describe_times(statistic, law.time(-np.log1p(-u)[None, :])[0], days)

    return compute


def _describe_times(
    statistic: EventFree | Quantiles | QuantileTable, times: Floats, days: float
) -> dict[str, float]:
    """Return shares free of the event, or quantiles in units of so many days."""
    if isinstance(statistic, EventFree):
        at = zip(statistic.free, statistic.times, strict=True)
        return {text: float(np.mean(times > day)) for text, day in at}
    if isinstance(statistic, QuantileTable):
        return described(statistic, times / days)
    return _quartiles(times / days)


def _of_times(
    name: str, statistic: Statistic, among: Expression | None
) -> Callable[[Population], dict[str, float]]:
    def compute(people: Population) -> dict[str, float]:
        outcome = people.model.spec.outcomes[name]
        assert isinstance(outcome, TimeToEvent)
        assert isinstance(statistic, (EventFree, Quantiles, QuantileTable))
        clock = people.model.spec.patients.get(outcome.clock)
        days = days_in(outcome.time.unit if outcome.time else getattr(clock, "unit", "days"))
        return _describe_times(statistic, people.times[name][people.among(among)], days)

    return compute


def _rate(
    name: str, day: float, among: Expression | None = None
) -> Callable[[Population], dict[str, float]]:
    """Return events over the time at risk: until the event itself, where it comes once."""

    def compute(people: Population) -> dict[str, float]:
        if isinstance(people.model.spec.outcomes[name], TimeToEvent):
            first = people.firsts[name][people.among(among)]
            at_risk = float(np.sum(np.minimum(first, day))) / YEAR
            return {"rate": float(np.sum(first <= day)) / at_risk}
        chosen = people.among(among)
        lived = float(np.sum(people.alive[name, day][chosen])) / YEAR
        return {"rate": float(np.sum(people.counts[name, day][chosen])) / lived}

    return compute


def _dispersion(name: str) -> Callable[[Population], dict[str, float]]:
    """Return theta by moments of the counts of a year: mean² / (variance - mean)."""

    def compute(people: Population) -> dict[str, float]:
        counts = people.counts[name, YEAR]
        centre = float(np.mean(counts))
        return {"theta": centre**2 / (float(np.var(counts)) - centre)}

    return compute


def _change(
    name: str, day: float, statistic: Statistic, among: Expression | None
) -> Callable[[Population], dict[str, float]]:
    def compute(people: Population) -> dict[str, float]:
        chosen = people.among(among)
        return describe(people.model, name, statistic, people.changes[name, day][chosen])

    return compute


def _targets(model: DiseaseModel) -> Iterator[_Claim]:
    for target in model.spec.targets:
        what, compute = _target(target)
        yield _Claim("target", what, target.evidence, compute)


def _target(target: Target) -> tuple[str, Callable[[Population], dict[str, float]]]:
    """Return what a target is about and how to compute it."""
    statistic, among = target.evidence, target.among
    some = f" among {among.text}" if among is not None else ""
    name = target.share_of or target.number
    if name is not None:

        def of_values(people: Population) -> dict[str, float]:
            return describe(people.model, name, statistic, people.values[name][people.among(among)])

        return f"{name}{some}", of_values
    if target.correlation_of is not None:
        first, second = target.correlation_of
        return f"correlation of {first} and {second}{some}", _correlation(first, second)
    if target.rate_of is not None:
        day = target.during or YEAR
        return f"{target.rate_of}: rate over {day:g} days{some}", _rate(target.rate_of, day, among)
    if target.time_of is not None:
        return f"{target.time_of}: time{some}", _of_times(target.time_of, statistic, among)
    day = target.at or YEAR
    if target.change_of is not None:
        change = _change(target.change_of, day, statistic, among)
        return f"{target.change_of}: change after {day:g} days{some}", change
    outcome = target.free_of
    assert outcome is not None

    def of_freedom(people: Population) -> dict[str, float]:
        free = float(np.mean(people.firsts[outcome][people.among(among)] > day))
        return {"yes": free}

    return f"free of {outcome} at {day:g} days{some}", of_freedom
