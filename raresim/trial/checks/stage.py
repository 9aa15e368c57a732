"""Names in the stages of an estimand, and what they must not contradict."""

from __future__ import annotations

from itertools import pairwise

from raresim.disease import DiseaseModel
from raresim.disease.checker import Checker, Steps
from raresim.disease.score_block import ReadAtVisits
from raresim.files.document import Document
from raresim.trial.grammar.arm import Planned
from raresim.trial.grammar.endpoint import ScorePasses
from raresim.trial.grammar.patient import Line
from raresim.trial.grammar.spec import ScenarioSpec
from raresim.trial.grammar.stage import period_of

LATE = 0.25
"""Part of the second stage within which treatment may change: visits come late."""


class StageChecker(Checker):
    """Checks stages: their visits, who counts, and that treatments are there to compare."""

    def __init__(self, document: Document, spec: ScenarioSpec, model: DiseaseModel) -> None:
        super().__init__(document, model.spec)
        self.spec, self.model = spec, model
        self.outcomes = model.spec.outcomes

    @property
    def events(self) -> list[str]:
        """Outcomes that are events."""
        return [n for n, o in self.outcomes.items() if not isinstance(o, ReadAtVisits)]

    def line(self, steps: Steps, line: Line) -> None:
        """Check what decides on a patient: a score that is read, or an event."""
        if isinstance(line, ScorePasses):
            read = [n for n, o in self.outcomes.items() if isinstance(o, ReadAtVisits)]
            self.named(steps, "score", line.score, read, "an outcome that is read at visits")
        elif self.events:
            self.named(steps, "event", line.event, self.events, "an event")
        else:
            message = f"unknown event {line.event!r}: neither the model nor the truth has events"
            self.add(steps, message, "write {score: ..., falls_by: ...}")

    def staged(self, steps: Steps, name: str) -> None:
        """Check the stages of an estimand."""
        design, estimand = self.spec.design, self.spec.analysis.estimands[name]
        weeks = [0, *design.visits.weeks]
        lines = []
        for number, stage in enumerate(estimand.stages):
            where: Steps = (*steps, "stages", number)
            for key, week in (("week", stage.week), ("since", stage.since)):
                if week not in weeks:
                    mend = f"write one of {', '.join(map(str, weeks))}"
                    self.add((*where, key), f"there is no visit at week {week}", mend)
            if stage.line is not None:
                key = "only_if" if stage.unless is None else "unless"
                self.line((*where, key), stage.line)
                lines.append(((*where, key), stage.line))
        endpoint = self.spec.analysis.endpoints.get(estimand.outcome)
        if endpoint is not None:
            at: Steps = ("analysis", "endpoints", estimand.outcome, "first_of")
            lines += [(at, line) for line in endpoint.scores]
        for where, line in lines:
            if isinstance(line, ScorePasses) and line.confirmed:
                message = "a stage is read at one visit: nothing confirms it"
                self.add(where, message, "remove 'confirmed'")
        if estimand.arm:
            message = "stages compare treatments, whichever arm has them"
            self.add((*steps, "arm"), message, "remove 'arm'")
        if design.control is None:
            self.add(steps, "stages need a control", "add 'control:' to the design")
            return
        if design.control in design.arms:  # else it is said there
            self.given(steps, name)

    def given(self, steps: Steps, name: str) -> None:
        """Check that every arm gives one treatment in each stage, and some of them another."""
        design, estimand = self.spec.design, self.spec.analysis.estimands[name]
        control = design.control
        assert control is not None
        stages, had = estimand.stages, {}
        for arm in design.arms:
            periods = design.periods(arm)
            places = [period_of(periods, stages, number) for number in range(2)]
            had[arm] = tuple(periods[place].give for place in places)
            self.turns(arm, periods, stages[0].week, stages[1].week)
        own = had[control]
        if estimand.weight is not None:
            if all(first == own[0] for first, _ in had.values()):
                message = "no arm gives anything else in the first stage than the control"
                self.add(steps, message, "add an arm that begins with another treatment")
            if not any(first == own[0] and later != own[1] for first, later in had.values()):
                message = "no arm changes to another treatment after the control's first"
                mend = f"add an arm that gives {own[0]}, then another treatment"
                self.add(steps, message, mend)
            return
        begins = list(dict.fromkeys(first for first, _ in had.values()))
        against = estimand.against or own[0]
        for key, treatment in (("treatment", estimand.treatment), ("against", against)):
            where: Steps = (*steps, key) if getattr(estimand, key) else steps
            self.known(where, "treatment of the first stage", treatment, begins)
        if estimand.treatment == against:
            message = f"{against!r} is compared with itself"
            self.add((*steps, "treatment"), message, f"name one of {', '.join(begins)}")

    def turns(self, arm: str, periods: tuple[Planned, ...], first: int, last: int) -> None:
        """Check that treatment changes between the stages only."""
        for number, (before, period) in enumerate(pairwise(periods), 1):
            late = 7 * (first + (last - first) * LATE)
            inside = period.since < 7 * first or late < period.since < 7 * last
            if inside and (before.give != period.give or period.line is not None):
                message = f"treatment changes on day {period.since:g}, within a stage"
                mend = f"let the period before last to week {first}, or a little longer"
                self.add(("design", "arms", arm, "periods", number), message, mend)
