"""The kinds of summary statistic, held as the paper printed them.

Each kind knows its printed numbers, their sampling standard errors and how to be *drawn*: what the
truth may be, given that these numbers were published. Draws use uniforms by inverse CDF only; the
caller hands in `uniform(part)`, one array of uniforms for each part that the kind asks for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Discriminator, Field, Tag, model_validator
from scipy.special import betaincinv, gammaincinv, ndtri

from raresim.files.schema import Amount, Duration, Exposure, Rate, Spec

Floats = npt.NDArray[np.float64]
Uniform = Callable[[str], Floats]
Numbers = dict[str, float]

Z95 = 1.959963984540054


class Statistic(Spec):
    """What every statistic carries: who was counted, who printed it and whether that was read."""

    keys: ClassVar[tuple[str, ...]] = ()

    n: int | None = Field(None, gt=0, description="patients behind the number")
    source: str = Field("", description="key of the source in this file")
    where: str = Field("", description="table, figure, arm or subgroup in the source")
    seen: bool = Field(False, description="true only where the number was read in the source")
    derived: str = Field("", description="formula, where the number was computed from printed ones")
    note: str = ""

    def numbers(self) -> Numbers:
        """Return the printed numbers by name."""
        raise NotImplementedError

    def errors(self) -> dict[str, float | None]:
        """Return the sampling standard error of each printed number, None where unknown."""
        return dict.fromkeys(self.numbers())

    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Return what the numbers may truly be, arrays like the uniforms."""
        raise NotImplementedError

    def point(self) -> dict[str, Floats]:
        """Return the printed numbers as arrays of one."""
        return {name: np.array([value]) for name, value in self.numbers().items()}

    def text(self) -> str:
        """Return the numbers as a line for people."""
        parts = [f"{name.replace('_', ' ')} {value:.4g}" for name, value in self.numbers().items()]
        return ", ".join(parts) + (f" (n = {self.n})" if self.n else "")


class Share(Statistic):
    """Shares of n patients in named states, or the share that answers yes."""

    keys: ClassVar = ("share",)
    share: float | dict[str, float | Literal["rest"]]

    @model_validator(mode="after")
    def _sums_to_one(self) -> Share:
        values = list(self.numbers().values())
        if not all(-1e-9 <= value <= 1 + 1e-9 for value in values):
            raise ValueError("expected shares between 0 and 1 that sum to 1 at most")
        if isinstance(self.share, dict):
            if list(self.share.values()).count("rest") > 1:
                raise ValueError("expected one 'rest' at most")
            if abs(sum(values) - 1) > 0.002:
                raise ValueError(f"expected shares that sum to 1, they sum to {sum(values):g}")
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
    mean: float
    sd: float | None = Field(None, gt=0)
    se: float | None = Field(None, gt=0)

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
            sd = _draw_sd(self.sd, self.n, uniform("sd"))
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
    sd: float = Field(gt=0)

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
        return {"sd": _draw_sd(self.sd, self.n, uniform("sd"))}


class Quantiles(Statistic):
    """Median and quartiles."""

    keys: ClassVar = ("median",)
    median: float
    q1: float
    q3: float

    @model_validator(mode="after")
    def _ascend(self) -> Quantiles:
        if not self.q1 < self.median < self.q3:
            raise ValueError("expected q1 < median < q3")
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

    def levels(self, uniform: Uniform) -> Floats:
        """Return where the printed values may lie in the population, shape (..., 3).

        A quarter of n patients fell into each gap between the printed quartiles; the population's
        shares of the gaps are drawn from their Dirichlet(n/4, ...) by conditional betas.
        """
        if not self.n:
            return np.array([[0.25, 0.5, 0.75]])
        quarter = self.n / 4
        left: Floats | float = 1.0
        gaps = []
        for k, name in enumerate(("q1", "median", "q3")):
            part = betaincinv(quarter, (3 - k) * quarter, uniform(name))
            gaps.append(left * part)
            left = left * (1 - part)
        return np.cumsum(np.stack(gaps, axis=-1), axis=-1)


class EventRate(Statistic):
    """Events over a total exposure."""

    keys: ClassVar = ("events", "rate")
    exposure: Exposure
    events: float | None = Field(None, ge=0)
    rate: Rate | None = None

    @model_validator(mode="after")
    def _one_of(self) -> EventRate:
        if (self.events is None) == (self.rate is None):
            raise ValueError("expected either 'events' or 'rate' beside 'exposure'")
        return self

    @property
    def count(self) -> float:
        """Events seen, possibly recovered from a printed rate."""
        return self.events if self.events is not None else (self.rate or 0) * self.exposure

    def numbers(self) -> Numbers:
        """Return the rate per patient-year."""
        return {"rate": self.count / self.exposure * 365.25}

    def errors(self) -> dict[str, float | None]:
        """Return the Poisson error sqrt(events) / exposure, at least that of one event."""
        return {"rate": math.sqrt(max(self.count, 1)) / self.exposure * 365.25}

    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Draw from the gamma posterior under Jeffreys' prior: Gamma(events + 1/2, exposure)."""
        value = gammaincinv(self.count + 0.5, uniform("rate")) / self.exposure * 365.25
        return {"rate": np.asarray(value)}

    def text(self) -> str:
        """Return events, exposure and rate."""
        years = self.exposure / 365.25
        rate = self.numbers()["rate"]
        return f"{rate:.4g} per patient-year ({self.count:.3g} events in {years:.4g} patient-years)"


