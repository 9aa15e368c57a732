"""The kinds of summary statistic, held as the paper printed them.

Each kind knows its printed numbers, their sampling standard errors and how to be *drawn*: what the
truth may be, given that these numbers were published. Draws use uniforms by inverse CDF only; the
caller hands in `uniform(part)`, one array of uniforms for each part that the kind asks for.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator
from scipy.special import betaincinv, gammaincinv, ndtri

from raresim.errors import Fault
from raresim.files.schema import Spec

Floats = npt.NDArray[np.float64]
Uniform = Callable[[str], Floats]
Numbers = dict[str, float]

Z95 = 1.959963984540054


def rows_of(values: Floats, chosen: slice) -> Floats:
    """Return some replicates of an array that may have one row for all."""
    return values if values.shape[0] == 1 else values[chosen]


class Origin(Spec):
    """What every statistic carries: who was counted, who printed it and whether that was read."""

    n: int | None = Field(None, gt=0, description="patients behind the number", examples=[128])
    source: str = Field("", description="key of the source in this file", examples=["moxie"])
    where: str = Field(
        "",
        description="table, figure, arm or subgroup in the source",
        examples=["table 1, placebo arm"],
    )
    seen: bool = Field(False, description="true only where the number was read in the source")
    derived: str = Field(
        "",
        description="formula, where the number was computed from printed ones",
        examples=["0.64 * sqrt(42)"],
    )
    note: str = Field("", description="anything else to know", examples=["LS mean of a model"])


class Statistic(Origin, ABC):
    """A statistic as it was printed: its numbers, their errors, and how it is drawn."""

    keys: ClassVar[tuple[str, ...]] = ()

    @property
    def parts(self) -> tuple[Statistic, ...]:
        """The statistics that were printed: itself, or those of the studies it pools."""
        return (self,)

    @property
    def sources(self) -> tuple[str, ...]:
        """Keys of all sources that it comes from, each once."""
        return tuple(dict.fromkeys(part.source for part in self.parts if part.source))

    @abstractmethod
    def numbers(self) -> Numbers:
        """Return the printed numbers by name."""

    def errors(self) -> dict[str, float | None]:
        """Return the sampling standard error of each printed number, None where unknown."""
        return dict.fromkeys(self.numbers())

    @abstractmethod
    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Return what the numbers may truly be, arrays like the uniforms."""

    def point(self) -> dict[str, Floats]:
        """Return the printed numbers as arrays of one."""
        return {name: np.array([value]) for name, value in self.numbers().items()}

    def text(self) -> str:
        """Return the numbers as a line for people."""
        parts = [f"{name.replace('_', ' ')} {value:.4g}" for name, value in self.numbers().items()]
        se, ci = getattr(self, "se", None), getattr(self, "ci", None)
        parts += [f"SE {se:g}"] if se else []
        parts += [f"95 % CI {ci[0]:g} to {ci[1]:g}"] if ci else []
        return ", ".join(parts) + (f" (n = {self.n})" if self.n else "")


