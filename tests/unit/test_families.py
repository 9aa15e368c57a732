"""Families for a mean and an SD: the numbers come back, and SciPy agrees on every quantile."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from raresim.errors import InputError
from raresim.evidence import Mean, Quantiles, fit
from raresim.evidence.families import widest_beta
from raresim.files.units import bounds

U = np.array([[1e-9, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999, 1 - 1e-9]])


def reference(family: str, mean: float, sd: float):
    """Return SciPy's distribution with the same mean and SD."""
    if family == "log-normal":
        s = np.sqrt(np.log(1 + (sd / mean) ** 2))
        return stats.lognorm(s, scale=mean * np.exp(-(s**2) / 2))
    if family == "gamma":
        return stats.gamma((mean / sd) ** 2, scale=sd**2 / mean)
    variation = sd / mean

    def miss(k):
        return stats.weibull_min(k).std() / stats.weibull_min(k).mean() - variation

    from scipy.optimize import brentq

    k = brentq(miss, 0.2, 60, xtol=1e-14)
    return stats.weibull_min(k, scale=mean / stats.weibull_min(k).mean())


@pytest.mark.parametrize("family", ["log-normal", "gamma", "weibull"])
@pytest.mark.parametrize(("mean", "sd"), [(3.2, 4.4), (18.0, 2.5), (0.1, 0.1), (650.0, 220.0)])
@pytest.mark.parametrize("lower", [0.0, 5.0])
def test_quantiles_are_scipys(family: str, mean: float, sd: float, lower: float) -> None:
    law = fit(Mean(mean=lower + mean, sd=sd), (lower, np.inf), None, family)
    expected = reference(family, mean, sd)
    assert law.quantile(U)[0] == pytest.approx(lower + expected.ppf(U[0]), rel=1e-7)
    assert expected.mean() == pytest.approx(mean)
    assert expected.std() == pytest.approx(sd)
    assert family in law.describe()


@given(mean=st.floats(0.02, 0.98), part=st.floats(0.05, 0.99))
def test_beta_has_the_numbers_on_any_interval(mean: float, part: float) -> None:
    sd = part * float(widest_beta(np.array(mean), 0.0, 1.0))
    law = fit(Mean(mean=-4 + 10 * mean, sd=10 * sd), (-4.0, 6.0), None, "beta")
    total = mean * (1 - mean) / sd**2 - 1
    expected = stats.beta(mean * total, (1 - mean) * total)
    u = U[:, 2:-2]
    assert law.quantile(u)[0] == pytest.approx(-4 + 10 * expected.ppf(u[0]), rel=1e-6, abs=1e-6)


def test_the_bounds_suggest_the_family() -> None:
    def family(mean, sd, text):
        return fit(Mean(mean=mean, sd=sd), text and bounds(text), None).describe().split()[0]

    assert family(42, 12, "0 to 93").startswith("normal(")
    assert family(50, 40, "0 to 100") == "beta"  # more than a uniform's SD: no such normal
    assert family(3.2, 4.4, "0 or more") == "gamma"
    assert family(3.2, 4.4, None).startswith("normal(")


def test_quartiles_above_a_bound_are_met_on_the_logarithm() -> None:
    law = fit(Quantiles(median=19, q1=11.3, q3=42.3), (0.0, np.inf), None)
    found = law.quantile(np.array([[0.25, 0.5, 0.75, 1e-12]]))[0]
    assert found[:3] == pytest.approx([11.3, 19, 42.3])
    assert found[3] > 0


@pytest.mark.parametrize(
    ("statistic", "text", "family", "message"),
    [
        (Mean(mean=50, sd=12), "0 to 100", "gamma", "without an upper end"),
        (Mean(mean=50, sd=12), "0 or more", "beta", "two ends"),
        (Mean(mean=50, sd=51), "0 to 100", "beta", "puts nearly everybody at an end"),
        (Mean(mean=-1, sd=2), "0 or more", "gamma", "does not lie inside"),
        (Quantiles(median=2, q1=1, q3=3), "0 or more", "gamma", "no other family"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(statistic, text, family, message) -> None:
    with pytest.raises(InputError, match=message) as caught:
        fit(statistic, bounds(text), None, family)
    assert caught.value.problems[0].mend


@pytest.mark.parametrize("family", ["gamma", "log-normal", "weibull", "beta"])
def test_rare_draws_stay_inside_the_family(family: str) -> None:
    """Eight patients: draws of mean and SD are wild, yet each is a distribution of the family."""
    text = "0 to 20" if family == "beta" else "0 or more"
    u = {"mean": np.linspace(1e-6, 1 - 1e-6, 1024), "sd": np.linspace(1 - 1e-6, 1e-6, 1024)}
    law = fit(Mean(mean=2.0, sd=2.5, n=8), bounds(text), lambda part: u[part], family)
    values = law.quantile(np.full((1024, 1), 0.5))
    assert np.all(np.isfinite(values))
    assert np.all(values >= 0)
