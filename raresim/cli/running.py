"""`trial` and `simulate`: run, show progress, print the answer."""

from __future__ import annotations

import math
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from raresim.cli.output import console, number, percent, print_json, table
from raresim.errors import InputError
from raresim.study import EstimandSummary, Figure, Summary, swings
from raresim.study import run_trial as run_one_trial
from raresim.study import simulate as run_simulation
from raresim.trial import Scenario, load_scenario

DAYS_A_MONTH = 365.25 / 12


def trial(
    name: str,
    seed: int,
    replicate: int,
    hypothesis: str | None,
    place: str,
    output: Path | None,
    as_json: bool,
) -> None:
    """Run one trial and print how it went."""
    scenario = load_scenario(name)
    found = run_one_trial(scenario, seed, replicate, hypothesis, place)
    if output is not None:
        found.write(output)
    if as_json:
        frames = {"trial": found.trial, "analyses": found.analyses}
        print_json({key: _records(frame) for key, frame in frames.items()})
        return
    row = found.trial.iloc[0]
    console.print(
        f"One simulated trial, replicate {replicate} of seed {seed}: {row['screened']} screened, "
        f"{row['randomised']} randomised, ended at {row['ended_at']} after "
        f"{row['duration_days'] / DAYS_A_MONTH:.1f} months. All rows are artificial."
    )
    shown = table("Analyses", "estimand", "milestone", "estimate", "95 % interval", "p", "rejected")
    for _, line in found.analyses.iterrows():
        interval = f"{line['ci_low']:.3f} to {line['ci_high']:.3f}"
        rejected = "yes" if line["rejected"] else "no"
        head = (line["estimand"], line["milestone"], f"{line['estimate']:.3f}")
        shown.add_row(*head, interval, f"{line['p']:.4f}", rejected)
    console.print(shown)
    if output is not None:
        console.print(f"tables written to {output}")


