"""The model file: what a clinician types in, checked for everything but its arithmetic."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

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
from raresim.evidence.stated import Unpublished
from raresim.files.schema import Bounds, Condition, Duration, Spec


class ShareRow(Stated[Share]):
    """One row of a conditional table: the shares where the parent has the state `when`."""

    when: str


class NumberRow(Stated[Mean | Quantiles]):
    """One row of a conditional table: the distribution where the parent has the state `when`."""

    when: str


class Category(Spec):
    """A variable with named states, or `yes or no`."""

    label: str = ""
    kind: Literal["yes or no"] | None = None
    states: list[str] | None = Field(None, min_length=2, max_length=30)
    given: str | None = Field(None, description="the categorical variable that the rows refer to")
    rows: list[ShareRow] | None = None
    evidence: Share | None = None
    assumed: Share | None = None
    why: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Category:
        if (self.kind is None) == (self.states is None):
            raise ValueError("expected either 'states' or 'kind: yes or no'")
        _check_rows(self.given, self.rows, self.evidence, self.assumed)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The states, in the order of the file."""
        return tuple(self.states) if self.states else ("no", "yes")


class Number(Spec):
    """A variable that is a number with a unit on a range."""

    label: str = ""
    unit: str = Field(min_length=1)
    range: Bounds
    given: str | None = Field(None, description="the categorical variable that the rows refer to")
    rows: list[NumberRow] | None = None
    evidence: Mean | Quantiles | None = None
    assumed: Mean | Quantiles | None = None
    why: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Number:
        _check_rows(self.given, self.rows, self.evidence, self.assumed)
        return self


class Sum(Spec):
    """A number that is the sum of two others, such as age = age at onset + duration."""

    label: str = ""
    unit: str
    sum_of: list[str] = Field(min_length=2, max_length=5)


def _check_rows(given: str | None, rows: Any, evidence: object, assumed: object) -> None:
    if (given is None) != (rows is None):
        raise ValueError("'given' and 'rows' belong together")
    if rows is not None and (evidence is not None or assumed is not None):
        raise ValueError("numbers stand in the rows; put published totals under 'targets'")
    if rows is None and (evidence is None) == (assumed is None):
        raise ValueError("expected 'evidence', 'assumed' or 'given' with 'rows'")


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

    between: list[str] = Field(min_length=2, max_length=2)


class Rule(Spec):
    """What holds for every patient; a model in which it can fail does not pass its gate."""

    always: Condition


class BetweenSites(Spec):
    """Spread of an outcome between study sites that the patients' own spread does not explain."""

    log_sd: Unpublished


class Outcome(Spec):
    """What every outcome states."""

    label: str = ""
    better: Literal["fewer", "later", "lower", "higher"]
    clock: Literal["randomisation"] = "randomisation"


class Recurrent(Outcome):
    """Events that may come again, at a rate that differs between patients (gamma frailty)."""

    kind: Literal["recurrent"]
    rate: Stated[EventRate]
    between_patients: Stated[Dispersion]
    between_sites: BetweenSites | None = None


class TimeToEvent(Outcome):
    """One event, at a constant hazard that may share another outcome's frailty."""

    kind: Literal["time to event"]
    hazard: Stated[EventRate]
    shares_frailty_with: str | None = None
    ends: Literal["everything", "nothing"] = "nothing"


class Faster(Stated[Slope]):
    """A baseline variable with which the score changes faster: coefficient of a regression."""

    variable: str
    per: float = Field(1.0, gt=0, description="units of the variable for which the slope is stated")
    unit: str = Field(description="of the slope, for people")
    conversion: Unpublished | None = Field(
        None, description="points of this score for one point of the score that was published"
    )


class Longitudinal(Outcome):
    """A score on a bounded scale: random level and slope, noise at each visit, steps."""

    kind: Literal["longitudinal"]
    unit: str
    range: Bounds
    step: float = Field(1.0, gt=0, description="smallest difference between two readings")
    at_screening: Stated[Mean]
    change_after: Duration = Field(
        description="the time after which the two change statistics hold"
    )
    among: Condition | None = Field(None, description="patients in whom the change was published")
    mean_change: Stated[Mean]
    spread_of_change: Stated[Spread]
    visit_noise_share: Unpublished = Field(
        description="share of the variance of change that is noise of the two visits"
    )
    level_and_slope: Unpublished = Field(description="correlation of a patient's level and slope")
    faster_with: list[Faster] = Field(default_factory=list)


AnyOutcome = Annotated[Recurrent | TimeToEvent | Longitudinal, Discriminator("kind")]


class UnpublishedLink(Spec):
    """Dependence that nobody published, between two variables or a variable and an outcome."""

    between: list[str] = Field(min_length=2, max_length=2)
    correlation: Interval
    why: str = Field(min_length=5)


class Target(Spec):
    """A published statistic to which nothing was fitted: the model should reproduce it."""

    keys: ClassVar = ("share_of", "number", "free_of", "rate_of", "change_of", "correlation_of")
    share_of: str | None = Field(None, description="a categorical variable")
    number: str | None = Field(None, description="a variable that is a number")
    free_of: str | None = Field(None, description="an outcome, with 'at'")
    rate_of: str | None = Field(None, description="an outcome, with 'during'")
    change_of: str | None = Field(None, description="a score, with 'at'")
    correlation_of: list[str] | None = Field(None, min_length=2, max_length=2)
    at: Duration | None = None
    during: Duration | None = None
    among: Condition | None = None
    evidence: AnyStatistic
    why_not_input: str = ""

    @model_validator(mode="after")
    def _one_subject(self) -> Target:
        subjects = [key for key in self.keys if getattr(self, key) is not None]
        if len(subjects) != 1:
            raise ValueError(f"expected exactly one of {', '.join(self.keys)}")
        if subjects[0] in ("free_of", "change_of") and self.at is None:
            raise ValueError(f"'{subjects[0]}' needs 'at'")
        if subjects[0] == "rate_of" and self.during is None:
            raise ValueError("'rate_of' needs 'during'")
        return self


class LeftOut(Spec):
    """A published number that the model does not use, and why."""

    what: str
    printed: str
    source: str
    why: str = Field(min_length=5)


class Identifiers(Spec):
    """What the disease is called elsewhere."""

    orpha: int | None = None
    omim: int | None = None
    genes: list[str] = Field(default_factory=list)


class ModelSpec(Spec):
    """A disease model file."""

    schema_: Literal["raresim/model/1"] = Field(alias="schema")
    name: str
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    identifiers: Identifiers = Identifiers()
    about: str = Field(min_length=20)
    sources: dict[str, Source]
    patients: dict[str, Variable] = Field(min_length=1, max_length=100)
    links: list[Link] = Field(default_factory=list)
    rules: list[Rule] = Field(default_factory=list)
    outcomes: dict[str, AnyOutcome] = Field(min_length=1, max_length=30)
    unpublished: list[UnpublishedLink] = Field(default_factory=list)
    targets: list[Target] = Field(default_factory=list)
    left_out: list[LeftOut] = Field(default_factory=list)
