"""One trial on its own: its log, patients, visits, outcomes and analyses as tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from raresim.alike import take
from raresim.errors import InputError
from raresim.files.whole import whole_folder
from raresim.study import tables
from raresim.study.parquet import ARTIFICIAL
from raresim.trial.cut.known import readings_of
from raresim.trial.engine import BlockRun, run_one, with_registry
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Exit, days

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SingleTrial:
    """One simulated trial as tables; every row is artificial."""

    log: pd.DataFrame
    patients: pd.DataFrame
    visits: pd.DataFrame
    outcomes: pd.DataFrame
    analyses: pd.DataFrame
    trial: pd.DataFrame

    def write(self, folder: Path) -> None:
        """Write each table as CSV into a new or empty folder, all or none."""
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder}: is not empty; name a new folder")
        with whole_folder(folder) as fresh:
            for name, table in vars(self).items():
                marked = table.assign(artificial=True)
                marked.to_csv(fresh / f"{name}.csv", index=False, lineterminator="\n")
            (fresh / "README.txt").write_text(ARTIFICIAL + "\n", "utf-8")


def run_trial(
    scenario: Scenario,
    seed: int = 1,
    replicate: int = 0,
    hypothesis: str | None = None,
    place: str = "centre",
) -> SingleTrial:
    """Run one trial event by event: replicate `replicate` of a simulation with the same seed.

    Raises
    ------
    InputError
        When seed or replicate is negative, or the hypothesis is unknown.
    """
    import pandas as pd

    if seed < 0 or replicate < 0:
        raise InputError("seed and replicate are not negative")
    name = scenario.hypothesis(hypothesis)
    scenario.check_place(place, name)
    run, log = run_one(scenario, name, seed, replicate, place=place)
    entries = [
        (entry.tick, float(days(entry.tick)), entry.what, entry.candidate, entry.detail)
        for entry in log
    ]
    analyses = tables.analyses_table(scenario, run, 0).frame().assign(replicate=replicate)
    trial = tables.trials_table(scenario, run, 0).frame().assign(replicate=replicate)
    drop = ["draw", "enrolled_by_month"]
    own, run = run.ledger.candidate.shape[1], with_registry(run)
    return SingleTrial(
        log=pd.DataFrame(entries, columns=["tick", "day", "what", "candidate", "detail"]),
        patients=_patients(scenario, run, own),
        visits=_visits(scenario, run),
        outcomes=_outcomes(run),
        analyses=analyses.drop(columns="draw"),
        trial=trial.drop(columns=drop),
    )


def _rows(run: BlockRun) -> Any:
    return np.flatnonzero(run.ledger.present[0])


def _day(values: Any) -> Any:
    return np.where(values < NEVER, days(np.where(values < NEVER, values, 0)), np.nan)


def _patients(scenario: Scenario, run: BlockRun, own: int) -> pd.DataFrame:
    """Return a row for each patient; those after the trial's `own` places are a registry's.

    Nobody randomised them and they have no site; their day 0 is time zero.
    """
    import pandas as pd

    ledger, who = run.ledger, _rows(run)
    columns: dict[str, Any] = {
        "candidate": ledger.candidate[0, who],
        "arm": np.array(scenario.arms, dtype=object)[ledger.arm[0, who]],
        "randomised_day": np.where(who < own, _day(ledger.randomised[0, who]), np.nan),
        "stopped_treatment_day": _day(ledger.stop[0, who]),
        "exit_day": _day(ledger.exit[0, who]),
        "exit_reason": [Exit(int(code)).name.lower() for code in ledger.reason[0, who]],
    }
    for number in range(ledger.periods.shape[-1]):
        columns[f"period_{number + 2}_day"] = _day(ledger.periods[0, who, number])
    if scenario.crossings:
        columns["crossed_over_day"] = _day(ledger.crossed[0, who])
    names = {**scenario.model.states, "site": tuple(scenario.spec.design.sites.labels())}
    for name, values in run.fate.baseline.items():
        row = take(values, ledger.candidate)[0, who]
        columns[name] = np.array(names[name], dtype=object)[row] if name in names else row
    columns["site"] = np.where(who < own, columns["site"], "")
    return pd.DataFrame(columns)


def _visits(scenario: Scenario, run: BlockRun) -> pd.DataFrame:
    """Return a row for each visit that took place, with what was read; week 0 is randomisation."""
    import pandas as pd

    ledger = run.ledger
    weeks = [0, *scenario.spec.design.visits.weeks]
    readings = {name: readings_of(run.fate, ledger, name) for name in scenario.model.readers}
    rows = []
    for k in _rows(run):
        ticks = [ledger.randomised[0, k], *ledger.visits[0, k]]
        for visit, tick in enumerate(ticks):
            if tick < NEVER:
                row = {"candidate": ledger.candidate[0, k], "week": weeks[visit]}
                row["day"] = float(days(tick))
                rows.append(row | {name: v[0, k, visit] for name, v in readings.items()})
    return pd.DataFrame(rows, columns=["candidate", "week", "day", *readings])


def _outcomes(run: BlockRun) -> pd.DataFrame:
    """Return a row for each event."""
    import pandas as pd

    rows = [
        (run.ledger.candidate[0, k], name, float(days(tick)))
        for k in _rows(run)
        for name, times in run.ledger.events.items()
        for tick in times[0, k]
        if tick < NEVER
    ]
    return pd.DataFrame(rows, columns=["candidate", "outcome", "day"])
