"""Trials of two stages: rows alone, symmetries, tables without an answer."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.analysis import two_stage
from raresim.analysis.notes import Note
from raresim.analysis.sizing import snsmart
from raresim.analysis.two_stage import JointStagePrior, batch
from raresim.errors import InputError

PRIOR = JointStagePrior(((0.4, 1.6),) * 3, (1.6, 0.4), 3.0)
Columns = tuple[np.ndarray, ...]


def bits(found: Any, b: int) -> list[bytes]:
    values = [getattr(found, field.name) for field in dataclasses.fields(found)]
    rows = [np.asarray(value[b]) for value in values if isinstance(value, np.ndarray)]
    return [np.where(np.isnan(row), -9.0, row).tobytes() for row in rows]


def courses(seed: int, replicates: int, patients: int) -> Columns:
    rng = np.random.default_rng(seed)
    shape = (replicates, patients)
    first = rng.integers(0, 3, shape)
    answer = rng.integers(0, 2, shape).astype(float)
    then = np.where(answer == 1, first, (first + rng.integers(1, 3, shape)) % 3)
    again = np.where(rng.random(shape) < 0.1, np.nan, rng.integers(0, 2, shape))
    then = np.where(rng.random(shape) < 0.1, -1, then)
    return first, answer, then, again, rng.random(shape) < 0.9


def stages(seed: int, replicates: int, patients: int) -> Columns:
    rng = np.random.default_rng(seed)
    shape = (replicates, patients)
    arms = rng.integers(0, 2, (2, *shape))
    one, two = (np.where(rng.random(shape) < 0.1, np.nan, rng.integers(0, 2, shape)) for _ in "12")
    return one, arms[0], two, arms[1], (arms[0] == 0) & (one != 1), rng.random(shape) < 0.9


sizes = {
    "seed": st.integers(0, 2**32 - 1),
    "replicates": st.integers(1, 3),
    "patients": st.integers(1, 20),
}
MODELS = {
    "each treatment": lambda t: batch.joint_stage_regression(*t),
    "shared": lambda t: batch.joint_stage_regression(*t, linkage="shared"),
    "difference": lambda t: batch.joint_stage_regression(*t).difference(2, 0),
}
COMPARISONS = {
    "means": lambda t: batch.spcd_means(*t),
    "pooled": lambda t: batch.spcd_responses(*t),
    "separate": lambda t: batch.spcd_responses(*t, variance="separate"),
}
BAYES = {
    linkage: lambda t, linkage=linkage: batch.bayesian_joint_stage(*t, prior=PRIOR, linkage=linkage)
    for linkage in ("shared", "each treatment")
}


def same_alone(method: Any, table: Columns) -> None:
    whole = method(table)
    for b in range(len(whole)):
        keep = table[-1][b]
        assert bits(whole, b) == bits(method(tuple(c[b : b + 1][:, keep] for c in table)), 0)


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=12, deadline=None)
@given(table=st.builds(courses, **sizes))
def test_a_regression_alone_is_that_row(name: str, table: Columns) -> None:
    same_alone(MODELS[name], table)


@pytest.mark.parametrize("name", COMPARISONS)
@settings(max_examples=12, deadline=None)
@given(table=st.builds(stages, **sizes))
def test_a_comparison_alone_is_that_row(name: str, table: Columns) -> None:
    same_alone(COMPARISONS[name], table)
    found = COMPARISONS[name](table)
    assert np.all(found.converged | (found.notes != 0))
    assert np.array_equal(np.isnan(found.p), ~found.converged)


@pytest.mark.parametrize("name", BAYES)
def test_a_posterior_alone_is_that_row(name: str) -> None:
    same_alone(BAYES[name], courses(1, 3, 15))


@pytest.mark.parametrize("name", BAYES)
def test_other_names_of_the_treatments_change_no_posterior(name: str) -> None:
    first, answer, then, again, here = courses(2, 2, 18)
    swap = np.array([2, 0, 1, -1])
    one = BAYES[name]((first, answer, then, again, here))
    other = BAYES[name]((swap[first], answer, swap[then], again, here))
    np.testing.assert_allclose(one.mean, other.mean[:, swap[:3]], atol=1e-10)
    np.testing.assert_allclose(one.sd, other.sd[:, swap[:3]], atol=1e-10)
    apart = other.above[:, swap[:3]][:, :, swap[:3]]
    np.testing.assert_allclose(one.above, apart, atol=1e-9)
    assert np.all((one.low < one.mean) & (one.mean < one.high))


@settings(max_examples=20, deadline=None)
@given(table=st.builds(courses, **sizes))
def test_regressions_have_rates_or_a_note(table: Columns) -> None:
    found = batch.joint_stage_regression(*table)
    assert np.all(found.converged | (found.notes != 0))
    assert np.array_equal(np.isnan(found.rates).any(axis=1), ~found.converged)


@pytest.mark.parametrize("name", ["pooled", "separate"])
def test_the_other_way_round_the_sign_flips(name: str) -> None:
    y1, a1, y2, a2, _, here = stages(5, 6, 24)
    on = np.ones(here.shape, dtype=bool)
    ours = COMPARISONS[name]((y1, a1, y2, a2, on, here))
    theirs = COMPARISONS[name]((y1, 1 - a1, y2, 1 - a2, on, here))
    np.testing.assert_allclose(ours.estimate, -theirs.estimate, atol=1e-12)
    np.testing.assert_allclose(ours.p, theirs.p, atol=1e-12)


def test_a_stage_without_patients_leaves_no_answer() -> None:
    y1, a1, y2, a2, on, here = stages(6, 1, 12)
    found = batch.spcd_means(y1, a1, y2, a2, on & False, here)
    assert not found.converged[0]
    assert Note.STAGE_WITHOUT_COMPARISON in Note(int(found.notes[0]))


def test_no_response_at_all() -> None:
    first, answer, then, again, here = courses(7, 1, 30)
    then = np.where(then >= 0, (first + 1) % 3, -1)
    found = batch.joint_stage_regression(first, answer * 0, then, np.zeros(again.shape), here)
    assert not found.converged[0]
    posterior = batch.bayesian_joint_stage(
        first, answer * 0, then, np.zeros(again.shape), here, prior=PRIOR
    )
    assert np.all(posterior.mean < 0.2)


def test_without_patients_the_posterior_is_the_prior_where_linkages_may_be() -> None:
    """E pi given beta1 pi <= 1: the prior times 1 - pi^3, of one treatment at a time."""
    from scipy.special import beta

    none = (np.zeros((1, 1), int), np.full((1, 1), np.nan), np.zeros((1, 1), int), np.zeros((1, 1)))
    found = batch.bayesian_joint_stage(
        *none, np.ones((1, 1), bool), prior=PRIOR, linkage="each treatment"
    )
    a, b = PRIOR.rates[0]
    moment = [beta(a + k, b) - beta(a + k + 3, b) for k in (0, 1)]
    np.testing.assert_allclose(found.mean[0], moment[1] / moment[0], rtol=1e-9)


def test_wrong_arguments_are_refused() -> None:
    table = courses(8, 1, 9)
    y1, a1, y2, a2, on, here = stages(8, 1, 9)
    ones = np.ones((1, 9))
    for wrong in (
        lambda: batch.joint_stage_regression(*table, treatments=2),
        lambda: batch.joint_stage_regression(*table, linkage="six"),  # type: ignore[arg-type]
        lambda: batch.joint_stage_regression(table[0], ones, (table[0] + 1) % 3, ones, here | True),
        lambda: batch.joint_stage_regression(*table).difference(0, 3),
        lambda: batch.bayesian_joint_stage(
            *courses(9, 1, 0), prior=JointStagePrior(((1.0, 1.0),) * 2), linkage="each treatment"
        ),
        lambda: JointStagePrior(((1.0, 0.0),) * 3),
        lambda: batch.spcd_means(y1, a1, y2, a2, on, here, weight=1.2),
        lambda: batch.spcd_responses(y1, a1, y2, a2, on, here, variance="x"),  # type: ignore[arg-type]
        lambda: batch.spcd_means(y1, a1, y2, a2[:, 1:], on, here),
    ):
        with pytest.raises(InputError):
            wrong()


def test_tables_are_refused_with_their_column() -> None:
    data = pd.DataFrame({"t1": ["a", "b"], "y1": [1, 0], "t2": ["a", "c"], "y2": [1, 2]})
    columns = {"treatment_1": "t1", "response_1": "y1", "treatment_2": "t2", "response_2": "y2"}
    with pytest.raises(InputError, match="0 or 1"):
        two_stage.joint_stage_regression(data, **columns, treatments="abc")
    with pytest.raises(InputError, match="t2"):
        two_stage.joint_stage_regression(data, **columns, treatments="ab")


def sized(power: float = 0.5, **more: Any) -> Any:
    given: dict[str, Any] = {
        "rates": (0.6, 0.4, 0.2),
        "linkage_1": 1.3,
        "linkage_0": 0.6,
        "coverage": 0.9,
        "prior_mean": (0.5, 0.5, 0.5),
        "prior_patients": (2.0, 2.0, 2.0),
    }
    given |= more
    return snsmart(given.pop("rates"), power=power, **given)


def test_more_power_takes_more_patients_and_those_who_change_count() -> None:
    sizes = [sized(power).n for power in (0.5, 0.8, 0.9)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2]
    assert sized(0.8).n < sized(0.8, changed="snsmart").n
    order = sized(0.8, rates=(0.2, 0.6, 0.4))
    assert order.n == sized(0.8).n


def test_sizes_that_cannot_be_are_refused() -> None:
    for wrong in (
        {"rates": (0.5, 0.5, 0.2)},
        {"linkage_1": 1.8},
        {"changed": "r"},
        {"prior_patients": (0.0, 1.0, 1.0)},
        {"rates": (0.505, 0.5, 0.2), "power": 0.999},
    ):
        with pytest.raises(InputError):
            sized(**wrong)
