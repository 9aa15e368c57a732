"""A score on a bounded scale: each patient has a level and a slope, each reading its own noise.

    latent(t)   = level + slope t + effect(t)
    observed(t) = the nearest step of latent(t) + noise, held inside the scale

The published spread of a change over a time T is split into slope and noise by `visit_noise_share`:
2 sigma_e² = share * SD²  and  T² sigma_slope² = (1 - share) * SD², less what baseline variables and
rounding already explain. Treatment shifts the latent score in proportion to the time under it, and
what was gained is kept after stopping (a disease-modifying effect); courses add up.
Source of the random-slope model: Laird & Ware, Biometrics 1982;38:963-974.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from raresim.disease.network import Patients, couple, tied
from raresim.disease.outcomes.exposure import Exposure
from raresim.disease.outcomes.process import Horizon
from raresim.disease.outcomes.reading import AssessedProcess, Occasion, assessed
from raresim.disease.parameters import Parameters
from raresim.disease.score_block import Longitudinal
from raresim.errors import InputError, Problem
from raresim.evidence.distributions import TruncatedNormal, truncated_normal
from raresim.evidence.statistics import Floats, rows_of
from raresim.streams import Luck


@dataclass(frozen=True)
class ScoreLatent:
    """Level at randomisation and slope per day of each patient; noise SD of a reading."""

    level: Floats
    slope: Floats
    noise: Floats

    def rows(self, chosen: slice) -> ScoreLatent:
        """Return some replicates only."""
        level, slope = rows_of(self.level, chosen), rows_of(self.slope, chosen)
        return ScoreLatent(level, slope, rows_of(self.noise, chosen))


@dataclass(frozen=True)
class ScorePath:
    """The latent score of each patient as a function of time."""

    latent: ScoreLatent
    exposure: Exposure

    def level(self, days: Floats) -> Floats:
        """Return the latent score at `days` since randomisation (below zero: before)."""
        return self.latent.level + self.latent.slope * days + self.exposure.grown(days)


@dataclass(frozen=True)
class Modifiers:
    """Baseline variables with which a score changes faster: their means and covariance.

    Both are those of the patients in whom the change was published: there the modifiers add nothing
    to the mean change, and what they add to its spread is not added twice.
    """

    variables: tuple[str, ...] = ()
    means: tuple[float, ...] = ()
    covariance: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class ScoreProcess(AssessedProcess):
    """A longitudinal score; `modifiers` are centred where the mean change was published."""

    name: str
    spec: Longitudinal
    modifiers: Modifiers = Modifiers()
    reads: tuple[str, ...] = ()

    def latent(
        self,
        luck: Luck,
        patients: Patients,
        parameters: Parameters,
        linked: Mapping[str, Any],
        horizon: Horizon,
    ) -> ScoreLatent:
        """Draw level and slope of each patient."""
        noise, slope_sd = self.split(parameters)
        u = luck.uniform(f"outcome.{self.name}.level", patients.units)
        own = ndtri(luck.uniform(f"outcome.{self.name}.slope", patients.units))
        rho = parameters.numbers[self.name, "level_and_slope"][:, None]
        if rho.any():
            score, u = couple(parameters, self.name, u, patients.scores)
            own = rho * score + np.sqrt(1 - rho**2) * own
        else:
            u = tied(parameters, self.name, u, patients.scores)
        level = self.starting_levels(parameters, noise).quantile(u)
        mean = parameters.numbers[self.name, "mean_change.mean"] / self.spec.change_after
        slope = mean[:, None] + slope_sd[:, None] * own
        return ScoreLatent(level, slope + self.modified(patients, parameters), noise)

    def modified(self, patients: Patients, parameters: Parameters) -> Floats:
        """Return what the baseline variables add to each patient's slope, per day."""
        added: Floats = np.zeros((1, 1))
        named = zip(self.modifiers.variables, self.modifiers.means, strict=True)
        for (variable, mean), per_day in zip(named, self._per_day(parameters), strict=True):
            added = added + per_day[:, None] * (patients.values[variable] - mean)
        return added

    def _per_day(self, parameters: Parameters) -> list[Floats]:
        """Return what one unit of each modifier adds to the slope per day."""
        names = (f"faster.{variable}" for variable in self.modifiers.variables)
        return [parameters.numbers[self.name, name] / 365.25 for name in names]

    def _explained(self, parameters: Parameters) -> Floats:
        """Return the variance of slopes that the modifiers explain: c' S c."""
        per_day = self._per_day(parameters)
        explained: Floats = np.zeros(1)
        for a, row in zip(per_day, self.modifiers.covariance, strict=True):
            for b, covariance in zip(per_day, row, strict=True):
                explained = explained + a * b * covariance
        return explained

    def split(self, parameters: Parameters) -> tuple[Floats, Floats]:
        """Return the noise SD of a reading and the SD of slopes per day that is left over."""
        variance = parameters.numbers[self.name, "spread_of_change.sd"] ** 2
        noisy = parameters.numbers[self.name, "visit_noise_share"] * variance
        noise = noisy / 2 - self._rounding  # rounding is part of what was published
        slopes = (variance - noisy) / self.spec.change_after**2 - self._explained(parameters)
        return np.sqrt(np.maximum(noise, 0)), np.sqrt(np.maximum(slopes, 0))

    @property
    def _rounding(self) -> float:
        """The variance that rounding to whole steps adds to a reading."""
        return self.spec.step**2 / 12

    def starting_levels(self, parameters: Parameters, noise: Floats) -> TruncatedNormal:
        """Return the law of latent levels: the published spread without a reading's noise."""
        mean = parameters.numbers[self.name, "at_screening.mean"]
        sd = parameters.numbers[self.name, "at_screening.sd"]
        latent = np.sqrt(np.maximum(sd**2 - noise**2 - self._rounding, 1e-4 * sd**2))
        try:
            return truncated_normal(mean, latent, *self.spec.range)
        except InputError as error:
            low, high = self.spec.range
            message = f"no distribution held to {low:g} to {high:g} has this mean and SD"
            expected = "a mean inside the range, and an SD for which it has room"
            mend = "check 'mean', 'sd' and 'range'"
            raise self._contradiction("at_screening", message, expected, mend) from error

    def check(self, parameters: Parameters) -> None:
        """Refuse published numbers that leave no room for each other.

        Raises
        ------
        InputError
            When the spread of change is less than rounding, the spread at screening less than a
            reading's noise, or mean and SD at screening those of no distribution on the range. (A
            rare draw of the first two kinds is held at the edge instead.)
        """
        numbers = parameters.numbers
        noisy = numbers[self.name, "visit_noise_share"] * (
            numbers[self.name, "spread_of_change.sd"] ** 2
        )
        reading = float(np.min(noisy)) / 2
        if reading < self._rounding:
            message = "the published spread leaves no room for visit noise"
            least = f"{self._rounding:.3g}, what rounding to steps of {self.spec.step:g} adds"
            expected = f"visit_noise_share * sd² / 2, now {reading:.3g}, of at least {least}"
            mend = "check 'sd', 'visit_noise_share' and 'step'"
            raise self._contradiction("spread_of_change", message, expected, mend)
        if float(np.min(numbers[self.name, "at_screening.sd"])) ** 2 <= reading:
            message = "the spread at screening is less than a reading's noise"
            expected = f"an SD above {math.sqrt(reading):.3g}, from the spread of change"
            mend = "check both SDs and 'visit_noise_share'"
            raise self._contradiction("at_screening", message, expected, mend)
        self.starting_levels(parameters, self.split(parameters)[0])

    def _contradiction(self, key: str, message: str, expected: str, mend: str) -> InputError:
        """Return the fault of a statement of this outcome, with what was stated."""
        found = getattr(self.spec, key).statistic.text()
        where = f"outcomes.{self.name}.{key}"
        return InputError(Problem(message, field=where, found=found, expected=expected, mend=mend))

    def path(self, latent: ScoreLatent, exposure: Exposure, linked: Mapping[str, Any]) -> ScorePath:
        """Return the latent score over time under a history of exposure."""
        return ScorePath(latent, exposure)

    def observe(self, level: Floats, noise: Floats, u: Floats) -> Floats:
        """Return what an assessor writes down: noise added, held to the scale, in whole steps."""
        return assessed(level, noise, u, self.spec.range, self.spec.step)

    def read(self, path: ScorePath, occasion: Occasion, drawn: tuple[Floats, ...]) -> Floats:
        """Return what is written down on a day."""
        return self.observe(path.level(occasion.until), path.latent.noise, drawn[0])
