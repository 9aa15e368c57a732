"""The page on speed shows what was measured, of scenarios that grow as told; nothing is timed."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

from raresim.trial import Scenario
from tests import scripts
from tests.benchmarks import growth, measured, workloads


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return scripts.script("make-speed")


@pytest.fixture(scope="module")
def answer(script: ModuleType) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(script.ANSWER.read_text("utf-8"))
    return found


def test_everything_was_measured(answer: dict[str, Any]) -> None:
    times = answer["workloads"]
    for name in workloads.NAMES:
        assert {name, f"{name} everything", f"{name} true values"} <= times.keys()
    assert {f"{name} by hand" for name in workloads.BY_HAND} <= times.keys()
    for name, curve in growth.CURVES.items():
        assert tuple(map(int, answer["curves"][name])) == curve.sizes
    seconds = answer["workers"]["seconds"]
    assert tuple(map(int, seconds)) == measured.WORKERS
    for own in (times, seconds, *answer["curves"].values()):
        for name, rounds in own.items():
            assert 1 <= len(rounds) <= answer["rounds"], name
            assert min(rounds) > 0, name


def test_of_the_machine_nothing_is_told_but_what_the_numbers_hang_on(
    answer: dict[str, Any],
) -> None:
    made = answer["machine"]
    assert set(made) == {"raresim", "python", "packages", "processors", "processor", "busy"}
    assert set(made["packages"]) <= set(measured.PACKAGES)


def test_the_page_shows_what_was_measured(script: ModuleType, answer: dict[str, Any]) -> None:
    page = script.PAGE.read_text("utf-8")
    assert script.written(page, answer) == page, "run docs/make-speed --drawn"
    assert f"each ran for {workloads.TRIALS:,} trials" in page


def test_the_picture_shows_what_was_measured(script: ModuleType, answer: dict[str, Any]) -> None:
    drawn = ElementTree.fromstring(script.picture(answer))
    kept = ElementTree.fromstring(script.PICTURE.read_text("utf-8"))
    assert kept.attrib["aria-label"] == drawn.attrib["aria-label"]


def sizes(scenario: Scenario) -> dict[str, int]:
    design = scenario.spec.design
    assert design.randomise.n is not None
    return {
        "patients": design.randomise.n,
        "visits": len(design.visits.weeks),
        "sites": design.sites.number,
        "looks": len(design.milestones),
    }


@pytest.mark.parametrize("name", growth.CURVES)
def test_one_thing_grows(name: str) -> None:
    curve = growth.CURVES[name]
    first, *_, last = ({**sizes(curve.scenario(n)), "replicates": n} for n in curve.sizes)
    assert (first[name], last[name]) == (curve.sizes[0], curve.sizes[-1])
    others = set(first) - {name, "replicates"}
    assert {key: first[key] for key in others} == {key: last[key] for key in others}


def test_work_takes_turns_until_it_has_taken_enough() -> None:
    now, order = 0.0, []

    def work(name: str, seconds: float) -> None:
        nonlocal now
        now += seconds
        order.append(name)

    todo: dict[str, measured.Work] = {
        "short": lambda: work("short", 1.0),
        "long": lambda: work("long", 1 + measured.ENOUGH),
    }
    taken = measured.timed(todo, 2, lambda: now)
    assert order == ["short", "long", "short"]
    assert taken == {"short": [1.0, 1.0], "long": [1 + measured.ENOUGH]}
