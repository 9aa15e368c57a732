"""Answers as people read them on a terminal of 80 columns."""

from __future__ import annotations

import math
from typing import Any

from raresim.cli.output import Manner, console, number, percent, points, table
from raresim.study import (
    EstimandSummary,
    Figure,
    Sensitivity,
    SingleTrial,
    Summary,
    trial_numbers,
)
from raresim.study.stopping import Stopped
from raresim.study.summary import called
from raresim.trial import Scenario

DAYS_A_MONTH = 365.25 / 12
SHOWN = 12
"""Numbers whose moves are listed on the terminal."""


def trial(found: SingleTrial, seed: int, replicate: int, manner: Manner) -> None:
    """Print how one trial went."""
    row = found.trial.iloc[0]
    console.print(
        f"One simulated trial, replicate {replicate} of seed {seed}: {row['screened']} screened, "
        f"{row['randomised']} randomised, ended at {row['ended_at']} after "
        f"{row['duration_days'] / DAYS_A_MONTH:.1f} months. All rows are artificial."
    )
    if not manner.full:
        return
    shown = table("Analyses", "estimand", "milestone", "estimate", "95 % interval", "p", "rejected")
    for _, line in found.analyses.iterrows():
        interval = f"{line['ci_low']:.3f} to {line['ci_high']:.3f}"
        rejected = "yes" if line["rejected"] else "no"
        head = (line["estimand"], line["milestone"], f"{line['estimate']:.3f}")
        shown.add_row(*head, interval, f"{line['p']:.4f}", rejected)
    console.print(shown)


MODES = {
    "fixed": "the published numbers taken as the truth",
    "nuisance": "natural history drawn from what the evidence allows, effect as stated",
    "effect": "the effect drawn from its published interval, natural history as published",
    "all": "natural history and effect drawn from what the evidence allows",
}


def simulation(scenario: Scenario, summary: Summary, manner: Manner) -> None:
    """Print the operating characteristics; quietly, the answer alone."""
    word = word_for(summary.is_null, summary.uncertainty)
    if not manner.full:
        console.print(f"{word}: {percent(summary.success)}")
        return
    console.print(summary.question)
    console.print(
        f"{summary.replicates:,} simulated trials, hypothesis [bold]{summary.hypothesis}[/bold]; "
        f"{MODES[summary.uncertainty]}. ± is one Monte Carlo standard error.\n"
    )
    console.print(f"[bold]{word}: {percent(summary.success)}[/bold] ({summary.success_estimand})")
    if summary.stopped is not None:
        console.print(f"  {stopped(summary.replicates, summary.stopped)}", style="dim")
    if summary.chance_of_benefit is not None and not summary.is_null:
        console.print(f"  its ceiling, P(any benefit): {percent(summary.chance_of_benefit)}")
    nulls = [name for name in scenario.spec.design.nulls if name != summary.hypothesis]
    if nulls and not summary.is_null:
        console.print(f"  for the type I error: --hypothesis {nulls[0]}", style="dim")
    analysis = scenario.spec.analysis
    together = "after the procedure" if analysis.together else ""
    _print_estimands(summary, "in the fixed sequence" if analysis.order else together)
    _print_trial(scenario, summary)
    for name, found in summary.estimands.items():
        for text in found.naive:
            console.print(f"{name}: {text}", markup=False)
        for note, share in found.notes.items():
            console.print(f"{name}: in {percent(share)} of trials: {note}", style="dim")
        low, high = found.rejected_bounds
        if high > low:
            console.print(f"{name}: fits failed; rejection between {low:.4f} and {high:.4f}")


def stopped(done: int, asked: Stopped) -> str:
    """Say where a run stopped that was to stop at an error.

    >>> stopped(4096, Stopped(10_000_000, 0.01, reached=True))
    'stopped after 4,096 trials: one standard error is at most 0.01'
    """
    if asked.reached:
        return f"stopped after {done:,} trials: one standard error is at most {asked.mcse:g}"
    return f"one standard error of {asked.mcse:g} was asked for: {done:,} trials are too few"


def word_for(is_null: bool, uncertainty: str) -> str:
    """Return what a rate of success is called, as a heading."""
    word = called(is_null, uncertainty)
    return word[0].upper() + word[1:]


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
    rows = [("", item) for item in trial_numbers.of_trial(scenario)]
    rows += [(f"{arm}: ", i) for arm in scenario.arms for i in trial_numbers.of_arm(scenario, arm)]
    for before, item in rows:
        found, scale = summary.trial[item.column], 1 / item.unit
        quantiles = (number(found[q], scale, 1).split(" ±")[0] for q in ("q10", "q50", "q90"))
        shown.add_row(before + item.label, number(found["mean"], scale, 2), *quantiles)
    console.print(shown)


def sensitivity(scenario: Scenario, found: Sensitivity, manner: Manner) -> None:
    """Print what drives the answer; quietly, the largest move alone."""
    is_null = scenario.is_null(found.hypothesis)
    if not manner.full:
        first = found.moves[0]
        ends = (
            f"{points(first.lower)} at {first.at_lower}, {points(first.upper)} at {first.at_upper}"
        )
        console.print(f"{first.what}: {ends}", markup=False)
        return
    console.print(f"{scenario.spec.question}\n", markup=False)
    shown = table("Rate of success", "what is drawn", "called", "rate")
    for mode, figure in found.by_uncertainty.items():
        shown.add_row(f"{mode}: {MODES[mode]}", word_for(is_null, mode), percent(figure))
    console.print(shown)
    if found.benefit is not None:
        console.print(f"ceiling of assurance, P(any benefit): {percent(found.benefit)}")
    if "all" not in found.by_uncertainty:
        console.print("no assurance: the effect has no published interval to draw from")
    trials = f"{found.centre.replicates:,} trials, the same luck in all runs"
    console.print(f"\nWith every number as printed: {percent(found.centre)} ({trials})")
    moved = table("One number moved at a time, in points", "what", "at its ends", words=True)
    for column in ("lower", "upper"):
        moved.add_column(column, justify="right")
    for move in found.moves[:SHOWN]:
        ends = f"{move.at_lower} to {move.at_upper}"
        moved.add_row(f"{move.what} ({move.kind})", ends, points(move.lower), points(move.upper))
    console.print(moved)
    if len(found.moves) > SHOWN:
        size = 100 * found.moves[SHOWN].size
        rest = f"{len(found.moves) - SHOWN} more numbers move it by {size:.1f} points or less"
        console.print(f"{rest}: --json lists them all")


def records(frame: Any) -> list[dict[str, Any]]:
    """Return the rows of a table as plain data, ready for JSON."""
    rows: list[dict[str, Any]] = frame.astype(object).to_dict("records")
    return [{key: _plain(value) for key, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.item() if hasattr(value, "item") else value