class Dispersion(Statistic):
    """The theta of a negative binomial: counts have variance mean + mean² / theta."""

    keys: ClassVar = ("negative_binomial_theta",)
    negative_binomial_theta: float = Field(gt=0)
    se: float | None = Field(None, gt=0)

    def numbers(self) -> Numbers:
        """Return theta."""
        return {"theta": self.negative_binomial_theta}

    def errors(self) -> dict[str, float | None]:
        """Return the printed standard error."""
        return {"theta": self.se}

    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Draw theta log-normally, SE(log theta) = SE / theta."""
        if not self.se:
            return self.point()
        scale = self.se / self.negative_binomial_theta
        theta = self.negative_binomial_theta * np.exp(scale * ndtri(uniform("theta")))
        return {"theta": np.asarray(theta)}


class Correlation(Statistic):
    """Pearson's correlation of two variables."""

    keys: ClassVar = ("correlation",)
    correlation: float = Field(gt=-1, lt=1)

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
    slope: float
    se: float | None = Field(None, gt=0)

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


class Ratio(Statistic):
    """A rate ratio or hazard ratio, with its 95 % confidence interval."""

    keys: ClassVar = ("rate_ratio", "hazard_ratio")
    rate_ratio: float | None = Field(None, gt=0)
    hazard_ratio: float | None = Field(None, gt=0)
    ci: list[float] | None = Field(None, min_length=2, max_length=2)

    @model_validator(mode="after")
    def _sound(self) -> Ratio:
        if (self.rate_ratio is None) == (self.hazard_ratio is None):
            raise ValueError("expected either 'rate_ratio' or 'hazard_ratio'")
        if self.ci is not None and not 0 < self.ci[0] < self.ratio < self.ci[1]:
            raise ValueError("expected a confidence interval above zero that holds the ratio")
        return self

    @property
    def ratio(self) -> float:
        """The ratio, whichever kind it is."""
        return float(self.rate_ratio if self.rate_ratio is not None else self.hazard_ratio or 0)

    @property
    def log_se(self) -> float | None:
        """SE of the log ratio, from the width of the interval."""
        return (math.log(self.ci[1]) - math.log(self.ci[0])) / (2 * Z95) if self.ci else None

    def numbers(self) -> Numbers:
        """Return the ratio."""
        return {"rate_ratio" if self.rate_ratio is not None else "hazard_ratio": self.ratio}

    def errors(self) -> dict[str, float | None]:
        """Return ratio times SE(log ratio)."""
        name = next(iter(self.numbers()))
        return {name: self.ratio * self.log_se if self.log_se else None}

    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Draw log-normally about the printed ratio."""
        if not self.log_se:
            return self.point()
        name = next(iter(self.numbers()))
        return {name: np.asarray(self.ratio * np.exp(self.log_se * ndtri(uniform("ratio"))))}


class Difference(Statistic):
    """A difference between arms in a score, reached after a stated time of treatment."""

    keys: ClassVar = ("difference",)
    difference: Amount
    after: Duration
    ci: list[float] | None = Field(None, min_length=2, max_length=2)

    @model_validator(mode="after")
    def _holds(self) -> Difference:
        if self.ci is not None and not self.ci[0] < self.difference < self.ci[1]:
            raise ValueError("expected a confidence interval that holds the difference")
        return self

    def numbers(self) -> Numbers:
        """Return the difference."""
        return {"difference": self.difference}

    def errors(self) -> dict[str, float | None]:
        """Return the SE from the width of the interval."""
        return {"difference": (self.ci[1] - self.ci[0]) / (2 * Z95) if self.ci else None}

    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Draw normally about the printed difference."""
        error = self.errors()["difference"]
        if not error:
            return self.point()
        return {"difference": np.asarray(self.difference + error * ndtri(uniform("difference")))}


KINDS: tuple[type[Statistic], ...] = (
    Share, Mean, Spread, Quantiles, EventRate, Dispersion, Correlation, Slope, Ratio, Difference,
)  # fmt: skip


def _draw_sd(sd: float, n: int, uniform: Floats) -> Floats:
    """Draw an SD whose square is (n - 1) s² / chi²(n - 1)."""
    chi2 = 2 * gammaincinv((n - 1) / 2, uniform)
    return np.asarray(sd * np.sqrt((n - 1) / chi2))


def _kind(value: Any) -> str | None:
    """Tell the kind of a statistic by its first telling key."""
    if isinstance(value, Statistic):
        return type(value).__name__
    if isinstance(value, dict):
        for kind in KINDS:
            if any(key in value for key in kind.keys):
                return kind.__name__
    return None


AnyStatistic = Annotated[
    Annotated[Share, Tag("Share")]
    | Annotated[Mean, Tag("Mean")]
    | Annotated[Spread, Tag("Spread")]
    | Annotated[Quantiles, Tag("Quantiles")]
    | Annotated[EventRate, Tag("EventRate")]
    | Annotated[Dispersion, Tag("Dispersion")]
    | Annotated[Correlation, Tag("Correlation")]
    | Annotated[Slope, Tag("Slope")]
    | Annotated[Ratio, Tag("Ratio")]
    | Annotated[Difference, Tag("Difference")],
    Discriminator(
        _kind,
        custom_error_type="statistic",
        custom_error_message="expected a statistic: one of "
        + ", ".join(key for kind in KINDS for key in kind.keys),
    ),
]
"""Any kind of statistic, told apart by the keys that it holds."""
