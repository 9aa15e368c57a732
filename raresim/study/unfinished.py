"""A run in progress: its shards in a folder that one process works in, until the run is complete.

    DIR/unfinished/run.json       what is run, and what runs it
    DIR/unfinished/lock           held by the process that works here
    DIR/unfinished/shards/        a file for each task that is done
    DIR/unfinished/whole/         the files of the run, once all tasks are done

When `whole` is complete it is renamed to `ready`; from then on nothing is worked out any more. Its
files take the place of an earlier run in DIR, and `unfinished` goes. Whoever opens a folder in
which that was cut short brings it to its end first.
"""

from __future__ import annotations

import errno
import json
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from raresim.errors import InputError, LostError, Problem
from raresim.files.durable import PART, TakenError, locked, settle, settle_one, write_durably
from raresim.study import shard, store
from raresim.study.made_by import differences, made_by
from raresim.study.store import UNFINISHED, Kind

RUN = "run.json"
GONE = ".finished"
"""The name under which `unfinished` goes."""
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}
"""What a disk says that takes no more."""
RESUME = "add --resume (in Python resume=True) to go on with it, or name a new folder"


class Piece(Protocol):
    """A piece of work: a task of a run, or what another kind of work is made of."""

    @property
    def name(self) -> str:
        """What no other piece of the work is called."""
        ...


class Unfinished:
    """The shards of a run so far.

    Attributes
    ----------
    heads
        What each shard says of itself, by the name of its task.
    remade
        Shards that were found damaged and are made again.
    """

    def __init__(self, place: Path, folder: Path | None = None, kind: Kind = store.RUN) -> None:
        self.place, self.folder, self._kind = place, folder, kind
        self.heads: dict[str, dict[str, Any]] = {}
        self.remade: list[str] = []
        self._shards = place / "shards"
        self._shards.mkdir(exist_ok=True)

    @property
    def whole(self) -> Path:
        """Where the files of the run are put together."""
        return self.place / "whole"

    def path(self, task: Piece) -> Path:
        """Return where the shard of a task is."""
        return self._shards / f"{task.name}.shard"

    def keep(self, task: Piece, data: bytes) -> dict[str, Any]:
        """Write the shard of a task that is done, and return its head.

        Raises
        ------
        LostError
            When it was damaged on its way here, or comes from a worker of another version.
        """
        try:  # what is not kept goes from memory to the disk of this machine, and back
            head = shard.head(data) if self.folder is None else shard.checked(data)
        except shard.DamagedError as error:
            raise LostError(f"what a worker sent for {task.name} is damaged: {error}") from error
        if apart := differences(head["made_by"], made_by()):
            message = f"a worker is not like this machine: {'; '.join(apart)}"
            raise LostError(f"{message}; install the same versions on both")
        if self.folder is None:
            self.path(task).write_bytes(data)
        else:
            write_durably(self.path(task), data)
        self.heads[task.name] = head
        return head

    def recall(self) -> None:
        """Check every shard of an earlier process; remove those that are damaged."""
        for path in sorted(self._shards.iterdir()):
            try:
                if path.suffix == PART:
                    raise shard.DamagedError("it is not complete")
                head = shard.checked(path.read_bytes())
            except shard.DamagedError:
                if path.suffix != PART:
                    self.remade.append(path.stem)
                path.unlink()
            else:
                self.heads[path.stem] = head

    def finish(self, folder: Path) -> None:
        """Let the files in `whole` take the place of what the folder holds."""
        settle(self.whole)
        self.whole.rename(self.place / "ready")
        _move_in(folder, self._kind)


@contextmanager
def in_passing() -> Iterator[Unfinished]:
    """Give a place for a run that is not kept; its owner calls `forget_with` or it goes."""
    place = Path(tempfile.mkdtemp(prefix="raresim-"))
    try:
        yield Unfinished(place)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def forget_with(owner: object, place: Path) -> None:
    """Remove a folder when its owner is forgotten, or at the end of the process."""
    weakref.finalize(owner, shutil.rmtree, place, ignore_errors=True)


