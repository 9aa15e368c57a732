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
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
from numpy.random import PCG64DXSM, SeedSequence

from raresim.alike import rows_alike
from raresim.compiled import compiled, reads, writes

LUCK_BLOCK = 1024
"""Replicates in one luck block: part of the contract, never a tuning knob."""

CONTRACT = 2
"""Version of the luck contract; renaming a decision point or changing a stream raises it."""

STRIP = 32
"""Replicates whose uniforms are made at a time; changes no number."""

MOST_KEPT = 2**26
"""Bytes of draws that are kept for the next time they are asked for."""

Floats = npt.NDArray[np.float64]
Raw = npt.NDArray[np.uint64]


def point_name(*parts: object, labels: Iterable[object] | None = None) -> str:
    """Join the parts of a decision point's name; labels go last in brackets.

    >>> point_name("randomisation", "list", labels=["x_linked", "yes"])
    'randomisation.list[x_linked, yes]'
    """
    name = ".".join(str(part) for part in parts)
    return name if labels is None else f"{name}[{', '.join(str(label) for label in labels)}]"


class Luck:
    """The luck of one block of replicates, or of some `blocks` one after the other.

    Examples
    --------
    >>> luck = Luck(seed=1, block=0)
    >>> luck.uniform("baseline.age", units=3).shape
    (1024, 3)
    >>> first, more = Luck(1, 0).uniform("x", 2), Luck(1, 0).uniform("x", 5)
    >>> bool((first == more[:, :2]).all())
    True
    """

    def __init__(self, seed: int, block: int, blocks: int = 1) -> None:
        if seed < 0 or block < 0:
            raise ValueError(f"seed and block are not negative, got {seed} and {block}")
        self.seed = seed
        self.block, self.blocks = block, blocks
        self._rows = slice(None)
        self._points: dict[str, int] = {}
        self._kept: dict[str, Raw] | None = None

    def only(self, rows: slice) -> Luck:
        """Return the same luck for some replicates of the block, with one register of points.

        >>> whole, some = Luck(1, 0).uniform("x", 2), Luck(1, 0).only(slice(3, 5)).uniform("x", 2)
        >>> bool((some == whole[3:5]).all())
        True
        """
        found = Luck(self.seed, self.block, self.blocks)
        found._rows, found._points = rows, self._points
        return found

    def afresh(self) -> Luck:
        """Return the same luck to be asked again, for another life of the same patients.

        >>> luck = Luck(1, 0)
        >>> bool((luck.uniform("x", 2) == luck.afresh().uniform("x", 2)).all())
        True
        """
        found = Luck(self.seed, self.block, self.blocks)
        found._rows, found._kept = self._rows, self._kept
        return found

    def keeping(self) -> Luck:
        """Return the same luck to be asked several times (`afresh`): draws are kept meanwhile."""
        found = self.afresh()
        found._kept = {}
        return found

    def adopt(self, points: Mapping[str, int]) -> None:
        """Enter points that luck `afresh` was asked for into the register.

        Raises
        ------
        RuntimeError
            When one of them stands there already.
        """
        if twice := sorted(points.keys() & self._points.keys()):
            raise RuntimeError(f"decision point {twice[0]!r} was asked for twice")
        self._points |= points

    @property
    def replicates(self) -> int:
        """Number of replicates for which it draws."""
        return len(range(self.blocks * LUCK_BLOCK)[self._rows])

    def uniform(self, point: str, units: int) -> Floats:
        """Return the uniforms of one decision point, shape (replicates, units), inside (0, 1).

        Raises
        ------
        RuntimeError
            When two places ask for one decision point: their draws would be the same.
        """
        raw = self._raw(point, units)
        values = np.empty(raw.shape[::-1])
        _open(raw, np.arange(len(raw)), values)
        return values

    def uniform_of(self, point: str, units: int, chosen: npt.NDArray[np.int64]) -> Floats:
        """Return the uniforms of some units of `units`, by their numbers (replicates, places).

        Numbers that are the same in all replicates may come as a view of those of one.
        """
        raw, values = self._raw(point, units), np.empty(chosen.shape)
        if rows_alike(chosen):
            _open(raw, np.ascontiguousarray(chosen[0]), values)
        else:
            _open_own(raw, chosen, values)
        return values

    def _raw(self, point: str, units: int) -> Raw:
        """Return the raw output of a decision point, (units, replicates)."""
        if point in self._points:
            raise RuntimeError(f"decision point {point!r} was asked for twice")
        self._points[point] = units
        if self._kept is None:
            return self._drawn(point, units)
        if point not in self._kept:
            raw = self._drawn(point, units)
            if sum(each.nbytes for each in self._kept.values()) + raw.nbytes > MOST_KEPT:
                return raw
            self._kept[point] = raw
        return self._kept[point]

    def _drawn(self, point: str, units: int) -> Raw:
        digest = hashlib.blake2b(point.encode(), digest_size=8).digest()
        word = int.from_bytes(digest, "big")
        raw = [
            PCG64DXSM(SeedSequence([self.seed, block, word]))
            .random_raw(units * LUCK_BLOCK)
            .reshape(units, LUCK_BLOCK)
            for block in range(self.block, self.block + self.blocks)
        ]
        return (raw[0] if len(raw) == 1 else np.concatenate(raw, axis=1))[:, self._rows]

    def once(self, point: str) -> Floats:
        """Return the uniforms of a point without units (a parameter), shape (replicates,)."""
        return np.ascontiguousarray(self.uniform(point, 1)[:, 0])

    @property
    def points(self) -> dict[str, int]:
        """Decision points asked for so far, with their number of units."""
        return dict(self._points)


