"""The analysis block of a scenario: how the trial's question is answered."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from raresim.errors import Fault
from raresim.files.schema import Amount, Spec
from raresim.trial.grammar.boundary import Boundary, FewResponders, Futility, Threshold
from raresim.trial.grammar.claim import AnyClaim, Graph, Multiplicity
from raresim.trial.grammar.endpoint import Endpoint
from raresim.trial.grammar.estimand import Estimand
from raresim.trial.grammar.prior import Prior
from raresim.trial.grammar.stage import StagePrior


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
    "spcd", "joint stage", "bayesian joint stage",
    "crossover anova", "paired t", "signed rank", "conditional poisson",
    "beta-binomial", "gamma-poisson", "basket exchangeability", "basket hierarchical",
]  # fmt: skip
Estimate = Literal[
    "cox", "firth cox", "negative binomial", "poisson", "quasi-poisson", "andersen-gill",
    "ancova", "mmrm", "t", "miettinen-nurminen",
    "crossover anova", "paired t", "conditional poisson",
    "propensity weighting", "propensity matching", "entropy balancing",
    "power prior", "robust mixture prior", "self-adapting prior",
]  # fmt: skip
"""Methods of `trial/methods/named.py`, and those of them that estimate what a summary asks."""


PERIOD = "period"
"""What a method may adjust for beside what is known of patients at baseline."""


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
        description="numbers, scores 'at baseline' and 'log X at baseline', of an ancova; its "
        "'period', from one opening or closing of an arm to the next, with patients of all arms "
        "where 'controls: all'; those that weighting, matching or balancing make alike",
        examples=[["mfars at baseline"]],
    )
    variance: Literal["pooled", "separate"] | None = Field(
        None, description="of shares in each stage of 'spcd': pooled if not told"
    )
    linkage: Literal["each treatment", "shared"] | None = Field(
        None,
        description="how responses in two stages hang together in a joint stage model: by the "
        "first treatment (if not told, of 'joint stage'), or alike in all (of the Bayesian one)",
    )
    prior: Prior | StagePrior | None = Field(
        None,
        description="of a Bayesian method; of 'bayesian joint stage' with 'rates'",
        examples=[{"beta": [1, 1]}],
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
    carry_over: bool = Field(
        False,
        description="whether a 'crossover anova' has a term for the treatment of the period before",
        examples=[True],
    )
    responders_above: int | None = Field(
        None,
        ge=0,
        description="of 'exact binomial': rejects with more responders than this (Simon's r); "
        "checked to hold the level at the goal",
        examples=[5],
    )
    baskets: str = Field(
        "",
        description="of a basket method: the categorical variable whose states are the baskets; "
        "the estimand's population is one of them",
        examples=["cause"],
    )
    alpha: Alpha | None = Field(None, description="level of the test")
    posterior_above: float | None = Field(
        None,
        gt=0.5,
        lt=1,
        description="a Bayesian method's rule, in place of alpha: it rejects where the posterior "
        "probability of being better than the goal is above this",
        examples=[0.975],
    )
    boundary: Boundary | None = Field(None, description="when looks reject, if there are several")
    futility: Futility | None = Field(None, description="what 'if futility' at a milestone means")
    harm: Threshold | None = Field(None, description="what 'if harm' at a milestone means")

    @property
    def in_responders(self) -> bool:
        """Whether it decides by the number of responders among those whose visit has come."""
        few = isinstance(self.futility, FewResponders)
        return few or self.responders_above is not None

    @model_validator(mode="after")
    def _has_a_level(self) -> MethodSpec:
        if self.alpha is None and self.posterior_above is None:
            mend = "add 'alpha: 0.025 one-sided', or 'posterior_above: 0.975' of a Bayesian method"
            raise Fault("'alpha' is missing", mend)
        return self

    @property
    def level(self) -> float:
        """The one-sided level: a method rejects where its p-value is no larger.

        Of a Bayesian method it is 1 - posterior_above, and p is 1 - P(better than the goal).
        """
        if self.alpha is not None:
            return self.alpha
        assert self.posterior_above is not None
        return 1 - self.posterior_above


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
    success: str | AnyClaim = Field(
        description="the estimand whose rejection makes the trial a success, or any of several",
        examples=["change", {"any_of": ["everybody", "carriers"]}],
    )
    order: list[str] = Field(
        default_factory=list,
        description="fixed sequence of tests",
        examples=[["infection_free", "infection_rate"]],
    )
    multiplicity: Multiplicity | None = Field(
        None,
        description="how several tests share one level, by their p-values at the last look: "
        "'holm' or 'hochberg' of all estimands or of some, or a graph",
        examples=["holm", {"procedure": "hochberg", "of": ["everybody", "carriers"]}],
    )

    @property
    def successes(self) -> list[str]:
        """The estimands of which one must reject for a success."""
        return list(self.success.any_of) if isinstance(self.success, AnyClaim) else [self.success]

    @property
    def primary(self) -> str:
        """The first estimand of success: it decides at interim looks."""
        return self.successes[0]

    @property
    def together(self) -> list[str]:
        """The estimands whose tests share one level by a procedure, in its order."""
        chosen = self.multiplicity
        if chosen is None:
            return []
        if isinstance(chosen, Graph):
            return list(chosen.graph.weights)
        return list(self.estimands) if isinstance(chosen, str) else list(chosen.of)
