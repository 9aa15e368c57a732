"""The scenario file: truth, design and analysis, kept apart."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from raresim.evidence import Source
from raresim.files.schema import Spec
from raresim.trial.grammar.analysis import Analysis
from raresim.trial.grammar.design import Design
from raresim.trial.grammar.published import Published
from raresim.trial.grammar.truth import Truth


class ScenarioSpec(Spec):
    """A scenario file."""

    schema_: Literal["raresim/scenario/1"] = Field(
        alias="schema", description="kind of file and version of its format"
    )
    question: str = Field(
        min_length=10,
        description="the trial's question, as one sentence",
        examples=["Does a drug that halves the rate of attacks show in 60 patients?"],
    )
    about: str = Field("", description="what else to know", examples=["A reproduction of 1991."])
    sources: dict[str, Source] = Field(
        default_factory=dict, description="papers, besides those of the model"
    )
    truth: Truth = Field(description="what the world is like, which nobody chooses")
    design: Design = Field(description="what the sponsor chooses")
    analysis: Analysis = Field(description="how the trial's question is answered")
    published: Published | None = Field(
        None, description="in a back-test: what the real trial found; no simulation reads it"
    )
