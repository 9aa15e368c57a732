"""What the endpoints and estimands of a scenario must not contradict."""

from __future__ import annotations

from raresim.disease import DiseaseModel
from raresim.disease.checker import Steps
from raresim.disease.outcome_block import TimeToEvent
from raresim.disease.score_block import Diary, ReadAtVisits
from raresim.files.document import Document
from raresim.trial.checks.intercurrent import fitting, misfit
from raresim.trial.checks.stage import StageChecker
from raresim.trial.checks.within import check_outcome, check_within
from raresim.trial.grammar.endpoint import Endpoint
from raresim.trial.grammar.estimand import OF_ONE_ARM, Estimand
from raresim.trial.grammar.intercurrent import CROSSES, STOPS
from raresim.trial.grammar.milestone import CrossOver
from raresim.trial.grammar.spec import ScenarioSpec


class EstimandChecker(StageChecker):
    """Checks estimands and endpoints; knows the model's names."""

    def __init__(self, document: Document, spec: ScenarioSpec, model: DiseaseModel) -> None:
        super().__init__(document, spec, model)
        self.states, self.numeric = model.states, model.numeric
        if spec.design.run_in_days:  # one of no length shows nothing
            self.numeric |= set(model.run_in_names)

    def compared(self, name: str, arm: str) -> None:
        """Check that an estimand says which arm it compares with the control."""
        others = [other for other in self.spec.design.arms if other != self.spec.design.control]
        known = {*self.spec.design.arms, *self.spec.truth.external}
        steps: Steps = ("analysis", "estimands", name)
        self.summary(steps, name)
        if self.spec.analysis.estimands[name].within_patients:
            check_within(self, self.spec, name)
            return
        if self.spec.analysis.estimands[name].stages:
            self.staged(steps, name)
        elif arm:
            self.known((*steps, "arm"), "arm", arm, others)
        elif len(others) > 1 and self.spec.design.control in known:
            message = "there are several arms to compare with the control"
            self.add(steps, message, f"add 'arm: {others[0]}'")

    def summary(self, steps: Steps, name: str) -> None:
        """Check that the summary is one of the arms there are: of one, or of two compared."""
        estimand = self.spec.analysis.estimands[name]
        if estimand.within_patients:
            return  # see `check_within`
        if self.spec.design.control is not None:
            if estimand.summary in OF_ONE_ARM:
                message = f"a {estimand.summary!r} is that of a trial of one arm"
                self.add((*steps, "summary"), message, "write what compares the arms")
            return
        if len(self.spec.design.arms) > 1:
            return  # a control is missing, and that is told
        if estimand.variable.startswith("time to first"):
            message = "a trial of one arm has no hazard to compare"
            mend = f"write 'share with {estimand.outcome} by week W', or 'events of X'"
            self.add((*steps, "variable"), message, mend)
            return
        fits = "share" if estimand.is_share else "mean" if estimand.is_change else "rate per year"
        if estimand.summary != fits:
            message = "a trial of one arm compares nothing"
            self.add((*steps, "summary"), message, f"write 'summary: {fits}'")

    def endpoint(self, name: str, endpoint: Endpoint) -> None:
        """Check the parts of an endpoint."""
        steps: Steps = ("analysis", "endpoints", name)
        if name in {**self.outcomes, **self.model.spec.patients}:
            self.add(steps, f"the model has {name!r} already", "choose another name")
        read = [n for n, o in self.outcomes.items() if isinstance(o, ReadAtVisits)]
        for part in endpoint.events:
            where = (*steps, "first_of")
            self.named(where, "outcome", part, self.events, "an outcome of events")
        for line in endpoint.scores:
            self.named((*steps, "first_of"), "score", line.score, read, "read at visits")

    def estimand(self, name: str, outcome: str, variable: str) -> None:
        """Check an estimand: its outcome, visit and intercurrent events."""
        steps: Steps = ("analysis", "estimands", name, "variable")
        if self.spec.analysis.estimands[name].stages:
            steps = ("analysis", "estimands", name)
        is_endpoint = variable.startswith(("time to first", "share with"))
        if outcome in self.spec.analysis.endpoints and is_endpoint:
            self.intercurrent(name)
            if variable.startswith("share with"):
                self.visit(steps, name)
            return
        if outcome in self.spec.analysis.endpoints:
            self.add(steps, f"{outcome!r} is an endpoint", f"write 'time to first {outcome}'")
            return
        if outcome in self.spec.truth.adverse_events:
            self.adverse(steps, name)
            return
        known = [*self.outcomes, *self.spec.truth.adverse_events]
        if not self.named(steps, "outcome", outcome, known, "an outcome"):
            return
        found = self.outcomes[outcome]
        score = isinstance(found, ReadAtVisits)
        fits = f"change in {outcome} at week W" if score else f"time to first {outcome}"
        if isinstance(found, Diary):
            fits = f"log ratio of {outcome} at week W"
        if self.spec.analysis.estimands[name].within_patients:
            check_outcome(self, self.spec, name, found)
            self.intercurrent(name)
            return
        fitting = {fits.split()[0], "percent"} if score else {fits.split()[0]}
        if variable.split()[0] not in fitting and not (
            variable.startswith("events of") and not score
        ):
            message = f"{variable!r} does not fit an outcome of kind {found.kind!r}"
            self.add(steps, message, f"write '{fits}'")
        if variable.startswith("events of") and isinstance(found, TimeToEvent):
            mend = f"write 'time to first {outcome}'"
            self.add(steps, f"{outcome!r} happens once; use 'time to first {outcome}'", mend)
        self.intercurrent(name)
        if score:
            self.visit(steps, name)

    def adverse(self, steps: Steps, name: str) -> None:
        """Check an estimand of an adverse event: its time, or its number where it comes again."""
        estimand = self.spec.analysis.estimands[name]
        event, mend = estimand.outcome, f"write 'time to first {estimand.outcome}'"
        if estimand.variable.startswith("events of"):
            if self.spec.truth.adverse_events[event].once:
                self.add(steps, f"{event!r} counts once; use 'time to first {event}'", mend)
        elif not estimand.variable.startswith("time to first"):
            self.add(steps, f"{estimand.variable!r} does not fit an adverse event", mend)
        self.intercurrent(name)

    def visit(self, steps: Steps, name: str) -> None:
        """Check that an estimand's week is that of a visit; stages are checked by themselves."""
        if self.spec.analysis.estimands[name].stages:
            return
        week, weeks = self.spec.analysis.estimands[name].week, self.spec.design.visits.weeks
        if week not in weeks:
            mend = f"write one of {', '.join(map(str, weeks))}"
            self.add(steps, f"there is no visit at week {week}", mend)

    def intercurrent(self, name: str) -> None:
        """Every intercurrent event of the scenario needs a strategy, death above all.

        An event that is itself the variable is none. Adverse events may have one: whoever has
        them goes on with treatment, or stops it, and that has one.
        """
        steps: Steps = ("analysis", "estimands", name)
        estimand, truth = self.spec.analysis.estimands[name], self.spec.truth
        endpoint = self.spec.analysis.endpoints.get(estimand.outcome)
        own = endpoint.events if endpoint is not None else [estimand.outcome]
        fatal = [event for event in self.model.spec.fatal if event not in own]
        ending = [*self.model.ending.get(estimand.outcome, ())]
        changes = self.spec.design.changes
        crossing = [CROSSES] if any(isinstance(c, CrossOver) for c in changes) else []
        needed = [STOPS, *crossing, *fatal, *ending, *truth.rescue]
        diary = isinstance(self.outcomes.get(estimand.outcome), Diary)
        adverse = [event for event in truth.adverse_events if event not in own]
        for event in estimand.intercurrent:
            known = [*needed, *adverse]
            self.known((*steps, "intercurrent"), "intercurrent event", event, known)
        for event in [*needed, *adverse]:
            kind = {"fatal": event in fatal, "ending": event in ending, "adverse": event in adverse}
            fits = fitting(estimand, **kind, crossing=event in crossing)
            if event in estimand.intercurrent:
                message, mend = misfit(estimand, event, fits, diary=diary)
                if message:
                    self.add((*steps, "intercurrent", event), message, mend)
            elif event in needed:
                mend = f"add {event}: {fits[0]}"
                self.add(steps, f"no strategy is stated for the intercurrent event {event!r}", mend)
        self.rescues(steps, estimand)

    def rescues(self, steps: Steps, estimand: Estimand) -> None:
        """Check that no rescue alone is hypothetical: the world without one has none at all."""
        stated = {e: how for e, how in estimand.intercurrent.items() if e in self.spec.truth.rescue}
        if "hypothetical" in stated.values() and set(stated.values()) != {"hypothetical"}:
            message = "with several rescues, all of them are hypothetical or none is"
            self.add((*steps, "intercurrent"), message, "give all rescues one strategy")
