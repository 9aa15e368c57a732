"""What may be given, and the arms: one treatment throughout, or periods one after the other."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field, model_validator

from raresim.errors import Fault
from raresim.files.schema import Duration, Spec
from raresim.trial.grammar.patient import Line

NOTHING = "nothing"
"""The treatment that every design with periods has: no effect, nothing said of it."""


class Regimen(Spec):
    """A treatment that periods may give."""

    give: str = Field(description="what patients get, for people", examples=["the drug"])
    every: str = Field("", description="how often, for people", examples=["day"])


class Period(Spec):
    """A time on one treatment; who does not take it stays on the treatment before, as long."""

    give: str = Field(
        min_length=1, description="a treatment of the design, or 'nothing'", examples=["drug"]
    )
    for_: Duration = Field(
        alias="for",
        description="how long it lasts, for everybody in the arm",
        examples=["48 weeks"],
    )
    unless: Line | None = Field(
        None,
        description="who does not take it: whose score was past a line when last read by its "
        "beginning, or who had events in the period before",
        examples=[{"score": "walk", "falls_by": 30}],
    )
    only_if: Line | None = Field(
        None, description="who takes it, as for 'unless'", examples=[{"event": "attack"}]
    )

    @model_validator(mode="after")
    def _sound(self) -> Period:
        if self.for_ == 0:
            raise Fault("a period lasts for some time", "write 'for: 12 weeks'")
        if self.unless is not None and self.only_if is not None:
            raise Fault("expected either 'unless' or 'only_if'", "keep one of the two")
        return self

    @property
    def line(self) -> Line | None:
        """What decides who takes it, None where everybody does."""
        return self.unless if self.unless is not None else self.only_if


class Arm(Spec):
    """One arm of the trial: what it gets throughout, or its periods."""

    give: str | None = Field(
        None, description="what patients get, for people", examples=["the drug"]
    )
    every: str = Field("", description="how often, for people", examples=["day"])
    periods: list[Period] = Field(
        default_factory=list,
        max_length=12,
        description="treatments one after the other, together as long as 'treat_for'",
        examples=[[{"give": "placebo", "for": "24 weeks"}, {"give": "drug", "for": "24 weeks"}]],
    )

    @model_validator(mode="after")
    def _one_way(self) -> Arm:
        if (self.give is None) == (not self.periods):
            mend = "keep one of the two" if self.periods else "write 'give: the drug'"
            raise Fault("expected either 'give' or 'periods'", mend)
        if self.periods and self.every:
            raise Fault("periods say what is given", "put 'every' with the treatment")
        if self.periods and self.periods[0].line is not None:
            message = "the first period is everybody's: there is none before to stay on"
            raise Fault(message, "remove 'unless' and 'only_if' from it")
        return self


@dataclass(frozen=True)
class Planned:
    """A period of an arm between two days since randomisation.

    `line` decides who takes it (None: everybody): who is past it where `past`, else who is not.
    """

    give: str
    since: float
    until: float
    line: Line | None = None
    past: bool = True


def planned(periods: list[Period], treat_for: float) -> tuple[Planned, ...]:
    """Return the periods of an arm in days since randomisation; the last ends with `treat_for`."""
    found: list[Planned] = []
    since = 0.0
    for number, period in enumerate(periods, 1):
        until = treat_for if number == len(periods) else since + period.for_
        found.append(Planned(period.give, since, until, period.line, period.unless is None))
        since = until
    return tuple(found)
