"""When a run has trials enough: at a target for the Monte Carlo error of its answer.

The answer is the share of trials that succeed. Its error is looked at after each luck block, in the
order of the blocks and whoever finished first, so that a run stops after the same block for any
number of workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from raresim.study.montecarlo import floor


@dataclass(frozen=True)
class Tally:
    """Sums over the draws of some blocks: what the error of a share hangs on, in whole numbers.

    With s successes in the n trials of a draw: the sums of n, s, s², s n and n², and the draws.
    """

    trials: int = 0
    successes: int = 0
    squares: int = 0
    products: int = 0
    sizes: int = 0
    draws: int = 0

    def __add__(self, other: Tally) -> Tally:
        """Return the tally of the blocks of both; no draw is in two blocks."""
        return Tally(*(a + b for a, b in zip(self.list(), other.list(), strict=True)))

    def list(self) -> list[int]:
        """Return the sums, ready for JSON."""
        return [
            self.trials,
            self.successes,
            self.squares,
            self.products,
            self.sizes,
            self.draws,
        ]

    @property
    def mcse(self) -> float | None:
        """The clustered error of the share of successes, as in `montecarlo.proportion`."""
        if self.draws < 2:
            return None
        share = self.successes / self.trials
        spread = self.squares - 2 * share * self.products + share**2 * self.sizes
        error = np.sqrt(self.draws / (self.draws - 1) * max(spread, 0.0)) / self.trials
        return max(float(error), floor(self.trials))


def tally(hits: npt.NDArray[np.bool_], draws: npt.NDArray[np.int64]) -> Tally:
    """Return the tally of a block's trials.

    >>> tally(np.array([True, False, True, True]), np.array([0, 0, 1, 1])).list()
    [4, 3, 5, 6, 8, 2]
    """
    _, number, n = np.unique(draws, return_inverse=True, return_counts=True)
    s = np.bincount(number[hits], minlength=len(n))
    sums = (n, s, s * s, s * n, n * n)
    return tally_of([*(int(each.sum()) for each in sums), len(n)])


class Stopping:
    """Which blocks a run needs: all of them, or those until its error is small enough.

    Parameters
    ----------
    blocks
        Blocks at most.
    mcse
        The error at which to stop; None runs them all.

    Examples
    --------
    >>> rule = Stopping(3, mcse=0.3)
    >>> rule.add(1, Tally(4, 2, 2, 2, 4, 4))    # finished first, but not the first in order
    >>> rule.needed, rule.add(0, Tally(4, 2, 2, 2, 4, 4)), rule.needed
    (3, None, 1)
    """

    def __init__(self, blocks: int, mcse: float | None) -> None:
        self.needed = blocks
        self._target = mcse
        self._waiting: dict[int, Tally] = {}
        self._sum, self._next = Tally(), 0

    @property
    def expected(self) -> int:
        """Blocks that it will take, as far as can be seen: the error falls with their root."""
        error = self._sum.mcse
        if self._target is None or error is None:
            return self.needed
        return min(self.needed, max(self._next, ceil(self._next * (error / self._target) ** 2)))

    def add(self, block: int, found: Tally) -> None:
        """Take a finished block into account."""
        if self._target is None:
            return
        self._waiting[block] = found
        while self._next < self.needed and self._next in self._waiting:
            self._sum += self._waiting.pop(self._next)
            self._next += 1
            error = self._sum.mcse
            if error is not None and error <= self._target:
                self.needed = self._next


@dataclass(frozen=True)
class Stopped:
    """What a run was asked for that stops at a target error.

    Attributes
    ----------
    at_most
        Trials asked for at most.
    mcse
        The error asked for.
    reached
        Whether it was reached.
    """

    at_most: int
    mcse: float
    reached: bool


def tally_of(sums: Sequence[int]) -> Tally:
    """Return a tally from what `Tally.list` gave."""
    return Tally(*sums)
