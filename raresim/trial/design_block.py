"""The design block of a scenario: what the sponsor chooses."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, model_validator

from raresim.files.schema import Condition, Duration, Spec

MAX_PATIENTS = 2_000
"""A luck block holds 1,024 trials in memory at once: two thousand patients take some gigabytes."""
MAX_SITES = 500


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
