"""Comparisons of `raresim.analysis` with other software and closed forms, a module for each room.

Each module beside this one has a function `comparisons()` that returns its list.
"""

from __future__ import annotations

import importlib
import pkgutil

from tests.oracle.validation.comparison import Comparison


def comparisons() -> list[Comparison]:
    """Return the comparisons of all rooms, in the order of their modules' names."""
    found: list[Comparison] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        if module.name != "comparison":
            found += importlib.import_module(f"{__name__}.{module.name}").comparisons()
    return found
