"""The run folder: manifest, inputs, tables of replicates, summary. Written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raresim import __version__
from raresim.errors import InputError, Problem
from raresim.files.whole import whole_folder
from raresim.streams import CONTRACT, LUCK_BLOCK
from raresim.study.resting import resting
from raresim.trial.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from raresim.study.one_at_a_time import Sensitivity
    from raresim.study.run import Run

MARK = "manifest.json"
SENSITIVITY = "sensitivity.json"
"""What drives the answer; a run may have been made without."""
ARTIFICIAL = "These rows are artificial: simulated by raresim, no row is a person."


def prepare(folder: Path) -> None:
    """Refuse a folder that holds something other than an earlier run.

    Raises
    ------
    InputError
        When the path is a file, or a folder with foreign content.
    """
    if not folder.exists():
        return
    if folder.is_dir() and (not any(folder.iterdir()) or (folder / MARK).is_file()):
        return
    mend = "name a new folder, or one that holds an earlier run"
    raise InputError(Problem("holds something that is not a raresim run", str(folder), mend=mend))


def write(
    folder: Path, scenario: Scenario, run: Run, sensitivity: Sensitivity | None = None
) -> None:
    """Write the run folder; an earlier run there is replaced only when the new one is complete."""
    with whole_folder(folder) as fresh:
        fill(fresh, scenario, run, sensitivity)


def fill(folder: Path, scenario: Scenario, run: Run, sensitivity: Sensitivity | None) -> None:
    """Write every file of a run into a folder."""
    tables = folder / "replicates"
    tables.mkdir()
    write_table(run.trials, tables / "trials.parquet")
    write_table(run.analyses, tables / "analyses.parquet")
    write_table(run.curves, folder / "curves.parquet")
    write_json(run.summary.dict(), folder / "summary.json")
    if sensitivity is not None:
        write_json(sensitivity.dict(), folder / SENSITIVITY)
    (folder / "scenario.yaml").write_text(scenario.document.text, "utf-8")
    if scenario.model.text:  # as it was read, without the sources that were taken away
        (folder / "model.yaml").write_text(scenario.model.text, "utf-8")
    else:
        shutil.copyfile(scenario.model.path, folder / "model.yaml")
    write_json(manifest(scenario, run, folder), folder / MARK)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a Parquet file that says that its rows are artificial."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    arrow = arrow.replace_schema_metadata({b"raresim": ARTIFICIAL.encode()})
    pq.write_table(arrow, path)


def write_json(data: Any, path: Path) -> None:
    """Write JSON with sorted keys and no NaN."""
    path.write_text(json.dumps(data, indent=1, sort_keys=True, allow_nan=False) + "\n", "utf-8")


def manifest(scenario: Scenario, run: Run, folder: Path) -> dict[str, Any]:
    """Return what made the run: versions, hashes, seed, settings."""
    from importlib.metadata import version

    packages = ("numpy", "scipy", "pandas", "pyarrow", "simpy")
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {
        "raresim": __version__,
        "luck": {"contract": CONTRACT, "block": LUCK_BLOCK},
        "settings": asdict(run.settings),
        "scenario": scenario.stem,
        "model": f"{scenario.model.stem} {scenario.model.spec.version}",
        "lineage": resting(scenario, run.settings.hypothesis),
        "python": platform.python_version(),
        "processor": platform.machine(),
        "packages": {name: version(name) for name in packages},
        "sha256": {str(p.relative_to(folder)): digest(p) for p in files},
        "artificial": ARTIFICIAL,
    }


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
