"""Tables in Parquet files, which other programs read: written in groups of rows, read by column."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from raresim.study.columns import ArrayTable, Column, Words

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

BATCH = 65_536
"""Rows of a list column that are read at once."""
ARTIFICIAL = "These rows are artificial: simulated by raresim, no row is a person."


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
        if pa.types.is_list(column.type):
            return self.items_of(name, slice(None))
        if not pa.types.is_string(column.type):
            return np.asarray(column.to_numpy())
        words = column.combine_chunks().dictionary_encode()  # one string each, however many rows
        known = np.array(words.dictionary.to_pylist(), dtype=object)
        return np.asarray(known[words.indices.to_numpy()])

    def items_of(self, name: str, wanted: slice) -> npt.NDArray[Any]:
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


def write(groups: Iterator[ArrayTable], path: Path) -> None:
    """Write tables of the same columns as the row groups of one file, which says what it holds."""
    import pyarrow.parquet as pq

    first = _arrow(next(groups))
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first, row_group_size=max(len(first), 1))
        for group in groups:
            writer.write_table(_arrow(group), row_group_size=max(len(group), 1))


def _arrow(table: ArrayTable) -> pa.Table:
    """Return a table as Arrow has it; NaN is missing."""
    import pyarrow as pa

    columns = {name: _array(column) for name, column in table.arrays.items()}
    return pa.table(columns).replace_schema_metadata({b"raresim": ARTIFICIAL.encode()})


def _array(column: Column) -> pa.Array:
    import pyarrow as pa

    if isinstance(column, Words):
        words = pa.DictionaryArray.from_arrays(column.code, pa.array(column.words, pa.string()))
        return words.cast(pa.string())
    if column.ndim == 1:
        return pa.array(column, from_pandas=True)
    offsets = np.arange(0, column.size + 1, column.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, pa.array(column.ravel()))
