"""Candidates in the truth block: a stream, a pool, or so many evenly in a time; their rate."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from raresim import limits
from raresim.errors import Fault
from raresim.evidence import Mean, Quantiles, Stated
from raresim.evidence.stated import SourceKey, Why
from raresim.files.schema import Duration, Rate, Spec

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
MonthName = Literal[
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
]  # fmt: skip


def _label(name: str) -> str:
    if not name.strip() or "," in name:  # names stand in decision points, between commas
        raise Fault("expected a name without commas", "write a word, such as 'germany'")
    return name


Label = Annotated[str, AfterValidator(_label)]
Part = Annotated[float, Field(gt=0, le=1)]
Times = Annotated[float, Field(ge=0, le=100, description="times the usual rate", examples=[0.5])]


class Rates(Spec):
    """How fast candidates come to a site: gamma between sites."""

    per_site: Rate = Field(
        description="candidates who come to one site", examples=["1.5 per month"]
    )
    gamma_shape: float = Field(
        gt=0, description="shape of the rates' gamma; large: sites alike", examples=[2]
    )
    why: Why = ""
    source: SourceKey = ""


class Stream(Rates):
    """Candidates without end: a Poisson stream at each site, rates gamma between sites."""


class Uniform(Spec):
    """So many candidates, each on a day of their own: uniform within a time.

    The accrual that most formulas and simulators of sample size assume; sites are as likely as each
    other, and all open from the start.
    """

    number: Annotated[int, AfterValidator(limits.CANDIDATES.check)] = Field(
        ge=1,
        description="candidates in all",
        examples=[500],
        json_schema_extra={"maximum": limits.CANDIDATES.value},
    )
    over: Duration = Field(description="time in which all of them come", examples=["14 months"])
    why: Why = ""
    source: SourceKey = ""

    @model_validator(mode="after")
    def _some_time(self) -> Uniform:
        if self.over <= 0:
            raise Fault("expected 'over' above zero", "write a time, such as '14 months'")
        return self


class RateChange(Spec):
    """A time in which the rate is a multiple of the usual one; several that overlap multiply."""

    start: Duration = Field(alias="from", description="since the trial's start")
    until: Duration | None = Field(None, description="since the trial's start; else to the end")
    by: Times = Field(description="times the usual rate; 0 is a pause", examples=[0.5])
    sites: list[str] | None = Field(
        None, min_length=1, description="names of sites, else all", examples=[["Bern"]]
    )
    why: Why = ""
    source: SourceKey = ""

    @model_validator(mode="after")
    def _ascends(self) -> RateChange:
        check_order("until", self.until, self.start)
        return self


class Seasons(Spec):
    """Multiples of the usual rate by month of the calendar, 1 where nothing is written.

    A month is a twelfth of 365.25 days; the trial starts on the first day of one.
    """

    starts_in: MonthName = Field(description="month in which the trial starts")
    january: Times = 1.0
    february: Times = 1.0
    march: Times = 1.0
    april: Times = 1.0
    may: Times = 1.0
    june: Times = 1.0
    july: Times = 1.0
    august: Times = 1.0
    september: Times = 1.0
    october: Times = 1.0
    november: Times = 1.0
    december: Times = 1.0
    why: Why = ""
    source: SourceKey = ""

    @model_validator(mode="after")
    def _somebody(self) -> Seasons:
        if max(self.factors()) == 0:
            raise Fault("nobody presents in any month", "write a month above 0")
        return self

    def factors(self) -> list[float]:
        """Return the twelve multiples, from the month in which the trial starts."""
        first = MONTHS.index(self.starts_in)
        return [float(getattr(self, MONTHS[(first + k) % 12])) for k in range(12)]


class Country(Spec):
    """The patients of a country who may come to its sites."""

    prevalent: Annotated[int, AfterValidator(limits.POOL.check)] = Field(
        ge=1,
        description="patients on the day of the trial's start",
        examples=[300],
        json_schema_extra={"maximum": limits.POOL.value},
    )
    incident: Rate = Field(0.0, description="new diagnoses", examples=["20 per year"])
    diagnosed: Part = Field(description="share of the prevalent who are diagnosed", examples=[0.8])
    reachable: Part = Field(description="share of the diagnosed who are asked", examples=[0.7])
    willing: Part = Field(
        description="share of those who are asked that take part, who live near", examples=[0.5]
    )
    why: Why = ""
    source: SourceKey = ""


class Travel(Spec):
    """Willingness falls with the hours of travel to the nearest site: 2 ** -(hours / halves)."""

    hours: Stated[Mean | Quantiles] = Field(
        description="hours of travel: quartiles, a mean with its SD, or a mean (exponential)",
        examples=[{"assumed": {"median": 2, "q1": 1, "q3": 4}, "why": "a guess from a map"}],
    )
    halves_every: Duration = Field(
        description="so much travel halves the share that is willing", examples=["3 hours"]
    )
    why: Why = ""
    source: SourceKey = ""

    @model_validator(mode="after")
    def _possible(self) -> Travel:
        hours = self.hours.statistic
        if self.halves_every <= 0:
            raise Fault("expected 'halves_every' above zero", "write a time, such as '3 hours'")
        if (hours.q1 if isinstance(hours, Quantiles) else hours.mean) <= 0:
            raise Fault("expected hours of travel above zero", "write hours, such as 0.5")
        return self


class Failure(Spec):
    """A competing trial may fail on a day; its patients may then be approached again."""

    share: float = Field(ge=0, le=1, description="how often it fails", examples=[0.5])
    at: Duration = Field(description="when, since this trial's start", examples=["20 months"])


class Rival(Spec):
    """A competing trial, which takes patients of the pool who have not presented yet."""

    start: Duration = Field(alias="from", description="recruits since, by this trial's calendar")
    until: Duration = Field(description="recruits until, by this trial's calendar")
    takes: Rate = Field(
        description="rate at which each patient who is free joins it", examples=["0.2 per year"]
    )
    keeps_for: Duration = Field(
        description="time in it, in which a patient does not present", examples=["24 months"]
    )
    fails: Failure | None = Field(None, description="it may fail, and lets its patients go")
    why: Why = ""
    source: SourceKey = ""

    @model_validator(mode="after")
    def _ascends(self) -> Rival:
        check_order("until", self.until, self.start)
        if self.fails is not None:
            check_order("fails: at", self.fails.at, self.start)
        return self


class Survivors(Spec):
    """The prevalent are those whom an outcome has spared, and it goes on while they wait."""

    outcome: str = Field(
        description="a fatal event of the model with a 'time', whose clock runs from diagnosis",
        examples=["death"],
    )
    over: Duration = Field(
        description="patients were diagnosed at a constant rate for so long before the trial",
        examples=["30 years"],
    )
    why: Why = ""
    source: SourceKey = ""

    @model_validator(mode="after")
    def _some_time(self) -> Survivors:
        if self.over <= 0:
            raise Fault("expected 'over' above zero", "write a time, such as '30 years'")
        return self


class FinitePool(Rates):
    """The patients whom there are: each presents at a hazard, and there is an end to them.

    `per_site` is the rate at one site while its country's pool is full: with the members of the
    country's prevalent pool who are diagnosed, reachable and willing in expectation, and none of
    them gone. Each member's hazard is the rate of the country's sites divided by that number, so
    that an ever larger pool becomes the stream.
    """

    countries: dict[Label, Country] = Field(
        min_length=1, max_length=50, description="the countries of the sites, by name"
    )
    travel: Travel | None = Field(None, description="willingness falls with travel")
    competing: dict[Label, Rival] = Field(
        default_factory=dict, max_length=10, description="competing trials, by name"
    )
    survivors: Survivors | None = Field(
        None, description="time since diagnosis selects members, and they may die while they wait"
    )


class Candidates(Spec):
    """Where candidates come from: a stream or a pool, and how the rate moves in time."""

    stream: Stream | None = Field(None, description="candidates without end")
    pool: FinitePool | None = Field(None, description="a finite pool of patients, by country")
    uniform: Uniform | None = Field(None, description="so many candidates, evenly in a time")
    ramp_up: Duration = Field(
        0.0,
        description="a site's rate grows from zero to full over so long since it opened",
        examples=["3 months"],
    )
    changes: list[RateChange] = Field(
        default_factory=list, max_length=50, description="times with another rate, and pauses"
    )
    seasons: Seasons | None = Field(None, description="months with another rate")

    @model_validator(mode="after")
    def _one_of(self) -> Candidates:
        kinds = [self.stream, self.pool, self.uniform]
        stated = sum(kind is not None for kind in kinds)
        if stated != 1:
            mend = "keep one of them" if stated else "add one of them"
            raise Fault("expected one of 'stream', 'pool' and 'uniform'", mend)
        if self.uniform is not None and (self.ramp_up or self.changes or self.seasons):
            message = "candidates who come evenly have no rate that changes"
            raise Fault(message, "remove 'ramp_up', 'changes' and 'seasons', or write a 'stream'")
        return self

    @property
    def rates(self) -> Rates:
        """How fast candidates come to a site, of stream and pool alike; nothing else has rates."""
        found = self.stream or self.pool
        assert found is not None
        return found

    @property
    def survivors(self) -> Survivors | None:
        """What spares the members of a pool, where it says so."""
        return None if self.pool is None else self.pool.survivors

    def pace(self, sites: int) -> float:
        """Return the fastest mean rate of so many sites together, in candidates per day."""
        if self.uniform is not None:
            return self.uniform.number / self.uniform.over
        faster = 1.0 if self.seasons is None else max(self.seasons.factors())
        for change in self.changes:
            faster *= max(1.0, change.by)
        return self.rates.per_site * faster * sites


def check_order(name: str, later: float | None, earlier: float) -> None:
    """Refuse an end that is not after its beginning."""
    if later is not None and later <= earlier:
        raise Fault(f"expected {name!r} after 'from'", "write the earlier time as 'from'")
