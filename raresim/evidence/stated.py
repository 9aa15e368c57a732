"""Where a number comes from: evidence with a source, or an assumption that says so."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

import numpy as np
from pydantic import Field, model_validator

from raresim.errors import Fault
from raresim.evidence.forms import IN_ANY_FORM
from raresim.evidence.statistics import Floats, Statistic, Uniform
from raresim.files.schema import Spec

S = TypeVar("S", bound=Statistic)

Why = Annotated[
    str,
    Field(
        description="the reason, for readers who would ask",
        examples=["nobody published it; chosen so that ages come near the registry's"],
    ),
]
"""The reason for an assumption."""

SourceKey = Annotated[
    str, Field(description="key of a source, if one lends support", examples=["moxie"])
]
"""A source that stands beside a number."""


class Source(Spec):
    """A document, or individual data, in which numbers were read."""

    cite: str = Field(
        min_length=8,
        description="authors, journal, year, pages",
        examples=["Lynch et al., Ann Neurol 2021;89:212-25"],
    )
    doi: str | None = Field(
        None, description="digital object identifier", examples=["10.1002/ana.25934"]
    )
    pmid: int | None = Field(None, description="number in PubMed", examples=[33068037])
    url: str | None = Field(
        None, description="address of the page", examples=["https://clinicaltrials.gov"]
    )
    note: str = Field("", description="what was read of it", examples=["abstract read"])

    def text(self) -> str:
        """Return the citation with its identifiers."""
        doi = f"doi:{self.doi}" if self.doi else ""
        pmid = f"PMID {self.pmid}" if self.pmid else ""
        return "; ".join(filter(None, (self.cite, doi, pmid, self.url or "")))


class Interval(Spec):
    """What nobody published: an interval with a centre, never a silent zero."""

    lower: float = Field(description="lowest value that is credible", examples=[-0.3])
    centre: float = Field(description="value taken unless --unpublished says", examples=[0])
    upper: float = Field(description="highest value that is credible", examples=[0.3])

    @model_validator(mode="after")
    def _ordered(self) -> Interval:
        if not self.lower <= self.centre <= self.upper:
            mend = "put the three numbers in ascending order"
            raise Fault("expected lower <= centre <= upper", mend)
        return self

    def at(self, place: str) -> float:
        """Return the lower, centre or upper value."""
        return float(getattr(self, place))

    def text(self) -> str:
        """Return the interval as a line for people."""
        return f"{self.centre:g} (from {self.lower:g} to {self.upper:g})"


class Stated(Spec, Generic[S]):
    """A statistic that is either published (`evidence`) or `assumed`, with the reason `why`."""

    evidence: Annotated[S, IN_ANY_FORM] | None = Field(
        None, description="the statistic as printed, with its 'source'"
    )
    assumed: S | None = Field(None, description="where nothing is printed: a value, with 'why'")
    why: Why = ""

    @model_validator(mode="after")
    def _exactly_one(self) -> Stated[S]:
        if (self.evidence is None) == (self.assumed is None):
            mend = "keep one of the two" if self.evidence else "add one of the two"
            raise Fault("expected either 'evidence' or 'assumed'", mend)
        if self.evidence is not None and not self.evidence.source:
            message = "evidence names its 'source', a key of the file's sources"
            raise Fault(message, "add 'source:'")
        if self.assumed is not None and not self.why:
            raise Fault("an assumption says 'why'", "add 'why: ...' beside 'assumed'")
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

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the name of the class: a worker cannot look up `Stated[EventRate]`."""
        generic = type(self).__pydantic_generic_metadata__
        base = generic["origin"] or type(self)
        return _restored, (base, generic["args"], self.__getstate__())


def _restored(base: type[Stated[Any]], kinds: tuple[Any, ...], state: Any) -> Stated[Any]:
    """Return the statement that was pickled."""
    known: Any = base.__class_getitem__(kinds) if kinds else base
    found: Stated[Any] = known.__new__(known)
    found.__setstate__(state)
    return found


class Unpublished(Spec):
    """A number that nobody published, as an interval with the reason."""

    assumed: Interval = Field(description="the interval in which the number may lie")
    why: Why = Field(min_length=5)
    source: SourceKey = ""

    def value(self, place: str) -> Floats:
        """Return the lower, centre or upper value as an array of one."""
        return np.array([self.assumed.at(place)])
