"""The sizes of the shipped designs: complete, of the files as they are, and found again."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from raresim.questions.null_cells import NullPiece, null_points
from raresim.questions.race import rounds
from raresim.trial import load_scenario
from raresim.trial.nuisance import MOST, grid, told
from tests import design_sizes

STATED = design_sizes.stated()
PAGE = (design_sizes.FILE.parents[2] / "docs" / "reference" / "design-sizes.md").read_text("utf-8")
K = 4
"""Monte Carlo standard errors of the smaller simulation that a cell may differ by."""
LEAST = 20_000
"""Trials of each cell that may be the worst, at the least."""
FEWER = 256
SAMPLE = [
    ("cgd-interferon-gamma", 5),
    ("hereditary-angioedema-24-weeks", 3),
    ("pulmonary-arterial-hypertension-two-doses", 2),
    ("friedreich-delayed-start", 1),
    ("duchenne-bespoke", 1),
    ("pulmonary-arterial-hypertension-cross-over", 8),
]
"""Cells that are simulated again: quick designs, partial nulls, a truth at the goal."""


@pytest.mark.parametrize("name", design_sizes.shipped())
def test_every_shipped_design_declares_its_null_set(name: str) -> None:
    design = load_scenario(name).spec.design
    assert design.nulls, "declare null hypotheses"
    assert design.nuisance, "declare a nuisance grid"
    assert len(grid(design.nuisance)) <= MOST


@pytest.mark.parametrize("name", design_sizes.shipped())
def test_every_size_is_of_the_file_as_it_is(name: str) -> None:
    assert name in STATED, f"run docs/make-design-sizes {name}"
    found, design = STATED[name], load_scenario(name).spec.design
    assert found["mark"] == design_sizes.mark(name), f"run docs/make-design-sizes {name}"
    cells = [[name, values] for values in grid(design.nuisance) for name in design.nulls]
    measured = [[cell["hypothesis"], cell["values"]] for cell in found["cells"]]
    assert design_sizes.without_words(measured) == design_sizes.without_words(cells)
    assert found["replicates"] >= LEAST
    whole = [c["rejected"] for c in found["cells"] if c["nulls"]]
    assert {figure["replicates"] for figure in whole} <= {*rounds(found["replicates"])}
    rates = [f["value"] for f in whole if f["replicates"] == found["replicates"]]
    assert found["cells"][found["worst"]]["rejected"]["value"] == max(rates)
    assert found["again"]["replicates"] == found["replicates"]
    assert found["low"] <= found["again"]["value"] <= found["high"]


def test_nothing_is_measured_that_is_not_shipped() -> None:
    assert set(STATED) <= set(design_sizes.shipped())


@pytest.mark.parametrize(("name", "number"), SAMPLE)
def test_a_cell_is_found_again(name: str, number: int) -> None:
    """Fewer trials from the same seeds: the first of those on the page."""
    stated = STATED[name]["cells"][number]
    point = null_points(load_scenario(name), design_sizes.SEED)[number]
    assert point.hypothesis == stated["hypothesis"]
    assert told(point.values) == told(stated["values"])
    assert list(point.nulls) == stated["nulls"]
    found = point.cell(NullPiece(point, design_sizes.SEED, 0, FEWER).find("block").arrays)
    share = stated["rejected"]["value"]
    error = (max(share, 1e-3) * (1 - share) / FEWER) ** 0.5
    assert abs((found.rejected.value or 0.0) - share) < K * error


def test_the_page_shows_every_design() -> None:
    for name, found in STATED.items():
        assert f"## {name}\n" in PAGE
        assert f"{100 * found['again']['value']:.2f} ± " in PAGE


def test_words_do_not_move_a_mark_and_numbers_do() -> None:
    effect = {"assumed": {"rate_ratio": 0.5}, "why": "so"}
    data = {
        "truth": {"hypotheses": {"effect": {"x": effect}, "none": {"x": 1}}, "uncertainty": "all"},
        "design": {"nulls": ["none"], "arms": {"a": {"give": "a pill"}}, "n": 5},
        "analysis": {"population": {"where": "age > 3"}, "note": "a word"},
    }
    other = copy.deepcopy(data)
    other["truth"]["hypotheses"]["effect"] = {}
    other["truth"]["uncertainty"] = "fixed"
    other["design"]["arms"]["a"]["give"] = "another pill"
    other["analysis"]["note"] = "another word"
    assert design_sizes.of_scenario(other) == design_sizes.of_scenario(data)
    for path in (("design", "n"), ("analysis", "population", "where")):
        moved = copy.deepcopy(data)
        place: Any = moved
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = "moved"
        assert design_sizes.of_scenario(moved) != design_sizes.of_scenario(data)
    printed = {"mean": 3, "source": "a", "where": "table 2", "seen": True}
    again = {"mean": 3, "source": "b", "where": "table 3"}
    assert design_sizes.without_words([printed]) == design_sizes.without_words([again])
