"""Ties of a number to several others: what was asked is attained, or cannot be."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim import catalogue
from raresim.cohort import sample_cohort
from raresim.disease import load_model
from raresim.disease.copula import ties
from raresim.errors import InputError
from raresim.files import parse

NAMES = "abcde"


def implied(asked):
    """Return the correlation matrix that the ties give, from their weights alone."""
    found = ties(asked)
    names = sorted({name for pair in asked for name in pair})
    matrix = np.eye(len(names))
    for child in [n for n in names if n in found]:
        row = names.index(child)
        tie = found[child]
        for other in names[:row]:
            column = names.index(other)
            matrix[row, column] = matrix[column, row] = sum(
                tie.weights[0, k] * matrix[names.index(parent), column]
                for k, parent in enumerate(tie.parents)
            )
    return names, matrix, found


@settings(max_examples=200, deadline=None)
@given(
    size=st.integers(2, 5),
    numbers=st.lists(st.floats(-1, 1), min_size=15, max_size=15),
    noise=st.floats(0.2, 2.0),
)
def test_every_correlation_of_a_sound_matrix_is_attained(size, numbers, noise) -> None:
    factor = np.array(numbers[: size * 3]).reshape(size, 3)
    matrix = factor @ factor.T + noise * np.eye(size)
    matrix /= np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
    asked = {
        (NAMES[i], NAMES[j]): np.array([matrix[i, j]]) for i, j in combinations(range(size), 2)
    }
    names, found, _ = implied(asked)
    chosen = [NAMES.index(name) for name in names]
    assert found == pytest.approx(matrix[np.ix_(chosen, chosen)], abs=1e-6)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-0.99, 0.99), min_size=3, max_size=3))
def test_three_that_cannot_be_together_are_told_by_the_eigenvalues(rho) -> None:
    ab, ac, bc = (float(x) for x in rho)
    if 0 in (ab, ac, bc):
        return
    matrix = np.array([[1, ab, ac], [ab, 1, bc], [ac, bc, 1]])
    least = float(np.linalg.eigvalsh(matrix)[0])
    if abs(least) < 1e-6:
        return
    asked = {
        ("a", "b"): np.array([ab]),
        ("a", "c"): np.array([ac]),
        ("b", "c"): np.array([bc]),
    }
    tie = ties(asked)["c"]
    assert (float(tie.explained[0]) > 1) == (least < 0)
    assert np.isfinite(tie.own).all() and (tie.own >= 0).all()


def test_each_replicate_has_ties_of_its_own() -> None:
    first = np.array([0.1, 0.5, -0.6])
    found = ties({("a", "b"): first, ("a", "c"): np.array([0.4]), ("b", "c"): np.array([0.3])})["c"]
    for row, rho in enumerate(first):
        alone = ties(
            {
                ("a", "b"): np.array([rho]),
                ("a", "c"): np.array([0.4]),
                ("b", "c"): np.array([0.3]),
            }
        )["c"]
        assert found.weights[row] == pytest.approx(alone.weights[0])


MODEL = """\
schema: raresim/model/1
name: Test of ties
version: 1.0.0
identifiers: {orpha: 1, omim: 1, genes: [G]}
about: Three numbers tied to each other, and an event tied to two of them.
sources: {x: {cite: "Somebody et al., Journal 2000"}}
patients:
  age: {unit: years, range: 0 to 90, evidence: {mean: 40, sd: 12, n: 200, source: x}}
  height: {unit: cm, range: 80 to 220, evidence: {mean: 165, sd: 10, n: 200, source: x}}
  weight: {unit: kg, range: 0 or more, evidence: {mean: 70, sd: 18, n: 200, source: x}}
links:
  - {between: [age, height], evidence: {correlation: -0.2, n: 200, source: x}}
  - {between: [age, weight], evidence: {correlation: 0.3, n: 200, source: x}}
  - {between: [height, weight], evidence: {correlation: 0.5, n: 200, source: x}}
outcomes:
  event:
    kind: time to event
    better: later
    time: {unit: days, assumed: {median: 20, q1: 14, q3: 30}, why: a test}
unpublished:
  - {between: [age, event], correlation: {lower: -0.5, centre: -0.4, upper: 0}, why: a test}
  - {between: [weight, event], correlation: {lower: 0, centre: 0.3, upper: 0.4}, why: a test}
"""


def test_a_cohort_has_all_the_correlations_published(tmp_path: Path) -> None:
    """Pearson's, within 4 standard errors of 40,000 patients, after a skewed marginal."""
    path = tmp_path / "ties.yaml"
    path.write_text(MODEL)
    patients = sample_cohort(load_model(path), 40_000, 1).patients
    found = patients[["age", "height", "weight"]].corr()
    for first, second, rho in (
        ("age", "height", -0.2),
        ("age", "weight", 0.3),
        ("height", "weight", 0.5),
    ):
        assert found.loc[first, second] == pytest.approx(rho, abs=4 * (1 - rho**2) / 200)
    # what was not published is stated on the normal scores: Spearman's is 6 / pi asin(rho / 2)
    ranks = patients[["age", "weight"]].corrwith(
        patients["event_day"].fillna(1e9), method="spearman"
    )
    for name, rho in (("age", -0.4), ("weight", 0.3)):
        expected = 6 / np.pi * np.arcsin(rho / 2)
        assert ranks[name] == pytest.approx(expected, abs=4 / 200)


def test_correlations_that_no_population_has_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ties.yaml"
    path.write_text(
        MODEL.replace("correlation: 0.3, n", "correlation: -0.9, n")
        .replace("correlation: 0.5, n", "correlation: 0.9, n")
        .replace("correlation: -0.2, n", "correlation: 0.5, n")
    )
    with pytest.raises(InputError, match="no population has these correlations of 'weight'"):
        load_model(path)


@pytest.mark.parametrize("name", sorted(catalogue.shipped("models")))
def test_shipped_ties_hold_at_every_place(name: str) -> None:
    model = load_model(name)
    for place in ("lower", "centre", "upper"):
        for tie in model.parameters(place=place).ties.values():
            assert float(np.max(tie.explained)) < 1
    assert parse(Path(model.path).read_text()).data


def test_a_zero_beside_another_tie_is_held() -> None:
    """b is tied to a, c to a, and c to b with zero: without the last tie c and b would be tied."""
    asked = {("a", "b"): np.array([0.6]), ("a", "c"): np.array([0.5]), ("b", "c"): np.array([0.0])}
    found = ties(asked)["c"]
    assert found.parents == ("a", "b")
    implied = found.weights[0, 0] * 0.6 + found.weights[0, 1]
    assert abs(implied) < 1e-9
    assert "c" not in ties({("a", "b"): np.array([0.6]), ("a", "c"): np.array([0.0])})
