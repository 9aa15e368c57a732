"""The truth block of a scenario: what the world is like, which nobody chooses."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from raresim.evidence import Difference, Mean, Ratio, Stated
from raresim.files.schema import Duration, Rate, Span, Spec

Mode = Literal["fixed", "nuisance", "effect", "all"]
"""What is drawn: nothing, natural history, the effect, or both."""


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
    stops_treatment: Hazard = Hazard.model_validate({"rate": "0 per year"})
    leaves_study: Hazard = Hazard.model_validate({"rate": "0 per year"})
    followed_for: dict[str, Stated[Mean]] | None = Field(
        None,
        description="administrative follow-up of each arm, where a published trial is replayed",
    )
