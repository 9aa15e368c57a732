"""Monte Carlo standard errors, against independent software and against simulation."""

import numpy as np
import pytest
import statsmodels.api as sm

from raresim.study.montecarlo import (
    NOTHING,
    Figure,
    between,
    mean,
    proportion,
    quantile,
    spread,
)


def generator(seed):
    return np.random.Generator(np.random.PCG64(seed))


def test_without_clusters_the_error_of_a_mean_is_sd_over_root_r():
    x = generator(1).normal(3, 2, 500)
    found = mean(x, np.arange(500))
    assert found.value == pytest.approx(x.mean(), rel=1e-12)
    assert found.mcse == pytest.approx(x.std(ddof=1) / np.sqrt(500), rel=1e-12)
    assert found.replicates == 500


@pytest.mark.parametrize("sizes", ["equal", "ragged", "scattered"])
def test_with_clusters_the_error_of_a_mean_is_that_of_statsmodels(sizes):
    rng = generator(2)
    clusters = {
        "equal": np.repeat(np.arange(40), 8),
        "ragged": np.repeat(np.arange(40), rng.integers(1, 16, 40)),
        "scattered": rng.integers(0, 40, 320),
    }[sizes]
    x = rng.normal(size=clusters.size) + rng.normal(size=40)[clusters]
    fit = sm.OLS(x, np.ones_like(x)).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    found = mean(x, clusters)
    assert found.value == pytest.approx(fit.params[0], rel=1e-12)
    assert found.mcse == pytest.approx(fit.bse[0], rel=1e-10)
    assert found.mcse > 1.5 * x.std() / np.sqrt(x.size)  # the clusters matter here


def test_replicates_without_a_value_are_left_out_with_their_clusters():
    rng = generator(3)
    x, clusters = rng.normal(size=80), np.repeat(np.arange(10), 8)
    holes = x.copy()
    holes[[3, 17]] = np.nan
    holes[clusters == 4] = np.nan
    known = ~np.isnan(holes)
    for figure in (mean, spread, lambda v, c: quantile(v, 0.3, c)):
        assert figure(holes, clusters) == figure(x[known], clusters[known])
    assert mean(holes, clusters).replicates == 70


def test_nothing_known_gives_no_figure():
    empty, clusters = np.full(5, np.nan), np.arange(5)
    assert mean(empty, clusters) == NOTHING
    assert quantile(empty, 0.5, clusters) == NOTHING
    assert spread(empty, clusters) == NOTHING
    assert mean([], np.arange(0)) == NOTHING


def test_one_cluster_gives_a_value_without_an_error():
    assert mean([1.0, 2.0, 6.0], np.zeros(3, np.int64)) == Figure(3.0, None, 3)
    assert quantile([1.0, 2.0, 6.0], 0.5, np.zeros(3, np.int64)) == Figure(2.0, None, 3)
    assert proportion(np.array([True, False]), np.zeros(2, np.int64)) == Figure(0.5, None, 2)


def test_a_share_has_the_binomial_error():
    hits = np.arange(400) < 100
    found = proportion(hits, np.arange(400))
    assert found.value == 0.25
    assert found.mcse == pytest.approx(np.sqrt(0.25 * 0.75 / 399), rel=1e-12)


@pytest.mark.parametrize("hit", [True, False])
def test_a_share_of_none_or_all_does_not_claim_certainty(hit):
    found = proportion(np.full(98, hit), np.arange(98))
    assert found.value == float(hit)
    # q = 1 / 100: sqrt(0.01 * 0.99 / 98)
    assert found.mcse == pytest.approx(0.010050891, rel=1e-7)


def test_the_error_of_a_clustered_share_is_at_least_that_of_a_lone_hit():
    hits = np.zeros(1000, bool)
    hits[::2] = True  # every cluster of two has one hit: no spread between clusters at all
    found = proportion(hits, np.repeat(np.arange(500), 2))
    assert mean(hits.astype(float), np.repeat(np.arange(500), 2)).mcse == 0
    q = 1 / 1002
    assert found.mcse == pytest.approx(np.sqrt(q * (1 - q) / 1000))


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("m", [1, 8], ids=["alone", "clusters of 8"])
def test_the_error_of_a_quantile_is_its_spread_in_repeated_simulation(level, m):
    rng = generator(5)
    sets, draws = 400, 960 // m
    clusters = np.repeat(np.arange(draws), m)
    x = rng.normal(size=(sets, draws, m)) + (m > 1) * rng.normal(size=(sets, draws, 1))
    found = [quantile(row, level, clusters) for row in x.reshape(sets, -1)]
    values = np.array([figure.value for figure in found])
    errors = np.array([figure.mcse for figure in found])
    truth = values.std(ddof=1)
    # k = 4 standard errors of the simulated SD and of the mean reported error, together
    of_both = np.hypot(truth / np.sqrt(2 * (sets - 1)), errors.std() / np.sqrt(sets))
    assert abs(np.sqrt(np.mean(errors**2)) - truth) < 4 * of_both
    assert abs(values.mean() - np.quantile(x, level)) < 4 * truth / np.sqrt(sets)


def test_a_spread_is_the_sample_sd_and_its_error_its_spread_in_repeated_simulation():
    sets, size = 500, 400
    x = generator(6).normal(size=(sets, size))
    found = [spread(row, np.arange(size)) for row in x]
    values = np.array([figure.value for figure in found])
    errors = np.array([figure.mcse for figure in found])
    np.testing.assert_allclose(values, x.std(axis=1, ddof=1), rtol=1e-12)
    truth = values.std(ddof=1)
    of_both = np.hypot(truth / np.sqrt(2 * (sets - 1)), errors.std() / np.sqrt(sets))
    assert abs(errors.mean() - truth) < 4 * of_both  # k = 4


@pytest.mark.parametrize(("a", "b"), [(8.0, 2.0), (30.0, 10.0), (0.5, 9.5)])
@pytest.mark.parametrize("m", [2, 8])
def test_between_recovers_the_sd_of_power_between_draws(a, b, m):
    rng = generator(7)
    sets, draws = 20, 10_000
    chance = rng.beta(a, b, (sets, draws, 1))
    hits = rng.random((sets, draws, m)) < chance
    clusters = np.repeat(np.arange(draws), m)
    figures = [between(row.ravel(), clusters) for row in hits]
    found = np.array([figure.value for figure in figures])
    truth = np.sqrt(a * b / (a + b + 1)) / (a + b)
    assert abs(found.mean() - truth) < 4 * found.std(ddof=1) / np.sqrt(sets)  # k = 4
    errors = np.array([figure.mcse for figure in figures])
    ratio = errors.mean() / found.std(ddof=1)  # an SD of 20 values is known to a factor of 1.7
    assert 1 / 1.7 < ratio < 1.7


def test_between_is_zero_where_draws_are_more_alike_than_chance():
    hits = np.tile([True, False], 100)
    assert between(hits, np.repeat(np.arange(100), 2)) == Figure(0.0, 0.0, 200)


def test_between_passes_over_a_draw_cut_short():
    rng = generator(8)
    hits, clusters = rng.random(80) < 0.4, np.repeat(np.arange(10), 8)
    longer = np.concatenate([hits, [True] * 3])
    assert between(longer, np.append(clusters, [10] * 3)) == between(hits, clusters)


@pytest.mark.parametrize("clusters", [np.arange(6), np.zeros(6, np.int64)], ids=["alone", "one"])
def test_between_needs_two_draws_of_two_replicates(clusters):
    assert between(np.array([True, False] * 3), clusters) == NOTHING
