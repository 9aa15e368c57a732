"""Every number of the validation page."""

from __future__ import annotations

import pytest

from tests.oracle.validation import comparisons
from tests.oracle.validation.comparison import Comparison
from tests.worlds import SHARED


@pytest.mark.parametrize(
    "comparison", comparisons(), ids=lambda c: f"{c.method}: {c.item} ({c.reference})"
)
def test_the_number_is_that_of_the_reference(comparison: Comparison) -> None:
    if comparison.shared and not SHARED.exists():
        pytest.skip("the shared references are not beside this project")
    got = comparison.got()
    assert comparison.difference(got) <= comparison.allowed, (got, comparison.expected)
