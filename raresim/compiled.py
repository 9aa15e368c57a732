"""Loops that NumPy has no words for, compiled by numba: once on a machine, and kept on its disk.

A loop is an ordinary function of arrays with one signature. Until somebody calls it numba is not
even imported.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

Loop = Callable[..., Any]
_LOOPS: list[Callable[[], Loop]] = []
_TELLERS: list[Callable[[], None]] = []
_LOCK = threading.Lock()


def compiled(signature: str) -> Callable[[Loop], Loop]:
    """Return a decorator of a loop that is compiled when it is called first.

    Parameters
    ----------
    signature
        Types of its arguments, as numba writes them.

    Examples
    --------
    >>> import numpy as np
    >>> @compiled("void(float64[::1])")
    ... def doubled(values):
    ...     for k in range(len(values)):
    ...         values[k] *= 2
    >>> numbers = np.array([1.0, 2.0])
    >>> doubled(numbers)
    >>> numbers.tolist()
    [2.0, 4.0]
    """

    def decorated(loop: Loop) -> Loop:
        @functools.cache
        def made() -> Loop:
            return _made(loop, signature)

        @functools.wraps(loop)
        def called(*arguments: Any) -> Any:
            return made()(*arguments)

        _LOOPS.append(made)
        return called

    return decorated


def prepare() -> None:
    """Compile every loop that is known so far, so that worker processes find them on the disk."""
    for made in _LOOPS:
        made()


def tell(teller: Callable[[], None]) -> None:
    """Let somebody be told, once, when a loop has to be compiled: it takes some seconds."""
    _TELLERS.append(teller)


def _made(loop: Loop, signature: str) -> Loop:
    import numba
    from numba.core import event

    class Told(event.Listener):
        def on_start(self, event: Any) -> None:
            while _TELLERS:
                _TELLERS.pop()()

        def on_end(self, event: Any) -> None:
            pass

    # in a doctest, or where a loop has no file of its own, nothing is kept
    kept = not loop.__module__.startswith("__")
    with _LOCK, event.install_listener("numba:compile", Told()):
        made: Loop = numba.njit(signature, cache=kept, nogil=True, error_model="numpy")(loop)
    return made
