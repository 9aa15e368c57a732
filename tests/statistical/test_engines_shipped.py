"""Both conducts on every shipped scenario: equal ledgers, cuts, Results to the bit, decisions."""

from __future__ import annotations

import pytest

from raresim import catalogue
from raresim.trial import load_scenario, run_block
from tests.worlds import ATAXIA, CGD, differences

SHIPPED = catalogue.shipped("scenarios") | catalogue.shipped("backtests")
REPLICATES = {"cystic-fibrosis-residual-function": 64}
"""Others: 256. Cystic fibrosis screens 3,300 candidates a trial, four times any other's."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("resolution", "block"),
    [  # seconds and days, on patients of their own; each on the other's is more of the same
        (1, 0),
        (86_400, 1),
        pytest.param(1, 1, marks=pytest.mark.long),
        pytest.param(86_400, 0, marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_both_conducts_tell_the_same_story(name: str, resolution: int, block: int) -> None:
    agree(name, resolution, block, REPLICATES.get(name, 256) // 2)


@pytest.mark.long
@pytest.mark.parametrize("block", [0, 1, 2, 3])
@pytest.mark.parametrize("resolution", [1, 86_400])
@pytest.mark.parametrize("name", [CGD, ATAXIA])
def test_they_do_in_four_thousand_trials(name: str, resolution: int, block: int) -> None:
    agree(name, resolution, block, 1024)


def agree(name: str, resolution: int, block: int, replicates: int) -> None:
    """Hold both conducts to each other, to the bit."""
    scenario = load_scenario(SHIPPED[name])
    hypothesis = scenario.hypotheses[0]
    runs = [
        run_block(scenario, hypothesis, 11, block, engine, replicates, resolution)
        for engine in ("block", "simpy")
    ]
    assert runs[0].ledger.replicates == replicates
    assert differences(*runs) == []
