"""Kill runs at random moments, resume them, and compare every byte with an undisturbed run.

    python -m tests.killing POINTS FOLDER

Everything is imported, compiled and read once; each run is a fork of this process with workers of
its own. Prints, for each point, who was killed and when, and what was wrong: nothing, if all is
well.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from raresim.cli import main
from raresim.compiled import prepare
from raresim.study import run, workers
from raresim.trial import load_scenario

NAME, TRIALS, TASKS = "duchenne-bespoke", "4096", 8
LONG = 120.0
"""Seconds after which a run hangs."""


@dataclass(frozen=True)
class Point:
    """Who is killed so many seconds after so many tasks were done, in a run of so many workers."""

    victim: str
    tasks: int
    after: float
    workers: int


def points(many: int, seed: int = 1) -> list[Point]:
    """Return kill points: always the same ones, in turn of a worker, the parent, and all."""
    chance = random.Random(seed)
    found = []
    for k in range(many):
        victim = ("worker", "parent", "all")[k % 3]
        tasks = chance.randint(0, TASKS)
        after = chance.uniform(0, 1.2 if tasks in (0, TASKS) else 0.2)
        found.append(Point(victim, tasks, after, 1 if k % 6 == 1 else 2))
    return found


def attempt(folder: Path, many: int, kill: Callable[[int], bool] | None, *words: str) -> int:
    """Run in a fork of this process, with `kill` asked until it has killed; return how it ended."""
    pid = os.fork()
    if pid == 0:
        _child(folder, many, words)
    began = time.monotonic()
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if kill is not None and kill(pid):
            kill = None
        if time.monotonic() - began > LONG:
            os.killpg(pid, signal.SIGKILL)
        time.sleep(0.002)


def _child(folder: Path, many: int, words: tuple[str, ...]) -> None:
    """Be the command line: never returns."""
    os.setsid()
    said = os.open(folder.with_suffix(".txt"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    workers.SHORT = 0  # worker processes, however short the run
    asked = ("simulate", NAME, "-r", TRIALS, "--workers", str(many), "-o", str(folder))
    sys.argv = ["raresim", *asked, "--no-report", *words]
    code = 1
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        os._exit(code)


def killer(point: Point, folder: Path) -> Callable[[int], bool]:
    """Return what kills at a point, and says whether it did."""
    reached: list[float] = []

    def kill(pid: int) -> bool:
        if not reached and done(folder) >= point.tasks:
            reached.append(time.monotonic())
        if not reached or time.monotonic() - reached[0] < point.after:
            return False
        if point.victim == "worker":
            found = _workers(pid)
            if found:
                os.kill(found[-1], signal.SIGKILL)
            return bool(found)
        (os.kill if point.victim == "parent" else os.killpg)(pid, signal.SIGKILL)
        return True

    return kill


def _workers(pid: int) -> list[int]:
    """Return the worker processes of a run."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found = [int(child) for child in children.read_text().split()] if children.exists() else []
    return [
        child for child in found if b"popen_loky" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def done(folder: Path) -> int:
    """Return how many tasks of a run are done."""
    return len(list((folder / "unfinished" / "shards").glob("*.shard")))


def files(folder: Path) -> dict[str, bytes]:
    """Return every file of a run."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def killed(point: Point, folder: Path) -> tuple[str, int]:
    """Kill a run at a point; return what is wrong then, '' if nothing is, and the tasks done."""
    code = attempt(folder, point.workers, killer(point, folder))
    said = folder.with_suffix(".txt").read_text()
    if code == 2 and ("--resume" not in said and "nothing was written" not in said):
        return f"exit code 2: {said}", 0
    if code not in (0, 2, -9) or "Traceback" in said:
        return f"exit code {code}: {said}", 0
    return "", done(folder)


def resumed(point: Point, folder: Path, kept: int, expected: dict[str, bytes]) -> str:
    """Resume a run; return what is wrong then, '' if nothing is."""
    folder.with_suffix(".txt").unlink()  # what outlives a killed run may still write into it
    code = attempt(folder, 2 if point.tasks % 2 else 1, None, "--resume")
    said = folder.with_suffix(".txt").read_text()
    if code:
        return f"resumed, exit code {code}: {said}"
    if kept and f"{kept} pieces were done before" not in said and "nothing was left" not in said:
        return f"{kept} tasks were done, and resumed: {said}"
    found = files(folder)
    return "" if found == expected else f"other files: {_apart(found, expected)}"


def _apart(found: dict[str, bytes], expected: dict[str, bytes]) -> list[str]:
    return sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))


def all_of_them(many: int, place: Path) -> int:
    """Go through the points; return at how many something was wrong."""
    if attempt(place / "undisturbed", 1, None):
        print((place / "undisturbed.txt").read_text())
        return many
    expected, faults = files(place / "undisturbed"), 0
    for k, point in enumerate(points(many)):
        folder = place / f"point-{k}"
        fault, kept = killed(point, folder)
        cut_short = (folder / "unfinished").is_dir()
        fault = fault or resumed(point, folder, kept, expected)
        faults += bool(fault)
        print(f"{point}, {cut_short=}, {kept} tasks kept: {fault or 'well'}", flush=True)
    return faults


if __name__ == "__main__":
    assert run.simulate  # what every fork needs is imported once
    import joblib  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    load_scenario(NAME)  # the text of its files is parsed, and numba imported
    prepare()
    sys.exit(min(all_of_them(int(sys.argv[1]), Path(sys.argv[2])), 1))
