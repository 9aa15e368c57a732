"""The `published` block of a back-test: what really happened, which no simulation reads."""

from __future__ import annotations

from pydantic import Field, model_validator

from raresim.errors import Fault
from raresim.evidence import Share
from raresim.files.schema import Spec


class ArmResult(Spec):
    """One published number of one arm."""

    arm: str = Field(description="an arm of the design", examples=["placebo"])
    share_with: str = Field(
        description="an outcome: the share of patients with an event", examples=["event"]
    )
    evidence: Share = Field(description="as printed, with 'n' and 'source'")
    naive: Share | None = Field(
        None, description="the same from earlier reports, as they stand: the predictor to beat"
    )

    @model_validator(mode="after")
    def _counted(self) -> ArmResult:
        for word in ("evidence", "naive"):
            share = getattr(self, word)
            if share is not None and (share.n is None or isinstance(share.share, dict)):
                raise Fault(f"{word!r} needs one share and its 'n'", "write {share: 0.68, n: 41}")
            if share is not None and not share.source:
                raise Fault(f"{word!r} names its 'source'", "add 'source:'")
        return self


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
    results: list[ArmResult] = Field(min_length=1, max_length=20, description="its numbers")
