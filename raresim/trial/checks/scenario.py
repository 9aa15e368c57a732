"""Names in a scenario file that must lead somewhere; blocks that must not contradict."""

from __future__ import annotations

import numpy as np

from raresim.disease import DiseaseModel, Patients
from raresim.disease.checker import Steps
from raresim.disease.outcomes import Exposure
from raresim.disease.people import asked, condition
from raresim.disease.references import check_condition, in_order, source_names
from raresim.disease.score_block import CALENDAR, ReadAtVisits
from raresim.errors import Problem, did_you_mean
from raresim.evidence import Ratio
from raresim.files.document import Document
from raresim.files.expressions import Expression
from raresim.streams import LUCK_BLOCK, Luck
from raresim.trial.checks.candidate import check_candidates
from raresim.trial.checks.external import ExternalChecker
from raresim.trial.checks.milestone import MilestoneChecker
from raresim.trial.checks.period import PeriodChecker
from raresim.trial.checks.survivor import check_survivors
from raresim.trial.fate.effects import stated_effects
from raresim.trial.fate.enrolment import clock_of
from raresim.trial.fate.responders import Responders
from raresim.trial.fate.run_in import in_run_in
from raresim.trial.grammar.effect import EffectSpec
from raresim.trial.grammar.external import External, chance
from raresim.trial.grammar.milestone import CrossOver
from raresim.trial.grammar.published import ChangeResult, EffectResult
from raresim.trial.grammar.spec import ScenarioSpec
from raresim.trial.nuisance import misplaced

ELIGIBLE_SEED = 20_000_102
"""Seed of the patients among whom somebody must be eligible."""
ELIGIBLE_UNITS = 4
LEAST_SHARE = 0.005
"""Of the model's patients, who must be able to get into a registry."""


def check_scenario(document: Document, spec: ScenarioSpec, model: DiseaseModel) -> list[Problem]:
    """Return a problem for every name that leads nowhere and every contradiction."""
    check = _Checker(document, spec, model)
    check.sources()
    check.hypotheses()
    check.patients()
    check.external()
    check.design()
    check.published()
    check.milestones()
    check.analysis()
    if not check.problems:
        check.eligible()
    return in_order(check.problems)


