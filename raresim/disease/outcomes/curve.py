"""Outcomes that follow a curve of time: a score that is assessed, or events counted in a diary.

    true(t)  = curve(the patient's own numbers, the curve's numbers, t)

`t` is years since randomisation, or the patient's clock (age, time since onset) in its own unit.
The curve is an expression of the model file: whatever differs between patients is a number among
the patients', with its law and its ties. On a score treatment adds a difference that grows with the
time under it and is kept; on a diary it multiplies the rate while it lasts.

A diary counts the events of a period of length L: Poisson about rate L A, where the activity A of a
period is gamma with mean 1 and shape theta L / per, so that counts are negative binomial, periods
of one patient differ more than by chance (as in epilepsy) and longer ones less. Activity and count
are inverse CDFs of the period's own luck: the same patient has the same luck under every arm.
Source of the law of counts: Cook & Lawless, The Statistical Analysis of Recurrent Events, Springer
2007, section 2.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from scipy.special import gammaincinv, pdtr, pdtrik

from raresim.disease.network import Patients
from raresim.disease.outcomes.exposure import Exposure
from raresim.disease.outcomes.process import Horizon
from raresim.disease.outcomes.reading import AssessedProcess, Occasion, assessed, on_day
from raresim.disease.outcomes.wander import Wander, wander
from raresim.disease.parameters import Parameters
from raresim.disease.score_block import Diary, Trajectory
from raresim.either import either
from raresim.evidence.statistics import Floats, rows_of
from raresim.files import Expression
from raresim.streams import Luck, point_name

YEAR = 365.25
States = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Clock:
    """Where `t` starts: a variable in a unit of so many days, or randomisation, in years."""

    since: str | None = None
    days_a_unit: float = YEAR


@dataclass(frozen=True)
class CurveLatent:
    """A patient's numbers in the curve, the clock at randomisation in its unit, the noise.

    `noise` is the SD of a reading, or a diary's theta, of shape (replicates,) or (1,); `wander` the
    ups and downs about the curve, of a diary on the log scale.
    """

    values: dict[str, Any]
    clock: Floats
    noise: Floats
    wander: Wander | None = None

    def rows(self, chosen: slice) -> CurveLatent:
        """Return some replicates only."""
        values = {name: rows_of(value, chosen) for name, value in self.values.items()}
        wander = None if self.wander is None else self.wander.rows(chosen)
        clock, noise = rows_of(self.clock, chosen), rows_of(self.noise, chosen)
        return CurveLatent(values, clock, noise, wander)


@dataclass(frozen=True)
class CurvePath:
    """The true value of each patient as a function of time."""

    process: CurveProcess
    latent: CurveLatent
    exposure: Exposure

    def level(self, days: Floats) -> Floats:
        """Return the true score at `days` since randomisation (below zero: before)."""
        return self.untreated(days) + self.exposure.grown(days)

    def untreated(self, days: Floats) -> Floats:
        """Return the curve at `days`."""
        t = self.latent.clock + days / self.process.clock.days_a_unit
        values = {**self.latent.values, "t": t}
        curve = self.process.curve.evaluate(values, self.process.states)
        if self.latent.wander is not None:
            curve = self.process.wandered(curve, self.latent.wander, days)
        return np.broadcast_to(curve, np.broadcast_shapes(curve.shape, t.shape))

    def expected(self, since: Floats, until: Floats) -> Floats:
        """Return the events expected from one day to another: the rate half-way, times days.

        Days under treatment count with its ratio: days + sum over stages of (ratio - 1) days in it.
        """
        rate = np.maximum(self.untreated((since + until) / 2), 0.0)
        days = until - since
        for stage in self.exposure.stages:
            days = days + (stage.ratio - 1) * stage.days(since, until)
        return np.asarray(rate * days)


@dataclass(frozen=True)
class CurveProcess:
    """An outcome that follows a curve; `states` are those of the model's categories.

    `noise` is the key of the number that a reading varies by.
    """

    noise: ClassVar[str]

    name: str
    spec: Trajectory | Diary
    clock: Clock
    states: States
    reads: tuple[str, ...] = ()

    @property
    def curve(self) -> Expression:
        """The score, or the rate, as an expression."""
        found: Expression = self.spec.rate if isinstance(self.spec, Diary) else self.spec.curve
        return found

    def latent(
        self,
        luck: Luck,
        patients: Patients,
        parameters: Parameters,
        linked: Mapping[str, Any],
        horizon: Horizon,
    ) -> CurveLatent:
        """Gather what the curve needs of each patient; only the ups and downs are drawn."""
        numbers, spec = parameters.numbers, self.spec
        values: dict[str, Any] = {
            name: numbers[self.name, f"numbers.{name}"][:, None] for name in spec.numbers
        }
        wanted = self.curve.names & set(patients.values)
        values |= {name: patients.values[name] for name in wanted}
        clock: Floats = np.zeros((1, 1))
        if self.clock.since is not None:  # the calendar is that of a trial; elsewhere it is at 0
            clock = patients.values.get(self.clock.since, clock)
        ups = None
        if spec.wanders is not None:
            sd, half_life = numbers[self.name, "wanders"], spec.wanders.half_life
            ups = wander(self.name, luck, patients.units, sd, half_life, horizon)
        return CurveLatent(values, clock, numbers[self.name, self.noise], ups)

    def wandered(self, curve: Floats, wander: Wander, days: Floats) -> Floats:
        """Return the curve with the ups and downs added."""
        return curve + wander.at(days)

    def path(self, latent: CurveLatent, exposure: Exposure, linked: Mapping[str, Any]) -> CurvePath:
        """Return the true value over time under a history of exposure."""
        return CurvePath(self, latent, exposure)


@dataclass(frozen=True)
class TrajectoryProcess(CurveProcess, AssessedProcess):
    """A score that follows a curve."""

    noise = "noise"
    spec: Trajectory

    def observe(self, level: Floats, noise: Floats, u: Floats) -> Floats:
        """Return what an assessor writes down; rounding to steps is part of the noise."""
        normal = np.sqrt(np.maximum(noise**2 - self.spec.step**2 / 12, 0.0))
        return assessed(level, normal, u, self.spec.range, self.spec.step)

    def read(self, path: CurvePath, occasion: Occasion, drawn: tuple[Floats, ...]) -> Floats:
        """Return what is written down on a day."""
        return self.observe(path.level(occasion.until), path.latent.noise, drawn[0])


@dataclass(frozen=True)
class DiaryProcess(CurveProcess):
    """Events counted from visit to visit."""

    noise = "between_periods"
    spec: Diary

    def latent(
        self,
        luck: Luck,
        patients: Patients,
        parameters: Parameters,
        linked: Mapping[str, Any],
        horizon: Horizon,
    ) -> CurveLatent:
        """Gather each patient's numbers; ups and downs reach back over one time `per` at least."""
        horizon = replace(horizon, before=max(horizon.before, self.spec.per))
        return super().latent(luck, patients, parameters, linked, horizon)

    def wandered(self, curve: Floats, wander: Wander, days: Floats) -> Floats:
        """Return the rate times the ups and downs, which have mean 1."""
        return curve * np.exp(wander.at(days) - 0.5 * wander.sd[:, None] ** 2)

    def luck_of(self, luck: Luck, label: str, units: int) -> tuple[Floats, ...]:
        """Return the luck of a period: of its activity and of its count."""
        kinds = ("activity", "count")
        points = [point_name("outcome", self.name, kind, labels=[label]) for kind in kinds]
        return tuple(luck.uniform(point, units) for point in points)

    def screening(self, run_in: float) -> Occasion:
        """Return the period of the run-in, or one time `per` where there is none."""
        return on_day("run_in", 0.0, -(run_in or self.spec.per))

    def baseline(self) -> Occasion | None:
        """Return None: what was counted before randomisation is the baseline."""
        return None

    def read(self, path: CurvePath, occasion: Occasion, drawn: tuple[Floats, ...]) -> Floats:
        """Return the count of a period as a rate for the time `per`."""
        days = np.maximum(occasion.until - occasion.since, 1.0)
        periods = days / self.spec.per
        shape = path.latent.noise[:, None] * periods
        activity = gammaincinv(shape, drawn[0]) / shape
        mean = path.expected(occasion.since, occasion.since + days) / self.spec.per
        return np.asarray(poisson(mean * activity, drawn[1]) / periods)


def poisson(mean: Floats, u: Floats) -> Floats:
    """Return the smallest count whose cumulative Poisson probability reaches u.

    >>> poisson(np.array([2.0, 0.0]), np.array([0.5, 0.5]))
    array([2., 0.])
    """
    safe = np.maximum(mean, 1e-12)
    with np.errstate(invalid="ignore"):
        found = np.ceil(np.nan_to_num(pdtrik(u, safe), nan=0.0))
    lower = np.maximum(found - 1, 0.0)
    found = either(pdtr(lower, safe) >= u, lower, found)  # the inverse is not exact at whole k
    return either((u <= np.exp(-safe)) | (found < 0), 0.0, found)
