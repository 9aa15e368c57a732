"""Names in a scenario file that must lead somewhere; blocks that must not contradict."""

from __future__ import annotations

from raresim.disease import DiseaseModel
from raresim.disease.checker import Steps
from raresim.disease.outcomes import Horizon
from raresim.disease.people import condition
from raresim.disease.references import check_condition, in_order, source_names
from raresim.disease.score_block import Diary, ReadAtVisits, States
from raresim.errors import Problem, did_you_mean
from raresim.evidence import Ratio
from raresim.files.document import Document
from raresim.streams import LUCK_BLOCK, Luck
from raresim.trial.analysis_references import AnalysisChecker
from raresim.trial.design_block import (
    AllOf,
    AnyOf,
    Calendar,
    Everybody,
    FirstEvents,
    Milestone,
    OneCondition,
)
from raresim.trial.published_block import ChangeResult, EffectResult
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


class _Checker(AnalysisChecker):
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
                score = self.shifted(outcome)
                for arm, effect in arms.items():
                    self.known((*steps, arm), "arm", arm, self.spec.design.arms)
                    if isinstance(effect.statistic, Ratio) == score:
                        wanted = "a 'difference'" if score else "a 'rate_ratio' or 'hazard_ratio'"
                        mend = "write {difference: ..., after: ...}" if score else "state a ratio"
                        message = f"an effect on {outcome!r} is {wanted}"
                        self.add((*steps, arm), message, mend)

    def shifted(self, outcome: str) -> bool:
        """Whether treatment adds a difference to an outcome, and does not multiply its rate."""
        found = self.outcomes[outcome]
        return isinstance(found, ReadAtVisits) and not isinstance(found, (Diary, States))

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
            run_in = self.spec.design.run_in or 0.0
            horizon = Horizon(1.0, before=run_in)
            latents = model.latents(luck, patients, model.published, horizon)
            values = model.observed_at_screening(luck, latents, patients, run_in)
        if not condition(self.spec.design.eligible, model, values).any():
            people = LUCK_BLOCK * ELIGIBLE_UNITS
            message = f"none of {people:,} of the model's patients is eligible: nobody can enrol"
            self.add(("design", "eligible"), message, "widen the condition")

    def milestones(self) -> None:
        for name, milestone in self.spec.design.milestones.items():
            steps: Steps = ("design", "milestones", name)
            for analysis in milestone.analyses:
                self.known((*steps, "do"), "estimand", analysis, self.spec.analysis.estimands)
            for part in conditions(milestone):
                if isinstance(part, FirstEvents):
                    where, wanted = (*steps, "when"), "outcome of events"
                    self.named(where, wanted, part.first, self.events, f"an {wanted}")
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
            if estimand is None or not (estimand.is_change or estimand.is_share):
                continue
            if latest <= 7 * estimand.week - visits.window:
                message = f"nobody can have had the visit of week {estimand.week} by then"
                mend = f"wait for {{everybody: finished}}, or for more than {estimand.week} weeks"
                self.add(("design", "milestones", name, "when"), message, mend)
