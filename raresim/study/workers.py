"""Work over the processors of one machine, in whatever order it is finished."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from raresim.compiled import prepare
from raresim.errors import LostError
from raresim.trial.engine import Engine

T = TypeVar("T")
R = TypeVar("R")
SHORT = 8
"""Tasks for each worker up to which a run is short."""
VANISHED = (
    "a worker process vanished: somebody or something ended it, or memory ran out; "
    "take fewer --workers if it was memory"
)


def processors() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(
    do: Callable[[T], R],
    todo: Iterable[T],
    workers: int,
    engine: Engine,
    many: int | None = None,
) -> Iterator[R]:
    """Yield what `do` makes of each task, as it is finished.

    Where somebody chose a back-end of joblib's (`joblib.parallel_config`), that does the work.

    Parameters
    ----------
    do
        What is done with each task.
    todo
        The tasks: asked for one by one, as workers become free.
    workers
        Processes at most.
    engine
        The engine that the tasks run.
    many
        How many tasks there are at most; counted if not given.

    Raises
    ------
    LostError
        When a worker process vanishes, or memory runs out.
    """
    if many is None:
        assert isinstance(todo, Sequence)
        many = len(todo)
    workers = min(workers, many)
    chosen = _chosen_backend()
    if chosen is None and workers <= 1:
        yield from _one_thread_each(map(do, todo))
        return
    from concurrent.futures.process import BrokenProcessPool

    from joblib import Parallel, parallel_config

    try:
        if chosen is not None:
            yield from _by(chosen, do, todo)
        # array work frees Python's lock: in a short run threads save the seconds that processes
        # take to start; SimPy and long runs are worth processes
        elif engine == "block" and many <= SHORT * workers:
            pool = Parallel(n_jobs=workers, backend="threading", **AS_FINISHED)
            yield from _one_thread_each(_begun(pool, do, todo))
        else:
            prepare()  # one process compiles, the others find it on the disk
            with parallel_config("loky", inner_max_num_threads=1):
                pool = Parallel(n_jobs=workers, **AS_FINISHED)
            yield from _begun(pool, partial(_while_its_parent_lives, os.getpid(), do), todo)
    except BrokenProcessPool as error:
        raise LostError(VANISHED) from error
    except MemoryError as error:
        raise LostError("memory ran out; take fewer --workers, or a smaller trial") from error


AS_FINISHED: dict[str, Any] = {"return_as": "generator_unordered", "batch_size": 1}


def _begun(pool: Any, do: Callable[[T], R], todo: Iterable[T]) -> Iterator[R]:
    from joblib import delayed

    with deaf_to_interrupts():
        found: Iterator[R] = pool(delayed(do)(task) for task in todo)
    return found


def _chosen_backend() -> Any:
    """Return the back-end that somebody chose for joblib, None where nobody did."""
    from joblib.parallel import get_active_backend

    backend, _ = get_active_backend()
    return None if type(backend).__name__ == "LokyBackend" else backend


def _by(backend: Any, do: Callable[[T], R], todo: Iterable[T]) -> Iterator[R]:
    """Work on a back-end that somebody chose, with as many workers as they said."""
    from joblib import Parallel, delayed

    if backend.supports_return_generator:
        yield from _begun(Parallel(**AS_FINISHED), do, todo)
        return
    tasks, pool = iter(todo), Parallel(batch_size=1)
    while some := list(islice(tasks, 4 * pool.n_jobs if pool.n_jobs > 0 else 4 * processors())):
        yield from pool(delayed(do)(task) for task in some)  # in waves: all at once fills memory


def _one_thread_each(found: Iterator[R]) -> Iterator[R]:
    """Yield what is found while linear algebra keeps to one thread in each worker."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield from found


def _while_its_parent_lives(parent: int, do: Callable[[T], R], task: T) -> R:
    """Do a task in a worker process, which ends with the process that started it."""
    if parent not in _WATCHED:
        _WATCHED.add(parent)
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    return do(task)


_WATCHED: set[int] = set()


def _watch(parent: int) -> None:
    """End this process soon after its parent, who may be killed and tell nobody."""
    import time

    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


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
