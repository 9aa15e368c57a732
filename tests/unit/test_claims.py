"""What trials claim: procedures over several tests, by hand, and their family-wise error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import raresim
from raresim.study.claims import claims, success
from tests.grouped import grouped

PASSES = {"whole": {"women": 1}, "women": {"whole": 1}}


def told(p: list[tuple[float, float]], **columns: Any) -> pd.DataFrame:
    """Return the final analyses of some trials with these p-values of whole and women."""
    rows = [
        {"replicate": k, "milestone": "final", "estimand": name, "p": value}
        for k, pair in enumerate(p)
        for name, value in zip(("whole", "women"), pair, strict=True)
    ]
    found = pd.DataFrame(rows)
    return found.assign(converged=found["p"].notna(), rejected=found["p"] <= 0.025, **columns)


P = [(0.02, 0.012), (0.02, 0.02), (0.013, 0.9), (0.9, 0.01), (0.03, 0.001), (np.nan, 0.01)]
EXPECTED = {
    "holm": ([1, 0, 0, 0, 0, 0], [1, 0, 0, 1, 1, 1]),
    "hochberg": ([1, 1, 0, 0, 0, 0], [1, 1, 0, 1, 1, 1]),
    "first": ([1, 1, 1, 0, 0, 0], [1, 1, 0, 0, 0, 0]),
    "pass": ([1, 0, 0, 0, 0, 0], [1, 0, 0, 1, 1, 1]),
}
"""By hand, at 0.025: Holm and the symmetric graph ask 0.0125 of the smaller p-value first."""


@pytest.mark.parametrize("procedure", EXPECTED)
def test_procedures_are_those_by_hand(procedure: str) -> None:
    ways: dict[str, Any] = {
        "first": {"graph": {"weights": {"whole": 1, "women": 0}, "passes": PASSES}},
        "pass": {"graph": {"weights": {"whole": 0.5, "women": 0.5}, "passes": PASSES}},
    }
    way = ways.get(procedure, {"procedure": procedure, "of": ["whole", "women"]})
    scenario = grouped({"analysis.multiplicity": way})
    trials = pd.DataFrame({"replicate": range(len(P))})
    found = claims(scenario, trials, told(P))
    for name, expected in zip(("whole", "women"), EXPECTED[procedure], strict=True):
        assert found[name].tolist() == [bool(one) for one in expected]
    either = np.logical_or(*(np.array(one, bool) for one in EXPECTED[procedure]))
    assert success(scenario, found).tolist() == either.tolist()


def test_who_was_not_analysed_at_the_last_look_claims_nothing() -> None:
    """A p-value of an earlier look, or one that may not reject (a dropped arm), counts for none."""
    trials = pd.DataFrame({"replicate": range(2)})
    early = told([(0.001, 0.001), (0.001, 0.001)]).assign(milestone="look")
    dropped = told([(0.001, 0.02), (0.001, 0.02)])
    dropped["rejected"] = dropped["estimand"] == "women"
    for analyses in (early, dropped):
        found = claims(grouped(), trials, analyses)
        assert not found["whole"].any() and not found["women"].any()


def test_the_family_wise_error_is_held() -> None:
    scenario = grouped(
        {"analysis.multiplicity": {"procedure": "hochberg", "of": ["whole", "women"]}}
    )
    run = raresim.simulate(scenario, 1024, seed=4, hypothesis="no_effect", workers=1)
    assert run.summary.is_null
    assert (run.summary.success.value or 1) < 0.025 + 4 * np.sqrt(0.025 * 0.975 / 1024)
