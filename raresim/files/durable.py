"""Files that outlive a crash, and a lock that does not.

What is written durably is on the disk under its name, or not there at all, also when the power
fails. A lock is held by an open file: it goes with the process that holds it, however that ends.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: two processes are then not kept apart
    fcntl = None  # type: ignore[assignment]

PART = ".part"
"""How the name of a file ends that is not complete."""


class TakenError(Exception):
    """Another process holds the lock; the message says which."""


def write_durably(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and wait until the disk has it.

    Raises
    ------
    OSError
        When the disk is full or does not answer; nothing is left of the file then.
    """
    part = path.with_name(path.name + PART)
    try:
        with part.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def settle(folder: Path) -> None:
    """Wait until the disk has every file in a folder, and their names."""
    for path in (*folder.rglob("*"), folder):
        settle_one(path)


def settle_one(path: Path) -> None:
    """Wait until the disk has a file, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock, on a file that is made if it is not there.

    Raises
    ------
    TakenError
        When another process holds it.
    """
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _take(handle)
            if _is_still(handle, path):
                os.ftruncate(handle, 0)
                os.write(handle, f"process {os.getpid()} on {socket.gethostname()}".encode())
                yield
                return
        finally:
            os.close(handle)


def _take(handle: int) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        who = os.pread(handle, 200, 0).decode("utf-8", "replace")
        raise TakenError(who or "another process") from error


def _is_still(handle: int, path: Path) -> bool:
    """Whether an open file is the one at the path: its last holder may have moved it away."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(handle), path.stat())
    return False
