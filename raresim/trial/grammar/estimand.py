"""An estimand: what the trial's question is."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from raresim.errors import Fault, did_you_mean
from raresim.files.expressions import Expression
from raresim.files.schema import Condition, Duration, Spec
from raresim.trial.grammar.intercurrent import CompositeValue, Strategy
from raresim.trial.grammar.stage import Stage, stages_of

_FORMS = (
    *("time to first X", "events of X", "change in X at week W"),
    *("percent change in X at week W", "log ratio of X at week W", "share with X by week W"),
    *("change in X by stages", "share with X by stages"),
    *("X in each period", "events of X in each period"),
)
_READ = r"((percent )?change in|log ratio of) \w+ (at week \d+|by stages)"
_SHARE = r"share with \w+ by (week \d+|stages)"
_PERIODS = " in each period"
_WITHIN = rf"(events of )?\w+{_PERIODS}"
_VARIABLE = rf"^(time to first \w+|events of \w+|{_READ}|{_SHARE}|{_WITHIN})$"


class Subgroup(Spec):
    """A part of those randomised, by what was known of them at screening."""

    where: Condition = Field(
        description="by variables of the model, and readings at screening",
        examples=["inheritance is x_linked"],
    )


OF_ONE_ARM = ("share", "mean", "rate per year")
"""Summaries of a trial of one arm."""


class Estimand(Spec):
    """What is estimated (ICH E9 R1): variable, summary, and the intercurrent events' strategies."""

    population: Literal["randomised"] | Subgroup = Field(
        "randomised",
        description="who is analysed: all who were randomised, or a subgroup of them",
        examples=["randomised", {"where": "inheritance is x_linked"}],
    )
    variable: str = Field(
        description="'time to first X' or 'events of X', of an outcome or an adverse event; "
        "'change in X at week W', 'percent "
        "change in X at week W', or, of a diary, "
        "'log ratio of X at week W': log((reading + 1) / (baseline + 1)); of an endpoint "
        "'share with X by week W'; 'by stages' in place of a week where 'stages' says how they "
        "end; within patients, 'X in each period', of a score at the last visit of each, or "
        "'events of X in each period'",
        json_schema_extra={"pattern": _VARIABLE},
        examples=["time to first infection", "events of infection", "change in mfars at week 48"],
    )
    arm: str = Field(
        "",
        description="the arm that is compared with the control, where there are several",
        examples=["high"],
    )
    stages: list[Stage] = Field(
        default_factory=list,
        max_length=2,
        description="the two stages of a trial that compares treatments twice",
        examples=[[{"week": 12}, {"week": 24, "since": 12, "unless": {"event": "attack"}}]],
    )
    weight: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="of the first of two stages (sequential parallel comparison): in each, what "
        "the control gets is compared with what others get",
        examples=[0.5],
    )
    treatment: str = Field(
        "",
        description="the first treatment whose share is compared (snSMART), with two stages",
        examples=["high"],
    )
    against: str = Field(
        "",
        description="the treatment with which it is compared; the control's first if not told",
        examples=["low"],
    )
    compare: list[str] = Field(
        default_factory=list,
        description="two treatments that are compared within patients, the control last: of a "
        "variable 'in each period'",
        examples=[["drug", "placebo"]],
    )
    skip: Duration = Field(
        0.0,
        description="time at the beginning of each period whose events are not counted",
        examples=["2 weeks"],
    )
    controls: Literal["concurrent", "all"] = Field(
        "concurrent",
        description="the control's patients: 'concurrent', randomised while the compared arm was "
        "open, or 'all', also those from before it opened and after it closed, whom a drift of "
        "the disease or of its care makes others",
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

    @model_validator(mode="after")
    def _in_stages(self) -> Estimand:
        stages_of(self.variable, self.stages, self.weight, self.treatment, self.against)
        return self

    @model_validator(mode="after")
    def _sound(self) -> Estimand:
        if not self.within_patients:
            if self.compare:
                mend = "write 'X in each period' or 'events of X in each period' as the variable"
                raise Fault("treatments are compared in periods", mend)
        elif len(set(self.compare)) != 2 or len(self.compare) != 2:
            mend = "write 'compare: [drug, placebo]', the control last"
            raise Fault("a comparison within patients is one of two treatments", mend)
        elif self.arm:
            raise Fault("treatments are compared here, and no arms", "remove 'arm'")
        if self.skip and not (self.within_patients and self.counts):
            message = "only events in each period leave out a time at its beginning"
            raise Fault(message, "remove 'skip'")
        return self

    @property
    def within_patients(self) -> bool:
        """Whether two treatments are compared within patients, period by period."""
        return self.variable.endswith(_PERIODS)

    @property
    def counts(self) -> bool:
        """Whether the variable is a number of events."""
        return self.variable.startswith("events of")

    @property
    def kind(self) -> str:
        """What methods know the variable by: its first word, and what is compared."""
        if self.within_patients:
            return "counts in periods" if self.counts else "scores in periods"
        word = self.variable.split()[0]
        if not self.stages:
            return word
        return f"weighted {word}" if self.weight is not None else f"first-stage {word}"

    @property
    def where(self) -> Expression | None:
        """What a subgroup of patients has in common; none where all are analysed."""
        found = self.population
        return found.where if isinstance(found, Subgroup) else None

    @property
    def outcome(self) -> str:
        """The outcome that the variable reads."""
        words = self.variable.split()
        if self.within_patients:
            return words[2] if self.counts else words[0]
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
        """The week of a reading; where there are stages, of the last."""
        if self.stages:
            return self.stages[-1].week
        return int(self.variable.split()[-1])

    def at_week(self, week: int) -> Estimand:
        """Return the same estimand of a reading of another week."""
        *words, _ = self.variable.split()
        return self.model_copy(update={"variable": " ".join([*words, str(week)])})
