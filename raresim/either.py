"""One value or another: `numpy.where`, several times faster where nobody could guess which.

NumPy's loop branches, and a processor that guesses wrong half of the time waits. These do not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.compiled import compiled, reads, writes

LEAST = 1024
"""Numbers from which on it is worth calling a loop."""

Booleans = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.int64]


def either(holds: Booleans, values: Any, others: Any) -> npt.NDArray[Any]:
    """Return `values` where something holds, else `others`: arrays or numbers, as `numpy.where`.

    >>> either(np.array([True, False]), np.array([1.5, 2.5]), 0).tolist()
    [1.5, 0.0]
    """
    if isinstance(values, np.ndarray):
        if isinstance(others, np.ndarray):
            return _of_two(holds, values, others)
        return _or_number(holds, values, others)
    if isinstance(others, np.ndarray) and holds.shape == others.shape:
        return _or_number(~holds, others, values)
    return np.asarray(np.where(holds, values, others))


def _of_two(
    holds: Booleans, values: npt.NDArray[Any], others: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    if values.dtype != others.dtype or not (_fits(holds, values) and _fits(holds, others)):
        return np.where(holds, values, others)
    found = np.empty(values.shape, values.dtype)
    _choose(holds.reshape(-1), _bits(values), _bits(others), _bits(found))
    return found


def _or_number(holds: Booleans, values: npt.NDArray[Any], number: Any) -> npt.NDArray[Any]:
    fraction = values.dtype.kind == "i" and not isinstance(number, (int, np.integer))
    if fraction or not _fits(holds, values):
        return np.where(holds, values, number)
    found = np.empty(values.shape, values.dtype)
    _choose_or(
        holds.reshape(-1), _bits(values), _bits(np.array([number], values.dtype)), _bits(found)
    )
    return found


def _fits(holds: Booleans, values: npt.NDArray[Any]) -> bool:
    """Whether an array is large, in one piece, of numbers with 64 bits, and of the same shape."""
    if values.size < LEAST or holds.shape != values.shape or values.dtype.char not in "dl":
        return False
    return holds.flags.c_contiguous and values.flags.c_contiguous


def _bits(values: npt.NDArray[Any]) -> Bits:
    return values.reshape(-1).view(np.int64)


@compiled(
    reads("boolean", 1, "C"), reads("int64", 1, "C"), reads("int64", 1, "C"), writes("int64", 1)
)
def _choose(holds: Booleans, values: Bits, others: Bits, found: Bits) -> None:
    for k in range(len(found)):
        found[k] = values[k] if holds[k] else others[k]


@compiled(
    reads("boolean", 1, "C"), reads("int64", 1, "C"), reads("int64", 1, "C"), writes("int64", 1)
)
def _choose_or(holds: Booleans, values: Bits, number: Bits, found: Bits) -> None:
    for k in range(len(found)):
        found[k] = values[k] if holds[k] else number[0]
