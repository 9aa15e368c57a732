"""Events that come once or again: a Poisson process in the patient's own operational time.

Given frailty Z (gamma, mean 1) and a site factor, the intensity is lambda Z S, times the rate ratio
while treated. Events happen where the cumulative intensity crosses sums of unit exponentials, so
that counts over a time t are negative binomial with 1 / theta = var(Z S) (no count is ever drawn).
The cumulative intensity is a straight line in each stage of the exposure, so it is inverted there.
Source: Cook & Lawless, The Statistical Analysis of Recurrent Events, Springer 2007.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from raresim import limits
from raresim.disease.network import Patients, tied
from raresim.disease.outcomes.exposure import UNTREATED, Exposure, Stage
from raresim.disease.outcomes.process import Horizon
from raresim.disease.parameters import Parameters
from raresim.errors import InputError, Problem
from raresim.evidence.statistics import Floats, rows_of
from raresim.evidence.tabulated import gamma_quantile
from raresim.streams import Luck


@dataclass(frozen=True)
class EventLatent:
    """Intensity without treatment (per day), frailty, and cumulative exponentials (…, events)."""

    intensity: Floats
    frailty: Floats
    thresholds: Floats

    def rows(self, chosen: slice) -> EventLatent:
        """Return some replicates only."""
        intensity, frailty = rows_of(self.intensity, chosen), rows_of(self.frailty, chosen)
        return EventLatent(intensity, frailty, rows_of(self.thresholds, chosen))


@dataclass(frozen=True)
class EventPath:
    """Days since randomisation of each event, ascending, infinite where there is none."""

    days: Floats


@dataclass(frozen=True)
class EventProcess:
    """Recurrent events, or one event when `limit` is 1."""

    name: str
    reads: tuple[str, ...]
    limit: int
    own_frailty: bool

    def latent(
        self,
        luck: Luck,
        patients: Patients,
        parameters: Parameters,
        linked: Mapping[str, EventLatent],
        horizon: Horizon,
    ) -> EventLatent:
        """Draw frailty, site factor and the exponentials that the horizon can need."""
        rate = _number(parameters, self.name, "rate.rate", "hazard.rate") / 365.25
        frailty = self._frailty(luck, patients, parameters, linked)
        intensity = rate[:, None] * frailty
        site_log_sd = parameters.numbers.get((self.name, "site_log_sd"))
        if site_log_sd is not None and float(site_log_sd[0]) > 0:
            u = self._luck_of_sites(luck, patients)
            factor = np.exp(
                site_log_sd[:, None] * ndtri(u) - 0.5 * site_log_sd[:, None] ** 2
            )  # mean 1
            intensity = intensity * np.take_along_axis(factor, patients.site, axis=1)
        reach = intensity * horizon.days * max(1.0, horizon.largest_ratio)
        return EventLatent(intensity, frailty, self._thresholds(luck, reach))

    def _luck_of_sites(self, luck: Luck, patients: Patients) -> Floats:
        """Return a uniform for each site, by its name; a cohort's nameless sites are units."""
        if not patients.site_names:
            return luck.uniform(f"outcome.{self.name}.site", patients.sites)
        points = [f"outcome.{self.name}.site[{name}]" for name in patients.site_names]
        return np.stack([luck.once(point) for point in points], axis=1)

    def _frailty(
        self,
        luck: Luck,
        patients: Patients,
        parameters: Parameters,
        linked: Mapping[str, EventLatent],
    ) -> Floats:
        if not self.own_frailty:
            alike = np.ones((luck.replicates, patients.units))
            return linked[self.reads[0]].frailty if self.reads else alike
        u = luck.uniform(f"outcome.{self.name}.frailty", patients.units)
        u = tied(parameters, self.name, u, patients.scores)
        variance = patient_variance(parameters, self.name)
        return np.asarray(gamma_quantile(1 / variance, u) * variance[:, None])

    def _thresholds(self, luck: Luck, reach: Floats) -> Floats:
        """Return cumulative unit exponentials, as many as anybody can need within reach."""
        units = reach.shape[1]
        reached = np.zeros(reach.shape)
        sums: list[Floats] = []
        while len(sums) < self.limit and (not sums or bool(np.any(reached <= reach))):
            if len(sums) >= limits.EVENTS.value:
                message = f"a patient has more than {limits.EVENTS.value} events"
                mend = f"check the rate and how much patients' rates differ, {limits.EVENTS.mend}"
                raise InputError(Problem(message, field=f"outcomes.{self.name}", mend=mend))
            u = luck.uniform(f"outcome.{self.name}.gap[{len(sums) + 1}]", units)
            reached = reached - np.log(u)
            sums.append(reached)
        return np.stack(sums, axis=-1)

    def count_before(
        self, luck: Luck, latent: EventLatent, days: float, exposure: Exposure = UNTREATED
    ) -> Floats:
        """Return the events of each patient in so many days before randomisation.

        The same intensity, other luck: a patient with many then tends to have more later, and fewer
        than then. Days under treatment count with its ratio.
        """
        lived: Floats | float = days
        for stage in exposure.stages:
            lived = lived + (stage.ratio - 1) * stage.days(-days, 0.0)
        reach = latent.intensity * lived
        reached, count = np.zeros(reach.shape), np.zeros(reach.shape)
        for number in range(1, limits.EVENTS.value + 2):
            u = luck.uniform(f"outcome.{self.name}.run_in.gap[{number}]", reach.shape[1])
            reached = reached - np.log(u)
            inside = reached <= reach
            if not inside.any():
                break
            count += inside
        return count

    def path(self, latent: EventLatent, exposure: Exposure, linked: Mapping[str, Any]) -> EventPath:
        """Invert the cumulative intensity: slope times the ratio in each stage, slope after."""
        with np.errstate(divide="ignore"):
            untreated = latent.thresholds / latent.intensity[..., None]
        return EventPath(bent(untreated, exposure.stages))


