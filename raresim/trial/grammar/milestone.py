"""Milestones of a design: a condition, and what is done when it first holds."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from raresim import limits
from raresim.errors import Fault, did_you_mean
from raresim.files.schema import Condition, Duration, Spec


class FirstEvents(Spec):
    """Condition: this many patients are known to have had a first event of an outcome."""

    first: str = Field(description="an outcome of events", examples=["infection"])
    patients: int = Field(ge=1, description="patients with a first event", examples=[22])
    arm: str = Field("", description="patients of this arm only", examples=["drug"])


class AllEvents(Spec):
    """Condition: this many events of an outcome are known, first ones and later ones."""

    events: str = Field(description="an outcome of events", examples=["attack"])
    total: int = Field(ge=1, description="events of all patients", examples=[200])
    arm: str = Field("", description="events of this arm only", examples=["drug"])


class Information(Spec):
    """Condition: this share of an estimand's planned information is known, of its arms alone."""

    information: float = Field(
        gt=0, le=1, description="share of planned_information", examples=[0.5]
    )
    of: str = Field(description="an estimand with a boundary", examples=["infection_free"])


class Calendar(Spec):
    """Condition: this long since the trial's start."""

    calendar: Duration = Field(description="time since the trial's start")


class Screened(Spec):
    """Condition: this many candidates have come to screening."""

    screened: int = Field(ge=1, description="candidates who have presented", examples=[100])


class Randomised(Spec):
    """Condition: this many patients have been randomised."""

    randomised: int = Field(ge=1, description="patients in all arms", examples=[40])
    arm: str = Field("", description="patients of this arm only", examples=["drug"])


class Completed(Spec):
    """Condition: this many patients have completed their follow-up."""

    completed: int = Field(ge=1, description="patients who completed, in all arms", examples=[40])
    arm: str = Field("", description="patients of this arm only", examples=["drug"])


class Seen(Spec):
    """Condition: this many patients have had a visit."""

    visit: int = Field(ge=1, description="week of the visit", examples=[24])
    patients: int = Field(ge=1, description="patients seen at it", examples=[30])


class Everybody(Spec):
    """Condition: recruitment is closed and everybody randomised has left or completed."""

    everybody: Literal["finished"] = Field(description="has left the study or completed it")


OneCondition = (
    FirstEvents
    | AllEvents
    | Information
    | Calendar
    | Screened
    | Randomised
    | Completed
    | Seen
    | Everybody
)


class AllOf(Spec):
    """Condition: every one of these holds."""

    all: list[OneCondition] = Field(min_length=1, max_length=10, description="all must hold")


class AnyOf(Spec):
    """Condition: one of these holds."""

    any: list[OneCondition] = Field(min_length=1, max_length=10, description="one must hold")


class NewRatio(Spec):
    """Action: patients are allotted in another ratio from now on."""

    ratio: dict[str, int] = Field(
        min_length=1, description="whole parts for each arm", examples=[{"placebo": 1, "drug": 2}]
    )


class Narrow(Spec):
    """Action: who is randomised from now on must meet one condition more."""

    eligible: Condition = Field(
        description="as seen at screening", examples=["inheritance is x_linked"]
    )
    only_if: Literal["efficacy", "futility", "harm"] | None = Field(
        None, description="of the estimand 'of' here; always if not told", examples=["futility"]
    )
    of: str = Field(
        "", description="an estimand; the primary one if not told", examples=["everybody"]
    )


class Recruit(Spec):
    """Action: the trial randomises another number of patients."""

    recruit: Annotated[int, AfterValidator(limits.PATIENTS.check)] = Field(
        gt=1, description="patients in all arms", examples=[120]
    )


class ReEstimate(Spec):
    """Action: n in proportion to the blinded variance of a change, never below the planned n.

    n * (s / planned_sd)^2 with s the SD of the change over all arms together, whatever the arm
    (Gould & Shih, Communications in Statistics - Theory and Methods 1992;21:2833-53, the simple
    one-sample variance, which holds the treatment's difference too).
    """

    re_estimate: str = Field(description="an estimand of a change", examples=["change"])
    planned_sd: float = Field(
        gt=0, description="SD of the change that n was planned with", examples=[30]
    )
    at_most: Annotated[int, AfterValidator(limits.PATIENTS.check)] = Field(
        gt=1, description="most patients in all arms", examples=[120]
    )


class PromisingZone(Spec):
    """Conditional power, under the trend so far, with which n grows: from here up to there."""

    conditional_power: float = Field(
        gt=0, lt=1, description="chance to reject at the last look that n is to bring",
        examples=[0.9],
    )  # fmt: skip
    promising_from: float = Field(
        gt=0, lt=1, description="the least such chance for which n grows", examples=[0.3]
    )


class ReEstimateUnblinded(Spec):
    """Action: n from the difference between the arms so far, never below the planned n.

    Where conditional power is promising n grows until it is what is wanted, or to the most
    (Mehta & Pocock, Statistics in Medicine 2011;30:3267-84). The level holds as the last test
    combines the stages with weights that were planned (`combine` of the boundary).
    """

    re_estimate: str = Field(
        description="an estimand whose boundary combines stages", examples=["change"]
    )
    unblinded: PromisingZone = Field(description="when n grows, and for which chance to reject")
    at_most: Annotated[int, AfterValidator(limits.PATIENTS.check)] = Field(
        gt=1, description="most patients in all arms", examples=[120]
    )


class Extend(Spec):
    """Action: everybody still in the study, or to come, is followed for longer."""

    follow_for: Duration = Field(
        description="follow-up of each patient from randomisation", examples=["24 months"]
    )


