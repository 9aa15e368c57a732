"""Loops that NumPy has no words for, compiled by numba: once on a machine, and kept on its disk.

A loop is an ordinary function of arrays with one signature. Until somebody calls it numba is not
even imported.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Loop = Callable[..., Any]
_LOOPS: list[Callable[[], Loop]] = []
_TELLER: list[Callable[[], None]] = []
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Array:
    """An argument: an array of some kind of number, in one piece (C) or in any order (A)."""

    kind: str
    axes: int
    layout: Literal["C", "A"]
    written: bool


def reads(kind: str, axes: int, layout: Literal["C", "A"] = "A") -> Array:
    """Return an array that a loop only reads, so that it may be one that nobody may write to."""
    return Array(kind, axes, layout, False)


def writes(kind: str, axes: int) -> Array:
    """Return an array that a loop writes to, in one piece."""
    return Array(kind, axes, "C", True)


def compiled(*arguments: Array) -> Callable[[Loop], Loop]:
    """Return a decorator of a loop that is compiled when it is called first.

    Parameters
    ----------
    arguments
        What its arguments are; it returns nothing.

    Examples
    --------
    >>> import numpy as np
    >>> @compiled(reads("float64", 1), writes("float64", 1))
    ... def doubled(values, found):
    ...     for k in range(len(values)):
    ...         found[k] = 2 * values[k]
    >>> doubled(np.array([1.0, 2.0]), found := np.empty(2))
    >>> found.tolist()
    [2.0, 4.0]
    """

    def decorated(loop: Loop) -> Loop:
        @functools.cache
        def made() -> Loop:
            return _made(loop, arguments)

        @functools.wraps(loop)
        def called(*arrays: Any) -> Any:
            return made()(*arrays)

        _LOOPS.append(made)
        return called

    return decorated


def prepare() -> None:
    """Compile every loop that is known so far, so that worker processes find them on the disk."""
    for made in _LOOPS:
        made()


def tell(teller: Callable[[], None]) -> None:
    """Let one be told, once, when a loop has to be compiled: it takes some seconds."""
    _TELLER[:] = [teller]


def _made(loop: Loop, arguments: tuple[Array, ...]) -> Loop:
    import numba
    from numba import types
    from numba.core import event

    class Told(event.Listener):
        def on_start(self, event: Any) -> None:
            while _TELLER:
                _TELLER.pop()()

        def on_end(self, event: Any) -> None:
            pass

    kept = Path(inspect.getfile(loop)).is_file()  # a loop that is typed in has no file
    arrays = [
        types.Array(getattr(types, each.kind), each.axes, each.layout, readonly=not each.written)
        for each in arguments
    ]
    signature = types.void(*arrays)
    with _LOCK, event.install_listener("numba:compile", Told()):
        made: Loop = numba.njit(signature, cache=kept, nogil=True, error_model="numpy")(loop)
    return made
