"""Time in a trial: int64 seconds since its start, and the order of entries that share a tick."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from raresim.alike import alike
from raresim.compiled import compiled, reads, writes
from raresim.files.units import SECONDS_A_DAY

Ticks = npt.NDArray[np.int64]

NEVER = 2**62
"""The tick of what does not happen."""

LONGEST = 200 * 366.0
"""Days beyond which a time counts as never: no trial lasts two centuries."""


class Kind(IntEnum):
    """Kinds of entry in the order in which they happen within one tick, then by candidate."""

    OUTCOME = 0
    VISIT = 1
    PERIOD = 2
    RESCUE = 3
    STOP_TREATMENT = 4
    EXIT = 5
    DELIVERY = 6
    RANDOMISE = 7
    PRESENT = 8
    LOOK = 9


class Exit(IntEnum):
    """Why a patient's follow-up ended."""

    NONE = 0
    COMPLETED = 1
    LEFT = 2
    DIED = 3


def ticks(days: npt.NDArray[np.float64] | float, resolution: int = 1) -> Ticks:
    """Return days as ticks, rounded up to whole steps of `resolution` seconds.

    >>> int(ticks(0.5)), int(ticks(0.5, resolution=86400))
    (43200, 86400)
    """
    days = np.asarray(days, np.float64)
    if days.size > 1 and alike(days):
        return np.broadcast_to(ticks(days[:1, :1], resolution), days.shape)
    found = np.empty(days.shape, np.int64)
    steps = np.array([SECONDS_A_DAY / resolution])
    _rounded_up(np.ascontiguousarray(days).reshape(-1), steps, found.reshape(-1))
    if resolution != 1:
        found[found < NEVER] *= resolution
    return found


@compiled(reads("float64", 1, "C"), reads("float64", 1, "C"), writes("int64", 1))
def _rounded_up(
    days: npt.NDArray[np.float64], steps_a_day: npt.NDArray[np.float64], found: Ticks
) -> None:
    for k in range(len(days)):
        day = days[k]
        found[k] = NEVER if day >= LONGEST else np.int64(np.ceil(day * steps_a_day[0]))


def never(values: Ticks) -> bool:
    """Return whether the array is a view that says that nothing happens to anybody."""
    return alike(values) and bool((values[0, 0] == NEVER).all())


def days(tick: npt.NDArray[np.int64] | int) -> npt.NDArray[np.float64]:
    """Return ticks as days."""
    return np.asarray(tick, np.float64) / SECONDS_A_DAY
