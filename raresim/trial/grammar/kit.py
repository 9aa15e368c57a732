"""Drug kits in the design block: how many a site has, and when more are sent."""

from __future__ import annotations

from pydantic import Field, model_validator

from raresim.errors import Fault
from raresim.files.schema import Duration, Spec


class Kits(Spec):
    """Drug kits at each site; a kit holds one patient's whole treatment of one arm.

    A site randomises only while it has a kit of every arm that is open. If it went on with the arms
    that are left, whoever sees its shelf would know who cannot come next, or the patient would get
    what is there in place of the arm whose turn it is. A candidate whose screening is over waits
    for the kits, with what was read at screening, and is never randomised if recruitment closes
    first. A site that is open when a milestone opens an arm has its first kits of it at once.
    """

    first: int = Field(
        ge=1, description="kits of each open arm on a site's shelf when it opens", examples=[2]
    )
    order_at: int = Field(
        0,
        ge=0,
        description="a site orders when so many kits of an arm are left, those on their way too",
        examples=[1],
    )
    order: int = Field(ge=1, description="kits of that arm in an order", examples=[2])
    arrives_after: Duration = Field(
        description="from an order to its arrival; a step of the clock at least",
        examples=["2 weeks"],
    )

    @model_validator(mode="after")
    def _order_later(self) -> Kits:
        if self.order_at >= self.first:
            mend = f"write 'first: {self.order_at + 1}' or more, or order later"
            raise Fault("a site would have to order on the day on which it opens", mend)
        return self
