"""Strategies for intercurrent events: the five of ICH E9(R1), and the words for them.

An intercurrent event happens after treatment has begun and changes what the variable means, or
whether there is one. Source: ICH E9(R1), Addendum on estimands and sensitivity analysis in clinical
trials, 2019, section A.3.2, where "while on treatment" has its name by the event: "while alive".
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from raresim.files.schema import Spec

STOPS = "stops_treatment"
"""The end of treatment before its time; the planned end is no intercurrent event."""

CROSSES = "crosses_over"
"""A change to another arm's treatment at a milestone."""

Strategy = Literal[
    "treatment policy",
    "hypothetical",
    "composite",
    "while on treatment",
    "while alive",
    "principal stratum",
]

MEANS = {
    "treatment policy": "it changes nothing",
    "hypothetical": "as if it had happened to nobody; what comes after it is not used",
    "composite": "it is part of the variable",
    "while on treatment": "only what comes before it counts",
    "while alive": "only what comes before it counts",
    "principal stratum": "those to whom it would happen under neither arm; estimated from those to "
    "whom it did not happen in the trial, as if they were the same",
}
"""What a strategy asks and, where the analysis does not give it, what is done instead."""


class CompositeValue(Spec):
    """The composite strategy for a change: what is written down for whoever has the event."""

    composite: float | Literal["worst"] = Field(
        description="a change, in the units of the variable, or 'worst': that to the bad end of "
        "the scale",
        examples=["worst", 0],
    )


def words(how: Strategy | CompositeValue) -> str:
    """Return a strategy as words.

    >>> words("treatment policy"), words(CompositeValue(composite=0))
    ('treatment policy (it changes nothing)', 'composite (it counts as a change of 0)')
    """
    if isinstance(how, str):
        return f"{how} ({MEANS[how]})"
    value = how.composite
    what = "as the worst of the scale" if value == "worst" else f"as a change of {value:g}"
    return f"composite (it counts {what})"
