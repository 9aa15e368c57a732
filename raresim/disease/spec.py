"""The model file: what a clinician types in, checked for everything but its arithmetic."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from raresim.errors import Fault
from raresim.evidence import (
    AnyStatistic,
    Correlation,
    Dispersion,
    EventRate,
    Interval,
    Mean,
    Quantiles,
    Share,
    Slope,
    Source,
    Spread,
    Stated,
)
from raresim.evidence.stated import Unpublished, Why
from raresim.files.schema import Bounds, Condition, Duration, Spec

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


class NumberRow(Stated[Mean | Quantiles]):
    """One row of a conditional table: the distribution where the parent has the state `when`."""

    when: When


class Category(Spec):
    """A variable with named states, or `yes or no`."""

    label: Label = ""
    kind: Literal["yes or no"] | None = Field(None, description="in place of 'states'")
    states: list[str] | None = Field(
        None, min_length=2, max_length=30, description="their names", examples=[["male", "female"]]
    )
    given: Given = None
    rows: list[ShareRow] | None = Field(None, description=ROWS)
    evidence: Share | None = Field(None, description=PUBLISHED)
    assumed: Share | None = Field(None, description=ASSUMED)
    why: Why = ""

    @model_validator(mode="after")
    def _complete(self) -> Category:
        if (self.kind is None) == (self.states is None):
            raise Fault("expected either 'states' or 'kind: yes or no'", _VARIABLE)
        _check_rows(self)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The states, in the order of the file."""
        return tuple(self.states) if self.states else ("no", "yes")


class Number(Spec):
    """A variable that is a number with a unit on a range."""

    label: Label = ""
    unit: Unit = Field(min_length=1)
    range: Bounds = Field(description="lowest and highest possible value, in the unit")
    given: Given = None
    rows: list[NumberRow] | None = Field(None, description=ROWS)
    evidence: Mean | Quantiles | None = Field(None, description=PUBLISHED)
    assumed: Mean | Quantiles | None = Field(None, description=ASSUMED)
    why: Why = ""

    @model_validator(mode="after")
    def _complete(self) -> Number:
        _check_rows(self)
        return self


class Sum(Spec):
    """A number that is the sum of two others, such as age = age at onset + duration."""

    label: Label = ""
    unit: Unit
    sum_of: list[str] = Field(
        min_length=2, max_length=5, description="numbers", examples=[["onset_age", "duration"]]
    )


_VARIABLE = (
    "state it as 'states: [a, b]', as 'kind: yes or no', or as a number with 'unit' and 'range'"
)
_NUMBERS = "add 'evidence: {..., source: ...}', or 'assumed: {...}' and 'why'"


def _check_rows(variable: Category | Number) -> None:
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
        return "Sum" if "sum_of" in value else "Number" if "unit" in value else "Category"
    return "Category"


Variable = Annotated[
    Annotated[Category, Tag("Category")]
    | Annotated[Number, Tag("Number")]
    | Annotated[Sum, Tag("Sum")],
    Discriminator(_variable_kind),
]


class Link(Stated[Correlation]):
    """Published dependence between two numbers, as a Pearson correlation."""

    between: Pair = Field(min_length=2, max_length=2)


class Rule(Spec):
    """What holds for every patient; a model in which it can fail does not pass its gate."""

    always: Condition = Field(description="a condition", examples=["onset_age <= age"])


class BetweenSites(Spec):
    """Spread of an outcome between study sites that the patients' own spread does not explain."""

    log_sd: Unpublished = Field(description="SD of the log rate between sites")


class Outcome(Spec):
    """What every outcome states."""

    label: Label = ""
    better: Literal["fewer", "later", "lower", "higher"] = Field(description="what is good")
    clock: Literal["randomisation"] = Field("randomisation", description="when time starts")


class Recurrent(Outcome):
    """Events that may come again, at a rate that differs between patients (gamma frailty)."""

    kind: Literal["recurrent"] = Field(description="events that may come again")
    rate: Stated[EventRate] = Field(description="rate without study treatment, all patients")
    between_patients: Stated[Dispersion] = Field(description="how much patients' rates differ")
    between_sites: BetweenSites | None = Field(None, description="how much sites differ")


class TimeToEvent(Outcome):
    """One event, at a constant hazard that may share another outcome's frailty."""

    kind: Literal["time to event"] = Field(description="an event that comes once")
    hazard: Stated[EventRate] = Field(description="rate at which it comes, without treatment")
    shares_frailty_with: str | None = Field(
        None, description="a recurrent outcome: who has many has this sooner", examples=["attack"]
    )
    ends: Literal["everything", "nothing"] = Field(
        "nothing", description="'everything' for death: nothing is seen after it"
    )


class Faster(Stated[Slope]):
    """A baseline variable with which the score changes faster: coefficient of a regression."""

    variable: str = Field(description="a number among the patients'", examples=["onset_age"])
    per: float = Field(1.0, gt=0, description="units of the variable it is for", examples=[100])
    unit: str = Field(description="of the slope, for people", examples=["points a year per year"])
    conversion: Unpublished | None = Field(
        None, description="points of this score for one point of the score that was published"
    )


class Longitudinal(Outcome):
    """A score on a bounded scale: random level and slope, noise at each visit, steps."""

    kind: Literal["longitudinal"] = Field(description="a score that is read at visits")
    unit: Unit
    range: Bounds = Field(description="lowest and highest score", examples=["0 to 93"])
    step: float = Field(1.0, gt=0, description="smallest difference of readings", examples=[0.5])
    at_screening: Stated[Mean] = Field(description="mean and SD as read before any selection")
    change_after: Duration = Field(
        description="the time after which the two change statistics hold", examples=["48 weeks"]
    )
    among: Condition | None = Field(None, description="patients in whom the change was published")
    mean_change: Stated[Mean] = Field(description="mean change without study treatment")
    spread_of_change: Stated[Spread] = Field(description="SD of that change between patients")
    visit_noise_share: Unpublished = Field(
        description="share of the variance of change that is noise of the two visits"
    )
    level_and_slope: Unpublished = Field(description="correlation of a patient's level and slope")
    faster_with: list[Faster] = Field(
        default_factory=list, description="baseline numbers with which the score changes faster"
    )


AnyOutcome = Annotated[Recurrent | TimeToEvent | Longitudinal, Discriminator("kind")]


class UnpublishedLink(Spec):
    """Dependence that nobody published, between two variables or a variable and an outcome."""

    between: Pair = Field(min_length=2, max_length=2)
    correlation: Interval = Field(description="interval in which the correlation may lie")
    why: Why = Field(min_length=5)


class Target(Spec):
    """A published statistic to which nothing was fitted: the model should reproduce it."""

    keys: ClassVar = ("share_of", "number", "free_of", "rate_of", "change_of", "correlation_of")
    share_of: str | None = Field(None, description="a categorical variable", examples=["sex"])
    number: str | None = Field(None, description="a variable that is a number", examples=["age"])
    free_of: str | None = Field(None, description="an outcome, with 'at'", examples=["infection"])
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
    left_out: list[LeftOut] = Field(default_factory=list, description="printed, and not used")

    @field_validator("version")
    @classmethod
    def _three_numbers(cls, value: str) -> str:
        if not re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", value):
            raise Fault("expected a version of three whole numbers", "write it as in '1.0.0'")
        return value
