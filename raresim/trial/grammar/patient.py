"""What happens to patients during a trial, of the truth block: leaving, side effects, rescue."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from raresim.errors import Fault
from raresim.evidence import Difference, Ratio
from raresim.evidence.stated import SourceKey, Why
from raresim.files.schema import Amount, Duration, Rate, Spec
from raresim.trial.grammar.endpoint import ScorePasses


def _not_negative(ratios: dict[str, float]) -> dict[str, float]:
    if any(ratio < 0 for ratio in ratios.values()):
        raise Fault("expected ratios of zero or more", "write {drug: 1.5}")
    return ratios


ByArm = Annotated[
    dict[str, float],
    AfterValidator(_not_negative),
    Field(
        description="what the rate is multiplied by on some arms' treatments; 1 on the others",
        examples=[{"drug": 1.5}],
    ),
]


class Predictor(Spec):
    """A score on which a hazard depends: the rate times hazard_ratio ** (x / for)."""

    score: str = Field(description="an outcome that is read at visits", examples=["walk"])
    seen: bool = Field(
        True,
        description="true: x is what was read at the last visit that took place (missing at "
        "random); false: the true value, which nobody sees (missing not at random)",
    )
    hazard_ratio: float = Field(
        gt=0, description="ratio of the hazards of two patients who differ by 'for'", examples=[1.3]
    )
    for_: Amount = Field(alias="for", description="a difference of the score", examples=["-30 m"])
    of: Literal["value", "change"] = Field(
        "value", description="of the score itself, or of its change since randomisation"
    )

    @model_validator(mode="after")
    def _differ(self) -> Predictor:
        if self.for_ == 0:
            raise Fault("expected a difference other than zero", "write 'for: 10'")
        return self


class Hazard(Spec):
    """A rate at which something happens to a patient: constant, or following scores."""

    rate: Rate = Field(description="events for each patient and unit of time")
    by_arm: ByArm = Field(default_factory=dict)
    follows: list[Predictor] = Field(
        default_factory=list, max_length=10, description="scores on which it depends"
    )
    why: Why = ""
    source: SourceKey = ""

    @model_validator(mode="after")
    def _happens(self) -> Hazard:
        if self.rate == 0 and (self.follows or self.by_arm):
            message = "a rate of zero depends on nothing"
            raise Fault(message, "write a rate above zero, or remove 'follows' and 'by_arm'")
        return self


class LowerDose(Spec):
    """Events after which the dose is lowered."""

    share: float = Field(
        ge=0, le=1, description="share of the events that do not end treatment", examples=[0.3]
    )
    to: float = Field(ge=0, lt=1, description="the dose is multiplied by", examples=[0.5])


class AdverseEvent(Spec):
    """An adverse event: a Poisson process in each patient, with what it does to treatment."""

    rate: Rate = Field(description="events for each patient and unit of time, off treatment")
    by_arm: ByArm = Field(default_factory=dict)
    once: bool = Field(False, description="true: only the first event of a patient counts")
    while_: Literal["treated", "always"] = Field(
        "treated",
        alias="while",
        description="treated: it comes only until treatment ends; always: after that at 'rate'",
    )
    stops_treatment: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the events that end treatment at once",
        examples=[0.2],
    )
    lowers_dose: LowerDose | None = Field(None, description="events after which the dose is lower")
    why: Why = ""
    source: SourceKey = ""


class Times(Spec):
    """An event that has come so many times."""

    event: str = Field(description="an outcome of events, or an adverse event", examples=["attack"])
    times: int = Field(1, ge=1, description="at which of them", examples=[3])


Line = ScorePasses | Times
"""What may decide on a patient's treatment: a score that passes a line, or events."""


class Rescue(Spec):
    """Rescue medication: from the day on which a patient needs it, once."""

    when: Line = Field(
        description="need: a line that a score passes at a visit that takes place, or events",
        examples=[{"score": "walk", "falls_by": 30}],
    )
    share: float = Field(
        1.0,
        ge=0,
        le=1,
        description="share of the patients who take it when in need",
        examples=[0.8],
    )
    lasts: Duration | None = Field(
        None, description="how long it is taken; to the end if not told", examples=["12 weeks"]
    )
    effects: dict[str, Ratio | Difference] = Field(
        min_length=1,
        description="what it does to outcomes, beside the arm's own effect",
        examples=[{"walk": {"difference": "10 m", "after": "12 weeks"}}],
    )
    why: Why = ""
    source: SourceKey = ""

    @model_validator(mode="after")
    def _taken(self) -> Rescue:
        if self.lasts == 0:
            raise Fault("a rescue lasts for some time", "write 'lasts: 12 weeks', or remove it")
        return self
