"""Runs on a Dask cluster, and workers that vanish."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import raresim
from raresim.errors import InputError, LostError
from raresim.study.cluster import spread_on_cluster
from raresim.study.workers import spread
from tests.killing import files
from tests.worlds import world

NAME = "duchenne-bespoke"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # sockets of a cluster that is closed
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two worker processes on this machine; a task whose worker vanishes is not tried again."""
    distributed = pytest.importorskip("distributed")
    import dask

    quiet = {"distributed.scheduler.allowed-failures": 0, "logging.distributed": "critical"}
    with dask.config.set(quiet):
        kind = {"n_workers": 2, "threads_per_worker": 1, "processes": True}
        with distributed.LocalCluster(**kind, dashboard_address=None) as found:
            yield found


def test_a_cluster_gives_the_same_bytes(cluster: Any, tmp_path: Path) -> None:
    address = cluster.scheduler_address
    for name, options in (("one", {"workers": 1}), ("cluster", {"dask": address})):
        raresim.simulate(world(NAME), 3000, folder=tmp_path / name, **options)
        asked = {"mcse": 0.011, "folder": tmp_path / f"{name}-until"}
        run = raresim.simulate(world(NAME), **asked, **options)
    assert files(tmp_path / "one") == files(tmp_path / "cluster")
    assert files(tmp_path / "one-until") == files(tmp_path / "cluster-until")
    assert run.summary.stopped is not None and run.summary.stopped.reached


def test_a_cluster_is_found_by_its_scheduler_file(cluster: Any, tmp_path: Path) -> None:
    path = tmp_path / "scheduler.json"
    path.write_text(json.dumps({"address": cluster.scheduler_address}))
    assert sorted(spread_on_cluster(abs, iter([-1, -2]), str(path))) == [1, 2]


def test_a_cluster_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raresim.study.cluster.PATIENCE", 1.0)
    with pytest.raises(InputError, match=r"no Dask cluster with workers at 'tcp://127\.0\.0\.1:1'"):
        list(spread_on_cluster(abs, iter([1]), "tcp://127.0.0.1:1"))


def test_a_worker_that_vanishes_from_a_cluster_is_told(cluster: Any) -> None:
    with pytest.raises(LostError, match="the cluster lost its work"):
        list(spread_on_cluster(os._exit, iter([1]), cluster.scheduler_address))


def test_a_worker_process_that_vanishes_is_told() -> None:
    with pytest.raises(LostError, match="a worker process vanished"):
        list(spread(os._exit, [1] * 40, 2, "block"))
