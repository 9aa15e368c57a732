"""Pooled studies against statsmodels, metafor's published output and a brute-force posterior."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from raresim.errors import InputError
from raresim.evidence.pooling import _mean, pool, posterior

BCG = [  # Colditz et al., JAMA 1994;271:698-702: ill and well, vaccinated and not, as in metadat
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619),
    (33, 5036, 47, 5761), (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892),
    (29, 7470, 45, 7232), (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338),
    (27, 16886, 29, 17825),
]  # fmt: skip


def bcg():
    """Return log risk ratios and their errors."""
    ratios = [math.log(a / (a + b) / (c / (c + d))) for a, b, c, d in BCG]
    errors = [math.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)) for a, b, c, d in BCG]
    return ratios, errors


def test_the_bcg_trials_are_pooled_as_by_metafor():
    """Printed by metafor's rma(yi, vi): tau 0.5597, Q 152.2330, -0.7145 (0.1798)."""
    found = pool(*bcg(), scale="log")
    assert found.converged
    assert found.mean == pytest.approx(-0.7145, abs=5.1e-5)
    assert found.se_wald == pytest.approx(0.1798, abs=5.1e-5)
    assert math.sqrt(found.tau2) == pytest.approx(0.5597, abs=5.1e-5)
    assert found.q == pytest.approx(152.2330, abs=5.1e-5)
    ends = [found.mean + sign * 1.959964 * found.se_wald for sign in (-1, 1)]
    assert ends == pytest.approx([-1.0669, -0.3622], abs=5.1e-5)


def test_hartung_and_knapps_error_is_metafors_with_and_without_the_correction():
    """As others wrote down metafor 4.4 to print them: test="knha", then test="adhoc"."""
    y, se = [0.1, 0.12, 0.11, 0.13, 0.09], np.sqrt([0.04, 0.05, 0.03, 0.06, 0.05])
    assert pool(y, se).se == pytest.approx(0.006435011094, abs=1e-12)
    held = pool(y, se, at_least_wald=True)
    assert held.se == pytest.approx(0.093250480824, abs=1e-12)
    assert held.interval() == pytest.approx((-0.149919333795, 0.367890348288), abs=1e-9)


