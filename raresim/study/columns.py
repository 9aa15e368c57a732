"""Tables one column at a time: whatever the number of trials, memory holds what is being read.

What is worked out from the tables of a run asks for columns by name. A data frame gives them, and
so does a Parquet file, which is then read column by column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Rows = npt.NDArray[np.int64]
BATCH = 65_536
"""Rows of a list column that are read at once."""


class Columns(Protocol):
    """A table whose columns NumPy can read: a data frame, or a `ParquetTable`."""

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


class ParquetTable:
    """A Parquet file, read column by column.

    Parameters
    ----------
    path
        The file.
    owner
        Whatever must not be forgotten while the file is read.
    """

    def __init__(self, path: Path, owner: object = None) -> None:
        import pyarrow.parquet as pq

        self.path, self._owner = path, owner
        with pq.ParquetFile(path) as file:
            self.columns: tuple[str, ...] = tuple(file.schema_arrow.names)
            self._rows = int(file.metadata.num_rows)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._rows

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Return a column of numbers or words; NaN where a number is missing.

        Raises
        ------
        KeyError
            When there is no such column.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        if name not in self.columns:
            raise KeyError(name)
        with pq.ParquetFile(self.path) as file:
            column = file.read(columns=[name]).column(0)
        if not pa.types.is_string(column.type):
            return np.asarray(column.to_numpy())
        words = column.combine_chunks().dictionary_encode()  # one string each, however many rows
        known = np.array(words.dictionary.to_pylist(), dtype=object)
        return np.asarray(known[words.indices.to_numpy()])

    def items(self, name: str, wanted: slice) -> npt.NDArray[Any]:
        """Return some items of a column of lists of equal length, shape (rows, items)."""
        import pyarrow.parquet as pq

        found, done = np.empty(0), 0
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(BATCH, columns=[name]):
                lists = batch.column(0)
                some = lists.flatten().to_numpy().reshape(len(lists), -1)[:, wanted]
                if not done:
                    found = np.empty((len(self), some.shape[1]), some.dtype)
                found[done : done + len(some)] = some
                done += len(some)
        return found

    def frame(self) -> pd.DataFrame:
        """Return the whole table as a data frame."""
        import pandas as pd

        return pd.read_parquet(self.path)


def items(table: Columns, name: str, wanted: slice) -> npt.NDArray[Any]:
    """Return some items of a column of lists of equal length, shape (rows, items)."""
    if isinstance(table, ParquetTable):
        return table.items(name, wanted)
    return np.array([row[wanted] for row in table[name]])


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
