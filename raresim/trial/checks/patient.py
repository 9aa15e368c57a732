"""Names in what happens to patients (truth block), and what it must not contradict."""

from __future__ import annotations

import re
from collections.abc import Iterable

from raresim.disease.checker import Steps
from raresim.disease.outcome_block import TimeToEvent
from raresim.disease.score_block import Diary, ReadAtVisits, States
from raresim.evidence import Difference, Ratio
from raresim.trial.checks.analysis import AnalysisChecker
from raresim.trial.grammar.patient import Hazard, Predictor, Rescue


class PatientChecker(AnalysisChecker):
    """Checks leaving, stopping, adverse events and rescue medication."""

    @property
    def events(self) -> list[str]:
        """Outcomes that are events, and adverse events."""
        return [*super().events, *self.spec.truth.adverse_events]

    def patients(self) -> None:
        """Check everything that happens to patients."""
        truth = self.spec.truth
        self.hazard(("truth", "stops_treatment"), truth.stops_treatment)
        self.hazard(("truth", "leaves_study"), truth.leaves_study)
        taken = {*self.outcomes, *self.model.spec.patients, "stops_treatment", "site"}
        taken |= set(self.spec.analysis.endpoints)
        for name, kind in truth.adverse_events.items():
            steps: Steps = ("truth", "adverse_events", name)
            self.fresh(steps, name, taken)
            self.treatments((*steps, "by_arm"), kind.by_arm, self.spec.truth.external)
        for name, rescue in truth.rescue.items():
            self.fresh(("truth", "rescue", name), name, taken | set(truth.adverse_events))
            self.rescue(("truth", "rescue", name), rescue)

    def fresh(self, steps: Steps, name: str, taken: set[str]) -> None:
        """Check that a name is one word, and not that of something else."""
        word = re.sub(r"\W+", "_", name)
        if word != name:
            self.add(steps, "a name is one word", f"write {word!r}")
        if name in taken:
            self.add(steps, f"the name {name!r} is taken", "choose another name")

    def treatments(self, steps: Steps, names: Iterable[str], external: Iterable[str] = ()) -> None:
        """Check names of what is given: treatments of the design, and arms without periods.

        Registries, where they may have a ratio of their own, count as one.
        """
        design = self.spec.design
        what = "treatment" if design.has_periods else "arm"
        for name in names:
            self.known((*steps, name), what, name, [*design.given, *external])

    def hazard(self, steps: Steps, hazard: Hazard) -> None:
        """Check the names in a hazard."""
        self.treatments((*steps, "by_arm"), hazard.by_arm, self.spec.truth.external)
        for number, term in enumerate(hazard.follows):
            self.followed((*steps, "follows", number), term)

    def followed(self, steps: Steps, term: Predictor) -> None:
        """Check that a score can be followed: read at visits, or true on any day."""
        read = [n for n, o in self.outcomes.items() if isinstance(o, ReadAtVisits)]
        if not self.named(
            (*steps, "score"), "score", term.score, read, "an outcome that is read at visits"
        ):
            return
        if not term.seen and isinstance(self.outcomes[term.score], Diary):
            message = f"{term.score!r} is counted from visit to visit: it has no value on a day"
            self.add((*steps, "score"), message, "write 'seen: true', or name a score")

    def rescue(self, steps: Steps, rescue: Rescue) -> None:
        """Check what a rescue is for, and that it can do what it says."""
        self.line((*steps, "when"), rescue.when)
        for outcome, effect in rescue.effects.items():
            where = (*steps, "effects", outcome)
            if self.named(where, "outcome", outcome, self.outcomes, "an outcome"):
                self.fits(where, outcome, ratio=isinstance(effect, Ratio))
            found = self.outcomes.get(outcome)
            if isinstance(found, TimeToEvent) and found.when is not None:
                message = f"{outcome!r} comes when {found.when.score!r} passes a line, by no rate"
                self.add(where, message, f"state an effect on {found.when.score!r}")
            if isinstance(effect, Difference) and effect.after == 0:
                self.add(where, "a difference takes time to grow", "write 'after: 12 weeks'")

    def fits(self, steps: Steps, outcome: str, *, ratio: bool) -> None:
        """Check that an effect is of the kind, ratio or difference, that its outcome knows."""
        score = self.shifted(outcome)
        if ratio == score:
            wanted = "a 'difference'" if score else "a 'rate_ratio' or 'hazard_ratio'"
            mend = "write {difference: ..., after: ...}" if score else "state a ratio"
            self.add(steps, f"an effect on {outcome!r} is {wanted}", mend)

    def shifted(self, outcome: str) -> bool:
        """Whether treatment adds a difference to an outcome, and does not multiply its rate."""
        found = self.outcomes[outcome]
        return isinstance(found, ReadAtVisits) and not isinstance(found, (Diary, States))
