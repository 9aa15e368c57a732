"""Replicates: luck blocks over worker processes, into a run folder, into a summary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from raresim import limits
from raresim.disease.parameters import DRAW
from raresim.errors import InputError
from raresim.streams import LUCK_BLOCK
from raresim.study import store, tables
from raresim.study.summary import Summary, summarise, with_worse_arm
from raresim.study.truth import DRAWS, UNITS, true_values
from raresim.study.workers import processors, spread
from raresim.trial.engine import Choice, Engine, engine_for, run_block
from raresim.trial.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

PAIRS_A_REPLICATE = 128
LEAST_DRAWS = 16
"""True values of a run are those of its draws, and of so many at least."""
Progress = Callable[[int, int], None]
"""Told how many replicates are done, and of how many."""


@dataclass(frozen=True)
class Task:
    """A piece of work for a worker: a luck block of trials, or a chunk of true values.

    Where the truth is drawn, a chunk has the values of so many `draws`.
    """

    kind: Literal["trials", "truth"]
    number: int
    replicates: int = 0
    draws: int = DRAWS


@dataclass(frozen=True)
class Settings:
    """What is run: everything that decides the numbers, and what does not (engine, workers)."""

    hypothesis: str
    replicates: int
    seed: int
    engine: Engine = "block"
    workers: int = 1
    place: str = "centre"
    resolution: int = 1


@dataclass(frozen=True)
class Run:
    """A finished simulation: its tables and what they say."""

    settings: Settings
    trials: pd.DataFrame
    analyses: pd.DataFrame
    curves: pd.DataFrame
    summary: Summary


def simulate(
    scenario: Scenario,
    replicates: int = 2000,
    seed: int = 1,
    *,
    hypothesis: str | None = None,
    engine: Choice = "auto",
    workers: int | None = None,
    place: str = "centre",
    resolution: int = 1,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> Run:
    """Simulate a scenario's trial many times and say how often it succeeds.

    Parameters
    ----------
    scenario
        A scenario from `raresim.load_scenario`.
    replicates, seed
        Number of trials; same seed, same numbers.
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
        Where the run folder is written; nothing is written if not given.
    progress
        Called with replicates done and replicates in all.

    Raises
    ------
    InputError
        When an argument makes no sense or the folder holds something else.
    RefusedError
        When the engine `block` is asked for and cannot run the design.

    Examples
    --------
    >>> import raresim
    >>> scenario = raresim.load_scenario("friedreich-48-weeks")
    >>> run = raresim.simulate(scenario, replicates=64, seed=1, workers=1)
    >>> run.summary.replicates
    64
    """
    check_size(replicates, seed)
    name = scenario.hypothesis(hypothesis)
    scenario.check_place(place, name)
    settings = Settings(
        name,
        replicates,
        seed,
        engine_for(scenario, engine),
        processors() if workers is None else workers,
        place,
        resolution,
    )
    if folder is not None:
        store.prepare(folder)
    todo = plan_work(scenario, settings)
    found = collect(_work(scenario, settings, todo), replicates, progress)
    run = _finish(scenario, settings, found)
    if folder is not None:
        store.write(folder, scenario, run)
    return run


def check_size(replicates: int, seed: int) -> None:
    """Refuse numbers of trials and seeds that cannot be.

    Raises
    ------
    InputError
        With what was expected.
    """
    most = limits.REPLICATES
    if not 1 <= replicates <= most.value:
        expected = f"1 to {most.value:,}, got {replicates:,}"
        raise InputError(f"replicates: expected {expected}; take fewer, {most.mend}")
    if not 0 <= seed < 2**63:
        raise InputError(f"seed: expected a whole number from 0 to 2**63 - 1, got {seed}")


def block_sizes(replicates: int) -> list[int]:
    """Return how many replicates each luck block runs.

    >>> block_sizes(2500)
    [1024, 1024, 452]
    """
    blocks = -(-replicates // LUCK_BLOCK)
    return [min(LUCK_BLOCK, replicates - b * LUCK_BLOCK) for b in range(blocks)]


def plan_work(scenario: Scenario, settings: Settings) -> list[Task]:
    """Return the luck blocks and the chunks of true values that a simulation needs."""
    sizes = block_sizes(settings.replicates)
    trials = [Task("trials", b, size) for b, size in enumerate(sizes)]
    if scenario.spec.truth.uncertainty == "fixed":
        pairs = settings.replicates * PAIRS_A_REPLICATE
        chunks = int(np.clip(-(-pairs // (UNITS * LUCK_BLOCK)), 2, 8))
        return trials + [Task("truth", chunk) for chunk in range(chunks)]
    draws = [max(-(-size // DRAW), LEAST_DRAWS) for size in sizes]
    return trials + [Task("truth", b, draws=some) for b, some in enumerate(draws)]


def do_task(scenario: Scenario, settings: Settings, task: Task) -> tuple[Task, Any]:
    """Do one piece of work (in a worker process)."""
    if task.kind == "truth":
        asked = settings.hypothesis, settings.seed, task.number, settings.place
        return task, true_values(scenario, *asked, task.draws)
    run = run_block(
        scenario,
        settings.hypothesis,
        settings.seed,
        task.number,
        settings.engine,
        task.replicates,
        settings.resolution,
        settings.place,
    )
    return task, (
        tables.trials_table(scenario, run, task.number),
        tables.analyses_table(scenario, run, task.number),
        tables.curves_table(scenario, run),
    )


def _work(scenario: Scenario, settings: Settings, todo: list[Task]) -> Iterator[tuple[Task, Any]]:
    return spread(
        lambda task: do_task(scenario, settings, task), todo, settings.workers, settings.engine
    )


def collect(
    work: Iterator[tuple[Task, Any]], replicates: int, progress: Progress | None
) -> dict[Task, Any]:
    """Gather finished work, telling how far it is."""
    found: dict[Task, Any] = {}
    done = 0
    for task, result in work:
        found[task] = result
        done += task.replicates
        if progress is not None:
            progress(done, replicates)
    return found


def _finish(scenario: Scenario, settings: Settings, found: dict[Task, Any]) -> Run:
    """Put the blocks in order, whoever finished first, and summarise."""
    import pandas as pd

    ordered = sorted(found, key=lambda task: task.number)
    parts = [found[task] for task in ordered if task.kind == "trials"]
    truths = [found[task] for task in ordered if task.kind == "truth"]
    trials = pd.concat([part[0] for part in parts], ignore_index=True)
    analyses = pd.concat([part[1] for part in parts], ignore_index=True)
    curves = pd.concat([part[2] for part in parts], ignore_index=True)
    keys = ["arm", "outcome", "kind", "day"]
    curves = curves.groupby(keys, sort=False, as_index=False)[["count", "total"]].sum()
    truth: dict[str, npt.NDArray[np.float64]] = {
        name: np.concatenate([chunk[name] for chunk in truths])
        for name in scenario.spec.analysis.estimands
    }
    trials = with_worse_arm(scenario, trials, truth[scenario.spec.analysis.primary])
    summary = summarise(scenario, settings.hypothesis, trials, analyses, truth)
    return Run(settings, trials, analyses, curves, summary)
