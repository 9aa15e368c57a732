"""The `outcomes` block of a model file: what happens to an untreated patient."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, model_validator

from raresim.disease.variable_block import (
    ASSUMED,
    PUBLISHED,
    ROWS,
    Given,
    Label,
    Unit,
    When,
    check_rows,
)
from raresim.errors import Fault
from raresim.evidence import (
    Dispersion,
    EventFree,
    EventRate,
    Mean,
    Quantiles,
    Slope,
    Spread,
    Stated,
)
from raresim.evidence.stated import Unpublished, Why
from raresim.files.schema import Bounds, Condition, Duration, Spec


class BetweenSites(Spec):
    """Spread of an outcome between study sites that the patients' own spread does not explain."""

    log_sd: Unpublished = Field(description="SD of the log rate between sites")


class Outcome(Spec):
    """What every outcome states."""

    label: Label = ""
    better: Literal["fewer", "later", "lower", "higher"] = Field(description="what is good")


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
    evidence: EventFree | Quantiles | None = Field(None, description=PUBLISHED)
    assumed: EventFree | Quantiles | None = Field(None, description=ASSUMED)
    why: Why = ""

    @model_validator(mode="after")
    def _complete(self) -> TimeOfEvent:
        check_rows(self)
        return self


class TimeToEvent(Outcome):
    """One event: at a constant hazard, or at a time with a law on a clock of its own."""

    kind: Literal["time to event"] = Field(description="an event that comes once")
    clock: str = Field(
        "randomisation",
        description="when time starts, or the number that tells how long the clock has run then",
        examples=["age"],
    )
    hazard: Stated[EventRate] | None = Field(
        None, description="constant rate at which it comes, without treatment"
    )
    time: TimeOfEvent | None = Field(
        None, description="in place of 'hazard': when it comes on the clock, without treatment"
    )
    shares_frailty_with: str | None = Field(
        None, description="a recurrent outcome: who has many has this sooner", examples=["attack"]
    )
    ends: Literal["everything", "nothing"] = Field(
        "nothing", description="'everything' for death: nothing is seen after it"
    )

    @model_validator(mode="after")
    def _one_law(self) -> TimeToEvent:
        if (self.hazard is None) == (self.time is None):
            mend = "keep one of the two" if self.hazard else "add 'hazard: {...}' or 'time: {...}'"
            raise Fault("expected either 'hazard' or 'time'", mend)
        if self.hazard is not None and self.clock != "randomisation":
            mend = "remove 'clock', or state 'time'"
            raise Fault("a constant hazard has no clock of its own", mend)
        if self.time is not None and self.shares_frailty_with is not None:
            mend = "remove 'shares_frailty_with', or state 'hazard'"
            raise Fault("only a constant hazard shares a frailty yet", mend)
        return self


class Faster(Stated[Slope]):
    """A baseline variable with which the score changes faster: coefficient of a regression."""

    variable: str = Field(description="a number among the patients'", examples=["onset_age"])
    per: float = Field(1.0, gt=0, description="units of the variable it is for", examples=[100])
    unit: str = Field(description="of the slope, for people", examples=["points a year per year"])
    conversion: Unpublished | None = Field(
        None, description="points of this score for one point of the score that was published"
    )


class Longitudinal(Outcome):
    """A score on a bounded scale: random level and slope, noise at each visit, steps."""

    kind: Literal["longitudinal"] = Field(description="a score that is read at visits")
    unit: Unit
    range: Bounds = Field(description="lowest and highest score", examples=["0 to 93"])
    step: float = Field(1.0, gt=0, description="smallest difference of readings", examples=[0.5])
    at_screening: Stated[Mean] = Field(description="mean and SD as read before any selection")
    change_after: Duration = Field(
        description="the time after which the two change statistics hold", examples=["48 weeks"]
    )
    among: Condition | None = Field(None, description="patients in whom the change was published")
    mean_change: Stated[Mean] = Field(description="mean change without study treatment")
    spread_of_change: Stated[Spread] = Field(description="SD of that change between patients")
    visit_noise_share: Unpublished = Field(
        description="share of the variance of change that is noise of the two visits"
    )
    level_and_slope: Unpublished = Field(description="correlation of a patient's level and slope")
    faster_with: list[Faster] = Field(
        default_factory=list, description="baseline numbers with which the score changes faster"
    )


AnyOutcome = Annotated[Recurrent | TimeToEvent | Longitudinal, Discriminator("kind")]
