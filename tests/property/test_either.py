"""What stands in for NumPy's own choices gives NumPy's own answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim import either as module
from raresim.alike import alike, everywhere, rows, stack, take, where
from raresim.analysis import batch
from raresim.either import either
from raresim.streams import Luck

SHAPES = [(40, 60), (3, 5), (1, 1), (40, 60, 2)]
KINDS = [np.float64, np.int64, np.int8, np.float32]


def drawn(seed: int, shape: tuple[int, ...], kind: Any) -> np.ndarray:
    rng = np.random.Generator(np.random.PCG64(seed))
    values = rng.normal(0, 50, shape)
    values[rng.random(shape) < 0.05] = np.inf if np.dtype(kind).kind == "f" else 7
    return values.astype(kind)


@given(
    st.integers(0, 10**6),
    st.sampled_from(SHAPES),
    st.sampled_from(KINDS),
    st.sampled_from(KINDS),
    st.sampled_from(
        ["arrays", "a number", "a number first", "a fraction", "NaN", "in another order"]
    ),
)
@settings(max_examples=150, deadline=None)
def test_either_is_numpys_where(seed: int, shape: Any, one: Any, other: Any, form: str) -> None:
    holds = drawn(seed, shape, np.float64) > 0
    values, others = drawn(seed + 1, shape, one), drawn(seed + 2, shape, other)
    pair: tuple[Any, Any] = {
        "arrays": (values, others),
        "a number": (values, 3),
        "a number first": (-2, others),
        "a fraction": (values, 0.5),
        "NaN": (values, np.nan),
        "in another order": (np.asfortranarray(values), others),
    }[form]
    found, expected = either(holds, *pair), np.where(holds, *pair)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_large_arrays_go_through_the_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    for name in ("_choose", "_choose_or"):
        loop = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *given, loop=loop, name=name: called.append(name) or loop(*given)
        )
    values = drawn(1, (64, 64), np.float64)
    either(values > 0, values, -values)
    either(values > 0, values, 0.0)
    assert called == ["_choose", "_choose_or"]


@given(st.integers(0, 10**6), st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_views_of_one_row_are_taken_like_any_array(
    seed: int, same: bool, row: bool, prefix: bool
) -> None:
    rng = np.random.Generator(np.random.PCG64(seed))
    values = drawn(seed, (6, 9), np.float64)
    order = rng.integers(-1, 9, (6, 4))
    if same:
        values = everywhere(np.float64(2.5), values.shape)
    if row:
        order = everywhere(np.arange(4) if prefix else order[0], order.shape)
    expected = np.take_along_axis(values.copy(), np.maximum(order, 0), axis=1)
    np.testing.assert_array_equal(take(values, order), expected)
    chosen = np.array([4, 0])
    np.testing.assert_array_equal(rows(values, chosen), values.copy()[chosen])
    np.testing.assert_array_equal(stack([values, values]), np.stack([values, values], axis=-1))
    holds = order >= 0
    np.testing.assert_array_equal(where(holds, order, -3), np.where(holds, order, -3))


def test_what_is_alike_stays_alike() -> None:
    one = everywhere(np.int64(4), (5, 3))
    order = np.zeros((5, 2), np.int64)
    assert alike(take(one, order)) and alike(rows(one, np.array([3, 1]))) and alike(stack([one]))
    assert not alike(one.copy())


@given(st.integers(0, 10**6), st.integers(1, 30), st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_log_rank_loop_has_the_bits_of_the_risk_sets(seed: int, n: int, strata: bool) -> None:
    """Whole numbers go through the loop, the same numbers with a point through the risk sets."""
    rng = np.random.Generator(np.random.PCG64(seed))
    shape = (7, n)
    time = rng.integers(0, 12, shape)
    event, present = rng.random(shape) < 0.6, rng.random(shape) < 0.9
    arm = rng.integers(0, 2, shape)
    stratum = rng.integers(0, 3, shape) if strata else None
    fast = batch.logrank(time, event, arm, present, stratum)
    slow = batch.logrank(time.astype(np.float64), event, arm, present, stratum)
    for name in ("estimate", "se", "statistic", "p", "converged", "notes", "used"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow, name), err_msg=name)


def test_luck_of_blocks_together_is_theirs_one_by_one() -> None:
    together = Luck(3, 5, blocks=3).uniform("x", 4)
    one_by_one = [Luck(3, block).uniform("x", 4) for block in (5, 6, 7)]
    np.testing.assert_array_equal(together, np.concatenate(one_by_one))
    some = Luck(3, 5, blocks=3).only(slice(1000, 1100)).uniform("x", 4)
    np.testing.assert_array_equal(some, together[1000:1100])


def test_luck_that_keeps_its_draws_draws_the_same() -> None:
    kept = Luck(3, 5).keeping()
    first, again = kept.afresh().uniform("x", 4), kept.afresh().uniform("x", 4)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, Luck(3, 5).uniform("x", 4))
    with pytest.raises(RuntimeError, match="asked for twice"):
        kept.uniform("x", 4), kept.uniform("x", 4)