class Share(Statistic):
    """Shares of n patients in named states, or the share that answers yes."""

    keys: ClassVar = ("share",)
    share: float | dict[str, float | Literal["rest"]] = Field(
        description="share that answers yes, or of each state, from 0 to 1; one may be 'rest'",
        examples=[0.867, {"x_linked": 0.672, "autosomal": "rest"}],
    )

    count: int | None = Field(
        None,
        ge=0,
        description="patients counted, where it is printed beside the share",
        examples=[28],
    )

    @model_validator(mode="after")
    def _sums_to_one(self) -> Share:
        values = list(self.numbers().values())
        if not all(-1e-9 <= value <= 1 + 1e-9 for value in values):
            mend = "write 0.6 for 60 %, and check that the shares sum to 1"
            raise Fault("expected shares between 0 and 1 that sum to 1 at most", mend)
        if isinstance(self.share, dict):
            if list(self.share.values()).count("rest") > 1:
                raise Fault("expected one 'rest' at most", "write the other shares as numbers")
            if abs(sum(values) - 1) > 0.002:
                message = f"expected shares that sum to 1, they sum to {sum(values):g}"
                raise Fault(message, "check the numbers; one of them may be 'rest'")
        return self

    def numbers(self) -> Numbers:
        """Return the share of each state; a single share is that of `yes`."""
        if not isinstance(self.share, dict):
            return {"no": 1 - self.share, "yes": self.share}
        stated = {k: v for k, v in self.share.items() if not isinstance(v, str)}
        rest = 1 - sum(stated.values())
        return {name: stated.get(name, rest) for name in self.share}

    def errors(self) -> dict[str, float | None]:
        """Return binomial standard errors, floored at Wilson's for an empty or full cell."""
        if self.n is None:
            return dict.fromkeys(self.numbers())
        floor = Z95 / (2 * (self.n + Z95**2))
        return {
            name: max(math.sqrt(max(p * (1 - p), 0) / self.n), floor)
            for name, p in self.numbers().items()
        }

    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Draw from the Dirichlet posterior under Jeffreys' prior (half a patient per state)."""
        names, shares = zip(*self.numbers().items(), strict=True)
        if self.n is None:
            return self.point()
        weights = [share * self.n + 0.5 for share in shares]
        left: Floats = np.ones(1)
        drawn: dict[str, Floats] = {}
        for k, name in enumerate(names[:-1]):  # stick breaking: a Dirichlet by conditional betas
            part = betaincinv(weights[k], sum(weights[k + 1 :]), uniform(name))
            drawn[name] = left * part
            left = left * (1 - part)
        drawn[names[-1]] = left
        return drawn

    def text(self) -> str:
        """Return the shares in per cent."""
        numbers = self.numbers()
        if not isinstance(self.share, dict):
            numbers = {"yes": numbers["yes"]}
        parts = [f"{name.replace('_', ' ')} {100 * value:.3g} %" for name, value in numbers.items()]
        return ", ".join(parts) + (f" (n = {self.n})" if self.n else "")


class Mean(Statistic):
    """A mean, with the SD of the patients or the SE of the mean."""

    keys: ClassVar = ("mean",)
    mean: float = Field(description="mean, in the unit of the variable", examples=[14.6])
    sd: float | None = Field(None, gt=0, description="SD between patients", examples=[9.8])
    se: float | None = Field(None, gt=0, description="standard error of the mean", examples=[0.64])

    def numbers(self) -> Numbers:
        """Return the mean, and the SD where printed."""
        return {"mean": self.mean} | ({"sd": self.sd} if self.sd is not None else {})

    def errors(self) -> dict[str, float | None]:
        """Return SE(mean) = SD / sqrt(n) and, for normal data, SE(SD) = SD / sqrt(2 (n - 1))."""
        of_mean = self.se
        if of_mean is None and self.sd and self.n:
            of_mean = self.sd / math.sqrt(self.n)
        found: dict[str, float | None] = {"mean": of_mean}
        if self.sd is not None:
            found["sd"] = self.sd / math.sqrt(2 * (self.n - 1)) if self.n and self.n > 1 else None
        return found

    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Draw mean and SD jointly: sigma² ~ (n-1) s² / chi²(n-1), mu | sigma ~ N(m, sigma²/n)."""
        if self.sd is not None and self.n and self.n > 1:
            sd = draw_sd(self.sd, self.n, uniform("sd"))
            scale = sd / self.sd * (self.errors()["mean"] or 0)
            return {"mean": self.mean + scale * ndtri(uniform("mean")), "sd": sd}
        error = self.errors()["mean"]
        drawn = self.point()
        if error:
            drawn["mean"] = self.mean + error * ndtri(uniform("mean"))
        return drawn


class Spread(Statistic):
    """A standard deviation between patients."""

    keys: ClassVar = ("sd",)
    sd: float = Field(gt=0, description="SD between patients, same unit", examples=[4.15])

    def numbers(self) -> Numbers:
        """Return the SD."""
        return {"sd": self.sd}

    def errors(self) -> dict[str, float | None]:
        """Return SE(SD) = SD / sqrt(2 (n - 1)), the value for normal data."""
        return {"sd": self.sd / math.sqrt(2 * (self.n - 1)) if self.n and self.n > 1 else None}

    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Draw sigma² from (n - 1) s² / chi²(n - 1)."""
        if not self.n or self.n < 2:
            return self.point()
        return {"sd": draw_sd(self.sd, self.n, uniform("sd"))}


