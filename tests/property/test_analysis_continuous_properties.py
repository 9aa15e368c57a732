"""Continuous outcomes: rows alone, symmetries, tables without an answer."""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.analysis import Note, continuous
from raresim.analysis.continuous import batch
from raresim.errors import InputError

Table = dict[str, np.ndarray]


def draw(seed: int, replicates: int, patients: int, ties: bool = False) -> Table:
    rng = np.random.default_rng(seed)
    shape = (replicates, patients)
    outcome = rng.normal(size=shape)
    outcome = rng.integers(0, 5, shape).astype(float) if ties else outcome
    return {
        "outcome": np.where(rng.random(shape) < 0.1, np.nan, outcome),
        "before": rng.normal(size=shape),
        "baseline": rng.normal(50.0, 10.0, (*shape, 2)),
        "arm": rng.integers(0, 2, shape),
        "present": rng.random(shape) < 0.85,
        "stratum": rng.integers(0, 3, shape),
    }


PLAIN = ("outcome", "arm", "present")
ADJUSTED = ("outcome", "baseline", "arm", "present")
METHODS: dict[str, tuple[tuple[str, ...], Callable[..., Any], dict[str, Any]]] = {
    "student": (PLAIN, batch.two_sample_t, {"variances": "equal"}),
    "welch": (PLAIN, batch.two_sample_t, {}),
    "paired": (("outcome", "before", "present"), batch.paired_t, {}),
    "one sample": (("outcome", "present"), batch.one_sample_t, {"goal": 0.3}),
    "hc2": (ADJUSTED, batch.ancova, {"errors": "hc2"}),
    "hc3": (ADJUSTED, batch.ancova, {"errors": "hc3"}),
    "wilcoxon": (PLAIN, batch.wilcoxon, {}),
    "exact": (PLAIN, batch.wilcoxon, {"distribution": "exact"}),
    "asymptotic": (PLAIN, batch.wilcoxon, {"distribution": "asymptotic"}),
    "brunner-munzel": (PLAIN, batch.brunner_munzel, {}),
    "quade": (ADJUSTED, batch.rank_ancova, {}),
    "koch": (ADJUSTED, batch.rank_ancova, {"reference": "normal"}),
    "van elteren": (("outcome", "arm", "present", "stratum"), batch.van_elteren, {}),
}
TWO_ARMS = [name for name in METHODS if name not in ("paired", "one sample")]
RANKS = ["wilcoxon", "exact", "asymptotic", "brunner-munzel", "quade", "koch", "van elteren"]
tables = st.builds(
    draw,
    seed=st.integers(0, 2**32 - 1),
    replicates=st.integers(1, 4),
    patients=st.integers(1, 24),
    ties=st.booleans(),
)


def fit(name: str, table: Table) -> Any:
    columns, kernel, options = METHODS[name]
    return kernel(*(table[column] for column in columns), **options)


def bits(found: Any, b: int) -> list[object]:
    values = [getattr(found, field.name) for field in dataclasses.fields(found)]
    rows = [value[b] for value in values if isinstance(value, np.ndarray)]
    return ["nan" if np.all(np.isnan(value)) else value.tobytes() for value in rows]


def alone(table: Table, b: int, keep: np.ndarray) -> Table:
    return {name: values[b : b + 1][:, keep] for name, values in table.items()}


def scattered(table: Table, b: int, seed: int) -> Table:
    rng = np.random.default_rng(seed)
    number = table["arm"].shape[1]
    wide = number + int(rng.integers(1, 20))
    place = np.sort(rng.choice(wide, number, replace=False))
    padded = draw(seed, 1, wide)
    padded["present"][:] = False
    for name, values in table.items():
        padded[name][0, place] = values[b]
    return padded


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=20, deadline=None)
@given(table=tables, seed=st.integers(0, 2**32 - 1))
def test_a_row_of_a_batch_is_that_row_alone(name: str, table: Table, seed: int) -> None:
    together = fit(name, table)
    for b in range(len(together)):
        here = bits(together, b)
        everyone = np.ones(table["arm"].shape[1], dtype=bool)
        assert bits(fit(name, alone(table, b, everyone)), 0) == here
        assert bits(fit(name, scattered(table, b, seed)), 0) == here
        if table["present"][b].any():
            assert bits(fit(name, alone(table, b, table["present"][b])), 0) == here


