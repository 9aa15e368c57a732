"""Names in a scenario file that must lead somewhere; blocks that must not contradict."""

from __future__ import annotations

import math

from raresim import limits
from raresim.disease import DiseaseModel
from raresim.disease.checker import Checker, Steps
from raresim.disease.model import condition
from raresim.disease.outcome_block import Longitudinal, Recurrent
from raresim.disease.outcomes import Horizon
from raresim.disease.references import check_condition, in_order, source_names
from raresim.errors import Problem, did_you_mean
from raresim.evidence import Ratio
from raresim.files.document import Document
from raresim.streams import LUCK_BLOCK, Luck
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

ELIGIBLE_SEED = 20_000_102
"""Seed of the patients among whom somebody must be eligible."""
ELIGIBLE_UNITS = 4


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
    check.published()
    check.milestones()
    check.analysis()
    if not check.problems:
        check.eligible()
    return in_order(check.problems)


class _Checker(Checker):
    def __init__(self, document: Document, spec: ScenarioSpec, model: DiseaseModel) -> None:
        super().__init__(document, model.spec)
        self.spec, self.model = spec, model
        self.outcomes = model.spec.outcomes
        self.states, self.numeric = model.states, model.numeric
        if spec.design.run_in is not None:
            self.numeric |= set(model.run_in_names)

    def sources(self) -> None:
        known = [*self.spec.sources, *self.model.spec.sources]
        for steps, name in source_names(self.document.data):
            self.known(steps, "source", name, known)

    def hypotheses(self) -> None:
        for name, outcomes in self.spec.truth.hypotheses.items():
            for outcome, arms in outcomes.items():
                steps: Steps = ("truth", "hypotheses", name, outcome)
                if not self.named(steps, "outcome", outcome, self.outcomes, "an outcome"):
                    continue
                score = isinstance(self.outcomes[outcome], Longitudinal)
                for arm, effect in arms.items():
                    self.known((*steps, arm), "arm", arm, self.spec.design.arms)
                    if isinstance(effect.statistic, Ratio) == score:
                        wanted = "a 'difference'" if score else "a 'rate_ratio' or 'hazard_ratio'"
                        mend = "write {difference: ..., after: ...}" if score else "state a ratio"
                        message = f"an effect on {outcome!r} is {wanted}"
                        self.add((*steps, arm), message, mend)

    def design(self) -> None:
        design = self.spec.design
        self.known(("design", "control"), "arm", design.control, design.arms)
        for arm in sorted(set(design.arms) ^ set(design.randomise.ratio)):
            mend = f"add '{arm}: 1'" if arm in design.arms else did_you_mean(arm, design.arms)
            self.add(("design", "randomise", "ratio"), f"arms and ratio differ: {arm!r}", mend)
        self.strata(("design", "randomise", "strata"), design.randomise.strata)
        for name in design.nulls:
            self.known(("design", "nulls"), "hypothesis", name, self.spec.truth.hypotheses)
        check_condition(self, ("design", "eligible"), design.eligible)
        for arm in self.spec.truth.followed_for or {}:
            self.known(("truth", "followed_for"), "arm", arm, design.arms)
        self.recruitment()

    def published(self) -> None:
        """Check the names in what a real trial found."""
        found = self.spec.published
        if found is None:
            return
        known = [*self.spec.sources, *self.model.spec.sources]
        for name in found.sources:
            self.known(("published", "sources"), "source", name, known)
        events = [n for n, o in self.outcomes.items() if not isinstance(o, Longitudinal)]
        for index, result in enumerate(found.results):
            steps: Steps = ("published", "results", index)
            self.known((*steps, "arm"), "arm", result.arm, self.spec.design.arms)
            where = (*steps, "share_with")
            self.named(where, "outcome", result.share_with, events, "an outcome of events")

    def recruitment(self) -> None:
        """Check that somebody presents at an open site, and that follow-up is stated."""
        design, truth = self.spec.design, self.spec.truth
        opens = design.sites.planned()[0]
        if design.recruit_for <= opens:
            message = f"recruitment ends before the first site opens on day {opens:g}"
            self.add(
                ("design", "recruit_for"), message, "recruit for longer, or open sites earlier"
            )
        if truth.candidates.stream.per_site == 0:
            where = ("truth", "candidates", "stream", "per_site")
            self.add(where, "nobody ever presents", "write a rate such as '1.5 per month'")
        for arm in sorted(set(design.arms) - set(truth.followed_for or design.arms)):
            mend = f"add '{arm}: ...', or remove 'followed_for'"
            self.add(("truth", "followed_for"), f"says nothing about the arm {arm!r}", mend)
        for arm, stated in (truth.followed_for or {}).items():
            if stated.statistic.sd is None:
                steps: Steps = ("truth", "followed_for", arm)
                self.add(steps, "needs the SD beside its mean", "add 'sd:'")

    def eligible(self) -> None:
        """Check, once all names lead somewhere, that the model has patients for this trial."""
        model, luck = self.model, Luck(ELIGIBLE_SEED, 0)
        patients = model.sample(luck, ELIGIBLE_UNITS)
        values = dict(patients.values)
        if self.spec.design.eligible.names - set(model.spec.patients):
            latents = model.latents(luck, patients, model.published, Horizon(1.0))
            run_in = self.spec.design.run_in or 0.0
            values = model.observed_at_screening(luck, latents, patients, run_in)
        if not condition(self.spec.design.eligible, model, values).any():
            people = LUCK_BLOCK * ELIGIBLE_UNITS
            message = f"none of {people:,} of the model's patients is eligible: nobody can enrol"
            self.add(("design", "eligible"), message, "widen the condition")

    def strata(self, steps: Steps, factors: list[str]) -> None:
        states = {name: len(own) for name, own in self.model.states.items()}
        states |= {"site": self.spec.design.sites.number}
        for factor in factors:
            if factor in self.numeric:
                message = f"{factor!r} is a number; strata are formed by states"
                self.add(steps, message, "known: " + ", ".join(states))
            else:
                self.known(steps, "factor", factor, states)
        if len(set(factors)) < len(factors):
            self.add(steps, "a factor stands here twice", "keep one of the two")
        if (number := math.prod(states.get(name, 1) for name in factors)) > limits.STRATA.value:
            message = f"the factors form {number:,} strata, more than {limits.STRATA.value:,}"
            self.add(steps, message, f"stratify by fewer factors, {limits.STRATA.mend}")

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
                    where, wanted = (*steps, "when"), "outcome of events"
                    self.named(where, wanted, part.first, events, f"an {wanted}")
                    n = self.spec.design.randomise.n
                    if part.patients > n:
                        message = "waits for more patients than are randomised"
                        self.add((*steps, "when"), message, f"wait for at most {n}")
            self.early(name, milestone)
        last = next(reversed(self.spec.design.milestones))
        parts = conditions(self.spec.design.milestones[last])
        either = isinstance(self.spec.design.milestones[last].when, AnyOf)
        sure = [isinstance(part, (Everybody, Calendar)) for part in parts]
        if not (any(sure) if either else all(sure)):
            message = "the last milestone ends the trial and must come in every trial"
            mend = "write {any: [..., {everybody: finished}]}"
            self.add(("design", "milestones", last, "when"), message, mend)

    def early(self, name: str, milestone: Milestone) -> None:
        """Check that somebody can have had the visit by the time a change is analysed."""
        parts, visits = conditions(milestone), self.spec.design.visits
        times = [part.calendar for part in parts if isinstance(part, Calendar)]
        if not times or (isinstance(milestone.when, AllOf) and len(times) < len(parts)):
            return
        latest = max(times) if isinstance(milestone.when, AllOf) else min(times)
        for analysis in milestone.analyses:
            estimand = self.spec.analysis.estimands.get(analysis)
            if estimand is None or not estimand.variable.startswith("change in"):
                continue
            if latest <= 7 * estimand.week - visits.window:
                message = f"nobody can have had the visit of week {estimand.week} by then"
                mend = f"wait for {{everybody: finished}}, or for more than {estimand.week} weeks"
                self.add(("design", "milestones", name, "when"), message, mend)

    def analysis(self) -> None:
        analysis = self.spec.analysis
        self.known(("analysis", "success"), "estimand", analysis.success, analysis.estimands)
        for name in analysis.order:
            self.known(("analysis", "order"), "estimand", name, analysis.estimands)
        for name in sorted(set(analysis.estimands) ^ set(analysis.methods)):
            mend = did_you_mean(name, analysis.estimands)
            if name in analysis.estimands:
                mend = f"add '{name}: {{test: ..., alpha: ...}}'"
            self.add(("analysis", "methods"), f"estimands and methods differ: {name!r}", mend)
        for name, estimand in analysis.estimands.items():
            self.estimand(name, estimand.outcome, estimand.variable)
            if name in analysis.methods:
                self.method(name)

    def estimand(self, name: str, outcome: str, variable: str) -> None:
        steps: Steps = ("analysis", "estimands", name, "variable")
        if not self.named(steps, "outcome", outcome, self.outcomes, "an outcome"):
            return
        found = self.outcomes[outcome]
        score = isinstance(found, Longitudinal)
        if variable.startswith("change in") != score:
            message = f"{variable!r} does not fit an outcome of kind {found.kind!r}"
            fits = f"change in {outcome} at week W" if score else f"time to first {outcome}"
            self.add(steps, message, f"write '{fits}'")
        if variable.startswith("events of") and not isinstance(found, Recurrent):
            mend = f"write 'time to first {outcome}'"
            self.add(steps, f"{outcome!r} happens once; use 'time to first {outcome}'", mend)
        self.intercurrent(name, variable)
        if score:
            week = self.spec.analysis.estimands[name].week
            if week not in self.spec.design.visits.weeks:
                weeks = ", ".join(map(str, self.spec.design.visits.weeks))
                self.add(steps, f"there is no visit at week {week}", f"write one of {weeks}")

    def intercurrent(self, name: str, variable: str) -> None:
        """Every intercurrent event of the scenario needs a strategy, death above all.

        An event that is itself the variable is none.
        """
        steps: Steps = ("analysis", "estimands", name)
        estimand = self.spec.analysis.estimands[name]
        stated = estimand.intercurrent
        fatal = [event for event in self.model.spec.fatal if event != estimand.outcome]
        events = ["stops_treatment", *fatal]
        for event in stated:
            self.known((*steps, "intercurrent"), "intercurrent event", event, events)
        for event in events:
            composite = "composite" if variable.startswith("time to first") else "while alive"
            allowed = (
                ["treatment policy"] if event == "stops_treatment" else [composite, "while alive"]
            )
            if event not in stated:
                mend = f"add {event}: {allowed[0]}"
                self.add(steps, f"no strategy is stated for the intercurrent event {event!r}", mend)
            elif stated[event] not in allowed:
                message = f"{stated[event]!r} is not a strategy for {event!r} here"
                mend = f"write '{event}: {allowed[0]}'"
                self.add((*steps, "intercurrent", event), message, mend)

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
                self.add(
                    steps, f"{word!r} does not analyse {variable!r}", f"use {' or '.join(fits)}"
                )
        self.strata((*steps, "strata"), method.strata)
        if method.strata and kind != "time":
            self.add((*steps, "strata"), f"{method.test!r} has no strata yet", "remove 'strata'")
        if method.adjust_for and method.test != "ancova":
            self.add((*steps, "adjust_for"), f"{method.test!r} does not adjust", "use ancova")
        if method.boundary is not None and kind != "time":
            self.add(
                (*steps, "boundary"),
                "spending counts patients with an event; none here yet",
                "remove it",
            )
        numbers = [f"{n} at baseline" for n, o in self.outcomes.items() if o.kind == "longitudinal"]
        numbers += sorted(self.model.numeric - set(self.outcomes))
        for word in method.adjust_for:
            where, wanted = (*steps, "adjust_for"), "a number at baseline"
            self.named(where, "covariate", word, numbers, wanted)
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
            mend = f"add 'analyse {name}' to what a milestone does, or remove the estimand"
            self.add(("analysis", "estimands", name), "no milestone analyses this estimand", mend)
        for key, milestone in milestones.items():
            known = self.spec.analysis.success in self.spec.analysis.estimands
            if known and milestone.stops and self.spec.analysis.success not in milestone.analyses:
                message = "stops on the success criterion without analysing it"
                mend = f"add 'analyse {self.spec.analysis.success}'"
                self.add(("design", "milestones", key, "do"), message, mend)