class _Checker(ExternalChecker, PeriodChecker, MilestoneChecker):
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
                self.treatments(steps, arms)
                for treatment, effect in arms.items():
                    where: Steps = (*steps, treatment)
                    self.fits(where, outcome, ratio=isinstance(effect.statistic, Ratio))
                    self.only_where((*where, "only_where"), effect.only_where)
                    self.on_top_of((*where, "on_top_of"), effect.on_top_of, arms)
        for outcome, drift in self.spec.truth.drift.items():
            steps = ("truth", "drift", outcome)
            if self.named(steps, "outcome", outcome, self.outcomes, "an outcome"):
                self.fits(steps, outcome, ratio=drift.rate_ratio is not None)

    def on_top_of(self, steps: Steps, below: str, arms: dict[str, EffectSpec]) -> None:
        """Check that the effect below one is stated for the same outcome, with none below it."""
        if not below:
            return
        if self.known(steps, "effect on this outcome", below, arms) and arms[below].on_top_of:
            message = f"the effect of {below!r} is on top of another one itself"
            self.add(steps, message, "name the one at the bottom")

    def only_where(self, steps: Steps, where: Expression | None) -> None:
        """Check that an effect acts by what a patient is, and not by what was read of him."""
        if where is None:
            return
        check_condition(self, steps, where)
        for name in sorted(set(where.names) & (set(self.outcomes) | set(self.model.run_in_names))):
            message = f"{name!r} is read at screening, and no variable of the patient"
            self.add(steps, message, f"name one of {', '.join(self.model.spec.patients)}")

    def design(self) -> None:
        design = self.spec.design
        self.control()
        for arm in sorted(set(design.arms) ^ set(design.randomise.ratio)):
            mend = f"add '{arm}: 1'" if arm in design.arms else did_you_mean(arm, design.arms)
            self.add(("design", "randomise", "ratio"), f"arms and ratio differ: {arm!r}", mend)
        self.periods()
        self.run_in()
        self.randomisation()
        for name in design.nulls:
            self.known(("design", "nulls"), "hypothesis", name, self.spec.truth.hypotheses)
        for name, wrong in design.false_claims.items():
            steps: Steps = ("design", "false_claims", name)
            self.known(steps, "null hypothesis", name, design.nulls)
            for estimand in wrong:
                self.known(steps, "estimand", estimand, self.spec.analysis.estimands)
        for path in design.nuisance:
            if mend := misplaced(path):
                self.add(("design", "nuisance", path), "there is no nuisance", mend)
        check_condition(self, ("design", "eligible"), design.eligible)
        for arm in self.spec.truth.followed_for or {}:
            self.known(("truth", "followed_for"), "arm", arm, design.arms)
        self.recruitment()
        self.kits()

    def control(self) -> None:
        """Check that several arms have a control among them, and that one arm has none."""
        design, steps = self.spec.design, ("design", "control")
        first = next(iter(design.arms))
        if design.control is None:
            asked = self.spec.analysis.estimands.values()
            if len(design.arms) > 1 and not all(each.within_patients for each in asked):
                message = "several arms are compared with one of them"
                self.add(("design",), message, f"add 'control: {first}'")
            return
        external = self.spec.truth.external
        self.known(steps, "arm", design.control, [*design.arms, *external])
        if len(design.arms) == 1 and design.control not in external:
            message = "a trial of one arm has no control"
            self.add(steps, message, "remove 'control', or add another arm")

    def randomisation(self) -> None:
        """Check arms that open, factors and caps."""
        design, steps = self.spec.design, ("design", "randomise")
        self.strata((*steps, "strata"), design.randomise.strata)
        parts = dict(design.randomise.ratio)
        if design.control is not None and (
            parts.pop(design.control, 1) == 0 or not any(parts.values())
        ):
            message = "the control and another arm are open from the start"
            self.add((*steps, "ratio"), message, "write 1 or more for two arms")
        if design.randomise.method == "minimisation" and not design.randomise.strata:
            self.add(steps, "minimisation balances factors", "add 'strata: [...]'")
        if design.randomise.method == "alternating" and design.turns:
            message = "arms that are taken in turn cannot follow a ratio that changes"
            self.add((*steps, "method"), message, "write 'method: simple' or permuted blocks")
        states = {**self.model.states, "site": tuple(design.sites.labels())}
        for name, cap in design.randomise.at_most.items():
            where: Steps = (*steps, "at_most", name)
            self.strata(where, [name])
            if isinstance(cap, dict) and name in states:
                for state in cap:
                    self.known((*where, state), "state", state, states[name])

    def published(self) -> None:
        """Check the names in what a real trial found."""
        found = self.spec.published
        if found is None:
            return
        known = [*self.spec.sources, *self.model.spec.sources]
        for name in found.sources:
            self.known(("published", "sources"), "source", name, known)
        for index, result in enumerate(found.results):
            steps: Steps = ("published", "results", index)
            if isinstance(result, EffectResult):
                known = list(self.spec.analysis.estimands)
                self.known((*steps, "effect"), "estimand", result.effect, known)
                continue
            self.known((*steps, "arm"), "arm", result.arm, self.spec.design.arms)
            if isinstance(result, ChangeResult):
                scores = [n for n, o in self.outcomes.items() if isinstance(o, ReadAtVisits)]
                self.named((*steps, "change_of"), "score", result.change_of, scores)
                weeks = self.spec.design.visits.weeks
                if result.at_week not in weeks:
                    mend = f"write one of {', '.join(map(str, weeks))}"
                    message = f"there is no visit at week {result.at_week}"
                    self.add((*steps, "at_week"), message, mend)
            else:
                where, wanted = (*steps, "share_with"), "an outcome of events"
                self.named(where, "outcome", result.share_with, self.events, wanted)

    def recruitment(self) -> None:
        """Check that somebody presents at an open site, and that follow-up is stated."""
        design, truth = self.spec.design, self.spec.truth
        opens = design.sites.planned()[0]
        if design.recruit_for <= opens:
            message = f"recruitment ends before the first site opens on day {opens:g}"
            self.add(
                ("design", "recruit_for"), message, "recruit for longer, or open sites earlier"
            )
        check_candidates(self, self.spec)
        check_survivors(self, self.spec, self.model)
        for arm in sorted(set(design.arms) - set(truth.followed_for or design.arms)):
            mend = f"add '{arm}: ...', or remove 'followed_for'"
            self.add(("truth", "followed_for"), f"says nothing about the arm {arm!r}", mend)
        for arm, stated in (truth.followed_for or {}).items():
            if stated.statistic.sd is None:
                steps: Steps = ("truth", "followed_for", arm)
                self.add(steps, "needs the SD beside its mean", "add 'sd:'")

    def kits(self) -> None:
        """Check that kits have what they are paid for, and that patients can wait for them."""
        design, steps = self.spec.design, ("design", "kits")
        if design.kits is None:
            if design.costs is not None and design.costs.kit:
                mend = "add 'kits: {first: 2, order: 2, arrives_after: 2 weeks}' to the design"
                self.add(("design", "costs", "kit"), "the design has no kits to pay for", mend)
            return
        for name, outcome in self.outcomes.items():
            if getattr(outcome, "clock", "") == CALENDAR:
                message = f"{name!r} follows the calendar: fate knows no day but screening's end"
                self.add(steps, message, "remove 'kits', or take a model without that clock")
        if self.spec.truth.drift:
            message = "drift goes by the day of randomisation, which kits may put off"
            self.add(steps, message, "remove 'kits', or 'drift'")
        if any(isinstance(change, CrossOver) for change in design.changes):
            message = "who crosses over would need kits of another arm, which nothing sends yet"
            self.add(steps, message, "remove 'kits', or the change of treatment")

    def filled(self, name: str, spec: External) -> None:
        """Check that the model has patients for a registry, so that it can be filled."""
        model, luck = self.model, Luck(ELIGIBLE_SEED, 0)
        told = clock_of(self.spec.truth, model, luck, ELIGIBLE_UNITS, model.published)
        wanted = self.spec.design.eligible if spec.eligible is None else spec.eligible
        names, run_in = {*wanted.names, *spec.selected}, self.spec.design.run_in_days
        values = asked(model, luck, ELIGIBLE_UNITS, names, run_in, told)
        share = float(np.mean(condition(wanted, model, values) * chance(spec, values)))
        if share < LEAST_SHARE:
            message = f"hardly any of the model's patients gets into {name!r}: {share:.2%}"
            mend = "widen its 'eligible', or change 'selected'"
            self.add(("truth", "external", name), message, mend)

    def eligible(self) -> None:
        """Check, once all names lead somewhere, that the model has patients for this trial."""
        hypotheses = self.spec.truth.hypotheses
        if self.spec.design.run_in_gives is None:  # then they all see the same patients
            hypotheses = dict(list(hypotheses.items())[:1])
        found = [self._belonging(hypothesis) for hypothesis in hypotheses]
        people = LUCK_BLOCK * ELIGIBLE_UNITS
        if not any(some[""] for some in found):
            message = f"none of {people:,} of the model's patients is eligible: nobody can enrol"
            self.add(("design", "eligible"), message, "widen the condition")
            return
        for name in found[0]:
            if not any(some[name] for some in found):
                steps: Steps = ("analysis", "estimands", name, "population", "where")
                message = f"of {people:,} of the model's patients nobody eligible belongs to it"
                self.add(steps, message, "widen the condition")
        for name, spec in self.spec.truth.external.items():
            self.filled(name, spec)

    def _belonging(self, hypothesis: str) -> dict[str, bool]:
        """Whether anybody is eligible under a hypothesis (''), and belongs to each subgroup."""
        model, luck, truth = self.model, Luck(ELIGIBLE_SEED, 0), self.spec.truth
        design, effects = self.spec.design, stated_effects(truth.hypotheses[hypothesis])
        estimands = self.spec.analysis.estimands.items()
        groups = {name: each.where for name, each in estimands if each.where is not None}

        def treated(patients: Patients) -> dict[str, Exposure]:
            return in_run_in(design, Responders(model, patients, effects, luck))

        told = clock_of(truth, model, luck, ELIGIBLE_UNITS, model.published)
        names = set().union(design.eligible.names, *(where.names for where in groups.values()))
        values = asked(model, luck, ELIGIBLE_UNITS, names, design.run_in_days, told, treated)
        eligible = condition(design.eligible, model, values)
        found = {"": bool(eligible.any())}
        for name, where in groups.items():
            found[name] = bool((eligible & condition(where, model, values)).any())
        return found
