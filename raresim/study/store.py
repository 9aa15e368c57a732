"""The run folder: manifest, inputs, tables of replicates, summary. Whole, or unfinished."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raresim.errors import InputError, Problem
from raresim.study.made_by import made_by
from raresim.study.parquet import ARTIFICIAL
from raresim.study.resting import resting
from raresim.trial.scenario import Scenario

if TYPE_CHECKING:
    from raresim.study.one_at_a_time import Sensitivity
    from raresim.study.run import Run
    from raresim.study.tasks import Settings

MARK = "manifest.json"
TRIALS, ANALYSES = "replicates/trials.parquet", "replicates/analyses.parquet"
TRUTH, CURVES = "replicates/truth.parquet", "curves.parquet"
UNFINISHED = "unfinished"
"""Inside the folder of a run, what is there of one that is not complete."""
SENSITIVITY = "sensitivity.json"
"""What drives the answer; a run may have been made without."""


@dataclass(frozen=True)
class Kind:
    """A kind of work that is kept in folders.

    Attributes
    ----------
    word
        What people call it.
    mark
        The file of a folder that holds the whole of it; JSON.
    identity_of
        What decided its bytes, from what the mark holds.
    files
        All that such a folder holds, where that is known: what else is there is somebody's own.
    """

    word: str
    mark: str
    identity_of: Callable[[dict[str, Any]], dict[str, Any]]
    files: frozenset[str] = frozenset()

    def prepare(self, folder: Path) -> None:
        """Refuse a folder that holds something other than earlier work of this kind.

        Raises
        ------
        InputError
            When the path is a file, or a folder with foreign content.
        """
        if not folder.exists():
            return
        known = (folder / self.mark).is_file() or (folder / UNFINISHED).is_dir()
        if folder.is_dir():
            found = {path.name for path in folder.iterdir()} - {UNFINISHED}
            if not found or (known and (not self.files or found <= self.files)):
                return
        message = f"holds something that is not a raresim {self.word}"
        mend = f"name a new folder, or one that holds an earlier {self.word}"
        raise InputError(Problem(message, str(folder), mend=mend))


def fill(folder: Path, scenario: Scenario, run: Run, sensitivity: Sensitivity | None) -> None:
    """Write every file of a run into a folder."""
    run.tables.write(folder)
    write_json(run.summary.dict(), folder / "summary.json")
    if sensitivity is not None:
        write_json(sensitivity.dict(), folder / SENSITIVITY)
    (folder / "scenario.yaml").write_text(scenario.document.text, "utf-8")
    (folder / "model.yaml").write_bytes(model_text(scenario))
    write_json(manifest(scenario, run, folder), folder / MARK)


def model_text(scenario: Scenario) -> bytes:
    """Return the model file as it was read, without the sources that were taken away."""
    if scenario.model.text:
        return scenario.model.text.encode()
    return Path(scenario.model.path).read_bytes()


def write_json(data: Any, path: Path) -> None:
    """Write JSON with sorted keys and no NaN."""
    path.write_text(json.dumps(data, indent=1, sort_keys=True, allow_nan=False) + "\n", "utf-8")


def identity(scenario: Scenario, settings: Settings) -> dict[str, Any]:
    """Return everything that decides the bytes of a run: what is run, and what runs it.

    The engine and the workers do not.
    """
    decides = {k: v for k, v in asdict(settings).items() if k not in ("engine", "workers")}
    files = {"scenario.yaml": scenario.document.text.encode(), "model.yaml": model_text(scenario)}
    return {
        **made_by(),
        "settings": decides,
        "scenario": scenario.stem,
        "model": f"{scenario.model.stem} {scenario.model.spec.version}",
        "inputs": {name: hashlib.sha256(text).hexdigest() for name, text in files.items()}
        | {"read": read_hash(scenario)},
    }


def read_hash(scenario: Scenario) -> str:
    """Return the SHA-256 of what was read of a scenario and its model."""
    specs = scenario.spec.model_dump_json() + scenario.model.spec.model_dump_json()
    return hashlib.sha256(specs.encode()).hexdigest()


def manifest(scenario: Scenario, run: Run, folder: Path) -> dict[str, Any]:
    """Return what made the run: versions, hashes, seed, settings."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    whole = identity(scenario, run.settings)
    whole["settings"]["engine"] = run.settings.engine
    return whole | {
        "replicates": run.summary.replicates,
        "lineage": resting(scenario, run.settings.hypothesis),
        "sha256": {str(p.relative_to(folder)): digest(p) for p in files},
        "artificial": ARTIFICIAL,
    }


def identity_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return what `identity` gave for the run of a manifest."""
    settings = {k: v for k, v in manifest.get("settings", {}).items() if k != "engine"}
    keys = (*made_by(), "scenario", "model", "inputs")
    return {key: manifest.get(key) for key in keys} | {"settings": settings}


RUN = Kind("run", MARK, identity_of)
"""Runs of one scenario."""


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
