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
from typing import Any

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

Floats = npt.NDArray[np.float64]
Numbers = dict[str, npt.NDArray[Any]]
"""What is known of each trial, by name; `success` is 0 or 1, `draw` its cluster."""
TRIALS, TRUTH = "trials", "truth"


@dataclass(frozen=True)
class Design:
    """A scenario that is tried, by a name of its own in the question, under a hypothesis."""

    name: str
    scenario: Scenario
    hypothesis: str


@dataclass(frozen=True)
class Piece:
    """A luck block of a design's trials, or its beginning."""

    design: Design
    seed: int
    block: int
    replicates: int

    @property
    def name(self) -> str:
        """What no other piece is called."""
        return _digest("trials", self.design, self.seed, self.block, self.replicates)


@dataclass(frozen=True)
class TruePiece:
    """A chunk of a design's true values, see `raresim.study.truth`."""

    design: Design
    seed: int
    chunk: int
    draws: int

    @property
    def name(self) -> str:
        """What no other piece is called."""
        return _digest("truth", self.design, self.seed, self.chunk, self.draws)


def _digest(kind: str, design: Design, *numbers: int) -> str:
    key = [kind, design.name, design.hypothesis, *numbers]
    return hashlib.blake2b(json.dumps(key).encode(), digest_size=12).hexdigest()


def true_pieces(design: Design, seed: int, replicates: int) -> list[TruePiece]:
    """Return what so many trials of a design are held to."""
    tasks = truth_of(design.scenario, replicates)
    return [TruePiece(design, seed, task.number, task.draws) for task in tasks]


def pieces(design: Design, seed: int, replicates: int, first: int = 0) -> list[Piece]:
    """Return so many trials of a design from a luck block on.

    >>> [piece.replicates for piece in pieces(Design("a", None, "effect"), 1, 2500)]
    [1024, 1024, 452]
    """
    blocks = -(-replicates // LUCK_BLOCK)
    sizes = [min(LUCK_BLOCK, replicates - k * LUCK_BLOCK) for k in range(blocks)]
    return [Piece(design, seed, first + k, size) for k, size in enumerate(sizes)]


class Bench:
    """Where designs are tried.

    Parameters
    ----------
    work
        Where trials are kept.
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

    def run(self, asked: Sequence[Piece | TruePiece]) -> None:
        """Run what was not run yet, all together."""
        pending = [piece for piece in asked if piece.name not in self._work.heads]
        for piece in asked:
            if piece not in pending:
                self._count(piece)
        by_engine: dict[Engine, list[Piece | TruePiece]] = {}
        for piece in pending:
            by_engine.setdefault(engine_for(piece.design.scenario, self._engine), []).append(piece)
        for engine, some in by_engine.items():
            for piece, data in spread(partial(_do, engine), some, self._workers, engine, len(some)):
                self._work.keep(piece, data)
                self._count(piece)

    def _count(self, piece: Piece | TruePiece) -> None:
        if piece.name in self._counted or isinstance(piece, TruePiece):
            return
        self._counted.add(piece.name)
        self.done += piece.replicates
        self.expected = max(self.expected, self.done)
        if self._progress is not None:
            self._progress(self.done, self.expected)

    def numbers(self, asked: Sequence[Piece]) -> Numbers:
        """Return what is known of each trial of some pieces, run where they were not."""
        self.run(asked)
        return self._read(asked, TRIALS)

    def truth(self, asked: Sequence[TruePiece]) -> Numbers:
        """Return the true values of some pieces, by estimand."""
        self.run(asked)
        return self._read(asked, TRUTH)

    def _read(self, asked: Sequence[Piece | TruePiece], name: str) -> Numbers:
        table = shard.ShardTable([self._work.path(piece) for piece in asked], name)
        return {column: table[column] for column in table.columns}


def _do(engine: Engine, piece: Piece | TruePiece) -> tuple[Piece | TruePiece, bytes]:
    """Run a piece (in a worker process) and return its shard."""
    scenario, hypothesis = piece.design.scenario, piece.design.hypothesis
    head = {"task": piece.name, "made_by": made_by()}
    if isinstance(piece, TruePiece):
        found = true_values(scenario, hypothesis, piece.seed, piece.chunk, draws=piece.draws)
        return piece, shard.packed(head, {TRUTH: ArrayTable(found)})
    run = run_block(scenario, hypothesis, piece.seed, piece.block, engine, piece.replicates)
    trials = tables.trials_table(scenario, run, piece.block)
    analyses = tables.analyses_table(scenario, run, piece.block)
    kept = {
        name: values
        for name, values in trials.arrays.items()
        if not isinstance(values, Words) and values.ndim == 1
    }
    kept["success"] = successes(scenario, trials, analyses).astype(np.uint8)
    return piece, shard.packed(head, {TRIALS: ArrayTable(kept)})
