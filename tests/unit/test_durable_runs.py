"""Runs that are cut short: what is kept, who may go on with it, and what comes of it."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import raresim
from raresim.errors import InputError, LostError
from raresim.files.durable import write_durably
from raresim.study import Run, made_by, parquet, run, settings_for, store, unfinished, work_in
from raresim.study.columns import ArrayTable, Words
from raresim.study.shard import DamagedError, checked, packed
from tests.killing import files
from tests.worlds import world

NAME, TRIALS = "duchenne-bespoke", 1100  # two luck blocks and two chunks of true values


def simulated(folder: Path | None, seed: int = 1, **options: Any) -> Run:
    asked = {"replicates": TRIALS, "workers": 1} | options
    return raresim.simulate(world(NAME), seed=seed, folder=folder, **asked)


@cache
def undisturbed(place: Path) -> dict[str, bytes]:
    simulated(place / "undisturbed")
    return files(place / "undisturbed")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Every file of a run that nobody disturbed."""
    return undisturbed(tmp_path_factory.mktemp("runs"))


def interrupt(folder: Path, tasks: int, **options: Any) -> None:
    """Run until so many tasks are done, and stop as Ctrl-C does."""
    told = []

    def progress(*figures: int) -> None:
        told.append(figures)
        if len(told) == tasks:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"pieces done; add --resume"):
        simulated(folder, progress=progress, **options)


def shards(folder: Path) -> list[Path]:
    return sorted((folder / "unfinished" / "shards").iterdir())


def test_an_interrupted_run_is_refused_and_resumed(tmp_path: Path, expected: Any) -> None:
    folder = tmp_path / "run"
    interrupt(folder, 3)
    assert [path.stem for path in shards(folder)] == [
        "trials-000000",
        "trials-000001",
        "truth-000000",
    ]
    with pytest.raises(InputError, match="holds an unfinished run, 3 pieces of it done") as error:
        simulated(folder)
    assert "add --resume" in str(error.value)
    found = simulated(folder, resume=True)
    assert files(folder) == expected
    assert len(found.trials) == found.summary.replicates == TRIALS


def test_a_finished_run_is_resumed_by_reading_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = simulated(tmp_path / "run")
    monkeypatch.setattr(run, "do_task", None)
    again = simulated(tmp_path / "run", resume=True)
    assert again.summary == first.summary
    with pytest.raises(InputError, match=r"settings\.seed: 1, here 2"):
        simulated(tmp_path / "run", seed=2, resume=True)


def flipped(data: bytes) -> bytes:
    return data[:-900] + bytes([data[-900] ^ 1]) + data[-899:]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "one bit": flipped,
    "its end is missing": lambda data: data[:-1],
    "nothing there": lambda data: b"",
    "its head says more successes": lambda data: data.replace(b'"tally": [', b'"tally": [9', 1),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_shard_is_told_and_made_again(how: str, tmp_path: Path, expected: Any) -> None:
    folder = tmp_path / "run"
    interrupt(folder, 2)
    path = shards(folder)[0]
    path.write_bytes(DAMAGE[how](path.read_bytes()))
    path.with_name("trials-000001.shard.part").write_bytes(b"half a sh")
    with pytest.warns(UserWarning, match="trials-000000 was damaged and is made again"):
        simulated(folder, resume=True)
    assert files(folder) == expected


def test_every_byte_of_a_shard_is_checked() -> None:
    table = ArrayTable({"a": np.array([1, 2]), "arm": Words(np.array([0, 0]), ("drug",))})
    whole = packed({"task": "trials-000000"}, {"trials": table})
    assert checked(whole) == {"task": "trials-000000"}
    for place in range(0, len(whole), 7):
        with pytest.raises(DamagedError):
            checked(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])


