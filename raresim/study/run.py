"""Replicates: luck blocks over workers, into shards, into a run folder and a summary."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raresim import limits
from raresim.errors import InputError
from raresim.streams import LUCK_BLOCK
from raresim.study import store
from raresim.study.assemble import FolderTables, ShardTables
from raresim.study.cluster import spread_on_cluster
from raresim.study.columns import RunTables
from raresim.study.stopping import Stopping, tally_of
from raresim.study.summary import Summary
from raresim.study.tasks import (
    Progress,
    Settings,
    Task,
    check_size,
    curves_of,
    do_task,
    trials_of,
    truth_of,
)
from raresim.study.unfinished import Unfinished, forget_with, in_passing, is_finished, kept_in
from raresim.study.workers import processors, spread
from raresim.trial.engine import Choice, engine_for
from raresim.trial.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from raresim.study.one_at_a_time import Sensitivity

REPLICATES = 2000
"""Trials of a run that is asked for no other number, and for no error."""


@dataclass
class Run:
    """A finished simulation: its tables and what they say.

    What is not asked for is not worked out: the rate of success needs neither true values nor the
    numbers of each trial.

    Attributes
    ----------
    scenario, settings
        What was simulated, and what was asked for.
    tables
        Its tables, in files: what reads columns of `tables.trials` needs little memory.
    """

    scenario: Scenario = field(repr=False)
    settings: Settings
    tables: RunTables = field(repr=False)

    @cached_property
    def summary(self) -> Summary:
        """Its operating characteristics, each worked out when it is asked for."""
        asked = self.settings
        target = None if asked.mcse is None else (asked.replicates, asked.mcse)
        return Summary(self.scenario, asked.hypothesis, self.tables, target)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """A row for each trial."""
        return self.tables.trials.frame()

    @cached_property
    def analyses(self) -> pd.DataFrame:
        """A row for each analysis of each trial."""
        return self.tables.analyses.frame()

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Outcomes over time, pooled over all trials."""
        return self.tables.curves.frame()


def simulate(
    scenario: Scenario,
    replicates: int | None = None,
    seed: int = 1,
    *,
    hypothesis: str | None = None,
    engine: Choice = "auto",
    workers: int | None = None,
    place: str = "centre",
    resolution: int = 1,
    folder: Path | None = None,
    resume: bool = False,
    mcse: float | None = None,
    dask: str | None = None,
    progress: Progress | None = None,
) -> Run:
    """Simulate a scenario's trial many times and say how often it succeeds.

    Parameters
    ----------
    scenario
        A scenario from `raresim.load_scenario`.
    replicates, seed
        Number of trials, 2,000 if not given; same seed, same numbers.
    hypothesis
        Name of a hypothesis of the scenario; the first one if not given.
    engine
        `block` (arrays) or `simpy` (event by event): same numbers, other speed. `auto` takes
        `block`, but for a design with drug kits, which only `simpy` runs.
    workers
        Processes; never more than luck blocks. By default as many as there are processors.
    place
        Where in its interval each unpublished number is taken: `lower`, `centre`, `upper`, or
        `upper: WHAT` for one number, published or not (see `raresim.disease.uncertain`).
    resolution
        Seconds to which times are rounded up.
    folder
        Where the run folder is written; nothing is kept if not given. Whatever is done stays there
        if the run is cut short.
    resume
        Go on with the unfinished run in the folder; begin it if there is none.
    mcse
        Stop at the first luck block after which the Monte Carlo standard error of the rate of
        success is no larger; `replicates` are then the trials at most.
    dask
        Address of the scheduler of a Dask cluster, or its scheduler file: its workers do the work.
    progress
        Called with replicates done and replicates in all.

    Raises
    ------
    InputError
        When an argument makes no sense, or the folder holds something else or another run.
    RefusedError
        When the engine `block` is asked for and cannot run the design.
    LostError
        When the disk is full or a worker vanished; with a folder, `resume` goes on from there.

    Examples
    --------
    >>> import raresim
    >>> scenario = raresim.load_scenario("friedreich-48-weeks")
    >>> run = raresim.simulate(scenario, replicates=64, seed=1, workers=1)
    >>> run.summary.replicates
    64
    >>> run = raresim.simulate(scenario, mcse=0.02, workers=1)
    >>> run.summary.replicates, run.summary.success.mcse <= 0.02
    (1024, True)
    """
    asked = settings_for(
        scenario,
        replicates,
        seed,
        hypothesis=hypothesis,
        engine=engine,
        workers=workers,
        place=place,
        resolution=resolution,
        mcse=mcse,
    )
    if folder is None:
        return passing(lambda work: carry_out(work, scenario, asked, dask, progress))
    if (run := finished(folder, scenario, asked, resume=resume)) is not None:
        return run
    with work_in(folder, scenario, asked, resume=resume) as work:
        for name in work.remade:
            warnings.warn(f"{folder}: {name} was damaged and is made again", stacklevel=2)
        run = carry_out(work, scenario, asked, dask, progress)
        complete(work, scenario, run)
    return run