@contextmanager
def kept_in(
    folder: Path, identity: dict[str, Any], *, resume: bool, kind: Kind = store.RUN
) -> Iterator[Unfinished]:
    """Give the place of work that is kept in a folder, empty or as an earlier process left it.

    Raises
    ------
    InputError
        When another process works there, when there is an unfinished run and `resume` is false, or
        when what is there is another run than this one.
    LostError
        When the disk is full, or a worker vanished: the message says how to go on.
    KeyboardInterrupt
        When somebody stops the work: the message says how to go on.
    """
    kind.prepare(folder)
    place = folder / UNFINISHED
    was_there = folder.exists()
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot be made: {error.strerror}"
        mend = "name a folder that you may write to"
        raise InputError(Problem(message, str(folder), mend=mend)) from error
    try:
        with locked(place / "lock"):
            work = _opened(folder, identity, kind, resume=resume)
            try:
                with _told(work):
                    yield work
            finally:
                if place.is_dir() and not work.heads:
                    _leave(folder, was_there)
    except TakenError as error:
        message, mend = "another process works in this folder", "wait for it, or name a new folder"
        problem = Problem(message, str(folder), found=str(error), mend=mend)
        raise InputError(problem) from error


def _leave(folder: Path, was_there: bool) -> None:
    """Take away a place in which nothing was done."""
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
    if not was_there:
        with suppress(OSError):
            folder.rmdir()


def _opened(folder: Path, identity: dict[str, Any], kind: Kind, *, resume: bool) -> Unfinished:
    place = folder / UNFINISHED
    work = Unfinished(place, folder, kind)
    if (place / RUN).is_file():
        work.recall()
        if work.heads and not resume:
            message = f"holds an unfinished run, {len(work.heads)} pieces of it done"
            raise InputError(Problem(message, str(folder), mend=RESUME))
        if work.heads:
            _same(folder, json.loads((place / RUN).read_text("utf-8")), identity)
    shutil.rmtree(work.whole, ignore_errors=True)
    write_durably(place / RUN, json.dumps(identity, indent=1, sort_keys=True).encode() + b"\n")
    return work


def is_finished(
    folder: Path, identity: dict[str, Any], *, resume: bool, kind: Kind = store.RUN
) -> bool:
    """Whether a folder holds the whole of this work, so that there is nothing to resume.

    Raises
    ------
    InputError
        When it is to be resumed and holds the whole of another run.
    """
    _recover(folder, kind)
    if not resume or (folder / UNFINISHED).is_dir() or not (folder / kind.mark).is_file():
        return False
    found = json.loads((folder / kind.mark).read_text("utf-8"))
    _same(folder, kind.identity_of(found), identity)
    return True


def _same(folder: Path, found: dict[str, Any], identity: dict[str, Any]) -> None:
    """Refuse to go on with another run than this one."""
    found = json.loads(json.dumps(found))
    if apart := differences(found, json.loads(json.dumps(identity))):
        mend = "run it as it was begun, or name a new folder"
        raise InputError(
            Problem(
                "holds another run than the one to be resumed",
                str(folder),
                found="; ".join(apart),
                mend=mend,
            )
        )


@contextmanager
def _told(work: Unfinished) -> Iterator[None]:
    """Say how to go on, whatever ends the work before its time."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"interrupted; {_left(work)}") from stop
    except LostError as error:
        raise LostError(f"{error}\n    {_left(work)}") from error
    except OSError as error:
        if error.errno not in DISK:
            raise
        message = f"{work.folder}: the disk takes no more: {error.strerror or error}"
        raise LostError(f"{message}\n    make room, then: {_left(work)}") from error


def _left(work: Unfinished) -> str:
    if not work.heads:
        return "nothing was written"
    return f"{work.folder} keeps the {len(work.heads)} pieces done; add --resume to go on"


def _recover(folder: Path, kind: Kind) -> None:
    """Bring to its end what was cut short while a complete run took its place."""
    if folder.is_dir():
        shutil.rmtree(folder / GONE, ignore_errors=True)
    place = folder / UNFINISHED
    if (place / "ready").is_dir() or (place / "moving").is_dir():
        with suppress(TakenError), locked(place / "lock"):
            _move_in(folder, kind)


def _move_in(folder: Path, kind: Kind) -> None:
    """Move a complete run into its folder; may be done again wherever it was cut short."""
    place = folder / UNFINISHED
    ready, moving = place / "ready", place / "moving"
    if ready.is_dir():
        for path in folder.iterdir():
            if path != place:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        ready.rename(moving)
    # the mark comes last
    for path in sorted(moving.iterdir(), key=lambda path: path.name == kind.mark):
        path.rename(folder / path.name)
    settle_one(folder)
    place.rename(folder / GONE)
    shutil.rmtree(folder / GONE, ignore_errors=True)
