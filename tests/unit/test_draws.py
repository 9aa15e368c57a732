"""What the truth may be, given the printed numbers: draws against the theoretical posterior.

At each of seven levels the share of draws below the theoretical quantile must be the level within
k = 4 binomial standard errors, and mean and SD must be the theoretical ones within k = 4 of theirs.
"""

import numpy as np
import pytest
from scipy import stats

from raresim.evidence import (
    Correlation,
    Difference,
    Dispersion,
    EventRate,
    Mean,
    Quantiles,
    Ratio,
    Share,
    Slope,
    Spread,
)
from raresim.streams import Luck

DRAWS = 48 * 1024
LEVELS = np.array([0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99])
Z95 = stats.norm.ppf(0.975)


def luck(seed=2024):
    source = Luck(seed, 0)
    return lambda part: source.uniform(part, DRAWS // 1024).ravel()


def follows(draws, law):
    assert draws.shape == (DRAWS,)
    below = (draws[:, None] <= law.ppf(LEVELS)).mean(axis=0)
    assert (np.abs(below - LEVELS) < 4 * np.sqrt(LEVELS * (1 - LEVELS) / DRAWS)).all(), below
    assert abs(draws.mean() - law.mean()) < 4 * law.std() / np.sqrt(DRAWS)
    variance = np.var(draws)
    of_variance = np.std((draws - law.mean()) ** 2) / np.sqrt(DRAWS)
    assert abs(variance - law.var()) < 4 * of_variance


def uncorrelated(one, two):
    assert abs(np.corrcoef(one, two)[0, 1]) < 4 / np.sqrt(DRAWS)


def test_shares_are_dirichlet_with_half_a_patient_added_to_each_state():
    share = Share(share={"a": 0.1, "b": 0.65, "c": 0.0, "d": "rest"}, n=20)
    drawn = share.draw(luck())
    weights = dict(zip("abcd", np.array([2, 13, 0, 5]) + 0.5, strict=True))
    total = sum(weights.values())
    np.testing.assert_allclose(sum(drawn.values()), 1, rtol=0, atol=1e-12)
    for name, weight in weights.items():
        follows(drawn[name], stats.beta(weight, total - weight))
    for one, two in ("ab", "bd", "cd"):
        product = (drawn[one] - weights[one] / total) * (drawn[two] - weights[two] / total)
        covariance = -weights[one] * weights[two] / total**2 / (total + 1)
        assert abs(product.mean() - covariance) < 4 * product.std() / np.sqrt(DRAWS)


def test_a_single_share_is_beta():
    drawn = Share(share=0.25, n=40).draw(luck())
    follows(drawn["yes"], stats.beta(10.5, 30.5))


def test_a_full_cell_is_still_uncertain():
    follows(Share(share=1.0, n=12).draw(luck())["no"], stats.beta(0.5, 12.5))


@pytest.mark.parametrize("events", [0, 3, 56])
def test_rates_are_gamma_with_half_an_event_added(events):
    drawn = EventRate(events=events, exposure="50.72 patient-years").draw(luck())["rate"]
    follows(drawn, stats.gamma(events + 0.5, scale=1 / 50.72))


def test_a_printed_rate_draws_as_its_events_do():
    printed = EventRate(rate="0.5 per year", exposure="60 patient-years").draw(luck())["rate"]
    counted = EventRate(events=30, exposure="60 patient-years").draw(luck())["rate"]
    np.testing.assert_allclose(printed, counted, rtol=1e-12)


def test_mean_and_sd_are_drawn_jointly():
    n, m, s = 12, 5.0, 3.0
    drawn = Mean(mean=m, sd=s, n=n).draw(luck())
    follows((n - 1) * s**2 / drawn["sd"] ** 2, stats.chi2(n - 1))
    follows((drawn["mean"] - m) / (s / np.sqrt(n)), stats.t(n - 1))  # wider than a normal
    z = (drawn["mean"] - m) / (drawn["sd"] / np.sqrt(n))
    follows(z, stats.norm())
    uncorrelated(z, drawn["sd"])


def test_a_printed_se_sets_the_spread_of_the_mean_beside_its_sd():
    drawn = Mean(mean=5, sd=3, se=0.5, n=12).draw(luck())
    follows((drawn["mean"] - 5) / 0.5, stats.t(11))


def test_a_mean_with_its_se_alone_is_normal():
    follows(Mean(mean=0.85, se=0.64, n=42).draw(luck())["mean"], stats.norm(0.85, 0.64))


def test_a_spread_is_the_root_of_a_scaled_inverse_chi_square():
    drawn = Spread(sd=4.15, n=8).draw(luck())["sd"]
    follows(7 * 4.15**2 / drawn**2, stats.chi2(7))


def test_quartiles_lie_at_dirichlet_levels():
    n = 30
    drawn = Quantiles(q1=9, median=13, q3=19, n=n).draw(luck())
    levels = np.stack([drawn[name] for name in ("q1", "median", "q3")], axis=-1)
    assert levels.shape == (DRAWS, 3)
    for k in range(3):
        follows(levels[:, k], stats.beta((k + 1) * n / 4, (3 - k) * n / 4))
    covariance = (levels[:, 0] - 0.25) * (levels[:, 2] - 0.75)
    expected = 0.25 * 0.25 / (n + 1)  # min(p, q) (1 - max(p, q)) / (n + 1)
    assert abs(covariance.mean() - expected) < 4 * covariance.std() / np.sqrt(DRAWS)


def test_dispersion_is_log_normal():
    drawn = Dispersion(negative_binomial_theta=1.095, se=0.49).draw(luck())["theta"]
    follows(np.log(drawn), stats.norm(np.log(1.095), 0.49 / 1.095))


@pytest.mark.parametrize("r", [-0.6, 0.0, 0.9])
def test_correlation_is_normal_on_the_scale_of_fisher(r):
    drawn = Correlation(correlation=r, n=28).draw(luck())["correlation"]
    follows(np.arctanh(drawn), stats.norm(np.arctanh(r), 0.2))  # 1 / sqrt(28 - 3)


def test_slopes_and_differences_are_normal():
    follows(Slope(slope=-0.02, se=0.01).draw(luck())["slope"], stats.norm(-0.02, 0.01))
    difference = Difference(difference=-2.4, ci=[-4.31, -0.5], after="48 weeks")
    drawn = difference.draw(luck())["difference"]
    follows(drawn, stats.norm(-2.4, 3.81 / (2 * Z95)))


@pytest.mark.parametrize("name", ["rate_ratio", "hazard_ratio"])
def test_ratios_are_log_normal(name):
    drawn = Ratio(**{name: 0.334}, ci=[0.181, 0.616]).draw(luck())[name]
    follows(np.log(drawn), stats.norm(np.log(0.334), np.log(0.616 / 0.181) / (2 * Z95)))


@pytest.mark.parametrize(
    "statistic",
    [
        Share(share=0.3),
        Mean(mean=3, sd=2),
        Mean(mean=3),
        Spread(sd=2),
        Spread(sd=2, n=1),
        Dispersion(negative_binomial_theta=2),
        Correlation(correlation=0.3),
        Correlation(correlation=0.3, n=3),
        Slope(slope=1),
        Ratio(rate_ratio=0.5),
        Difference(difference=1, after="1 week"),
    ],
    ids=lambda statistic: f"{type(statistic).__name__} {statistic.n}",
)
def test_without_n_or_error_the_printed_numbers_are_all_that_is_known(statistic):
    drawn = statistic.draw(luck())
    assert {name: value.tolist() for name, value in drawn.items()} == {
        name: [pytest.approx(value)] for name, value in statistic.numbers().items()
    }


def test_quartiles_without_n_stay_at_their_levels():
    drawn = Quantiles(q1=1, median=2, q3=3).draw(luck())
    assert [value.tolist() for value in drawn.values()] == [[0.25], [0.5], [0.75]]
