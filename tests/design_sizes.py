"""Measured sizes of the shipped designs: where they stand, and which files they are of."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from raresim import catalogue
from raresim.files import read

FILE = Path(__file__).parent / "statistical" / "design_sizes.json"
SEED = 1
WORLD = ("truth", "design", "analysis")
"""Parts of a scenario file that a size hangs on."""


def shipped() -> list[str]:
    """Return the names of the shipped scenarios; back-tests stand in a folder of their own."""
    return list(catalogue.shipped("scenarios"))


def mark(name: str) -> str:
    """Return the hash of what a scenario file says; comments and citations leave it as it is."""
    data = read(catalogue.shipped("scenarios")[name]).data
    text = json.dumps({part: data[part] for part in WORLD}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stated() -> dict[str, dict[str, Any]]:
    """Return what was measured, by scenario."""
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def write(found: dict[str, dict[str, Any]]) -> None:
    """Write what was measured, a line for each cell."""
    parts = []
    for name, one in found.items():
        head = {key: value for key, value in one.items() if key != "cells"}
        cells = ",\n  ".join(json.dumps(cell) for cell in one["cells"])
        parts.append(f'{json.dumps(name)}: {json.dumps(head)[:-1]}, "cells": [\n  {cells}]}}')
    FILE.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
