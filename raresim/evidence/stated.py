"""Where a number comes from: evidence with a source, or an assumption that says so."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from pydantic import Field, model_validator

from raresim.evidence.statistics import Floats, Statistic, Uniform
from raresim.files.schema import Spec

S = TypeVar("S", bound=Statistic)


class Source(Spec):
    """A document, or individual data, in which numbers were read."""

    cite: str = Field(min_length=8)
    doi: str | None = None
    pmid: int | None = None
    url: str | None = None
    note: str = ""

    def text(self) -> str:
        """Return the citation with its identifiers."""
        doi = f"doi:{self.doi}" if self.doi else ""
        pmid = f"PMID {self.pmid}" if self.pmid else ""
        return "; ".join(filter(None, (self.cite, doi, pmid, self.url or "")))


class Interval(Spec):
    """What nobody published: an interval with a centre, never a silent zero."""

    lower: float
    centre: float
    upper: float

    @model_validator(mode="after")
    def _ordered(self) -> Interval:
        if not self.lower <= self.centre <= self.upper:
            raise ValueError("expected lower <= centre <= upper")
        return self

    def at(self, place: str) -> float:
        """Return the lower, centre or upper value."""
        return float(getattr(self, place))

    def text(self) -> str:
        """Return the interval as a line for people."""
        return f"{self.centre:g} (from {self.lower:g} to {self.upper:g})"


class Stated(Spec, Generic[S]):
    """A statistic that is either published (`evidence`) or `assumed`, with the reason `why`."""

    evidence: S | None = None
    assumed: S | None = None
    why: str = ""

    @model_validator(mode="after")
    def _exactly_one(self) -> Stated[S]:
        if (self.evidence is None) == (self.assumed is None):
            raise ValueError("expected either 'evidence' or 'assumed'")
        if self.evidence is not None and not self.evidence.source:
            raise ValueError("evidence names its 'source', a key of the file's sources")
        if self.assumed is not None and not self.why:
            raise ValueError("an assumption says 'why'")
        return self

    @property
    def statistic(self) -> S:
        """The statistic itself, wherever it comes from."""
        found = self.evidence if self.evidence is not None else self.assumed
        assert found is not None
        return found

    def values(self, uniform: Uniform | None) -> dict[str, Floats]:
        """Return the numbers as printed, or drawn where `uniform` is given and there is evidence.

        An assumption is not drawn: nothing was published whose uncertainty could be drawn.
        """
        if uniform is None or self.evidence is None:
            return self.statistic.point()
        return self.evidence.draw(uniform)


class Unpublished(Spec):
    """A number that nobody published, as an interval with the reason."""

    assumed: Interval
    why: str = Field(min_length=5)
    source: str = ""

    def value(self, place: str) -> Floats:
        """Return the lower, centre or upper value as an array of one."""
        return np.array([self.assumed.at(place)])
