"""Who wins in pairs of patients, by outcomes in order of priority.

A pair is compared by the first outcome; where that does not decide, by the second, and so on.
Each outcome is turned into two numbers for each patient, so that whatever its kind

    i beats j  if and only if  score_i > bar_j
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.errors import InputError

Int8Array = npt.NDArray[np.int8]
PAIRS_AT_ONCE = 2**18  # numbers of one byte that stay in a processor's cache
ROUNDING = 4  # units in the last place by which a sum of decimal numbers may be off


@dataclass(frozen=True)
class Level:
    """One outcome of every patient.

    Attributes
    ----------
    value
        (B, n) number, rank of an ordered category, 0 or 1, or time to an event; NaN if missing.
    event
        (B, n) whether the event was observed at ``value`` (else censored there); None if
        ``value`` is no time to an event.
    margin
        The difference that decides, 0 or more, in the unit of ``value``; see `Rules`.
    higher_is_better
        Whether the larger value (the later event) wins.
    """

    value: npt.NDArray[np.float64 | np.int64]
    event: BoolArray | None = None
    margin: float = 0.0
    higher_is_better: bool = True


@dataclass(frozen=True)
class Rules:
    """What counts as a win where two patients are just a margin apart.

    Attributes
    ----------
    margin
        "exceeded": a pair is decided if the difference is larger than the margin; "reached": if
        it is as large. A margin of 0 must always be exceeded.
    censored_at_event
        Event of one patient and censoring of another at the same time (or just the margin
        apart): "undecided", or "outlives": the censored one lived longer.
    rounding
        "decimal": differences of numbers written as decimals are what they are on paper, 1.4
        and 0.9 are 0.5 apart. "binary": as computers round them (WINS adds the margin to the
        value of the one who would lose, BuyseTest adds it to and takes it from the control's);
        needed only to follow another program to the last pair.
    """

    margin: Literal["exceeded", "reached"] = "exceeded"
    censored_at_event: Literal["undecided", "outlives"] = "undecided"
    rounding: Literal["decimal", "binary"] = "decimal"


WINS = Rules("exceeded", "undecided", "binary")
BUYSETEST = Rules("reached", "outlives", "binary")


def check_levels(levels: Sequence[Level], rules: Rules) -> None:
    """Refuse a comparison without outcomes, a negative margin or an unknown rule."""
    if not levels:
        raise InputError("levels: found none; expected at least one outcome to compare by.")
    for level in levels:
        if not (np.isfinite(level.margin) and level.margin >= 0.0):
            raise InputError(f"margin: found {level.margin}; expected a number of 0 or more.")
    for name, known in (
        ("margin", ("exceeded", "reached")),
        ("censored_at_event", ("undecided", "outlives")),
        ("rounding", ("decimal", "binary")),
    ):
        if getattr(rules, name) not in known:
            found = getattr(rules, name)
            raise InputError(f"{name}: found {found!r}; expected {known[0]!r} or {known[1]!r}.")


def scores_and_bars(
    level: Level, rules: Rules, treated: BoolArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Give the score and the bar of each patient, (B, n) each: i beats j if score_i > bar_j.

    ``treated`` is needed for the binary rounding of margins that are reached (BuyseTest's), which
    is not the same for the arms; without it margins are added to the loser's value.
    """
    value = np.asarray(level.value, dtype=np.float64)
    score = value if level.higher_is_better else -value
    bar, score = _moved(score, level.margin, rules, treated)
    if level.event is None:
        return score, bar
    just = 3 * ROUNDING * np.spacing(np.maximum(np.abs(score), level.margin))
    if level.higher_is_better:  # who beats: anybody; who is beaten: whose event is known
        if rules.censored_at_event == "outlives":
            score = np.where(level.event, score, score + just)
        return score, np.where(level.event, bar, np.inf)
    if rules.censored_at_event == "outlives":
        bar = np.where(level.event, bar, bar - just)
    return np.where(level.event, score, -np.inf), bar


def _moved(
    score: FloatArray, margin: float, rules: Rules, treated: BoolArray | None
) -> tuple[FloatArray, FloatArray]:
    """Give the bar, the margin above the score, and the score to be held against it."""
    if margin == 0.0:
        return score, score
    reached = rules.margin == "reached"
    if rules.rounding == "decimal":
        size = np.maximum(np.abs(score), margin)
        slack = ROUNDING * np.spacing(np.where(np.isfinite(size), size, 0.0))
        above = score + margin
        return (np.maximum(above - slack, score) if reached else above + slack), score
    if not reached:
        return score + margin, score
    if treated is None:
        return np.nextafter(score + margin, -np.inf), score
    bar = np.where(treated, score, score + margin)
    return np.nextafter(bar, -np.inf), np.where(treated, score, score - margin)


def decided(
    scores: Sequence[FloatArray],
    bars: Sequence[FloatArray],
    other_scores: Sequence[FloatArray],
    other_bars: Sequence[FloatArray],
) -> tuple[Int8Array, IntArray]:
    """Compare everybody of one side with everybody of the other.

    Parameters
    ----------
    scores, bars
        Of one side, for each outcome (n, B): the replicates lie side by side, so that the
        comparison of two patients is one operation over all of them.
    other_scores, other_bars
        Of the other side, (m, B).

    Returns
    -------
    pairs
        (n, m, B): 1 a win of the first side, -1 a loss, 0 undecided.
    by_level
        (2, levels, B) wins and losses decided by each outcome.
    """
    pairs: Int8Array | None = None
    by_level = np.zeros((2, len(scores), scores[0].shape[1]), dtype=np.int64)
    won_before = lost_before = np.zeros(scores[0].shape[1], dtype=np.int64)
    for level, (mine, bar, theirs, their_bar) in enumerate(
        zip(scores, bars, other_scores, other_bars, strict=True)
    ):
        new = (mine[:, None] > their_bar[None]).view(np.int8)
        new = new - (theirs[None] > bar[:, None]).view(np.int8)
        if pairs is None:
            pairs = new
        else:
            new *= (pairs == 0).view(np.int8)
            pairs += new
        net = np.add.reduce(over_pairs(pairs, 1), axis=0, dtype=np.int64)
        both = np.add.reduce(over_pairs(np.abs(pairs), 1), axis=0, dtype=np.int64)
        won, lost = (both + net) // 2, (both - net) // 2
        by_level[0, level], by_level[1, level] = won - won_before, lost - lost_before
        won_before, lost_before = won, lost
    assert pairs is not None
    return pairs, by_level


def over_pairs(pairs: Int8Array, axis: int) -> npt.NDArray[np.integer]:
    """Add -1, 0 and 1 along an axis; the sums stay bytes where they cannot leave their range."""
    kind = np.int8 if pairs.shape[axis] < 128 else np.int64
    return np.asarray(np.add.reduce(pairs, axis=axis, dtype=kind))


def block_length(pairs: int) -> int:
    """Give the number of replicates to compare side by side, for so many pairs in each."""
    return max(PAIRS_AT_ONCE // max(pairs, 1), 1)
