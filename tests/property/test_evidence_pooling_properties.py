"""Pooling knows no unit, no zero and no order; what is uncertain weighs little."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from raresim.evidence.pooling import pool, posterior

values = st.floats(-5, 5).map(lambda x: round(x, 3))
errors = st.floats(0.05, 3).map(lambda x: round(x, 3))
studies = st.lists(st.tuples(values, errors), min_size=2, max_size=8)
few = st.lists(st.tuples(values, errors), min_size=1, max_size=4)


def columns(rows):
    return np.array([y for y, _ in rows]), np.array([se for _, se in rows])


@settings(max_examples=150)
@given(studies, st.floats(-20, 20), st.floats(0.1, 10))
def test_pooling_moves_and_scales_with_its_studies(rows, move, times):
    y, se = columns(rows)
    found, moved = pool(y, se), pool(move + times * y, times * se)
    assert found.converged
    assert moved.converged
    assert moved.tau2 == pytest.approx(times**2 * found.tau2, rel=1e-6, abs=1e-8 * times**2)
    assert moved.mean == pytest.approx(move + times * found.mean, abs=1e-6 * times)
    assert moved.se == pytest.approx(times * found.se, rel=1e-5, abs=1e-9)
    assert moved.se_wald == pytest.approx(times * found.se_wald, rel=1e-5)
    assert moved.i2 == pytest.approx(found.i2, abs=1e-6)


@settings(max_examples=60)
@given(few, st.floats(-20, 20), st.floats(0.1, 10), st.floats(0.01, 0.99))
def test_the_posterior_moves_and_scales_with_its_studies_and_its_prior(rows, move, times, u):
    y, se = columns(rows)
    found = posterior(y, se, prior_scale=0.5)
    moved = posterior(move + times * y, times * se, prior_scale=0.5 * times)
    assert moved.mu.mean == pytest.approx(move + times * found.mu.mean, abs=1e-6 * times)
    assert moved.new.sd == pytest.approx(times * found.new.sd, rel=1e-6)
    assert moved.tau_quantile(u) == pytest.approx(times * found.tau_quantile(u), rel=1e-6)
    there = move + times * found.new.quantile(u)
    assert moved.new.quantile(u) == pytest.approx(there, abs=1e-5 * times)


@given(studies, st.randoms(use_true_random=False))
def test_the_order_of_studies_changes_no_bit(rows, chance):
    other = chance.sample(rows, len(rows))
    assert pool(*columns(rows)) == pool(*columns(other))
    u = np.array([0.1, 0.7])
    one, two = (posterior(*columns(r)).new.quantile(u) for r in (rows[:4], sorted(rows[:4])))
    assert (one == two).all()


@given(values, st.lists(errors, min_size=2, max_size=8))
def test_equal_estimates_have_no_heterogeneity(value, se):
    found = pool([value] * len(se), se)
    assert (found.tau2, found.converged, found.i2) == (0.0, True, 0.0)
    assert found.mean == value
    assert found.se == pytest.approx(0.0, abs=1e-12)
    assert pool([value] * len(se), se, at_least_wald=True).se == found.se_wald


@given(studies, st.integers(0, 7), st.floats(2, 50))
def test_a_greater_standard_error_weighs_less_at_the_same_heterogeneity(rows, which, times):
    y, se = columns(rows)
    tau2 = pool(y, se).tau2
    weights = 1 / (se**2 + tau2)
    more = se.copy()
    more[which % len(se)] *= times
    after = 1 / (more**2 + tau2)
    shares = weights / weights.sum(), after / after.sum()
    assert shares[1][which % len(se)] < shares[0][which % len(se)]


@given(studies)
def test_a_study_that_knows_nothing_changes_nothing(rows):
    y, se = columns(rows)
    before, after = posterior(y, se), posterior(np.r_[y, 1.0], np.r_[se, 1e6])
    assert after.mu.mean == pytest.approx(before.mu.mean, abs=1e-6)
    assert after.mu.sd == pytest.approx(before.mu.sd, rel=1e-6)


@given(studies)
def test_the_mean_lies_among_the_studies_and_reml_is_a_maximum(rows):
    y, se = columns(rows)
    found = pool(y, se)
    assert min(y) - 1e-9 <= found.mean <= max(y) + 1e-9
    assert found.tau2 >= 0
    assert 0 <= found.i2 <= 1
    assert pool(y, se, at_least_wald=True).se >= found.se_wald * (1 - 1e-12)

    def height(tau2):
        w = 1 / (se**2 + tau2)
        mean = np.sum(w * y) / w.sum()
        return 0.5 * (np.log(w).sum() - math.log(w.sum()) - np.sum(w * (y - mean) ** 2))

    others = [found.tau2 * f for f in (0, 0.5, 0.99, 1.01, 2)] + [1e-3, 0.1, 1, 10, 100]
    assert height(found.tau2) >= max(map(height, others)) - 1e-9


@settings(max_examples=60)
@given(few, st.lists(st.floats(1e-12, 1 - 1e-12), min_size=2, max_size=6, unique=True))
def test_quantiles_of_a_new_study_ascend_and_a_new_study_is_less_sure(rows, u):
    found = posterior(*columns(rows), scale="identity", prior_scale=0.7)
    x = found.new.quantile(np.sort(u))
    assert (np.diff(x) >= 0).all()
    assert found.new.sd > found.mu.sd
    assume(max(u) - min(u) > 0.01)
    assert x[-1] > x[0]
