"""The page of the platform, and that of the comparison, say what comes out."""

from __future__ import annotations

import json
import re
from types import ModuleType

import numpy as np
import pytest

import raresim
from tests import scripts
from tests.scripts import DOCS
from tests.worlds import world

K, AGAIN, SEED = 4, 192, 77
"""Monte Carlo standard errors of both simulations together; trials of the smaller one."""


def stated(drift: str) -> list[tuple[float, float]]:
    """Return the sizes of a row of the page's first table, and their errors, in shares."""
    text = (DOCS / "scenarios" / "als-platform.md").read_text("utf-8")
    row = next(line for line in text.splitlines() if line.startswith(f"| {drift} |"))
    return [(float(a) / 100, float(b) / 100) for a, b in re.findall(r"([\d.]+) % ± ([\d.]+)", row)]


@pytest.mark.parametrize("drift", ["0", "2"])
def test_sizes_of_the_platform_are_those_of_its_page(drift: str) -> None:
    scenario = world("als-platform", {"truth.drift.alsfrs.difference": f"{drift} points"})
    found = raresim.simulate(scenario, AGAIN, SEED, hypothesis="no_effect", workers=1).summary
    names = ("b", "b_pooled", "b_adjusted")
    for name, (size, error) in zip(names, stated(drift), strict=True):
        own = found.estimands[name].rejected
        assert own.value == pytest.approx(size, abs=K * np.hypot(own.mcse or 0.0, error)), name


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return scripts.script("make-comparison")


def test_the_comparison_is_what_its_designs_give(script: ModuleType) -> None:
    answer = json.loads((DOCS / "designs" / "comparison.json").read_text("utf-8"))
    assert script.table(answer) in (DOCS / "designs" / "compare.md").read_text("utf-8")
    designs = script.designs(script.told())
    for name, kept in answer.items():
        assert [each["name"] for each in kept["designs"]] == list(designs)
        found = raresim.compare(designs, 64, SEED, hypothesis=name, workers=1)
        for own, before in zip(found.designs, kept["designs"], strict=True):
            for key in ("success", "duration"):
                here, there = own.figures[key], before["figures"][key]
                allowed = K * np.hypot(here.mcse or 0.0, there["mcse"])
                assert here.value == pytest.approx(there["value"], abs=allowed), (own.name, key)
