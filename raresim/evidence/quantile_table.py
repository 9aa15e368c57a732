"""A table of quantiles: below which value 10 %, 25 %, ... of the patients lie."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator
from scipy.special import betaincinv, logit

from raresim.errors import Fault
from raresim.evidence.statistics import Floats, Numbers, Statistic, Uniform

LEAST_GAP = 1e-6
"""Least share of the population that a draw leaves between two printed values."""


class QuantileTable(Statistic):
    """Values below which stated shares of the patients lie: three or more quantiles."""

    keys: ClassVar = ("quantiles",)

    quantiles: dict[str, float] = Field(
        min_length=3,
        max_length=20,
        description="value below which a share of the patients lies, by that share, both "
        "ascending; shares lie between 0 and 1",
        examples=[{"0.1": 14, "0.25": 20, "0.5": 26, "0.75": 30, "0.9": 32}],
    )

    @model_validator(mode="after")
    def _ascends(self) -> QuantileTable:
        try:
            levels = self.levels
        except ValueError as error:
            mend = "write '0.25: 20' where a quarter lies below 20"
            raise Fault("expected shares of the patients as keys", mend) from error
        if not all(0.001 <= level <= 0.999 for level in levels):
            raise Fault("expected shares from 0.001 to 0.999 as keys", "write 0.25 for 25 %")
        if any(b - a < 0.001 for a, b in pairwise(levels)):
            raise Fault("expected shares that ascend", "write the smallest share first")
        if any(b <= a for a, b in pairwise(self.quantiles.values())):
            mend = "check the values; where two shares have one value, keep one of them"
            raise Fault("expected values that ascend with their shares", mend)
        return self

    @cached_property
    def levels(self) -> list[float]:
        """The shares of the patients who lie below the values."""
        return [float(text) for text in self.quantiles]

    def numbers(self) -> Numbers:
        """Return the values by their share in per cent."""
        names = (f"{100 * level:.6g} %" for level in self.levels)
        return dict(zip(names, self.quantiles.values(), strict=True))

    def errors(self) -> dict[str, float | None]:
        """Return the large-sample errors sqrt(p (1-p) / n) / density.

        The density is read off the table: values are nearly straight lines in logit p, so it is
        p (1-p) over the slope there, between the two neighbours (at an end, from one).
        """
        if not self.n:
            return dict.fromkeys(self.numbers())
        p, x = np.array(self.levels), np.array(list(self.quantiles.values()))
        last = len(p) - 1
        before = np.maximum(np.arange(len(p)) - 1, 0)
        after = np.minimum(np.arange(len(p)) + 1, last)
        slope = (x[after] - x[before]) / (logit(p[after]) - logit(p[before]))
        found = slope / np.sqrt(self.n * p * (1 - p))
        return {name: float(error) for name, error in zip(self.numbers(), found, strict=True)}

    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Return at which level of the population each printed value may lie.

        n (p[k] - p[k-1]) of n patients fell into each gap between the printed values; the
        population's shares of the gaps are drawn from the Dirichlet of these counts by conditional
        betas, as for quartiles. No gap is drawn smaller than a millionth.
        """
        names = list(self.numbers())
        if not self.n:
            return {name: np.array([p]) for name, p in zip(names, self.levels, strict=True)}
        left: Floats = np.ones(1)
        gaps: list[Floats] = []
        for name, (low, high) in zip(names, pairwise([0.0, *self.levels]), strict=True):
            part = betaincinv(self.n * (high - low), self.n * (1 - high), uniform(name))
            gaps.append(np.maximum(left * part, LEAST_GAP))
            left = left * (1 - part)
        gaps.append(np.maximum(left, LEAST_GAP))
        below = np.cumsum(np.stack(np.broadcast_arrays(*gaps)), axis=0)
        return {name: below[k] / below[-1] for k, name in enumerate(names)}

    def text(self) -> str:
        """Return which share lies below which value."""
        parts = [f"{name} below {value:.4g}" for name, value in self.numbers().items()]
        return ", ".join(parts) + (f" (n = {self.n})" if self.n else "")


def described(statistic: QuantileTable, values: Floats) -> dict[str, float]:
    """Return the table's quantiles of some values."""
    found = np.quantile(values, statistic.levels)
    return {name: float(x) for name, x in zip(statistic.numbers(), found, strict=True)}
