"""A disease model: the file, made ready to sample patients and their outcomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from raresim import catalogue
from raresim.disease import network
from raresim.disease.copula import ties
from raresim.disease.network import Patients
from raresim.disease.outcome_block import Longitudinal, Recurrent, TimeOfEvent, TimeToEvent
from raresim.disease.outcomes.events import EventProcess, recurrent, time_to_event
from raresim.disease.outcomes.process import Horizon, Process
from raresim.disease.outcomes.score import Modifiers, ScoreProcess
from raresim.disease.outcomes.timed import TimedProcess
from raresim.disease.parameters import Parameters, parameters
from raresim.disease.references import check_references
from raresim.disease.spec import ModelSpec
from raresim.disease.variable_block import Category
from raresim.errors import InputError, Problem
from raresim.files import read, validate
from raresim.files.expressions import Expression
from raresim.files.units import days_in
from raresim.streams import Luck

REFERENCE_SEED = 20_000_101
"""Seed of the reference population in which a model's modifiers are centred."""
REFERENCE_UNITS = 64


@dataclass(frozen=True)
class DiseaseModel:
    """A disease model, checked and ready to sample.

    Examples
    --------
    >>> model = load_model("chronic-granulomatous-disease")
    >>> patients = model.sample(Luck(seed=1, block=0), units=5)
    >>> patients.values["age"].shape
    (1024, 5)
    """

    spec: ModelSpec = field(repr=False)
    path: str = field(repr=False)
    stem: str = ""

    @property
    def states(self) -> dict[str, tuple[str, ...]]:
        """The states of each categorical variable."""
        found = self.spec.patients.items()
        return {name: variable.names for name, variable in found if isinstance(variable, Category)}

    @property
    def numeric(self) -> frozenset[str]:
        """Variables that are numbers, and scores, which conditions may name as observed."""
        scores = {n for n, o in self.spec.outcomes.items() if isinstance(o, Longitudinal)}
        return frozenset(set(self.spec.patients) - set(self.states) | scores)

    @property
    def run_in_names(self) -> dict[str, str]:
        """What conditions may name after a run-in, and the outcome that each speaks of."""
        found = {}
        for name, outcome in self.spec.outcomes.items():
            if isinstance(outcome, Recurrent):
                found[f"{name}_in_run_in"] = name
            elif isinstance(outcome, Longitudinal):
                found[f"{name}_change_in_run_in"] = name
        return found

    def parameters(self, luck: Luck | None = None, place: str = "centre") -> Parameters:
        """Return the parameters, published or (with luck) drawn from what the evidence allows."""
        return parameters(self.spec, luck, place)

    @cached_property
    def published(self) -> Parameters:
        """The published parameters."""
        return self.parameters()

    def sample(
        self,
        luck: Luck,
        units: int,
        numbers: Parameters | None = None,
        site: Any = None,
        sites: int = 0,
        site_names: tuple[str, ...] = (),
    ) -> Patients:
        """Draw the baseline of `units` candidates in each of 1,024 replicates.

        Without `site` everybody comes from a site of their own, as in a cohort.
        """
        values, scores = network.sample(self.spec, numbers or self.published, luck, units)
        if site is None:
            shape = (next(iter(values.values())).shape[0], units)
            site, sites = np.broadcast_to(np.arange(units), shape), units
        return Patients(values, scores, site, sites, units, site_names)

    @cached_property
    def processes(self) -> dict[str, Process]:
        """The outcome processes, each after those that it reads."""
        built: dict[str, Process] = {}
        names = sorted(self.spec.outcomes, key=lambda name: len(_reads(self.spec, name)))
        for name in names:
            outcome = self.spec.outcomes[name]
            if isinstance(outcome, Recurrent):
                built[name] = recurrent(name, outcome)
            elif isinstance(outcome, TimeToEvent) and outcome.time is not None:
                built[name] = self._timed(name, outcome, outcome.time)
            elif isinstance(outcome, TimeToEvent):
                built[name] = time_to_event(name, outcome)
            else:
                built[name] = self._score(name, outcome)
        return built

    def latents(
        self,
        luck: Luck,
        patients: Patients,
        numbers: Parameters,
        horizon: Horizon,
        ratios: dict[str, float] | None = None,
    ) -> dict[str, Any]:
        """Draw what each patient is, for every outcome."""
        found: dict[str, Any] = {}
        for name, process in self.processes.items():
            reach = Horizon(horizon.days, (ratios or {}).get(name, 1.0))
            linked = {other: found[other] for other in process.reads}
            found[name] = process.latent(luck, patients, numbers, linked, reach)
        return found

    def observed_at_screening(
        self, luck: Luck, latents: dict[str, Any], patients: Patients, run_in: float = 0.0
    ) -> dict[str, Any]:
        """Return what conditions may name: baseline values, and scores as read at screening.

        With a run-in of so many days before: the events in it, and the change of each score from
        a reading at its beginning, each reading with noise of its own.
        """
        values = dict(patients.values)
        for name, process in self.processes.items():
            if isinstance(process, ScoreProcess):
                u = luck.uniform(f"outcome.{name}.noise[screening]", patients.units)
                values[name] = process.observe(latents[name].level, latents[name].noise, u)
        for key, name in self.run_in_names.items() if run_in else ():
            process, latent = self.processes[name], latents[name]
            if isinstance(process, ScoreProcess):
                u = luck.uniform(f"outcome.{name}.noise[run_in]", patients.units)
                first = process.observe(latent.level - latent.slope * run_in, latent.noise, u)
                values[key] = values[name] - first
            elif isinstance(process, EventProcess):
                values[key] = process.count_before(luck, latent, run_in)
        return values

    def _timed(self, name: str, outcome: TimeToEvent, law: TimeOfEvent) -> TimedProcess:
        """Return the process of an event whose time has a law on a clock."""
        if outcome.clock == "randomisation":
            since, unit = None, 1.0
        else:
            since, clock = outcome.clock, self.spec.patients[outcome.clock]
            assert not isinstance(clock, Category)
            unit = days_in(clock.unit)
        states = self.states[law.given] if law.given else ("",)
        return TimedProcess(name, since, unit, law.given, states)

    def _score(self, name: str, outcome: Longitudinal) -> ScoreProcess:
        """Centre the modifiers of a score among the patients in whom its change was published."""
        plain = ScoreProcess(name, outcome)
        if not outcome.faster_with:
            return plain
        luck = Luck(REFERENCE_SEED, 0)
        patients = self.sample(luck, REFERENCE_UNITS)
        noise, _ = plain.split(self.published)
        level = plain.starting_levels(self.published, noise)
        u = luck.uniform(f"outcome.{name}.level", REFERENCE_UNITS)
        _, u = network.couple(self.published, name, u, patients.scores)
        read = luck.uniform(f"outcome.{name}.noise[screening]", REFERENCE_UNITS)
        values = {**patients.values, name: plain.observe(level.quantile(u), noise, read)}
        among = condition(outcome.among, self, values)
        if int(np.sum(among)) < 100:
            message = "next to none of the model's patients satisfy the condition"
            found = outcome.among.text if outcome.among else ""
            mend = "widen the condition, or check the numbers of the variables in it"
            field = f"outcomes.{name}.among"
            raise InputError(Problem(message, field=field, found=repr(found), mend=mend))
        variables = tuple(faster.variable for faster in outcome.faster_with)
        columns = np.stack([patients.values[variable][among] for variable in variables])
        means = tuple(float(mean) for mean in columns.mean(axis=1))
        spread = np.atleast_2d(np.cov(columns))
        covariance = tuple(tuple(float(part) for part in row) for row in spread)
        return ScoreProcess(name, outcome, Modifiers(variables, means, covariance))


