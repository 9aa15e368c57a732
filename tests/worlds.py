"""Small worlds for tests: scenarios made from the shipped ones, and engine runs compared."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from raresim.alike import take
from raresim.disease import DiseaseModel, load_model
from raresim.files import parse
from raresim.files.whole import whole_folder
from raresim.study import sensitivity, simulate, store
from raresim.trial import BlockRun, Scenario, load_scenario
from raresim.trial.fate.decided import Fate
from raresim.trial.fate.life import Lives
from raresim.trial.fate.roster import Roster
from raresim.trial.scenario import build
from raresim.trial.ticks import NEVER

CGD, ATAXIA = "cgd-interferon-gamma", "friedreich-48-weeks"
FILES = Path(__file__).parent / "oracle" / "files"
SHARED = Path(__file__).parents[2] / "shared"


def world(name: str, changes: Mapping[str, Any] | None = None) -> Scenario:
    """Return a shipped scenario with some of its values changed."""
    return _shipped(name).changed(changes or {})


@functools.cache
def _shipped(name: str) -> Scenario:
    """Load a shipped scenario once: nothing that is loaded is ever changed."""
    return load_scenario(name)


def scenario_from(text: str, model: Path) -> Scenario:
    """Return a scenario written out in a test, on a model file."""
    return build(parse(text), loaded(model), "test")


def loaded(model: Path) -> DiseaseModel:
    """Load a model file that a test wrote; the same text, in whichever folder, is loaded once."""
    text = model.read_text("utf-8")
    if (model.stem, text) not in _LOADED:
        _LOADED[model.stem, text] = load_model(model)
    found = copy.copy(_LOADED[model.stem, text])  # with the numbers that it has worked out
    object.__setattr__(found, "path", str(model))
    return found


_LOADED: dict[tuple[str, str], DiseaseModel] = {}


def same_arrays(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two arrays are equal to the last bit, but for columns that hold nothing.

    Events nobody had, and candidates beyond those who were screened: an engine may need to look
    at more of them to know that recruitment was over.
    """
    width = min(first.shape[-1], second.shape[-1]) if first.ndim > 1 else None
    for array in (first, second):
        if width is not None and not (array[..., width:] == NEVER).all():
            return False
    a, b = (array[..., :width] if width else array for array in (first, second))
    return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))


def by_candidate(found: Fate) -> Fate:
    """Return a fate whose lives stand in the order of candidates, not in that of the roster.

    Lives of candidates who are not on the roster are not their own.
    """
    order = found.roster.place
    itself = np.broadcast_to(np.arange(found.candidates), order.shape)
    arms = tuple(life.map(lambda value: take(value, order)) for life in found.lives.arms)
    return replace(found, roster=Roster(itself, itself), lives=Lives(lambda: arms), screened=None)


def differences(first: BlockRun, second: BlockRun) -> list[str]:
    """Name everything in which two runs of the same trials differ."""
    found = []
    left, right = first.ledger.arrays(), second.ledger.arrays()
    found += [f"ledger.{k}" for k in left if not same_arrays(left[k], right[k])]
    if not np.array_equal(first.performed, second.performed):
        found.append("milestone ticks")
    for look, record in first.analyst.records.items():
        other = second.analyst.records[look]
        for key, values in record.items():
            if not np.array_equal(values, other[key], equal_nan=values.dtype.kind == "f"):
                found.append(f"{look.milestone}.{look.estimand}.{key}")
    return found


def whole_run(name: str | Path, folder: Path) -> Path:
    """Write a small run folder with everything in it that a report shows."""
    scenario = load_scenario(name)
    run = simulate(scenario, 64, 1, workers=1)
    with whole_folder(folder) as fresh:
        store.fill(fresh, scenario, run, sensitivity(scenario, 16, 1, workers=1, run=run))
    return folder
