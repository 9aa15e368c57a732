"""Where the shipped models and scenarios are, from any folder and however raresim was installed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from raresim.errors import InputError, Problem, did_you_mean

_NAME = re.compile(r"(?P<stem>[a-z0-9][a-z0-9-]*)(?:@(?P<major>\d+))?")


def folder(kind: str) -> Path:
    """Return the folder of shipped `models`, `scenarios` or `backtests`."""
    if kind == "backtests":
        return folder("scenarios") / kind
    package = Path(__file__).parent
    installed = package / "_shipped" / kind
    return installed if installed.is_dir() else package.parent / kind


def shipped(kind: str) -> dict[str, Path]:
    """Return the shipped files of a kind by name (the file's stem)."""
    return {path.stem: path for path in sorted(folder(kind).glob("*.yaml"))}


def grades() -> dict[str, dict[str, Any]]:
    """Return the grades of the shipped models, as they were worked out when they were shipped."""
    found: dict[str, dict[str, Any]] = json.loads(
        (folder("models") / "grades.json").read_text("utf-8")
    )
    return found


def find(kind: str, name: str) -> Path:
    """Return the file that a name or path means: an existing path, else a shipped name.

    Raises
    ------
    InputError
        When there is neither a file nor a shipped name.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        inside = folder(kind) / path.name
        return (
            inside if not is_there(path) and path.parent.name == kind and inside.exists() else path
        )
    found = shipped(kind).get(split_version(name)[0])
    if found is None:
        hint = did_you_mean(name, shipped(kind))
        raise InputError(Problem(f"no {kind[:-1]} is called {name!r}", mend=hint))
    return found


def is_there(path: Path) -> bool:
    """Whether there is such a file; a name that no file can have names none."""
    try:
        return path.exists()
    except OSError:
        return False


def split_version(name: str) -> tuple[str, int | None]:
    """Split `friedreich-ataxia@1` into its name and major version.

    >>> split_version("friedreich-ataxia@1")
    ('friedreich-ataxia', 1)
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return name, None
    return found["stem"], int(found["major"]) if found["major"] else None
