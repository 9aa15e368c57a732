"""Names in a scenario file that must lead somewhere; blocks that must not contradict."""

from __future__ import annotations

from collections.abc import Iterable

from raresim.disease import DiseaseModel
from raresim.disease.references import check_condition, source_names
from raresim.disease.spec import Longitudinal, Recurrent
from raresim.errors import Problem, did_you_mean
from raresim.evidence import Ratio
from raresim.files.document import Document, Step
from raresim.trial.design_block import (
    AllOf,
    AnyOf,
    Calendar,
    Everybody,
    FirstEvents,
    Milestone,
    OneCondition,
)
from raresim.trial.spec import ScenarioSpec

Steps = tuple[Step, ...]


def conditions(milestone: Milestone) -> list[OneCondition]:
    """Return the single conditions of a milestone."""
    when = milestone.when
    if isinstance(when, AllOf):
        return list(when.all)
    return list(when.any) if isinstance(when, AnyOf) else [when]


def check_scenario(document: Document, spec: ScenarioSpec, model: DiseaseModel) -> list[Problem]:
    """Return a problem for every name that leads nowhere and every contradiction."""
    check = _Checker(document, spec, model)
    check.sources()
    check.hypotheses()
    check.design()
    check.milestones()
    check.analysis()
    return check.problems


