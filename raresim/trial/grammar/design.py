"""The design block of a scenario: what the sponsor chooses."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from raresim import limits
from raresim.errors import Fault
from raresim.files.schema import Condition, Duration, Spec
from raresim.trial.grammar.arm import Arm, Planned, Regimen, planned
from raresim.trial.grammar.cost import Costs
from raresim.trial.grammar.kit import Kits
from raresim.trial.grammar.milestone import (
    Action,
    KeepBest,
    Milestone,
    NewRatio,
    Recruit,
    ReEstimate,
    ReEstimateUnblinded,
)
from raresim.trial.grammar.randomise import Randomise
from raresim.trial.grammar.run_in import RunIn, TreatedRunIn
from raresim.trial.grammar.site import Sites


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


class Again(Spec):
    """Who is not eligible at screening may come again."""

    after: Duration = Field(description="from a failed screening to the next", examples=["8 weeks"])
    times: int = Field(1, ge=1, le=5, description="how often at most", examples=[1])


class Design(Spec):
    """What the sponsor chooses."""

    eligible: Condition = Field(description="who may be randomised, as seen at screening")
    treatments: dict[str, Regimen] = Field(
        default_factory=dict,
        max_length=16,
        description="what the periods of arms may give, by name; 'nothing' is always there",
        examples=[{"placebo": {"give": "placebo"}, "drug": {"give": "the drug", "every": "day"}}],
    )
    arms: dict[str, Arm] = Field(
        min_length=1,
        max_length=16,
        description="the arms, by name; one without periods is a treatment of the same name",
    )
    control: str | None = Field(
        None,
        description="the arm that others are compared with; a trial of one arm has none, and is "
        "held against a goal",
        examples=["placebo"],
    )
    randomise: Randomise = Field(description="how patients are allotted to arms")
    sites: Sites = Field(description="sites and when they open")
    recruit_for: Duration = Field(description="recruitment ends here if n is not reached before")
    give_up_after: Duration | None = Field(
        None,
        description="recruitment ends when nobody has been randomised for so long after the last",
        examples=["6 months"],
    )
    screen_again: Again | None = Field(
        None, description="another screening of who failed one; readings are taken anew"
    )
    run_in: RunIn | None = Field(
        None,
        description="observation before randomisation, untreated or under a treatment; 'eligible' "
        "may name what it showed, such as attack_in_run_in or score_change_in_run_in",
        examples=["4 weeks", {"for": "8 weeks", "give": "drug"}],
    )
    visits: Visits = Field(description="when patients are seen")
    treat_for: Duration = Field(description="treatment and follow-up of each patient")
    follow_for: Duration | None = Field(
        None,
        description="follow-up of each patient; to the later of treatment's end and last visit if "
        "not told",
        examples=["12 months"],
    )
    after_stopping_treatment: Literal["keep following"] = Field(
        "keep following", description="what happens to who stops treatment"
    )
    milestones: dict[str, Milestone] = Field(
        min_length=1, max_length=10, description="looks and the end; the last one ends the trial"
    )
    kits: Kits | None = Field(
        None, description="drug kits at each site; there are always enough if not told"
    )
    costs: Costs | None = Field(None, description="prices, for what the trial costs")
    nulls: list[str] = Field(
        default_factory=list,
        description="hypotheses over which type I error is the maximum",
        examples=[["no_effect"]],
    )
    false_claims: dict[str, Annotated[list[str], Field(min_length=1)]] = Field(
        default_factory=dict,
        max_length=20,
        description="estimands of which a rejection is an error under a null hypothesis, where "
        "the effects do not tell, or where it is not those that the success and the order name",
        examples=[{"symptomatic": ["delayed_part"]}],
    )
    nuisance: dict[str, Annotated[list[Any], Field(min_length=1, max_length=5)]] = Field(
        default_factory=dict,
        max_length=6,
        description="what else type I error is the maximum over: places of 'truth' or, after "
        "'model.', of the model file, their keys joined by dots, and the values there beside the "
        "file's own",
        examples=[{"truth.leaves_study.rate": ["0 per year", "0.3 per year"]}],
    )

    @property
    def has_periods(self) -> bool:
        """Whether the arms of the design are sequences of periods, or some of them."""
        return any(arm.periods for arm in self.arms.values())

    def periods(self, arm: str) -> tuple[Planned, ...]:
        """Return the periods of an arm; one without any has one, of its own treatment.

        So has an external control, which is no arm of the design.
        """
        found = planned(self.arms[arm].periods, self.treat_for) if arm in self.arms else ()
        return found or (Planned(arm, 0.0, self.treat_for),)

    @property
    def run_in_days(self) -> float:
        """How long patients are observed before randomisation."""
        return self.run_in.for_ if isinstance(self.run_in, TreatedRunIn) else self.run_in or 0.0

    @property
    def run_in_gives(self) -> str | None:
        """The treatment of the run-in, None where nobody is treated before randomisation."""
        return self.run_in.give if isinstance(self.run_in, TreatedRunIn) else None

    @property
    def given(self) -> tuple[str, ...]:
        """Names of what may be given: that of effects, and of ratios by arm."""
        return *self.treatments, *(name for name, arm in self.arms.items() if not arm.periods)

    @property
    def changes(self) -> list[Action]:
        """What milestones may change of the trial's course, in the order of the file."""
        return [change for each in self.milestones.values() for change in each.changes]

    @property
    def turns(self) -> bool:
        """Whether a milestone may change the ratio: arms that open or close, and other parts."""
        words = [c for c in self.changes if isinstance(c, str) and c != "close recruitment"]
        return bool(words) or any(isinstance(c, NewRatio | KeepBest) for c in self.changes)

    @property
    def most(self) -> int:
        """Most patients that there can be, where a milestone may change their number."""
        more = [c.recruit for c in self.changes if isinstance(c, Recruit)]
        estimated = (ReEstimate, ReEstimateUnblinded)
        more += [c.at_most for c in self.changes if isinstance(c, estimated)]
        return max([self.randomise.n, *more])

    @property
    def screenings(self) -> int:
        """How often a candidate may come to screening."""
        return 1 + (self.screen_again.times if self.screen_again else 0)