def bent(untreated: Floats, stages: tuple[Stage, ...]) -> Floats:
    """Return the days of events that come on the days `untreated` where nobody is treated.

    A stage from s to e with the ratio r lives through r (e - s) days of untreated time. With L days
    lived through by s, the untreated day d > L comes on s + (d - L) / r; later stages overwrite.
    The days are bent in place where they can be: they are the largest arrays of a simulation.
    """
    if not stages:
        return untreated
    lived = until = np.maximum(stages[0].since, 0.0)
    found = untreated
    with np.errstate(divide="ignore", invalid="ignore"):  # ratios of 0, stages without an end
        for stage in stages:
            since, until = np.maximum(stage.since, 0.0), np.maximum(stage.until, 0.0)
            found = _overwritten(found, untreated, lived, since, stage.ratio)
            lived = lived + stage.ratio * (until - since)
        before = ~(untreated > lived[..., None])  # also where `lived` is no number: without an end
        untreated -= lived[..., None]
        untreated += until[..., None]
    np.copyto(untreated, found, where=before)
    return untreated


def _overwritten(
    found: Floats, untreated: Floats, lived: Floats, since: Floats, ratio: Floats
) -> Floats:
    """Return the days `found`, but where untreated ones pass `lived`, those of the stage."""
    if not since.any():  # from randomisation on: all of them
        return np.asarray(untreated / ratio[..., None])
    days = untreated - lived[..., None]
    days /= ratio[..., None]
    days += since[..., None]
    np.copyto(days, found, where=~(untreated > lived[..., None]))
    return days


def patient_variance(parameters: Parameters, name: str) -> Floats:
    """Return the variance of the patients' own frailty: the total's part that sites do not explain.

    The published 1 / theta is the variance of Z S; with E Z = E S = 1 it is
    (1 + var Z)(1 + var S) - 1, so var Z = (1 + 1 / theta) / (1 + var S) - 1, held above 0.01.
    """
    total = 1 / parameters.numbers[name, "between_patients.theta"]
    log_sd = parameters.numbers.get((name, "site_log_sd"), np.zeros(1))
    return np.maximum((1 + total) / np.exp(log_sd**2) - 1, 0.01)


def _number(parameters: Parameters, name: str, *keys: str) -> Floats:
    return next(parameters.numbers[name, key] for key in keys if (name, key) in parameters.numbers)
