"""How many samples of whole numbers have a printed mean and SD: none, one, or many."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from raresim.errors import InputError, Problem, RefusedError
from raresim.evidence.plausible_printed import Finding, Number, Printed, at_least, printed

MOST_CELLS = 20_000_000
"""Cells of the table, of 8 bytes each: more is refused."""

MOST_ADDITIONS = 400_000_000
"""Additions: a few seconds; more is refused."""

Targets = list[tuple[int, int]]


def samples(mean: Number, sd: Number, n: int, low: int, high: int) -> int:
    """Return how many samples of n whole numbers in [low, high] have the printed mean and SD.

    Samples that differ in their order only are one. The SD has the divisor n - 1; halves may be
    rounded either way. One sample means that the summary is the patients' data. It counts what
    CLOSURE lists (Complete Listing of Original Samples of Underlying Raw Evidence, of the R
    package unsum), by adding up a table over how many values there are, their sum and their
    squares.

    Raises
    ------
    RefusedError
        When the table would be larger than a limit.

    Examples
    --------
    >>> samples("1.5", "0.58", 4, 1, 5), samples("1.5", "0.70", 4, 1, 5)
    (1, 0)
    >>> samples("2.7", "1.9", 130, 1, 5)
    5359
    """
    if n < 2 or low > high:
        message = f"expected two patients or more and low <= high, got {n}, {low} and {high}"
        raise InputError(Problem(message, mend="check n and the ends of the scale"))
    m, s, width = printed(mean), printed(sd), high - low
    start = m.value - low
    if 2 * start > width:  # count from the other end: the same samples, smaller sums
        m, start = _mirrored(m, high), high - m.value
    else:
        m = Printed(m.text, start, m.low - low, m.high - low)
    targets = _targets(m, s, n, width)
    return _count(targets, n, width) if targets else 0


def _mirrored(m: Printed, high: int) -> Printed:
    return Printed(m.text, high - m.value, high - m.high, high - m.low)


def _targets(m: Printed, s: Printed, n: int, width: int) -> Targets:
    """Return each sum S with each (Q - S) / 2, Q the sum of squares, that rounds to mean and SD.

    Q - S is even, as squares are odd where their roots are.
    """
    found: Targets = []
    for total in range(max(0, math.ceil(m.low * n)), min(n * width, math.floor(m.high * n)) + 1):
        least = max(s.low, Fraction(0)) ** 2 * (n - 1) + Fraction(total**2, n)
        most = s.high**2 * (n - 1) + Fraction(total**2, n) if s.high >= 0 else Fraction(-1)
        first = max(0, math.ceil((least - total) / 2))
        last = math.floor((min(most, Fraction(width * total)) - total) / 2)
        found += [(total, pairs) for pairs in range(first, last + 1)]
    return found


def _count(targets: Targets, n: int, width: int) -> int:
    """Count multisets of 0, 1, ..., width over their number, sum and half of sum (v² - v).

    The table holds the values from 2 on. Ones fill up the sum and zeros the number, without a
    choice: a cell (c, s) of the table is one sample if s <= S and c + (S - s) <= n.
    """
    most = max(total for total, _ in targets), max(pairs for _, pairs in targets)
    shape = (min(n, most[1]) + 1, min(most[0], 2 * most[1]) + 1, most[1] + 1)
    cells = math.prod(shape)
    steps = cells * max(width - 1, 1)
    if cells > MOST_CELLS or steps > MOST_ADDITIONS or math.comb(n + width, n) >= 2**62:
        message = (
            f"counting samples of {n} values from 0 to {width} takes a table of {cells:,} cells"
        )
        limit = f"the limit is {MOST_CELLS:,} cells and {MOST_ADDITIONS:,} additions"
        raise RefusedError(f"{message}; {limit}: give fewer patients or a coarser scale")
    table = np.zeros(shape, dtype=np.int64)
    table[0, 0, 0] = 1
    for value in range(2, width + 1):
        pairs = value * (value - 1) // 2
        if value >= shape[1] or pairs >= shape[2]:
            break
        for c in range(1, shape[0]):  # ascending: each value may come again
            table[c, value:, pairs:] += table[c - 1, :-value, :-pairs]
    return sum(_filled(table[:, :, pairs], total, n) for total, pairs in targets)


def _filled(numbers: np.ndarray[tuple[int, ...], np.dtype[np.int64]], total: int, n: int) -> int:
    c, s = np.ogrid[: numbers.shape[0], : numbers.shape[1]]
    return int(numbers[(s <= total) & (c + total - s <= n)].sum())


def whole_numbers(mean: Number, sd: Number, n: int, low: int, high: int) -> list[Finding]:
    """Check that some sample of n whole numbers in [low, high] has the printed mean and SD.

    Also finds where there is one alone: then the summary gives away every patient's value.

    Examples
    --------
    >>> whole_numbers("2.7", "1.9", 130, 1, 5)
    []
    >>> [finding.why for finding in whole_numbers("2.50", "0.70", 4, 1, 5)]
    ['no sample of 4 whole numbers from 1 to 5 has them']
    """
    if n < 2 or low > high:
        why, mend = "the greatest value lies below the least", "swap the ends of the scale"
        swapped = [Finding("range", f"{low} to {high}", why, mend)]
        return at_least("n", n, 2) + (swapped if low > high else [])
    count = samples(mean, sd, n, low, high)
    if count > 1:
        return []
    found = f"mean {printed(mean).text}, SD {printed(sd).text}, n = {n}"
    which = "no sample" if count == 0 else "one sample alone"
    why = f"{which} of {n} whole numbers from {low} to {high} has them"
    mend = "check n, the decimals and the range" if count == 0 else "treat it as patients' data"
    return [Finding("whole numbers", found, why, mend)]
