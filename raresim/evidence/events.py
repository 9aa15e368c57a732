"""Statistics of events and of treatment effects: rates, dispersion, ratios, differences."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator
from scipy.special import gammaincinv, ndtri

from raresim.errors import Fault
from raresim.evidence.statistics import Z95, Floats, Numbers, Statistic, Uniform
from raresim.files.schema import Amount, Duration, Exposure, Rate


class EventRate(Statistic):
    """Events over a total exposure."""

    keys: ClassVar = ("events", "rate")
    exposure: Exposure = Field(description="time under observation, of all patients together")
    events: float | None = Field(None, ge=0, description="events in that time", examples=[56])
    rate: Rate | None = Field(
        None,
        description="events for each patient and unit of time, where no count is printed",
        examples=["1.07 per patient-year", "0.097 per month"],
    )

    @model_validator(mode="after")
    def _one_of(self) -> EventRate:
        if (self.events is None) == (self.rate is None):
            mend = "add one of the two" if self.events is None else "keep one of the two"
            raise Fault("expected either 'events' or 'rate' beside 'exposure'", mend)
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
    negative_binomial_theta: float = Field(
        gt=0,
        description="theta (size) of the negative binomial; small: patients differ much",
        examples=[1.095],
    )
    se: float | None = Field(None, gt=0, description="standard error of theta", examples=[0.49])

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


_INTERVAL = "check the interval and the estimate inside it"


class Ratio(Statistic):
    """A rate ratio or hazard ratio, with its 95 % confidence interval."""

    keys: ClassVar = ("rate_ratio", "hazard_ratio")
    rate_ratio: float | None = Field(
        None, gt=0, description="ratio of the rates of events; 1 is no effect", examples=[0.334]
    )
    hazard_ratio: float | None = Field(
        None, gt=0, description="ratio of the hazards; 1 is no effect", examples=[0.335]
    )
    ci: list[float] | None = Field(
        None,
        min_length=2,
        max_length=2,
        description="95 % confidence interval: lower and upper end",
        examples=[[0.181, 0.616]],
    )

    @model_validator(mode="after")
    def _sound(self) -> Ratio:
        if (self.rate_ratio is None) == (self.hazard_ratio is None):
            mend = "add one of the two" if self.rate_ratio is None else "keep one of the two"
            raise Fault("expected either 'rate_ratio' or 'hazard_ratio'", mend)
        if self.ci is not None and not 0 < self.ci[0] < self.ratio < self.ci[1]:
            raise Fault("expected a confidence interval above zero that holds the ratio", _INTERVAL)
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
    difference: Amount = Field(description="treated minus control, in the score's unit")
    after: Duration = Field(
        description="time on treatment after which the difference is reached",
        examples=["48 weeks"],
    )
    ci: list[float] | None = Field(
        None,
        min_length=2,
        max_length=2,
        description="95 % confidence interval: lower and upper end",
        examples=[[-4.31, -0.5]],
    )

    @model_validator(mode="after")
    def _holds(self) -> Difference:
        if self.ci is not None and not self.ci[0] < self.difference < self.ci[1]:
            raise Fault("expected a confidence interval that holds the difference", _INTERVAL)
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