@compiled(reads("uint64", 2), reads("int64", 1, "C"), writes("float64", 2))
def _open(raw: Raw, units: npt.NDArray[np.int64], values: Floats) -> None:
    """Write uniforms of 52 bits and a half: never 0, never 1, and 1 - u is as fine as u.

    Some rows at a time, so that what is read and what is written stays near the processor.
    """
    for first in range(0, values.shape[0], STRIP):
        last = min(first + STRIP, values.shape[0])
        for k in range(len(units)):
            for r in range(first, last):
                values[r, k] = (np.float64(raw[units[k], r] >> np.uint64(12)) + 0.5) * 2.0**-52


@compiled(reads("uint64", 2), reads("int64", 2), writes("float64", 2))
def _open_own(raw: Raw, units: npt.NDArray[np.int64], values: Floats) -> None:
    """Write uniforms of each replicate's own units."""
    for first in range(0, values.shape[0], STRIP):
        last = min(first + STRIP, values.shape[0])
        for k in range(values.shape[1]):
            for r in range(first, last):
                values[r, k] = (np.float64(raw[units[r, k], r] >> np.uint64(12)) + 0.5) * 2.0**-52


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
        ranks = np.empty(units)
        order = np.argsort(super(EvenLuck, self).uniform(point, rows).reshape(-1)[:units])
        ranks[order] = np.arange(units)
        return np.broadcast_to((ranks + 0.5) / units, (self._shared, units))


class LentLuck(Luck):
    """Luck that another luck draws, for the same replicates and in the same register."""

    def __init__(self, luck: Luck) -> None:
        super().__init__(luck.seed, luck.block, luck.blocks)
        self._rows, self._points = luck._rows, luck._points
        self._luck = luck

    def once(self, point: str) -> Floats:
        """Return the uniforms of a point without units, shape (replicates,)."""
        return self._luck.once(point)


class RenamedLuck(LentLuck):
    """The luck of something that happens again: every decision point with a word before its name.

    >>> luck = Luck(1, 0)
    >>> again = RenamedLuck(luck, "screening 2").uniform("age", 3)
    >>> luck.points
    {'screening 2: age': 3}
    """

    def __init__(self, luck: Luck, word: str) -> None:
        super().__init__(luck)
        self._word = word

    def only(self, rows: slice) -> RenamedLuck:
        """Return the same luck for some replicates."""
        return RenamedLuck(self._luck.only(rows), self._word)

    def afresh(self) -> RenamedLuck:
        """Return the same luck to be asked again."""
        return RenamedLuck(self._luck.afresh(), self._word)

    def uniform(self, point: str, units: int) -> Floats:
        """Return the uniforms of the renamed decision point, shape (replicates, units)."""
        return self._luck.uniform(f"{self._word}: {point}", units)

    def uniform_of(self, point: str, units: int, chosen: npt.NDArray[np.int64]) -> Floats:
        """Return the uniforms of some units of the renamed decision point."""
        return self._luck.uniform_of(f"{self._word}: {point}", units, chosen)

    def once(self, point: str) -> Floats:
        """Return the uniforms of the renamed point without units, shape (replicates,)."""
        return self._luck.once(f"{self._word}: {point}")


