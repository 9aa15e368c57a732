"""Writing whole or not at all: what is interrupted leaves nothing, and what was there stays.

Each works on a fresh name in the same folder, which takes the place of the old one by renaming once
everything is written.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give an empty file to write into; it takes the place of `path` when the block ends well."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    fresh = Path(name)
    try:
        yield fresh
        fresh.chmod(0o644)  # mkstemp makes a private file
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it takes the place of `path` when the block ends well."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield fresh
        fresh.chmod(0o755)  # mkdtemp makes a private folder
        _exchange(fresh, path)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _exchange(fresh: Path, path: Path) -> None:
    """Rename `fresh` to `path`; what is there is set aside, put back on a failure, else removed."""
    if not path.exists():
        fresh.rename(path)
        return
    old = path.rename(fresh.with_name(f"{fresh.name}.old"))
    try:
        fresh.rename(path)
    except BaseException:
        old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)
