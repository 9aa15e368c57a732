"""Facts that every adjustment for several hypotheses must obey."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raresim.analysis.multiplicity import (
    batch,
    dunnett_adjusted,
    dunnett_critical,
    dunnett_probability,
    graphical,
)
from raresim.errors import InputError

WEIGHTS = np.array([0.4, 0.4, 0.2, 0.0])
ARROWS = np.array(
    [[0.0, 0.5, 0.5, 0.0], [0.3, 0.0, 0.0, 0.7], [0.0, 0.6, 0.0, 0.4], [1.0, 0.0, 0.0, 0.0]]
)
Adjust = Callable[[np.ndarray], np.ndarray]
KERNELS: list[Adjust] = [
    batch.bonferroni,
    batch.holm,
    batch.hochberg,
    batch.hommel,
    batch.fixed_sequence,
    partial(batch.graphical, weights=WEIGHTS, transitions=ARROWS),
]
P_VALUES = st.lists(st.floats(0, 1), min_size=4, max_size=4).map(np.array)


@pytest.mark.parametrize("kernel", KERNELS)
def test_rows_alone_are_those_of_the_batch(kernel: Adjust) -> None:
    p = np.random.default_rng(3).uniform(size=(60, 4)) ** 3
    p[::7, 2] = np.nan
    p[::5, 1] = p[::5, 0]
    together = kernel(p)
    for b in range(60):
        assert kernel(p[b : b + 1]).tobytes() == together[b : b + 1].tobytes()
        assert kernel(p[b]).tobytes() == together[b].tobytes()
    assert np.array_equal(np.isnan(together), np.isnan(p))


@given(P_VALUES)
def test_adjusted_values_are_p_values_no_smaller_and_in_their_order(p: np.ndarray) -> None:
    for kernel in KERNELS:
        adjusted = kernel(p)
        assert np.all((adjusted >= p - 1e-15) & (adjusted <= 1.0))
    for kernel in KERNELS[:4]:
        order = np.argsort(p, kind="stable")
        assert np.all(np.diff(kernel(p)[order]) >= -1e-15)
    bonferroni, holm, hochberg, hommel = (kernel(p) for kernel in KERNELS[:4])
    assert np.all(bonferroni >= holm - 1e-15)
    assert np.all(holm >= hochberg - 1e-15)
    assert np.all(hochberg >= hommel - 1e-15)


@given(P_VALUES)
def test_hommel_is_the_closed_test_of_simes(p: np.ndarray) -> None:
    closed = np.zeros(4)
    for size in range(1, 5):
        for members in map(list, combinations(range(4), size)):
            simes = np.min(size * np.sort(p[members]) / np.arange(1, size + 1))
            closed[members] = np.maximum(closed[members], simes)
    np.testing.assert_allclose(batch.hommel(p), np.minimum(closed, 1.0), atol=1e-14)


@given(P_VALUES)
def test_relabelling_hypotheses_relabels_the_graph(p: np.ndarray) -> None:
    order = np.array([2, 0, 3, 1])
    moved = graphical(p[order], WEIGHTS[order], ARROWS[np.ix_(order, order)])
    np.testing.assert_allclose(moved, graphical(p, WEIGHTS, ARROWS)[order], atol=1e-12)


def test_a_missing_p_value_stays_missing_and_never_helps() -> None:
    p = np.array([0.01, np.nan, 0.03])
    for kernel in KERNELS[:5]:
        one = kernel(np.array([0.01, 1.0, 0.03]))
        found = kernel(p)
        assert np.isnan(found[1])
        np.testing.assert_array_equal(found[[0, 2]], one[[0, 2]])


def test_dunnett_rows_alone_are_those_of_the_batch() -> None:
    rng = np.random.default_rng(9)
    t = rng.normal(1.0, 1.0, size=(25, 3))
    t[4, 1] = np.nan
    patients = rng.integers(3, 30, size=(25, 4)).astype(float)
    df = patients.sum(axis=1) - 4.0
    for sides, step_down in ((1, False), (2, True)):
        together = dunnett_adjusted(t, patients, df, sides=sides, step_down=step_down)
        for b in range(25):
            alone = dunnett_adjusted(
                t[b : b + 1], patients[b : b + 1], df[b : b + 1], sides=sides, step_down=step_down
            )
            assert alone.tobytes() == together[b : b + 1].tobytes()


def test_dunnett_lies_between_the_single_test_and_bonferroni_and_step_down_below_it() -> None:
    t, patients = np.array([2.4, 1.9, 0.3]), np.array([12.0, 9.0, 15.0, 7.0])
    single = dunnett_adjusted(t, patients, 39.0)
    closed = dunnett_adjusted(t, patients, 39.0, step_down=True)
    alone = np.array(
        [float(dunnett_adjusted(t[[k]], patients[[0, k + 1]], 39.0)[0]) for k in range(3)]
    )
    assert np.all(alone <= closed + 1e-12)
    assert np.all(closed <= single + 1e-12)
    assert np.all(single <= 3 * alone + 1e-12)
    assert closed[0] == pytest.approx(single[0], abs=1e-12)


def test_dunnett_limits_have_their_level() -> None:
    for sides in (1, 2):
        for df in (2.0, 17.0, np.inf):
            patients = np.array([20.0, 10.0, 11.0, 5.0])
            limit = dunnett_critical(0.04, patients, df, sides=sides)
            inside = dunnett_probability(np.full(3, limit), patients, df, sides=sides)
            assert inside == pytest.approx(0.96, abs=1e-10)


def test_dunnett_two_sided_does_not_care_for_the_sign() -> None:
    t, patients = np.array([2.4, -1.9]), np.array([12.0, 9.0, 15.0])
    a = dunnett_adjusted(t, patients, 33.0, sides=2)
    assert a.tobytes() == dunnett_adjusted(-t, patients, 33.0, sides=2).tobytes()


def test_what_cannot_be_is_refused() -> None:
    two = np.ones(2) / 2
    swap = np.array([[0.0, 1.0], [1.0, 0.0]])
    for ask in (
        lambda: batch.holm(np.array([0.1, 1.2])),
        lambda: batch.holm(np.array([])),
        lambda: graphical(np.array([0.1, 0.2]), np.array([0.7, 0.7]), swap),
        lambda: graphical(np.array([0.1, 0.2]), two, np.eye(2)),
        lambda: graphical(np.array([0.1, 0.2]), two, 2 * swap),
        lambda: dunnett_critical(0.7, np.ones(3)),
        lambda: dunnett_critical(0.05, np.array([1.0, 0.0])),
        lambda: dunnett_critical(0.05, np.ones(3), 0.0),
        lambda: dunnett_critical(0.05, np.ones(3), sides=3),
        lambda: dunnett_probability(np.ones(3), np.ones(3)),
        lambda: dunnett_adjusted(np.ones(12), np.ones(13), step_down=True),
    ):
        with pytest.raises(InputError, match="expected"):
            ask()
