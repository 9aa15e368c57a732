"""Work over a Dask cluster: out go the scenario and numbers of tasks, back come shards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from raresim.errors import InputError, LostError

T = TypeVar("T")
R = TypeVar("R")
AHEAD = 2
"""Tasks on their way for each thread of the cluster, so that none waits for the next."""
PATIENCE = 30.0
"""Seconds: how long a scheduler, and its first worker, may take to answer."""
MEND = "start one with `dask scheduler` and `dask worker ADDRESS`, and name its address or file"


def spread_on_cluster(do: Callable[[T], R], todo: Iterable[T], cluster: str) -> Iterator[R]:
    """Yield what `do` makes of each task, as it is finished somewhere in the cluster.

    Parameters
    ----------
    do
        What is done with each task; it goes to the workers with all that it holds.
    todo
        The tasks: asked for one by one, as workers become free.
    cluster
        Address of a Dask scheduler, or its scheduler file.

    Raises
    ------
    InputError
        When there is no such cluster, or the extra `dask` is not installed.
    LostError
        When workers vanished with a task, one after the other, or the scheduler did.
    """
    try:
        from distributed import KilledWorker, as_completed
        from distributed.client import FutureCancelledError
        from distributed.comm.core import CommClosedError
    except ImportError as error:
        mend = "install it with `pip install 'raresim-trials[dask]'`"
        raise InputError(f"Dask is not installed; {mend}") from error
    with _client(cluster) as client:
        tasks = iter(todo)

        def begun(some: int) -> list[Any]:
            return [client.submit(_one_thread, do, t, pure=False) for t in islice(tasks, some)]

        try:
            running = as_completed(begun(_places(client)))
            for future in running:
                yield future.result()
                future.release()
                running.update(begun(max(1, _places(client) - running.count())))
        except (KilledWorker, FutureCancelledError, CommClosedError) as error:
            raise LostError(f"the cluster lost its work: {error}") from error


def _client(cluster: str) -> Any:
    from distributed import Client

    try:
        if Path(cluster).is_file():
            client = Client(scheduler_file=cluster, timeout=PATIENCE)
        else:
            client = Client(cluster, timeout=PATIENCE)
        client.wait_for_workers(1, timeout=PATIENCE)
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(f"no Dask cluster with workers at {cluster!r}; {MEND}") from error
    return client


def _places(client: Any) -> int:
    """Return how many tasks may be on their way; a cluster may grow and shrink."""
    threads: int = sum(client.nthreads().values())
    return max(AHEAD * threads, 1)


def _one_thread(do: Callable[[T], R], task: T) -> R:
    """Do a task while linear algebra keeps to one thread (in a worker of the cluster)."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return do(task)
