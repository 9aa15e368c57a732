"""Looks at one estimand: how alpha is spent over them, and what futility means at them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from raresim.errors import Fault
from raresim.files.schema import Spec

Family = Literal["obrien-fleming", "pocock", "hwang-shih-decani", "kim-demets"]
PARAMETERS = {"hwang-shih-decani": "gamma", "kim-demets": "rho"}
"""Spending functions with a parameter, and what it is called."""


class Spending(Spec):
    """A spending function with its parameter."""

    spend: Family = Field("obrien-fleming", description="how the error is spent: late, or evenly")
    gamma: float | None = Field(
        None,
        ge=-40,
        le=40,
        description="of hwang-shih-decani: the lower, the later; 1 is much like pocock",
        examples=[-4],
    )
    rho: float | None = Field(
        None,
        gt=0,
        le=50,
        description="of kim-demets: information to this power; 3 is much like obrien-fleming",
        examples=[3],
    )

    @model_validator(mode="after")
    def _parameter(self) -> Any:
        wanted = PARAMETERS.get(self.spend)
        for name in PARAMETERS.values():
            told = getattr(self, name) is not None
            if name == wanted and not told:
                raise Fault(f"{self.spend!r} needs its {name!r}", f"add '{name}: ...'")
            if name != wanted and told:
                raise Fault(f"{self.spend!r} takes no {name!r}", f"remove {name!r}")
        return self

    @property
    def parameter(self) -> float | None:
        """The parameter of the spending function, None where it has none."""
        return self.gamma if self.spend == "hwang-shih-decani" else self.rho


class Boundary(Spending):
    """When looks at an estimand reject: by alpha spending, a classical shape, or numbers on z."""

    shape: Literal["obrien-fleming", "pocock", "wang-tsiatis", "haybittle-peto"] | None = Field(
        None,
        description="instead of 'spend': a classical boundary, whose looks come as planned",
        examples=["obrien-fleming"],
    )
    delta: float | None = Field(
        None,
        ge=-1,
        le=1,
        description="of wang-tsiatis: 0 is obrien-fleming, 0.5 pocock",
        examples=[0.25],
    )
    critical: list[float] | None = Field(
        None,
        min_length=1,
        max_length=10,
        description="instead of 'spend': the critical value of each look, on z",
        examples=[[2.8, 1.98]],
    )
    looks: int | list[float] | None = Field(
        None,
        description="planned looks: their number, or the share of information at each, up to 1",
        examples=[2, [0.5, 1]],
    )
    combine: Literal["inverse normal"] | None = Field(
        None,
        description="p-values of the separate stages, with weights as the looks were planned: "
        "n may then follow what a look shows",
    )
    planned_information: int = Field(
        ge=2,
        description="at the last look: patients with an event of a 'time to first', events of "
        "'events of', patients analysed of all others",
        examples=[44],
    )

    @field_validator("looks")
    @classmethod
    def _rising(cls, value: Any) -> Any:
        if isinstance(value, int):
            if not 1 <= value <= 10:
                raise Fault("expected 1 to 10 looks", "write fewer looks")
        elif value is not None:
            steps = [b - a for a, b in zip([0.0, *value], value, strict=False)]
            if not value or len(value) > 10 or min(steps) < 0.01 or value[-1] != 1:
                raise Fault("expected shares that rise, by 0.01 or more, to 1", "such as [0.5, 1]")
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> Boundary:
        told = [k for k in ("spend", "shape", "critical") if k in self.model_fields_set]
        if len(told) > 1:
            raise Fault(f"{told[0]!r} and {told[1]!r} are two boundaries", "keep one of them")
        if self.shape != "wang-tsiatis" and self.delta is not None:
            raise Fault("only 'shape: wang-tsiatis' takes 'delta'", "remove 'delta'")
        if self.shape == "wang-tsiatis" and self.delta is None:
            raise Fault("'wang-tsiatis' needs its 'delta'", "add 'delta: 0.25'")
        for key in ("shape", "combine"):
            if getattr(self, key) and self.looks is None:
                raise Fault(f"{key!r} needs the planned looks", "add 'looks: [0.5, 1]'")
        values = self.critical
        if values and self.looks is not None and len(values) != len(self.timing):
            raise Fault("looks and critical values differ in number", "write one for each look")
        return self

    @property
    def timing(self) -> tuple[float, ...]:
        """Planned information at each look, as a share of that at the last; () if not told."""
        if isinstance(self.looks, int):
            return tuple((k + 1) / self.looks for k in range(self.looks))
        return tuple(self.looks or ())

    @property
    def number(self) -> int | None:
        """How many looks there are to be, None where any number will do."""
        return len(self.critical) if self.critical else len(self.timing) or None


class Threshold(Spec):
    """A one-sided p-value beyond which the trial, or an arm, stops; it binds nobody to it."""

    p_above: float = Field(gt=0, lt=1, description="one-sided p-value", examples=[0.5])


class BetaSpending(Spending):
    """A lower boundary, which spends the type II error; below it a look finds futility."""

    spend: Family = Field(description="how the type II error is spent: late, or evenly")
    power: float = Field(
        gt=0.5,
        lt=1,
        description="1 - the type II error at planned_information, futility obeyed",
        examples=[0.9],
    )
    binding: bool = Field(
        False, description="whether the level counts on futility being obeyed; seldom wise"
    )


class _Chance(Spec):
    planned_information: int | None = Field(
        None, ge=2, description="at the last look, where there is no boundary", examples=[90]
    )


class ConditionalPower(_Chance):
    """Futility where the last look would hardly reject if the trend so far were the truth."""

    conditional_power_below: float = Field(
        gt=0, lt=1, description="chance to reject at the last look", examples=[0.2]
    )


class PredictivePower(_Chance):
    """The same, over what is to be believed of the effect after the look, from a flat prior."""

    predictive_power_below: float = Field(
        gt=0, lt=1, description="chance to reject at the last look", examples=[0.1]
    )


class LowZ(Spec):
    """Futility at a z below a line, as in multi-arm multi-stage designs."""

    z_below: float = Field(
        ge=-10, le=10, description="z at which an arm is given up, or lower", examples=[0]
    )


class FewResponders(Spec):
    """Futility where too few of those whose answer is known have responded (Simon's r1)."""

    responders_at_most: int = Field(
        ge=0, description="patients of 'share with X by week W'", examples=[1]
    )


Futility = Threshold | BetaSpending | ConditionalPower | PredictivePower | LowZ | FewResponders
