"""The `outcomes` block of a model file: what happens to an untreated patient."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, model_validator

from raresim.disease.score_block import (
    RANDOMISATION,
    Diary,
    Longitudinal,
    Outcome,
    States,
    Trajectory,
)
from raresim.disease.variable_block import ASSUMED, PUBLISHED, ROWS, Given, When, check_rows
from raresim.errors import Fault
from raresim.evidence import Dispersion, EventFree, EventRate, Quantiles, Ratio, Stated
from raresim.evidence.forms import IN_ANY_FORM
from raresim.evidence.stated import Unpublished, Why
from raresim.files.schema import Spec


class BetweenSites(Spec):
    """Spread of an outcome between study sites that the patients' own spread does not explain."""

    log_sd: Unpublished = Field(description="SD of the log rate between sites")


class Recurrent(Outcome):
    """Events that may come again, at a rate that differs between patients (gamma frailty)."""

    kind: Literal["recurrent"] = Field(description="events that may come again")
    rate: Stated[EventRate] = Field(description="rate without study treatment, all patients")
    between_patients: Stated[Dispersion] = Field(description="how much patients' rates differ")
    between_sites: BetweenSites | None = Field(None, description="how much sites differ")


class TimeRow(Stated[EventFree | Quantiles]):
    """One row of a conditional table: the law of the time where the parent has the state `when`."""

    when: When


class TimeOfEvent(Spec):
    """When an event comes: shares free of it at some times, or quartiles of the time."""

    unit: Literal["days", "weeks", "months", "years"] = Field(
        description="unit of quartiles; shares name their times with units of their own"
    )
    given: Given = None
    rows: list[TimeRow] | None = Field(None, description=ROWS)
    evidence: Annotated[EventFree | Quantiles, IN_ANY_FORM] | None = Field(
        None, description=PUBLISHED
    )
    assumed: EventFree | Quantiles | None = Field(None, description=ASSUMED)
    why: Why = ""

    @model_validator(mode="after")
    def _complete(self) -> TimeOfEvent:
        check_rows(self)
        return self


class Follows(Stated[Ratio]):
    """How much the hazard is multiplied for each unit of a score's true value at the time."""

    score: str = Field(description="an outcome that is a score", examples=["bilirubin"])
    by: Literal["value", "slope"] = Field(
        "value", description="what of it: its value, or how much it changes a year at the time"
    )

    @property
    def key(self) -> str:
        """The score, and what of it, in one word."""
        return self.score if self.by == "value" else f"{self.score}'s slope"


class Crossing(Spec):
    """An event that comes when a score's true value first passes a line."""

    score: str = Field(description="an outcome that is a trajectory", examples=["walk"])
    below: float | None = Field(None, description="it comes below this", examples=[50])
    above: float | None = Field(None, description="it comes above this", examples=[10])

    @model_validator(mode="after")
    def _one_line(self) -> Crossing:
        if (self.below is None) == (self.above is None):
            raise Fault("expected either 'below' or 'above'", "write {score: walk, below: 50}")
        return self


class TimeToEvent(Outcome):
    """One event: at a constant hazard, at a time with a law, or when a score passes a line."""

    kind: Literal["time to event"] = Field(description="an event that comes once")
    clock: str = Field(
        RANDOMISATION,
        description="when time starts, or the number that tells how long the clock has run then",
        examples=["age"],
    )
    hazard: Stated[EventRate] | None = Field(
        None, description="constant rate at which it comes, without treatment"
    )
    time: TimeOfEvent | None = Field(
        None, description="in place of 'hazard': when it comes on the clock, without treatment"
    )
    follows: list[Follows] = Field(
        default_factory=list,
        max_length=5,
        description="scores that the hazard follows; 'time' is then the law in the population",
    )
    when: Crossing | None = Field(
        None, description="in place of 'hazard' and 'time': it comes when a score passes a line"
    )
    shares_frailty_with: str | None = Field(
        None, description="a recurrent outcome: who has many has this sooner", examples=["attack"]
    )
    ends: Literal["everything", "nothing"] | list[str] = Field(
        "nothing",
        description="'everything' for death: nothing is seen after it; or the scores that stand "
        "at their worst from then on",
        examples=["everything", ["walk"]],
    )

    @property
    def ended(self) -> list[str]:
        """The scores that this event puts at their worst."""
        return self.ends if isinstance(self.ends, list) else []

    @property
    def population_law(self) -> EventFree:
        """The published curve of an event that follows scores: that of a population."""
        law = self.time.evidence or self.time.assumed if self.time is not None else None
        assert isinstance(law, EventFree)
        return law

    @model_validator(mode="after")
    def _one_law(self) -> TimeToEvent:
        laws = {"hazard": self.hazard, "time": self.time, "when": self.when}
        stated = [word for word, law in laws.items() if law is not None]
        if len(stated) != 1:
            mend = "keep one of them" if stated else "add 'hazard: {...}' or 'time: {...}'"
            raise Fault("expected either 'hazard' or 'time' or 'when'", mend)
        if self.hazard is not None and self.clock != RANDOMISATION:
            mend = "remove 'clock', or state 'time'"
            raise Fault("a constant hazard has no clock of its own", mend)
        if self.hazard is None and self.shares_frailty_with is not None:
            mend = "remove 'shares_frailty_with', or state 'hazard'"
            raise Fault("only a constant hazard shares a frailty yet", mend)
        if self.follows:
            self._followed()
        return self

    def _followed(self) -> None:
        """Check that the law of an event that follows scores is one that can be solved for."""
        law = self.time
        if law is None:
            raise Fault("an event that follows scores has a 'time'", "state its law in 'time'")
        if self.clock != RANDOMISATION:
            raise Fault("an event that follows scores has no clock yet", "remove 'clock'")
        if law.rows is not None or not isinstance(law.evidence or law.assumed, EventFree):
            mend = "write 'free: {1 year: 0.9, ...}', without rows"
            raise Fault("the law of an event that follows scores is by shares free of it", mend)


AnyOutcome = Annotated[
    Recurrent | TimeToEvent | Longitudinal | Trajectory | Diary | States, Discriminator("kind")
]
