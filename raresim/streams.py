"""Luck: the only place that makes random numbers.

A draw is fixed by (seed, replicate, decision point, unit). Replicates come in luck blocks of 1,024,
a constant of the contract that no engine, worker count or compute block can move: replicate `r` is
column `r % 1024` of block `r // 1024`. Each (seed, block, point) has a bit generator of its own,
and its draws are unit-major, so that the first 40 units of 60 are the 40.

Uniforms are made from the generator's raw 64-bit output, because NumPy guarantees bit streams and
not the methods of `Generator`. They are open at both ends: the quantile function of any
distribution may be applied to them. Nothing else in raresim may draw: values come from uniforms by
inverse CDF.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from numpy.random import PCG64DXSM, SeedSequence

LUCK_BLOCK = 1024
"""Replicates in one luck block: part of the contract, never a tuning knob."""

CONTRACT = 1
"""Version of the luck contract; renaming a decision point or changing a stream raises it."""

Floats = npt.NDArray[np.float64]


def point_name(*parts: object, labels: Iterable[object] | None = None) -> str:
    """Join the parts of a decision point's name; labels go last in brackets.

    >>> point_name("randomisation", "list", labels=["x_linked", "yes"])
    'randomisation.list[x_linked, yes]'
    """
    name = ".".join(str(part) for part in parts)
    return name if labels is None else f"{name}[{', '.join(str(label) for label in labels)}]"


class Luck:
    """The luck of one block of replicates.

    Examples
    --------
    >>> luck = Luck(seed=1, block=0)
    >>> luck.uniform("baseline.age", units=3).shape
    (1024, 3)
    >>> first, more = Luck(1, 0).uniform("x", 2), Luck(1, 0).uniform("x", 5)
    >>> bool((first == more[:, :2]).all())
    True
    """

    def __init__(self, seed: int, block: int) -> None:
        if seed < 0 or block < 0:
            raise ValueError(f"seed and block are not negative, got {seed} and {block}")
        self.seed = seed
        self.block = block
        self._rows = slice(None)
        self._points: dict[str, int] = {}

    def only(self, rows: slice) -> Luck:
        """Return the same luck for some replicates of the block, with one register of points.

        >>> whole, some = Luck(1, 0).uniform("x", 2), Luck(1, 0).only(slice(3, 5)).uniform("x", 2)
        >>> bool((some == whole[3:5]).all())
        True
        """
        found = Luck(self.seed, self.block)
        found._rows, found._points = rows, self._points
        return found

    @property
    def replicates(self) -> int:
        """Number of replicates for which it draws."""
        return len(range(LUCK_BLOCK)[self._rows])

    def uniform(self, point: str, units: int) -> Floats:
        """Return the uniforms of one decision point, shape (replicates, units), inside (0, 1).

        Raises
        ------
        RuntimeError
            When two places ask for one decision point: their draws would be the same.
        """
        if point in self._points:
            raise RuntimeError(f"decision point {point!r} was asked for twice")
        self._points[point] = units
        digest = hashlib.blake2b(point.encode(), digest_size=8).digest()
        entropy = [self.seed, self.block, int.from_bytes(digest, "big")]
        raw = PCG64DXSM(SeedSequence(entropy)).random_raw(units * LUCK_BLOCK)
        raw = np.ascontiguousarray(raw.reshape(units, LUCK_BLOCK)[:, self._rows].T)
        # 52 bits and a half: never 0, never 1, and 1 - u is as fine as u
        return ((raw >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52

    def once(self, point: str) -> Floats:
        """Return the uniforms of a point without units (a parameter), shape (replicates,)."""
        return np.ascontiguousarray(self.uniform(point, 1)[:, 0])

    @property
    def points(self) -> dict[str, int]:
        """Decision points asked for so far, with their number of units."""
        return dict(self._points)


class EvenLuck(Luck):
    """Luck that is spread evenly over each decision point, for populations and never for trials.

    A point's uniforms are replaced by their ranks: a Latin hypercube sample, in which whatever one
    point alone decides has next to no Monte Carlo error.
    Source: McKay, Beckman & Conover, Technometrics 1979;21:239-245.

    >>> float(EvenLuck(1, 0).uniform("x", 3).mean())
    0.5
    """

    def uniform(self, point: str, units: int) -> Floats:
        """Return evenly spread uniforms of one decision point, shape (1024, units)."""
        values = super().uniform(point, units)
        ranks = np.empty(values.size)
        ranks[np.argsort(values, axis=None)] = np.arange(values.size)
        return ((ranks + 0.5) / values.size).reshape(values.shape)


class SharedLuck(EvenLuck):
    """Evenly spread luck that is the same in each of so many replicates, for reference populations.

    >>> bool((SharedLuck(1, 0, replicates=2).uniform("x", 3)[0] > 0).all())
    True
    """

    def __init__(self, seed: int, block: int, replicates: int) -> None:
        super().__init__(seed, block)
        self._shared = replicates

    @property
    def replicates(self) -> int:
        """Number of replicates for which it draws."""
        return self._shared

    def uniform(self, point: str, units: int) -> Floats:
        """Return evenly spread uniforms of one decision point, shape (replicates, units)."""
        rows = -(-units // LUCK_BLOCK)
        order = np.argsort(super(EvenLuck, self).uniform(point, rows), axis=None)
        ranks = np.empty(order.size)
        ranks[order] = np.arange(order.size)
        kept = np.argsort(np.argsort(ranks[:units]))
        return np.broadcast_to((kept + 0.5) / units, (self._shared, units))
