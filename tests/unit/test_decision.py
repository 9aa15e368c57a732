"""Decisions add up, and agree with the simulations that they are made of."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

import raresim
from raresim.errors import InputError
from raresim.questions import Decision
from raresim.report.decision import picture
from tests.worlds import CGD, world

R = 128


@pytest.fixture(scope="module")
def found() -> Decision:
    return raresim.decide(world(CGD), R, 3, worth=0.6, workers=1)


def test_a_go_is_a_success(found: Decision) -> None:
    for outcome in found.outcomes:
        run = raresim.simulate(world(CGD), R, 3, hypothesis=outcome.hypothesis, workers=1)
        assert outcome.go == run.summary.success
        assert outcome.is_null == run.summary.is_null
        expected = outcome.go.value if outcome.is_null else 1 - (outcome.go.value or 0)
        assert outcome.wrong.value == expected


def test_the_four_cells_are_all_trials_and_their_margins_are_known(found: Decision) -> None:
    drawn = found.drawn
    assert drawn is not None
    cells = (drawn.right_go, drawn.false_go, drawn.missed, drawn.right_stop)
    assert sum(cell.value or 0 for cell in cells) == pytest.approx(1)
    whole = world(CGD, {"truth.uncertainty": "all"})
    assurance = raresim.simulate(whole, R, 3, workers=1).summary.success.value
    assert (drawn.right_go.value or 0) + (drawn.false_go.value or 0) == pytest.approx(assurance)
    worth = (drawn.right_go.value or 0) + (drawn.missed.value or 0)
    assert drawn.worth_having.value == pytest.approx(worth)
    go = (drawn.right_go.value or 0) / (assurance or 1)
    assert drawn.worth_if_go.value == pytest.approx(go)


def test_any_benefit_is_the_ceiling_of_assurance(found: Decision) -> None:
    easy = raresim.decide(world(CGD), R, 3, workers=1).drawn
    whole = world(CGD, {"truth.uncertainty": "all"})
    ceiling = raresim.simulate(whole, R, 3, workers=1).summary.chance_of_benefit
    assert easy is not None and found.drawn is not None and ceiling is not None
    assert easy.worth_having.value == ceiling.value
    assert (found.drawn.worth_having.value or 0) <= (easy.worth_having.value or 0)


def test_it_is_drawn_and_kept(found: Decision, tmp_path: Path) -> None:
    label = ElementTree.fromstring(picture(found)).attrib["aria-label"]
    assert "missed drug" in label and "false go" in label
    options = {"worth": 0.6, "workers": 1, "folder": tmp_path / "d", "picture": picture}
    assert raresim.decide(world(CGD), R, 3, **options) == found  # type: ignore[arg-type]
    assert raresim.decide(world(CGD), R, 3, resume=True, **options) == found  # type: ignore[arg-type]


def test_a_ratio_that_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="above 0"):
        raresim.decide(world(CGD), 8, worth=0.0)
