"""The sizes on the page: complete, held or warned of, and what a smaller simulation finds too."""

from __future__ import annotations

import math

import pytest

from raresim.analysis.measured_sizes import MEASURED
from tests.measured_size import Enumerated, Size, Test, measured, ranges, simulate
from tests.sizes import FILE, TESTS, stated

ROOT = FILE.parents[2]
FEWER = 50
"""How many times fewer replicates than on the page are drawn here."""
DRAWN = (12, 40)
"""Numbers of patients that are drawn here: CI has little time."""
K = 4
"""Monte Carlo standard errors of both simulations that a size may differ by."""
SIZES = {(size.test, size.null, size.patients): size for size in stated()}
CASES = [(test, world, n) for test in TESTS for world in test.worlds for n in test.patients]
SIMULATED = [test for test in TESTS if isinstance(test, Test)]
COMPUTED = [test for test in TESTS if isinstance(test, Enumerated)]


def size_of(test: Test | Enumerated, null: str, patients: int) -> Size:
    assert (test.name, null, patients) in SIZES, f"run docs/make-sizes '{test.name}'"
    return SIZES[test.name, null, patients]


@pytest.mark.parametrize(
    ("test", "null", "patients"),
    [pytest.param(t, world, n, id=f"{t.name}, {world}, {n}") for t, world, n in CASES],
)
def test_a_test_holds_its_size_or_says_that_it_may_not(
    test: Test | Enumerated, null: str, patients: int
) -> None:
    size = size_of(test, null, patients)
    assert size.replicates == (test.replicates if isinstance(test, Test) else 0)
    assert size.level == test.level
    assert size.held or size.noted > 0.99, size


@pytest.mark.parametrize("test", COMPUTED, ids=lambda test: test.name)
def test_computed_sizes_are_those_on_the_page(test: Enumerated) -> None:
    for world in test.worlds:
        for patients in test.patients:
            size = size_of(test, world, patients)
            found = measured(test, world, patients)
            assert found.rejected == pytest.approx(size.rejected, abs=1e-9)
            assert found.noted == pytest.approx(size.noted)


@pytest.mark.parametrize("test", SIMULATED, ids=lambda test: test.name)
def test_sizes_are_those_on_the_page(test: Test) -> None:
    """Fewer trials from the same seeds: the first of those on the page."""
    for null in test.worlds:
        for patients in set(DRAWN) & set(test.patients):
            size = size_of(test, null, patients)
            found = simulate(test, null, patients, test.replicates // FEWER)
            share = size.rejected
            error = math.sqrt(max(share, 1e-3) * (1 - share) * (1 / found.replicates))
            assert abs(found.rejected - share) < K * error, (found, size)


def test_the_page_shows_every_size() -> None:
    page = (ROOT / "docs" / "reference" / "sizes.md").read_text(encoding="utf-8")
    for size in SIZES.values():
        assert f"{100 * size.rejected:.2f}" in page, size
    assert all(f"## {test.name}\n" in page for test in TESTS)


def test_notes_state_the_sizes_on_the_page() -> None:
    assert ranges(list(TESTS), list(SIZES.values())) == MEASURED
