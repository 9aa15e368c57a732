"""`cohort`, `trial`, `simulate`, `sensitivity`, `report`: run, show progress, write, answer."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raresim import study
from raresim.cli import answers
from raresim.cli.output import Manner, print_json
from raresim.errors import InputError
from raresim.study import Run, Sensitivity, Settings
from raresim.study.unfinished import Unfinished
from raresim.trial import Scenario, load_scenario
from raresim.trial.engine import refusal

ENDS_MOST = 512
"""Trials for each end of each number: enough to see which numbers matter."""


def cohort(model: str, n: int, seed: int, draw: bool, output: Path | None, manner: Manner) -> None:
    """Sample patients; write them, or print them as CSV or JSON."""
    from raresim.cohort import sample_cohort
    from raresim.disease import load_model

    found = sample_cohort(load_model(model), n, seed, draw=draw)
    if output is not None:
        found.write(output)
    if manner.as_json:
        print_json({"artificial": True, "patients": answers.records(found.patients)})
    elif output is None:
        sys.stdout.write(found.patients.to_csv(index=False, lineterminator="\n"))
    else:
        manner.remark(f"{n} artificial patients of {found.model.spec.name} written to {output}")


def trial(
    name: str,
    seed: int,
    replicate: int,
    options: dict[str, Any],
    output: Path | None,
    manner: Manner,
) -> None:
    """Run one trial and print how it went."""
    found = study.run_trial(load_scenario(name), seed, replicate, **options)
    if output is not None:
        found.write(output)
    if manner.as_json:
        frames = {"trial": found.trial, "analyses": found.analyses}
        print_json({key: answers.records(frame) for key, frame in frames.items()})
        return
    answers.trial(found, seed, replicate, manner)
    if output is not None:
        manner.remark(f"tables written to {output}")


@dataclass(frozen=True)
class Asked:
    """What `simulate` is asked for; `options` are those of `study.settings_for`."""

    name: str
    without: tuple[str, ...]
    replicates: int | None
    seed: int
    options: dict[str, Any]
    dask: str | None
    report: bool
    sensitivity: bool


def simulate(asked: Asked, output: Path | None, manner: Manner, *, resume: bool) -> None:
    """Simulate a scenario, print its operating characteristics, and write a run folder."""
    scenario = load_scenario(asked.name, asked.without)
    settings = study.settings_for(scenario, asked.replicates, asked.seed, **asked.options)
    if output is None and resume:
        raise InputError("--resume: there is nothing to resume without a folder; add -o DIR")
    if output is None:
        study.passing(lambda work: _simulate(work, scenario, settings, asked, manner))
        return
    if (finished := study.finished(output, scenario, settings, resume=resume)) is not None:
        _answer(scenario, finished, manner)
        manner.remark(f"{output} holds the whole of this run; nothing was left to do")
        return
    with study.work_in(output, scenario, settings, resume=resume) as work:
        _said_of(work, output, manner)
        run = _simulate(work, scenario, settings, asked, manner)
        drives = None
        if asked.sensitivity and asked.report and settings.place == "centre":
            trials = min(run.summary.replicates, ENDS_MOST)
            drives = _sensitivity(scenario, trials, asked.seed, asked.options, run, manner)
        study.complete(work, scenario, run, drives, _report(manner) if asked.report else None)
    what = "tables, summary and report.html" if asked.report else "tables and summary"
    manner.remark(f"{what} written to {output}")


def _said_of(work: Unfinished, output: Path, manner: Manner) -> None:
    """Say what an earlier process left behind."""
    if work.heads:
        manner.remark(f"{output}: {len(work.heads)} pieces were done before")
    for name in work.remade:
        manner.remark(f"{output}: {name} was damaged and is made again")


def _simulate(
    work: Unfinished, scenario: Scenario, settings: Settings, asked: Asked, manner: Manner
) -> Run:
    manner.detail(f"scenario {scenario.document.path}, model {scenario.model.path}")
    say_engine(scenario, asked.options["engine"], manner)
    began = time.perf_counter()
    with manner.bar("trials") as told:
        run = study.carry_out(work, scenario, settings, asked.dask, told)
        run.summary.dict()  # true values too, while the bar is there
    where = f"on {asked.dask}" if asked.dask else f"at most {settings.workers} processes"
    manner.detail(
        f"{run.summary.replicates:,} trials in {time.perf_counter() - began:.1f} s, "
        f"engine {settings.engine}, {where}"
    )
    _answer(scenario, run, manner)
    return run


def _answer(scenario: Scenario, run: Run, manner: Manner) -> None:
    if manner.as_json:
        print_json(run.summary.dict())
    else:
        answers.simulation(scenario, run.summary, manner)


def say_engine(scenario: Scenario, choice: str, manner: Manner) -> None:
    """Say why the faster engine is not taken, where nobody asked for another."""
    if choice == "auto" and (why := refusal(scenario)):
        manner.remark(f"engine simpy: {why}")


def _sensitivity(
    scenario: Scenario,
    replicates: int,
    seed: int,
    options: dict[str, Any],
    run: Run | None,
    manner: Manner,
) -> Sensitivity:
    began = time.perf_counter()
    kept = {key: value for key, value in options.items() if key not in ("place", "mcse")}
    with manner.bar("what drives the answer") as told:
        found = study.sensitivity(scenario, replicates, seed, run=run, progress=told, **kept)
    runs = 2 * len(found.moves) + len(found.by_uncertainty) + 1
    seconds = time.perf_counter() - began
    manner.detail(
        f"sensitivity: {runs} simulations of {replicates} trials or more, {seconds:.1f} s"
    )
    return found


def _report(manner: Manner) -> Callable[[Path], None]:
    """Return what writes the report of a run into its folder, and says how long that took."""
    from raresim.report import write_report

    def write(folder: Path) -> None:
        began = time.perf_counter()
        write_report(folder)
        manner.detail(f"report in {time.perf_counter() - began:.1f} s")

    return write


def sensitivity(
    name: str, replicates: int, seed: int, options: dict[str, Any], manner: Manner
) -> None:
    """Say what drives the answer of a scenario."""
    scenario = load_scenario(name)
    say_engine(scenario, options["engine"], manner)
    found = _sensitivity(scenario, replicates, seed, options, None, manner)
    if manner.as_json:
        print_json(found.dict())
    else:
        answers.sensitivity(scenario, found, manner)


def report(folder: Path, manner: Manner) -> None:
    """Write the report of a run folder."""
    from raresim.report import write_report

    path = write_report(folder)
    if manner.as_json:
        print_json({"report": str(path)})
    else:
        manner.remark(f"report written to {path}")
