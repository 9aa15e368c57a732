"""Exact unconditional tests of two proportions: Barnard's and Boschloo's.

The p-value is the largest probability, over the common proportion pi, of a table at least as
extreme as the one seen. It is found for all tables of a pair of arm sizes at once and kept, so
that every further trial of those sizes is a lookup.
"""

from functools import lru_cache
from math import comb
from typing import Literal

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray, ordered_sum
from raresim.analysis.binary.conditional import one_sided_table
from raresim.analysis.binary.event_counts import EventCounts, count_events
from raresim.analysis.tail_result import TailResults
from raresim.errors import InputError, Problem

GRID = 1024  # steps of the angle arcsin(sqrt(pi)): the probabilities are smooth in it
CHUNK = 64  # values of pi at once, to bound the memory
MOST_TABLES = 40_000  # of a pair of arm sizes, about 200 patients in each arm

Order = Literal["pooled", "unpooled"]


def barnard(
    outcome: FloatArray, arm: CodeArray, present: BoolArray, *, variance: Order = "pooled"
) -> TailResults:
    """Test for a difference in proportions by Barnard's exact unconditional test.

    Variant: that of ``scipy.stats.barnard_exact``. Tables are ordered by the Wald statistic
    z = (p1 - p0) / sqrt(v), v = p (1 - p) (1/n1 + 1/n0) with the pooled p (Suissa and Shuster),
    or v = p1 (1 - p1)/n1 + p0 (1 - p0)/n0 unpooled; z is 0 where p1 = p0. The two-sided p-value
    takes tables with a square of z at least as large. The largest probability over pi is found to
    about 1e-10 (a grid of 1,024 angles and the parabola through the best). ``statistic`` is z.

    The test never exceeds its size. Needs about 2 n0 n1 numbers of memory; arms up to about 200.

    Parameters
    ----------
    outcome
        (B, n) 1 with the event, 0 without, NaN if missing.
    arm
        (B, n) 0 control, 1 treated.
    present
        (B, n) False for padding.
    variance
        "pooled" or "unpooled".

    Raises
    ------
    InputError
        If ``variance`` is neither, or the arms are too large.

    References
    ----------
    Barnard GA. Biometrika 1947;34:123-138. Suissa S, Shuster JJ. J R Stat Soc A
    1985;148:317-327.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[1, 1, 1, 1, 0, 0, 0, 0, 0, 1]])
    >>> arm = np.array([[1, 1, 1, 1, 1, 0, 0, 0, 0, 0]])
    >>> barnard(outcome, arm, np.ones((1, 10), dtype=bool)).row(0)
    Barnard's exact test (pooled): risk difference 0.6
      statistic 1.897, p = 0.1094 (less 1, greater 0.05469) against 0, 10 patients
    """
    if variance not in ("pooled", "unpooled"):
        raise InputError(f"variance: found {variance!r}; expected 'pooled' or 'unpooled'.")
    counts = count_events(outcome, arm, present)
    return _look_up(counts, variance, f"Barnard's exact test ({variance})")


def boschloo(outcome: FloatArray, arm: CodeArray, present: BoolArray) -> TailResults:
    """Test for a difference in proportions by Boschloo's exact unconditional test.

    Variant: that of ``scipy.stats.boschloo_exact``. Tables are ordered by Fisher's one-sided
    p-value; the two-sided p-value is twice the smaller one-sided one, at most 1. ``statistic``
    is the smaller of Fisher's one-sided p-values. One-sided, the test is never less powerful
    than Fisher's, and never exceeds its size.

    Takes the first three arguments of `barnard`.

    Raises
    ------
    InputError
        If the arms are too large.

    References
    ----------
    Boschloo RD. Stat Neerl 1970;24:1-9.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[1, 1, 1, 1, 0, 0, 0, 0, 0, 1]])
    >>> arm = np.array([[1, 1, 1, 1, 1, 0, 0, 0, 0, 0]])
    >>> boschloo(outcome, arm, np.ones((1, 10), dtype=bool)).row(0).p
    0.109375
    """
    return _look_up(count_events(outcome, arm, present), "Fisher", "Boschloo's exact test")


def _look_up(counts: EventCounts, order: str, method: str) -> TailResults:
    answered = counts.both_arms
    found = np.full((4, len(answered)), np.nan)
    sizes = np.stack([counts.patients_0, counts.patients_1], axis=1)
    for patients_0, patients_1 in np.unique(sizes[answered], axis=0).tolist():
        rows = np.flatnonzero(answered & np.all(sizes == (patients_0, patients_1), axis=1))
        table = p_values(patients_0, patients_1, order)
        found[:, rows] = table[:, counts.events_0[rows], counts.events_1[rows]]
    size_0, size_1 = np.maximum(counts.patients_0, 1), np.maximum(counts.patients_1, 1)
    return TailResults(
        method=method,
        measure="risk difference",
        null=0.0,
        estimate=np.where(answered, counts.events_1 / size_1 - counts.events_0 / size_0, np.nan),
        ci_low=np.full(len(answered), np.nan),
        ci_high=np.full(len(answered), np.nan),
        statistic=found[3],
        p=found[0],
        p_less=found[1],
        p_greater=found[2],
        converged=answered,
        used=counts.used,
        left_out=counts.left_out,
        notes=counts.notes(),
    )


