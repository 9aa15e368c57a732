"""What a task found, as one piece of bytes that proves itself: a shard of a run.

Its first line holds the SHA-256 of everything after it. The second, as JSON, says what it is and
where in the rest the columns of its tables lie, which are there as they are in memory.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from raresim.study.columns import ArrayTable, Words, joined

if TYPE_CHECKING:
    import pandas as pd

MARK = b"raresim-shard "
KINDS = "biuf"
"""Kinds of numbers that a column may hold, as NumPy calls them."""


class DamagedError(ValueError):
    """A shard that is not as it was written."""


def packed(head: Mapping[str, Any], tables: Mapping[str, ArrayTable]) -> bytes:
    """Return the shard of some tables, and of what the run must know without reading them."""
    parts: list[bytes] = []
    places: dict[str, dict[str, Any]] = {}
    at = 0
    for name, table in tables.items():
        columns: dict[str, Any] = {}
        for key, column in table.arrays.items():
            words = column.words if isinstance(column, Words) else None
            values = np.ascontiguousarray(column.code if isinstance(column, Words) else column)
            if values.dtype.kind not in KINDS:
                raise TypeError(f"column {key!r} holds {values.dtype}, no numbers")
            columns[key] = [values.dtype.str, list(values.shape), at, words]
            parts.append(values.tobytes())
            at += values.nbytes
        places[name] = {"rows": len(table), "columns": columns}
    second = json.dumps({"head": head, "tables": places}).encode() + b"\n"
    rest = b"".join([second, *parts])
    return MARK + hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def head(data: bytes) -> dict[str, Any]:
    """Return the head of a shard that nobody has to prove: it was made here, just now."""
    _, second, _ = data.split(b"\n", 2)
    found: dict[str, Any] = json.loads(second)["head"]
    return found


def checked(data: bytes) -> dict[str, Any]:
    """Return the head of a shard whose every byte is as it was written.

    Raises
    ------
    DamagedError
        When a byte is not.
    """
    first, _, rest = data.partition(b"\n")
    if first != MARK + hashlib.sha256(rest).hexdigest().encode():
        raise DamagedError("its SHA-256 is not the one that it was written with")
    return head(data)


class ShardTable:
    """One of the tables of some shards, as a whole: read column by column.

    Parameters
    ----------
    paths
        The shards, in order.
    name
        The table.
    owner
        Whatever must not be forgotten while the files are read.
    """

    def __init__(self, paths: Sequence[Path], name: str, owner: object = None) -> None:
        self.paths, self.name, self._owner = paths, name, owner
        self._places = [_places(path)[name] for path in paths]
        self.columns: tuple[str, ...] = tuple(self._places[0][1]["columns"])

    def __len__(self) -> int:
        """Return the number of rows."""
        return sum(places["rows"] for _, places in self._places)

    def part(self, first: int, last: int) -> ArrayTable:
        """Return the table of the shards from one to before another."""
        return ArrayTable({name: self.column(name, first, last) for name in self.columns})

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Return a column of numbers or words.

        Raises
        ------
        KeyError
            When there is no such column.
        """
        if name not in self.columns:
            raise KeyError(name)
        found = self.column(name, 0, len(self.paths))
        return found.spelled if isinstance(found, Words) else found

    def items_of(self, name: str, wanted: slice) -> npt.NDArray[Any]:
        """Return some items of a column of lists of equal length, shape (rows, items)."""
        parts = [self._read(k, name) for k in range(len(self.paths))]
        return np.concatenate([part[:, wanted] for part in parts if not isinstance(part, Words)])

    def frame(self) -> pd.DataFrame:
        """Return the whole table as a data frame."""
        return self.part(0, len(self.paths)).frame()

    def column(self, name: str, first: int, last: int) -> npt.NDArray[Any] | Words:
        """Return a column of the shards from one to before another."""
        return joined([self._read(k, name) for k in range(first, last)])

    def _read(self, number: int, name: str) -> npt.NDArray[Any] | Words:
        start, places = self._places[number]
        kind, shape, at, words = places["columns"][name]
        count = int(np.prod(shape))
        values = np.fromfile(self.paths[number], np.dtype(kind), count, offset=start + at)
        values = values.reshape(shape)
        return values if words is None else Words(values, tuple(words))


def _places(path: Path) -> dict[str, tuple[int, dict[str, Any]]]:
    """Return of each table of a shard where the columns begin, and where each of them lies."""
    with path.open("rb") as stream:
        stream.readline()
        tables = json.loads(stream.readline())["tables"]
        return {name: (stream.tell(), places) for name, places in tables.items()}
