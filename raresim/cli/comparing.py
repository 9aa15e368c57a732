"""`compare`: designs side by side on the same patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from raresim import questions
from raresim.cli.asked import Place, ask
from raresim.cli.output import Manner, console, number, percent, points, table
from raresim.errors import InputError
from raresim.questions import Comparison
from raresim.questions.comparison import NAME
from raresim.study import Figure
from raresim.trial import Scenario, load_scenario


def compare(
    names: Sequence[str],
    replicates: int,
    seed: int,
    options: dict[str, Any],
    output: Path | None,
    manner: Manner,
    *,
    resume: bool,
) -> None:
    """Run designs on the same patients, print their differences, and write them."""
    from raresim.report.comparison import picture

    scenarios = _named(names)
    question = partial(questions.compare, scenarios, replicates, seed)
    place = Place(NAME, output, resume)
    ask(question, scenarios.values(), options, place, picture, _print, manner)


def _named(names: Sequence[str]) -> dict[str, Scenario]:
    """Load scenarios by what tells them apart: the stem of each file."""
    found: dict[str, Scenario] = {}
    for name in names:
        scenario = load_scenario(name)
        if scenario.stem in found:
            raise InputError(f"two scenarios are called {scenario.stem!r}; rename one of the files")
        found[scenario.stem] = scenario
    return found


def _print(found: Comparison, manner: Manner) -> None:
    rate = found.characteristics[0].label
    if manner.full:
        trials = f"{found.replicates:,} trials of each design, hypothesis {found.hypothesis}"
        console.print(f"{trials}, on the same patients. ± is one Monte Carlo standard error.\n")
        _print_figures(found)
        _print_differences(found)
        for path in found.apart:
            console.print(f"not the same in all: {path}", markup=False)
    ends = f"80 % interval {100 * found.best_low:.1f} to {100 * found.best_high:.1f} %"
    again = f"{percent(found.best_again)} on fresh seeds ({ends})"
    console.print(f"highest {rate}: {found.best}, {again}", markup=False)


def _print_figures(found: Comparison) -> None:
    shown = table("Designs", "", *(design.name for design in found.designs))
    for each in found.characteristics:
        tell = percent if each.is_share else number
        shown.add_row(each.label, *(_told(tell, d.figures, each.name) for d in found.designs))
    console.print(shown)


def _print_differences(found: Comparison) -> None:
    first, *others = found.designs
    shown = table(f"Differences from {first.name}, paired", "", *(d.name for d in others))
    for each in found.characteristics:
        tell = points if each.is_share else _signed
        label = f"{each.label}, points" if each.is_share else each.label
        shown.add_row(label, *(_told(tell, d.differences, each.name) for d in others))
    console.print(shown)


def _told(tell: Callable[[Figure], str], figures: dict[str, Figure], name: str) -> str:
    """Return a figure in words, a dash where a design has none."""
    return tell(figures[name]) if name in figures else "-"


def _signed(figure: Figure) -> str:
    text = number(figure)
    return f"+{text}" if (figure.value or 0.0) > 0 else text
