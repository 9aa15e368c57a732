"""Individual data as piecewise-constant hazards: events and exposure in the pieces of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raresim.errors import InputError, Problem
from raresim.evidence.km_data import Counts, IndividualData
from raresim.evidence.statistics import Floats


@dataclass(frozen=True)
class PiecewiseHazards:
    """Events and exposure in each piece, by data set; shape (sets, pieces)."""

    edges: Floats
    events: Counts
    exposure: Floats

    @property
    def hazard(self) -> Floats:
        """Events over exposure, nan where nobody was under observation."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.exposure > 0, self.events / self.exposure, np.nan)

    def survival(self) -> Floats:
        """Return survival at the edges, exp(-sum of hazard times width); shape (sets, edges).

        It is nan from a piece on in which nobody was under observation.
        """
        total = np.cumsum(self.hazard * np.diff(self.edges), axis=1)
        start = np.ones((self.events.shape[0], 1))
        return np.concatenate([start, np.exp(-total)], axis=1)


def piecewise_hazards(
    sets: Sequence[IndividualData], edges: Sequence[float] | Floats
) -> PiecewiseHazards:
    """Return events and exposure between the edges, for each data set.

    The hazard of a piece is d / T, the maximum-likelihood estimate when hazards are constant in
    pieces (Friedman, Ann Statist 1982;10:101-113). An event on an edge belongs to the piece that
    ends there, where its exposure is; one at time 0 to the first. What lies after the last edge is
    not counted.

    Parameters
    ----------
    sets
        Data sets, such as those of `impute`.
    edges
        The grid: 0, then ascending times.

    Raises
    ------
    InputError
        When the edges do not ascend from 0.

    Examples
    --------
    >>> data = IndividualData(np.array([2.0, 3.0, 6.0]), np.array([True, False, True]))
    >>> found = piecewise_hazards([data], [0, 2, 6])
    >>> found.events.tolist(), found.exposure.tolist()
    ([[1, 1]], [[6.0, 5.0]])
    """
    grid = np.asarray(edges, dtype=np.float64)
    sound = grid.ndim == 1 and grid.size > 1 and grid[0] == 0 and np.all(np.diff(grid) > 0)
    if not sound or not np.isfinite(grid[-1]):
        mend = "write 0 and at least one later time, in ascending order"
        found = f"{grid.tolist()}"
        raise InputError(Problem("the grid does not ascend", field="edges", found=found, mend=mend))
    exposure = [np.diff(np.minimum(data.time[:, None], grid), axis=1).sum(axis=0) for data in sets]
    pieces = grid.size - 1
    events = [np.bincount(_piece(data, grid), minlength=pieces + 1)[:pieces] for data in sets]
    return PiecewiseHazards(grid, np.stack(events).astype(np.int64), np.stack(exposure))


def _piece(data: IndividualData, grid: Floats) -> Counts:
    """Return the piece of each event; the last number stands for after the grid."""
    return np.maximum(np.searchsorted(grid, data.time[data.event], side="left") - 1, 0)