@pytest.mark.parametrize("name", METHODS)
def test_a_row_of_a_large_batch_is_that_row_alone(name: str) -> None:
    table = draw(3, 150, 81)
    together = fit(name, table)
    for b in (0, 1, 75, 149):
        assert bits(fit(name, alone(table, b, table["present"][b])), 0) == bits(together, b)


@pytest.mark.parametrize("name", TWO_ARMS)
@settings(max_examples=20, deadline=None)
@given(table=tables)
def test_swapping_the_arms_turns_the_sign(name: str, table: Table) -> None:
    one, other = fit(name, table), fit(name, dict(table, arm=1 - table["arm"]))
    np.testing.assert_array_equal(one.converged, other.converged)
    np.testing.assert_allclose(other.estimate, -one.estimate, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(other.ci_low, -one.ci_high, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(other.p, one.p, rtol=1e-8)
    np.testing.assert_allclose(
        one.p_one_sided("less"), other.p_one_sided("greater"), rtol=1e-7, atol=1e-12
    )


@pytest.mark.parametrize("name", RANKS)
@settings(max_examples=20, deadline=None)
@given(table=tables)
def test_only_the_order_counts_for_ranks(name: str, table: Table) -> None:
    one, other = fit(name, table), fit(name, dict(table, outcome=np.exp(table["outcome"])))
    np.testing.assert_array_equal(one.p, other.p)


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=30, deadline=None)
@given(table=tables)
def test_no_answer_is_flagged_and_every_answer_is_finite(name: str, table: Table) -> None:
    found = fit(name, table)
    for field in ("estimate", "ci_low", "ci_high", "statistic", "p"):
        np.testing.assert_array_equal(np.isfinite(getattr(found, field)), found.converged)
    assert np.all(found.notes[~found.converged] > 0)
    assert repr(found.row(0))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), patients=st.integers(2, 9), treated=st.integers(1, 8))
def test_the_exact_test_counts_all_assignments(seed: int, patients: int, treated: int) -> None:
    treated = min(treated, patients - 1)
    rng = np.random.default_rng(seed)
    outcome = rng.integers(0, 4, patients).astype(float)
    arm = (np.arange(patients) < treated).astype(int)
    present = np.ones((1, patients), dtype=bool)
    found = batch.wilcoxon(outcome[None], arm[None], present, distribution="exact").row(0)
    if not found.converged:
        assert np.all(outcome == outcome[0])
        return
    ranks = np.array([np.sum(outcome < x) + (np.sum(outcome == x) + 1) / 2 for x in outcome])
    sums = np.array([sum(ranks[list(c)]) for c in itertools.combinations(range(patients), treated)])
    mine, mean = sum(ranks[:treated]), treated * (patients + 1) / 2
    assert found.p == pytest.approx(np.mean(abs(sums - mean) >= abs(mine - mean) - 1e-9), abs=1e-12)
    assert found.p_less == pytest.approx(np.mean(sums <= mine + 1e-9), abs=1e-12)
    assert found.p_greater == pytest.approx(np.mean(sums >= mine - 1e-9), abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), m=st.integers(4, 12), n=st.integers(4, 12))
def test_the_exact_interval_holds_the_shifts_that_are_not_rejected(
    seed: int, m: int, n: int
) -> None:
    outcome = np.random.default_rng(seed).normal(size=(1, m + n))
    arm, present = (np.arange(m + n) < m).astype(int)[None], np.ones((1, m + n), dtype=bool)
    found = batch.wilcoxon(outcome, arm, present).row(0)
    for limit, inside in ((found.ci_low, 1e-9), (found.ci_high, -1e-9)):
        within = batch.wilcoxon(outcome - arm * (limit + inside), arm, present).row(0)
        beyond = batch.wilcoxon(outcome - arm * (limit - inside), arm, present).row(0)
        assert within.p > 0.05 >= beyond.p


