"""Tables one column at a time: whatever the number of trials, memory holds what is being read.

What is worked out from the tables of a run asks for columns by name: of arrays in memory, of the
shards of a run, of a Parquet file, or of a data frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Rows = npt.NDArray[np.int64]


class Columns(Protocol):
    """A table whose columns NumPy can read; one of lists is an array with a second axis."""

    @property
    def columns(self) -> Iterable[Any]:
        """Names of the columns."""
        ...

    def __getitem__(self, name: str) -> Any:
        """Return a column."""
        ...

    def __len__(self) -> int:
        """Return the number of rows."""
        ...


class Table(Columns, Protocol):
    """A table of a run: read a column, or the whole as a data frame."""

    def frame(self) -> pd.DataFrame:
        """Return the whole table as a data frame."""
        ...


class RunTables(Protocol):
    """The tables of a run."""

    @property
    def trials(self) -> Table:
        """A row for each trial."""
        ...

    @property
    def analyses(self) -> Table:
        """A row for each analysis of each trial."""
        ...

    @property
    def curves(self) -> Table:
        """Outcomes over time, pooled over all trials."""
        ...

    @property
    def truth(self) -> Table:
        """True values of each estimand: of each draw, or several whose mean is the one there is."""
        ...

    def write(self, folder: Path) -> None:
        """Write the tables into a folder, as Parquet files."""
        ...


@dataclass(frozen=True)
class Words:
    """A column of words: the number of each row's word, and the words."""

    code: npt.NDArray[np.integer[Any]]
    words: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.code)

    @property
    def spelled(self) -> npt.NDArray[Any]:
        """The words of all rows; rows with the same word share it."""
        return np.asarray(np.array(self.words, dtype=object)[self.code])

    def of(self, rows: Any) -> Words:
        """Return the words of some rows."""
        return Words(self.code[rows], self.words)


def spelled(words: Sequence[str]) -> Words:
    """Return a column of these words, one for each row.

    >>> spelled(["drug", "drug"]).words
    ('drug',)
    """
    known = {word: code for code, word in enumerate(dict.fromkeys(words))}
    return Words(np.array([known[word] for word in words], np.int16), tuple(known))


Column = npt.NDArray[Any] | Words


class ArrayTable:
    """A table in memory, a dictionary of arrays with as many rows each.

    >>> table = ArrayTable({"n": np.array([1, 2]), "arm": Words(np.array([0, 0]), ("drug",))})
    >>> len(table), table["arm"].tolist()
    (2, ['drug', 'drug'])
    """

    def __init__(self, arrays: Mapping[str, Column]) -> None:
        self.arrays = dict(arrays)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.arrays)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Return a column of numbers or words."""
        found = self.arrays[name]
        return found.spelled if isinstance(found, Words) else found

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self.arrays.values())))

    def rows(self, chosen: Any) -> ArrayTable:
        """Return some rows."""
        arrays = self.arrays.items()
        return ArrayTable(
            {k: v.of(chosen) if isinstance(v, Words) else v[chosen] for k, v in arrays}
        )

    def frame(self) -> pd.DataFrame:
        """Return the table as a data frame, lists as lists."""
        import pandas as pd

        values = {name: self[name] for name in self.arrays}
        return pd.DataFrame({n: list(v) if v.ndim > 1 else v for n, v in values.items()})


def joined(parts: Sequence[Column]) -> Column:
    """Return the rows of several columns one after the other; words must be the same in all."""
    first = parts[0]
    if not isinstance(first, Words):
        return np.concatenate([part for part in parts if not isinstance(part, Words)])
    same = [part for part in parts if isinstance(part, Words) and part.words == first.words]
    if len(same) < len(parts):
        raise ValueError("columns with different words cannot be joined")
    return Words(np.concatenate([part.code for part in same]), first.words)


def last_rows(wanted: npt.ArrayLike, replicates: npt.ArrayLike) -> Rows:
    """Return the last row of each replicate that is wanted, -1 where it has none.

    >>> last_rows([0, 1, 2], [0, 0, 2]).tolist()
    [1, -1, 2]
    """
    wanted, of_rows = np.asarray(wanted), np.asarray(replicates)
    if not len(of_rows):
        return np.full(len(wanted), -1)
    order = np.argsort(of_rows, kind="stable")
    ordered = of_rows[order]
    at = np.searchsorted(ordered, wanted, side="right") - 1
    return np.where((at >= 0) & (ordered[at] == wanted), order[at], -1)


def taken(values: npt.ArrayLike, rows: Rows, missing: Any) -> npt.NDArray[Any]:
    """Return the values in some rows, and what stands for a missing one where the row is -1.

    >>> taken([0.5, 0.25], np.array([1, -1]), np.nan).tolist()
    [0.25, nan]
    """
    values = np.asarray(values)
    if not len(values):
        return np.full(len(rows), missing)
    return np.where(rows >= 0, values[rows], missing)


class LastRows(Mapping[str, npt.NDArray[np.float64]]):
    """Columns of each trial's last analysis among some rows; NaN where it has none.

    Parameters
    ----------
    trials, analyses
        Tables of a run.
    mine
        Which rows of `analyses` count.
    """

    def __init__(self, trials: Columns, analyses: Columns, mine: npt.NDArray[np.bool_]) -> None:
        self._analyses, self._mine = analyses, mine
        self.rows = last_rows(trials["replicate"], np.asarray(analyses["replicate"])[mine])

    def __getitem__(self, name: str) -> npt.NDArray[np.float64]:
        """Return a column of numbers."""
        found = np.asarray(self._analyses[name], np.float64)[self._mine]
        return np.asarray(taken(found, self.rows, np.nan))

    def flag(self, name: str) -> npt.NDArray[np.bool_]:
        """Return a column of yes and no; no where there is no analysis."""
        return np.asarray(self[name] == 1.0)

    def __iter__(self) -> Iterator[str]:
        """Return the names of the columns."""
        return iter(self._analyses.columns)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(list(self._analyses.columns))


def items(table: Columns, name: str, wanted: slice) -> npt.NDArray[Any]:
    """Return some items of a column of lists of equal length, shape (rows, items)."""
    some = getattr(table, "items_of", None)
    if callable(some):  # of a file: no more is read
        return np.asarray(some(name, wanted))
    return np.asarray(np.stack(list(table[name]))[:, wanted])
