"""Which of several cells can still be the one that errs most often: trials in rounds.

All cells have the same luck, trial by trial. After a round a cell leaves that errs less often than
the cell in front, by an exact test of the trials in which only one of the two errs (McNemar's, by
the binomial law). Its level is so strict that the cell that truly errs most often leaves with a
chance of `MISSED` or less: over all cells that may be in front of it, and all rounds (Bonferroni).
Sources: McNemar, Psychometrika 1947;12:153-157; Maron & Moore, Adv Neural Inf Process Syst
1994;6:59-66 (races, in which what cannot win any more is not tried further).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scipy.special import betainc

from raresim.questions.bench import Bench
from raresim.questions.null_cells import Cell, Hits, NullPiece, Point
from raresim.streams import LUCK_BLOCK

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
    >>> import numpy as np
    >>> often, never = np.arange(100) < 20, np.zeros(100, bool)
    >>> staying({0: often, 1: never, 2: often}, 3, 4)
    [0, 2]
    """
    front = max(errors, key=lambda cell: (int(errors[cell].sum()), -cell))
    strict = MISSED / max((cells - 1) * times, 1)
    return [cell for cell, own in errors.items() if p_no_less(errors[front], own) > strict]


def p_no_less(front: Hits, other: Hits) -> float:
    """Return the p-value against "the other one errs no less often", by the trials that differ.

    >>> import numpy as np
    >>> front = np.array([True] * 9 + [False])
    >>> p_no_less(front, ~front)  # 9 of 10 for it, as many as that in 11 of 1,024
    0.0107421875
    """
    ahead, behind = int((front & ~other).sum()), int((other & ~front).sum())
    return float(betainc(ahead, behind + 1, 0.5)) if ahead else 1.0


def race(bench: Bench, points: Sequence[Point], seed: int, replicates: int) -> list[Cell]:
    """Return the cells of some points, run round by round; those outside the null set are not.

    The bench is told how many trials are still to be run if no cell leaves.
    """
    there = [k for k, point in enumerate(points) if point.nulls]
    cells, ends = len(there), rounds(replicates)
    errors: dict[int, dict[str, Hits]] = {}
    left = bench.expected - bench.done - replicates * cells
    for begin, end in zip([0, *ends], ends, strict=False):
        if begin:
            so_far = {k: points[k].any_error(errors[k]) for k in there}
            there = staying(so_far, cells, len(ends) - 1)
        bench.expected = bench.done + (replicates - begin) * len(there) + left
        fresh = {k: _pieces(points[k], seed, begin, end) for k in there}
        bench.run([piece for own in fresh.values() for piece in own])
        for k in there:
            errors[k] = bench.numbers(_pieces(points[k], seed, 0, end))
    return [point.cell(errors.get(k, {})) for k, point in enumerate(points)]


def _pieces(point: Point, seed: int, begin: int, end: int) -> list[NullPiece]:
    """Return the trials of a cell between two numbers of them; all but the last end a block."""
    blocks = range(begin // LUCK_BLOCK, -(-end // LUCK_BLOCK))
    return [NullPiece(point, seed, b, min(LUCK_BLOCK, end - b * LUCK_BLOCK)) for b in blocks]
