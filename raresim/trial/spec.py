"""The scenario file: truth, design and analysis, kept apart."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from raresim.evidence import Source
from raresim.files.schema import Spec
from raresim.trial.analysis_block import Analysis
from raresim.trial.design_block import Design
from raresim.trial.truth_block import Truth


class ScenarioSpec(Spec):
    """A scenario file."""

    schema_: Literal["raresim/scenario/1"] = Field(alias="schema")
    question: str = Field(min_length=10)
    about: str = ""
    sources: dict[str, Source] = Field(default_factory=dict)
    truth: Truth
    design: Design
    analysis: Analysis
