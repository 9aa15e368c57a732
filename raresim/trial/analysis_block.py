"""The analysis block of a scenario: how the trial's question is answered."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from raresim.files.schema import Spec


def _alpha(value: object) -> float:
    found = (
        re.fullmatch(r"(0?\.\d+)\s+one-sided", value.strip()) if isinstance(value, str) else None
    )
    if found is None or not 0 < float(found[1]) < 0.5:
        raise ValueError("expected a one-sided level, such as '0.025 one-sided'")
    return float(found[1])


Alpha = Annotated[float, BeforeValidator(_alpha)]


class Estimand(Spec):
    """What is estimated (ICH E9 R1): variable, summary, and the intercurrent events' strategies."""

    population: Literal["randomised"] = "randomised"
    variable: str = Field(
        description="'time to first X', 'events of X' or 'change in X at week W'",
        pattern=r"^(time to first \w+|events of \w+|change in \w+ at week \d+)$",
    )
    summary: Literal["hazard ratio", "rate ratio", "difference in means"]
    intercurrent: dict[str, Literal["treatment policy", "composite", "while alive"]] = Field(
        default_factory=dict
    )

    @property
    def outcome(self) -> str:
        """The outcome that the variable reads."""
        words = self.variable.split()
        return words[2] if words[0] in ("events", "change") else words[3]

    @property
    def week(self) -> int:
        """The week of a change."""
        return int(self.variable.split()[-1])


class Boundary(Spec):
    """Alpha spending over looks; information is counted in patients with an event."""

    spend: Literal["obrien-fleming", "pocock"] = "obrien-fleming"
    planned_information: int = Field(ge=2, description="patients with an event at the last look")


class MethodSpec(Spec):
    """How an estimand is tested, and by what it is estimated."""

    test: Literal["logrank", "cox", "negative binomial", "andersen-gill", "ancova"]
    estimate: Literal["cox", "negative binomial", "andersen-gill", "ancova"] | None = None
    strata: list[str] = Field(default_factory=list, max_length=5)
    adjust_for: list[str] = Field(default_factory=list, max_length=10)
    alpha: Alpha
    boundary: Boundary | None = None


class Analysis(Spec):
    """How the trial's question is answered."""

    estimands: dict[str, Estimand] = Field(min_length=1, max_length=20)
    methods: dict[str, MethodSpec]
    success: str
    order: list[str] = Field(default_factory=list, description="fixed sequence of tests")
