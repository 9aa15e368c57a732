"""Sites in the design block: how many, when they open, what they are called, where they are."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from raresim import limits
from raresim.errors import Fault
from raresim.files.schema import Duration, Spec


class FirstSites(Spec):
    """Sites that open together."""

    first: int = Field(ge=1, description="sites that open together", examples=[3])
    at: Duration = Field(description="when, since the trial's start")


class MoreSites(Spec):
    """Sites that open one after the other."""

    then: Literal["one"] = Field(description="one site more")
    every: Duration = Field(description="time between two openings", examples=["2 weeks"])


class Sites(Spec):
    """The sites and when they are planned to open."""

    number: Annotated[int, AfterValidator(limits.SITES.check)] = Field(
        ge=1,
        description="sites in all",
        examples=[11],
        json_schema_extra={"maximum": limits.SITES.value},
    )
    open: list[FirstSites | MoreSites] = Field(
        min_length=1, max_length=2, description="the plan of openings"
    )
    names: list[str] | None = Field(
        None, description="names of the sites", examples=[["Bern", "Graz"]]
    )
    countries: dict[str, Annotated[int, Field(ge=1)]] | None = Field(
        None,
        min_length=1,
        description="sites in each country; the first sites are those of the first",
        examples=[{"germany": 3, "france": 4}],
    )

    @model_validator(mode="after")
    def _all_open(self) -> Sites:
        first, *more = self.open
        if not isinstance(first, FirstSites) or (more and not isinstance(more[0], MoreSites)):
            mend = "write [{first: 3, at: day 0}, {then: one, every: 2 weeks}]"
            raise Fault("expected {first: ..., at: ...}, then {then: one, every: ...}", mend)
        if first.first > self.number or (not more and first.first != self.number):
            mend = f"write 'first: {self.number}', or add {{then: one, every: 2 weeks}}"
            if first.first > self.number:
                mend = f"write 'number: {first.first}', or fewer first sites"
            raise Fault(f"the opening plan does not open {self.number} sites", mend)
        if self.names is not None and len(set(self.names)) != self.number:
            raise Fault(f"expected {self.number} different names", "name each site once")
        return self

    @model_validator(mode="after")
    def _all_somewhere(self) -> Sites:
        total = sum((self.countries or {}).values())
        if self.countries is not None and total != self.number:
            message = f"expected {self.number} sites in all countries, there are {total}"
            raise Fault(message, f"write 'number: {total}', or count the countries' sites again")
        return self

    def planned(self) -> list[float]:
        """Return the planned opening day of each site."""
        first, *more = self.open
        assert isinstance(first, FirstSites)
        every = more[0].every if more and isinstance(more[0], MoreSites) else 0.0
        later = (first.at + every * k for k in range(1, self.number - first.first + 1))
        return [first.at] * first.first + list(later)

    def labels(self) -> list[str]:
        """Return the sites' stable names."""
        return self.names or [f"site{k + 1}" for k in range(self.number)]

    def homes(self) -> list[str] | None:
        """Return the country of each site, where the file says it."""
        if self.countries is None:
            return None
        return [name for name, number in self.countries.items() for _ in range(number)]
