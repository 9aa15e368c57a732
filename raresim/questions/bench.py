"""Trials of many designs: asked for a luck block at a time, and each run once.

What was run is kept as shards, in a folder or in passing; a question that is asked again with the
same folder finds them there, so that a method which decides as it goes is resumed by running it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from raresim.streams import LUCK_BLOCK
from raresim.study import shard, tables
from raresim.study.columns import ArrayTable, Words
from raresim.study.made_by import made_by
from raresim.study.summary import successes
from raresim.study.tasks import Progress, truth_of
from raresim.study.truth import true_values
from raresim.study.unfinished import Unfinished
from raresim.study.workers import processors, spread
from raresim.trial.engine import Choice, Engine, engine_for, run_block
from raresim.trial.scenario import Scenario

Numbers = dict[str, npt.NDArray[Any]]
"""What is known of each trial, by name."""
TABLE = "found"


class Piece(Protocol):
    """A piece of work that a worker does alone."""

    @property
    def name(self) -> str:
        """What no other piece of the question is called."""
        ...

    @property
    def scenario(self) -> Scenario:
        """What is run."""
        ...

    @property
    def trials(self) -> int:
        """How many trials that are, for whoever looks on."""
        ...

    def find(self, engine: Engine) -> ArrayTable:
        """Do it."""
        ...


@dataclass(frozen=True)
class Design:
    """A scenario that is tried, by a name of its own in the question, under a hypothesis."""

    name: str
    scenario: Scenario
    hypothesis: str


@dataclass(frozen=True)
class TrialPiece:
    """A luck block of a design's trials, or its beginning: `success`, `draw`, and all numbers."""

    design: Design
    seed: int
    block: int
    trials: int

    @property
    def name(self) -> str:
        """What no other piece is called."""
        own = (self.design.name, self.design.hypothesis)
        return digest("trials", *own, self.seed, self.block, self.trials)

    @property
    def scenario(self) -> Scenario:
        """What is run."""
        return self.design.scenario

    def find(self, engine: Engine) -> ArrayTable:
        """Run the trials."""
        asked = (self.design.hypothesis, self.seed, self.block, engine, self.trials)
        run = run_block(self.scenario, *asked)
        trials = tables.trials_table(self.scenario, run, self.block)
        analyses = tables.analyses_table(self.scenario, run, self.block)
        kept = {
            name: values
            for name, values in trials.arrays.items()
            if not isinstance(values, Words) and values.ndim == 1
        }
        kept["success"] = successes(self.scenario, trials, analyses).astype(np.uint8)
        return ArrayTable(kept)


@dataclass(frozen=True)
class TruePiece:
    """A chunk of a design's true values, see `raresim.study.truth`."""

    design: Design
    seed: int
    chunk: int
    draws: int
    trials: int = 0

    @property
    def name(self) -> str:
        """What no other piece is called."""
        own = (self.design.name, self.design.hypothesis)
        return digest("truth", *own, self.seed, self.chunk, self.draws)

    @property
    def scenario(self) -> Scenario:
        """What is run."""
        return self.design.scenario

    def find(self, engine: Engine) -> ArrayTable:
        """Work the true values out."""
        asked = (self.design.hypothesis, self.seed, self.chunk)
        return ArrayTable(true_values(self.scenario, *asked, draws=self.draws))


def digest(*key: Any) -> str:
    """Return a name for a piece, of what makes it another one than others."""
    return hashlib.blake2b(json.dumps(key).encode(), digest_size=12).hexdigest()


def pieces(design: Design, seed: int, replicates: int, first: int = 0) -> list[TrialPiece]:
    """Return so many trials of a design from a luck block on.

    >>> [piece.trials for piece in pieces(Design("a", None, "effect"), 1, 2500)]
    [1024, 1024, 452]
    """
    blocks = -(-replicates // LUCK_BLOCK)
    sizes = [min(LUCK_BLOCK, replicates - k * LUCK_BLOCK) for k in range(blocks)]
    return [TrialPiece(design, seed, first + k, size) for k, size in enumerate(sizes)]


def true_pieces(design: Design, seed: int, replicates: int) -> list[TruePiece]:
    """Return what so many trials of a design are held to."""
    tasks = truth_of(design.scenario, replicates)
    return [TruePiece(design, seed, task.number, task.draws) for task in tasks]


class Bench:
    """Where designs are tried.

    Parameters
    ----------
    work
        Where what was run is kept.
    engine, workers
        As for `raresim.simulate`.
    progress
        Called with the trials done and the trials that there will be, as far as is known.
    """

    def __init__(
        self,
        work: Unfinished,
        engine: Choice = "auto",
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._work, self._engine, self._workers = work, engine, workers or processors()
        self._progress = progress
        self.done = self.expected = 0
        self._counted: set[str] = set()

    def run(self, asked: Sequence[Piece]) -> None:
        """Run what was not run yet, all together."""
        by_engine: dict[Engine, list[Piece]] = {}
        for piece in asked:
            if piece.name in self._work.heads:
                self._count(piece)
            else:
                by_engine.setdefault(engine_for(piece.scenario, self._engine), []).append(piece)
        for engine, some in by_engine.items():
            for piece, data in spread(partial(_do, engine), some, self._workers, engine, len(some)):
                self._work.keep(piece, data)
                self._count(piece)

    def _count(self, piece: Piece) -> None:
        if piece.name in self._counted or not piece.trials:
            return
        self._counted.add(piece.name)
        self.done += piece.trials
        self.expected = max(self.expected, self.done)
        if self._progress is not None:
            self._progress(self.done, self.expected)

    def numbers(self, asked: Sequence[Piece]) -> Numbers:
        """Return what pieces of one kind find, one after the other; run where they were not."""
        self.run(asked)
        table = shard.ShardTable([self._work.path(piece) for piece in asked], TABLE)
        return {name: table[name] for name in table.columns}


def _do(engine: Engine, piece: Piece) -> tuple[Piece, bytes]:
    """Do a piece (in a worker process) and return its shard."""
    head = {"task": piece.name, "made_by": made_by()}
    return piece, shard.packed(head, {TABLE: piece.find(engine)})
