"""Whole numbers from mean and SD: SciPy agrees on every quantile, what cannot be is refused."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from raresim.disease.whole_ties import pearson
from raresim.errors import InputError
from raresim.evidence import Mean, fit
from raresim.evidence.counts import MOST_STEPS
from raresim.files.units import bounds

U = np.array([[1e-9, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999, 1 - 1e-9]])
NEGATIVE, BETA = "negative binomial", "beta-binomial"


def negative(mean: float, sd: float):
    """Return SciPy's negative binomial with mean and SD."""
    theta = mean**2 / (sd**2 - mean)
    return stats.nbinom(theta, theta / (theta + mean))


def between(mean: float, sd: float, steps: int):
    """Return SciPy's beta-binomial with mean and SD."""
    share = mean / steps
    rho = (sd**2 / (steps * share * (1 - share)) - 1) / (steps - 1)
    return stats.betabinom(steps, share * (1 / rho - 1), (1 - share) * (1 / rho - 1))


@pytest.mark.parametrize(
    ("mean", "sd"), [(3.2, 4.4), (0.05, 0.25), (18.0, 4.3), (0.4, 6.0), (650.0, 900.0)]
)
@pytest.mark.parametrize("lower", [0.0, 1.0])
def test_negative_binomials_are_scipys(mean: float, sd: float, lower: float) -> None:
    law = fit(Mean(mean=lower + mean, sd=sd), (lower, np.inf), None, NEGATIVE)
    expected = negative(mean, sd)
    assert law.quantile(U)[0].tolist() == (lower + expected.ppf(U[0])).tolist()
    assert (expected.mean(), expected.std()) == pytest.approx((mean, sd))


@pytest.mark.parametrize(
    ("mean", "sd", "steps"), [(12, 6, 28), (1, 1.0, 3), (40, 3.5, 48), (1, 0.9, 2)]
)
@pytest.mark.parametrize("lower", [0, -4])
def test_beta_binomials_are_scipys(mean: float, sd: float, steps: int, lower: int) -> None:
    law = fit(Mean(mean=lower + mean, sd=sd), (lower, lower + steps), None, BETA)
    expected = between(mean, sd, steps)
    assert law.quantile(U)[0].tolist() == (lower + expected.ppf(U[0])).tolist()
    assert (expected.mean(), expected.std()) == pytest.approx((mean, sd))


def test_golden_values() -> None:
    """Worked by hand: of 2 steps with mean 1, P(0) = P(2) = SD² / 2; a geometric from its mean."""
    law = fit(Mean(mean=1, sd=0.9), (0.0, 2.0), None, BETA)
    assert law.cumulative() == pytest.approx([0.405, 0.595])
    law = fit(Mean(mean=1, sd=2**0.5), (0.0, np.inf), None, NEGATIVE)  # theta 1: halves
    assert law.cumulative()[:4] == pytest.approx([0.5, 0.75, 0.875, 0.9375])
    assert law.quantile(np.array([[0.49, 0.5, 0.51, 0.875, 0.876]]))[0].tolist() == [0, 0, 1, 2, 3]


@settings(max_examples=60, deadline=None)
@given(mean=st.floats(0.02, 400), excess=st.floats(0.01, 20), at=st.floats(0.001, 0.999))
def test_the_quantile_is_the_least_count_that_reaches_it(mean, excess, at) -> None:
    sd = (mean * (1 + excess)) ** 0.5
    law = fit(Mean(mean=mean, sd=sd), (0.0, np.inf), None, NEGATIVE)
    u = np.array([[0.5 * at, at, 0.5 + 0.5 * at]])
    found = law.quantile(u)[0]
    expected = negative(mean, sd)
    assert np.all(found == np.floor(found))
    assert np.all(np.diff(found) >= 0)
    assert np.all(found >= 0)
    assert np.all(expected.cdf(found) >= u[0] - 1e-12)
    assert np.all(expected.cdf(found - 1) <= u[0] + 1e-12)


