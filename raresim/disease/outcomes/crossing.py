"""An event that comes when a score's true value first passes a line: loss of a function.

The path of the score decides, treated or not; the event has no luck of its own. The line is passed
between two points of a grid of half a month, where a straight line between them passes it: a course
that begins between two points bends the line from the first of them on. Somebody who is past the
line at randomisation has had the event: it stands on day 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from raresim.disease.network import Patients
from raresim.disease.outcome_block import Crossing
from raresim.disease.outcomes.events import EventPath
from raresim.disease.outcomes.exposure import Exposure
from raresim.disease.outcomes.process import Horizon
from raresim.disease.parameters import Parameters
from raresim.either import either
from raresim.evidence.statistics import Floats, rows_of
from raresim.streams import Luck

STEP = 365.25 / 24
"""Days between two points of the grid."""
COARSE = 365.25 / 6
"""Days between two points where a whole life is followed; in between the line is straight."""


@dataclass(frozen=True)
class CrossingLatent:
    """Days that the clock has run at randomisation; how far the path is asked for (days)."""

    origin: Floats
    days: float

    def rows(self, chosen: slice) -> CrossingLatent:
        """Return some replicates only."""
        return CrossingLatent(rows_of(self.origin, chosen), self.days)


@dataclass(frozen=True)
class CrossingProcess:
    """One event, when the score that it reads passes the line; `since` holds its clock."""

    name: str
    line: Crossing
    since: str | None
    days_a_unit: float
    reads: tuple[str, ...]

    def latent(
        self,
        luck: Luck,
        patients: Patients,
        parameters: Parameters,
        linked: Mapping[str, Any],
        horizon: Horizon,
    ) -> CrossingLatent:
        """Note the clock; nothing is drawn."""
        origin: Floats = np.zeros((1, 1))
        if self.since is not None:
            origin = np.maximum(patients.values[self.since], 0.0) * self.days_a_unit
        return CrossingLatent(origin, horizon.days)

    def path(
        self, latent: CrossingLatent, exposure: Exposure, linked: Mapping[str, Any]
    ) -> EventPath:
        """Follow the score's path, which the treatment has bent, until it passes the line."""
        grid = np.arange(0.0, latent.days + STEP, STEP)
        passed = self._first(linked[self.line.score].level, grid, np.zeros((1, 1)))
        return EventPath(passed[..., None])

    def on_clock(self, latent: CrossingLatent, linked: Mapping[str, Any], until: float) -> Floats:
        """Return when each patient passes the line on the clock, from its zero to day `until`."""
        grid = np.arange(0.0, until + COARSE, COARSE)
        return self._first(linked[self.line.score].level, grid, -latent.origin)

    def _first(self, level: Callable[[Floats], Floats], grid: Floats, start: Floats) -> Floats:
        """Return the first time after `start` at which the line is passed, infinite if never."""
        before = self._beyond(level(start + grid[0]))
        found = either(before >= 0, 0.0, np.inf)
        for last, day in pairwise(grid):
            after = self._beyond(level(start + day))
            new = (after >= 0) & np.isinf(found)
            with np.errstate(divide="ignore", invalid="ignore"):
                part = before / (before - after)
            found = either(new, last + part * (day - last), found)
            before = after
        return found

    def _beyond(self, level: Floats) -> Floats:
        """Return how far a level lies past the line, below zero before it."""
        if self.line.below is not None:
            return self.line.below - level
        assert self.line.above is not None
        return level - self.line.above
