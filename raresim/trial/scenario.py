"""A scenario: the file, its disease model, and what both say together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, Literal

from raresim import catalogue
from raresim.disease import DiseaseModel, Parameters, load_model
from raresim.disease.outcomes import EVENTS, Effect
from raresim.disease.people import states_inside
from raresim.disease.score_block import CALENDAR
from raresim.disease.uncertain import (
    UncertainNumber,
    check_place,
    published_numbers,
    uncertain_numbers,
)
from raresim.errors import InputError, did_you_mean, shown
from raresim.files import Document, read, validate
from raresim.streams import Luck
from raresim.trial.checks.scenario import check_scenario
from raresim.trial.cut.periods_counted import Counted, counted
from raresim.trial.fate.effects import Effects, acting, effect_of, stated_effects, yearly
from raresim.trial.grammar.arm import Planned
from raresim.trial.grammar.boundary import Boundary
from raresim.trial.grammar.estimand import Estimand
from raresim.trial.grammar.external import External
from raresim.trial.grammar.milestone import CrossOver, Extend, Narrow
from raresim.trial.grammar.spec import ScenarioSpec
from raresim.trial.grammar.truth import Truth
from raresim.trial.nuisance import Values, check_points, moved
from raresim.trial.null_set import true_nulls
from raresim.trial.ticks import ticks


@dataclass(frozen=True)
class Scenario:
    """A scenario, checked against its model and ready to run.

    Examples
    --------
    >>> load_scenario("friedreich-48-weeks").arms
    ('placebo', 'drug')
    """

    spec: ScenarioSpec = field(repr=False)
    model: DiseaseModel
    document: Document = field(repr=False)
    stem: str = ""

    @cached_property
    def arms(self) -> tuple[str, ...]:
        """The arms, control first where there is one."""
        control = self.spec.design.control
        others = (name for name in self.spec.design.arms if name != control)
        return tuple(others) if control is None else (control, *others)

    @property
    def controlled(self) -> bool:
        """Whether arms are compared with a control, and not with a goal or within patients."""
        return self.spec.design.control is not None

    @property
    def external(self) -> tuple[str, External] | None:
        """The external patients, with their name, where the truth knows some."""
        return next(iter(self.spec.truth.external.items()), None)

    @property
    def externally_controlled(self) -> bool:
        """Whether the control is a registry, which nobody is randomised to."""
        return self.spec.design.control in self.spec.truth.external

    def compares_external(self, estimand: str) -> bool:
        """Whether an estimand's analysis reads the patients of the registry."""
        return self.externally_controlled or bool(self.spec.analysis.methods[estimand].borrow)

    @property
    def two_arms_decide(self) -> bool:
        """Whether success compares two arms of the trial, and not one, stages or periods."""
        success = self.spec.analysis.estimands[self.spec.analysis.primary]
        own = self.controlled and not self.externally_controlled
        return own and not success.stages and not success.within_patients

    def compared(self, estimand: str) -> int | None:
        """Return the number of the arm that an estimand is about, None if it compares none."""
        asked = self.spec.analysis.estimands[estimand]
        if asked.within_patients:
            return None
        return self.arms.index(asked.arm) if asked.arm else int(self.controlled)

    def pair(self, estimand: str) -> tuple[int, ...]:
        """Return the numbers of the arms that an estimand reads: the control, if any, first.

        Stages, and a comparison within patients, read them all.
        """
        if self.spec.analysis.estimands[estimand].stages:
            return tuple(range(len(self.arms)))
        compared = self.compared(estimand)
        if compared is None:
            return tuple(range(len(self.arms)))
        return (0, compared) if self.controlled else (compared,)

    def periods_counted(self, estimand: Estimand) -> list[list[Counted]]:
        """Return the periods of each arm as a comparison within patients counts them."""
        arms = [self.periods(arm) for arm in range(len(self.arms))]
        return counted(estimand, arms, self.spec.design.visits.weeks)

    def given(self, estimand: str) -> set[str]:
        """Return the treatments that an estimand compares."""
        asked = self.spec.analysis.estimands[estimand]
        if asked.within_patients:
            return set(asked.compare)
        return {period.give for arm in self.pair(estimand) for period in self.periods(arm)}

    @cached_property
    def strata(self) -> tuple[tuple[str, ...], ...]:
        """Labels of the randomisation strata, in the order of their numbers."""
        return self.labels_of(self.spec.design.randomise.strata)

    def labels_of(self, factors: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """Return every combination of the factors' states."""
        states = {**self.model.states, "site": tuple(self.spec.design.sites.labels())}
        return tuple(product(*(states[factor] for factor in factors)))

    @cached_property
    def event_names(self) -> tuple[str, ...]:
        """Outcomes of events, then adverse events: what happens to patients and is written down."""
        own = [n for n, p in self.model.processes.items() if isinstance(p, EVENTS)]
        return (*own, *self.spec.truth.adverse_events)

    @property
    def hypotheses(self) -> tuple[str, ...]:
        """Names of the hypotheses, in the order of the file."""
        return tuple(self.spec.truth.hypotheses)

    @property
    def follow_days(self) -> float:
        """Days from randomisation to completion: as told, or treatment's end or the last window."""
        design = self.spec.design
        if design.follow_for is not None:
            return design.follow_for
        return max(design.treat_for, 7.0 * design.visits.weeks[-1] + design.visits.window)

    @property
    def longest_follow_days(self) -> float:
        """Days from randomisation to completion where a milestone extends the follow-up."""
        changes = self.spec.design.changes
        return max([self.follow_days, *(c.follow_for for c in changes if isinstance(c, Extend))])

    @property
    def narrowings(self) -> tuple[Narrow, ...]:
        """Conditions that milestones may add to those of eligibility, in the order of the file."""
        return tuple(c for c in self.spec.design.changes if isinstance(c, Narrow))

    @property
    def crossings(self) -> tuple[CrossOver, ...]:
        """The changes of treatment that milestones may make, in the order of the file."""
        return tuple(c for c in self.spec.design.changes if isinstance(c, CrossOver))

    def periods(self, arm: int) -> tuple[Planned, ...]:
        """Return the periods of an arm by its number; one where its treatment never changes."""
        return self.spec.design.periods(self.arms[arm])

    def crosses_over(self, arm: str) -> bool:
        """Whether a milestone may change the treatment of an arm's patients."""
        return any(crossing.cross_over == arm for crossing in self.crossings)

    def bounded(self, name: str) -> tuple[Estimand, Boundary]:
        """Return an estimand and its boundary."""
        boundary = self.spec.analysis.methods[name].boundary
        assert boundary is not None  # the references were checked
        return self.spec.analysis.estimands[name], boundary

    def hypothesis(self, name: str | None) -> str:
        """Return a hypothesis by name, or the first."""
        if name is None:
            return self.hypotheses[0]
        if name not in self.hypotheses:
            raise InputError(f"no hypothesis {name!r}; {did_you_mean(name, self.hypotheses)}")
        return name

    def goal(self, estimand: str) -> float:
        """Return what an estimand is held against: no difference, or the goal of one arm."""
        return self.spec.analysis.methods[estimand].goal or 0.0

    def level(self, estimand: str) -> float:
        """Return the one-sided level of an estimand's test."""
        return self.spec.analysis.methods[estimand].level

    def basket(self, estimand: str) -> tuple[int, int]:
        """Return the number of the basket that an estimand is about, and how many there are."""
        variable = self.spec.analysis.methods[estimand].baskets
        where = self.spec.analysis.estimands[estimand].where
        if not variable or where is None:
            return 0, 1
        inside = states_inside(where, variable, self.model)
        return inside.index(True), len(inside)

    def is_null(self, hypothesis: str) -> bool:
        """Whether a success under a hypothesis is an error: it is declared so, or has no effect.

        Under a declared partial null it is one where every claim that makes one is a true null.

        No hypothesis says what a treatment does to adverse events: where success is about one whose
        ratios differ between what is given to the arms that are compared, none is null.
        """
        success = self.spec.analysis.primary
        adverse = self.spec.truth.adverse_events.get(self.spec.analysis.estimands[success].outcome)
        if adverse is not None:
            given = self.given(success)
            if len({adverse.by_arm.get(treatment, 1.0) for treatment in given}) > 1:
                return False
        effects = self.spec.truth.hypotheses[hypothesis].values()
        without = all(effect.is_null for arms in effects for effect in arms.values())
        declared = hypothesis in self.spec.design.nulls
        if without or not declared:
            return without
        return set(self.spec.analysis.successes) <= set(true_nulls(self, hypothesis))

    def numbers(self, hypothesis: str, luck: Luck, place: str) -> tuple[Parameters, Effects]:
        """Return parameters and effects as the uncertainty mode wants them: published or drawn."""
        mode = self.spec.truth.uncertainty
        drawn = luck if mode in ("nuisance", "all") else None
        parameters = self.model.parameters(drawn, place)
        if drawn is None and place == "centre":
            parameters = self.model.published
        return parameters, self.effects(
            hypothesis, luck if mode in ("effect", "all") else None, place
        )

    def effects(self, hypothesis: str, luck: Luck | None = None, place: str = "centre") -> Effects:
        """Return the effect of each treatment on each outcome under a hypothesis."""
        return stated_effects(self.spec.truth.hypotheses[hypothesis], luck, place)

    @cached_property
    def follows_calendar(self) -> bool:
        """Whether an outcome of the model has the calendar for its clock."""
        outcomes = self.model.spec.outcomes.values()
        return any(getattr(outcome, "clock", "") == CALENDAR for outcome in outcomes)

    @cached_property
    def drift(self) -> dict[str, Effect]:
        """What each year by which a patient is randomised later does to each outcome."""
        return yearly(self.spec.truth.drift)

    @cached_property
    def rescues(self) -> dict[str, dict[str, Effect]]:
        """What each rescue medication does to each outcome, as published: never drawn."""
        return {
            name: {n: acting(effect, effect.point()) for n, effect in rescue.effects.items()}
            for name, rescue in self.spec.truth.rescue.items()
        }

    def uncertain(self, hypothesis: str) -> dict[str, list[UncertainNumber]]:
        """Return the numbers that are not known exactly: effect, published, unpublished."""
        effects = [
            (effect_of(arm, outcome), stated.evidence)
            for outcome, arms in self.spec.truth.hypotheses[hypothesis].items()
            for arm, stated in arms.items()
            if stated.evidence is not None
        ]
        return {"effect": published_numbers(effects), **uncertain_numbers(self.model.spec)}

    def check_place(self, place: str, hypothesis: str) -> None:
        """Refuse a place that the scenario does not have, see `raresim.disease.uncertain`."""
        found = self.uncertain(hypothesis)
        check_place(place, [number.name for numbers in found.values() for number in numbers])

    def better(self, outcome: str) -> Literal["less", "greater"]:
        """Return the side of an effect that is good; of adverse events, `less`."""
        if outcome in self.spec.truth.adverse_events:
            return "less"
        endpoint = self.spec.analysis.endpoints.get(outcome)
        if endpoint is not None:
            return "greater" if endpoint.better == "earlier" else "less"
        return "greater" if self.model.spec.outcomes[outcome].better == "higher" else "less"

    @property
    def milestones(self) -> tuple[str, ...]:
        """Names of the milestones, in the order of the file; the last one ends the trial."""
        return tuple(self.spec.design.milestones)

    def recruit_until(self, resolution: int) -> int:
        """Return the tick at which recruitment ends at the latest."""
        return int(ticks(self.spec.design.recruit_for, resolution))

    def changed(self, changes: Mapping[str, Any]) -> Scenario:
        """Return the scenario with values of its file changed, given by their dotted paths.

        >>> load_scenario("friedreich-48-weeks").changed({"design.randomise.n": 60}).n
        60
        """
        return build(self.document.changed(changes), self.model, self.stem)

    def at(self, values: Values) -> Scenario:
        """Return the scenario at a point of a nuisance grid, see `raresim.trial.nuisance`.

        >>> point = load_scenario("friedreich-48-weeks").at({"truth.missed_visits.share": 0.2})
        >>> point.spec.truth.missed_visits.share
        0.2
        """
        document, model = moved(self.document, self.model, values)
        return build(document, model, self.stem)

    @property
    def n(self) -> int:
        """Patients to be randomised."""
        return self.spec.design.randomise.n


def load_scenario(name: str | Path, without: Collection[str] = ()) -> Scenario:
    """Load a shipped scenario by name, or any scenario file by its path, with its model.

    Parameters
    ----------
    name
        Name or path.
    without
        Keys of sources that the model does without, as for `load_model`; effects stay.

    Raises
    ------
    InputError
        With every fault of the file at its line.
    """
    path = catalogue.find("scenarios", str(name))
    scenario = build(read(path), None, path.stem, without)
    nuisance = scenario.spec.design.nuisance
    check_points(scenario.document, scenario.model, nuisance, scenario.at)
    return scenario


def build(
    document: Document, model: DiseaseModel | None, stem: str, without: Collection[str] = ()
) -> Scenario:
    """Return the scenario of a document, with a model at hand or the one that the file names."""
    spec = validate(document, ScenarioSpec)
    if model is None:
        model = _model_of(document, spec.truth, without)
    problems = check_scenario(document, spec, model)
    if problems:
        raise InputError(problems)
    return Scenario(spec, model, document, stem)


def _model_of(document: Document, truth: Truth, without: Collection[str]) -> DiseaseModel:
    """Load the model that a scenario names: a file beside the scenario, or a shipped one.

    What is wrong inside the model file is told at its line there, all else at the scenario's.
    """
    name = truth.model
    beside = Path(document.path).parent / name
    try:
        path = beside if beside.suffix and catalogue.is_there(beside) else name
        return load_model(path, without, truth.branch)
    except InputError as error:
        found, expected = shown(name), "a shipped model, or a model file beside the scenario"
        problems = [
            problem
            if problem.line
            else document.problem(
                ("truth", "model"),
                problem.message,
                found=found,
                expected=expected,
                mend=problem.mend,
            )
            for problem in error.problems
        ]
        raise InputError(problems) from error
