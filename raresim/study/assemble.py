"""The tables of a run: as its shards hold them, or in the Parquet files of a whole folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.study import parquet
from raresim.study.columns import ArrayTable
from raresim.study.design_analysis import on_worse_arm
from raresim.study.parquet import ParquetTable
from raresim.study.shard import ShardTable
from raresim.study.store import ANALYSES, CURVES, TRIALS, TRUTH
from raresim.trial.scenario import Scenario

TOGETHER = 32
"""Blocks whose trials are in memory at once, and make a row group of the table."""
Shards = Callable[[], Sequence[Path]]
WORSE = "patients_on_worse_arm"


class FolderTables:
    """Tables in the Parquet files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trials = ParquetTable(folder / TRIALS)
        self.analyses = ParquetTable(folder / ANALYSES)
        self.curves = ParquetTable(folder / CURVES)
        self.truth = ParquetTable(folder / TRUTH)

    def write(self, folder: Path) -> None:
        """Copy the files into another folder."""
        (folder / TRIALS).parent.mkdir(parents=True, exist_ok=True)
        for name in (TRIALS, ANALYSES, TRUTH, CURVES):
            shutil.copyfile(self.folder / name, folder / name)


class ShardTables:
    """Tables in the shards of a run.

    Parameters
    ----------
    scenario
        What was run.
    blocks
        The shards of its luck blocks, in order.
    truth, curves
        Return those of its true values and of its curves; asked when somebody wants to know them.
    """

    def __init__(
        self, scenario: Scenario, blocks: Sequence[Path], truth: Shards, curves: Shards
    ) -> None:
        self._scenario, self._blocks = scenario, blocks
        self._truth, self._curves = truth, curves
        self.analyses = ShardTable(blocks, "analyses", self)

    @cached_property
    def trials(self) -> Trials:
        """A row for each trial."""
        return Trials(self._scenario, self._blocks, self)

    @cached_property
    def curves(self) -> ArrayTable:
        """The sums of all blocks; each has the same rows."""
        table = ShardTable(self._curves(), "curves")
        found = table.part(0, 1).arrays
        parts = [table.part(k, k + 1) for k in range(len(table.paths))]
        sums = {name: np.sum([part[name] for part in parts], axis=0) for name in ("count", "total")}
        return ArrayTable(found | sums)

    @cached_property
    def truth(self) -> ShardTable:
        """True values of each estimand."""
        return ShardTable(self._truth(), "truth", self)

    def write(self, folder: Path) -> None:
        """Write the tables into a folder, as Parquet files."""
        (folder / TRIALS).parent.mkdir(parents=True, exist_ok=True)
        parquet.write(iter([self.truth.part(0, len(self.truth.paths))]), folder / TRUTH)
        parquet.write(_groups(self.trials), folder / TRIALS)
        parquet.write(_groups(self.analyses), folder / ANALYSES)
        parquet.write(iter([self.curves]), folder / CURVES)


def _groups(table: ShardTable) -> Iterator[ArrayTable]:
    """Yield a table of every block, some blocks at a time."""
    for first in range(0, len(table.paths), TOGETHER):
        yield table.part(first, min(first + TOGETHER, len(table.paths)))


class Trials(ShardTable):
    """A row for each trial; who was on the worse arm is told once the true values are asked for."""

    def __init__(self, scenario: Scenario, paths: Sequence[Path], run: ShardTables) -> None:
        super().__init__(paths, "trials", run)
        self._scenario, self._run = scenario, run
        self._success = scenario.spec.analysis.primary
        if scenario.two_arms_decide:
            self.columns = (*self.columns, WORSE)

    def part(self, first: int, last: int) -> ArrayTable:
        """Return the table of the shards from one to before another."""
        names = [name for name in self.columns if name != WORSE]
        found = ArrayTable({name: self.column(name, first, last) for name in names})
        if WORSE in self.columns:
            found.arrays[WORSE] = self._worse(found)
        return found

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Return a column of numbers or words."""
        if name != WORSE or name not in self.columns:
            return super().__getitem__(name)
        arms = [self._scenario.arms[k] for k in self._scenario.pair(self._success)]
        names = ["draw", *(f"{arm}.patients" for arm in arms)]
        return self._worse(ArrayTable({name: self[name] for name in names}))

    def _worse(self, trials: ArrayTable) -> npt.NDArray[np.float64]:
        true = self._run.truth[self._success]
        found = on_worse_arm(self._scenario, trials, trials["draw"], true)
        assert found is not None
        return found
