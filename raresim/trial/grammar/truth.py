"""The truth block of a scenario: what the world is like, which nobody chooses."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from raresim.evidence import Mean, Stated
from raresim.evidence.stated import SourceKey, Why
from raresim.files.schema import Duration, Span, Spec
from raresim.trial.grammar.candidate import Candidates, Label
from raresim.trial.grammar.effect import Drift, EffectSpec
from raresim.trial.grammar.external import External
from raresim.trial.grammar.patient import AdverseEvent, Hazard, Rescue

Mode = Literal["fixed", "nuisance", "effect", "all"]
"""What is drawn: nothing, natural history, the effect, or both."""


class Chance(Spec):
    """A share of visits."""

    share: float = Field(ge=0, lt=1, description="share, from 0 to 1", examples=[0.03])
    why: Why = ""
    source: SourceKey = ""


class Delay(Spec):
    """An exponential delay with its mean."""

    mean: Duration = Field(description="mean delay", examples=["2 weeks"])
    why: Why = ""
    source: SourceKey = ""


class Truth(Spec):
    """What the world is like."""

    model: str = Field(
        description="a shipped model with its major version, or a file beside this one",
        examples=["friedreich-ataxia@1", "my-disease.yaml"],
    )
    branch: str | None = Field(
        None,
        description="a branch of the model's evidence, in place of the file as it stands",
        examples=["sahara"],
    )
    uncertainty: Mode = Field(
        "nuisance",
        description="what is drawn anew: nothing (fixed), natural history, the effect, or all",
    )
    hypotheses: dict[str, dict[str, dict[str, EffectSpec]]] = Field(
        min_length=1,
        max_length=20,
        description="hypothesis: {outcome: {treatment: effect}}; an arm without periods is a "
        "treatment of the same name",
    )
    drift: dict[str, Drift] = Field(
        default_factory=dict,
        max_length=20,
        description="by outcome: how patients fare otherwise who are randomised later, in all arms",
        examples=[{"attack": {"rate_ratio": 0.9, "why": "care gets better"}}],
    )
    candidates: Candidates = Field(description="where candidates come from")
    external: dict[Label, External] = Field(
        default_factory=dict,
        max_length=1,
        description="patients of a registry, by its name: never randomised; 'design.control' may "
        "name it, or a method 'borrow' it",
        examples=[{"registry": {"n": 60, "earlier": "2 to 6 years"}}],
    )
    site_opening_delay: Delay | None = Field(None, description="sites open later than planned by")
    screening_lasts: Span = Field(description="shortest and longest time from visit to random list")
    withdraws_consent: Chance = Field(
        Chance(share=0.0), description="share of the eligible who withdraw before randomisation"
    )
    data_entry: Delay | None = Field(
        None,
        description="from what happens to a patient until the trial knows of it: looks before the "
        "last one see each patient's data up to then",
    )
    missed_visits: Chance = Field(Chance(share=0.0), description="share of visits missed")
    stops_treatment: Hazard = Field(
        Hazard.model_validate({"rate": "0 per year"}), description="patients who stop, but stay in"
    )
    leaves_study: Hazard = Field(
        Hazard.model_validate({"rate": "0 per year"}), description="patients lost to follow-up"
    )
    adverse_events: dict[str, AdverseEvent] = Field(
        default_factory=dict, max_length=20, description="adverse events, by name"
    )
    rescue: dict[str, Rescue] = Field(
        default_factory=dict, max_length=5, description="rescue medication, by name"
    )
    followed_for: dict[str, Stated[Mean]] | None = Field(
        None,
        description="administrative follow-up of each arm, where a published trial is replayed",
    )
