"""From shards to the tables of a run: in the order of the luck blocks, some blocks at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from raresim.study import shard
from raresim.study.columns import ParquetTable
from raresim.study.store import ANALYSES, CURVES, TRIALS, TRUTH, labelled
from raresim.study.summary import on_worse_arm
from raresim.trial.scenario import Scenario

if TYPE_CHECKING:
    import pyarrow as pa

TOGETHER = 32
"""Blocks whose trials are in memory at once, and make a row group of the table."""


@dataclass
class RunTables:
    """The tables of a run, in Parquet files: read a column, or the whole as a data frame.

    Attributes
    ----------
    folder
        Where they are.
    """

    folder: Path

    @property
    def trials(self) -> ParquetTable:
        """A row for each trial."""
        return ParquetTable(self.folder / TRIALS, self)

    @property
    def analyses(self) -> ParquetTable:
        """A row for each analysis of each trial."""
        return ParquetTable(self.folder / ANALYSES, self)

    @property
    def curves(self) -> ParquetTable:
        """Outcomes over time, pooled over all trials."""
        return ParquetTable(self.folder / CURVES, self)

    @property
    def truth(self) -> ParquetTable:
        """True values of each estimand: of each draw, or several whose mean is the one there is."""
        return ParquetTable(self.folder / TRUTH, self)


def assemble(
    scenario: Scenario, blocks: Sequence[Path], chunks: Sequence[Path], folder: Path
) -> RunTables:
    """Write the tables of a run into a folder.

    Parameters
    ----------
    scenario
        What was run.
    blocks, chunks
        The shards of its luck blocks, and those of its true values, each in order.
    folder
        Where the tables are written.
    """
    import pyarrow as pa

    (folder / TRIALS).parent.mkdir(parents=True)
    truth = pa.concat_tables([shard.table(path, "truth") for path in chunks])
    _write(iter([truth]), folder / TRUTH)
    primary = truth.column(scenario.spec.analysis.primary).to_numpy()
    groups = (_with_worse_arm(scenario, group, primary) for group in _groups(blocks, "trials"))
    _write(groups, folder / TRIALS)
    _write(_groups(blocks, "analyses"), folder / ANALYSES)
    _write(iter([_curves(blocks)]), folder / CURVES)
    return RunTables(folder)


def _groups(shards: Sequence[Path], name: str) -> Iterator[pa.Table]:
    """Yield a table of every block, some blocks at a time."""
    import pyarrow as pa

    for first in range(0, len(shards), TOGETHER):
        some = shards[first : first + TOGETHER]
        yield pa.concat_tables([shard.table(path, name) for path in some]).combine_chunks()


def _with_worse_arm(
    scenario: Scenario, trials: pa.Table, truth: npt.NDArray[np.float64]
) -> pa.Table:
    import pyarrow as pa

    counts = {name: trials.column(name).to_numpy() for name in _patients(trials)}
    worse = on_worse_arm(scenario, counts, trials.column("draw").to_numpy(), truth)
    if worse is None:
        return trials
    return trials.append_column("patients_on_worse_arm", pa.array(worse))


def _patients(trials: pa.Table) -> list[str]:
    return [name for name in trials.column_names if name.endswith(".patients")]


def _write(groups: Iterator[pa.Table], path: Path) -> None:
    """Write tables of the same columns as the row groups of one file."""
    import pyarrow.parquet as pq

    first = labelled(next(groups))
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first, row_group_size=max(len(first), 1))
        for group in groups:
            writer.write_table(labelled(group), row_group_size=max(len(group), 1))


def _curves(shards: Sequence[Path]) -> pa.Table:
    """Return the sums of all blocks; each has the same rows."""
    import pyarrow as pa

    first = shard.table(shards[0], "curves")
    sums: dict[str, Any] = {key: first.column(key).to_numpy().copy() for key in ("count", "total")}
    for path in shards[1:]:
        block = shard.table(path, "curves")
        for key, values in sums.items():
            values += block.column(key).to_numpy()
    columns = {name: sums.get(name, first.column(name)) for name in first.column_names}
    return pa.table(columns)
