"""What a trial with several estimands may claim: which of them make a success, at which error."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from raresim.errors import Fault
from raresim.files.schema import Spec

ROUNDING = 1e-9


class AnyClaim(Spec):
    """A success: one or more of these estimands reject."""

    any_of: list[str] = Field(
        min_length=2,
        max_length=20,
        description="estimands, the one first that decides at interim looks",
        examples=[["everybody", "carriers"]],
    )


class Stepwise(Spec):
    """A procedure that orders the p-values of some estimands by size."""

    procedure: Literal["holm", "hochberg"] = Field(
        description="holm holds whatever the dependence; hochberg where tests are independent or "
        "positively dependent, as those of a population and of its subgroup"
    )
    of: list[str] = Field(
        min_length=2,
        max_length=20,
        description="estimands that share the level",
        examples=[["everybody", "carriers"]],
    )


class GraphSpec(Spec):
    """Shares of the level, and who gets the share of a hypothesis that is rejected.

    Bretz F, Maurer W, Brannath W, Posch M. Stat Med 2009;28:586-604.
    """

    weights: dict[str, float] = Field(
        min_length=2,
        max_length=20,
        description="share of the level of each estimand; at most 1 together",
        examples=[{"everybody": 0.5, "carriers": 0.5}],
    )
    passes: dict[str, dict[str, float]] = Field(
        default_factory=dict,
        description="shares that an estimand, once rejected, passes on to others",
        examples=[{"everybody": {"carriers": 1}, "carriers": {"everybody": 1}}],
    )

    @model_validator(mode="after")
    def _is_one(self) -> GraphSpec:
        shares = {"weights": self.weights, **{f"of {k}": own for k, own in self.passes.items()}}
        for what, own in shares.items():
            if min(own.values(), default=0) < 0 or sum(own.values()) > 1 + ROUNDING:
                raise Fault(f"expected shares, at most 1 together: {what}", "lower the shares")
        for name, own in self.passes.items():
            if name in own:
                raise Fault(f"{name!r} passes its level to itself", f"remove {name!r} there")
        return self


class Graph(Spec):
    """A graph by which levels are passed on."""

    graph: GraphSpec = Field(description="shares of the level, and to whom they are passed on")


Multiplicity = Literal["holm", "hochberg"] | Stepwise | Graph
