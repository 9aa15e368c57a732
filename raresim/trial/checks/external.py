"""What a scenario says of external patients must lead somewhere and go together."""

from __future__ import annotations

from itertools import pairwise

from raresim.disease.checker import Steps
from raresim.disease.references import check_condition
from raresim.trial.checks.patient import PatientChecker
from raresim.trial.grammar.external import External


class ExternalChecker(PatientChecker):
    """Checks the patients of a registry; knows what the other blocks call its own."""

    def external(self) -> None:
        """Check a registry: its name, its use, and whatever its patients differ in."""
        for name, spec in self.spec.truth.external.items():
            steps: Steps = ("truth", "external", name)
            taken = {*self.outcomes, *self.model.spec.patients, *self.spec.design.arms}
            self.fresh(steps, name, taken | {*self.spec.analysis.endpoints})
            methods = self.spec.analysis.methods.values()
            if self.spec.design.control != name and not any(m.borrow == name for m in methods):
                mend = f"write 'control: {name}' in the design, or 'borrow: {name}' in a method"
                self.add(steps, "nothing is compared with these patients", mend)
            if self.spec.design.run_in_gives is not None:
                message = "nobody in a registry had the treatment of the run-in"
                self.add(steps, message, "remove 'give' from 'run_in', or the registry")
            if spec.eligible is not None:
                check_condition(self, (*steps, "eligible"), spec.eligible)
            self.selected(steps, spec)
            self.seen(steps, spec)
            self.happened(steps, spec)

    def selected(self, steps: Steps, spec: External) -> None:
        """Check that numbers tilt who is in it, and that time before the trial matters."""
        for number in spec.selected:
            where, wanted = (*steps, "selected"), "a number, as seen at screening"
            self.named(where, "number", number, sorted(self.numeric), wanted)
        if spec.earlier is not None and not self.spec.truth.drift and not self.calendar:
            message = "nothing changes with time, so that it is all one when they were followed"
            self.add((*steps, "earlier"), message, "add 'drift:' to the truth, or remove 'earlier'")

    @property
    def calendar(self) -> bool:
        """Whether an outcome of the model has the calendar for its clock."""
        return any(getattr(o, "clock", "") == "calendar" for o in self.outcomes.values())

    def seen(self, steps: Steps, spec: External) -> None:
        """Check visits, and the scores whose readings differ."""
        weeks = [0, *self.spec.design.visits.weeks]
        gap = min(7 * (b - a) for a, b in pairwise(weeks))
        if spec.window is not None and gap <= 2 * spec.window:
            message = "the windows of neighbouring visits overlap; narrow 'window'"
            self.add((*steps, "window"), message, f"write a window below {gap / 2:g} days")
        scores = [name for name in self.outcomes if self.shifted(name)]
        for score in spec.readings:
            where = (*steps, "readings")
            self.named(where, "score", score, scores, "a score that is read at visits")

    def happened(self, steps: Steps, spec: External) -> None:
        """Check the events that are not found, or that keep patients out."""
        for event in spec.finds:
            where = (*steps, "finds", event)
            if not self.named(where, "event", event, self.events, "an event"):
                continue
            if event in self.model.spec.fatal:
                message = f"{event!r} ends a patient's follow-up, and is always found"
                self.add(where, message, "name an event that patients survive")
        for event in spec.immortal.without if spec.immortal is not None else []:
            self.named((*steps, "immortal", "without"), "event", event, self.events, "an event")
            follow = self.spec.design.follow_for or self.spec.design.treat_for
            if spec.immortal is not None and spec.immortal.first >= follow:
                message = "nobody could have an event in the whole follow-up"
                self.add((*steps, "immortal", "for"), message, "write a shorter time")
