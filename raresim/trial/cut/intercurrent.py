"""What strategies make of intercurrent events: the algebra that cut and true values share.

Times are ticks in a data cut and days of potential outcomes in the true values. Where an estimand
has several events, the first of those that end the variable decides; what comes after it changes
nothing. Source of the strategies: ICH E9(R1), 2019, section A.3.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.either import either
from raresim.trial.grammar.estimand import Estimand

Booleans = npt.NDArray[np.bool_]
Times = npt.NDArray[Any]
"""Times of patients, (replicates, n): ticks or days."""


@dataclass(frozen=True)
class Intercurrent:
    """When each intercurrent event happens to each patient, `never` where it does not.

    `bad` says whether what the variable waits for is bad to have.
    """

    estimand: Estimand
    bad: bool
    at: Mapping[str, Times]
    never: float

    def known(self, *strategies: str) -> bool:
        """Return whether any event has one of some strategies."""
        return any(event in self.at for event in self.estimand.having(*strategies))

    def first(self, *strategies: str) -> Times:
        """Return when the first event with one of some strategies happens."""
        found: Times = np.asarray(self.never)
        for event in self.estimand.having(*strategies):
            if event in self.at:
                found = np.minimum(found, self.at[event])
        return found

    def at_risk(self, end: Times) -> Times:
        """Return until when a patient is at risk: `end`, or what strategies do not look beyond."""
        strategies = ("hypothetical", "while on treatment", "while alive")
        return (
            np.asarray(np.minimum(end, self.first(*strategies))) if self.known(*strategies) else end
        )

    def composed(self, first: Times, end: Times, at_risk: Times) -> tuple[Times, Times]:
        """Return the first event and the end of follow-up, with composite events in them.

        They count as the event where it is bad; where it is good, whoever has them never has it
        and stays at risk. `end` is at most `at_risk` (the last visit by then, where visits find the
        event): composite events are known between visits.
        """
        if not self.known("composite"):
            return first, end
        composite = self.first("composite")
        if not self.bad:
            return either(composite < first, self.never, first).astype(first.dtype), end
        known = composite <= at_risk
        end = either(known, np.maximum(end, composite), end)
        return either(known, np.minimum(first, composite), first), end

    def replaced(self, due: Times) -> Booleans:
        """Return whose reading, due then, is replaced by the value of a composite event."""
        return np.asarray(
            self.first("composite") < np.minimum(due, self.first("while on treatment"))
        )

    def cut_short(self, due: Times) -> Booleans:
        """Return of whom the last reading before an event counts and not the one due then."""
        before = self.first("while on treatment")
        return np.asarray((before < due) & (before <= self.first("composite")))

    def left_out(self, due: Times) -> Booleans:
        """Return who is left out of an analysis of what is due then.

        Of a principal stratum: whoever has had the event. Under a hypothetical strategy: too, but
        not where another event has decided before. Both keep those who differ by more than chance
        from those who are left out, unless events do not depend on outcomes.
        """
        if not self.known("hypothetical", "principal stratum"):
            return np.zeros((1, 1), bool)
        decided = np.minimum(due, self.first("composite", "while on treatment"))
        hypothetical = self.first("hypothetical") < decided
        return np.asarray(hypothetical | (self.first("principal stratum") < due))
