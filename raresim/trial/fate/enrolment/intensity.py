"""An intensity in straight pieces: what it adds up to by a day, and the day by which it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from raresim.evidence.statistics import Floats

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Intensity:
    """An intensity in straight pieces, for each replicate: (replicates, pieces).

    Piece i begins on day `knots[i]` with `level[i]` per day and grows by `slope[i]` per day and
    day. The first begins on day 0, the last one goes on for ever and has slope 0.

    Examples
    --------
    From 0 to 1 per day within two days, then 1 per day: a need of 2 is reached on day 3.

    >>> ramp = Intensity(*(np.array([row]) for row in ([0.0, 2.0], [0.0, 1.0], [0.5, 0.0])))
    >>> ramp.inverse(np.array([[0.25, 1.0, 2.0]])).tolist()
    [[1.0, 2.0, 3.0]]
    >>> ramp.cumulative(np.array([[1.0, 2.0, 3.0]])).tolist()
    [[0.25, 1.0, 2.0]]
    """

    knots: Floats
    level: Floats
    slope: Floats

    @property
    def reached(self) -> Floats:
        """The cumulative intensity at the beginning of each piece, summed in their order."""
        lasts = np.diff(self.knots, axis=1)
        within = self.level[:, :-1] * lasts + 0.5 * self.slope[:, :-1] * lasts * lasts
        return np.concatenate([np.zeros((len(lasts), 1)), np.cumsum(within, axis=1)], axis=1)

    def cumulative(self, day: Floats) -> Floats:
        """Return the integral from day 0 to finite days, (replicates, units).

        Within a piece that is reached + level x + slope x² / 2, x days after it began.
        """
        piece = piece_of(self.knots, day, "right")
        since = day - at_piece(self.knots, piece)
        rising = 0.5 * at_piece(self.slope, piece) * since * since
        return at_piece(self.reached, piece) + at_piece(self.level, piece) * since + rising

    def inverse(self, need: Floats) -> Floats:
        """Return the day on which the integral reaches a finite need above zero, or infinity.

        The root of slope x² / 2 + level x = n in the form that loses no digits,
        x = 2 n / (level + sqrt(level² + 2 slope n)): n / level where the slope is zero.
        """
        piece = piece_of(self.reached, need, "left")
        left = need - at_piece(self.reached, piece)
        level, slope = at_piece(self.level, piece), at_piece(self.slope, piece)
        with np.errstate(divide="ignore"):  # a pause that goes on for ever
            since = 2 * left / (level + np.sqrt(level * level + 2 * slope * left))
        return at_piece(self.knots, piece) + since


def piece_of(starts: Floats, values: Floats, side: Literal["left", "right"]) -> Ints:
    """Return the piece in which each value lies; `left`: a value at a start ends the one before."""
    found = np.empty(values.shape, np.int64)
    for row, (start, wanted) in enumerate(zip(starts, values, strict=True)):
        found[row] = np.searchsorted(start, wanted, side) - 1
    return np.maximum(found, 0)


def at_piece(values: Floats, piece: Ints) -> Floats:
    """Return what belongs to each piece."""
    return np.take_along_axis(values, piece, axis=1)
