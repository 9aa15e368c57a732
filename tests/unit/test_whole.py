"""Writing whole or not at all: an interruption leaves nothing, and the old one stays."""

import os
from pathlib import Path

import pytest

from raresim.files.whole import whole_file, whole_folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_there_only_when_it_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    with whole_file(path) as fresh:
        fresh.write_text("new", "utf-8")
        assert fresh.parent == tmp_path
        assert not path.exists()
    assert path.read_text("utf-8") == "new"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_takes_the_place_of_the_old_one_with_all_that_it_held(tmp_path):
    path = tmp_path / "deep" / "run"
    for content in ("old", "new"):
        with whole_folder(path) as fresh:
            (fresh / f"{content}.txt").write_text(content, "utf-8")
        assert names(path) == [f"{content}.txt"]
    assert names(path.parent) == ["run"]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_others_may_read_what_was_written(tmp_path):
    with whole_file(tmp_path / "a.txt"), whole_folder(tmp_path / "run"):
        pass
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("before", ["", "old"])
def test_an_interrupted_file_leaves_nothing_and_keeps_the_old_one(tmp_path, error, before):
    path = tmp_path / "a.txt"
    if before:
        path.write_text(before, "utf-8")
    with pytest.raises(error), whole_file(path) as fresh:
        fresh.write_text("half", "utf-8")
        raise error
    assert names(tmp_path) == ["a.txt"] * bool(before)
    assert not before or path.read_text("utf-8") == before


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("before", ["", "old"])
def test_an_interrupted_folder_leaves_nothing_and_keeps_the_old_one(tmp_path, error, before):
    path = tmp_path / "run"
    if before:
        path.mkdir()
        (path / before).write_text(before, "utf-8")
    with pytest.raises(error), whole_folder(path) as fresh:
        (fresh / "half").write_text("half", "utf-8")
        raise error
    assert names(tmp_path) == ["run"] * bool(before)
    assert not before or names(path) == [before]


def test_the_old_folder_comes_back_when_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    path = tmp_path / "run"
    path.mkdir()
    (path / "old").write_text("old", "utf-8")
    rename, calls = Path.rename, []

    def second_fails(self, target):
        calls.append(self)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", second_fails)
    with pytest.raises(KeyboardInterrupt), whole_folder(path) as fresh:
        (fresh / "new").write_text("new", "utf-8")
    assert names(tmp_path) == ["run"]
    assert names(path) == ["old"]


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "far")
    with whole_folder(tmp_path / "run") as fresh:
        (fresh / "new").write_text("new", "utf-8")
    assert (tmp_path / "run").is_symlink()
    assert names(tmp_path / "far") == ["new"]
    assert names(tmp_path) == ["far", "run"]
