"""From statistics to distributions: the fitted one has the statistic, or the fit is refused."""

import numpy as np
import pytest
from scipy import stats

from raresim.errors import InputError
from raresim.evidence import Mean, Quantiles, TruncatedNormal, fit
from raresim.streams import Luck

QUARTERS = np.array([[0.25, 0.5, 0.75]])


def luck(seed=1):
    source = Luck(seed, 0)
    return source.once


def moments(law, points=4000):
    """Return mean and SD from the quantile function alone, by Gauss-Legendre in 40 panels."""
    node, weight = np.polynomial.legendre.leggauss(points // 40)
    # panels that shrink towards both ends, where the quantile function is steep
    edge = stats.norm.cdf(np.linspace(-8.2, 8.2, 41))
    edge[0], edge[-1] = 0, 1
    half = np.diff(edge)[:, None] / 2
    u = np.clip((edge[:-1, None] + half * (1 + node)).ravel(), 2.0**-53, 1 - 2.0**-53)
    w = (half * weight).ravel()
    x = law.quantile(u[None, :])[0]
    mean = w @ x
    return mean, np.sqrt(w @ (x - mean) ** 2)


NORMALS = [
    pytest.param(14.6, 9.8, (0, 60), id="ages, bound near"),
    pytest.param(42, 12, (0, 93), id="score, bounds far"),
    pytest.param(650, 220, (60, 1300), id="repeats"),
    pytest.param(5, 4.5, (0, 100), id="mode below the range"),
    pytest.param(95, 4.5, (0, 100), id="mode above the range"),
    pytest.param(50, 28, (0, 100), id="nearly uniform"),
    pytest.param(1, 0.74, (0, np.inf), id="one bound"),
    pytest.param(-1, 0.74, (-np.inf, 0), id="one bound above"),
    pytest.param(3, 2, (-np.inf, np.inf), id="no bound"),
    pytest.param(50, 0.001, (0, 100), id="narrow"),
]


@pytest.mark.parametrize(("mean", "sd", "bounds"), NORMALS)
def test_the_truncated_normal_has_the_printed_mean_and_sd(mean, sd, bounds):
    law = fit(Mean(mean=mean, sd=sd), bounds, None, "normal")
    found = moments(law)
    assert found == pytest.approx((mean, sd), abs=1e-6 * sd)
    mu, sigma = law.mu[0], law.sigma[0]
    low, high = (np.array(bounds) - mu) / sigma
    independent = stats.truncnorm(low, high, loc=mu, scale=sigma)
    assert (independent.mean(), independent.std()) == pytest.approx((mean, sd), abs=1e-6 * sd)
    u = np.linspace(0.001, 0.999, 41)
    assert law.quantile(u[None, :])[0] == pytest.approx(independent.ppf(u), rel=1e-6, abs=1e-6 * sd)


def test_no_bounds_given_means_a_plain_normal():
    law = fit(Mean(mean=3, sd=2), None, None)
    assert law.quantile(np.array([[0.5, 0.975]]))[0] == pytest.approx([3, 3 + 2 * 1.959963985])


@pytest.mark.parametrize("u", [2.0**-53, 1 - 2.0**-53])
def test_the_most_extreme_luck_stays_inside_the_bounds(u):
    for law in (
        fit(Mean(mean=14.6, sd=9.8), (0, 60), None),
        fit(Quantiles(q1=9, median=13, q3=19), (1, 65), None),
    ):
        low, high = (law.lower, law.upper)
        assert low <= law.quantile(np.array([[u]]))[0, 0] <= high


@pytest.mark.parametrize(
    ("mean", "sd", "bounds"),
    [
        pytest.param(50, 30, (0, 100), id="wider than uniform"),
        pytest.param(5, 6, (0, 100), id="wider than an exponential"),
        pytest.param(1, 1.1, (0, np.inf), id="one bound"),
    ],
)
def test_a_mean_and_sd_that_no_normal_on_the_range_has_are_refused(mean, sd, bounds):
    with pytest.raises(InputError, match=rf"mean {mean} and SD {sd}\n.*widen the range or state"):
        fit(Mean(mean=mean, sd=sd), bounds, None, "normal")


def test_a_mean_alone_gives_no_distribution():
    with pytest.raises(InputError, match="needs the SD"):
        fit(Mean(mean=3, se=1), (0, 10), None)


QUARTILES = [
    pytest.param((9, 13, 19), (1, 65), id="onset"),
    pytest.param((6, 11, 19), (0, 60), id="age"),
    pytest.param((-1, 0, 1), None, id="symmetric, no bounds"),
    pytest.param((1, 2, 4), None, id="skewed, no bounds"),
    pytest.param((0.4, 0.5, 0.6), (0, 1), id="share"),
    pytest.param((1e-3, 2e-3, 9e-3), (0, 1), id="near a bound"),
    pytest.param((1, 2, 30), None, id="very skew"),
    pytest.param((1, 29, 30), None, id="very skew down"),
]


@pytest.mark.parametrize(("quartiles", "bounds"), QUARTILES)
def test_the_two_piece_law_passes_through_its_quartiles(quartiles, bounds):
    q1, median, q3 = quartiles
    law = fit(Quantiles(q1=q1, median=median, q3=q3), bounds, None)
    assert law.quantile(QUARTERS)[0] == pytest.approx(quartiles, rel=1e-9, abs=1e-12)


def test_symmetric_quartiles_without_bounds_are_a_logistic():
    law = fit(Quantiles(q1=-1, median=0, q3=1), None, None)
    u = np.linspace(0.01, 0.99, 25)
    expected = stats.logistic(scale=1 / np.log(3)).ppf(u)
    assert law.quantile(u[None, :])[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("quartiles", "bounds", "reason"),
    [
        pytest.param((0, 13, 19), (0, 65), "do not lie inside 0 to 65", id="quartile on the bound"),
        pytest.param((9, 13, 70), (0, 65), "do not lie inside 0 to 65", id="quartile outside"),
    ],
)
def test_quartiles_outside_the_range_are_refused_with_the_reason(quartiles, bounds, reason):
    q1, median, q3 = quartiles
    with pytest.raises(InputError, match=reason):
        fit(Quantiles(q1=q1, median=median, q3=q3), bounds, None)


def test_each_half_is_a_logistic_of_its_own_scale():
    law = fit(Quantiles(q1=2, median=4, q3=10), None, None)
    u = np.linspace(0.01, 0.5, 25)
    below = stats.logistic(loc=4, scale=2 / np.log(3)).ppf(u)
    above = stats.logistic(loc=4, scale=6 / np.log(3)).ppf(1 - u)
    assert law.quantile(u[None, :])[0] == pytest.approx(below, abs=1e-9)
    assert law.quantile(1 - u[None, :])[0] == pytest.approx(above, abs=1e-9)


@pytest.mark.parametrize("n", [2, 4, 10, 20])
@pytest.mark.parametrize(("mean", "sd", "bounds"), [(42, 12, (0, 93)), (5, 4, (0, 60))])
def test_means_of_very_few_patients_are_drawn_without_failing(n, mean, sd, bounds):
    for seed in range(10):
        law = fit(Mean(mean=mean, sd=sd, n=n), bounds, Luck(seed, 0).once)
        values = law.quantile(np.full((1024, 3), [0.1, 0.5, 0.9]))
        assert np.isfinite(values).all()
        assert ((bounds[0] <= values) & (values <= bounds[1])).all()


@pytest.mark.parametrize("mean", [119, 100, 0, -5])
def test_a_mean_outside_its_range_is_refused(mean):
    with pytest.raises(InputError, match=f"mean {mean} does not lie inside 0 to 100"):
        fit(Mean(mean=mean, sd=1), (0, 100), None)


def test_a_drawn_mean_gives_a_normal_for_each_replicate_with_its_drawn_moments():
    statistic = Mean(mean=14.6, sd=9.8, n=128)
    law = fit(statistic, (0, 60), luck())
    drawn = statistic.draw(luck())
    assert isinstance(law, TruncatedNormal)
    held = drawn["sd"] >= np.minimum(0.75 * drawn["mean"], 0.25 * 60)
    assert 0 < held.mean() < 0.2
    for r in np.flatnonzero(~held)[:100]:
        low, high = (0 - law.mu[r]) / law.sigma[r], (60 - law.mu[r]) / law.sigma[r]
        mean, variance = stats.truncnorm.stats(low, high, law.mu[r], law.sigma[r], moments="mv")
        found = (float(mean), float(np.sqrt(variance)))
        assert found == pytest.approx((drawn["mean"][r], drawn["sd"][r]), rel=1e-6)
    u = np.full((1024, 1), 0.3)
    one = TruncatedNormal(law.mu[5:6], law.sigma[5:6], 0, 60).quantile(u[:1])
    assert law.quantile(u)[5, 0] == one[0, 0]


def test_drawn_quartiles_go_through_the_printed_values_at_the_drawn_levels():
    statistic = Quantiles(q1=9, median=13, q3=19, n=8)
    law = fit(statistic, (1, 65), luck())
    levels = np.stack(list(statistic.draw(luck()).values()), axis=-1)
    found = law.quantile(levels)
    assert found.shape == (1024, 3)
    assert found == pytest.approx(np.broadcast_to([9, 13, 19], (1024, 3)), rel=1e-9)


def test_drawn_laws_of_few_patients_ascend_and_keep_their_bounds():
    law = fit(Quantiles(q1=9, median=13, q3=19, n=4), (1, 65), luck())
    values = law.quantile(np.tile(np.linspace(0.001, 0.999, 199), (1024, 1)))
    assert (np.diff(values, axis=1) >= 0).all()
    assert values.min() >= 1
    assert values.max() <= 65


def test_distributions_describe_themselves():
    assert fit(Mean(mean=3, sd=2), None, None).describe() == "normal(3, 2) on -inf to inf"
    assert fit(Quantiles(q1=9, median=13, q3=19), (1, 65), None).describe().endswith("on 1 to 65")
