"""What a report reads: a run folder, and nothing else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raresim.errors import InputError, Problem
from raresim.files import read
from raresim.study.store import SENSITIVITY
from raresim.trial.scenario import Scenario, build

FILES = (
    "manifest.json",
    "summary.json",
    "scenario.yaml",
    "model.yaml",
    "curves.parquet",
    "replicates/trials.parquet",
)
DRIVES = ("hypothesis", "by_uncertainty", "benefit", "centre", "moves")
SETTINGS = ("hypothesis", "replicates", "seed", "place", "resolution", "engine")
PARTS = (
    "question",
    "hypothesis",
    "is_null",
    "uncertainty",
    "replicates",
    "draws",
    "success",
    "success_estimand",
    "chance_of_benefit",
    "estimands",
    "trial",
    "enrolment",
)
AGAIN = "simulate the scenario again with `raresim simulate SCENARIO -o DIR`"


@dataclass(frozen=True)
class RunFolder:
    """A run as read back from its folder.

    Attributes
    ----------
    manifest, summary
        The two JSON files.
    scenario
        The scenario with its model, built from the two YAML files in the folder.
    stem
        The name under which the scenario was run.
    changed
        Files whose content is no longer the one that the manifest recorded.
    sensitivity
        What drives the answer, None where the run did not ask.
    """

    path: Path
    manifest: dict[str, Any]
    summary: dict[str, Any]
    scenario: Scenario
    stem: str
    changed: tuple[str, ...]
    sensitivity: dict[str, Any] | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """What was run."""
        found: dict[str, Any] = self.manifest["settings"]
        return found

    @property
    def hypothesis(self) -> str:
        """The hypothesis that was simulated."""
        return str(self.settings["hypothesis"])

    @property
    def without(self) -> list[str]:
        """The sources that were taken away from the model."""
        _, _, named = str(self.manifest["model"]).partition(" without ")
        return named.rpartition(" ")[0].split(", ") if named else []


def load(folder: Path) -> RunFolder:
    """Read a run folder.

    Raises
    ------
    InputError
        When the folder is not a run, or its parts do not belong together.
    """
    from raresim.disease import load_model

    _complete(folder)
    manifest = _json(folder / "manifest.json", ("settings", "scenario", "model"))
    _keys(folder / "manifest.json", manifest["settings"], SETTINGS)
    summary = _json(folder / "summary.json", PARTS)
    stem = str(manifest["scenario"])
    model = load_model(folder / "model.yaml")
    scenario = build(read(folder / "scenario.yaml"), model, stem)
    asked = (folder / SENSITIVITY).is_file()
    drives = _json(folder / SENSITIVITY, DRIVES) if asked else None
    run = RunFolder(folder, manifest, summary, scenario, stem, _changed(folder, manifest), drives)
    _belong_together(run)
    return run


def table(run: RunFolder, name: str, columns: list[str]) -> dict[str, Any]:
    """Return columns of one of the run's Parquet files as NumPy arrays, lists as (rows, items)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = run.path / name
    try:
        arrow = pq.ParquetFile(path).read(columns=columns)
        return {column: _array(arrow.column(column).combine_chunks()) for column in columns}
    except (pa.ArrowException, KeyError, OSError, BufferError) as error:
        expected = "a table with the columns " + ", ".join(columns)
        problem = Problem("cannot be read", str(path), expected=expected, mend=AGAIN)
        raise InputError(problem) from error


def _array(values: Any) -> Any:
    """Return an Arrow array as NumPy; `to_numpy` would import pandas for it."""
    import numpy as np
    import pyarrow as pa

    if pa.types.is_list(values.type):
        return np.from_dlpack(values.flatten()).reshape(len(values), -1)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return np.array(values.to_pylist(), dtype=object)
    return np.from_dlpack(values)


def _complete(folder: Path) -> None:
    """Refuse a folder that lacks a part of a run."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        expected = "a folder that `raresim simulate` wrote"
        raise InputError(
            Problem("is not a run folder", str(folder), found=found, expected=expected, mend=AGAIN)
        )
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        held = sorted(path.name for path in folder.iterdir())
        found = ", ".join(held[:8]) + (", ..." if len(held) > 8 else "") if held else "nothing"
        message = f"is not a run folder: {', '.join(missing)} missing"
        raise InputError(
            Problem(message, str(folder), found=found, expected=", ".join(FILES), mend=AGAIN)
        )


def _json(path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            Problem("is not JSON", str(path), expected="a run's file", mend=AGAIN)
        ) from error
    _keys(path, data, keys)
    found: dict[str, Any] = data
    return found


def _keys(path: Path, data: object, keys: tuple[str, ...]) -> None:
    lacking = [key for key in keys if key not in data] if isinstance(data, dict) else list(keys)
    if lacking:
        message = f"lacks {', '.join(lacking)}"
        raise InputError(Problem(message, str(path), expected=", ".join(keys), mend=AGAIN))


def _changed(folder: Path, manifest: dict[str, Any]) -> tuple[str, ...]:
    """Return the files that are not the ones whose hashes the manifest holds."""
    hashes = manifest.get("sha256", {})
    names = (*FILES[1:], SENSITIVITY)
    return tuple(name for name in names if _digest(folder / name) != hashes.get(name))


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _belong_together(run: RunFolder) -> None:
    """Refuse a summary of another scenario than the one beside it."""
    spec, summary, place = run.scenario.spec, run.summary, str(run.path)
    run.scenario.hypothesis(run.hypothesis)
    pairs: list[tuple[str, object, object]] = [
        ("hypothesis", summary["hypothesis"], run.hypothesis),
        ("uncertainty", summary["uncertainty"], spec.truth.uncertainty),
        ("estimands", sorted(summary["estimands"]), sorted(spec.analysis.estimands)),
    ]
    if run.sensitivity is not None:
        pairs.append(("sensitivity", run.sensitivity["hypothesis"], run.hypothesis))
    for what, found, expected in pairs:
        if found != expected:
            message = f"summary.json and scenario.yaml do not belong together: {what}"
            raise InputError(
                Problem(message, place, found=str(found), expected=str(expected), mend=AGAIN)
            )