def test_paired_t_is_the_test_of_one_mean_and_turns_with_its_columns() -> None:
    table = draw(5, 20, 15)
    one = batch.paired_t(table["outcome"], table["before"], table["present"])
    other = batch.paired_t(table["before"], table["outcome"], table["present"])
    np.testing.assert_allclose(one.statistic, -other.statistic)


def test_hc3_of_a_saturated_patient_says_that_it_has_no_variance() -> None:
    arm, y = np.array([[1, 0, 0, 0, 0]]), np.array([[3.0, 1.0, 2.0, 4.0, 3.0]])
    empty, present = np.zeros((1, 5, 0)), np.ones((1, 5), dtype=bool)
    for errors in ("hc2", "hc3"):
        found = batch.ancova(y, empty, arm, present, errors=errors)  # type: ignore[arg-type]
        assert not found.converged[0]
        assert Note.VARIANCE_NOT_ESTIMABLE in Note(int(found.notes[0]))


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("case", ["constant", "one arm", "one each", "nobody", "missing"])
def test_degenerate_tables_say_why(name: str, case: str) -> None:
    table = draw(1, 1, 6)
    table["present"][:] = True
    table["outcome"][:] = table["before"][:] = [[0.1, 0.1, 0.1, 0.1, 0.1, 0.1]]
    table["arm"][:] = [[0, 0, 0, 1, 1, 1]]
    table["stratum"][:] = 0
    if case == "one arm":
        table["outcome"][:] = [[1.0, 2.0, 3.0, 4.0, 5.0, 7.0]]
        table["arm"][:] = 0
        table["outcome"][0, 1:] = np.where(
            name in ("paired", "one sample"), np.nan, table["outcome"][0, 1:]
        )
    elif case == "one each":
        table["present"][:] = [[True, False, False, True, False, False]]
        table["outcome"][:] = [[1.0, 2.0, 3.0, 4.0, 5.0, 7.0]]
    elif case == "nobody":
        table["present"][:] = False
    elif case == "missing":
        table["outcome"][:] = np.nan
    found = fit(name, table)
    answers = {"wilcoxon", "exact", "asymptotic", "van elteren", "paired", "one sample"}
    if case == "one each" and name in answers:
        assert found.converged[0]  # one pair, or two differences, can be ranked
        return
    assert not found.converged[0]
    assert found.row(0).notes


def test_an_interval_that_cannot_reach_95_percent_says_so() -> None:
    outcome, arm = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]), np.array([[0, 0, 0, 1, 1, 1]])
    found = batch.wilcoxon(outcome, arm, np.ones((1, 6), dtype=bool))
    assert Note.INTERVAL_BELOW_LEVEL in Note(int(found.notes[0]))
    assert (found.ci_low[0], found.ci_high[0]) == (1.0, 5.0)
    assert found.p[0] == pytest.approx(0.1)


def test_options_that_are_unknown_are_refused() -> None:
    data = pd.DataFrame({"y": [1.0, 2.0, 3.0, 4.0], "arm": list("aabb"), "s": [1, 1, 2, 2]})
    columns: dict[str, Any] = {"outcome": "y", "arm": "arm", "control": "a"}
    for call in (
        lambda: continuous.two_sample_t(data, **columns, variances="x"),
        lambda: continuous.wilcoxon(data, **columns, distribution="x"),
        lambda: continuous.ancova(data, **columns, errors="x"),
        lambda: continuous.rank_ancova(data, **columns, adjust_for=["s"], reference="x"),
        lambda: continuous.van_elteren(data, **columns, strata=[]),
        lambda: continuous.wilcoxon(data, **columns).p_one_sided("x"),
        lambda: continuous.wilcoxon(data, outcome="z", arm="arm", control="a"),
    ):
        with pytest.raises(InputError):
            call()
    with pytest.raises(InputError, match="at most 400"):
        many = np.arange(402.0)[None]
        batch.wilcoxon(many, (many % 2).astype(int), many >= 0.0, distribution="exact")
