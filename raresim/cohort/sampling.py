"""Cohorts: virtual patients as tables that say where they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from raresim import __version__, limits
from raresim.cohort.lineage import traced
from raresim.disease import DiseaseModel, Parameters
from raresim.disease.outcomes import EVENTS, Horizon, on_day
from raresim.errors import InputError, Problem
from raresim.files.whole import whole_file
from raresim.streams import LUCK_BLOCK, Luck

if TYPE_CHECKING:
    import pandas as pd

YEARS = 1.0
"""Follow-up for which a cohort's outcomes are drawn."""
COHORT = 2**33
"""The luck block of cohorts: no trial shares it."""


@dataclass(frozen=True)
class Cohort:
    """Artificial patients: one row each, untreated, as at screening and over a year of follow-up.

    Examples
    --------
    >>> from raresim.disease import load_model
    >>> cohort = sample_cohort(load_model("chronic-granulomatous-disease"), n=5, seed=1)
    >>> len(cohort.patients), bool(cohort.patients["artificial"].all())
    (5, True)
    """

    patients: pd.DataFrame
    model: DiseaseModel
    seed: int
    provenance: dict[str, Any] = field(default_factory=dict)
    numbers: Parameters | None = field(default=None, repr=False)

    @property
    def lineage(self) -> dict[str, Any]:
        """What each column is made of, down to its sources (see `raresim.cohort.lineage`)."""
        return traced(self.model, map(str, self.patients.columns), self.numbers)

    def write(self, path: Path) -> None:
        """Write the patients as `.csv`, or as `.parquet` with provenance and lineage inside.

        Raises
        ------
        InputError
            When the name ends in neither, or its folder is missing.
        """
        if path.suffix not in (".csv", ".parquet"):
            mend = "end the name in .csv or .parquet"
            raise InputError(Problem("unknown kind of table", str(path), mend=mend))
        if not path.absolute().parent.is_dir():
            raise InputError(Problem("its folder does not exist", str(path), mend="make it first"))
        with whole_file(path) as fresh:
            if path.suffix == ".csv":
                self.patients.to_csv(fresh, index=False, lineterminator="\n")
            else:
                self._write_parquet(fresh)

    def _write_parquet(self, path: Path) -> None:
        import json

        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pandas(self.patients, preserve_index=False)
        told = self.provenance | {"lineage": self.lineage}
        label = json.dumps(told, sort_keys=True).encode()
        pq.write_table(table.replace_schema_metadata({b"raresim": label}), path)


def sample_cohort(model: DiseaseModel, n: int, seed: int = 1, *, draw: bool = False) -> Cohort:
    """Return `n` untreated virtual patients.

    A cohort has luck of its own, in which patient k is column k % 1024 of unit k // 1024: a cohort
    of 40 is the beginning of one of 60.

    Parameters
    ----------
    model
        From `load_model`.
    n
        Number of patients.
    seed
        Same seed, same patients.
    draw
        Draw the model's parameters from what the evidence allows instead of taking its centre.

    Raises
    ------
    InputError
        When `n` is not between 1 and 1,000,000 (see `raresim.limits`).
    """
    import pandas as pd

    if not 1 <= n <= limits.COHORT.value:
        expected = f"1 to {limits.COHORT.value:,} patients"
        raise InputError(f"n: expected {expected}, got {n:,}; {limits.COHORT.mend}")
    luck = Luck(seed, COHORT)
    numbers = model.parameters(luck).rows(slice(0, 1)) if draw else model.published
    columns = {"patient": np.arange(n)} | _columns(model, n, luck, numbers) | {"artificial": True}
    provenance = {
        "artificial": "no row is a person",
        "raresim": __version__,
        "model": f"{model.stem} {model.spec.version}",
        "seed": seed,
        "parameters": "drawn" if draw else "published",
    }
    return Cohort(pd.DataFrame(columns), model, seed, provenance, numbers)


def _columns(model: DiseaseModel, n: int, luck: Luck, numbers: Parameters) -> dict[str, Any]:
    units = -(-n // LUCK_BLOCK)
    patients = model.sample(luck, units, numbers)
    latents = model.latents(luck, patients, numbers, Horizon(365.25 * YEARS))
    found: dict[str, Any] = {}
    for name, values in model.observed_at_screening(luck, latents, patients).items():
        row = flat(values)[:n]
        states = model.states.get(name)
        found[name] = np.array(states, dtype=object)[row] if states else row
    walked = model.walk(latents)
    for name, process in model.processes.items():
        path = walked[name]
        if isinstance(process, EVENTS):
            early = path.days <= 365.25 * YEARS
            found[f"{name}_in_first_year"] = flat(early.sum(-1))[:n]
            found[f"{name}_day"] = flat(np.where(early[..., 0], path.days[..., 0], np.nan))[:n]
        elif name in model.readers:
            drawn = model.readers[name].luck_of(luck, "year 1", units)
            occasion = on_day("year 1", 365.25 * YEARS)
            read = model.read(name, walked, occasion, drawn)
            found[f"{name}_after_1_year"] = flat(read)[:n]
    return found


def flat(values: Any) -> Any:
    """Return a block's (1024, units) values in the order of the streams, unit by unit."""
    return np.ascontiguousarray(values.T).reshape(-1)