def settings_for(
    scenario: Scenario,
    replicates: int | None = None,
    seed: int = 1,
    *,
    hypothesis: str | None = None,
    engine: Choice = "auto",
    workers: int | None = None,
    place: str = "centre",
    resolution: int = 1,
    mcse: float | None = None,
) -> Settings:
    """Return what `simulate` is asked for, checked.

    Raises
    ------
    InputError
        When an argument makes no sense.
    RefusedError
        When the engine `block` is asked for and cannot run the design.
    """
    if mcse is not None and not 0 < mcse < 1:
        expected = "a share above 0 and below 1, such as 0.002 for 0.2 percentage points"
        raise InputError(f"mcse: expected {expected}, got {mcse}")
    if replicates is None:
        replicates = REPLICATES if mcse is None else limits.REPLICATES.value
    check_size(replicates, seed)
    name = scenario.hypothesis(hypothesis)
    scenario.check_place(place, name)
    return Settings(
        name,
        replicates,
        seed,
        engine_for(scenario, engine),
        processors() if workers is None else workers,
        place,
        resolution,
        mcse,
    )


def work_in(
    folder: Path, scenario: Scenario, settings: Settings, *, resume: bool
) -> AbstractContextManager[Unfinished]:
    """Give the place of a run that is kept in a folder; see `unfinished.kept_in`."""
    return kept_in(folder, store.identity(scenario, settings), resume=resume)


def passing(do: Callable[[Unfinished], Run]) -> Run:
    """Return a run that is kept nowhere: its tables go when it is forgotten."""
    with in_passing() as work:
        found = do(work)
    forget_with(found.tables, work.place)
    return found


def finished(folder: Path, scenario: Scenario, settings: Settings, *, resume: bool) -> Run | None:
    """Return the run that is to be resumed, if the folder holds the whole of it.

    Raises
    ------
    InputError
        When it is to be resumed and the folder holds the whole of another run.
    """
    if not is_finished(folder, store.identity(scenario, settings), resume=resume):
        return None
    return Run(scenario, settings, FolderTables(folder))


def carry_out(
    work: Unfinished,
    scenario: Scenario,
    settings: Settings,
    dask: str | None = None,
    progress: Progress | None = None,
) -> Run:
    """Do what is not yet done of a run, and put it together.

    Raises
    ------
    LostError
        When a worker vanished.
    """
    kept = work.folder is not None
    single = settings.mcse is not None
    blocks = trials_of(scenario, settings.replicates, curves=kept, single=single)
    rule = Stopping(-(-settings.replicates // LUCK_BLOCK), settings.mcse)
    # where luck says how many trials there are, the true values can only come afterwards
    at_once = truth_of(scenario, settings.replicates) if kept and settings.mcse is None else []
    job = Job(work, scenario, settings, dask, rule, progress)
    job.do([*blocks, *at_once])
    blocks = blocks[: rule.needed]
    chunks = truth_of(scenario, sum(block.replicates for block in blocks))

    def done(tasks: Sequence[Task]) -> list[Path]:
        job.do(tasks)
        return [work.path(task) for task in tasks]

    truth = partial(done, chunks)
    if kept:
        truth()
    curves = partial(done, blocks if kept else curves_of(blocks))
    shards = [work.path(block) for block in blocks]
    return Run(scenario, settings, ShardTables(scenario, shards, truth, curves))


@dataclass
class Job:
    """The tasks of a run on their way: who does them, what is kept, what is told."""

    work: Unfinished
    scenario: Scenario
    settings: Settings
    dask: str | None
    rule: Stopping
    progress: Progress | None
    done: int = 0

    def do(self, tasks: Sequence[Task]) -> None:
        """Do the tasks that are not yet done, in whatever order they are finished."""
        heads, pending = self.work.heads, []
        for task in tasks:
            if task.name in heads:
                self._count(task, heads[task.name])
            else:
                pending.append(task)
        needed = (task for task in pending if self._needs(task))
        one = partial(do_task, self.scenario, self.settings)
        if not pending:
            return
        if self.dask is not None:
            found = spread_on_cluster(one, needed, self.dask)
        else:
            found = spread(one, needed, self.settings.workers, self.settings.engine, len(pending))
        for task, data in found:
            self._count(task, self.work.keep(task, data))

    def _needs(self, task: Task) -> bool:
        return task.kind != "trials" or task.number < self.rule.needed

    def _count(self, task: Task, head: dict[str, Any]) -> None:
        if task.kind == "trials":
            self.rule.add(task.number, tally_of(head["tally"]))
            self.done += task.replicates
        if self.progress is not None:
            most = min(self.settings.replicates, self.rule.expected * LUCK_BLOCK)
            self.progress(self.done, max(most, self.done))


def complete(
    work: Unfinished,
    scenario: Scenario,
    run: Run,
    sensitivity: Sensitivity | None = None,
    report: Callable[[Path], object] | None = None,
) -> None:
    """Write the files of a run, with its report, and let them take the place of what was there."""
    assert work.folder is not None
    store.fill(work.whole, scenario, run, sensitivity)
    if report is not None:
        report(work.whole)
    work.finish(work.folder)
    run.tables = FolderTables(work.folder)
