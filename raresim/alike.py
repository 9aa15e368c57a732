"""Arrays in which everybody, or every replicate, has the same: views that hold one number or row.

Most of what a trial could have, a given trial has not: nobody stops treatment, no data come late,
everybody has one stratum. An array of such a thing is a view of one number (`numpy.broadcast_to`),
which takes neither memory nor time, and says so by its strides. What is worked out from it here
stays one. They can be read like any array, and not be written to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from raresim.either import either

Number = TypeVar("Number", bound=np.generic)


def everywhere(value: Any, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return one number, or what one patient has, for everybody.

    >>> everywhere(np.int64(3), (2, 2)).tolist()
    [[3, 3], [3, 3]]
    """
    return np.broadcast_to(value, shape)


def alike(values: npt.NDArray[Any]) -> bool:
    """Return whether the array is a view of what one patient has (the first two axes).

    >>> alike(everywhere(np.int64(3), (2, 2))), alike(np.zeros((2, 2)))
    (True, False)
    """
    return values.size > 0 and values.ndim > 1 and values.strides[0] == values.strides[1] == 0


def rows_alike(values: npt.NDArray[Any]) -> bool:
    """Return whether the array is a view of what one replicate has."""
    return values.size > 0 and values.strides[0] == 0


def rows(values: npt.NDArray[Number], chosen: Any) -> npt.NDArray[Number]:
    """Return some replicates.

    >>> alike(rows(everywhere(np.int64(3), (5, 2)), np.array([1, 4])))
    True
    """
    if isinstance(chosen, slice) or not rows_alike(values):
        return np.asarray(values[chosen])
    return everywhere(values[0], (len(np.arange(len(values))[chosen]), *values.shape[1:]))


def pick(values: npt.NDArray[Number], positions: npt.NDArray[np.int64]) -> npt.NDArray[Number]:
    """Take the values (B, n) at the positions (B, E) of each row.

    What `numpy.take_along_axis` does, in less time where the values lie in one piece.

    >>> pick(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1], [0]]))
    array([[2.],
           [3.]])
    """
    if not values.flags.c_contiguous or not positions.size:
        return np.take_along_axis(values, positions, axis=1)
    begins = np.arange(0, values.size, values.shape[1])[:, None]
    return np.take(values.reshape(-1), positions + begins)


def take(values: npt.NDArray[Number], order: npt.NDArray[np.int64]) -> npt.NDArray[Number]:
    """Return the values (replicates, units, ...) at places (replicates, n); place 0 for -1.

    >>> take(np.array([[5, 6, 7]]), np.array([[2, -1]])).tolist()
    [[7, 5]]
    """
    if alike(values) and order.size:
        return everywhere(values[0, 0], (*order.shape, *values.shape[2:]))
    if rows_alike(order):
        places = np.maximum(order[0], 0)
        if rows_alike(values):
            return everywhere(values[0, places], (*order.shape, *values.shape[2:]))
        first = len(places)
        if first <= values.shape[1] and np.array_equal(places, np.arange(first)):
            return np.asarray(values[:, :first])
        return np.asarray(np.take(values, places, axis=1))
    order = np.maximum(order, 0)
    if values.ndim == 2:
        return pick(values, order)
    return np.take_along_axis(values, order[..., None], 1)


def where(
    holds: npt.NDArray[np.bool_], values: npt.NDArray[Number], other: Any
) -> npt.NDArray[Number]:
    """Return `values` where something holds, else one `other` number."""
    if alike(holds) and holds.flat[0]:
        return values
    if alike(values) and bool((values[0, 0] == other).all()):
        return values
    return either(holds if values.ndim == holds.ndim else holds[..., None], values, other)


def all_if(holds: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return what holds, as a view of one number where it holds of everybody."""
    if holds.size and holds.all():
        return everywhere(np.True_, holds.shape)
    return holds


def both(*parts: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return where all hold; parts that hold everywhere take no time.

    >>> both(everywhere(np.True_, (1, 2)), np.array([[True, False]])).tolist()
    [[True, False]]
    """
    some = [part for part in parts if not (alike(part) and part.flat[0])] or [parts[0]]
    return np.asarray(np.logical_and.reduce(some)) if len(some) > 1 else some[0]


def of_each(
    values: npt.NDArray[Any], change: Callable[[npt.NDArray[Any]], npt.NDArray[Number]]
) -> npt.NDArray[Number]:
    """Return what becomes of each number, found once where everybody has the same.

    >>> alike(of_each(everywhere(np.int64(3), (2, 2)), lambda number: number + 1))
    True
    """
    if alike(values):
        return everywhere(change(values[:1, :1])[0, 0], values.shape)
    return change(values)


def stack(parts: list[npt.NDArray[Number]]) -> npt.NDArray[Number]:
    """Return arrays of (replicates, units) as one with a third axis.

    >>> alike(stack([everywhere(np.int64(3), (2, 2)), everywhere(np.int64(4), (2, 2))]))
    True
    """
    if all(alike(part) for part in parts):
        return everywhere(np.array([part.flat[0] for part in parts]), (*parts[0].shape, len(parts)))
    return np.stack(parts, axis=-1)


def counted(holds: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return of how many something holds in each row of (replicates, n).

    What `numpy.count_nonzero` does, in half of its time.

    >>> counted(np.array([[True, False], [True, True]])).tolist()
    [1, 2]
    """
    bits = holds.view(np.uint8)
    return np.asarray(np.add.reduce(bits, axis=1, dtype=np.int32).astype(np.int64))
