"""Work over the processors of one machine, in whatever order it is finished."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from raresim.trial.engine import Engine

T = TypeVar("T")
R = TypeVar("R")
SHORT = 8
"""Tasks for each worker up to which a run is short."""


def processors() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(do: Callable[[T], R], todo: Sequence[T], workers: int, engine: Engine) -> Iterator[R]:
    """Yield what `do` makes of each task, as it is finished."""
    workers = min(workers, len(todo))
    if workers <= 1:
        for task in todo:
            yield do(task)
        return
    from joblib import Parallel, delayed

    # array work frees Python's lock: in a short run threads save the seconds that processes take to
    # start; SimPy and long runs are worth processes
    short = engine == "block" and len(todo) <= SHORT * workers
    pool = Parallel(
        n_jobs=workers,
        backend="threading" if short else "loky",
        return_as="generator_unordered",
        batch_size=1,
    )
    with deaf_to_interrupts():
        found = pool(delayed(do)(task) for task in todo)
    yield from found


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Let processes that start in here ignore Ctrl-C: who started them hears it and ends them.

    A process inherits what is ignored. Otherwise one that is interrupted while it starts would
    print where it was.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, heard)
