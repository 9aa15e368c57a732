"""Every number of the validation page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle.validation import comparisons
from tests.oracle.validation.comparison import Comparison
from tests.worlds import SHARED

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "comparison", comparisons(), ids=lambda c: f"{c.method}: {c.item} ({c.reference})"
)
def test_the_number_is_that_of_the_reference(comparison: Comparison) -> None:
    if comparison.shared and not SHARED.exists():
        pytest.skip("the shared references are not beside this project")
    got = comparison.got()
    assert comparison.difference(got) <= comparison.allowed, (got, comparison.expected)


def test_the_page_lists_every_comparison() -> None:
    """The page is written by `docs/make-validation`, with the shared references at hand."""
    page = (ROOT / "docs" / "reference" / "validation.md").read_text(encoding="utf-8")
    missing = [c.item for c in comparisons() if not _listed(c, page)]
    assert not missing, f"run docs/make-validation: {missing[:5]}"


def _listed(comparison: Comparison, page: str) -> bool:
    """Whether it is there; another version of a reference at hand may give another last digit."""
    item = comparison.item.replace("|", r"\|")
    return f"\n## {comparison.method}\n" in page and f"\n| {item} | " in page
