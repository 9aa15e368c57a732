"""Names in treatments, periods and run-in of a design, and what cannot go with them."""

from __future__ import annotations

from raresim.disease.checker import Steps
from raresim.trial.checks.patient import PatientChecker
from raresim.trial.grammar.arm import NOTHING, Period
from raresim.trial.grammar.endpoint import ScorePasses
from raresim.trial.grammar.milestone import CrossOver

NEAR = 1e-6
"""Days by which periods may miss the end of treatment: the rounding of months."""


class PeriodChecker(PatientChecker):
    """Checks what is given when."""

    def periods(self) -> None:
        """Check treatments, and the periods of every arm."""
        design = self.spec.design
        given = {period.give for arm in design.arms.values() for period in arm.periods}
        given.add(design.run_in_gives or "")
        for name in design.treatments:
            steps: Steps = ("design", "treatments", name)
            if name == NOTHING:
                message = "'nothing' is a treatment of every design: it has no effect"
                self.add(steps, message, "remove it, or choose another name")
            elif name not in given:
                mend = "remove it, or name it in a period"
                self.add(steps, f"no period of an arm gives {name!r}, nor a run-in", mend)
        for arm, found in design.arms.items():
            if found.periods:
                self.sequence(arm, found.periods)
            elif arm in design.treatments or (arm == NOTHING and self.sequenced):
                message = f"{arm!r} is a treatment of the design, and an arm that gives its own"
                mend = f"write 'periods: [{{give: {arm}, for: ...}}]', or another name"
                self.add(("design", "arms", arm), message, mend)
        if design.has_periods:
            self.combined()

    @property
    def sequenced(self) -> bool:
        """Whether patients may get one treatment after the other by design."""
        design = self.spec.design
        return design.has_periods or design.run_in_gives is not None

    def run_in(self) -> None:
        """Check the treatment of the run-in, and that it can be given once."""
        design = self.spec.design
        if design.run_in_gives is None:
            return
        known = [*design.given, NOTHING]
        self.known(("design", "run_in", "give"), "treatment", design.run_in_gives, known)
        if design.screen_again is not None:
            message = "a second run-in would begin with what the first has left in a patient"
            self.add(("design", "screen_again"), message, "remove 'screen_again'")
        if design.kits is not None:
            message = "a run-in under treatment would need kits before randomisation"
            self.add(("design", "kits"), message, "remove 'kits'")

    def sequence(self, arm: str, periods: list[Period]) -> None:
        """Check the periods of one arm."""
        design, steps = self.spec.design, ("design", "arms", arm, "periods")
        together = sum(period.for_ for period in periods)
        if abs(together - design.treat_for) > NEAR:
            message = f"the periods last {_long(together)}, treatment {_long(design.treat_for)}"
            self.add(steps, message, f"write 'treat_for: {_long(together)}', or other periods")
        since = 0.0
        for number, period in enumerate(periods):
            where: Steps = (*steps, number)
            if not design.treatments and period.give != NOTHING:
                message = f"the design does not say what {period.give!r} is"
                mend = f"add 'treatments: {{{period.give}: {{give: ...}}}}' to the design"
                self.add((*where, "give"), message, mend)
            else:
                known = [*design.treatments, NOTHING]
                self.known((*where, "give"), "treatment", period.give, known)
            self.taken(where, period, since)
            since += period.for_

    def taken(self, steps: Steps, period: Period, since: float) -> None:
        """Check what decides who takes a period that begins on a day."""
        if period.line is None:
            return
        key = "only_if" if period.unless is None else "unless"
        self.line((*steps, key), period.line)
        visits = self.spec.design.visits
        if isinstance(period.line, ScorePasses) and since < 7 * visits.weeks[0] - visits.window:
            message = "no visit takes place before this period begins: nothing new is known"
            self.add((*steps, key), message, f"add a visit by week {max(since // 7, 1):g}")

    def combined(self) -> None:
        """Check that nothing else changes who is on which treatment."""
        design = self.spec.design
        if any(isinstance(change, CrossOver) for change in design.changes):
            message = "patients change treatment at a milestone and by periods: no order is stated"
            mend = "remove 'cross_over', or write every arm with 'give'"
            self.add(("design", "arms"), message, mend)
        if design.kits is not None:
            message = "a later period would need a kit of its own, which nothing sends yet"
            self.add(("design", "kits"), message, "remove 'kits'")


def _long(days: float) -> str:
    """Return days as a file has them, in months or weeks where they are whole."""
    for name, unit in (("month", 365.25 / 12), ("week", 7.0)):
        count = round(days / unit)
        if count and abs(days - count * unit) < NEAR:
            return f"{count} {name}" + ("s" if count > 1 else "")
    return f"{days:g} days"
