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
    """Condition: this share of an estimand's planned information is known."""

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


class Completed(Spec):
    """Condition: this many patients have completed their follow-up."""

    completed: int = Field(ge=1, description="patients who completed, in all arms", examples=[40])


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


Change = NewRatio | Narrow | Recruit | ReEstimate | Extend | CrossOver
Action = str | Change
_WORDS = r"analyse \w+|stop( if (efficacy|futility|harm))?|close recruitment"
_ARMS = r"(drop|add) \w+|drop \w+ if (futility|harm)"
_FORMS = ["stop if efficacy", "stop if futility", "stop if harm", "stop", "close recruitment"]


class Milestone(Spec):
    """A condition and what is done when it first holds."""

    when: AllOf | AnyOf | OneCondition = Field(description="the first moment at which this holds")
    do: list[Action] = Field(
        min_length=1,
        max_length=20,
        description="'analyse NAME' of an estimand, 'stop', 'stop if efficacy' (or futility, "
        "harm), 'close recruitment', 'add ARM', 'drop ARM', 'drop ARM if futility' (or harm), or "
        "a change of the ratio, of eligibility, of n, of the follow-up or of treatment",
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
        """Whether its analyses guard against futility or harm alone: nothing is rejected at it."""
        reasons = self.reasons
        return bool(reasons & {"futility", "harm"}) and "efficacy" not in reasons

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
