"""An answer in a folder of its own: its numbers as NAME.json, its picture as NAME.svg."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from raresim.errors import InputError, Problem
from raresim.files.whole import whole_folder
from raresim.study.store import write_json


def parts(name: str) -> tuple[str, str]:
    """Return the names of the two files.

    >>> parts("size")
    ('size.json', 'size.svg')
    """
    return f"{name}.json", f"{name}.svg"


def prepare(folder: Path, name: str) -> None:
    """Refuse a folder that holds something other than an earlier answer of this name.

    Raises
    ------
    InputError
        When the path is a file, or a folder with foreign content.
    """
    if not folder.exists() or (
        folder.is_dir() and {path.name for path in folder.iterdir()} <= {*parts(name)}
    ):
        return
    mend = f"name a new folder, or one that holds an earlier {name}"
    raise InputError(Problem(f"holds something that is not a {name}", str(folder), mend=mend))


def write(folder: Path, name: str, answer: dict[str, Any], picture: str) -> None:
    """Write an answer and the text of its picture into a folder, whole or not at all."""
    numbers, drawing = parts(name)
    with whole_folder(folder) as fresh:
        write_json(answer, fresh / numbers)
        (fresh / drawing).write_text(picture, "utf-8")