def check_ties(model: DiseaseModel) -> None:
    """Refuse correlations that no population can have together, at any place of the unpublished.

    Raises
    ------
    InputError
        With the variable whose correlations contradict each other.
    """
    for place in ("centre", "lower", "upper"):
        unpublished = {
            (gap.between[0], gap.between[1]): np.array([gap.correlation.at(place)])
            for gap in model.spec.unpublished
        }
        for name, tie in ties(model.published.dependence | unpublished).items():
            needed = float(np.max(tie.explained))
            if needed > 1:
                message = f"no population has these correlations of {name!r} together"
                found = f"with {' and '.join(tie.parents)} ({place} of what nobody published)"
                expected = f"less than all of its variance explained, not {needed:.3g} times it"
                mend = "lessen one of them, or check the sign"
                raise InputError(
                    Problem(message, found=found, expected=expected, mend=mend, field="links")
                )


def condition(expression: Expression | None, model: DiseaseModel, values: dict[str, Any]) -> Any:
    """Return where a condition holds; everywhere when there is none."""
    shape = next(iter(values.values())).shape
    if expression is None:
        return np.ones(shape, bool)
    return np.broadcast_to(expression.evaluate(values, model.states), shape)


def _reads(spec: ModelSpec, name: str) -> tuple[str, ...]:
    outcome = spec.outcomes[name]
    shared = outcome.shares_frailty_with if isinstance(outcome, TimeToEvent) else None
    return (shared,) if shared else ()


def load_model(name: str | Path) -> DiseaseModel:
    """Load a shipped model by name, or any model file by its path.

    Raises
    ------
    InputError
        With every fault of the file at its line.

    Examples
    --------
    >>> load_model("friedreich-ataxia").spec.name
    'Friedreich ataxia'
    """
    path = catalogue.find("models", str(name))
    document = read(path)
    spec = validate(document, ModelSpec)
    problems = check_references(document, spec)
    if problems:
        raise InputError(problems)
    major = catalogue.split_version(str(name))[1]
    if major is not None and not spec.version.startswith(f"{major}."):
        message = f"{name}: the shipped model has version {spec.version}"
        mend = f"write '{path.stem}@{spec.version.split('.')[0]}'"
        raise InputError(Problem(message, mend=mend))
    model = DiseaseModel(spec, str(path), path.stem)
    try:
        check_ties(model)
        for process in model.processes.values():  # numbers that contradict each other show here
            if isinstance(process, ScoreProcess):
                process.check(model.published)
    except InputError as error:
        raise InputError([document.placed(problem) for problem in error.problems]) from error
    return model
