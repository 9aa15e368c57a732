"""Trials drawn with numpy and analysed by the kernels, and what their shares may differ by.

A share and its reference may differ by four standard errors of their difference; so may means,
which are shown over that error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from raresim.analysis.binary import batch as shares
from raresim.analysis.sizing import Hazard
from raresim.analysis.survival import batch
from tests.oracle.validation.comparison import Comparison

Floats = np.ndarray
Z = float(ndtri(0.975))


@dataclass(frozen=True)
class Cohort:
    """Patients of many trials: calendar entry, time under observation, event or lost, arm."""

    entry: Floats
    time: Floats
    event: Floats
    arm: Floats

    def date_of(self, events: int) -> Floats:
        """Return when each trial has that many events, or has seen everybody to the end."""
        calendar = self.entry + self.time
        dates = np.sort(np.where(self.event, calendar, np.inf), axis=1)[:, events - 1]
        return np.where(np.isfinite(dates), dates, calendar.max(axis=1))

    def at(self, date: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return what a kernel takes at the dates."""
        left = np.maximum(date[:, None] - self.entry, 0.0)
        seen = self.event & (self.time <= left)
        return np.minimum(self.time, left), seen, self.arm, self.entry <= date[:, None]

    def z(self, date: Floats, weight: Any = None) -> Floats:
        """Return the log-rank statistic at the dates, above 0 where the treated do better."""
        return -batch.logrank(*self.at(date), None, weight).statistic


def times(rng: np.random.Generator, shape: tuple[int, int], hazard: Hazard) -> Floats:
    """Draw times with a hazard that is constant in pieces."""
    total = rng.exponential(size=shape)
    far = 1e3 * (1.0 + max(hazard.starts, default=0.0)) / min(hazard.rates)
    knots = np.array([0.0, *hazard.starts, far])
    return np.interp(total, hazard.cumulative(knots), knots)


def cohort(
    seed: int,
    trials: int,
    n: int,
    control: Hazard,
    treated: Hazard,
    accrual: Hazard,
    *,
    block: tuple[int, ...] = (0, 1),
    regular: bool = False,
    lost: Hazard | None = None,
    longest: float = np.inf,
) -> Cohort:
    """Draw trials: entries at the rates of ``accrual``, arms in blocks; all as rpact if regular."""
    rng = np.random.default_rng(seed)
    shape = (trials, n)
    order = np.tile(np.array(block), (trials, -(-n // len(block)), 1))
    if regular:
        gaps = np.ones(shape)
    else:
        gaps, order = rng.exponential(size=shape), rng.permuted(order, axis=2)
    knots = np.array([0.0, *accrual.starts, 1e4])
    entry = np.interp(np.cumsum(gaps, axis=1), accrual.cumulative(knots), knots)
    arm = order.reshape(trials, -1)[:, :n]
    time = np.where(arm == 1, times(rng, shape, treated), times(rng, shape, control))
    end = np.full(shape, longest)
    if lost is not None:
        end = np.minimum(end, times(rng, shape, lost))
    return Cohort(entry, np.minimum(time, end), time <= end, arm)


def error(share: float, theirs: int, ours: int) -> float:
    """Return the standard error of the difference of two simulated shares."""
    kept = (share * theirs + 1.0) / (theirs + 2.0)  # a share of 0 or 1 has an error too
    return math.sqrt(kept * (1.0 - kept) * (1.0 / theirs + (1.0 / ours if ours else 0.0)))


def simulated(
    method: str,
    item: str,
    reference: str,
    share: float,
    got: Callable[[], float],
    theirs: int,
    ours: int,
    *,
    printed: float = 0.0,
    shared: bool = False,
) -> Comparison:
    """Compare a share; ``printed`` is half of the reference's last digit."""
    allowed = printed + 4.0 * error(share, theirs, ours)
    return Comparison(method, item, reference, share, got, allowed, shared=shared)


def apart(values: Floats, mean: float, theirs: int) -> float:
    """Return how many standard errors the mean of values is from a simulated mean."""
    spread = math.sqrt(1.0 / values.size + 1.0 / theirs) * float(np.std(values))
    return (float(np.mean(values)) - mean) / spread


def proportions_z(events: Floats, size: tuple[int, int], null: float, measure: Any) -> Floats:
    """Return Farrington-Manning's z of numbers of events (trials, control and treated)."""
    outcome = np.concatenate(
        [np.arange(size[j]) < events[:, j, None] for j in (0, 1)], axis=1
    ).astype(float)
    arm = np.tile(np.repeat((0, 1), size), (len(events), 1))
    found = shares.farrington_manning(
        outcome, arm, np.ones_like(arm, dtype=bool), margin=null, measure=measure
    )
    return ndtri(1.0 - found.p_greater)


def rejected(drawn: Cohort, events: int) -> float:
    """Return the share of trials whose log-rank test rejects at an event, one-sided at 2.5 %."""
    return float(np.mean(drawn.z(drawn.date_of(events)) > Z))
