"""Nothing that a scenario states is missing from the rows of its report.

Every value of a file's specification is changed in turn, and the rows must change with it; and
together the scenarios of this test state every key that there is. So a new key without a row, or
without an example in `tests.everything`, is found.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from raresim.evidence import Statistic
from raresim.files.expressions import Expression
from raresim.files.schema import Spec
from raresim.report import write_report
from raresim.report.assumptions import assumptions
from raresim.report.design import design, estimands
from raresim.report.words import plain
from raresim.study import simulate
from raresim.trial import Scenario
from raresim.trial.grammar.spec import ScenarioSpec
from tests.everything import everything, infections
from tests.faces.test_report_content import plain as plain_page
from tests.worlds import world

Path_ = tuple[Any, ...]
ELSEWHERE = {
    "truth.hypotheses": "effects of the hypothesis that was run have a table with their evidence",
    "truth.model": "named above the table of its evidence",
    "truth.uncertainty": "told with the answer, in section 1",
}
"""What has another place in the report than these rows."""
BLOCKS = ("truth", "design", "analysis")


def told(scenario: Scenario) -> str:
    """Return all rows of the report that speak of truth, design and analysis."""
    rows = [" ".join(dataclasses.astuple(item)) for item in assumptions(scenario)]
    rows += [" ".join(row) for row in design(scenario)]
    rows += [" ".join((name, *row)) for name, parts in estimands(scenario) for row in parts]
    return "\n".join(rows)


def leaves(value: Any, path: Path_ = (), kind: Any = None) -> Iterator[tuple[Path_, Any, Any]]:
    """Yield the way to every value that a file states, the value, and its type in the file."""
    if ".".join(map(str, path)) in ELSEWHERE:
        return
    if isinstance(value, Spec):
        for name in sorted(value.model_fields_set):
            kind = type(value).model_fields[name].annotation
            if not _has_one_value(kind):
                yield from leaves(getattr(value, name), (*path, name), kind)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            yield from leaves(part, (*path, index))
    elif value is not None:
        yield path, value, kind


def _has_one_value(annotation: Any) -> bool:
    return get_origin(annotation) is Literal and len(get_args(annotation)) == 1


def other(value: Any, kind: Any) -> Any:
    """Return another value of the same kind."""
    if get_origin(kind) is Literal:
        return next(word for word in get_args(kind) if word != value)
    if isinstance(value, Expression):
        return dataclasses.replace(value, text=f"{value.text} or more")
    if isinstance(value, bool):
        return not value
    return f"{value} too" if isinstance(value, str) else value + 1


def put(holder: Any, path: Path_, value: Any) -> Any:
    """Return a specification with one value changed, unchecked."""
    if not path:
        return value
    step, *rest = path
    if isinstance(holder, Spec):
        return holder.model_copy(update={step: put(getattr(holder, step), tuple(rest), value)})
    part = put(holder[step], tuple(rest), value)
    if isinstance(holder, dict):
        return {**holder, step: part}
    return type(holder)([*holder[:step], part, *holder[step + 1 :]])


@cache
def worlds() -> list[Scenario]:
    return everything()


CASES = [
    pytest.param(number, *leaf, id=f"{number}-{'.'.join(map(str, leaf[0]))}")
    for number, scenario in enumerate(worlds())
    for block in BLOCKS
    for leaf in leaves(getattr(scenario.spec, block), (block,))
]


@pytest.mark.parametrize(("number", "path", "value", "kind"), CASES)
def test_whatever_a_scenario_states_shows_in_a_row(
    number: int, path: Path_, value: Any, kind: Any
) -> None:
    scenario = worlds()[number]
    changed = dataclasses.replace(scenario, spec=put(scenario.spec, path, other(value, kind)))
    try:
        assert told(changed) != told(scenario), f"{'.'.join(map(str, path))} shows in no row"
    except (KeyError, ValueError):  # a name that leads to no arm any more: it was read
        assert isinstance(value, str)


@pytest.mark.parametrize("number", range(3))
def test_whatever_has_a_name_shows_it(number: int) -> None:
    scenario = worlds()[number]
    text = told(scenario)
    for block in BLOCKS:
        for path, *_ in leaves(getattr(scenario.spec, block), (block,)):
            holder: Any = scenario.spec
            for step in path:
                if isinstance(holder, dict):
                    assert plain(step) in text or step in text, path
                holder = getattr(holder, step) if isinstance(holder, Spec) else holder[step]


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the specifications inside an annotation, but for kinds of statistic."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not issubclass(annotation, Statistic):
            yield annotation
        return
    for part in get_args(annotation):
        yield from models(part)


def keys(spec: type[BaseModel], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the class and name of every key below a specification."""
    for name, field in spec.model_fields.items():
        if f"{path}{name}" in ELSEWHERE or _has_one_value(field.annotation):
            continue
        yield spec.__name__, name
        for inner in models(field.annotation):
            yield from keys(inner, f"{path}{name}.")


def stated(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the class and name of every key that a specification states."""
    if isinstance(value, Spec):
        for name in value.model_fields_set:
            yield type(value).__name__, name
            yield from stated(getattr(value, name))
    for part in value.values() if isinstance(value, dict) else ():
        yield from stated(part)
    for part in value if isinstance(value, (list, tuple)) else ():
        yield from stated(part)


def test_the_scenarios_of_this_test_state_every_key_that_there_is() -> None:
    wanted = {
        key
        for block in BLOCKS
        for inner in models(ScenarioSpec.model_fields[block].annotation)
        for key in keys(inner, f"{block}.")
    }
    found = {key for scenario in worlds() for key in stated(scenario.spec)}
    assert wanted <= found, sorted(wanted - found)


def test_the_rows_are_on_the_page_and_say_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(infections().document.text, "utf-8")
    simulate(infections(), 8, 1, workers=1, folder=tmp_path / "run")
    said = plain_page(write_report(tmp_path / "run"))
    rows = [(item.what, item.value) for item in assumptions(infections())]
    for row in rows + design(infections()):
        assert " ".join(" ".join(row).split()) in said


def test_several_arms_and_adverse_events_have_a_report(tmp_path: Path) -> None:
    rash = {"rate": "1 per year", "by_arm": {"high": 2}, "why": "a test"}
    scenario = world("hereditary-angioedema-run-in", {"truth.adverse_events": {"rash": rash}})
    assert len(scenario.arms) > 2
    path = tmp_path / "scenario.yaml"
    path.write_text(scenario.document.text, "utf-8")
    simulate(scenario, 8, 1, workers=1, folder=tmp_path / "run")
    said = plain_page(write_report(tmp_path / "run"))
    for arm in scenario.arms:
        assert f"Arm: {arm}" in said
    assert "rash on day" in said and "Free of a first event: rash" in said
