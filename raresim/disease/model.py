"""A disease model: the file, made ready to sample patients and their outcomes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from raresim import catalogue
from raresim.disease import network
from raresim.disease.branches import chosen
from raresim.disease.copula import ties
from raresim.disease.network import Patients
from raresim.disease.outcome_block import Recurrent, TimeToEvent
from raresim.disease.outcomes import READ, UNTREATED, Exposure, Occasion, ReadProcess, on_day
from raresim.disease.outcomes.building import build
from raresim.disease.outcomes.events import EventProcess
from raresim.disease.outcomes.following import BASELINE
from raresim.disease.outcomes.process import Horizon, Process
from raresim.disease.outcomes.score import ScoreProcess
from raresim.disease.parameters import Parameters, parameters
from raresim.disease.people import centred, solve
from raresim.disease.references import check_references
from raresim.disease.score_block import Diary, ReadAtVisits
from raresim.disease.spec import ModelSpec
from raresim.disease.without import taken_away
from raresim.errors import InputError, Problem
from raresim.evidence.statistics import Floats
from raresim.files import Document, read, validate
from raresim.streams import Luck


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
    text: str = field(default="", repr=False)

    @property
    def states(self) -> dict[str, tuple[str, ...]]:
        """The states of each categorical variable."""
        return network.states_of(self.spec)

    @property
    def numeric(self) -> frozenset[str]:
        """Variables that are numbers, and scores, which conditions may name as observed."""
        scores = {n for n, o in self.spec.outcomes.items() if isinstance(o, ReadAtVisits)}
        return frozenset(set(self.spec.patients) - set(self.states) | scores)

    @property
    def run_in_names(self) -> dict[str, str]:
        """What conditions may name after a run-in, and the outcome that each speaks of."""
        found = {}
        for name, outcome in self.spec.outcomes.items():
            if isinstance(outcome, Recurrent):
                found[f"{name}_in_run_in"] = name
            elif isinstance(outcome, ReadAtVisits) and not isinstance(outcome, Diary):
                found[f"{name}_change_in_run_in"] = name
        return found

    def parameters(self, luck: Luck | None = None, place: str = "centre") -> Parameters:
        """Return the parameters, published or (with luck) drawn from what the evidence allows."""
        found = parameters(self.spec, luck, place)
        for name, outcome in self.spec.outcomes.items():
            if isinstance(outcome, TimeToEvent) and outcome.follows:
                found.times[name, BASELINE] = solve(self, found, name, outcome, luck is not None)
        return found

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
        told: Mapping[str, Floats] | None = None,
    ) -> Patients:
        """Draw the baseline of `units` candidates in each of 1,024 replicates.

        Without `site` everybody comes from a site of their own, as in a cohort. A number that is
        `told` is not drawn.
        """
        values, scores = network.sample(self.spec, numbers or self.published, luck, units, told)
        if site is None:
            shape = (next(iter(values.values())).shape[0], units)
            site, sites = np.broadcast_to(np.arange(units), shape), units
        return Patients(values, scores, site, sites, units, site_names)

    @cached_property
    def processes(self) -> dict[str, Process]:
        """The outcome processes, each after those that it reads."""
        built = {name: build(self.spec, name) for name in self.spec.outcomes}
        for name, process in built.items():
            if isinstance(process, ScoreProcess) and process.spec.faster_with:
                built[name] = centred(self, process)
        return dict(sorted(built.items(), key=lambda item: len(item[1].reads)))

    @cached_property
    def readers(self) -> dict[str, ReadProcess]:
        """The processes that are read at visits, in the order of `processes`."""
        return {name: each for name, each in self.processes.items() if isinstance(each, READ)}

    @cached_property
    def ending(self) -> dict[str, tuple[str, ...]]:
        """The events that put each score at its worst."""
        events = {n: o.ended for n, o in self.spec.outcomes.items() if isinstance(o, TimeToEvent)}
        return {
            name: tuple(event for event, ended in events.items() if name in ended)
            for name in self.spec.outcomes
        }

    def latents(
        self,
        luck: Luck,
        patients: Patients,
        numbers: Parameters,
        horizon: Horizon,
        ratios: dict[str, float] | None = None,
        names: Collection[str] | None = None,
    ) -> dict[str, Any]:
        """Draw what each patient is, for every outcome (or for some and those that they read)."""
        found: dict[str, Any] = {}
        wanted = self._with_read(names)
        for name, process in self.processes.items():
            if name not in wanted:
                continue
            reach = replace(horizon, largest_ratio=(ratios or {}).get(name, 1.0))
            linked = {other: found[other] for other in process.reads}
            found[name] = process.latent(luck, patients, numbers, linked, reach)
        return found

    def walk(
        self,
        latents: dict[str, Any],
        exposures: dict[str, Exposure] | None = None,
        names: set[str] | None = None,
    ) -> dict[str, Any]:
        """Return the path of every outcome (or of some and those that they read), in order.

        Without `exposures` nobody is treated.
        """
        wanted = self._with_read(names)
        walked: dict[str, Any] = {}
        for name, process in self.processes.items():
            if name in wanted:
                exposure = exposures[name] if exposures else UNTREATED
                walked[name] = process.path(latents[name], exposure, walked)
        return walked

    def _with_read(self, names: Collection[str] | None) -> set[str]:
        """Return the names of some outcomes and of those that they read; of all without names."""
        if names is None:
            return set(self.processes)
        return {*names, *(other for name in names for other in self.processes[name].reads)}

    def asked_of(self, condition: Collection[str]) -> set[str]:
        """Return the outcomes without which what stands in conditions cannot be observed."""
        run_in = {own for key, own in self.run_in_names.items() if key in condition}
        found: set[str] = set()
        more = run_in | {name for name in self.readers if name in condition}
        while more - found:
            found |= more
            ending = {event for name in found for event in self.ending[name]}
            more = self._with_read(found | ending)
        return found

    def read(
        self, name: str, walked: dict[str, Any], occasion: Occasion, drawn: tuple[Any, ...]
    ) -> Any:
        """Return what is written down: the worst score where an event has ended it by that day."""
        found = self.readers[name].read(walked[name], occasion, drawn)
        for event in self.ending[name]:
            over = walked[event].days[..., 0] <= occasion.until
            found = np.where(over, self.worst(name), found)
        return found

    def luck_at_start(self, name: str, luck: Luck, units: int) -> tuple[Any, ...]:
        """Return the luck of the reading at randomisation: none where that of screening serves."""
        start = self.readers[name].baseline()
        return () if start is None else self.readers[name].luck_of(luck, start.label, units)

    def read_at_start(
        self, name: str, walked: dict[str, Any], screened: Any, drawn: tuple[Any, ...]
    ) -> Any:
        """Return the reading at randomisation: one of its own, or what screening found."""
        start = self.readers[name].baseline()
        return screened if start is None else self.read(name, walked, start, drawn)

    def worst(self, name: str) -> float:
        """Return the worst that a score can be."""
        outcome = self.spec.outcomes[name]
        assert not isinstance(outcome, (Recurrent, TimeToEvent, Diary))
        return outcome.range[0 if outcome.better == "higher" else 1]

    def observed_at_screening(
        self,
        luck: Luck,
        latents: dict[str, Any],
        patients: Patients,
        run_in: float = 0.0,
        treated: dict[str, Exposure] | None = None,
    ) -> dict[str, Any]:
        """Return what conditions may name: baseline values, and scores as read at screening.

        Of the outcomes those whose latent values are told.

        With a run-in of so many days before: the events in it, and the change of each score from
        a reading at its beginning, each reading with noise of its own. What a diary says is the
        count of the run-in. `treated` is the exposure of each outcome up to then, if there is any.
        """
        values = dict(patients.values)
        readers = {name: own for name, own in self.readers.items() if name in latents}
        ending = {event for name in readers for event in self.ending[name]}
        walked = self.walk(latents, treated, {*readers, *ending})
        for name, reader in readers.items():
            occasion = reader.screening(run_in)
            drawn = reader.luck_of(luck, occasion.label, patients.units)
            values[name] = self.read(name, walked, occasion, drawn)
        for key, name in self.run_in_names.items() if run_in else ():
            process = self.processes[name]
            if name not in latents:
                continue
            if name in readers:
                reader = readers[name]
                drawn = reader.luck_of(luck, "run_in", patients.units)
                first = reader.read(walked[name], on_day("run_in", -run_in), drawn)
                values[key] = values[name] - first
            elif isinstance(process, EventProcess):
                values[key] = process.count_before(
                    luck, latents[name], run_in, treated[name] if treated else UNTREATED
                )
        return values


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


def load_model(
    name: str | Path, without: Collection[str] = (), branch: str | None = None
) -> DiseaseModel:
    """Load a shipped model by name, or any model file by its path.

    Parameters
    ----------
    name
        Name or path.
    without
        Keys of sources to do without: pools lose their studies, targets from them go.
    branch
        Name of a branch of the file's evidence; without it the file as it stands.

    Raises
    ------
    InputError
        With every fault of the file at its line, and every number that rests on such a source.

    Examples
    --------
    >>> load_model("friedreich-ataxia").spec.name
    'Friedreich ataxia'
    """
    path = catalogue.find("models", str(name))
    document = read(path)
    if branch is not None:
        document = chosen(document, branch)
    if without:
        document = taken_away(document, without)
    stem = path.stem if branch is None else f"{path.stem}, branch {branch}"
    model = model_of(document, " without ".join(filter(None, (stem, ", ".join(without)))))
    major = catalogue.split_version(str(name))[1]
    if major is not None and not model.spec.version.startswith(f"{major}."):
        message = f"{name}: the shipped model has version {model.spec.version}"
        mend = f"write '{path.stem}@{model.spec.version.split('.')[0]}'"
        raise InputError(Problem(message, mend=mend))
    return model


def spec_of(document: Document) -> ModelSpec:
    """Return what a document says, without making numbers of it.

    Raises
    ------
    InputError
        With every fault of form and every name that leads nowhere, at its line.
    """
    spec = validate(document, ModelSpec)
    problems = check_references(document, spec)
    if problems:
        raise InputError(problems)
    return spec


def model_of(document: Document, stem: str) -> DiseaseModel:
    """Return the model of a document.

    Raises
    ------
    InputError
        With every fault at its line.
    """
    model = DiseaseModel(spec_of(document), document.path, stem, document.text)
    try:
        _ = model.published  # so that the first patients need not wait for it
        check_ties(model)
        for process in model.processes.values():  # numbers that contradict each other show here
            if isinstance(process, ScoreProcess):
                process.check(model.published)
    except InputError as error:
        raise InputError([document.placed(problem) for problem in error.problems]) from error
    return model