def test_two_may_not_work_in_one_folder(tmp_path: Path) -> None:
    settings = settings_for(world(NAME), TRIALS, workers=1)
    with (
        work_in(tmp_path / "run", world(NAME), settings, resume=False),
        pytest.raises(InputError, match="another process works in this folder") as error,
    ):
        simulated(tmp_path / "run", resume=True)
    assert "found: process " in str(error.value)
    assert not (tmp_path / "run").exists()  # nothing was done in it
    simulated(tmp_path / "run")


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "seed": ({"seed": 2}, r"settings\.seed: 1, here 2"),
    "more trials": ({"replicates": 1200}, r"settings\.replicates: 1100, here 1200"),
    "hypothesis": ({"hypothesis": "no_effect"}, r"settings\.hypothesis: .*, here no_effect"),
    "until an error": ({"mcse": 0.1}, r"settings\.mcse: None, here 0\.1"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_run_is_not_resumed(what: str, tmp_path: Path) -> None:
    interrupt(tmp_path / "run", 1)
    options, said = OTHERS[what]
    with pytest.raises(InputError, match=said):
        simulated(tmp_path / "run", resume=True, **options)
    assert len(shards(tmp_path / "run")) == 1


def test_another_scenario_or_version_is_not_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    interrupt(folder, 1)
    other = world(NAME, {"truth.leaves_study.rate": "0.9 per year"})
    with pytest.raises(InputError, match=r"inputs\.scenario\.yaml: "):
        raresim.simulate(other, TRIALS, folder=folder, resume=True, workers=1)
    monkeypatch.setattr(store, "made_by", lambda: made_by.made_by() | {"raresim": "0.0.9"})
    with pytest.raises(InputError, match=r"raresim: 0\.1\.0, here 0\.0\.9"):
        simulated(folder, resume=True)


def test_a_worker_of_another_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "made_by", lambda: made_by.made_by() | {"raresim": "0.0.9"})
    with pytest.raises(LostError, match=r"not like this machine: raresim: 0\.1\.0, here 0\.0\.9"):
        simulated(tmp_path / "run")


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("where", ["a shard", "a table", "the summary", "the end"])
def test_a_full_disk_leaves_a_run_to_resume(where: str, tmp_path: Path, expected: Any) -> None:
    folder = tmp_path / "run"
    left = [3]

    def third_is_full(path: Path, data: bytes) -> None:
        left[0] -= 1
        if not left[0]:
            full()
        write_durably(path, data)

    with pytest.MonkeyPatch.context() as patch:
        place: dict[str, tuple[Any, str, Any]] = {
            "a shard": (unfinished, "write_durably", third_is_full),
            "a table": (parquet, "write", full),
            "the summary": (store, "write_json", full),
            "the end": (unfinished, "settle", full),
        }
        patch.setattr(*place[where])
        with pytest.raises(LostError, match="the disk takes no more: No space left") as error:
            simulated(folder)
    assert "add --resume to go on" in str(error.value)
    simulated(folder, resume=True)
    assert files(folder) == expected


class Crash(BaseException):
    """The end of the process, as far as anybody can tell who looks at the disk afterwards."""


def test_the_end_may_be_cut_short_anywhere(tmp_path: Path, expected: Any) -> None:
    """A later run takes the place of an earlier one: at each step of that, the process ends."""
    simulated(tmp_path / "start", seed=5, replicates=32)
    interrupt(tmp_path / "start", 4)
    settings, steps = settings_for(world(NAME), TRIALS, workers=1), 0
    while True:
        folder = tmp_path / f"step-{steps}"
        shutil.copytree(tmp_path / "start", folder)
        with pytest.MonkeyPatch.context() as patch, suppress(Crash):
            crash_after(steps, patch)
            with work_in(folder, world(NAME), settings, resume=True) as work:
                run.complete(work, world(NAME), run.carry_out(work, world(NAME), settings))
            break
        simulated(folder, resume=True)
        assert files(folder) == expected, steps
        steps += 1
    assert files(folder) == expected
    assert steps > 15


def crash_after(steps: int, patch: pytest.MonkeyPatch) -> None:
    """Let so many files and folders be moved or removed, and then no more."""
    left = [steps]

    def crashing(act: Callable[..., Any]) -> Callable[..., Any]:
        def do(*words: Any, **more: Any) -> Any:
            if not left[0]:
                raise Crash
            left[0] -= 1
            return act(*words, **more)

        return do

    for home, name in ((Path, "rename"), (Path, "unlink"), (shutil, "rmtree")):
        patch.setattr(home, name, crashing(getattr(home, name)))
