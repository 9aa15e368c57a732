"""What treatments do in the truth block: how large, how fast, in whom; and what time does."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from raresim.errors import Fault
from raresim.evidence import Difference, Ratio
from raresim.evidence.forms import IN_ANY_FORM
from raresim.evidence.stated import SourceKey, Why
from raresim.files.schema import Amount, Condition, Duration, Spec


class EffectSpec(Spec):
    """What an arm does to one outcome: published, or assumed with a reason, or no effect."""

    bare: ClassVar = "assumed"  # a file may write its statistic alone, see `_plain`

    evidence: Annotated[Ratio | Difference, IN_ANY_FORM] | None = Field(
        None, description="as printed, with 'source'"
    )
    assumed: Ratio | Difference | None = Field(None, description="not printed: with 'why'")
    why: Why = ""
    half_life: Duration | None = Field(
        None,
        description="a difference comes and goes with this half-life (symptomatic); else it grows "
        "with the time under treatment and is kept (disease-modifying)",
        examples=["1 week"],
    )
    lasts: Duration | None = Field(
        None,
        description="a ratio lasts so long after treatment with it has ended (carry-over)",
        examples=["2 weeks"],
    )
    responders: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of patients in whom the treatment acts; the statistic is the average "
        "over all, so that each of them has more of it",
        examples=[0.6],
    )
    only_where: Condition | None = Field(
        None,
        description="patients in whom the treatment acts, by variables of the model; the statistic "
        "is theirs",
        examples=["inheritance is x_linked"],
    )

    on_top_of: str = Field(
        "",
        description="another treatment whose effect on this outcome this one has as well, in the "
        "same patients: the drug's beside the response to placebo",
        examples=["placebo"],
    )

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        """Let a file write `{rate_ratio: 1}` for an assumption that needs no reason: no effect."""
        if isinstance(value, dict) and not {"evidence", "assumed"} & set(value):
            return {"assumed": value, "why": "no effect"}
        return value

    @model_validator(mode="after")
    def _sound(self) -> EffectSpec:
        if (self.evidence is None) == (self.assumed is None):
            mend = "keep one of the two" if self.evidence else "add one of the two"
            raise Fault("expected either 'evidence' or 'assumed'", mend)
        if self.evidence is not None and not self.evidence.source:
            raise Fault("evidence names its 'source'", "add 'source:'")
        if self.assumed is not None and not self.why:
            raise Fault("an assumption says 'why'", "add 'why: ...' beside 'assumed'")
        if self.why == "no effect" and not self.is_null:
            message = "an effect needs 'evidence' with a source, or 'assumed' with 'why'"
            raise Fault(message, "write {assumed: {...}, why: ...}")
        self._acts()
        return self

    def _acts(self) -> None:
        """Refuse what cannot act as it says."""
        statistic = self.statistic
        if isinstance(statistic, Difference):
            if self.half_life is not None and self.half_life <= 0:
                raise Fault("expected a half-life above zero", "write a time, such as '1 week'")
            if self.lasts is not None:
                mend = "remove 'lasts', or state a 'half_life'"
                raise Fault("a difference comes and goes, or is kept", mend)
            return
        if self.half_life is not None:
            raise Fault("a ratio has no half-life", "remove 'half_life', or state a difference")
        lowest = statistic.ci[0] if statistic.ci else statistic.ratio
        if lowest <= 1 - self.responders:
            message = f"a ratio of {lowest:g} needs more than {1 - lowest:.0%} responders"
            raise Fault(message, f"write 'responders' above {1 - lowest:g}")

    @property
    def statistic(self) -> Ratio | Difference:
        """The statistic, wherever it comes from."""
        found = self.evidence if self.evidence is not None else self.assumed
        assert found is not None
        return found

    @property
    def is_null(self) -> bool:
        """Whether this is no effect at all."""
        statistic = self.statistic
        return statistic.ratio == 1 if isinstance(statistic, Ratio) else statistic.difference == 0


class Drift(Spec):
    """What changes for patients of all arms with each year by which they are randomised later."""

    rate_ratio: float | None = Field(
        None, gt=0, le=10, description="of events: ratio for each year later", examples=[0.9]
    )
    difference: Amount | None = Field(
        None, description="of a score: what is added by 'after' for each year later"
    )
    after: Duration | None = Field(
        None, description="time since randomisation in which the difference grows"
    )
    why: Why = ""
    source: SourceKey = ""

    @model_validator(mode="after")
    def _one_of(self) -> Drift:
        if (self.rate_ratio is None) == (self.difference is None):
            mend = "add one of the two" if self.rate_ratio is None else "keep one of the two"
            raise Fault("expected either 'rate_ratio' or 'difference'", mend)
        if (self.difference is None) != (self.after is None):
            raise Fault("a difference grows in a time", "write 'difference' and 'after' together")
        if self.after is not None and self.after <= 0:
            raise Fault("expected 'after' above zero", "write a time, such as '48 weeks'")
        return self
