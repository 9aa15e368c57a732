"""Comparisons within patients: rows alone, symmetries, tables without an answer."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.analysis import crossover
from raresim.analysis.crossover import batch
from raresim.analysis.notes import Note
from raresim.analysis.rerandomisation import Procedure
from raresim.errors import InputError

Table = dict[str, np.ndarray]
PLAIN = ("outcome", "treatment", "present")
AB_BA = ("response", "order", "present")
METHODS: dict[str, tuple[tuple[str, ...], Callable[..., Any], dict[str, Any]]] = {
    "anova": (PLAIN, batch.crossover_anova, {}),
    "carry-over": (PLAIN, batch.crossover_anova, {"carry_over": True}),
    "t": (PLAIN, batch.crossover_t, {}),
    "signed rank": (PLAIN, batch.crossover_signed_rank, {}),
    "exact": (PLAIN, batch.crossover_signed_rank, {"distribution": "exact", "zeros": "pratt"}),
    "asymptotic": (PLAIN, batch.crossover_signed_rank, {"distribution": "asymptotic"}),
    "mainland-gart": (AB_BA, batch.mainland_gart, {}),
    "prescott": (AB_BA, batch.prescott, {}),
    "robust": (("count", "time", "treatment", "present"), batch.conditional_poisson, {}),
    "poisson": (
        ("count", "time", "treatment", "present"),
        batch.conditional_poisson,
        {"variance": "poisson", "periods": False},
    ),
}


def draw(seed: int, replicates: int, patients: int, ties: bool) -> Table:
    rng = np.random.default_rng(seed)
    shape = (replicates, patients, 4)
    outcome = rng.integers(0, 4, shape).astype(float) if ties else rng.normal(size=shape)
    order = np.array([[0, 1], [1, 0]])[rng.integers(0, 2, shape[:2])]
    return {
        "outcome": np.where(rng.random(shape) < 0.1, np.nan, outcome),
        "treatment": rng.permuted(np.tile([0, 1, 2, 1], (*shape[:2], 1)), axis=2),
        "present": rng.random(shape[:2]) < 0.85,
        "response": np.where(
            rng.random(order.shape) < 0.1, np.nan, rng.integers(0, 2, order.shape)
        ),
        "order": order,
        "count": rng.poisson(1.5, shape).astype(float),
        "time": rng.uniform(0.5, 1.5, shape),
    }


tables = st.builds(
    draw,
    seed=st.integers(0, 2**32 - 1),
    replicates=st.integers(1, 4),
    patients=st.integers(1, 14),
    ties=st.booleans(),
)


def fit(name: str, table: Table, **more: Any) -> Any:
    columns, kernel, options = METHODS[name]
    return kernel(*(table[column] for column in columns), **options, **more)


def bits(found: Any, b: int) -> list[object]:
    values = [getattr(found, field.name) for field in dataclasses.fields(found)]
    rows = [value[b] for value in values if isinstance(value, np.ndarray)]
    return ["nan" if np.all(np.isnan(value)) else value.tobytes() for value in rows]


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=12, deadline=None)
@given(table=tables)
def test_a_row_alone_is_that_row(name: str, table: Table) -> None:
    whole = fit(name, table)
    for b in range(len(whole)):
        keep = table["present"][b]
        alone = fit(name, {key: values[b : b + 1][:, keep] for key, values in table.items()})
        assert bits(whole, b) == bits(alone, 0)


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=12, deadline=None)
@given(table=tables)
def test_the_other_way_round_the_sign_flips(name: str, table: Table) -> None:
    ours, theirs = fit(name, table), fit(name, table, treated=0, control=1)
    known = ours.converged & theirs.converged & np.isfinite(ours.estimate)
    assert np.array_equal(ours.converged, theirs.converged)
    np.testing.assert_allclose(ours.p[known], theirs.p[known], rtol=1e-6, atol=1e-12)
    if name == "mainland-gart":
        inverse = 1.0 / np.where(ours.estimate > 0, ours.estimate, np.nan)
        known &= np.isfinite(inverse)
        np.testing.assert_allclose(inverse[known], theirs.estimate[known], rtol=1e-6)
    else:
        np.testing.assert_allclose(ours.estimate[known], -theirs.estimate[known], atol=1e-7)


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=12, deadline=None)
@given(table=tables)
def test_no_number_is_missing_without_a_note(name: str, table: Table) -> None:
    found = fit(name, table)
    assert np.all(found.converged | (found.notes != 0))
    assert np.array_equal(np.isnan(found.p), ~found.converged)
    assert np.all((found.p[found.converged] >= 0) & (found.p[found.converged] <= 1))


@settings(max_examples=20, deadline=None)
@given(table=tables)
def test_what_a_patient_adds_to_all_periods_changes_nothing(table: Table) -> None:
    lifted = dict(table, outcome=table["outcome"] + np.arange(table["outcome"].shape[1])[:, None])
    for name in ("anova", "carry-over", "t"):
        one, other = fit(name, table), fit(name, lifted)
        known = one.converged & other.converged
        np.testing.assert_allclose(one.estimate[known], other.estimate[known], atol=1e-9)
        np.testing.assert_allclose(one.se[known], other.se[known], atol=1e-9)


def one(outcome: list[list[float]], order: list[list[int]]) -> tuple[np.ndarray, ...]:
    return np.array([outcome]), np.array([order]), np.ones((1, len(order)), dtype=bool)


AB, BA = [0, 1], [1, 0]


@pytest.mark.parametrize(
    ("name", "table", "note"),
    [
        (
            "carry-over",
            one([[1, 2], [2, 5], [3, 1], [6, 2]], [AB, AB, BA, BA]),
            "NOT_WITHIN_PATIENTS",
        ),
        ("anova", one([[1, 2], [2, 5], [3, 1]], [[0, 0], [1, 1], [0, 0]]), "NOT_WITHIN_PATIENTS"),
        ("anova", one([[1, 2], [2, 5], [3, 1]], [AB, AB, AB]), "NOT_WITHIN_PATIENTS"),
        ("anova", one([[1, 2], [2, 1]], [AB, BA]), "TOO_FEW_PATIENTS"),
        ("anova", one([[1, 1], [2, 2], [5, 5]], [AB, BA, BA]), "NO_RESIDUAL_VARIATION"),
        ("anova", one([[1, np.nan], [2, np.nan]], [AB, BA]), "MISSING_OUTCOME_DROPPED"),
        ("t", one([[1, 2]], [AB]), "TOO_FEW_PATIENTS"),
        ("exact", one([[1, 1], [2, 2]], [AB, BA]), "NO_PAIR_DECIDED"),
    ],
)
def test_tables_without_an_answer(name: str, table: tuple[np.ndarray, ...], note: str) -> None:
    _, kernel, options = METHODS[name]
    found = kernel(*table, **options)
    assert not found.converged[0]
    assert np.isnan(found.p[0])
    assert Note[note] in Note(int(found.notes[0]))


@pytest.mark.parametrize(
    ("count", "note"),
    [
        ([[0, 0], [0, 0], [0, 0]], "NO_EVENTS"),
        ([[2, 0], [3, 0], [0, 1]], "NO_EVENTS_IN_ONE_ARM"),
        ([[2, 3], [0, 0], [0, 0]], "NOT_WITHIN_PATIENTS"),
    ],
)
def test_counts_without_an_answer(count: list[list[float]], note: str) -> None:
    y, order, here = one(count, [AB, AB, BA])
    found = batch.conditional_poisson(y, np.ones(y.shape), order, here)
    assert not found.converged[0]
    assert Note[note] in Note(int(found.notes[0]))


def test_sequences_of_a_williams_square_are_drawn_again() -> None:
    square = np.array([[0, 1, 2], [1, 2, 0], [2, 0, 1]])
    rng = np.random.default_rng(3)
    outcome = rng.normal(size=(2, 6, 3)) + 9.0 * (square[[0, 1, 2, 0, 1, 2]] == 1)
    found = batch.rerandomised_sequences(
        {"outcome": outcome},
        np.tile([0, 1, 2, 0, 1, 2], (2, 1)),
        np.ones((2, 6), dtype=bool),
        np.zeros((0, 6)),
        sequences=square,
        procedure=Procedure(ratio=(1, 1, 1), block=3),
        list_up_to=100,
    )
    assert found.assignments.tolist() == [36, 36]
    assert np.all(found.p_greater <= 1 / 36 + 1e-12)


def test_wrong_arguments_are_refused() -> None:
    y, order, here = one([[1, 2], [2, 3]], [AB, BA])
    for wrong in (
        lambda: batch.crossover_anova(y[0], order, here),
        lambda: batch.crossover_anova(y, order, here, treated=0),
        lambda: batch.crossover_anova(y, order, here, contrast="other"),  # type: ignore[arg-type]
        lambda: batch.conditional_poisson(y, y, order, here, variance="hc9"),  # type: ignore[arg-type]
        lambda: batch.conditional_poisson(y, y[..., :1], order, here),
        lambda: batch.prescott(np.repeat(y, 2, 2), np.repeat(order, 2, 2), here),
        lambda: batch.cycles(y[..., :1], order[..., :1], here),
        lambda: batch.signed_rank(y[..., 0], y[..., 1], here, zeros="drop"),  # type: ignore[arg-type]
    ):
        with pytest.raises(InputError):
            wrong()


def test_tables_are_refused_with_their_column() -> None:
    data = pd.DataFrame({"who": [1, 1, 2], "t": [1, 1, 2], "rx": ["a", "p", "a"], "y": [1.0, 2, 3]})
    columns = {"patient": "who", "period": "t", "treatment": "rx", "outcome": "y"}
    with pytest.raises(InputError, match="second row"):
        crossover.crossover_anova(data, **columns, treated="a", control="p")
    with pytest.raises(InputError, match="rx"):
        crossover.crossover_t(data[1:], **columns, treated="b", control="p")
    with pytest.raises(InputError, match="0 or 1"):
        crossover.prescott(data[1:], **columns, treated="a", control="p")


def test_everybody_is_used_or_counted_as_left_out() -> None:
    """Missing outcomes, a treatment of no interest and patients without an event, all at once."""
    outcome, order, here = one(
        [[1, 2], [2, 3], [np.nan, 1], [1, 1], [0, 0], [3, np.nan], [0, 2]],
        [AB, AB, AB, BA, BA, [2, 0], BA],
    )
    binary = np.where(np.isnan(outcome), np.nan, outcome > 1)
    for found in (
        batch.crossover_anova(outcome, order, here),
        batch.crossover_t(outcome, order, here),
        batch.crossover_signed_rank(outcome, order, here),
        batch.conditional_poisson(outcome, np.ones(outcome.shape), order, here),
        batch.mainland_gart(binary, order, here),
        batch.prescott(binary, order, here),
    ):
        row = found.row(0)
        counted = re.findall(r"(\d+) of 7 patients", " ".join(row.notes))
        assert row.used + row.left_out == 7
        assert sum(int(number) for number in counted) == row.left_out > 0
