"""What a question moves is read from a text, and refused where it leads nowhere."""

from __future__ import annotations

import pytest

from raresim import limits
from raresim.errors import InputError
from raresim.questions.axes import Axis, axis, interval, placed, points
from tests.worlds import ATAXIA, CGD, world


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a.b=1,2", (1, 2)),
        ("a.b= 0.5 , 1.5", (0.5, 1.5)),
        ("a.b=1 per year,2 per year", ("1 per year", "2 per year")),
        ("a.b=10..30 by 10", (10, 20, 30)),
        ('a.b=["age >= 8, or not", x]', ("age >= 8, or not", "x")),
        ("a.b=[{control: 1, drug: 2}]", ({"control": 1, "drug": 2},)),
    ],
)
def test_values_are_read_as_yaml(text: str, values: tuple[object, ...]) -> None:
    assert axis(text).values == values


@pytest.mark.parametrize(
    "text", ["a.b", "=1", "a.b=", "a.b=10..30", "a.b=10..30 by 0", "a+=1", "a.b=!!python/name:x"]
)
def test_what_says_no_axis_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        axis(text)


@pytest.mark.parametrize("text", ["n=20", "n=20..10", "n=20..200 by 10", "n=1.5..3", "20..30"])
def test_what_says_no_interval_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        interval(text)


def test_other_numbers_move_in_proportion() -> None:
    scenario = world(CGD)
    moved = axis("design.randomise.n+truth.leaves_study.rate=64")
    n, rate = scenario.n, scenario.document.data["truth"]["leaves_study"]["rate"]
    if isinstance(rate, str):  # written with its unit: no number
        with pytest.raises(InputError, match="only numbers above zero"):
            moved.at(scenario, 64)
    block = Axis("design.randomise.n", ("design.randomise.block",), (n,))
    assert block.at(scenario, 2 * n)["design.randomise.block"] == 2 * _block(scenario)


def _block(scenario: object) -> int:
    found: int = scenario.spec.design.randomise.block  # type: ignore[attr-defined]
    return found


def test_points_are_all_combinations_the_last_axis_first() -> None:
    scenario = world(ATAXIA)
    axes = [axis("design.randomise.n=40,60"), axis("truth.missed_visits.share=0,0.5")]
    found = points(scenario, axes)
    assert [values for values, _ in found] == [(40, 0), (40, 0.5), (60, 0), (60, 0.5)]
    assert [there.n for _, there in found] == [40, 40, 60, 60]
    assert found[1][1].spec.truth.missed_visits.share == 0.5


def test_a_place_of_the_model_can_be_moved() -> None:
    scenario = world(ATAXIA)
    path = "model.outcomes.mfars.spread_of_change.evidence.sd"
    there = placed(scenario, [Axis(path, (), (9.0,))], [9.0])
    assert there.model.published.numbers["mfars", "spread_of_change.sd"][0] == 9.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("design.randomize.n=40", "the scenario has no 'design.randomize'"),
        ("design.randomise.n=-1", "there is no scenario with design.randomise.n = -1"),
        ("design.randomise.n=many", "there is no scenario with"),
        ("model.outcomes.nothing.at.all=1", "there is no scenario with"),
    ],
)
def test_a_point_that_cannot_be_is_told(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        points(world(ATAXIA), [axis(text)])


def test_no_place_is_moved_twice_and_no_sweep_is_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario, n = world(ATAXIA), axis("design.randomise.n=40,60")
    with pytest.raises(InputError, match="moved twice"):
        points(scenario, [n, n])
    monkeypatch.setattr(limits, "POINTS", limits.Limit("points", 3, "a test", "RARESIM_MAX_POINTS"))
    with pytest.raises(InputError, match="too many"):
        points(scenario, [n, axis("truth.missed_visits.share=0,0.1")])
    with pytest.raises(InputError, match="too many"):
        axis("design.randomise.n=1..1000000 by 1")
