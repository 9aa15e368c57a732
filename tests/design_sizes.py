"""Measured sizes of the shipped designs: where they stand, and which files they are of."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from raresim import catalogue
from raresim.files import read
from raresim.trial.nuisance import PARTS

FILE = Path(__file__).parent / "statistical" / "design_sizes.json"
SEED = 1
WORDS = ("why", "source", "note", "derived", "seen", "label", "sources")
"""Keys that tell where a number comes from, or what people call it, and never what it is."""
AT_A_PUBLISHED_NUMBER = "where"
"""A place in a publication beside `source`; elsewhere it is a condition."""


def shipped() -> list[str]:
    """Return the names of the shipped scenarios; back-tests stand in a folder of their own."""
    return list(catalogue.shipped("scenarios"))


def mark(name: str) -> str:
    """Return the hash of what moves the size of a shipped design; words leave it as it is."""
    data = read(catalogue.shipped("scenarios")[name]).data
    model = catalogue.split_version(data["truth"]["model"])[0]
    moves = [*of_scenario(data), of_model(read(catalogue.shipped("models")[model]).data)]
    text = json.dumps(moves, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def of_scenario(data: dict[str, Any]) -> list[Any]:
    """Return what a size hangs on of a scenario: the null hypotheses are all that are run."""
    truth, design = dict(data["truth"]), dict(data["design"])
    hypotheses = truth["hypotheses"]
    truth["hypotheses"] = {name: hypotheses[name] for name in design["nulls"]}
    truth.pop("uncertainty", None)
    design.pop("costs", None)
    design["arms"] = {name: arm.get("periods") for name, arm in design["arms"].items()}
    design["treatments"] = list(design.get("treatments", []))
    return [without_words(part) for part in (truth, design, data["analysis"])]


def of_model(data: dict[str, Any]) -> Any:
    """Return what a size hangs on of a model file: what it says of patients."""
    return without_words({part: data.get(part) for part in (*PARTS, "branches")})


def without_words(value: Any) -> Any:
    """Return plain data without what only tells where numbers come from."""
    if isinstance(value, list):
        return [without_words(item) for item in value]
    if not isinstance(value, dict):
        return value
    left_out = {*WORDS, AT_A_PUBLISHED_NUMBER} if "source" in value else {*WORDS}
    return {str(key): without_words(v) for key, v in value.items() if key not in left_out}


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
