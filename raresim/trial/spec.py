"""The scenario file: truth (nobody chooses it), design (the sponsor does) and analysis."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from raresim.evidence import Difference, Mean, Ratio, Source, Stated
from raresim.files.schema import Condition, Duration, Rate, Span, Spec

MAX_PATIENTS = 5_000
MAX_SITES = 1_000

Mode = Literal["fixed", "nuisance", "effect", "all"]


def _alpha(value: object) -> float:
    found = (
        re.fullmatch(r"(0?\.\d+)\s+one-sided", value.strip()) if isinstance(value, str) else None
    )
    if found is None or not 0 < float(found[1]) < 0.5:
        raise ValueError("expected a one-sided level, such as '0.025 one-sided'")
    return float(found[1])


Alpha = Annotated[float, BeforeValidator(_alpha)]


class EffectSpec(Spec):
    """What an arm does to one outcome: published, or assumed with a reason, or no effect."""

    evidence: Ratio | Difference | None = None
    assumed: Ratio | Difference | None = None
    why: str = ""

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        """Let a file write `{rate_ratio: 1}` for an assumption that needs no reason: no effect."""
        if isinstance(value, dict) and not {"evidence", "assumed"} & set(value):
            return {"assumed": value, "why": "no effect"}
        return value

    @model_validator(mode="after")
    def _sound(self) -> EffectSpec:
        if (self.evidence is None) == (self.assumed is None):
            raise ValueError("expected either 'evidence' or 'assumed'")
        if self.evidence is not None and not self.evidence.source:
            raise ValueError("evidence names its 'source'")
        if self.assumed is not None and not self.why:
            raise ValueError("an assumption says 'why'")
        if self.why == "no effect" and not self.is_null:
            raise ValueError("an effect needs 'evidence' with a source, or 'assumed' with 'why'")
        return self

    @property
    def statistic(self) -> Ratio | Difference:
        """The statistic, wherever it comes from."""
        found = self.evidence if self.evidence is not None else self.assumed
        assert found is not None
        return found

    @property
    def is_null(self) -> bool:
        """Whether this is no effect at all."""
        statistic = self.statistic
        return statistic.ratio == 1 if isinstance(statistic, Ratio) else statistic.difference == 0


class Stream(Spec):
    """Candidates without end: a Poisson stream at each site, rates gamma between sites."""

    per_site: Rate
    gamma_shape: float = Field(gt=0, description="shape of the rates' gamma; large: sites alike")
    why: str = ""
    source: str = ""


class Candidates(Spec):
    """Where candidates come from."""

    stream: Stream


class Chance(Spec):
    """A share of visits."""

    share: float = Field(ge=0, lt=1)
    why: str = ""
    source: str = ""


class Hazard(Spec):
    """A constant rate at which something happens to a patient."""

    rate: Rate
    why: str = ""
    source: str = ""


class Delay(Spec):
    """An exponential delay with its mean."""

    mean: Duration
    why: str = ""
    source: str = ""


class Truth(Spec):
    """What the world is like."""

    model: str
    uncertainty: Mode = "nuisance"
    hypotheses: dict[str, dict[str, dict[str, EffectSpec]]] = Field(min_length=1, max_length=20)
    candidates: Candidates
    site_opening_delay: Delay | None = None
    screening_lasts: Span
    missed_visits: Chance = Chance(share=0.0)
    stops_treatment: Hazard = Hazard(rate="0 per year")  # type: ignore[arg-type]
    leaves_study: Hazard = Hazard(rate="0 per year")  # type: ignore[arg-type]
    followed_for: dict[str, Stated[Mean]] | None = Field(
        None,
        description="administrative follow-up of each arm, where a published trial is replayed",
    )


class Arm(Spec):
    """One arm of the trial."""

    give: str
    every: str = ""


class Randomise(Spec):
    """Stratified permuted blocks: a list for each stratum, as in envelopes."""

    n: int = Field(gt=1, le=MAX_PATIENTS)
    ratio: dict[str, int]
    method: Literal["permuted blocks"] = "permuted blocks"
    block: int = Field(gt=1, le=1000)
    strata: list[str] = Field(default_factory=list, max_length=5)

    @model_validator(mode="after")
    def _whole_blocks(self) -> Randomise:
        if any(part < 1 for part in self.ratio.values()):
            raise ValueError("expected a ratio of whole numbers above zero")
        total = sum(self.ratio.values())
        if self.block % total:
            raise ValueError(f"the block is a multiple of the ratio's sum, {total}")
        return self


class FirstSites(Spec):
    """Sites that open together."""

    first: int = Field(ge=1)
    at: Duration


class MoreSites(Spec):
    """Sites that open one after the other."""

    then: Literal["one"]
    every: Duration


class Sites(Spec):
    """The sites and when they are planned to open."""

    number: int = Field(ge=1, le=MAX_SITES)
    open: list[FirstSites | MoreSites] = Field(min_length=1, max_length=2)
    names: list[str] | None = None

    @model_validator(mode="after")
    def _all_open(self) -> Sites:
        first, *more = self.open
        if not isinstance(first, FirstSites) or (more and not isinstance(more[0], MoreSites)):
            raise ValueError("expected {first: ..., at: ...}, then {then: one, every: ...}")
        if first.first > self.number or (not more and first.first != self.number):
            raise ValueError(f"the opening plan does not open {self.number} sites")
        if self.names is not None and len(set(self.names)) != self.number:
            raise ValueError(f"expected {self.number} different names")
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


class Visits(Spec):
    """Visits by week since randomisation, and the days by which they may be early or late."""

    weeks: list[int] = Field(min_length=1, max_length=200)
    window: Duration = 0.0

    @model_validator(mode="after")
    def _ascend(self) -> Visits:
        if sorted(set(self.weeks)) != self.weeks or self.weeks[0] < 1:
            raise ValueError("expected weeks in ascending order, the first 1 or later")
        gaps = [7 * (b - a) for a, b in zip([0, *self.weeks], self.weeks, strict=False)]
        if min(gaps) <= 2 * self.window:
            raise ValueError("the windows of neighbouring visits overlap; narrow 'window'")
        return self


class FirstEvents(Spec):
    """Condition: this many patients have had a first event of an outcome."""

    first: str
    patients: int = Field(ge=1)


class Calendar(Spec):
    """Condition: this long since the trial's start."""

    calendar: Duration


