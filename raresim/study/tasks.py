"""What a simulation is made of: luck blocks of trials and chunks of true values, each a task.

A worker is told the scenario, the settings and a task's number; luck does the rest. It gives back a
shard.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from raresim import limits
from raresim.disease.parameters import DRAW
from raresim.errors import InputError
from raresim.streams import LUCK_BLOCK
from raresim.study import shard, tables
from raresim.study.columns import ArrayTable
from raresim.study.made_by import made_by
from raresim.study.stopping import tally
from raresim.study.summary import successes
from raresim.study.truth import DRAWS, UNITS, true_values
from raresim.trial.engine import Engine, run_block
from raresim.trial.scenario import Scenario

PAIRS_A_REPLICATE = 128
LEAST_DRAWS = 16
"""True values of a run are those of its draws, and of so many at least."""
NUMBERS, MOST_TOGETHER = 2**19, 4
"""Numbers of an array that holds one for each patient and visit of a task; its luck blocks."""
Progress = Callable[[int, int], None]
"""Told how many replicates are done, and of how many."""


@dataclass(frozen=True)
class Task:
    """A piece of work for a worker: luck blocks of trials from one on, or a chunk of true values.

    Where the truth is drawn, a chunk has the values of so many `draws`. A block's `curves` come
    with it, or as a task of their own where somebody asks for them afterwards.
    """

    kind: Literal["trials", "curves", "truth"]
    number: int
    replicates: int = 0
    draws: int = DRAWS
    curves: bool = True

    @property
    def name(self) -> str:
        """The task's name in its run."""
        return f"{self.kind}-{self.number:06d}"


@dataclass(frozen=True)
class Settings:
    """What is run: everything that decides the numbers, and what does not (engine, workers).

    `replicates` are those asked for: at most so many where a run stops at an error of `mcse`.
    """

    hypothesis: str
    replicates: int
    seed: int
    engine: Engine = "block"
    workers: int = 1
    place: str = "centre"
    resolution: int = 1
    mcse: float | None = None


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


def trials_of(scenario: Scenario, replicates: int, *, curves: bool, single: bool) -> list[Task]:
    """Return the luck blocks of so many trials: several in a task, unless each is to be single.

    What a task has does not hang on who does it, so that a run is resumed by other workers.
    """
    sizes = block_sizes(replicates)
    together = 1 if single else _together(scenario, len(sizes))
    firsts = range(0, len(sizes), together)
    return [Task("trials", b, sum(sizes[b : b + together]), curves=curves) for b in firsts]


def _together(scenario: Scenario, blocks: int) -> int:
    """Return how many blocks of small trials go through the arrays at once.

    So many that Python's own time does not count, and so few that arrays stay near the processor;
    no fewer than four tasks. Where parameters are drawn, blocks are drawn one by one.
    """
    if scenario.spec.truth.uncertainty != "fixed":
        return 1
    patients = scenario.spec.design.most * (1 + len(scenario.spec.design.visits.weeks))
    return max(1, min(NUMBERS // (patients * LUCK_BLOCK), MOST_TOGETHER, blocks // 4))


def curves_of(blocks: list[Task]) -> list[Task]:
    """Return what finds the curves of luck blocks that were run without them."""
    return [Task("curves", block.number, block.replicates) for block in blocks]


def truth_of(scenario: Scenario, replicates: int) -> list[Task]:
    """Return the chunks of true values that so many trials are held to."""
    if scenario.spec.truth.uncertainty == "fixed":
        pairs = replicates * PAIRS_A_REPLICATE
        chunks = int(np.clip(-(-pairs // (UNITS * LUCK_BLOCK)), 2, 8))
        return [Task("truth", chunk) for chunk in range(chunks)]
    draws = [max(-(-size // DRAW), LEAST_DRAWS) for size in block_sizes(replicates)]
    return [Task("truth", b, draws=some) for b, some in enumerate(draws)]


def do_task(scenario: Scenario, settings: Settings, task: Task) -> tuple[Task, bytes]:
    """Do one piece of work (in a worker process) and return its shard."""
    head = {"task": task.name, "made_by": made_by()}
    if task.kind == "truth":
        asked = settings.hypothesis, settings.seed, task.number, settings.place
        truth = true_values(scenario, *asked, task.draws)
        return task, shard.packed(head, {"truth": ArrayTable(truth)})
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
    curves = {"curves": tables.curves_table(scenario, run)} if task.curves else {}
    if task.kind == "curves":
        return task, shard.packed(head, curves)
    trials = tables.trials_table(scenario, run, task.number)
    analyses = tables.analyses_table(scenario, run, task.number)
    sums = tally(successes(scenario, trials, analyses), trials["draw"]).list()
    found = {"trials": trials, "analyses": analyses, **curves}
    return task, shard.packed(head | {"tally": sums}, found)
