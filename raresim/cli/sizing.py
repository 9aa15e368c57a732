"""`size`: how often a design errs at most. `calibrate`: thresholds with which it errs no more."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from raresim import questions
from raresim.cli.asked import Place, ask
from raresim.cli.output import Manner, console, percent, table
from raresim.questions import Calibration, Size
from raresim.questions.calibrating import NAME as CALIBRATION
from raresim.questions.design_size import NAME
from raresim.trial import load_scenario
from raresim.trial.nuisance import told


def size(
    name: str,
    replicates: int,
    seed: int,
    options: dict[str, Any],
    output: Path | None,
    manner: Manner,
    *,
    resume: bool,
) -> None:
    """Measure the size of a design, print it, and write it."""
    from raresim.report.size import picture

    scenario = load_scenario(name)

    def tell(found: Size, manner: Manner) -> None:
        _print(found, manner)
        if not scenario.spec.design.nuisance:
            manner.remark("The design declares no nuisance grid: only the centre was run.")

    question = partial(questions.size, scenario, replicates, seed)
    ask(question, [scenario], options, Place(NAME, output, resume), picture, tell, manner)


def _print(found: Size, manner: Manner) -> None:
    worst = found.cells[found.worst]
    if manner.full:
        trials = f"{found.replicates:,} trials of each cell that may be the worst, nothing drawn"
        console.print(f"{trials}. ± is one Monte Carlo standard error.\n")
        columns = ("null hypothesis", "values moved", "true nulls", "trials", "rejected")
        shown = table("Family-wise error", *columns, words=True)
        for cell in found.cells:
            rejected = percent(cell.rejected) if cell.nulls else "no null here"
            trials = f"{cell.rejected.replicates:,}" if cell.nulls else ""
            names = ", ".join(cell.nulls)
            shown.add_row(cell.hypothesis, told(cell.values), names, trials, rejected)
        console.print(shown)
        console.print(f"worst: {worst.hypothesis}, {told(worst.values)}", markup=False)
    ends = f"maximum {100 * found.low:.1f} to {100 * found.high:.1f} %"
    console.print(f"size: {percent(found.again)} on fresh seeds, {ends}", markup=False)
    if manner.full:
        console.print(f"nominal {100 * found.level:g} %: {found.verdict}", markup=False)


def calibrate(
    name: str,
    target: float,
    replicates: int,
    seed: int,
    options: dict[str, Any],
    output: Path | None,
    manner: Manner,
    *,
    resume: bool,
) -> None:
    """Find thresholds that keep a level, print them, and write them."""
    from raresim.report.calibration import picture

    scenario = load_scenario(name)
    question = partial(questions.calibrate, scenario, target, replicates, seed)
    place = Place(CALIBRATION, output, resume)
    ask(question, [scenario], options, place, picture, _print_calibration, manner)


def _print_calibration(found: Calibration, manner: Manner) -> None:
    for rule in found.rules:
        console.print(f"{rule.path}: {rule.written}", markup=False)
    if not manner.full:
        return
    console.print(f"as written, the worst cell errs in {percent(found.before)} of trials")
    ends = f"maximum {100 * found.size.low:.1f} to {100 * found.size.high:.1f} %"
    console.print(f"with these, in {percent(found.size.again)} on fresh seeds, {ends}")
    console.print(f"level {100 * found.level:g} %: {found.verdict}")
