"""W2 and W3 by hand in NumPy: the time that a general engine is held against.

Two arms in turn, patients uniform over 14 months, an effect that comes late, drop-out, a log-rank
test at a number of events. The luck contract of `raresim.streams`, written out; the loop of the
log-rank test needs numba.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.random import PCG64DXSM, SeedSequence

BLOCK = 1024
Floats = npt.NDArray[np.float64]


def luck(seed: int, point: str, block: int, units: int) -> Floats:
    """Return the uniforms of a decision point, (replicates, units)."""
    name = int.from_bytes(hashlib.blake2b(point.encode(), digest_size=8).digest(), "big")
    raw = PCG64DXSM(SeedSequence([seed, block, name])).random_raw(units * BLOCK)
    return (((raw >> np.uint64(12)).astype(float) + 0.5) * 2.0**-52).reshape(units, BLOCK).T


@functools.cache
def compiled() -> Any:
    """Return the loop of the log-rank test, compiled."""
    import numba

    return numba.njit(cache=True)(logrank)


def logrank(order: Any, arm: Any, event: Any, at_risk: Any, at_risk_1: Any, z: Any) -> None:
    """Write down z of each trial, from the order of its patients' times."""
    for b in range(len(order)):
        y, y1, u, v = float(at_risk[b]), float(at_risk_1[b]), 0.0, 0.0
        for k in range(at_risk[b]):
            j = order[b, k]
            if event[b, j]:
                p = y1 / y
                u += arm[j] - p
                v += p * (1 - p)
            y -= 1
            y1 -= arm[j]
        z[b] = -u / np.sqrt(v)


def block(seed: int, index: int, n: int, events: int) -> Floats:
    """Return z of 1,024 trials of n patients, cut at a number of events."""
    log2, arm = np.log(2), (np.arange(n) & 1) == 1
    enrolled = np.sort(luck(seed, "enrolment", index, n) * 14, axis=1)
    x = -np.log(luck(seed, "event", index, n))
    dropout = -np.log(luck(seed, "dropout", index, n)) / 0.001
    early, late = np.where(arm, 0.9, 1) * log2 / 9, np.where(arm, 0.6, 1) * log2 / 18
    time = np.where(x < 3 * early, x / early, 3 + (x - 3 * early) / late)
    seen, stop = time <= dropout, np.minimum(time, dropout)
    known = np.where(seen, enrolled + stop, np.inf)
    cut = np.partition(known, events - 1, axis=1)[:, events - 1 : events]
    room = cut - enrolled
    inside, event = room > 0, seen & (stop <= room)
    order = np.argsort(np.where(inside, np.minimum(stop, room), np.inf), axis=1)
    z = np.empty(BLOCK)
    compiled()(order, arm, event, inside.sum(1), (inside & arm).sum(1), z)
    return z
