"""Chances to be the best: what must hold of any data, and parts of a ratio made of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from raresim.analysis.bayesian import (
    BetaMixture,
    best_mean,
    best_share,
    probability_above,
)
from raresim.errors import InputError
from raresim.randomisation import adaptive_parts

PATIENTS = np.array([[12.0, 30.0, 7.0, 0.0]])


@settings(max_examples=30)
@given(shares=arrays.arrays(float, (3, 4), elements=st.floats(0, 1)), highest=st.booleans())
def test_chances_of_shares(shares: np.ndarray, highest: bool) -> None:
    patients = np.repeat(PATIENTS, 3, axis=0)
    events = np.floor(shares * patients)
    found = best_share(events, patients, highest=highest)
    assert found.sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    mirrored = best_share(patients - events, patients, highest=not highest)
    assert found == pytest.approx(mirrored, abs=1e-9)
    turned = best_share(events[:, ::-1], patients[:, ::-1], highest=highest)
    assert found == pytest.approx(turned[:, ::-1], abs=1e-9)
    assert np.array_equal(best_share(events[:1], patients[:1], highest=highest)[0], found[0])


@settings(max_examples=30)
@given(events=st.lists(st.integers(0, 20), min_size=2, max_size=2))
def test_two_arms_are_those_of_their_difference(events: list[int]) -> None:
    found = best_share(np.array([events], float), np.full((1, 2), 20.0))[0]
    one, two = (BetaMixture.of((1.0, 1.0 + x, 21.0 - x)) for x in events)
    assert found[0] == pytest.approx(float(probability_above(one, two)), abs=1e-9)


@settings(max_examples=30)
@given(
    mean=arrays.arrays(float, (1, 3), elements=st.floats(-5, 5)),
    se=arrays.arrays(float, (1, 3), elements=st.floats(0.01, 4)),
)
def test_chances_of_means(mean: np.ndarray, se: np.ndarray) -> None:
    found = best_mean(mean, se)
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    assert found == pytest.approx(best_mean(-mean, se, highest=False), abs=1e-9)
    closed = best_mean(mean, se, among=np.array([[True, False, True]]))
    assert closed[0, 1] == 0
    assert closed[0, [0, 2]] == pytest.approx(best_mean(mean[:, [0, 2]], se[:, [0, 2]])[0])


@given(best=arrays.arrays(float, (4, 4), elements=st.floats(0, 1)), power=st.sampled_from([0.5, 1]))
def test_no_arm_gets_less_than_the_floor(best: np.ndarray, power: float) -> None:
    parts = adaptive_parts(best, 0.2, power)
    assert parts.min() >= 2000
    assert np.abs(parts.sum(axis=1) - 10_000).max() <= 2
    fixed = adaptive_parts(best, 0.1, power, control_share=0.4)
    assert (fixed[:, 0] == 4000).all()
    assert fixed.min() >= 1000


def test_what_is_no_data_is_refused() -> None:
    with pytest.raises(InputError, match="events"):
        best_share(np.array([[3.0, 9.0]]), np.array([[5.0, 5.0]]))
    with pytest.raises(InputError, match="se"):
        best_mean(np.zeros((1, 2)), np.array([[1.0, 0.0]]))
    with pytest.raises(InputError, match="among"):
        best_mean(np.zeros((1, 2)), np.ones((1, 2)), among=np.zeros((1, 2), bool))
    with pytest.raises(ValueError, match="more than there is"):
        adaptive_parts(np.ones((1, 3)), 0.5)