class Quantiles(Statistic):
    """Median and quartiles."""

    keys: ClassVar = ("median",)
    median: float = Field(description="median, in the unit of the variable", examples=[13])
    q1: float = Field(description="a quarter of the patients lie below", examples=[9])
    q3: float = Field(description="a quarter of the patients lie above", examples=[19])

    @model_validator(mode="after")
    def _ascend(self) -> Quantiles:
        if not self.q1 < self.median < self.q3:
            raise Fault("expected q1 < median < q3", "put the three numbers in ascending order")
        return self

    def numbers(self) -> Numbers:
        """Return the three quartiles."""
        return {"q1": self.q1, "median": self.median, "q3": self.q3}

    def errors(self) -> dict[str, float | None]:
        """Return the large-sample errors sqrt(p (1-p) / n) / density, density as of a normal."""
        if not self.n:
            return dict.fromkeys(self.numbers())
        sigma = (self.q3 - self.q1) / 1.3489795
        at = {"q1": 1.3626, "median": 1.2533, "q3": 1.3626}
        return {name: factor * sigma / math.sqrt(self.n) for name, factor in at.items()}

    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Return at which level of the population each printed value may lie.

        A quarter of n patients fell into each gap between the printed quartiles; the population's
        shares of the gaps are drawn from their Dirichlet(n/4, ...) by conditional betas.
        """
        if not self.n:
            return {"q1": np.array([0.25]), "median": np.array([0.5]), "q3": np.array([0.75])}
        quarter = self.n / 4
        below: Floats = np.zeros(1)
        found: dict[str, Floats] = {}
        for k, name in enumerate(("q1", "median", "q3")):
            part = betaincinv(quarter, (3 - k) * quarter, uniform(name))
            below = below + (1 - below) * part
            found[name] = below
        return found


class Correlation(Statistic):
    """Pearson's correlation of two variables."""

    keys: ClassVar = ("correlation",)
    correlation: float = Field(gt=-1, lt=1, description="between -1 and 1", examples=[-0.6])

    def numbers(self) -> Numbers:
        """Return the correlation."""
        return {"correlation": self.correlation}

    def errors(self) -> dict[str, float | None]:
        """Return (1 - r²) / sqrt(n - 1)."""
        found = (1 - self.correlation**2) / math.sqrt(self.n - 1) if self.n and self.n > 1 else None
        return {"correlation": found}

    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Draw by Fisher's transformation: atanh(r) ± 1 / sqrt(n - 3)."""
        if not self.n or self.n < 4:
            return self.point()
        centre = math.atanh(self.correlation)
        drawn = np.tanh(centre + ndtri(uniform("correlation")) / math.sqrt(self.n - 3))
        return {"correlation": np.asarray(drawn)}


class Slope(Statistic):
    """A regression coefficient: change of the outcome for one unit of a variable."""

    keys: ClassVar = ("slope",)
    slope: float = Field(
        description="change of the outcome a year for one unit of the variable", examples=[-0.02]
    )
    se: float | None = Field(None, gt=0, description="standard error, same unit", examples=[0.01])

    def numbers(self) -> Numbers:
        """Return the slope."""
        return {"slope": self.slope}

    def errors(self) -> dict[str, float | None]:
        """Return the printed standard error."""
        return {"slope": self.se}

    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Draw normally about the printed slope."""
        if not self.se:
            return self.point()
        return {"slope": np.asarray(self.slope + self.se * ndtri(uniform("slope")))}


def draw_sd(sd: float, n: int, uniform: Floats) -> Floats:
    """Draw an SD whose square is (n - 1) s² / chi²(n - 1)."""
    chi2 = 2 * gammaincinv((n - 1) / 2, uniform)
    return np.asarray(sd * np.sqrt((n - 1) / chi2))
