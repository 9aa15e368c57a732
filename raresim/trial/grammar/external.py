"""An external control in the truth block: patients of a registry, and how they differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field, model_validator
from scipy.special import expit

from raresim import limits
from raresim.errors import Fault
from raresim.evidence.stated import SourceKey, Why
from raresim.evidence.statistics import Floats
from raresim.files.schema import Amount, Condition, Duration, Span, Spec


class Selected(Spec):
    """How a number, as seen at screening, tilts who gets into the registry."""

    odds_ratio: float = Field(
        gt=0,
        le=100,
        description="the odds of being in it of two patients who differ by 'for'",
        examples=[1.5],
    )
    for_: Amount = Field(
        alias="for", description="a difference of the number", examples=["5 years"]
    )
    even_at: Amount = Field(
        description="where a patient is as likely in it as not, all else even",
        examples=["15 years"],
    )

    @model_validator(mode="after")
    def _differ(self) -> Selected:
        if self.for_ == 0:
            raise Fault("expected a difference other than zero", "write 'for: 10'")
        return self


class Rating(Spec):
    """What the registry's readings of a score have that those of the trial have not."""

    sd: Amount = Field(0.0, ge=0, description="SD of more noise in each reading", examples=[2])
    later: Amount = Field(
        0.0,
        description="what its raters add to each reading after time zero, such as ratings of who "
        "knows that nobody is treated",
        examples=["0.5 points"],
    )


Found = Annotated[float, Field(ge=0, le=1)]


class Immortal(Spec):
    """Time after time zero in which nobody of the registry can have had an event."""

    first: Duration = Field(
        alias="for", description="who has an event by then never gets in", examples=["6 months"]
    )
    without: list[str] = Field(
        min_length=1,
        max_length=20,
        description="the events that keep them out",
        examples=[["death"]],
    )

    @model_validator(mode="after")
    def _some_time(self) -> Immortal:
        if self.first <= 0:
            raise Fault("expected 'for' above zero", "write a time, such as '6 months'")
        return self


class External(Spec):
    """Patients who were never randomised: of the same disease, seen elsewhere or before."""

    n: Annotated[int, AfterValidator(limits.PATIENTS.check)] = Field(
        gt=1,
        description="patients in it who are compared",
        examples=[60],
        json_schema_extra={"maximum": limits.PATIENTS.value},
    )
    eligible: Condition | None = Field(
        None,
        description="who gets into it; as 'design.eligible' if not told",
        examples=["age >= 16"],
    )
    selected: dict[str, Selected] = Field(
        default_factory=dict,
        max_length=10,
        description="numbers and scores that tilt who is in it: confounding, measured where the "
        "analysis adjusts for them",
    )
    earlier: Span | None = Field(
        None,
        description="how long before the trial's start their time zero lay; acts by 'drift'",
        examples=["2 to 6 years"],
    )
    window: Duration | None = Field(
        None,
        description="how early or late its visits may be; as in the trial if not told",
        examples=["21 days"],
    )
    missed_visits: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="share of its visits missed; as in the trial if not told",
        examples=[0.15],
    )
    readings: dict[str, Rating] = Field(
        default_factory=dict, max_length=20, description="by score: how its readings differ"
    )
    finds: dict[str, Found] = Field(
        default_factory=dict,
        max_length=20,
        description="by outcome or adverse event: share of the events that it writes down",
        examples=[{"infection": 0.8}],
    )
    immortal: Immortal | None = Field(
        None, description="time zero lies before anybody could be seen to have an event"
    )
    why: Why = ""
    source: SourceKey = ""


def chance(spec: External, values: Mapping[str, Any]) -> Floats:
    """Return the chance of each patient to get into the registry, by values seen at screening.

    logit = sum over numbers of log(odds_ratio) (value - even_at) / for; 1 where nothing selects.
    """
    if not spec.selected:
        return np.ones((1, 1))
    parts = [
        np.log(tilt.odds_ratio) * (values[name] - tilt.even_at) / tilt.for_
        for name, tilt in spec.selected.items()
    ]
    return np.asarray(expit(np.add.reduce(parts)), np.float64)
