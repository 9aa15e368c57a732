"""The stages of an estimand: a trial that compares treatments twice in the same patients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, model_validator

from raresim.errors import Fault
from raresim.evidence.stated import Why
from raresim.files.schema import Spec
from raresim.trial.grammar.arm import Planned
from raresim.trial.grammar.patient import Line

BY_STAGES = " by stages"


class Stage(Spec):
    """A stage: the visit that ends it, what its changes are compared with, who counts in it."""

    week: int = Field(ge=1, description="week of the visit that ends it", examples=[24])
    since: int = Field(
        0,
        ge=0,
        description="week of the visit with which its readings are compared, and since which its "
        "events count; 0 for randomisation",
        examples=[12],
    )
    unless: Line | None = Field(
        None,
        description="who does not count in it: whose score was past a line at the end of the stage "
        "before, or who had events in it",
        examples=[{"score": "mfars", "falls_by": 3}],
    )
    only_if: Line | None = Field(
        None, description="who counts in it, as for 'unless'", examples=[{"event": "attack"}]
    )

    @model_validator(mode="after")
    def _sound(self) -> Stage:
        if self.unless is not None and self.only_if is not None:
            raise Fault("expected either 'unless' or 'only_if'", "keep one of the two")
        if self.since >= self.week:
            raise Fault("a stage ends after it begins", f"write 'since' below {self.week}")
        return self

    @property
    def line(self) -> Line | None:
        """What decides who counts, None where everybody does."""
        return self.unless if self.unless is not None else self.only_if


Beta = Annotated[
    list[Annotated[float, Field(gt=0, le=1000)]],
    Field(min_length=2, max_length=2, examples=[[1, 1]]),
]


class StagePrior(Spec):
    """Priors of a Bayesian joint stage model, independent of each other."""

    rates: Beta = Field(description="the beta law of each treatment's response rate")
    non_responders: Beta = Field(
        [1.0, 1.0],
        description="the beta law of the factor by which the rate is lower after no response",
    )
    responders: float = Field(
        3.0,
        gt=0,
        le=1000,
        description="shape of the Pareto law, from 1, of responders' factor",
        examples=[3],
    )
    why: Why = ""

    @model_validator(mode="after")
    def _reasoned(self) -> StagePrior:
        if not self.why:
            raise Fault("a prior says 'why'", "add 'why: ...'")
        return self


def stages_of(
    variable: str, stages: Sequence[Stage], weight: float | None, treatment: str, against: str
) -> None:
    """Refuse stages that do not fit their variable, or each other."""
    if variable.endswith(BY_STAGES) != bool(stages):
        if stages:
            raise Fault("stages belong to a variable 'by stages'", "write '... by stages'")
        raise Fault("'by stages' needs its stages", "add 'stages: [{week: 12}, {week: 24}]'")
    if not stages:
        own = {"weight": weight, "treatment": treatment, "against": against}
        for key in (key for key, value in own.items() if value):
            raise Fault(f"{key!r} belongs to a variable 'by stages'", f"remove {key!r}")
        return
    _in_order(stages)
    if (weight is None) == (not treatment):
        mend = "keep one of the two" if treatment else "add 'weight: 0.5'"
        raise Fault("expected either 'weight' (of stage 1) or 'treatment'", mend)
    if against and not treatment:
        raise Fault("'against' goes with 'treatment'", "remove 'against'")
    if treatment and not variable.startswith("share"):
        raise Fault("'treatment' compares shares", "write 'share with X by stages'")
    if treatment and stages[1].line is not None:
        message = "everybody who goes on counts in both stages"
        raise Fault(message, "remove 'unless' and 'only_if'; the arms' periods have them")


def _in_order(stages: Sequence[Stage]) -> None:
    if len(stages) != 2:
        raise Fault("expected two stages", "write 'stages: [{week: 12}, {week: 24}]'")
    if stages[0].line is not None:
        raise Fault("everybody counts in the first stage", "remove 'unless' and 'only_if' from it")
    if stages[0].week >= stages[1].week:
        raise Fault("the second stage ends after the first", "write the stages in order")


def period_of(periods: tuple[Planned, ...], stages: Sequence[Stage], number: int) -> int:
    """Return the number of the period in which the middle of a stage lies."""
    begin = stages[number - 1].week if number else 0
    middle = 7.0 * (begin + stages[number].week) / 2
    return max(k for k, period in enumerate(periods) if period.since <= middle)
