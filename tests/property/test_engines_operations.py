"""The two conducts agree where a trial is hard to run: many arms, caps, lags, changes of course."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.trial import Scenario, run_block
from tests.operations import choices, looks, operations, re_estimates
from tests.three_arms import two_doses
from tests.worlds import ATAXIA, CGD, differences, world

TRIALS = 10


def agree(scenario: Scenario, seed: int, resolution: int) -> None:
    """Run both conducts and compare everything."""
    runs = [
        run_block(scenario, "effect", seed, 0, engine, TRIALS, resolution)
        for engine in ("block", "simpy")
    ]
    assert differences(*runs) == []


@pytest.mark.parametrize("resolution", [1, 86_400, 30 * 86_400])
@settings(max_examples=20)
@given(changes=operations(), seed=st.integers(0, 2**32))
def test_conducts_agree_on_whatever_operations(
    resolution: int, changes: dict[str, Any], seed: int
) -> None:
    agree(world(CGD, changes), seed, resolution)


@pytest.mark.parametrize("resolution", [1, 30 * 86_400])
@settings(max_examples=10)
@given(changes=re_estimates(), seed=st.integers(0, 2**32))
def test_conducts_agree_when_n_is_estimated_again(
    resolution: int, changes: dict[str, Any], seed: int
) -> None:
    agree(world(ATAXIA, changes), seed, resolution)


@pytest.mark.parametrize("resolution", [1, 30 * 86_400])
@settings(max_examples=6)
@given(changes=looks(), seed=st.integers(0, 2**32))
def test_conducts_agree_on_whatever_looks(
    resolution: int, changes: dict[str, Any], seed: int
) -> None:
    agree(world(ATAXIA, changes), seed, resolution)


@pytest.mark.parametrize("resolution", [1, 30 * 86_400])
@settings(max_examples=6)
@given(chosen=choices(), seed=st.integers(0, 2**32))
def test_conducts_agree_however_arms_are_chosen(
    resolution: int, chosen: list[list[Any]], seed: int
) -> None:
    agree(two_doses(*chosen), seed, resolution)