def _records(frame: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = frame.astype(object).to_dict("records")
    return [{key: _plain(value) for key, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.item() if hasattr(value, "item") else value


def simulate(
    name: str,
    replicates: int,
    seed: int,
    options: dict[str, Any],
    *,
    write_report: bool,
    as_json: bool,
) -> None:
    """Simulate a scenario and print its operating characteristics."""
    scenario = load_scenario(name)
    folder: Path | None = options["folder"]
    quiet = as_json or not sys.stderr.isatty()
    bar = None if quiet else _bar()
    with bar or nullcontext():
        told = None
        if bar is not None:
            line = bar.add_task("trials", total=replicates)

            def told(done: int, total: int) -> None:
                bar.update(line, completed=done, total=total)

        run = run_simulation(scenario, replicates, seed, progress=told, **options)
    if folder is not None and write_report:
        from raresim.report import write_report as write

        write(folder)
    if as_json:
        print_json(run.summary.dict())
        return
    _print(scenario, run.summary)
    if folder is not None:
        what = "tables, summary and report.html" if write_report else "tables and summary"
        console.print(f"{what} written to {folder}")


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)


MODES = {
    "fixed": "the published numbers taken as the truth",
    "nuisance": "natural history drawn from what the evidence allows, effect as stated",
    "effect": "the effect drawn from its published interval, natural history as published",
    "all": "natural history and effect drawn from what the evidence allows",
}


def _print(scenario: Scenario, summary: Summary) -> None:
    console.print(summary.question)
    console.print(
        f"{summary.replicates:,} simulated trials, hypothesis [bold]{summary.hypothesis}[/bold]; "
        f"{MODES[summary.uncertainty]}. ± is one Monte Carlo standard error.\n"
    )
    word = "Type I error" if summary.is_null else "Power"
    if summary.uncertainty in ("effect", "all") and not summary.is_null:
        word = "Assurance"
    console.print(f"[bold]{word}: {percent(summary.success)}[/bold] ({summary.success_estimand})")
    if summary.chance_of_benefit is not None and not summary.is_null:
        console.print(f"  its ceiling, P(any benefit): {percent(summary.chance_of_benefit)}")
    nulls = [name for name in scenario.spec.design.nulls if name != summary.hypothesis]
    if nulls and not summary.is_null:
        console.print(f"  for the type I error: --hypothesis {nulls[0]}", style="dim")
    _print_estimands(summary, "in the fixed sequence" if scenario.spec.analysis.order else "")
    _print_trial(scenario, summary)
    for name, found in summary.estimands.items():
        for note, share in found.notes.items():
            console.print(f"{name}: in {percent(share)} of trials: {note}", style="dim")
        low, high = found.rejected_bounds
        if high > low:
            console.print(f"{name}: fits failed; rejection between {low:.4f} and {high:.4f}")


def _print_estimands(summary: Summary, how: str) -> None:
    shown = table("Operating characteristics", "", *summary.estimands)

    def add(label: str, show: Any) -> None:
        shown.add_row(label, *(show(found) for found in summary.estimands.values()))

    add(f"rejects {how}".rstrip(), lambda e: percent(e.rejected))
    stages = dict.fromkeys(m for e in summary.estimands.values() for m in e.rejected_at)
    for stage in stages:
        add(
            f"  at {stage}", lambda e, s=stage: percent(e.rejected_at.get(s, Figure(None, None, 0)))
        )
    add("analysed", lambda e: percent(e.analysed))
    add("not converged", lambda e: percent(e.not_converged))
    add("true value", lambda e: _ratio(e, e.truth))
    add("mean estimate", lambda e: _ratio(e, e.estimate))
    add("bias", lambda e: number(e.bias, digits=3))
    add("coverage of 95 % interval", lambda e: percent(e.coverage))
    add("least estimate that rejects", lambda e: _ratio(e, e.if_rejected.least_significant))
    if not summary.is_null:
        add("exaggeration if it rejects", lambda e: number(e.if_rejected.exaggeration))
        add("wrong sign if it rejects", lambda e: percent(e.if_rejected.wrong_sign))
    console.print(shown)


def _ratio(summary: EstimandSummary, figure: Figure) -> str:
    """Return a figure, with the ratio beside a logarithm."""
    shown = number(figure, digits=3)
    if summary.measure.startswith("log") and figure.value is not None:
        return f"{shown} (ratio {math.exp(figure.value):.3f})"
    return shown


def _print_trial(scenario: Scenario, summary: Summary) -> None:
    shown = table("Trials", "", "mean", "10 %", "50 %", "90 %")
    months = 1 / DAYS_A_MONTH
    rows = [
        ("duration (months)", "duration_days", months),
        ("recruitment (months)", "recruitment_days", months),
        ("patients screened", "screened", 1.0),
        ("patients randomised", "randomised", 1.0),
        ("patients on the worse arm", "patients_on_worse_arm", 1.0),
    ]
    for arm in scenario.arms:
        rows.append((f"{arm}: patient-years", f"{arm}.patient_years", 1.0))
        for name in summary.trial:
            if name.startswith(f"{arm}.") and name.endswith((".events", ".patients")):
                _, outcome, *what = name.split(".")
                if what:
                    label = "events" if what[0] == "events" else "patients with"
                    rows.append((f"{arm}: {label} {outcome}".replace("_", " "), name, 1.0))
    for label, key, scale in rows:
        found = summary.trial[key]
        quantiles = (number(found[q], scale, 1).split(" ±")[0] for q in ("q10", "q50", "q90"))
        shown.add_row(label, number(found["mean"], scale, 2), *quantiles)
    console.print(shown)


def tornado(
    name: str,
    replicates: int,
    seed: int,
    options: dict[str, Any],
    output: Path | None,
    *,
    as_json: bool,
) -> None:
    """Print how far each unpublished number moves the success rate."""
    if output is not None:
        raise InputError("--unpublished each prints its answer; leave -o out, or redirect --json")
    scenario = load_scenario(name)
    error = Console(stderr=True)
    with error.status("centre of every interval") if error.is_terminal else nullcontext() as status:

        def told(what: str) -> None:
            if status is not None:
                status.update(what)

        run, found = swings(scenario, replicates, seed, told=told, **options)
    if as_json:
        success = run.summary.success.dict()
        print_json({"success": success, "swings": [swing.dict() for swing in found]})
        return
    console.print(f"{scenario.spec.question}\nAt the centre of every interval: ", end="")
    console.print(f"[bold]{percent(run.summary.success)}[/bold] of {replicates:,} trials succeed")
    shown = table("Moves of that rate, in points", "what nobody published", "interval")
    for column in ("at its lower end", "at its upper end"):
        shown.add_column(column, justify="right")
    for swing in found:
        ends = (number(end, 100.0, 1) for end in (swing.lower, swing.upper))
        shown.add_row(swing.what, swing.interval, *ends)
    console.print(shown)
