"""What was typed in: shipped files hold together, and a real slip in print is caught."""

from __future__ import annotations

import json

import pytest

from raresim import catalogue
from raresim.disease import load_model
from raresim.evidence import Difference, Mean, Ratio, Share
from raresim.trial import load_scenario
from raresim.trial.typed_in import check, findings
from tests.faces.test_cli import raresim


@pytest.mark.parametrize("name", sorted(catalogue.shipped("models")))
def test_shipped_models_hold_together(name: str) -> None:
    assert findings(load_model(name)) == []


@pytest.mark.parametrize("name", sorted(catalogue.shipped("scenarios")))
def test_shipped_scenarios_hold_together(name: str) -> None:
    assert findings(load_scenario(name)) == []


def test_the_slip_in_the_endear_table_is_caught() -> None:
    """A printed table gives 21 (39 %) of 80 infants; 39 % of 80 is 31."""
    [(where, finding)] = findings(load_scenario(catalogue.find("backtests", "endear")))
    assert where == "nusinersen: share with event"
    assert "21 of 80" in finding.found
    assert "31 would fit" in finding.mend
    path = str(catalogue.find("backtests", "endear"))
    assert "21 of 80 is 26.25 %" in raresim("validate", path)
    told = json.loads(raresim("validate", path, "--json"))
    assert told["valid"] == [path]
    assert [row["where"] for row in told["findings"]] == [where]


@pytest.mark.parametrize(
    ("statistic", "bounds", "amiss"),
    [
        (Mean(mean=9.0, sd=4.2, n=30), (0.0, 10.0), True),  # at most sqrt(9 * 1 * 30 / 29) = 3.05
        (Mean(mean=9.0, sd=2.9, n=30), (0.0, 10.0), False),
        (Mean(mean=9.0, sd=4.2, n=30), None, False),
        (Ratio(hazard_ratio=0.53, ci=[0.32, 0.89]), None, False),
        (Ratio(hazard_ratio=0.53, ci=[0.45, 0.89]), None, True),  # sqrt(0.45 * 0.89) = 0.63
        (Difference(difference=-2.4, ci=[-4.31, -0.5], after="48 weeks"), None, False),
        (Difference(difference=-2.4, ci=[-4.31, 0.5], after="48 weeks"), None, True),
        (Share(share=0.39, n=80, count=31), None, False),
        (Share(share=0.39, n=80), None, False),
    ],
)
def test_what_cannot_be_is_found_and_what_can_is_left_alone(statistic, bounds, amiss) -> None:
    assert bool(check(statistic, bounds)) == amiss
