"""The sums of the log-rank test in one pass over whole numbers that hold everything of a patient.

A patient's number is stratum, time, event and arm, one after the other in its bits, so that sorting
numbers, which is several times faster than sorting their places, puts patients in order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray, NumberArray
from raresim.compiled import compiled, reads, writes

TIME_BITS, STRATUM_BITS = 40, 18
ABSENT = 2**62


def fits(time: NumberArray, stratum: CodeArray | None) -> bool:
    """Return whether times and strata are whole numbers with few enough bits."""
    if time.dtype.kind != "i" or not time.size:
        return False
    if time.min() < 0 or time.max() >= 2**TIME_BITS:
        return False
    return stratum is None or bool(stratum.min() >= 0 and stratum.max() < 2**STRATUM_BITS)


def log_rank_sums(
    time: NumberArray,
    event: BoolArray,
    treated: BoolArray,
    present: BoolArray,
    stratum: CodeArray | None,
) -> tuple[FloatArray, FloatArray]:
    """Return O - E of the treated, and its variance, (B,) each; all arguments are (B, n)."""
    numbers, found = np.empty(time.shape, np.int64), np.empty((2, len(time)))
    codes = np.broadcast_to(np.int64(0), time.shape) if stratum is None else stratum
    _pack(np.asarray(time, np.int64), event, treated, present, np.asarray(codes, np.int64), numbers)
    numbers.sort(axis=1)
    _scan(numbers, found)
    return found[0], found[1]


FLAGS = [reads("boolean", 2)] * 3


@compiled(reads("int64", 2), *FLAGS, reads("int64", 2), writes("int64", 2))
def _pack(
    time: IntArray,
    event: BoolArray,
    treated: BoolArray,
    present: BoolArray,
    stratum: IntArray,
    numbers: IntArray,
) -> None:
    """Write each patient's number."""
    for b in range(numbers.shape[0]):
        for i in range(numbers.shape[1]):
            flags = (np.int64(event[b, i]) << 1) | np.int64(treated[b, i])
            whole = (stratum[b, i] << (TIME_BITS + 2)) | (time[b, i] << 2) | flags
            numbers[b, i] = whole if present[b, i] else ABSENT


@compiled(reads("int64", 2, "C"), writes("float64", 2))
def _scan(ordered: IntArray, found: npt.NDArray[np.float64]) -> None:
    """Write O - E and V of each row."""
    for b in range(ordered.shape[0]):
        row = ordered[b]
        n = 0
        observed, expected, variance = 0, 0.0, 0.0
        place, stop = 0, 0
        at_risk, treated_at_risk = 0, 0
        while n < row.shape[0] and row[n] < ABSENT:
            n += 1
        while place < n:
            if place == stop:  # a stratum begins
                stratum = row[place] >> (TIME_BITS + 2)
                at_risk, treated_at_risk = 0, 0
                while stop < n and row[stop] >> (TIME_BITS + 2) == stratum:
                    treated_at_risk += row[stop] & 1
                    at_risk += 1
                    stop += 1
            time, end = row[place] >> 2, place
            events, gone = 0, 0
            while end < n and row[end] >> 2 == time:
                here = (row[end] >> 1) & 1
                events += here
                observed += here & row[end]
                gone += row[end] & 1
                end += 1
            if events:
                share = treated_at_risk / at_risk
                left = (at_risk - events) / max(at_risk - 1.0, 1.0)
                for _ in range(events):
                    expected += share
                    variance += share * (1.0 - share) * left
            at_risk -= end - place
            treated_at_risk -= gone
            place = end
        found[0, b] = observed - expected
        found[1, b] = variance