class ChosenLuck(LentLuck):
    """The luck of some members of a finite pool, in the order in which they are chosen.

    Units are members, not places in that order: whoever is chosen when keeps its draws. Members
    have their luck by group (a country's, say), `point[group]`, so that another group, or a larger
    one, moves nobody's.

    Parameters
    ----------
    luck
        The luck of the trials; what is drawn `once` is drawn from it.
    groups
        Labels of each group and its number of members; members are counted through all groups.
    chosen
        The numbers of the members, (replicates, units).

    Examples
    --------
    >>> order = np.tile([4, 0], (1024, 1))
    >>> luck = ChosenLuck(Luck(1, 0), {("north",): 3, ("south",): 2}, order)
    >>> drawn, south = luck.uniform("age", 2), Luck(1, 0).uniform("age[south]", 2)
    >>> bool((drawn[:, 0] == south[:, 1]).all())
    True
    """

    def __init__(
        self, luck: Luck, groups: Mapping[tuple[str, ...], int], chosen: npt.NDArray[np.int64]
    ) -> None:
        super().__init__(luck)
        self._groups, self._chosen = dict(groups), chosen

    def only(self, rows: slice) -> ChosenLuck:
        """Return the same luck for some replicates; it must be a whole block's."""
        return ChosenLuck(self._luck.only(rows), self._groups, self._chosen[rows])

    def afresh(self) -> ChosenLuck:
        """Return the same luck to be asked again."""
        return ChosenLuck(self._luck.afresh(), self._groups, self._chosen)

    def uniform(self, point: str, units: int) -> Floats:
        """Return the uniforms of the members chosen, shape (replicates, units).

        Raises
        ------
        RuntimeError
            When as many units are asked for as were not chosen.
        """
        if units != self._chosen.shape[1]:
            chosen = self._chosen.shape[1]
            raise RuntimeError(f"{point!r} asks for {units} units of {chosen} chosen members")
        drawn = [
            self._luck.uniform(point_name(point, labels=group), size)
            for group, size in self._groups.items()
        ]
        return np.take_along_axis(np.concatenate(drawn, axis=1), self._chosen, axis=1)

    def uniform_of(self, point: str, units: int, chosen: npt.NDArray[np.int64]) -> Floats:
        """Return the uniforms of some of the members chosen, by their places in that order."""
        return np.take_along_axis(self.uniform(point, units), chosen, axis=1)


class TakenLuck(LentLuck):
    """The luck of some candidates of a stream, in an order of one's own.

    Parameters
    ----------
    luck
        The luck of the stream; what is drawn `once` is drawn from it.
    units
        How many candidates the stream has.
    chosen
        The numbers of those who are taken, (replicates, places).

    Examples
    --------
    >>> whole, order = Luck(1, 0).uniform("age", 5), np.tile([4, 0], (1024, 1))
    >>> some = TakenLuck(Luck(1, 0), 5, order).uniform("age", 2)
    >>> bool((some == whole[:, [4, 0]]).all())
    True
    """

    def __init__(self, luck: Luck, units: int, chosen: npt.NDArray[np.int64]) -> None:
        super().__init__(luck)
        self._units, self._chosen = units, chosen

    def only(self, rows: slice) -> TakenLuck:
        """Return the same luck for some replicates; it must be a whole block's."""
        return TakenLuck(self._luck.only(rows), self._units, self._chosen[rows])

    def afresh(self) -> TakenLuck:
        """Return the same luck to be asked again."""
        return TakenLuck(self._luck.afresh(), self._units, self._chosen)

    def uniform(self, point: str, units: int) -> Floats:
        """Return the uniforms of those who are taken, shape (replicates, units).

        Raises
        ------
        RuntimeError
            When as many units are asked for as were not taken.
        """
        if units != self._chosen.shape[1]:
            taken = self._chosen.shape[1]
            raise RuntimeError(f"{point!r} asks for {units} units where {taken} were taken")
        return self._luck.uniform_of(point, self._units, self._chosen)