class CrossOver(Spec):
    """Action: patients on an arm's treatment get another arm's, as does who joins the arm later."""

    cross_over: str = Field(
        description="the arm whose patients change treatment", examples=["placebo"]
    )
    to: str = Field(description="the arm whose treatment they get", examples=["drug"])
    only_if: Literal["efficacy", "futility", "harm"] | None = Field(
        None, description="of the primary estimand here; always if not told", examples=["efficacy"]
    )
    treat_for: Duration | None = Field(
        None,
        description="how long each is treated from then on; to the planned end if not told",
        examples=["12 months"],
    )


class Adaptive(Spec):
    """How the ratio follows the data: each arm in proportion to its chance to be the best."""

    of: str = Field(
        description="an estimand of a share or a change, read in all arms", examples=["change"]
    )
    method: Literal["thompson"] = Field(
        "thompson",
        description="probability to be the best, by posteriors from flat priors: beta for shares, "
        "normal for means",
    )
    power: float = Field(
        0.5,
        gt=0,
        le=1,
        description="to which that probability is raised: 1 follows it, less is slower",
        examples=[0.5],
    )
    floor: float = Field(
        ge=0.01, le=0.5, description="least share of any arm that is open", examples=[0.2]
    )
    control_fixed: float | None = Field(
        None, gt=0, lt=1, description="share of the control, if it stays", examples=[0.35]
    )


class AdaptRatio(Spec):
    """Action: from now on the ratio follows what is known of an outcome."""

    adapt_ratio: Adaptive = Field(description="how the ratio follows the data")


class KeepBest(Spec):
    """Action: the arms with the highest z go on, the others are dropped."""

    keep_best: int = Field(ge=1, le=14, description="how many arms go on", examples=[1])
    of: list[str] = Field(
        min_length=2,
        max_length=15,
        description="estimands that are analysed here, one for each arm",
        examples=[["low", "high"]],
    )


Change = (
    NewRatio
    | Narrow
    | Recruit
    | ReEstimate
    | ReEstimateUnblinded
    | Extend
    | CrossOver
    | AdaptRatio
    | KeepBest
)
Action = str | Change
_WORDS = r"analyse \w+|stop( if (efficacy|futility|harm))?|close recruitment"
_ARMS = r"(drop|add|close) \w+|drop \w+ if (futility|harm)"
_FORMS = ["stop if efficacy", "stop if futility", "stop if harm", "stop", "close recruitment"]


class Milestone(Spec):
    """A condition and what is done when it first holds."""

    when: AllOf | AnyOf | OneCondition = Field(description="the first moment at which this holds")
    do: list[Action] = Field(
        min_length=1,
        max_length=20,
        description="'analyse NAME' of an estimand, 'stop', 'stop if efficacy' (or futility, "
        "harm), 'close recruitment', 'add ARM', 'close ARM' to new patients, 'drop ARM', 'drop "
        "ARM if futility' (or harm), or a change of the ratio, of eligibility, of n, of the "
        "follow-up, of treatment or of arms",
        examples=[["analyse infection_free", "stop if efficacy"]],
    )
    decide_after: Duration = Field(
        0.0,
        description="from the data cut to the decision; recruitment and treatment go on meanwhile",
        examples=["6 weeks"],
    )

    @model_validator(mode="after")
    def _words(self) -> Milestone:
        for action in self.do:
            if isinstance(action, str) and not re.fullmatch(f"{_WORDS}|{_ARMS}", action):
                message = f"expected 'analyse NAME' or 'stop if efficacy', got {action!r}"
                forms = [*_FORMS, f"analyse {re.sub(r'.*[^a-zA-Z0-9_]', '', action)}"]
                near = did_you_mean(action, forms)
                known = "write 'analyse NAME' with the name of an estimand"
                raise Fault(message, near if near.startswith("did") else known)
        return self

    @property
    def conditions(self) -> list[OneCondition]:
        """The single conditions of `when`."""
        if isinstance(self.when, AllOf):
            return list(self.when.all)
        return list(self.when.any) if isinstance(self.when, AnyOf) else [self.when]

    @property
    def analyses(self) -> list[str]:
        """Names of the estimands that are analysed here."""
        return [word.split()[1] for word in self.words if word.startswith("analyse ")]

    @property
    def words(self) -> list[str]:
        """The actions that are said in words."""
        return [action for action in self.do if isinstance(action, str)]

    @property
    def stops(self) -> tuple[str, ...]:
        """For what the trial stops here: 'efficacy', 'futility', 'harm', or '' for always."""
        return tuple(w.removeprefix("stop").removeprefix(" if ") for w in self.words if "stop" in w)

    @property
    def guards(self) -> bool:
        """Whether its analyses guard against futility or harm, or choose: nothing is rejected."""
        reasons = self.reasons
        chooses = any(isinstance(action, AdaptRatio | KeepBest) for action in self.do)
        return (chooses or bool(reasons & {"futility", "harm"})) and "efficacy" not in reasons

    @property
    def reasons(self) -> set[str]:
        """For what anything is done here: 'efficacy', 'futility', 'harm', or '' for always."""
        words = (word.partition(" if ")[2] for word in self.words)
        return {*words, *self.crossings, *(n.only_if or "" for n in self.narrowings)}

    @property
    def crossings(self) -> tuple[str, ...]:
        """For what patients cross over here, as for `stops`."""
        return tuple(a.only_if or "" for a in self.do if isinstance(a, CrossOver))

    @property
    def narrowings(self) -> list[Narrow]:
        """The conditions that are added here to those of eligibility."""
        return [action for action in self.do if isinstance(action, Narrow)]

    @property
    def changes(self) -> list[Action]:
        """The actions that change the trial's course without ending it."""
        plain = ("analyse ", "stop")
        return [a for a in self.do if not (isinstance(a, str) and a.startswith(plain))]
