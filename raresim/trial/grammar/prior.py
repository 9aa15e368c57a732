"""Priors of Bayesian methods, as scenario files state them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from raresim.files.schema import Spec

Positive = Annotated[float, Field(gt=0, le=1e6)]
Pair = Annotated[list[Positive], Field(min_length=2, max_length=2)]


class BetaPrior(Spec):
    """A beta distribution of a share, and in a basket trial how likely baskets are alike."""

    beta: Pair = Field(
        description="its two parameters: as if so many patients with and without the endpoint had "
        "been seen",
        examples=[[1, 1]],
    )
    exchangeable: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="of 'basket exchangeability': prior probability that another basket has the "
        "same share as this one",
        examples=[0.5],
    )


class GammaPrior(Spec):
    """A gamma distribution of a rate."""

    gamma: Pair = Field(
        description="its two parameters: as if so many events had been seen in so many patient-"
        "years",
        examples=[[0.5, 0.5]],
    )


class BasketPrior(Spec):
    """Normal log odds of baskets about a common mean."""

    mean: float = Field(
        ge=-10, le=10, description="mean of the mean log odds of all baskets", examples=[-1.4]
    )
    sd: float = Field(gt=0, le=100, description="SD of that mean", examples=[2])
    between: float = Field(
        gt=0,
        le=100,
        description="scale of the half-normal SD between baskets: small borrows much",
        examples=[1],
    )


Prior = BetaPrior | GammaPrior | BasketPrior