@settings(max_examples=60, deadline=None)
@given(
    steps=st.integers(2, 200), share=st.floats(0.02, 0.98), rho=st.floats(0.001, 0.95),
    lower=st.integers(-10, 10),
)  # fmt: skip
def test_any_beta_binomial_has_its_mean_and_sd(steps, share, rho, lower) -> None:
    sd = (steps * share * (1 - share) * (1 + (steps - 1) * rho)) ** 0.5
    law = fit(Mean(mean=lower + steps * share, sd=sd), (lower, lower + steps), None, BETA)
    chance = np.diff(law.cumulative(), prepend=0.0, append=1.0)
    k = lower + np.arange(steps + 1)
    assert chance @ k == pytest.approx(lower + steps * share, abs=1e-6 * steps)
    assert np.sqrt(chance @ (k - chance @ k) ** 2) == pytest.approx(sd, rel=1e-6)
    found = law.quantile(U)[0]
    assert found[0] >= lower
    assert found[-1] <= lower + steps
    assert np.all(np.diff(found) >= 0)


@pytest.mark.parametrize(
    ("mean", "sd", "text", "family", "message"),
    [
        (3.0, 1.7, "0 or more", NEGATIVE, "no larger than a Poisson's"),
        (3.0, 4.0, "0 to 20", NEGATIVE, "without an upper end"),
        (3.0, 4.0, "0.5 or more", NEGATIVE, "whole numbers"),
        (10.0, 2.2, "0 to 20", BETA, "no larger than a binomial's"),
        (10.0, 10.5, "0 to 20", BETA, "puts everybody at an end"),
        (10.0, 4.0, "0 or more", BETA, "of 2 to 1,000 steps"),
        (10.0, 4.0, "0 to 20.5", BETA, "whole numbers"),
        (10.0, 4.0, f"0 to {MOST_STEPS + 1}", BETA, "steps"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(mean, sd, text, family, message) -> None:
    with pytest.raises(InputError, match=message) as caught:
        fit(Mean(mean=mean, sd=sd), bounds(text), None, family)
    assert caught.value.problems[0].mend


@pytest.mark.parametrize(
    ("family", "text", "sd"), [(NEGATIVE, "0 or more", 2.0), (BETA, "0 to 20", 3)]
)
def test_rare_draws_stay_inside_the_family(family: str, text: str, sd: float) -> None:
    """Eight patients: many draws of the variance lie below chance, yet each is of the family."""
    u = {"mean": np.linspace(1e-6, 1 - 1e-6, 1024), "sd": np.linspace(1 - 1e-6, 1e-6, 1024)}
    law = fit(Mean(mean=3.0, sd=sd, n=8), bounds(text), lambda part: u[part], family)
    values = law.quantile(np.tile(U, (1024, 1)))
    assert np.all(values == np.floor(values))
    assert np.all(values >= 0)
    assert np.all(np.diff(values, axis=1) >= 0)
    alone = law.rows(slice(700, 703)).quantile(np.tile(U, (3, 1)))
    assert alone.tolist() == values[700:703].tolist()  # the same bits, whatever stands beside


def test_a_block_is_fast() -> None:
    drawn = np.repeat(np.linspace(0.01, 0.99, 128), 8)
    u = np.linspace(0.001, 0.999, 1024 * 64).reshape(1024, 64)
    for family, top in ((NEGATIVE, np.inf), (BETA, 28.0)):
        statistic = Mean(mean=4.0, sd=4.4, n=40)
        law = fit(statistic, (0.0, top), lambda part: drawn, family)
        begun = time.perf_counter()
        law.quantile(u)
        assert time.perf_counter() - begun < 2  # 0.03 s where nothing else runs


@pytest.mark.parametrize("rho", [0.5, -0.7])
def test_correlations_of_whole_numbers_are_those_of_many_patients(rho: float) -> None:
    """Pearson's correlation under a correlation of normal scores, on four million even patients."""
    few = fit(Mean(mean=0.3, sd=0.7), (0.0, np.inf), None, NEGATIVE)
    items = fit(Mean(mean=12, sd=6), (0.0, 28.0), None, BETA)
    plain = fit(Mean(mean=50, sd=10), None, None)
    grid = np.array([-0.7, 0.0, 0.5])
    side = (np.arange(2000) + 0.5) / 2000
    z, own = (stats.norm.ppf(part).ravel() for part in np.meshgrid(side, side))
    scores = stats.norm.cdf(rho * z + np.sqrt(1 - rho**2) * own)
    for first, second in ((few, plain), (plain, few), (few, items), (few, few)):
        x, y = first.quantile(stats.norm.cdf(z)[None])[0], second.quantile(scores[None])[0]
        found = pearson(first, second, grid)
        assert found[1] == pytest.approx(0, abs=1e-9)
        assert float(found[grid == rho][0]) == pytest.approx(np.corrcoef(x, y)[0, 1], abs=0.003)
