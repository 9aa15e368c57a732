"""Any fitted distribution has its statistic, ascends and keeps its bounds, or is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from raresim.errors import InputError
from raresim.evidence import Mean, Quantiles, fit

numbers = st.floats(-1000, 1000).map(lambda x: round(x, 3))
inner = st.lists(st.floats(0.02, 0.98), min_size=3, max_size=3, unique=True).map(sorted)
U = np.concatenate([[2.0**-53, 1e-9], np.linspace(1e-4, 1 - 1e-4, 401), [1 - 1e-9, 1 - 2.0**-53]])


@settings(max_examples=200, deadline=None)
@given(numbers, st.floats(0.5, 500), inner, st.booleans())
def test_two_piece_laws_pass_through_their_quartiles_ascend_and_keep_their_bounds(
    low, width, at, bounded
):
    values = [low + width * share for share in at]
    if min(np.diff(values)) < 1e-3 * width:
        return
    bounds = (low, low + width) if bounded else None
    law = fit(Quantiles(q1=values[0], median=values[1], q3=values[2]), bounds, None)
    found = law.quantile(U[None, :])[0]
    assert (np.diff(found) >= 0).all()
    assert (np.diff(found[2:-2]) > 0).all() or bounded
    if bounded:
        assert low <= found[0]
        assert found[-1] <= low + width
    passes = law.quantile(np.array([[0.25, 0.5, 0.75]]))[0]
    assert passes == pytest.approx(values, abs=1e-8 * width)


@settings(max_examples=150, deadline=None)
@given(numbers, st.floats(1, 500), st.floats(0.05, 0.95), st.floats(0.02, 0.7))
def test_normals_on_a_range_reproduce_mean_and_sd(low, width, place, spread):
    """SD within 0.7 of the nearer bound and a quarter of the range: what such a normal can have."""
    mean = low + width * place
    sd = min(spread * min(mean - low, low + width - mean), 0.25 * width)
    law = fit(Mean(mean=mean, sd=sd), (low, low + width), None)
    mu, sigma = float(law.mu[0]), float(law.sigma[0])
    a, b = (low - mu) / sigma, (low + width - mu) / sigma
    independent = stats.truncnorm(a, b, loc=mu, scale=sigma)
    assert (independent.mean(), independent.std()) == pytest.approx((mean, sd), abs=1e-6 * sd)
    found = law.quantile(U[None, :])[0]
    assert (np.diff(found) >= 0).all()
    assert low <= found[0]
    assert found[-1] <= low + width


@settings(max_examples=100, deadline=None)
@given(st.floats(0.5, 99.5), st.floats(0.01, 200))
def test_any_mean_and_sd_on_a_range_is_fitted_or_refused(mean, sd):
    try:
        law = fit(Mean(mean=mean, sd=sd), (0, 100), None)
    except InputError as error:
        assert "puts nearly everybody at an end" in str(error)
        return
    found = law.quantile(U[None, :])[0]
    assert np.isfinite(found).all()
    assert (np.diff(found) >= 0).all()
