"""The model file: what a clinician types in, checked for everything but its arithmetic."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from raresim.disease.branches import Branch
from raresim.disease.outcome_block import AnyOutcome, TimeToEvent
from raresim.disease.variable_block import PUBLISHED, Pair, Variable
from raresim.errors import Fault
from raresim.evidence import (
    AnyStatistic,
    Correlation,
    Interval,
    Source,
    Stated,
)
from raresim.evidence.stated import Why
from raresim.files.schema import Condition, Duration, Spec


class Link(Stated[Correlation]):
    """Published dependence between two numbers, as a Pearson correlation.

    With an ordered category it is the polyserial or polychoric correlation.
    """

    between: Pair = Field(min_length=2, max_length=2)


class Rule(Spec):
    """What holds for every patient; a model in which it can fail does not pass its gate."""

    always: Condition = Field(description="a condition", examples=["onset_age <= age"])


class UnpublishedLink(Spec):
    """Dependence that nobody published, between two variables or a variable and an outcome."""

    between: Pair = Field(min_length=2, max_length=2)
    correlation: Interval = Field(description="interval in which the correlation may lie")
    why: Why = Field(min_length=5)


class Target(Spec):
    """A published statistic to which nothing was fitted: the model should reproduce it."""

    keys: ClassVar = (
        *("share_of", "number", "free_of", "time_of", "rate_of", "change_of", "correlation_of"),
    )
    share_of: str | None = Field(None, description="a categorical variable", examples=["sex"])
    number: str | None = Field(None, description="a variable that is a number", examples=["age"])
    free_of: str | None = Field(None, description="an outcome, with 'at'", examples=["infection"])
    time_of: str | None = Field(
        None, description="an outcome with 'time', on its clock from zero", examples=["event"]
    )
    rate_of: str | None = Field(None, description="an outcome, with 'during'", examples=["attack"])
    change_of: str | None = Field(None, description="a score, with 'at'", examples=["mfars"])
    correlation_of: list[str] | None = Field(
        None, min_length=2, max_length=2, description="two numbers", examples=[["age", "onset_age"]]
    )
    at: Duration | None = Field(None, description="time since randomisation", examples=["90 days"])
    during: Duration | None = Field(None, description="from the start on", examples=["1 year"])
    among: Condition | None = Field(None, description="patients in whom it was published")
    evidence: AnyStatistic = Field(description=PUBLISHED)
    why_not_input: str = Field("", description="why it is a check", examples=["same patients"])

    @model_validator(mode="after")
    def _one_subject(self) -> Target:
        subjects = [key for key in self.keys if getattr(self, key) is not None]
        if len(subjects) != 1:
            mend = f"keep one of {', '.join(subjects)}" if subjects else "add one of them"
            raise Fault(f"expected exactly one of {', '.join(self.keys)}", mend)
        if subjects[0] in ("free_of", "change_of") and self.at is None:
            raise Fault(f"'{subjects[0]}' needs 'at'", "add 'at: 12 months'")
        if subjects[0] == "rate_of" and self.during is None:
            raise Fault("'rate_of' needs 'during'", "add 'during: 1 year'")
        return self


class LeftOut(Spec):
    """A published number that the model does not use, and why."""

    what: str = Field(description="what the number is", examples=["age at death"])
    printed: str = Field(description="the number as printed", examples=["37.5 years"])
    source: str = Field(description="key of the source in this file", examples=["moxie"])
    why: Why = Field(min_length=5)


class Identifiers(Spec):
    """What the disease is called elsewhere."""

    orpha: int | None = Field(None, description="number in Orphanet", examples=[379])
    omim: int | None = Field(None, description="number in OMIM", examples=[306400])
    genes: list[str] = Field(default_factory=list, description="symbols", examples=[["FXN"]])


class ModelSpec(Spec):
    """A disease model file."""

    schema_: Literal["raresim/model/1"] = Field(alias="schema", description="kind and format")
    name: str = Field(description="name of the disease", examples=["Friedreich ataxia"])
    version: str = Field(
        json_schema_extra={"pattern": r"^\d+\.\d+\.\d+$"},
        description="of this model; raise it when a number changes",
        examples=["1.0.0"],
    )
    identifiers: Identifiers = Field(Identifiers(), description="what the disease is elsewhere")
    about: str = Field(
        min_length=20,
        description="the disease, and whom the numbers describe",
        examples=["A recessive ataxia of childhood. The numbers describe adults in one registry."],
    )
    sources: dict[str, Source] = Field(description="papers and data, under a short key each")
    patients: dict[str, Variable] = Field(
        min_length=1, max_length=100, description="baseline variables, by name"
    )
    links: list[Link] = Field(default_factory=list, description="published correlations")
    rules: list[Rule] = Field(default_factory=list, description="what holds for every patient")
    outcomes: dict[str, AnyOutcome] = Field(
        min_length=1, max_length=30, description="what happens without study treatment, by name"
    )
    unpublished: list[UnpublishedLink] = Field(
        default_factory=list, description="correlations that nobody published, as intervals"
    )
    targets: list[Target] = Field(default_factory=list, description="printed, to check against")
    branches: dict[str, Branch] = Field(
        default_factory=dict,
        max_length=20,
        description="evidence that contradicts the file's own, to choose instead, by name",
    )
    left_out: list[LeftOut] = Field(default_factory=list, description="printed, and not used")

    @property
    def fatal(self) -> tuple[str, ...]:
        """Names of the outcomes that end everything, such as death, in the order of the file."""
        found = self.outcomes.items()
        return tuple(n for n, o in found if isinstance(o, TimeToEvent) and o.ends == "everything")

    @field_validator("version")
    @classmethod
    def _three_numbers(cls, value: str) -> str:
        if not re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", value):
            raise Fault("expected a version of three whole numbers", "write it as in '1.0.0'")
        return value
