"""Every shipped model: its gate, its page and its grade, from one population."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from raresim import catalogue
from raresim.cohort import check
from raresim.cohort.achieved import achieved
from raresim.cohort.grade import grade
from raresim.disease import exact, load_model
from raresim.report.model_page import model_page
from tests.faces.test_cli import ROOT, raresim

MODELS = sorted(catalogue.shipped("models"))


@pytest.mark.parametrize("name", MODELS)
def test_gate_page_and_grade(name: str) -> None:
    """Renew a page by `raresim show NAME --page`, grades by `raresim models --grades`."""
    model = load_model(name)
    exact.network(model)
    rows = check(model)
    inputs = [row for row in rows if row.role == "input"]
    assert len(inputs) >= 2
    assert [row for row in inputs if row.miss is not None and abs(row.miss) > 0.1] == []
    assert [row for row in rows if not row.passed] == []
    assert [row for row in achieved(model) if not row.passed] == []
    assert any(row.role == "target" for row in rows)
    page = ROOT / "docs" / "models" / f"{name}.md"
    assert model_page(model, rows) == page.read_text()
    assert asdict(grade(model, rows)) == catalogue.grades()[name]


def test_the_command_says_the_same_of_the_gate() -> None:
    found = json.loads(raresim("show", "sma-type-1", "--check", "--json"))
    assert found["passed"]
    assert {row["role"] for row in found["rows"]} >= {"input", "target"}
    assert Path(ROOT / "docs/models/sma-type-1.md").read_text() == raresim(
        "show", "sma-type-1", "--page"
    )
