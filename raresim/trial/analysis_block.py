"""The analysis block of a scenario: how the trial's question is answered."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator

from raresim.errors import Fault, did_you_mean
from raresim.files.schema import Amount, Spec
from raresim.trial.endpoint_block import Endpoint
from raresim.trial.intercurrent_block import CompositeValue, Strategy


def _alpha(value: object) -> float:
    found = (
        re.fullmatch(r"(0?\.\d+)\s+one-sided", value.strip()) if isinstance(value, str) else None
    )
    if found is None or not 0 < float(found[1]) < 0.5:
        two = re.fullmatch(r"(0?\.\d+)(\s+two-sided)", str(value).strip())
        half = float(two[1]) / 2 if two else 0.025
        mend = f"write '{half:g} one-sided'"
        if isinstance(value, float) and 0 < value < 0.5:
            mend = f"did you mean '{value:g} one-sided'?"
        raise Fault("expected a one-sided level, such as '0.025 one-sided'", mend)
    return float(found[1])


Alpha = Annotated[
    float,
    BeforeValidator(_alpha),
    WithJsonSchema({"type": "string", "examples": ["0.025 one-sided"]}),
]


_FORMS = (
    *("time to first X", "events of X", "change in X at week W"),
    *("percent change in X at week W", "log ratio of X at week W", "share with X by week W"),
)
_READ = r"((percent )?change in|log ratio of) \w+ at week \d+"
_SHARE = r"share with \w+ by week \d+"
_VARIABLE = rf"^(time to first \w+|events of \w+|{_READ}|{_SHARE})$"


OF_ONE_ARM = ("share", "mean", "rate per year")
"""Summaries of a trial of one arm."""


class Estimand(Spec):
    """What is estimated (ICH E9 R1): variable, summary, and the intercurrent events' strategies."""

    population: Literal["randomised"] = Field("randomised", description="who is analysed")
    variable: str = Field(
        description="'time to first X' or 'events of X', of an outcome or an adverse event; "
        "'change in X at week W', 'percent "
        "change in X at week W', or, of a diary, "
        "'log ratio of X at week W': log((reading + 1) / (baseline + 1)); of an endpoint "
        "'share with X by week W'",
        json_schema_extra={"pattern": _VARIABLE},
        examples=["time to first infection", "events of infection", "change in mfars at week 48"],
    )
    arm: str = Field(
        "",
        description="the arm that is compared with the control, where there are several",
        examples=["high"],
    )
    summary: Literal[
        "hazard ratio", "rate ratio", "difference in means", "share", "mean", "rate per year"
    ] = Field(description="the number that compares the arms, or, the last three, that of one arm")
    intercurrent: dict[str, Strategy | CompositeValue] = Field(
        default_factory=dict,
        description="strategy for stops_treatment, for each rescue, for each outcome that ends "
        "everything or this score and, where wanted, for adverse events",
        examples=[
            {"stops_treatment": "treatment policy", "death": "composite"},
            {"stops_treatment": {"composite": "worst"}},
        ],
    )

    @field_validator("variable")
    @classmethod
    def _readable(cls, value: str) -> str:
        if not re.fullmatch(_VARIABLE, value) or len(value) > 200:
            mend = did_you_mean(value, _FORMS).replace("known: ", "write one of: ")
            raise Fault("expected " + " or ".join(f"'{form}'" for form in _FORMS), mend)
        return value

    @property
    def outcome(self) -> str:
        """The outcome that the variable reads."""
        words = self.variable.split()
        return (
            words[2] if words[0] in ("events", "change", "share") else words[3]
        )  # "log ratio of X", ...

    def having(self, *strategies: str) -> list[str]:
        """Return the intercurrent events that have one of some strategies."""
        found = {
            event: "composite" if isinstance(how, CompositeValue) else how
            for event, how in self.intercurrent.items()
        }
        return [event for event, how in found.items() if how in strategies]

    @property
    def looks_at_everything(self) -> bool:
        """Whether an intercurrent event changes nothing of what is seen of the living."""
        return len(self.having("treatment policy", "while alive")) == len(self.intercurrent)

    @property
    def is_log_ratio(self) -> bool:
        """Whether the variable is the log of a reading's ratio to that at baseline."""
        return self.variable.startswith("log ratio of")

    @property
    def is_share(self) -> bool:
        """Whether the variable is having had an endpoint by a visit: 1, or 0."""
        return self.variable.startswith("share with")

    @property
    def is_percent(self) -> bool:
        """Whether the variable is a change in per cent of the reading at baseline."""
        return self.variable.startswith("percent change in")

    @property
    def is_change(self) -> bool:
        """Whether the variable compares a reading with that at baseline."""
        return self.variable.startswith("change in") or self.is_percent or self.is_log_ratio

    @property
    def week(self) -> int:
        """The week of a reading."""
        return int(self.variable.split()[-1])

    def at_week(self, week: int) -> Estimand:
        """Return the same estimand of a reading of another week."""
        *words, _ = self.variable.split()
        return self.model_copy(update={"variable": " ".join([*words, str(week)])})


class Boundary(Spec):
    """Alpha spending over looks; information is counted in patients with an event."""

    spend: Literal["obrien-fleming", "pocock"] = Field(
        "obrien-fleming", description="how alpha is spent: late, or evenly"
    )
    planned_information: int = Field(
        ge=2, description="patients with an event at the last look", examples=[44]
    )


