"""Statistics of several studies in place of one: what a new trial, or their mean, may have.

A model file writes `evidence: {pool: [...], for: new trial, heterogeneity: 0.3}`. Read, it becomes
a statistic of the same kind, with the pooled value as its number, so that whatever takes a mean
takes a pooled mean; only its error and its draws are those of the meta-analysis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import InstanceOf
from scipy.special import expit, stdtrit

from raresim.evidence import pooling
from raresim.evidence.events import Difference, Dispersion, EventRate, Ratio
from raresim.evidence.pooling import Mixture
from raresim.evidence.statistics import (
    Correlation,
    Floats,
    Mean,
    Share,
    Slope,
    Spread,
    Statistic,
    Uniform,
    draw_sd,
)

For = Literal["new trial", "mean"]


@dataclass(frozen=True, eq=False)
class Law:
    """What studies say of a number on the scale on which it is pooled.

    `mixture` is the posterior under a prior on the heterogeneity; without one the number is `mean`
    plus `sd` times a t with `df` degrees of freedom.
    """

    mean: float
    sd: float
    df: int = 0
    mixture: Mixture | None = None

    def quantile(self, u: Floats) -> Floats:
        """Return the values at cumulative probabilities `u`; equal ones are worked out once."""
        if self.mixture is None:
            return np.asarray(self.mean + self.sd * stdtrit(self.df, u))
        each, where = np.unique(u, return_inverse=True)
        return np.asarray(self.mixture.quantile(each)[where].reshape(u.shape))

    @property
    def ends(self) -> list[float]:
        """The 2.5 and 97.5 % points."""
        return [float(x) for x in self.quantile(np.array([0.025, 0.975]))]


def law(
    estimates: Sequence[float], errors: Sequence[float], goal: For, heterogeneity: float | None
) -> Law:
    """Return the law of the mean over studies, or of a new trial.

    With the scale of a half-normal prior on the heterogeneity: the posterior of `pooling`. Without:
    REML, with the larger of Hartung and Knapp's error and Wald's for the mean, and Higgins' for a
    new trial.

    Examples
    --------
    >>> few = law([-0.8, -0.2], [0.3, 0.25], "new trial", 0.5)
    >>> round(few.mean, 3), round(few.sd, 3)
    (-0.474, 0.599)
    """
    if heterogeneity is not None:
        found = pooling.posterior(estimates, errors, scale="identity", prior_scale=heterogeneity)
        mixture = found.new if goal == "new trial" else found.mu
        return Law(mixture.mean, mixture.sd, mixture=mixture)
    studies = pooling.pool(estimates, errors, at_least_wald=True)
    if goal == "mean":
        return Law(studies.mean, studies.se, studies.k - 1)
    return Law(studies.mean, math.hypot(studies.se_wald, studies.tau2**0.5), studies.k - 2)


Scale = Literal["plain", "log", "logit", "fisher"]
"""On which studies are pooled: the number itself, its logarithm, logit, or Fisher's z."""


def back(x: Floats | float, scale: Scale) -> Floats:
    """Return values of a scale as the numbers that papers print.

    >>> float(back(0.0, "log")), float(back(0.0, "logit")), float(back(0.0, "fisher"))
    (1.0, 0.5, 0.0)
    """
    ways: dict[Scale, Callable[[Any], Any]] = {"log": np.exp, "logit": expit, "fisher": np.tanh}
    return np.asarray(ways[scale](x) if scale in ways else x, dtype=np.float64)


def slope(x: float, scale: Scale) -> float:
    """Return the derivative of the way back at a value of the scale.

    >>> slope(0.0, "log"), slope(0.0, "logit"), slope(0.0, "fisher")
    (1.0, 0.25, 1.0)
    """
    value = float(back(x, scale))
    return {"plain": 1.0, "log": value, "logit": value * (1 - value)}.get(scale, 1 - value**2)


def first_state(share: Share) -> str:
    """Return the state whose share is pooled: `yes`, or the first of two by its name.

    >>> first_state(Share(share={"male": 0.4, "female": "rest"}))
    'female'
    """
    return min(share.numbers()) if isinstance(share.share, dict) else "yes"


class Pooled(Statistic):
    """What pooled statistics have in common: the studies, the law, errors and draws from it."""

    studies: tuple[InstanceOf[Statistic], ...]
    law: InstanceOf[Law]
    scale: Scale
    part: str
    goal: For

    @property
    def parts(self) -> tuple[Statistic, ...]:
        """The statistics of the studies."""
        return self.studies

    @property
    def error(self) -> float:
        """The law's SD, carried back from its scale."""
        return slope(self.law.mean, self.scale) * self.law.sd

    def errors(self) -> dict[str, float | None]:
        """Return the error of the pooled number; both states of a share have it."""
        return dict.fromkeys(self.numbers(), self.error)

    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Draw from the law of the mean, or of a new trial."""
        drawn = back(self.law.quantile(uniform(self.part)), self.scale)
        return {next(iter(self.numbers())): drawn}

    def text(self) -> str:
        """Return the pooled number, its error, and of how many studies it is."""
        goal = "for a new trial" if self.goal == "new trial" else "for the mean"
        many = f"{len(self.studies)} stud{'y' if len(self.studies) == 1 else 'ies'}"
        return f"{self.printed()}, pooled {goal} from {many}, SE {self.error:.3g}"

    def printed(self) -> str:
        """Return the pooled number as its kind prints it."""
        return super().text()


class PooledMean(Pooled, Mean):
    """A pooled mean; its SD is that of patients within studies."""

    freedom: int

    def errors(self) -> dict[str, float | None]:
        """Return the errors of the mean and of the SD within studies."""
        found: dict[str, float | None] = {"mean": self.error}
        if self.sd is not None:
            found["sd"] = self.sd / math.sqrt(2 * self.freedom)
        return found

    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Draw the mean from its law, sigma² from f s² / chi²(f), f = sum of n - 1."""
        drawn = {"mean": self.law.quantile(uniform("mean"))}
        if self.sd is not None:
            drawn["sd"] = draw_sd(self.sd, self.freedom + 1, uniform("sd"))
        return drawn


class PooledShare(Pooled, Share):
    """A pooled share of two states."""

    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Draw the share of the first state, or of `yes`; the other one has the rest."""
        first = first_state(self)
        (other,) = set(self.numbers()) - {first}
        share = back(self.law.quantile(uniform(first)), self.scale)
        return {first: share, other: 1 - share}


class PooledSpread(Pooled, Spread):
    """A pooled standard deviation."""


class PooledRate(Pooled, EventRate):
    """A pooled rate, with the exposure of all studies."""

    def printed(self) -> str:
        """Return the rate; a pooled one has no count of events."""
        return f"{self.numbers()['rate']:.4g} per patient-year"


class PooledDispersion(Pooled, Dispersion):
    """A pooled theta."""


class PooledCorrelation(Pooled, Correlation):
    """A pooled correlation."""


class PooledSlope(Pooled, Slope):
    """A pooled slope."""


class PooledRatio(Pooled, Ratio):
    """A pooled ratio."""


class PooledDifference(Pooled, Difference):
    """A pooled difference."""


def spelt_out(what: str, statistic: Statistic) -> Iterator[tuple[str, Statistic]]:
    """Yield a statistic and, where it is pooled, each of its studies under a name of its own.

    >>> [what for what, _ in spelt_out("sex", Share(share=0.6))]
    ['sex']
    """
    yield what, statistic
    if isinstance(statistic, Pooled):
        for number, study in enumerate(statistic.studies):
            yield f"{what}, study {number + 1}", study
