"""What made some numbers: a scenario and a seed give the same bytes on the same of these."""

from __future__ import annotations

import functools
import platform
from typing import Any

from raresim import __version__
from raresim.streams import CONTRACT, LUCK_BLOCK

PACKAGES = ("numpy", "scipy", "pandas", "pyarrow", "simpy")


@functools.cache
def made_by() -> dict[str, Any]:
    """Return the versions of raresim, its luck and what it computes with, and the processor."""
    from importlib.metadata import version

    return {
        "raresim": __version__,
        "luck": {"contract": CONTRACT, "block": LUCK_BLOCK},
        "python": platform.python_version(),
        "processor": platform.machine(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Return where two trees of plain data differ, with both values.

    >>> differences({"a": {"b": 1}, "c": 2}, {"a": {"b": 3}, "c": 2})
    ['a.b: 1, here 3']
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            line
            for key in sorted({*one, *other})
            for line in differences(one.get(key), other.get(key), f"{path}.{key}".lstrip("."))
        ]
    return [] if one == other else [f"{path}: {one}, here {other}"]