@pytest.mark.parametrize(
    ("y", "v", "tau2"),
    [
        (
            [-0.581, 0.530, 0.771, 1.031, 0.553, 0.295, 0.078, 0.573, -0.176, -0.232],
            [0.023, 0.052, 0.060, 0.115, 0.095, 0.203, 0.200, 0.211, 0.051, 0.040],
            0.223,
        ),
        (
            [0.100, -0.162, -0.090, -0.049, -0.046, -0.010, -0.431, -0.261, 0.134, 0.019, 0.175,
             0.056, 0.045, 0.103, 0.121, -0.482, 0.290, 0.342],
            [0.016, 0.015, 0.050, 0.050, 0.032, 0.052, 0.036, 0.024, 0.034, 0.033, 0.031, 0.034,
             0.039, 0.167, 0.134, 0.096, 0.016, 0.035],
            0.016,
        ),
    ],
)  # fmt: skip
def test_reml_is_that_of_viechtbauers_two_examples(y, v, tau2):
    """J Educ Behav Stat 2005;30:271 and 272."""
    assert pool(y, np.sqrt(v)).tau2 == pytest.approx(tau2, abs=5.1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_statsmodels_agrees_where_it_has_the_same_estimator(seed):
    """It has no REML; Paule and Mandel's tau² is another number.

    Comparable are Q, I² and, given a tau², the weighted mean with its plain and HK errors: with
    equal standard errors Paule and Mandel's tau² is REML's, and everything is.
    """
    rng = np.random.default_rng(seed)
    k = 4 + seed
    y, se = rng.normal(0.4, 0.6, k), rng.uniform(0.1, 0.4, k)
    theirs, ours = combine_effects(y, se**2, method_re="iterated", use_t=True), pool(y, se)
    assert ours.q == pytest.approx(theirs.q, rel=1e-10)
    assert ours.i2 == pytest.approx(max(theirs.i2, 0), rel=1e-9)
    same = np.full(k, 0.2)
    theirs, ours = combine_effects(y, same**2, method_re="iterated", use_t=True), pool(y, same)
    assert ours.tau2 == pytest.approx(max(np.var(y, ddof=1) - 0.04, 0), abs=1e-12)
    assert ours.tau2 == pytest.approx(max(theirs.tau2, 0), rel=1e-4)  # it stops its search early
    assert ours.mean == pytest.approx(theirs.mean_effect_re, rel=1e-9)
    assert ours.se_wald == pytest.approx(theirs.sd_eff_w_re, rel=1e-4)
    assert ours.se == pytest.approx(theirs.sd_eff_w_re_hksj, rel=1e-4)


def test_the_weighted_mean_of_no_heterogeneity_is_statsmodels_fixed_effect():
    y, se = bcg()
    theirs = combine_effects(np.array(y), np.array(se) ** 2)
    mean, total = _mean(np.array(y), np.array(se) ** 2, 0.0)
    assert mean[0] == pytest.approx(theirs.mean_effect_fe, rel=1e-10)
    assert total[0] ** -0.5 == pytest.approx(theirs.sd_eff_w_fe, rel=1e-10)


def test_the_prediction_interval_is_higgins_formula():
    found = pool(*bcg(), scale="log")
    half = stats.t(11).ppf(0.975) * math.sqrt(found.tau2 + found.se_wald**2)
    assert found.prediction() == pytest.approx((found.mean - half, found.mean + half), rel=1e-9)
    assert pool([0.1, 0.2], [0.1, 0.1]).prediction() is None


def grid(y, se, scale):
    """Integrate the joint posterior of mu and tau on a fine grid of both, by the trapezoid rule.

    In mu the integrand is smooth and vanishes at both ends, so that the rule is exact to
    rounding; in tau it starts at a boundary, so Simpson's rule and many points.
    """
    y, se = np.array(y), np.array(se)
    wide = 40 * scale + 12 * se.max()
    mu = np.linspace(y.min() - wide, y.max() + wide, 24001)
    tau = np.linspace(0, 9 * scale, 801)
    simpson = np.r_[1, np.tile([4, 2], 399), 4, 1] * (tau[1] / 3)
    mass, tau_mass = np.zeros(len(mu)), np.zeros(len(tau))
    for i, t in enumerate(tau):
        log = stats.halfnorm.logpdf(t, scale=scale) + sum(
            stats.norm.logpdf(value, mu, math.hypot(error, t))
            for value, error in zip(y, se, strict=True)
        )
        part = np.exp(log) * (mu[1] - mu[0])
        mass += simpson[i] * part
        tau_mass[i] = simpson[i] * part.sum()
    whole = mass.sum()
    return mu, mass / whole, tau, tau_mass / whole


@pytest.mark.parametrize(
    ("y", "se", "scale"),
    [
        ([-0.8, -0.2], [0.3, 0.25], 0.5),
        ([0.1, 0.9, 0.4], [0.2, 0.5, 0.3], 1.0),
        ([1.2, -0.4, 0.3, 0.5], [0.15, 0.2, 0.4, 0.3], 0.5),
    ],
)
def test_the_quadrature_is_a_grid_of_two_dimensions(y, se, scale):
    mu, mass, tau, tau_mass = grid(y, se, scale)
    found = posterior(y, se, prior_scale=scale)
    mean = float(mass @ mu)
    assert found.mu.mean == pytest.approx(mean, abs=1e-6)
    assert found.mu.sd**2 == pytest.approx(float(mass @ (mu - mean) ** 2), abs=1e-6)
    taus, weights = found.tau
    assert weights @ taus == pytest.approx(float(tau_mass @ tau), abs=1e-6)
    more = float(tau_mass @ tau**2)
    assert found.new.sd**2 == pytest.approx(found.mu.sd**2 + more, abs=1e-6)
    below = np.cumsum(mass) - mass / 2  # the midpoint's distribution function
    assert found.mu.quantile(below[[11000, 12000, 12500]]) == pytest.approx(
        mu[[11000, 12000, 12500]], abs=1e-4
    )


def test_one_study_leaves_the_prior_as_it_is():
    found = posterior([0.3], [0.1])
    assert found.tau_quantile(0.5) == pytest.approx(stats.halfnorm.ppf(0.5, scale=0.5), abs=1e-9)
    assert found.tau_quantile(0.95) == pytest.approx(stats.halfnorm.ppf(0.95, scale=0.5), abs=1e-9)
    assert found.mu.mean == pytest.approx(0.3, abs=1e-12)
    assert found.new.sd**2 == pytest.approx(0.1**2 + 2 * 0.5**2, abs=1e-9)


def test_quantiles_invert_the_mixtures_distribution_far_into_both_tails():
    law = posterior([-0.8, -0.2, 0.1], [0.3, 0.25, 0.4]).new
    u = np.array([[2.0**-53, 1e-12, 1e-3, 0.3], [0.5, 0.9, 1 - 1e-9, 1 - 2.0**-53]])
    x = law.quantile(u)
    below, above = (
        np.einsum("j,abj->ab", law.weights, tail((x[..., None] - law.means) / law.sds))
        for tail in (stats.norm.cdf, stats.norm.sf)
    )
    assert below[0] == pytest.approx(u[0], rel=1e-9)
    assert above[1] == pytest.approx(1 - u[1], rel=1e-9)
    assert (np.diff(x.ravel()) > 0).all()
    assert (law.quantile(u[:, 1:2]) == x[:, 1:2]).all()  # a part alone has the same bits


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: pool([0.1], [0.1]), "posterior"),
        (lambda: pool([], []), "same length"),
        (lambda: pool([0.1, 0.2], [0.1]), "same length"),
        (lambda: pool([0.1, 0.2], [0.1, 0.0]), "study 2"),
        (lambda: posterior([0.1, math.nan], [0.1, 0.1]), "study 2"),
        (lambda: posterior([0.1], [0.1], scale="identity"), "prior_scale"),
        (lambda: posterior([0, 1e9], [0.1, 0.1]), "prior_scale"),
    ],
)
def test_what_cannot_be_pooled_says_how_to_mend_it(call, says):
    with pytest.raises(InputError, match=says):
        call()
