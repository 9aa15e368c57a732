"""Questions of a designer on the terminal: `sweep`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from raresim import questions
from raresim.cli.output import Manner, console, number, percent, points, print_json, table
from raresim.cli.running import say_engine
from raresim.errors import shown
from raresim.questions.sweep import NAME as SWEEP
from raresim.questions.sweep import Sweep
from raresim.trial import load_scenario


HEADS = {"duration": "months", "randomised": "patients", "cost": "cost"}
"""Characteristics of which a terminal of 80 columns has room, and what they are called there."""


def sweep(
    name: str,
    axes: list[str],
    replicates: int,
    seed: int,
    options: dict[str, Any],
    output: Path | None,
    manner: Manner,
    *,
    resume: bool,
) -> None:
    """Run a design at every combination of some values, print the table, and write it."""
    from raresim.report.sweep import picture

    scenario = load_scenario(name)
    say_engine(scenario, options["engine"], manner)
    began = time.perf_counter()
    with manner.bar("trials") as told:
        kept = {"folder": output, "resume": resume, "picture": picture, "progress": told}
        found = questions.sweep(scenario, axes, replicates, seed, **options, **kept)
    manner.detail(f"swept in {time.perf_counter() - began:.1f} s")
    if found is None:
        manner.remark(f"{output} holds the whole of it: nothing to resume")
        return
    if manner.as_json:
        print_json(found.dict())
    else:
        _print_sweep(found, manner)
    if output is not None:
        manner.remark(f"{SWEEP}.json, {SWEEP}.parquet and {SWEEP}.svg written to {output}")


def _print_sweep(found: Sweep, manner: Manner) -> None:
    rate = found.characteristics[0].label
    if manner.full:
        trials = f"{found.replicates:,} trials at each point, hypothesis {found.hypothesis}"
        console.print(f"{trials}, on the same luck. ± is one Monte Carlo standard error.\n")
        labels = [each.path.rpartition(".")[2] for each in found.axes]
        others = [each for each in found.characteristics if each.name in HEADS]
        head = (rate, "from the first", *(HEADS[each.name] for each in others))
        answer = table(found.scenario, *labels, *head)
        for point in found.points:
            values = [shown(value) for value in point.values]
            own = (percent(point.figures["success"]), points(point.differences["success"]))
            rest = (number(point.figures[each.name], digits=1) for each in others)
            answer.add_row(*values, *own, *rest)
        console.print(answer)
    best = max(found.points, key=lambda point: point.figures["success"].value or 0.0)
    where = ", ".join(
        f"{each.label} {shown(value)}" for each, value in zip(found.axes, best.values, strict=True)
    )
    console.print(f"highest {rate}: {percent(best.figures['success'])} at {where}", markup=False)
    if manner.full:
        console.print("(the highest of many is so by luck as well: run it on another seed)")
