"""Outcomes that are read at visits: straight lines, curves of time, diaries."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from raresim.disease.variable_block import Label, Unit
from raresim.errors import Fault
from raresim.evidence import Dispersion, EventRate, Mean, Slope, Spread, Stated
from raresim.evidence.stated import Unpublished
from raresim.files.schema import Bounds, Condition, Duration, Formula, Spec

RANDOMISATION = "randomisation"
CALENDAR = "calendar"


class Outcome(Spec):
    """What every outcome states."""

    label: Label = ""
    better: Literal["fewer", "later", "lower", "higher"] = Field(description="what is good")


class ReadAtVisits(Outcome):
    """What every outcome that is read at visits states."""

    unit: Unit


class Faster(Stated[Slope]):
    """A baseline variable with which the score changes faster: coefficient of a regression."""

    variable: str = Field(description="a number among the patients'", examples=["onset_age"])
    per: float = Field(1.0, gt=0, description="units of the variable it is for", examples=[100])
    unit: str = Field(description="of the slope, for people", examples=["points a year per year"])
    conversion: Unpublished | None = Field(
        None, description="points of this score for one point of the score that was published"
    )


class Longitudinal(ReadAtVisits):
    """A score on a bounded scale: random level and slope, noise at each visit, steps."""

    kind: Literal["longitudinal"] = Field(description="a score that is read at visits")
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


Numbers = dict[str, Stated[Mean | Slope] | Unpublished]
"""Numbers of a curve that are the same in all patients, by name."""
CLOCK = "where `t` of the curve starts: a number of the patients in a unit of time, to which the "
CLOCK += "time since randomisation is added; 'calendar' for years since the trial's start; without "
CLOCK += "it `t` is years since randomisation"


class Wandering(Spec):
    """Slow ups and downs of a patient about the curve, better for a while, worse for a while."""

    spread: Stated[Spread] | Unpublished = Field(
        description="SD of the ups and downs, in the score's unit; of a diary, of the log rate"
    )
    half_life: Duration = Field(
        description="time after which half of a deviation is left", examples=["6 months"]
    )

    @model_validator(mode="after")
    def _lasts(self) -> Wandering:
        if self.half_life < 1:
            raise Fault("expected a half-life of a day or more", "write 'half_life: 6 months'")
        return self


class Curved(ReadAtVisits):
    """What outcomes state that follow a curve of time, another one in each patient."""

    clock: str = Field(RANDOMISATION, description=CLOCK, examples=["age"])
    numbers: Numbers = Field(
        default_factory=dict,
        max_length=20,
        description="numbers of the curve that are the same in all patients: a mean or a slope as "
        "printed, or an interval that nobody published",
        examples=[
            {
                "steepness": {
                    "assumed": {"lower": 3, "centre": 4, "upper": 5},
                    "why": "nobody printed it",
                }
            }
        ],
    )
    wanders: Wandering | None = Field(None, description="slow ups and downs within a patient")


class Trajectory(Curved):
    """A score on a bounded scale that follows a curve of its own in each patient."""

    kind: Literal["trajectory"] = Field(description="a score that follows a curve of time")
    range: Bounds = Field(description="lowest and highest score", examples=["0 to 48"])
    step: float = Field(1.0, gt=0, description="smallest difference of readings", examples=[0.1])
    curve: Formula = Field(
        description="the score without treatment, from the patients' numbers, `numbers` and `t`",
        examples=["48 / (1 + exp(steepness * (t / half_time - 1)))"],
    )
    noise: Stated[Spread] | Unpublished = Field(
        description="SD of one reading about the curve, rounding included"
    )


class Diary(Curved):
    """Events counted in a diary: a visit reads how many came since the visit before."""

    kind: Literal["diary"] = Field(description="counts between visits, as a rate")
    per: Duration = Field(description="the time to which rates refer", examples=["28 days"])
    rate: Formula = Field(
        description="events expected in that time without treatment, from the patients' numbers, "
        "`numbers` and `t`",
        examples=["seizure_rate"],
    )
    between_periods: Stated[Dispersion] | Unpublished = Field(
        description="theta of the patient's own activity from one such time to the next; large: "
        "counts are Poisson about the patient's rate"
    )

    @model_validator(mode="after")
    def _lasts(self) -> Diary:
        if self.per <= 0:
            raise Fault("expected a time above zero", "write 'per: 28 days'")
        return self


class Move(Stated[EventRate]):
    """How often patients in one state move to another, without treatment."""

    origin: str = Field(alias="from", description="a state", examples=["remission"])
    to: str = Field(description="another state", examples=["relapse"])


class States(ReadAtVisits):
    """A course through states, back as well as on; a visit reads the state of the day."""

    kind: Literal["states"] = Field(description="states between which patients move at rates")
    unit: Unit = "state"
    states: list[str] = Field(
        min_length=2,
        max_length=10,
        description="from best to worst; read as 0, 1, ...",
        examples=[["remission", "relapse"]],
    )
    starts: str = Field(
        description="a category of the patients with the same states: where each begins",
        examples=["activity_at_entry"],
    )
    moves: list[Move] = Field(
        min_length=1,
        max_length=90,
        description="moves between states; treatment multiplies those to worse ones",
    )

    @property
    def range(self) -> tuple[float, float]:
        """The numbers of the best and the worst state."""
        return 0.0, len(self.states) - 1.0

    @model_validator(mode="after")
    def _sound(self) -> States:
        pairs = [(move.origin, move.to) for move in self.moves]
        if len(set(pairs)) < len(pairs):
            raise Fault("a move stands here twice", "keep one of the two")
        if any(origin == to for origin, to in pairs):
            raise Fault("a move leads to another state", "remove the move from a state to itself")
        if self.better != "lower":
            raise Fault("states are listed from best to worst", "write 'better: lower'")
        return self