class Everybody(Spec):
    """Condition: recruitment is closed and everybody randomised has left or completed."""

    everybody: Literal["finished"]


OneCondition = FirstEvents | Calendar | Everybody


class AllOf(Spec):
    """Condition: every one of these holds."""

    all: list[OneCondition] = Field(min_length=1, max_length=10)


class AnyOf(Spec):
    """Condition: one of these holds."""

    any: list[OneCondition] = Field(min_length=1, max_length=10)


class Milestone(Spec):
    """A condition and what is done when it first holds."""

    when: AllOf | AnyOf | FirstEvents | Calendar | Everybody
    do: list[str] = Field(min_length=1, max_length=20)

    @model_validator(mode="after")
    def _words(self) -> Milestone:
        for action in self.do:
            if not re.fullmatch(r"analyse \w+|stop if efficacy", action):
                raise ValueError(f"expected 'analyse NAME' or 'stop if efficacy', got {action!r}")
        return self

    @property
    def analyses(self) -> list[str]:
        """Names of the estimands that are analysed here."""
        return [action.split()[1] for action in self.do if action.startswith("analyse ")]

    @property
    def stops(self) -> bool:
        """Whether the trial stops here when its success criterion is met."""
        return "stop if efficacy" in self.do


class Design(Spec):
    """What the sponsor chooses."""

    eligible: Condition
    arms: dict[str, Arm] = Field(min_length=2, max_length=2)
    control: str
    randomise: Randomise
    sites: Sites
    recruit_for: Duration = Field(description="recruitment ends here if n is not reached before")
    visits: Visits
    treat_for: Duration
    after_stopping_treatment: Literal["keep following"] = "keep following"
    milestones: dict[str, Milestone] = Field(min_length=1, max_length=10)
    nulls: list[str] = Field(
        default_factory=list, description="hypotheses over which type I error is the maximum"
    )


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


class ScenarioSpec(Spec):
    """A scenario file."""

    schema_: Literal["raresim/scenario/1"] = Field(alias="schema")
    question: str = Field(min_length=10)
    about: str = ""
    sources: dict[str, Source] = Field(default_factory=dict)
    truth: Truth
    design: Design
    analysis: Analysis
