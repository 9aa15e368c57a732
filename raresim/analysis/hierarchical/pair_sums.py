"""Sums over the pairs of a treated and a control patient: all that win statistics need.

They are sums of whole numbers, exact in any order, so that a row of a batch is that row alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from raresim.alike import pick
from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray, flagged_first
from raresim.analysis.hierarchical.comparisons import (
    Level,
    Rules,
    block_length,
    decided,
    over_pairs,
    scores_and_bars,
)


@dataclass(frozen=True)
class PairSums:
    """Wins w and losses l of the treated, summed in one stratum of each row.

    Attributes
    ----------
    treated, control
        (B,) patients.
    wins, losses
        (B,) pairs.
    ww, wl, ll
        (B, 2) sum of w_i^2, w_i l_i and l_i^2 over the treated patients and, second, over the
        control patients, where w_i are the pairs of patient i that the treated side won.
    by_level
        (2, levels, B) wins and losses decided by each outcome.
    """

    treated: FloatArray
    control: FloatArray
    wins: FloatArray
    losses: FloatArray
    ww: FloatArray
    wl: FloatArray
    ll: FloatArray
    by_level: IntArray


def pair_sums(
    levels: Sequence[Level], arm: CodeArray, present: BoolArray, rules: Rules
) -> PairSums:
    """Compare each treated with each control patient of each row of a batch (B, n)."""
    numbers = [scores_and_bars(level, rules, arm == 1) for level in levels]
    sides = []
    for code in (1, 0):
        place, real = flagged_first(present & (arm == code))
        packed = [
            (
                np.where(real, pick(score, place), -np.inf).T,
                np.where(real, pick(bar, place), np.inf).T,
            )
            for score, bar in numbers
        ]
        sides.append(([score for score, _ in packed], [bar for _, bar in packed]))
    (scores, bars), (others, other_bars) = sides
    step = block_length(scores[0].shape[0] * others[0].shape[0])
    parts = []
    for first in range(0, max(arm.shape[0], 1), step):
        here = slice(first, first + step)
        block = [
            [np.ascontiguousarray(values[:, here]) for values in side]
            for side in (scores, bars, others, other_bars)
        ]
        parts.append(_sums(*block))
    joined = [np.concatenate([part[k] for part in parts], axis=-1) for k in range(6)]
    treated, control = (np.count_nonzero(present & (arm == code), axis=1) for code in (1, 0))
    wins, losses, ww, wl, ll, by_level = joined
    return PairSums(
        treated.astype(np.float64),
        control.astype(np.float64),
        wins.astype(np.float64),
        losses.astype(np.float64),
        ww.T.astype(np.float64),
        wl.T.astype(np.float64),
        ll.T.astype(np.float64),
        by_level,
    )


def _sums(
    scores: list[FloatArray],
    bars: list[FloatArray],
    others: list[FloatArray],
    other_bars: list[FloatArray],
) -> tuple[IntArray, ...]:
    pairs, by_level = decided(scores, bars, others, other_bars)
    number = np.abs(pairs)
    squares = np.zeros((3, 2, pairs.shape[2]), dtype=np.int64)
    for side, axis in enumerate((1, 0)):  # over the controls of a treated, and the reverse
        net = over_pairs(pairs, axis).astype(np.int64)
        both = over_pairs(number, axis).astype(np.int64)
        wins, losses = (both + net) // 2, (both - net) // 2
        for k, product in enumerate((wins * wins, wins * losses, losses * losses)):
            squares[k, side] = np.add.reduce(product, axis=0)
    won, lost = np.add.reduce(by_level, axis=1)
    return won, lost, squares[0], squares[1], squares[2], by_level


def large_enough(sums: PairSums) -> PairSums:
    """Make all sums 0 where an arm has fewer than two patients, too few for a variance."""
    some = (sums.treated > 1.0) & (sums.control > 1.0)
    values = {}
    for field in fields(PairSums):
        value = getattr(sums, field.name)
        per_arm = field.name in ("ww", "wl", "ll")
        values[field.name] = value * (some[:, None] if per_arm else some)
    return PairSums(**values)
