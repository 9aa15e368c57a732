"""How long everything takes that the page on speed tells of, for `docs/make-speed`; never a test.

CPU time of one process, start-up excluded, in rounds in which all take turns, so that a machine's
moods hit all alike.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from raresim import __version__, load_scenario, simulate
from raresim.streams import LUCK_BLOCK
from raresim.study.tasks import truth_of
from raresim.study.truth import true_values
from raresim.study.workers import processors
from raresim.trial import run_block
from tests.benchmarks import growth
from tests.benchmarks.workloads import BY_HAND, NAMES, TRIALS, by_hand, everything, power

ROUNDS, SEED, WARM = 3, 1, 64
ENOUGH = 10.0
"""Seconds: what has taken longer is not measured again; it averages over moods by itself."""
WORKERS, SHARED, SPREAD = (1, 2), "cgd-interferon-gamma", 10_240
MEMORY = (("replicates", 1024), ("replicates", 16_384), ("patients", 20), ("patients", 1000))
PACKAGES = ("numpy", "scipy", "pandas", "numba")
Work = Callable[[], object]
Times = dict[str, list[float]]
"""Of each thing that is measured, its time in each round."""


def timed(todo: dict[str, Work], rounds: int, clock: Callable[[], float]) -> Times:
    """Return the seconds of each work in each round."""
    taken: Times = {name: [] for name in todo}
    for _ in range(rounds):
        for name, work in todo.items():
            if sum(taken[name]) < ENOUGH:
                began = clock()
                work()
                taken[name].append(clock() - began)
    return taken


def workload_jobs() -> dict[str, tuple[Work, int]]:
    """Return the workloads, their parts and what stands beside them by hand, with their trials."""
    found: dict[str, tuple[Work, int]] = {}
    for name in NAMES:
        one = growth.workload(name)
        everything(one, WARM)
        effect, chunks = one.hypotheses[0], len(truth_of(one, TRIALS))
        found[name] = partial(power, one), TRIALS
        found[f"{name} everything"] = partial(everything, one), TRIALS
        found[f"{name} trials"] = partial(run_block, one, effect, SEED, 0), LUCK_BLOCK
        true = partial(true_values, one, effect, SEED, 0)
        found[f"{name} true values"] = true, TRIALS // chunks
        if find_spec("numba") is not None and name in BY_HAND:
            hand = by_hand(*BY_HAND[name])
            hand()
            found[f"{name} by hand"] = hand, TRIALS
    return found


def curve_jobs() -> dict[str, tuple[Work, int]]:
    """Return the points of all curves, with their trials."""
    found: dict[str, tuple[Work, int]] = {}
    for name, curve in growth.CURVES.items():
        for size in curve.sizes:
            one, trials = curve.scenario(size), curve.replicates(size)
            everything(one, WARM)
            found[f"{name} {size}"] = partial(everything, one, trials), trials
    return found


def cpu(jobs: dict[str, tuple[Work, int]], rounds: int) -> Times:
    """Return the CPU microseconds a trial of each job."""
    todo = {name: work for name, (work, _) in jobs.items()}
    taken = timed(todo, rounds, time.process_time)
    return {
        name: [round(1e6 * each / jobs[name][1], 2) for each in own] for name, own in taken.items()
    }


def wall(rounds: int) -> Times:
    """Return the seconds on the clock that numbers of workers take for the same run."""
    one = load_scenario(SHARED)
    everything(one, WARM)
    todo: dict[str, Work] = {
        str(k): lambda k=k: simulate(one, SPREAD, SEED, workers=k).summary.dict() for k in WORKERS
    }
    taken = timed(todo, rounds, time.perf_counter)
    return {name: [round(each, 2) for each in own] for name, own in taken.items()}


def memory() -> list[dict[str, Any]]:
    """Return the MB that processes of their own take at most; nothing where no Linux tells it."""
    if not Path("/proc/self/status").exists():
        return []
    found = []
    for name, size in MEMORY:
        command = [sys.executable, growth.__file__, name, str(size)]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
        found.append({"curve": name, "size": size, "megabytes": int(said)})
    return found


def machine() -> dict[str, Any]:
    """Return what the numbers hang on: versions, processors, and how many were busy just before."""
    return {
        "raresim": __version__,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES if find_spec(name) is not None},
        "processors": processors(),
        "processor": platform.machine(),
        "busy": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def measured(rounds: int) -> dict[str, Any]:
    """Measure everything, and return what the page is written from."""
    made, kept = machine(), memory()
    own, points = workload_jobs(), curve_jobs()
    found = cpu(own | points, rounds)
    curves = {
        name: {str(size): found[f"{name} {size}"] for size in curve.sizes}
        for name, curve in growth.CURVES.items()
    }
    return {
        "machine": made,
        "rounds": rounds,
        "workloads": {name: found[name] for name in own},
        "curves": curves,
        "workers": {"scenario": SHARED, "trials": SPREAD, "seconds": wall(rounds)},
        "memory": kept,
    }
