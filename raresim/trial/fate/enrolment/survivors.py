"""Members of a pool who live on since their diagnosis, and who die before they present.

Time x on the outcome's clock runs from diagnosis, S(x) = exp(-H(x)) is the share who are alive
without treatment. Patients were diagnosed at a constant rate from `over` before the trial's start
on. Those who are still alive on its first day are a sample from the density

    S(x) / int_0^over S

of the time since diagnosis, independently of each other and of all that S does not depend on. Each
draws it by inversion. Somebody who was diagnosed x ago dies when H has grown by a unit exponential
E of its own, so that H(x) + E is the `limit` at which life ends; the incident begin at x = 0. Who
is alive at x' > x has limit - H(x') above zero, which then is a unit exponential again: the event
after randomisation may have luck of its own. With `over` beyond the longest life
the time left on the first day has the distribution P(T > r) = int_r^inf S / int_0^inf S.
Source: Cox, Renewal Theory, Methuen 1962, (backward and forward recurrence-times).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raresim.disease import DiseaseModel, Parameters
from raresim.disease.outcomes.timed import TimedProcess
from raresim.either import either
from raresim.evidence.statistics import Floats
from raresim.evidence.survival import PiecewiseExponential, TimeLaw
from raresim.streams import Luck
from raresim.trial.fate.enrolment.intensity import Ints, at_piece, piece_of
from raresim.trial.grammar.truth import Truth

_CELLS = 2048  # in which S falls exponentially, where the law has no pieces of its own


@dataclass(frozen=True)
class Waiting:
    """Members, or candidates, who live until the hazard has reached their limit.

    `diagnosed` is the day of diagnosis, below zero before the trial's start; `limit` the cumulative
    hazard since diagnosis at which each dies untreated. Both are (replicates, units).
    """

    law: TimeLaw
    diagnosed: Floats
    limit: Floats

    def clock(self, day: Floats) -> Floats:
        """Return the days since diagnosis on a day."""
        return np.maximum(day - self.diagnosed, 0.0)

    def alive(self, day: Floats) -> npt.NDArray[np.bool_]:
        """Return who is alive on a day; an infinite day asks nothing."""
        day = either(np.isfinite(day), day, self.diagnosed)
        return self.law.hazard(self.clock(day)) < self.limit

    def of(self, units: Ints) -> Waiting:
        """Return some members, by their numbers (replicates, units)."""
        diagnosed, limit = (
            np.take_along_axis(values, units, axis=1) for values in (self.diagnosed, self.limit)
        )
        return Waiting(self.law, diagnosed, limit)


def together(groups: Sequence[Waiting]) -> Waiting:
    """Return the members of all groups, one group after the other."""
    diagnosed = np.concatenate([group.diagnosed for group in groups], axis=1)
    return Waiting(groups[0].law, diagnosed, np.concatenate([g.limit for g in groups], axis=1))


@dataclass(frozen=True)
class Survival:
    """Survival since diagnosis, and the days over which patients were diagnosed before the trial.

    Examples
    --------
    A hazard of 0.1 a day, and diagnoses since ever: the time since diagnosis is exponential.

    >>> law = PiecewiseExponential(np.array([0.0, 1.0]), np.array([[0.0, 0.1]]))
    >>> Survival(law, 1000.0).lived(np.array([[0.5]])).round(4).tolist()
    [[6.9315]]
    """

    law: TimeLaw
    over: float

    def lived(self, u: Floats) -> Floats:
        """Return the days since diagnosis of the prevalent on the first day, (replicates, units).

        That is the x at which int_0^x S is the part `u` of int_0^over S. From one point of a grid
        to the next S falls exponentially: exact for shares free of the event. For quartiles, whose
        grid is finest at zero, the tests hold the distribution to 1e-6.
        """
        grid = self._grid
        hazards = self.law.hazard(np.broadcast_to(grid, (1, len(grid))))
        shape = (len(u), len(grid) - 1)
        rise = np.broadcast_to(np.diff(hazards, axis=1), shape)
        within = np.diff(grid) * np.exp(-hazards[:, :-1])
        whole = _exponential_mean(rise) * within
        reached = np.concatenate([np.zeros((len(u), 1)), np.cumsum(whole, axis=1)], axis=1)
        need = u * reached[:, -1:]
        cell = piece_of(reached, need, "left")
        part = (need - at_piece(reached, cell)) / at_piece(np.broadcast_to(within, shape), cell)
        return np.asarray(
            grid[cell] + np.diff(grid)[cell] * _exponential_part(at_piece(rise, cell), part)
        )

    def waiting(self, since: Floats, lived: Floats, patience: Floats) -> Waiting:
        """Return members who had lived so long on the day `since`; `patience` is unit exponential.

        `since` is the first day, or the day of diagnosis.
        """
        return Waiting(self.law, since - lived, self.law.hazard(lived) + patience)

    @property
    def _grid(self) -> Floats:
        if isinstance(self.law, PiecewiseExponential):
            return np.append(self.law.knots[self.law.knots < self.over], self.over)
        return np.asarray(self.over * np.linspace(0.0, 1.0, _CELLS + 1) ** 2)


def _exponential_mean(rise: Floats) -> Floats:
    """Return the mean of exp(-rise x) over x from 0 to 1."""
    with np.errstate(invalid="ignore"):
        return either(rise > 0, -np.expm1(-rise) / rise, 1.0)


def _exponential_part(rise: Floats, part: Floats) -> Floats:
    """Return the x at which the integral of exp(-rise x) from 0 is `part`, up to 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = either(rise > 0, -np.log1p(-np.minimum(rise * part, 1.0)) / rise, part)
    return np.asarray(np.minimum(found, 1.0))


def survival_of(truth: Truth, numbers: Parameters) -> Survival | None:
    """Return how the members of the pool survive, None where the file does not say."""
    block = truth.candidates.survivors
    if block is None:
        return None
    return Survival(numbers.times[block.outcome, ""], block.over)


def clock_of(
    truth: Truth,
    model: DiseaseModel,
    luck: Luck,
    units: int,
    numbers: Parameters,
    waited: Floats | None = None,
) -> dict[str, Floats]:
    """Return the variable that holds the survivors' clock, and its values; nothing without any.

    `waited` are the days from diagnosis to randomisation; where not told, everybody is as the
    prevalent are on the trial's first day.
    """
    block, survival = truth.candidates.survivors, survival_of(truth, numbers)
    if block is None or survival is None:
        return {}
    process = model.processes[block.outcome]
    assert isinstance(process, TimedProcess)  # the references were checked
    assert process.since is not None
    if waited is None:
        waited = survival.lived(luck.uniform("enrolment.survived", units))
    return {process.since: waited / process.days_a_unit}
