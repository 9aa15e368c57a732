"""Questions of a designer on the terminal: `sweep`, `search`, `decide`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from raresim import questions
from raresim.cli.asked import Place, ask
from raresim.cli.output import Manner, console, number, percent, points, table
from raresim.errors import InputError, shown
from raresim.questions.deciding import NAME as DECISION
from raresim.questions.deciding import Decision
from raresim.questions.searching import NAME as SEARCH
from raresim.questions.searching import Search
from raresim.questions.sweeping import NAME as SWEEP
from raresim.questions.sweeping import Sweep
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
    question = partial(questions.sweep, scenario, axes, replicates, seed)
    place = Place(SWEEP, output, resume)
    ask(question, [scenario], options, place, picture, _print_sweep, manner)


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


def search(
    name: str,
    over: str,
    target: float,
    limits: list[str],
    options: dict[str, Any],
    output: Path | None,
    manner: Manner,
    *,
    resume: bool,
) -> None:
    """Look for the smallest number that meets a target, print it, and write it."""
    from raresim.report.search import picture

    scenario = load_scenario(name)
    question = partial(questions.search, scenario, over, target, limits=dict(map(_limit, limits)))
    place = Place(SEARCH, output, resume)
    ask(question, [scenario], options, place, picture, _print_search, manner)


def _limit(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError as error:
        expected = "NAME=MOST such as duration=36 or cost=2000000"
        raise InputError(f"--limit: expected {expected}; found {shown(text)}") from error


def _print_search(found: Search, manner: Manner) -> None:
    if manner.full:
        console.print(f"{found.trials:,} trials, hypothesis {found.hypothesis}.", markup=False)
        tried = table("Tried", found.axis.label, found.what, "trials")
        for at, rate in found.tried:
            tried.add_row(str(at), percent(rate), f"{rate.replicates:,}")
        console.print(tried)
    if found.found is None:
        console.print(found.remark, markup=False)
        return
    between = f", 95 % interval {found.low} to {found.high}" if found.low is not None else ""
    ends = f"80 % interval {100 * found.again_low:.1f} to {100 * found.again_high:.1f} %"
    again = f"{percent(found.again['success'])} on fresh seeds ({ends})"
    aim = f"{found.what} of {100 * found.target:g} %"
    answer = f"{found.axis.label} {found.found}{between}, for a {aim}; {again}"
    console.print(answer, markup=False)
    if not manner.full:
        return
    for each in found.characteristics[1:]:
        most = found.limits.get(each.name)
        verdict = "kept to" if found.kept.get(each.name) else "above"
        said = "" if most is None else f" (limit {most:g}: {verdict})"
        console.print(f"  {each.label}: {number(found.again[each.name], digits=1)}{said}")
    if found.remark:
        console.print(f"  {found.remark}", markup=False)


def decide(
    name: str,
    replicates: int,
    seed: int,
    options: dict[str, Any],
    output: Path | None,
    manner: Manner,
    *,
    resume: bool,
) -> None:
    """Say how often a design goes for nothing and misses a drug, and write it."""
    from raresim.report.decision import picture

    scenario = load_scenario(name)
    question = partial(questions.decide, scenario, replicates, seed)
    place = Place(DECISION, output, resume)
    ask(question, [scenario], options, place, picture, _print_decision, manner)


def _print_decision(found: Decision, manner: Manner) -> None:
    if manner.full:
        answer = table("Under each hypothesis", "hypothesis", "go", "wrong", "which is")
        for one in found.outcomes:
            wrong = "a false go" if one.is_null else "a missed drug"
            answer.add_row(one.hypothesis, percent(one.go), percent(one.wrong), wrong)
        console.print(answer)
    drawn = found.drawn
    if drawn is None:
        rates = (f"{one.hypothesis} {percent(one.go)}" for one in found.outcomes)
        console.print(f"go: {'; '.join(rates)}", markup=False)
        return
    if manner.full:
        worth = "helps at all" if found.worth is None else f"is better than {found.worth:g}"
        drug = f"{percent(drawn.worth_having)} of draws the drug {worth}"
        console.print(f"\nOver all that is uncertain in print: in {drug}.", markup=False)
        shown = table("All drawn", "", "go", "no go")
        shown.add_row("worth having", percent(drawn.right_go), f"{percent(drawn.missed)} (missed)")
        shown.add_row("not", f"{percent(drawn.false_go)} (false go)", percent(drawn.right_stop))
        console.print(shown)
        after = f"{percent(drawn.worth_if_go)} after a go, {percent(drawn.worth_if_not)} after none"
        console.print(f"worth having: {after}", markup=False)
    else:
        false, missed = percent(drawn.false_go), percent(drawn.missed)
        console.print(f"false go: {false}; missed: {missed}", markup=False)
