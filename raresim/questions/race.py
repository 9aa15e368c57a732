"""Which of several cells can still be the one that errs most often: trials in rounds.

All cells have the same luck, trial by trial. After a round a cell leaves that errs less often than
the cell in front, by an exact test of the trials in which only one of the two errs (McNemar's, by
the binomial law). Its level is so strict that the cell that truly errs most often leaves with a
chance of `MISSED` or less: over all cells that may be in front of it, and all rounds (Bonferroni).
Sources: McNemar, Psychometrika 1947;12:153-157; Maron & Moore, Adv Neural Inf Process Syst
1994;6:59-66 (races, in which what cannot win any more is not tried further).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.special import betainc

from raresim.questions.null_cells import Cell, Hits, Point
from raresim.streams import LUCK_BLOCK
from raresim.study.tasks import Progress
from raresim.study.workers import spread
from raresim.trial.engine import Engine

ROUNDS = (1, 2, 5, 10)
"""Luck blocks after which cells may leave; those that stay are run to the end."""
MISSED = 0.005
"""Chance that the cell that truly errs most often leaves, at most."""


def rounds(replicates: int) -> list[int]:
    """Return how many trials each cell has after each round, if it stays.

    >>> rounds(20_000), rounds(200)
    ([1024, 2048, 5120, 10240, 20000], [200])
    """
    early = [LUCK_BLOCK * blocks for blocks in ROUNDS]
    return [*(trials for trials in early if trials < replicates), replicates]


def staying(errors: Mapping[int, Hits], cells: int, times: int) -> list[int]:
    """Return which cells may still be the maximum, by the errors of each so far.

    Parameters
    ----------
    errors
        Whether each trial errs, of the cells that are still there; the same trials of all.
    cells, times
        Cells at the beginning, and rounds after which some may leave.

    Examples
    --------
    >>> often, never = np.arange(100) < 20, np.zeros(100, bool)
    >>> staying({0: often, 1: never, 2: often}, 3, 4)
    [0, 2]
    """
    front = max(errors, key=lambda cell: (int(errors[cell].sum()), -cell))
    strict = MISSED / max((cells - 1) * times, 1)
    return [cell for cell, own in errors.items() if p_no_less(errors[front], own) > strict]


def p_no_less(front: Hits, other: Hits) -> float:
    """Return the p-value against "the other one errs no less often", by the trials that differ.

    >>> front = np.array([True] * 9 + [False])
    >>> p_no_less(front, ~front)  # 9 of 10 for it, as many as that in 11 of 1,024
    0.0107421875
    """
    ahead, behind = int((front & ~other).sum()), int((other & ~front).sum())
    return float(betainc(ahead, behind + 1, 0.5)) if ahead else 1.0


class Race:
    """Runs cells over processors, round by round, and tells how far it is.

    `left` are the trials that are still to be run after this race.
    """

    def __init__(self, engine: Engine, workers: int, progress: Progress | None) -> None:
        self.engine, self.workers, self.progress = engine, workers, progress
        self.done, self.left = 0, 0

    def run(self, points: Sequence[Point], seed: int, replicates: int) -> list[Cell]:
        """Return the cells of some points; those outside the null set are not run."""
        there = [k for k, point in enumerate(points) if point.nulls]
        cells, ends = len(there), rounds(replicates)
        errors: dict[int, dict[str, Hits]] = {}
        none = np.zeros(0, bool)
        for begin, end in zip([0, *ends], ends, strict=False):
            if begin:
                so_far = {k: points[k].any_error(errors[k]) for k in there}
                there = staying(so_far, cells, len(ends) - 1)
            rest = (replicates - begin) * len(there)
            for k, fresh in self._run(points, there, seed, (begin, end), rest).items():
                known = errors.get(k, dict.fromkeys(fresh, none))
                errors[k] = {n: np.concatenate([known[n], *fresh[n]]) for n in fresh}
        return [point.cell(errors.get(k, {})) for k, point in enumerate(points)]

    def _run(
        self,
        points: Sequence[Point],
        chosen: Sequence[int],
        seed: int,
        span: tuple[int, int],
        rest: int,
    ) -> dict[int, dict[str, list[Hits]]]:
        """Return the errors of some cells between two numbers of trials, by luck block.

        `rest` are the trials that this race has still to run, if no cell leaves.
        """
        begin, end = span
        blocks = range(begin // LUCK_BLOCK, -(-end // LUCK_BLOCK))
        todo = [(k, b) for k in chosen for b in blocks]
        found: dict[tuple[int, int], dict[str, Hits]] = {}
        total = self.done + rest + self.left
        do = _doing(points, seed, end, self.engine)
        for task, errors in spread(do, todo, self.workers, self.engine):
            found[task] = errors
            self.done += _trials(task[1], end)
            if self.progress is not None:
                self.progress(self.done, total)
        return {
            k: {n: [found[k, b][n] for b in blocks] for n in found[k, blocks[0]]} for k in chosen
        }


def _trials(block: int, end: int) -> int:
    """Return how many of so many trials a luck block has."""
    return min(LUCK_BLOCK, end - block * LUCK_BLOCK)


def _doing(
    points: Sequence[Point], seed: int, end: int, engine: Engine
) -> Callable[[tuple[int, int]], tuple[tuple[int, int], dict[str, Hits]]]:
    """Return the work of a task: a cell and a luck block."""

    def do(task: tuple[int, int]) -> tuple[tuple[int, int], dict[str, Hits]]:
        point, block = task
        return task, points[point].errors(seed, block, _trials(block, end), engine)

    return do
