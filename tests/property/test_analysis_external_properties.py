"""Bayesian analyses and external controls: rows alone, symmetries, degenerate tables."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.analysis import Note
from raresim.analysis.bayesian import (
    Arm,
    BetaMixture,
    BinomialData,
    Decision,
    GammaMixture,
    NormalInverseGamma,
    NormalMixture,
    basket_exchangeability,
    basket_partitions,
    posterior,
    probability_above,
    success_probability,
)
from raresim.analysis.bayesian import batch as bayes
from raresim.analysis.external import batch, propensity_weighted, size_against_drift
from raresim.errors import InputError

Table = dict[str, np.ndarray]
BETA = BetaMixture.of((0.6, 4.0, 16.0), (0.4, 1.0, 1.0))
GAMMA = GammaMixture.of((0.5, 2.0, 4.0), (0.5, 0.5, 0.5))
NORMAL = NormalMixture.of((0.5, 0.0, 1.0), (0.5, 0.5, 5.0))
FLAT = BetaMixture.of((1.0, 1.0, 1.0))
PROPER = NormalInverseGamma(0.0, 0.5, 1.0, 1.0)


def draw(seed: int, replicates: int, patients: int) -> Table:
    rng = np.random.default_rng(seed)
    shape = (replicates, patients)
    x = rng.normal(size=(*shape, 2))
    missing = rng.random(shape) < 0.05
    return {
        "arm": (rng.random(shape) < 1 / (1 + np.exp(-x[:, :, 0]))).astype(np.int64),
        "present": rng.random(shape) < 0.85,
        "x": x,
        "outcome": np.where(missing, np.nan, x[:, :, 0] + rng.normal(size=shape)),
        "event": rng.random(shape) < 0.4,
        "count": rng.poisson(1.0, shape).astype(np.float64),
        "exposure": np.where(rng.random(shape) < 0.1, 0.0, rng.random(shape)),
    }


@dataclass(frozen=True)
class Method:
    name: str
    fit: Callable[[Table], Any]


def external(kernel: Callable[..., Any], **more: Any) -> Callable[[Table], Any]:
    return lambda t: kernel(t["outcome"], t["x"], t["arm"], t["present"], **more)


def adjusted(anchored: bool) -> Callable[[Table], Any]:
    def fit(t: Table) -> Any:
        arm = t["arm"] if anchored else None
        return batch.matching_adjusted(
            t["outcome"], t["x"], t["present"], np.array([0.1, -0.1]), (0.0, 0.1), arm
        )

    return fit


ARMS = [
    Method("ate", external(batch.propensity_weighted, estimand="ate")),
    Method("att", external(batch.propensity_weighted, estimand="att")),
    Method("overlap", external(batch.propensity_weighted, estimand="overlap")),
    Method("matched", external(batch.propensity_matched, controls=2, caliper=0.5)),
    Method("balanced", external(batch.entropy_balanced, moments=1)),
    Method("squares", external(batch.entropy_balanced, moments=2)),
    Method("anchored", adjusted(True)),
    Method("unanchored", adjusted(False)),
]
BAYES = [
    Method("beta", lambda t: bayes.beta_binomial(t["event"], t["arm"], t["present"], BETA)),
    Method("beta 1", lambda t: bayes.beta_binomial(t["event"], None, t["present"], BETA)),
    Method(
        "gamma",
        lambda t: bayes.gamma_poisson(t["count"], t["exposure"], t["arm"], t["present"], GAMMA),
    ),
    Method(
        "normal",
        lambda t: bayes.normal_known_sd(t["outcome"], t["arm"], t["present"], 1.5, NORMAL),
    ),
    Method(
        "student",
        lambda t: bayes.normal_unknown_sd(t["outcome"], t["arm"], t["present"], PROPER),
    ),
    Method(
        "vague student",
        lambda t: bayes.normal_unknown_sd(
            t["outcome"], t["arm"], t["present"], NormalInverseGamma()
        ),
    ),
]
names = {"ids": lambda method: method.name}
tables = st.builds(
    draw,
    seed=st.integers(0, 2**32 - 1),
    replicates=st.integers(1, 4),
    patients=st.integers(1, 40),
)


def bits(results: Any, b: int) -> list[object]:
    found: list[object] = []
    for field in fields(results):
        value = getattr(results, field.name)
        if isinstance(value, np.ndarray):
            found.append("nan" if np.all(np.isnan(value[b])) else value[b].tobytes())
    return found


def scattered(table: Table, b: int, seed: int) -> Table:
    """Row b with absent patients of arbitrary values strewn in between."""
    rng = np.random.default_rng(seed)
    number = table["arm"].shape[1]
    wide = number + int(rng.integers(1, 30))
    place = np.sort(rng.choice(wide, number, replace=False))
    padded = draw(seed, 1, wide)
    padded["present"][:] = False
    for name, values in table.items():
        padded[name][0, place] = values[b]
    return padded


@pytest.mark.parametrize("method", [*ARMS, *BAYES], **names)
@settings(max_examples=8, deadline=None)
@given(table=tables, seed=st.integers(0, 2**32 - 1))
def test_a_row_of_a_batch_is_that_row_alone(method: Method, table: Table, seed: int) -> None:
    together = method.fit(table)
    for b in range(len(together)):
        alone = {name: values[b : b + 1] for name, values in table.items()}
        assert bits(method.fit(alone), 0) == bits(together, b)
        assert bits(method.fit(scattered(table, b, seed)), 0) == bits(together, b)


@pytest.mark.parametrize("method", [*ARMS, *BAYES], **names)
def test_a_row_of_a_large_batch_is_that_row_alone(method: Method) -> None:
    table = draw(11, 12, 97)
    together = method.fit(table)
    for b in (0, 1, 6, 11):
        alone = {name: values[b : b + 1][:, table["present"][b]] for name, values in table.items()}
        assert bits(method.fit(alone), 0) == bits(together, b)


@pytest.mark.parametrize("method", [*ARMS, *BAYES], **names)
@settings(max_examples=8, deadline=None)
@given(table=tables)
def test_no_answer_is_flagged(method: Method, table: Table) -> None:
    found = method.fit(table)
    main = found.estimate if hasattr(found, "estimate") else found.mean
    np.testing.assert_array_equal(np.isfinite(main), found.converged)
    assert np.all(found.notes[~found.converged] > 0)


@settings(max_examples=8, deadline=None)
@given(table=tables)
def test_swapping_the_arms_turns_the_sign(table: Table) -> None:
    swapped = dict(table, arm=1 - table["arm"])
    for method in (ARMS[0], ARMS[2], ARMS[6]):
        if method.name == "anchored":
            continue  # the published comparison is subtracted as it is
        a, b = method.fit(table), method.fit(swapped)
        both = a.converged & b.converged
        np.testing.assert_allclose(b.estimate[both], -a.estimate[both], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(b.se[both], a.se[both], rtol=1e-4)
    for method in (BAYES[0], BAYES[3], BAYES[4]):
        a, b = method.fit(table), method.fit(swapped)
        np.testing.assert_allclose(b.mean, -a.mean, atol=1e-12)
        np.testing.assert_allclose(b.probability, 1.0 - a.probability, atol=1e-9)
        np.testing.assert_allclose(b.low, -a.high, atol=1e-8)


def test_weights_meet_their_targets() -> None:
    table = draw(5, 1, 60)
    arm, used = table["arm"], table["present"]
    target = np.array([[0.2, -0.1]])
    weight, met = batch.tilted_weights(table["x"], target, used)
    assert met.all()
    for j in range(2):
        mean = (weight[0] * np.where(used[0], table["x"][0, :, j], 0.0)).sum() / weight[0].sum()
        assert abs(mean - target[0, j]) < 1e-9
    scores, fitted = batch.propensity_scores(arm, table["x"], used)
    overlap = batch.propensity_weights(scores, arm, used, "overlap")
    assert fitted.all()
    # overlap weights of a logistic model balance the means exactly
    left = batch.standardised_differences(table["x"], arm, used, overlap)
    np.testing.assert_allclose(left, 0.0, atol=1e-9)
    stable = batch.propensity_weights(scores, arm, used, "ate", stabilised=True)
    assert abs(stable[0, used[0] & (arm[0] == 1)].sum() - (used & (arm == 1)).sum()) < 1e-9


def one_table(arm: list[int], x: list[float], outcome: list[float]) -> Table:
    n = len(arm)
    return {
        "arm": np.array([arm]),
        "x": np.array([x])[:, :, None],
        "outcome": np.array([outcome]),
        "present": np.ones((1, n), dtype=bool),
    }


DEGENERATE = {
    "separated": (one_table([0, 0, 0, 1, 1, 1], [1, 2, 3, 7, 8, 9], [1, 2, 3, 4, 5, 7])),
    "one arm": (one_table([1, 1, 1], [1, 2, 3], [1, 2, 4])),
    "constant covariate": (one_table([0, 0, 1, 1], [1, 1, 1, 1], [1, 2, 4, 3])),
    "constant outcome": (one_table([0, 0, 1, 1, 0, 1], [1, 4, 2, 3, 2, 1], [1] * 6)),
    "one each": (one_table([0, 1], [1.0, 2.0], [1.0, 3.0])),
    "no covariate known": (one_table([0, 0, 1, 1], [np.nan] * 4, [1, 2, 4, 3])),
}


@pytest.mark.parametrize("name", DEGENERATE)
@pytest.mark.parametrize("method", ARMS[:6], **names)
def test_degenerate_tables_say_why(name: str, method: Method) -> None:
    row = method.fit(DEGENERATE[name]).row(0)
    assert not row.converged or np.isfinite(row.se), row
    assert row.converged or (row.notes and np.isnan(row.p)), row
    if name == "separated" and method.name in ("ate", "att", "overlap", "matched"):
        assert Note.NO_OVERLAP.sentences()[0] in row.notes


def test_a_summary_out_of_reach_is_said() -> None:
    table = one_table([0, 0, 0, 1], [1, 2, 3, 2], [1, 2, 3, 4])
    found = batch.matching_adjusted(
        table["outcome"], table["x"], table["present"], np.array([5.0]), (0.0, 1.0)
    )
    assert not found.converged[0]
    assert Note.SUMMARY_OUT_OF_REACH in Note(int(found.notes[0]))


def test_vague_priors_with_one_patient_have_no_posterior() -> None:
    outcome, arm = np.array([[1.0, 2.0, 3.0]]), np.array([[0, 1, 1]])
    everyone = np.ones((1, 3), dtype=bool)
    found = bayes.normal_unknown_sd(outcome, arm, everyone, NormalInverseGamma()).row(0)
    assert not found.converged
    assert found.notes == Note.NO_PROPER_POSTERIOR.sentences()


def test_an_empty_arm_keeps_its_prior() -> None:
    event, everyone = np.ones((1, 3), dtype=bool), np.ones((1, 3), dtype=bool)
    found = bayes.beta_binomial(event, np.ones((1, 3), dtype=np.int64), everyone, FLAT).row(0)
    assert found.converged
    assert found.notes == Note.PRIOR_ONLY.sentences()
    assert found.mean == pytest.approx(4.0 / 5.0 - 0.5)


@settings(max_examples=20, deadline=None)
@given(r=st.integers(0, 30), more=st.integers(1, 5))
def test_more_events_make_success_likelier(r: int, more: int) -> None:
    few = posterior(BETA, BinomialData.of(r, 40))
    many = posterior(BETA, BinomialData.of(r + more, 40))
    assert float(probability_above(many, few)) > 0.5
    assert float(many.above(0.3)) >= float(few.above(0.3))


def test_baskets_alone_and_together() -> None:
    r, n = np.array([3.0, 7.0]), np.array([12.0, 15.0])
    apart = basket_exchangeability(r, n, 0.2, exchangeable=0.0)
    np.testing.assert_allclose(apart.mean[0], (r + 0.5) / (n + 1.0))
    joined = basket_exchangeability(r, n, 0.2, exchangeable=1.0)
    np.testing.assert_allclose(joined.mean[0], (r.sum() + 0.5) / (n.sum() + 1.0))
    swapped = basket_partitions(r[::-1], n[::-1], 0.2)
    np.testing.assert_allclose(basket_partitions(r, n, 0.2).mean[0], swapped.mean[0, ::-1])


def test_power_rises_with_the_truth() -> None:
    arms, rule = (Arm(FLAT, 15), Arm(FLAT, 15)), Decision((0.975,), (0.0,))
    power = [success_probability(rule, arms[0], p, arms[1], 0.3) for p in (0.3, 0.5, 0.7, 0.9)]
    assert power == sorted(power)
    rates = Arm(GammaMixture.of((1.0, 1.0, 1.0)), 40.0)
    worse = success_probability(Decision((0.95,), (1.0,), "less"), rates, 1.0, rates, 1.0)
    assert 0.02 < worse < 0.06


def test_borrowing_is_bad_where_controls_have_drifted() -> None:
    """The table must show it: pooling above nominal, no borrowing not."""
    table = size_against_drift(BinomialData.of(30, 100), patients=(6, 10, 20, 30))
    size = dict(zip(table.methods, table.size, strict=True))
    assert np.all(size["no borrowing"] < 0.035)
    assert np.all(size["pooling"][:, -1] > 0.1)
    assert np.all(size["robust mixture, 0.5"][:, -1] < size["pooling"][:, -1])
    assert np.all(size["pooling"][:, 0] < 0.025)


def test_impossible_arguments_are_refused() -> None:
    data = pd.DataFrame({"y": [1.0, 2.0], "arm": ["a", "b"], "x": [1.0, 2.0]})
    for call in (
        lambda: BetaMixture.of((0.5, 1.0, 1.0)),
        lambda: GammaMixture.of((1.0, -1.0, 1.0)),
        lambda: NormalMixture.of((1.0, 0.0, 0.0)),
        lambda: BinomialData.of(5, 4),
        lambda: Decision((0.9,), (0.1, 0.2)),
        lambda: posterior(GAMMA, BinomialData.of(1, 2)),
        lambda: probability_above(BETA, GAMMA),
        lambda: probability_above(BETA, BETA, 1.5),
        lambda: size_against_drift(BinomialData.of(1, 10), drifts=(-0.5,)),
        lambda: propensity_weighted(data, outcome="z", covariates=["x"], arm="arm", control="a"),
        lambda: propensity_weighted(data, outcome="y", covariates="x", arm="arm", control="a"),
    ):
        with pytest.raises(InputError):
            call()