class Threshold(Spec):
    """A one-sided p-value beyond which the trial, or an arm, stops; it binds nobody to it."""

    p_above: float = Field(gt=0, lt=1, description="one-sided p-value", examples=[0.5])


class FlemingHarringtonWeight(Spec):
    """The weight S^rho (1 - S)^gamma of a log-rank test, S being the curve of both arms."""

    rho: float = Field(ge=0, le=5, description="above 0: early differences count", examples=[0])
    gamma: float = Field(ge=0, le=5, description="above 0: late differences count", examples=[1])


Test = Literal[
    "logrank", "fleming-harrington", "max-combo", "cox", "firth cox",
    "negative binomial", "poisson", "quasi-poisson", "andersen-gill",
    "ancova", "mmrm", "t", "wilcoxon", "rank ancova",
    "fisher", "boschloo", "miettinen-nurminen", "cochran-mantel-haenszel",
    "propensity weighting", "propensity matching", "entropy balancing",
    "power prior", "robust mixture prior", "self-adapting prior",
    "exact binomial", "exact poisson", "one-sample t",
]  # fmt: skip
Estimate = Literal[
    "cox", "firth cox", "negative binomial", "poisson", "quasi-poisson", "andersen-gill",
    "ancova", "mmrm", "t", "miettinen-nurminen",
    "propensity weighting", "propensity matching", "entropy balancing",
    "power prior", "robust mixture prior", "self-adapting prior",
]  # fmt: skip
"""Methods of `trial/methods.py`, and those of them that estimate what a summary asks."""


Covariance = Literal[
    "unstructured", "heterogeneous toeplitz", "toeplitz", "heterogeneous ar1", "ar1",
    "heterogeneous compound symmetry", "compound symmetry", "heterogeneous ante-dependence",
    "ante-dependence",
]  # fmt: skip
DegreesOfFreedom = Literal["satterthwaite", "kenward-roger", "kenward-roger-linear"]


class Borrowing(Spec):
    """How much external patients tell of a randomised control's mean, when they are its prior."""

    power: float | None = Field(
        None, gt=0, le=1, description="of a power prior: what one of them counts", examples=[0.5]
    )
    between: Amount | None = Field(
        None,
        gt=0,
        description="of a robust mixture: scale of the half-normal prior of the standard deviation "
        "between the two groups' true means",
        examples=["0.5 points"],
    )
    share: float | None = Field(
        None,
        gt=0,
        le=1,
        description="of a robust mixture: prior share of what is borrowed, the rest is worth one "
        "patient; 1: a commensurate prior",
        examples=[0.8],
    )
    difference: Amount | None = Field(
        None,
        gt=0,
        description="of a self-adapting prior: a difference of the groups that matters",
        examples=["1.5 points"],
    )


class MethodSpec(Spec):
    """How an estimand is tested, and by what it is estimated."""

    test: Test = Field(description="the test that decides")
    estimate: Estimate | None = Field(
        None, description="the method that estimates, where it is not the test's own"
    )
    covariance: Covariance | None = Field(
        None,
        description="of the visits in an mmrm; unstructured, and simpler where that does not "
        "converge, if not told",
        examples=["unstructured"],
    )
    df: DegreesOfFreedom | None = Field(
        None, description="degrees of freedom of an mmrm; satterthwaite if not told"
    )
    weight: FlemingHarringtonWeight | None = Field(
        None, description="of the test 'fleming-harrington'", examples=[{"rho": 0, "gamma": 1}]
    )
    strata: list[str] = Field(
        default_factory=list,
        max_length=5,
        description="categorical variables or 'site'",
        examples=[["inheritance"]],
    )
    adjust_for: list[str] = Field(
        default_factory=list,
        max_length=10,
        description="numbers, scores 'at baseline' and 'log X at baseline', of an ancova; those "
        "that weighting, matching or balancing make alike",
        examples=[["mfars at baseline"]],
    )
    borrow: str = Field(
        "",
        description="external patients who are put beside the randomised control",
        examples=["registry"],
    )
    borrowing: Borrowing | None = Field(None, description="how much a prior of theirs counts")
    goal: float | None = Field(
        None,
        description="what one arm is held against: a share, a mean change, or events per year",
        examples=[0.2],
    )
    alpha: Alpha = Field(description="level of the test")
    boundary: Boundary | None = Field(None, description="alpha spending, where there are looks")
    futility: Threshold | None = Field(None, description="what 'if futility' at a milestone means")
    harm: Threshold | None = Field(None, description="what 'if harm' at a milestone means")


class Analysis(Spec):
    """How the trial's question is answered."""

    endpoints: dict[str, Endpoint] = Field(
        default_factory=dict,
        max_length=20,
        description="what the protocol makes of the outcomes, by name: for 'time to first NAME'",
        examples=[{"worsening": {"first_of": ["death", {"score": "ppfev1", "falls_by": 10}]}}],
    )
    estimands: dict[str, Estimand] = Field(
        min_length=1, max_length=20, description="what is estimated, by name"
    )
    methods: dict[str, MethodSpec] = Field(description="a method for each estimand, same names")
    success: str = Field(
        description="the estimand whose rejection makes the trial a success", examples=["change"]
    )
    order: list[str] = Field(
        default_factory=list,
        description="fixed sequence of tests",
        examples=[["infection_free", "infection_rate"]],
    )
