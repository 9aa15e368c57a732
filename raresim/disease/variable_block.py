"""The `patients` block of a model file: categories, numbers and sums."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from raresim.errors import Fault
from raresim.evidence import Mean, Quantiles, QuantileTable, Share, Stated
from raresim.evidence.families import Family
from raresim.evidence.forms import IN_ANY_FORM
from raresim.evidence.stated import SourceKey, Why
from raresim.files.schema import Bounds, Formula, Spec

Label = Annotated[str, Field(description="what people call it", examples=["age at onset"])]
Unit = Annotated[str, Field(description="unit, for people", examples=["years", "points"])]
Given = Annotated[
    str | None,
    Field(description="the categorical variable that the rows refer to", examples=["inheritance"]),
]
When = Annotated[str, Field(description="a state of the 'given' variable", examples=["x_linked"])]
Pair = Annotated[list[str], Field(description="two names", examples=[["duration", "score"]])]
PUBLISHED = "the statistic as printed, with its 'source'"
ASSUMED = "where nothing is printed: a value, with 'why'"
ROWS = "one row for each state of 'given', in place of one number for all"


class ShareRow(Stated[Share]):
    """One row of a conditional table: the shares where the parent has the state `when`."""

    when: When


class NumberRow(Stated[Mean | Quantiles | QuantileTable]):
    """One row of a conditional table: the distribution where the parent has the state `when`."""

    when: When


class Category(Spec):
    """A variable with named states, or `yes or no`."""

    label: Label = ""
    kind: Literal["yes or no"] | None = Field(None, description="in place of 'states'")
    states: list[str] | None = Field(
        None, min_length=2, max_length=30, description="their names", examples=[["male", "female"]]
    )
    ordered: bool = Field(
        False,
        description="true where the states stand in ascending order, such as grades of severity: "
        "'links' and 'unpublished' may then tie the category, by its latent normal score",
    )
    given: Given = None
    rows: list[ShareRow] | None = Field(None, description=ROWS)
    evidence: Annotated[Share, IN_ANY_FORM] | None = Field(None, description=PUBLISHED)
    assumed: Share | None = Field(None, description=ASSUMED)
    why: Why = ""

    @model_validator(mode="after")
    def _complete(self) -> Category:
        if (self.kind is None) == (self.states is None):
            raise Fault("expected either 'states' or 'kind: yes or no'", _VARIABLE)
        check_rows(self)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The states, in the order of the file."""
        return tuple(self.states) if self.states else ("no", "yes")


class Number(Spec):
    """A variable that is a number with a unit on a range."""

    label: Label = ""
    unit: Unit = Field(min_length=1)
    range: Bounds = Field(
        description="lowest and highest possible value, in the unit, or '0 or more'"
    )
    family: Family | None = Field(
        None,
        description="in place of the one that the range suggests: of quantiles, 'metalog' or "
        "'mixture' (five or more); of a mean with its SD, any other",
    )
    given: Given = None
    rows: list[NumberRow] | None = Field(None, description=ROWS)
    evidence: Annotated[Mean | Quantiles | QuantileTable, IN_ANY_FORM] | None = Field(
        None, description=PUBLISHED
    )
    assumed: Mean | Quantiles | QuantileTable | None = Field(None, description=ASSUMED)
    why: Why = ""

    @model_validator(mode="after")
    def _complete(self) -> Number:
        check_rows(self)
        return self


class Sum(Spec):
    """A number that is the sum of two others, such as age = age at onset + duration."""

    label: Label = ""
    unit: Unit
    sum_of: list[str] = Field(
        min_length=2, max_length=5, description="numbers", examples=[["onset_age", "duration"]]
    )


class Computed(Spec):
    """A number that is computed from others, such as a per cent of a reference."""

    label: Label = ""
    unit: Unit = Field(min_length=1)
    formula: Formula = Field(
        description="a number made of the patients' other numbers and states",
        examples=["100 * walk / (868.8 - 2.99 * height)"],
    )


class LookedUp(Spec):
    """A number read off a table by another one, such as the median height of an age."""

    label: Label = ""
    unit: Unit = Field(min_length=1)
    table_of: str = Field(description="the number by which the table is read", examples=["age"])
    at: list[float] = Field(
        min_length=2, max_length=200, description="its values, ascending", examples=[[4, 10, 16]]
    )
    value: list[float] = Field(
        min_length=2,
        max_length=200,
        description="the number at each; straight lines between, constant beyond the ends",
        examples=[[102, 138, 173]],
    )
    source: SourceKey = ""
    note: str = Field("", description="anything else to know", examples=["medians of boys"])

    @model_validator(mode="after")
    def _ascends(self) -> LookedUp:
        if len(self.at) != len(self.value):
            raise Fault("expected as many values as places", "give one 'value' for each 'at'")
        if any(later <= first for first, later in pairwise(self.at)):
            raise Fault("expected places that ascend", "put 'at' in ascending order")
        return self


_VARIABLE = (
    "state it as 'states: [a, b]', as 'kind: yes or no', or as a number with 'unit' and 'range'"
)
_NUMBERS = "add 'evidence: {..., source: ...}', or 'assumed: {...}' and 'why'"


def check_rows(variable: Any) -> None:
    """Refuse rows without a parent, numbers beside rows, and numbers without source or reason."""
    given, rows = variable.given, variable.rows
    evidence, assumed, why = variable.evidence, variable.assumed, variable.why
    if (given is None) != (rows is None):
        mend = "add 'rows:' or remove 'given'" if rows is None else "add 'given: VARIABLE'"
        raise Fault("'given' and 'rows' belong together", mend)
    if rows is not None and (evidence is not None or assumed is not None):
        message = "numbers stand in the rows; put published totals under 'targets'"
        raise Fault(message, "remove 'evidence' and 'assumed' beside 'rows'")
    if rows is None and (evidence is None) == (assumed is None):
        raise Fault("expected 'evidence', 'assumed' or 'given' with 'rows'", _NUMBERS)
    if evidence is not None and not getattr(evidence, "source", ""):
        raise Fault("evidence names its 'source', a key of the file's sources", "add 'source:'")
    if assumed is not None and not why:
        raise Fault("an assumption says 'why'", "add 'why: ...' beside 'assumed'")


def _variable_kind(value: Any) -> str:
    if isinstance(value, Spec):
        return type(value).__name__
    if isinstance(value, dict):
        if "sum_of" in value:
            return "Sum"
        if "table_of" in value:
            return "LookedUp"
        return "Computed" if "formula" in value else "Number" if "unit" in value else "Category"
    return "Category"


Variable = Annotated[
    Annotated[Category, Tag("Category")]
    | Annotated[Number, Tag("Number")]
    | Annotated[Sum, Tag("Sum")]
    | Annotated[Computed, Tag("Computed")]
    | Annotated[LookedUp, Tag("LookedUp")],
    Discriminator(_variable_kind),
]
