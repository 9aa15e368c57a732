"""A run-in: untreated observation, or a treatment for all, before some are randomised."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, model_validator

from raresim.errors import Fault
from raresim.files.schema import Duration, Spec


class TreatedRunIn(Spec):
    """A time under treatment between screening and randomisation, for all who come."""

    for_: Duration = Field(alias="for", description="how long it lasts", examples=["8 weeks"])
    give: str = Field(
        min_length=1,
        description="a treatment of the design, or an arm that is one",
        examples=["drug"],
    )

    @model_validator(mode="after")
    def _lasts(self) -> TreatedRunIn:
        if self.for_ <= 0:
            raise Fault("a run-in lasts for some time", "write 'for: 8 weeks'")
        return self


def _kind(value: Any) -> str:
    """Return which kind of run-in a file states: a time alone, or a treatment as well."""
    return "TreatedRunIn" if isinstance(value, (dict, TreatedRunIn)) else "Duration"


RunIn = Annotated[
    Annotated[Duration, Tag("Duration")] | Annotated[TreatedRunIn, Tag("TreatedRunIn")],
    Discriminator(_kind),
]
"""A duration is untreated observation."""
