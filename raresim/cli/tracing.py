"""`show --lineage`, and the part of `show --check` on correlations: where numbers come from."""

from __future__ import annotations

from typing import Any

from raresim.cli.output import console, print_json, table
from raresim.cohort.achieved import PLACES, TOLERANCE, TieRow
from raresim.cohort.lineage import owner_of, traced
from raresim.disease import DiseaseModel
from raresim.errors import InputError, did_you_mean
from raresim.study.resting import resting
from raresim.trial import Scenario


def of_model(model: DiseaseModel, column: str, as_json: bool) -> None:
    """Show what a model's variables and outcomes are made of, or one column with all behind it.

    Raises
    ------
    InputError
        When the model has no such column.
    """
    names = [*model.spec.patients, *model.spec.outcomes]
    if column and owner_of(names, column) is None:
        hint = did_you_mean(column, names)
        raise InputError(f"{model.stem}: no variable or outcome is called {column!r}; {hint}")
    found = traced(model, [column] if column else names)
    if as_json:
        print_json({"model": f"{model.stem} {model.spec.version}"} | found)
        return
    if column:
        names = found["columns"][column]
        console.print(f"{column} rests on: {', '.join(names)}", markup=False)
    for name in names:
        _made_of(name, found["made_of"][name])
    sources(found["sources"])


def _made_of(name: str, one: dict[str, Any]) -> None:
    """Print what one variable or outcome is made of."""
    shown = table(f"{name} ({one['kind']})", "number", "as printed", "becomes", "from", words=True)
    for part in one["parts"]:
        cells = [part["what"], part["printed"], part.get("becomes", ""), _origin(part)]
        shown.add_row(*(cell.replace("[", "\\[") for cell in cells))
    if one["parts"]:
        console.print(shown)
    else:
        console.print(f"[bold italic]{name} ({one['kind']})[/bold italic]")
    for other, how in one["reads"].items():
        console.print(f"  reads {other}: {how}", markup=False)


def _origin(part: dict[str, Any]) -> str:
    """Return where a number comes from, in one cell."""
    if part["role"] != "published":
        support = f" (see {', '.join(part['sources'])})" if "sources" in part else ""
        return f"{part['role']}: {part['why']}{support}"
    derived = f"derived: {part['derived']}" if "derived" in part else ""
    words = [", ".join(part["sources"]), part.get("where", ""), derived]
    words += [*part.get("studies", ()), "seen" if part.get("seen") else "not seen"]
    return "; ".join(filter(None, words))


def sources(cited: dict[str, str]) -> None:
    """Print citations under their keys, where there are any."""
    if not cited:
        return
    shown = table("Sources", "key", "citation", words=True)
    for key, citation in cited.items():
        shown.add_row(key, citation.replace("[", "\\["))
    console.print(shown)


def of_scenario(scenario: Scenario, as_json: bool) -> None:
    """Show what a scenario's success criterion rests on."""
    found = resting(scenario, scenario.hypothesis(None))
    if as_json:
        print_json(found)
        return
    console.print(f"{found['estimand']} rests on: {', '.join(found['rests_on'])}", markup=False)
    shown = table("Sources", "key", "citation", "numbers", words=True)
    for key, one in found["sources"].items():
        cells = (key, one["citation"], "; ".join(one["numbers"]))
        shown.add_row(*(cell.replace("[", "\\[") for cell in cells))
    console.print(shown)
    for word in ("assumed", "unpublished"):
        told = "; ".join(found[word]) or "nothing"
        console.print(f"{word}: {told}", markup=False)


def correlations(rows: list[TieRow]) -> None:
    """Print correlations as asked for and as the population has them, one pair a line."""
    if not rows:
        return
    shown = table("Correlations: asked for / in the population", "pair", "role", "measure")
    for place in PLACES:
        shown.add_column(place, justify="right")
    by_pair: dict[tuple[str, str], list[TieRow]] = {}
    for row in rows:
        by_pair.setdefault((row.first, row.second), []).append(row)
    for pair, mine in by_pair.items():
        cells = {row.place: _asked_and_achieved(row) for row in mine}
        told = [cells.get(place, "") for place in PLACES]
        shown.add_row(" and ".join(pair), mine[0].role, mine[0].measure, *told)
    console.print(shown)
    for why in dict.fromkeys(row.why_not for row in rows if row.why_not):
        console.print(f"not to be told: {why}", markup=False)
    console.print(f"they must agree within {TOLERANCE:g}, at both ends of each interval too")


def _asked_and_achieved(row: TieRow) -> str:
    has = "-" if row.achieved is None else f"{row.achieved:.3f}"
    return f"{row.asked:g} / {has}" + ("" if row.passed else " FAILS")
