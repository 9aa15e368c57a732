"""The `published` block of a back-test: what really happened, which no simulation reads."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Annotated, Any, ClassVar

from pydantic import Discriminator, Field, Tag, model_validator

from raresim.errors import Fault
from raresim.evidence import Difference, Mean, Ratio, Share, Statistic
from raresim.files.schema import Spec

EVIDENCE = "as printed, with its 'source' and what gives its standard error"
NAIVE = "the same from earlier reports, as they stand: the predictor to beat"
Arm = Annotated[str, Field(description="an arm of the design", examples=["placebo"])]


class Result(Spec, ABC):
    """One published number; each kind says what it is about and what of it is scored."""

    key: ClassVar[str]

    @property
    @abstractmethod
    def what(self) -> str:
        """What the number is about, for people."""

    def _sound(self, word: str, statistic: Statistic) -> None:
        """Refuse a statistic that this kind of result cannot use."""

    @model_validator(mode="after")
    def _told(self) -> Result:
        for word in ("evidence", "naive"):
            statistic = getattr(self, word)
            if statistic is None:
                continue
            self._sound(word, statistic)
            if not statistic.source:
                raise Fault(f"{word!r} names its 'source'", "add 'source:'")
            if scored(statistic)[1] is None:
                raise Fault(f"{word!r} has no standard error", "add 'n', 'se' or 'ci'")
        return self


class ShareResult(Result):
    """The share of an arm's patients with an event."""

    key = "share_with"
    arm: Arm
    share_with: str = Field(
        description="an outcome: the share of patients with an event", examples=["event"]
    )
    evidence: Share = Field(description=EVIDENCE)
    naive: Share | None = Field(None, description=NAIVE)

    @property
    def what(self) -> str:
        """What the number is about, for people."""
        return f"{self.arm}: share with {self.share_with}"

    def _sound(self, word: str, statistic: Statistic) -> None:
        assert isinstance(statistic, Share)
        if statistic.n is None or isinstance(statistic.share, dict):
            raise Fault(f"{word!r} needs one share and its 'n'", "write {share: 0.68, n: 41}")


class ChangeResult(Result):
    """The mean change of a score in an arm, as at one visit."""

    key = "change_of"
    arm: Arm
    change_of: str = Field(description="a score", examples=["alsfrs"])
    at_week: int = Field(ge=1, description="a visit of the design", examples=[24])
    evidence: Mean = Field(description=EVIDENCE)
    naive: Mean | None = Field(None, description=NAIVE)

    @property
    def what(self) -> str:
        """What the number is about, for people."""
        return f"{self.arm}: change in {self.change_of} at week {self.at_week}"

    @property
    def column(self) -> str:
        """The column of the trials' table that holds it."""
        return f"{self.arm}.{self.change_of}.change.week{self.at_week}"


class EffectResult(Result):
    """The effect of treatment on an estimand."""

    key = "effect"
    effect: str = Field(description="an estimand of the analysis", examples=["change"])
    evidence: Ratio | Difference = Field(description=EVIDENCE)
    naive: Ratio | Difference | None = Field(None, description=NAIVE)

    @property
    def what(self) -> str:
        """What the number is about, for people."""
        return f"effect: {self.effect}"


AnyResult = ShareResult | ChangeResult | EffectResult
KINDS: tuple[type[AnyResult], ...] = (ShareResult, ChangeResult, EffectResult)


def scored(statistic: Statistic) -> tuple[float, float | None]:
    """Return the number that is scored, and its standard error: of a ratio, its logarithm.

    >>> number, error = scored(Ratio(hazard_ratio=0.5, ci=[0.25, 1.0]))
    >>> round(number, 3), round(error, 3)
    (-0.693, 0.354)
    """
    if isinstance(statistic, Ratio):
        return math.log(statistic.ratio), statistic.log_se
    name = "yes" if isinstance(statistic, Share) else next(iter(statistic.numbers()))
    return statistic.numbers().get(name, math.nan), statistic.errors().get(name)


def _kind(value: Any) -> str | None:
    if isinstance(value, Result):
        return type(value).__name__
    keys = value if isinstance(value, dict) else {}
    return next((kind.__name__ for kind in KINDS if kind.key in keys), None)


class Published(Spec):
    """What a trial that really happened found."""

    trial: str = Field(description="its name", examples=["ENDEAR"])
    sources: list[str] = Field(
        min_length=1,
        description="every source of that trial: no input of the model may come from one",
        examples=[["endear"]],
    )
    effect_set: bool = Field(
        False, description="true where the effect was set to the published one: it is not scored"
    )
    results: list[
        Annotated[
            Annotated[ShareResult, Tag("ShareResult")]
            | Annotated[ChangeResult, Tag("ChangeResult")]
            | Annotated[EffectResult, Tag("EffectResult")],
            Discriminator(
                _kind,
                custom_error_type="result",
                custom_error_message="expected one of " + ", ".join(kind.key for kind in KINDS),
            ),
        ]
    ] = Field(min_length=1, max_length=20, description="its numbers")