class _Checker:
    def __init__(self, document: Document, spec: ScenarioSpec, model: DiseaseModel) -> None:
        self.document, self.spec, self.model = document, spec, model
        self.problems: list[Problem] = []
        self.outcomes = model.spec.outcomes
        self.states, self.numeric = model.states, model.numeric

    def add(self, steps: Steps, message: str, mend: str = "") -> None:
        self.problems.append(self.document.problem(steps, message, mend=mend))

    def known(self, steps: Steps, what: str, name: str, known: Iterable[str]) -> bool:
        known = list(known)
        if name not in known:
            self.add(steps, f"unknown {what} {name!r}", did_you_mean(name, known))
        return name in known

    def sources(self) -> None:
        known = [*self.spec.sources, *self.model.spec.sources]
        for steps, name in source_names(self.document.data):
            self.known(steps, "source", name, known)

    def hypotheses(self) -> None:
        for name, outcomes in self.spec.truth.hypotheses.items():
            for outcome, arms in outcomes.items():
                steps: Steps = ("truth", "hypotheses", name, outcome)
                if not self.known(steps, "outcome", outcome, self.outcomes):
                    continue
                score = isinstance(self.outcomes[outcome], Longitudinal)
                for arm, effect in arms.items():
                    self.known((*steps, arm), "arm", arm, self.spec.design.arms)
                    if isinstance(effect.statistic, Ratio) == score:
                        wanted = "a 'difference'" if score else "a 'rate_ratio' or 'hazard_ratio'"
                        self.add((*steps, arm), f"an effect on {outcome!r} is {wanted}")

    def design(self) -> None:
        design = self.spec.design
        self.known(("design", "control"), "arm", design.control, design.arms)
        for arm in set(design.arms) ^ set(design.randomise.ratio):
            self.add(("design", "randomise", "ratio"), f"arms and ratio differ: {arm!r}")
        for factor in design.randomise.strata:
            known = [*self.model.states, "site"]
            self.known(("design", "randomise", "strata"), "factor", factor, known)
        for name in design.nulls:
            self.known(("design", "nulls"), "hypothesis", name, self.spec.truth.hypotheses)
        check_condition(self, ("design", "eligible"), design.eligible)
        for arm in self.spec.truth.followed_for or {}:
            self.known(("truth", "followed_for"), "arm", arm, design.arms)

    def milestones(self) -> None:
        for name, milestone in self.spec.design.milestones.items():
            steps: Steps = ("design", "milestones", name)
            for analysis in milestone.analyses:
                self.known((*steps, "do"), "estimand", analysis, self.spec.analysis.estimands)
            for part in conditions(milestone):
                if isinstance(part, FirstEvents):
                    events = [
                        n for n, o in self.outcomes.items() if not isinstance(o, Longitudinal)
                    ]
                    self.known((*steps, "when"), "outcome of events", part.first, events)
                    if part.patients > self.spec.design.randomise.n:
                        self.add((*steps, "when"), "waits for more patients than are randomised")
        last = next(reversed(self.spec.design.milestones))
        parts = conditions(self.spec.design.milestones[last])
        either = isinstance(self.spec.design.milestones[last].when, AnyOf)
        sure = [isinstance(part, (Everybody, Calendar)) for part in parts]
        if not (any(sure) if either else all(sure)):
            message = "the last milestone ends the trial and must come in every trial"
            mend = "write {any: [..., {everybody: finished}]}"
            self.add(("design", "milestones", last, "when"), message, mend)

    def analysis(self) -> None:
        analysis = self.spec.analysis
        self.known(("analysis", "success"), "estimand", analysis.success, analysis.estimands)
        for name in analysis.order:
            self.known(("analysis", "order"), "estimand", name, analysis.estimands)
        for name in set(analysis.estimands) ^ set(analysis.methods):
            self.add(("analysis", "methods"), f"estimands and methods differ: {name!r}")
        for name, estimand in analysis.estimands.items():
            self.estimand(name, estimand.outcome, estimand.variable)
            if name in analysis.methods:
                self.method(name)

    def estimand(self, name: str, outcome: str, variable: str) -> None:
        steps: Steps = ("analysis", "estimands", name, "variable")
        if not self.known(steps, "outcome", outcome, self.outcomes):
            return
        found = self.outcomes[outcome]
        score = isinstance(found, Longitudinal)
        if variable.startswith("change in") != score:
            self.add(steps, f"{variable!r} does not fit an outcome of kind {found.kind!r}")
        if variable.startswith("events of") and not isinstance(found, Recurrent):
            self.add(steps, f"{outcome!r} happens once; use 'time to first {outcome}'")
        self.intercurrent(name, variable)
        if score:
            week = self.spec.analysis.estimands[name].week
            if week not in self.spec.design.visits.weeks:
                weeks = ", ".join(map(str, self.spec.design.visits.weeks))
                self.add(steps, f"there is no visit at week {week}", f"visits are at weeks {weeks}")

    def intercurrent(self, name: str, variable: str) -> None:
        """Every intercurrent event of the scenario needs a strategy, death above all."""
        steps: Steps = ("analysis", "estimands", name)
        stated = self.spec.analysis.estimands[name].intercurrent
        fatal = [n for n, o in self.outcomes.items() if getattr(o, "ends", "") == "everything"]
        for event in stated:
            self.known(
                (*steps, "intercurrent"), "intercurrent event", event, ["stops_treatment", *fatal]
            )
        for event in ["stops_treatment", *fatal]:
            composite = "composite" if variable.startswith("time to first") else "while alive"
            allowed = (
                ["treatment policy"] if event == "stops_treatment" else [composite, "while alive"]
            )
            if event not in stated:
                mend = f"add {event}: {allowed[0]}"
                self.add(steps, f"no strategy is stated for the intercurrent event {event!r}", mend)
            elif stated[event] not in allowed:
                message = f"{stated[event]!r} is not a strategy for {event!r} here"
                self.add((*steps, "intercurrent", event), message, ", ".join(allowed))

    def method(self, name: str) -> None:
        steps: Steps = ("analysis", "methods", name)
        method = self.spec.analysis.methods[name]
        variable = self.spec.analysis.estimands[name].variable
        kind = variable.split(" ")[0]
        fits = {
            "time": ("logrank", "cox"),
            "events": ("negative binomial", "andersen-gill"),
            "change": ("ancova",),
        }[kind]
        for word in filter(None, (method.test, method.estimate)):
            if word not in fits:
                self.add(steps, f"{word!r} does not analyse {variable!r}", ", ".join(fits))
        for factor in method.strata:
            known = [*self.model.states, "site"]
            self.known((*steps, "strata"), "factor", factor, known)
        if method.strata and kind != "time":
            self.add((*steps, "strata"), f"{method.test!r} has no strata yet", "remove 'strata'")
        if method.adjust_for and method.test != "ancova":
            self.add((*steps, "adjust_for"), f"{method.test!r} does not adjust", "use ancova")
        if method.boundary is not None and kind != "time":
            self.add((*steps, "boundary"), "spending counts patients with an event; none here yet")
        numbers = [f"{n} at baseline" for n, o in self.outcomes.items() if o.kind == "longitudinal"]
        numbers += sorted(self.model.numeric - set(self.outcomes))
        for word in method.adjust_for:
            self.known((*steps, "adjust_for"), "covariate", word, numbers)
        self.looks(name)

    def looks(self, name: str) -> None:
        """Several looks at one estimand spend alpha; without a boundary they would inflate it."""
        milestones = self.spec.design.milestones
        looks = [key for key, milestone in milestones.items() if name in milestone.analyses]
        method = self.spec.analysis.methods[name]
        if len(looks) > 1 and method.boundary is None:
            message = f"analysed {len(looks)} times without a boundary"
            self.add(("analysis", "methods", name), message, "add 'boundary:'")
        if not looks:
            self.add(("analysis", "estimands", name), "no milestone analyses this estimand")
        for key, milestone in milestones.items():
            if milestone.stops and self.spec.analysis.success not in milestone.analyses:
                message = "stops on the success criterion without analysing it"
                self.add(("design", "milestones", key, "do"), message)