@lru_cache(maxsize=64)
def p_values(patients_0: int, patients_1: int, order: str) -> FloatArray:
    """Give p, p of 'less', p of 'greater' and the statistic of every table.

    Returns
    -------
    (4, patients_0 + 1, patients_1 + 1), indexed by the events of control and treated.
    """
    if (patients_0 + 1) * (patients_1 + 1) > MOST_TABLES:
        raise InputError(
            Problem(
                "too large for an exact unconditional test",
                field="arm",
                found=f"{patients_0} and {patients_1} patients",
                expected=f"at most {MOST_TABLES:,} tables of the two arm sizes",
                mend="use fisher_exact or miettinen_nurminen",
            )
        )
    if order == "Fisher":
        fisher = one_sided_table(patients_0, patients_1)
        greater = _largest_probability(-fisher)
        less = greater_to_less(greater)
        both = np.minimum(1.0, 2.0 * np.minimum(less, greater))
        return np.stack([both, less, greater, np.minimum(fisher, greater_to_less(fisher))])
    squared, sign = _wald(patients_0, patients_1, order)
    greater = _largest_probability(sign * squared)
    both = _largest_probability(squared)
    return np.stack([both, greater_to_less(greater), greater, sign * np.sqrt(squared)])


def greater_to_less(table: FloatArray) -> FloatArray:
    """Give the other side's table: counting patients without the event turns the side round."""
    return table[::-1, ::-1]


def _wald(patients_0: int, patients_1: int, order: str) -> tuple[FloatArray, FloatArray]:
    """Give z squared and its sign; whole numbers divided once, so that ties are exact."""
    x0 = np.arange(patients_0 + 1, dtype=np.float64)[:, None]
    x1 = np.arange(patients_1 + 1, dtype=np.float64)
    n0, n1 = float(patients_0), float(patients_1)
    difference = x1 * n0 - x0 * n1
    if order == "pooled":
        both = x0 + x1
        top, bottom = difference**2 * (n0 + n1), n0 * n1 * both * (n0 + n1 - both)
    else:
        top = difference**2 * n0 * n1
        bottom = x0 * (n0 - x0) * n1**3 + x1 * (n1 - x1) * n0**3
    moved = difference != 0.0
    squared = np.where(moved & (bottom > 0.0), top / np.where(bottom > 0.0, bottom, 1.0), 0.0)
    return np.where(moved & (bottom == 0.0), np.inf, squared), np.sign(difference)


def _largest_probability(score: FloatArray) -> FloatArray:
    """Give, for each table, the largest probability over pi of a score at least as large.

    ``score`` (n0 + 1, n1 + 1). The probability of each level of the score is found on a grid of
    angles. Where three neighbours bend down, their parabola tells the height of the top to
    fourth order; the angle of the highest is then put into the probability itself.
    """
    shape = score.shape
    score = np.where(score == 0.0, 0.0, score)  # no negative zero
    levels, level = np.unique(-score, return_inverse=True)
    level = level.reshape(shape)
    order = np.argsort(level, axis=None, kind="stable")
    last = np.searchsorted(level.reshape(-1)[order], np.arange(levels.size), side="right") - 1
    angles = np.linspace(0.0, np.pi / 2.0, GRID + 1)
    best = np.ones(levels.size) * -1.0
    top = np.zeros(levels.size)
    for first in range(0, GRID - 1, CHUNK):
        here = angles[first : first + CHUNK + 2]
        tails = _grid_tails(here, shape, order, last)
        height, angle = _tops(here, tails)
        better = height > best
        best, top = np.where(better, height, best), np.where(better, angle, top)
    ends = _grid_tails(angles[[0, -1]], shape, order, last).max(axis=0)
    exact = _tails_at(top, shape, level)
    found: FloatArray = np.minimum(np.maximum(exact, ends), 1.0)[level]
    return found


def _grid_tails(
    angles: FloatArray, shape: tuple[int, ...], order: IntArray, last: IntArray
) -> FloatArray:
    """Give the probability of each level and those before it, (angles, levels)."""
    chance_0, chance_1 = _binomial(angles, shape[0] - 1), _binomial(angles, shape[1] - 1)
    tables = (chance_0[:, :, None] * chance_1[:, None, :]).reshape(angles.size, -1)
    found: FloatArray = np.cumsum(tables[:, order], axis=1)[:, last]
    return found


def _tops(angles: FloatArray, tails: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give the highest inner point or parabola's top of each level, and its angle."""
    before, middle, after = tails[:-2], tails[1:-1], tails[2:]
    bend = before - 2.0 * middle + after
    peak = (middle >= before) & (middle >= after) & (bend < 0.0)
    shift = np.where(peak, 0.5 * (before - after) / np.where(peak, bend, -1.0), 0.0)
    height = middle - 0.25 * (before - after) * shift
    at = np.argmax(height, axis=0)
    column = np.arange(tails.shape[1])
    angle = angles[1:-1][at] + shift[at, column] * (angles[1] - angles[0])
    return height[at, column], angle


def _tails_at(angles: FloatArray, shape: tuple[int, ...], level: IntArray) -> FloatArray:
    """Give the probability of each level and those before it at an angle of its own."""
    chance_0, chance_1 = _binomial(angles, shape[0] - 1), _binomial(angles, shape[1] - 1)
    found = np.empty(angles.size)
    for j in range(angles.size):
        within = np.where(level <= j, chance_1[j], 0.0)
        found[j] = ordered_sum(chance_0[j] * ordered_sum(within))
    return found


def _binomial(angles: FloatArray, size: int) -> FloatArray:
    """Give the binomial probabilities (angles, size + 1) where pi is sin(angle) squared."""
    pi, other = np.sin(angles)[:, None] ** 2, np.cos(angles)[:, None] ** 2
    events = np.arange(size + 1)
    choose = np.array([comb(size, x) for x in events.tolist()], dtype=np.float64)
    chances: FloatArray = choose * pi**events * other ** (size - events)
    return chances
