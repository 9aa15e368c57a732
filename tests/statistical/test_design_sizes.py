"""The sizes of the shipped designs: complete, of the files as they are, and found again."""

from __future__ import annotations

import pytest

from raresim.study.null_cells import null_points
from raresim.trial import load_scenario
from raresim.trial.nuisance import grid
from tests import design_sizes

STATED = design_sizes.stated()
ROOT = design_sizes.FILE.parents[2]
K = 4
"""Monte Carlo standard errors of the smaller simulation that a cell may differ by."""
LEAST = 500
"""Trials of each cell at the least: of designs that are slow; 20,000 are wanted of all."""
FEWER = 256
SAMPLE = [
    ("cgd-interferon-gamma", 5),
    ("hereditary-angioedema-24-weeks", 3),
    ("pulmonary-arterial-hypertension-24-weeks", 2),
    ("friedreich-48-weeks", 8),
]
"""Cells that are simulated again: designs that are quick, and a partial null."""


@pytest.mark.parametrize("name", design_sizes.shipped())
def test_every_shipped_design_was_measured_as_it_is(name: str) -> None:
    assert name in STATED, f"run docs/make-design-sizes {name}"
    found, scenario = STATED[name], load_scenario(name)
    design = scenario.spec.design
    assert design.nulls, "declare null hypotheses"
    assert design.nuisance, "declare a nuisance grid"
    assert found["mark"] == design_sizes.mark(name), f"run docs/make-design-sizes {name}"
    cells = [(name, values) for values in grid(design.nuisance) for name in design.nulls]
    assert [(cell["hypothesis"], cell["values"]) for cell in found["cells"]] == cells
    assert found["replicates"] >= LEAST
    worst = found["cells"][found["worst"]]["rejected"]["value"]
    rates = [cell["rejected"]["value"] for cell in found["cells"] if cell["nulls"]]
    assert worst == max(rates)
    assert found["low"] <= found["again"]["value"] <= found["high"]


def test_nothing_is_measured_that_is_not_shipped() -> None:
    assert set(STATED) == set(design_sizes.shipped())


@pytest.mark.parametrize(("name", "number"), SAMPLE)
def test_a_cell_is_found_again(name: str, number: int) -> None:
    """Fewer trials from the same seeds: the first of those on the page."""
    stated = STATED[name]["cells"][number]
    point = null_points(load_scenario(name), design_sizes.SEED)[number]
    assert (point.hypothesis, point.values) == (stated["hypothesis"], stated["values"])
    assert list(point.nulls) == stated["nulls"]
    found = point.cell(point.errors(design_sizes.SEED, 0, FEWER, "block"))
    share = stated["rejected"]["value"]
    error = (max(share, 1e-3) * (1 - share) / FEWER) ** 0.5
    assert abs((found.rejected.value or 0.0) - share) < K * error


def test_the_page_shows_every_design() -> None:
    page = (ROOT / "docs" / "reference" / "design-sizes.md").read_text(encoding="utf-8")
    for name, found in STATED.items():
        assert f"## {name}\n" in page
        assert f"{100 * found['again']['value']:.2f} ± " in page
