"""Arrays with a leading replicate axis: their types and the only sum taken over patients.

A table of one trial is a row; a batch is a stack of rows. Row b of a batch must equal that row
fitted alone bit for bit, however long its padding, so patients are added one after the other
and an absent patient adds exactly 0.0.
"""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from raresim.alike import counted
from raresim.compiled import compiled, reads, writes

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
NumberArray = npt.NDArray[np.float64 | np.int64]  # times: ticks, or any unit
CodeArray = npt.NDArray[np.integer]
Scalar = TypeVar("Scalar", bound=np.generic)


def ordered_sum(values: FloatArray) -> FloatArray:
    """Add along the last axis, strictly from left to right.

    ``numpy.sum`` adds in pairs, so its last bits depend on the length of the row; a running
    sum does not, and zeros inserted anywhere leave it as it is.

    Parameters
    ----------
    values
        Any shape (..., n); n may be 0.

    Returns
    -------
    Shape (...); never a negative zero.

    Examples
    --------
    >>> ordered_sum(np.array([[1.0, 0.0, 2.0], [0.5, 0.25, 0.0]]))
    array([3.  , 0.75])
    """
    if values.shape[-1] == 0:
        return np.zeros(values.shape[:-1])
    if values.ndim == 2 and values.dtype == np.float64:
        sums = np.empty(len(values))
        _add(values, sums)
        return sums
    total: FloatArray = np.cumsum(values, axis=-1)[..., -1] + 0.0
    return total


@compiled(reads("float64", 2), writes("float64", 1))
def _add(values: FloatArray, sums: FloatArray) -> None:
    """Add each row from left to right; four rows at a time, since each sum waits for its last."""
    rows, width = values.shape
    whole = rows - rows % 4
    for b in range(0, whole, 4):
        s0 = s1 = s2 = s3 = 0.0
        for k in range(width):
            s0 += values[b, k]
            s1 += values[b + 1, k]
            s2 += values[b + 2, k]
            s3 += values[b + 3, k]
        sums[b], sums[b + 1], sums[b + 2], sums[b + 3] = s0, s1, s2, s3
    for b in range(whole, rows):
        total = 0.0
        for k in range(width):
            total += values[b, k]
        sums[b] = total


def counts_before(flags: BoolArray) -> IntArray:
    """Count the flags before each position and, last, all of them: (B, n) to (B, n + 1)."""
    counts = np.zeros((flags.shape[0], flags.shape[1] + 1), dtype=np.int64)
    np.cumsum(flags, axis=1, out=counts[:, 1:])
    return counts


def flagged_first(flags: BoolArray) -> tuple[IntArray, BoolArray]:
    """Give the positions of the flags of each row in order, packed to the left.

    Returns
    -------
    positions
        (B, E) where E is the largest number of flags in a row.
    real
        (B, E): False where the row has fewer flags than that.
    """
    number = np.count_nonzero(flags, axis=1)
    width = int(number.max(initial=0))
    positions = np.argsort(~flags, axis=1, kind="stable")[:, :width]
    return np.ascontiguousarray(positions), np.arange(width) < number[:, None]


def patients_per_arm(arm: npt.NDArray[np.integer], used: BoolArray) -> tuple[IntArray, IntArray]:
    """Count the used patients of the control and of the treated arm, each of shape (B,)."""
    treated = counted(used & (arm == 1))
    return counted(used) - treated, treated
