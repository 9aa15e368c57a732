"""The design block of a scenario: what the sponsor chooses."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from raresim import limits
from raresim.errors import Fault, did_you_mean
from raresim.files.schema import Condition, Duration, Spec


class Arm(Spec):
    """One arm of the trial."""

    give: str = Field(description="what patients get, for people", examples=["the drug"])
    every: str = Field("", description="how often, for people", examples=["day"])


class Randomise(Spec):
    """Stratified permuted blocks: a list for each stratum, as in envelopes."""

    n: Annotated[int, AfterValidator(limits.PATIENTS.check)] = Field(
        gt=1,
        description="patients in all arms",
        examples=[100],
        json_schema_extra={"maximum": limits.PATIENTS.value},
    )
    ratio: dict[str, int] = Field(
        description="whole parts for each arm", examples=[{"placebo": 1, "drug": 1}]
    )
    method: Literal["permuted blocks"] = Field(
        "permuted blocks", description="how the lists are made"
    )
    block: int = Field(
        gt=1, le=1000, description="length of a block, a multiple of the ratio's sum", examples=[4]
    )
    strata: list[str] = Field(
        default_factory=list,
        max_length=5,
        description="categorical variables or 'site': a list for each combination",
        examples=[["inheritance"]],
    )

    @model_validator(mode="after")
    def _whole_blocks(self) -> Randomise:
        if not self.ratio or any(part < 1 for part in self.ratio.values()):
            raise Fault("expected a ratio of whole numbers above zero", "write 1 or more")
        total = sum(self.ratio.values())
        if self.block % total:
            near = max(1, round(self.block / total)) * total
            message = f"the block is a multiple of the ratio's sum, {total}"
            raise Fault(message, f"write 'block: {near}'")
        return self


class FirstSites(Spec):
    """Sites that open together."""

    first: int = Field(ge=1, description="sites that open together", examples=[3])
    at: Duration = Field(description="when, since the trial's start")


class MoreSites(Spec):
    """Sites that open one after the other."""

    then: Literal["one"] = Field(description="one site more")
    every: Duration = Field(description="time between two openings", examples=["2 weeks"])


class Sites(Spec):
    """The sites and when they are planned to open."""

    number: Annotated[int, AfterValidator(limits.SITES.check)] = Field(
        ge=1,
        description="sites in all",
        examples=[11],
        json_schema_extra={"maximum": limits.SITES.value},
    )
    open: list[FirstSites | MoreSites] = Field(
        min_length=1, max_length=2, description="the plan of openings"
    )
    names: list[str] | None = Field(
        None, description="names of the sites", examples=[["Bern", "Graz"]]
    )

    @model_validator(mode="after")
    def _all_open(self) -> Sites:
        first, *more = self.open
        if not isinstance(first, FirstSites) or (more and not isinstance(more[0], MoreSites)):
            mend = "write [{first: 3, at: day 0}, {then: one, every: 2 weeks}]"
            raise Fault("expected {first: ..., at: ...}, then {then: one, every: ...}", mend)
        if first.first > self.number or (not more and first.first != self.number):
            mend = f"write 'first: {self.number}', or add {{then: one, every: 2 weeks}}"
            if first.first > self.number:
                mend = f"write 'number: {first.first}', or fewer first sites"
            raise Fault(f"the opening plan does not open {self.number} sites", mend)
        if self.names is not None and len(set(self.names)) != self.number:
            raise Fault(f"expected {self.number} different names", "name each site once")
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

    weeks: list[int] = Field(
        min_length=1,
        description="ascending",
        examples=[[4, 12, 24, 36, 48]],
        json_schema_extra={"maxItems": limits.VISITS.value},
    )
    window: Duration = Field(
        0.0, description="how early or late a visit may be", examples=["7 days"]
    )

    @model_validator(mode="after")
    def _ascend(self) -> Visits:
        limits.VISITS.check(len(self.weeks))
        if sorted(set(self.weeks)) != self.weeks or self.weeks[0] < 1:
            raise Fault(
                "expected weeks in ascending order, the first 1 or later",
                f"write {sorted({week for week in self.weeks if week > 0}) or [4, 8]}",
            )
        gaps = [7 * (b - a) for a, b in zip([0, *self.weeks], self.weeks, strict=False)]
        if min(gaps) <= 2 * self.window:
            message = "the windows of neighbouring visits overlap; narrow 'window'"
            raise Fault(message, f"write a window below {min(gaps) / 2:g} days")
        return self


class FirstEvents(Spec):
    """Condition: this many patients have had a first event of an outcome."""

    first: str = Field(description="an outcome of events", examples=["infection"])
    patients: int = Field(ge=1, description="patients with a first event", examples=[22])


class Calendar(Spec):
    """Condition: this long since the trial's start."""

    calendar: Duration = Field(description="time since the trial's start")


class Everybody(Spec):
    """Condition: recruitment is closed and everybody randomised has left or completed."""

    everybody: Literal["finished"] = Field(description="has left the study or completed it")


OneCondition = FirstEvents | Calendar | Everybody


class AllOf(Spec):
    """Condition: every one of these holds."""

    all: list[OneCondition] = Field(min_length=1, max_length=10, description="all must hold")


class AnyOf(Spec):
    """Condition: one of these holds."""

    any: list[OneCondition] = Field(min_length=1, max_length=10, description="one must hold")


class Milestone(Spec):
    """A condition and what is done when it first holds."""

    when: AllOf | AnyOf | FirstEvents | Calendar | Everybody = Field(
        description="the first moment at which this holds"
    )
    do: list[str] = Field(
        min_length=1,
        max_length=20,
        description="'analyse NAME' of an estimand, 'stop if efficacy'",
        examples=[["analyse infection_free", "stop if efficacy"]],
    )

    @model_validator(mode="after")
    def _words(self) -> Milestone:
        for action in self.do:
            if not re.fullmatch(r"analyse \w+|stop if efficacy", action):
                message = f"expected 'analyse NAME' or 'stop if efficacy', got {action!r}"
                forms = ["stop if efficacy", f"analyse {re.sub(r'.*[^a-zA-Z0-9_]', '', action)}"]
                near = did_you_mean(action, forms)
                known = "write 'analyse NAME' with the name of an estimand"
                raise Fault(message, near if near.startswith("did") else known)
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

    eligible: Condition = Field(description="who may be randomised, as seen at screening")
    arms: dict[str, Arm] = Field(min_length=2, max_length=2, description="the two arms, by name")
    control: str = Field(description="the arm to compare with", examples=["placebo"])
    randomise: Randomise = Field(description="how patients are allotted to arms")
    sites: Sites = Field(description="sites and when they open")
    recruit_for: Duration = Field(description="recruitment ends here if n is not reached before")
    run_in: Duration | None = Field(
        None,
        description="untreated observation before randomisation; 'eligible' may name what it "
        "showed, such as attack_in_run_in or score_change_in_run_in",
        examples=["4 weeks"],
    )
    visits: Visits = Field(description="when patients are seen")
    treat_for: Duration = Field(description="treatment and follow-up of each patient")
    after_stopping_treatment: Literal["keep following"] = Field(
        "keep following", description="what happens to who stops treatment"
    )
    milestones: dict[str, Milestone] = Field(
        min_length=1, max_length=10, description="looks and the end; the last one ends the trial"
    )
    nulls: list[str] = Field(
        default_factory=list,
        description="hypotheses over which type I error is the maximum",
        examples=[["no_effect"]],
    )
