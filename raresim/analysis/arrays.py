"""Arrays with a leading replicate axis: their types and the only sum taken over patients.

A table of one trial is a row; a batch is a stack of rows. Row b of a batch must equal that row
fitted alone bit for bit, however long its padding, so patients are added one after the other
and an absent patient adds exactly 0.0.
"""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from raresim.alike import counted

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
    total: FloatArray = np.cumsum(values, axis=-1)[..., -1] + 0.0
    return total


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
