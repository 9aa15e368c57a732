"""`cohort`, `trial`, `simulate`, `sensitivity`, `report`: run, show progress, write, answer."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from raresim import study
from raresim.cli import answers
from raresim.cli.output import Manner, print_json
from raresim.study import Run, Sensitivity, store
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


def simulate(
    name: str,
    replicates: int,
    seed: int,
    options: dict[str, Any],
    output: Path | None,
    manner: Manner,
    *,
    report: bool,
    sensitivity: bool,
) -> None:
    """Simulate a scenario, print its operating characteristics, and write a run folder."""
    options = dict(options)
    scenario = load_scenario(name, options.pop("without"))
    if output is not None:
        store.prepare(output)
    run = _simulate(scenario, replicates, seed, options, manner)
    if manner.as_json:
        print_json(run.summary.dict())
    else:
        answers.simulation(scenario, run.summary, manner)
    if output is None:
        return
    interrupted, drives = False, None
    try:
        if sensitivity and report and options["place"] == "centre":
            drives = _sensitivity(scenario, min(replicates, ENDS_MOST), seed, options, run, manner)
    except KeyboardInterrupt:
        interrupted = True  # what is finished is not thrown away
    store.write(output, scenario, run, drives)
    if report:
        _report(output, manner)
    what = "tables, summary and report.html" if report else "tables and summary"
    manner.remark(f"{what} written to {output}")
    if interrupted:
        message = f"interrupted; {output} holds the run, without what drives its answer"
        raise KeyboardInterrupt(message)


def _simulate(
    scenario: Scenario, replicates: int, seed: int, options: dict[str, Any], manner: Manner
) -> Run:
    manner.detail(f"scenario {scenario.document.path}, model {scenario.model.path}")
    say_engine(scenario, options["engine"], manner)
    began = time.perf_counter()
    with manner.bar("trials") as told:
        run = study.simulate(scenario, replicates, seed, progress=told, **options)
    workers, engine = run.settings.workers, run.settings.engine
    manner.detail(
        f"{replicates:,} trials in {time.perf_counter() - began:.1f} s, engine {engine}, "
        f"at most {workers} processes"
    )
    return run


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
    kept = {key: value for key, value in options.items() if key != "place"}
    with manner.bar("what drives the answer") as told:
        found = study.sensitivity(scenario, replicates, seed, run=run, progress=told, **kept)
    runs = 2 * len(found.moves) + len(found.by_uncertainty) + 1
    seconds = time.perf_counter() - began
    manner.detail(
        f"sensitivity: {runs} simulations of {replicates} trials or more, {seconds:.1f} s"
    )
    return found


def _report(output: Path, manner: Manner) -> None:
    from raresim.report import write_report

    began = time.perf_counter()
    write_report(output)
    manner.detail(f"report in {time.perf_counter() - began:.1f} s")


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
