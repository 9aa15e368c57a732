"""What a trial costs: unit prices in the design, so that a design has a price."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from raresim.evidence.stated import SourceKey, Why
from raresim.files.schema import Spec

Price = Annotated[float, Field(ge=0)]


class Costs(Spec):
    """Prices in one currency; what is not named costs nothing."""

    currency: str = Field("EUR", description="currency of all prices", examples=["EUR"])
    start: Price = Field(0.0, description="once", examples=[400000])
    month: Price = Field(
        0.0, description="each month from the start to the end of the trial", examples=[50000]
    )
    site: Price = Field(0.0, description="each site that opens", examples=[25000])
    site_month: Price = Field(
        0.0, description="each month in which a site is open", examples=[1500]
    )
    screening: Price = Field(0.0, description="each screening, repeated ones too", examples=[3000])
    patient: Price = Field(0.0, description="each patient randomised", examples=[20000])
    visit: Price = Field(0.0, description="each visit that takes place", examples=[1500])
    kit: Price = Field(
        0.0, description="each drug kit that is sent, first ones too", examples=[4000]
    )
    why: Why = ""
    source: SourceKey = ""
