"""How often comparisons within patients and of two stages reject without any effect."""

import numpy as np
import pytest

from raresim.analysis.crossover import batch as crossover
from raresim.analysis.rerandomisation import Procedure
from raresim.analysis.two_stage import batch as two_stage

AB_BA = np.array([[0, 1], [1, 0]])
WILLIAMS = np.array([[0, 1, 3, 2], [1, 2, 0, 3], [2, 3, 1, 0], [3, 0, 2, 1]])
TRIALS = 3_000
every = pytest.mark.parametrize("patients", [12, 20, 40, 60])


def rejects(found, nominal=0.05):
    """Return the share rejected of all trials; those without an answer reject nothing."""
    return float(np.mean(np.where(found.converged, found.p, 1.0) <= nominal))


def allowed(nominal, trials=TRIALS):
    """Return the nominal size plus three Monte Carlo standard errors."""
    return nominal + 3 * np.sqrt(nominal * (1 - nominal) / trials)


def trial(patients, square, kind, trials=TRIALS):
    rng = np.random.default_rng([patients, len(square), len(kind)])
    shape = (trials, patients, square.shape[1])
    draw = {
        "normal": lambda s: rng.normal(size=s),
        "lognormal": lambda s: np.exp(rng.normal(size=s)),
        "five categories": lambda s: np.searchsorted([0.4, 0.7, 0.85, 0.95], rng.random(s)) * 1.0,
    }[kind]
    order = np.tile(square[np.arange(patients) % len(square)], (trials, 1, 1))
    return draw((*shape[:2], 1)) + draw(shape), order, np.ones(shape[:2], dtype=bool)


@every
@pytest.mark.parametrize("kind", ["normal", "lognormal", "five categories"])
def test_cross_over_tests_hold_their_size(patients, kind):
    y, order, here = trial(patients, AB_BA, kind)
    assert rejects(crossover.crossover_anova(y, order, here)) <= allowed(0.05)
    assert rejects(crossover.crossover_t(y, order, here)) <= allowed(0.05)
    for distribution in ("exact", "asymptotic"):
        found = crossover.crossover_signed_rank(y, order, here, distribution=distribution)
        assert rejects(found) <= allowed(0.05)


@every
def test_carry_over_can_be_fitted_without_harm(patients):
    y, order, here = trial(patients, WILLIAMS, "normal", 1_000)
    for options in ({}, {"carry_over": True}, {"contrast": "carry-over"}):
        assert rejects(crossover.crossover_anova(y, order, here, **options)) <= allowed(0.05, 1_000)


def test_a_normal_error_is_the_exact_case():
    """Not only below: the t-test of Hills and Armitage rejects 5 % of the time."""
    y, order, here = trial(12, AB_BA, "normal")
    found = rejects(crossover.crossover_anova(y, order, here))
    assert abs(found - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / TRIALS)


@every
def test_exact_tests_of_responses_hold_their_size(patients):
    """Responses that differ between patients and between periods."""
    rng = np.random.default_rng(patients)
    chance = np.clip(0.5 + rng.normal(0, 0.2, (1_000, patients, 1)) + [0.0, 0.2], 0, 1)
    y = (rng.random((1_000, patients, 2)) < chance).astype(float)
    order = np.tile(AB_BA[np.arange(patients) % 2], (1_000, 1, 1))
    here = np.ones(y.shape[:2], dtype=bool)
    for kernel in (crossover.mainland_gart, crossover.prescott):
        assert rejects(kernel(y, order, here)) <= allowed(0.05, 1_000)


def counts(patients, overdispersed, trials=2_000):
    rng = np.random.default_rng([patients, overdispersed])
    rate = rng.gamma(1.5, 1 / 1.5, (trials, patients, 1)) * [2.0, 2.4]
    if overdispersed:
        rate = rate * rng.gamma(2.0, 0.5, (trials, patients, 2))
    order = np.tile(AB_BA[np.arange(patients) % 2], (trials, 1, 1))
    y = rng.poisson(rate).astype(float)
    return y, np.ones(y.shape), order, np.ones(y.shape[:2], dtype=bool)


@every
@pytest.mark.parametrize("overdispersed", [False, True])
def test_the_robust_variance_of_counts_holds_the_size(patients, overdispersed):
    table = counts(patients, overdispersed)
    assert rejects(crossover.conditional_poisson(*table)) <= allowed(0.05, 2_000)


def test_the_poisson_variance_does_not_where_counts_vary_more():
    found = rejects(crossover.conditional_poisson(*counts(20, True), variance="poisson"))
    assert found > 0.15


@pytest.mark.parametrize("patients", [12, 20])
def test_sequences_and_cycles_drawn_again_keep_any_level(patients):
    """Outcomes that drift and have heavy tails; 199 draws."""
    rng = np.random.default_rng(patients)
    trials = 300
    sequence = np.argsort(rng.random((trials, patients)), axis=1) % 2
    y = rng.standard_t(1.5, (trials, patients, 2)) + np.linspace(0, 5, patients)[:, None]
    here = np.ones((trials, patients), dtype=bool)
    found = crossover.rerandomised_sequences(
        {"outcome": y},
        sequence,
        here,
        rng.random((199, patients)),
        sequences=AB_BA,
        procedure=Procedure(block=patients),
    )
    assert rejects(found) <= allowed(0.05, trials)
    coin = rng.integers(0, 2, (trials, patients))
    flipped = crossover.sign_flip(y, AB_BA[coin], here, rng.random((199, patients)))
    assert rejects(flipped) <= allowed(0.05, trials)


def two_stages(patients, trials=10_000):
    """Two of three on placebo, 35 % respond there; the others are drawn again, in turn."""
    rng = np.random.default_rng(patients)
    shape = (trials, patients)
    first = np.tile((np.arange(patients) % 3 == 2).astype(int), (trials, 1))
    one, two = (rng.random(shape) < chance for chance in (0.35, 0.28))
    on = (first == 0) & ~one
    again = np.cumsum(on, axis=1) % 2
    return one.astype(float), first, two.astype(float), again, on, np.ones(shape, dtype=bool)


@every
def test_pooled_variances_come_near_the_size_of_weighted_stages(patients):
    """5.7 % at worst (n = 20); Wald's test has 9.0 there."""
    table = two_stages(patients)
    pooled = rejects(two_stage.spcd_responses(*table))
    assert pooled <= allowed(0.058, 10_000)
    assert pooled < rejects(two_stage.spcd_responses(*table, variance="separate"))


@every
def test_weighted_means_hold_their_size(patients):
    """Who goes on depends on the first outcome, which is tied to the second."""
    rng = np.random.default_rng(patients)
    _, first, _, _, _, here = two_stages(patients, TRIALS)
    y = rng.normal(size=(TRIALS, patients, 1)) + rng.normal(size=(TRIALS, patients, 2))
    on = (first == 0) & (y[..., 0] < 0.3)
    again = np.cumsum(on, axis=1) % 2
    found = two_stage.spcd_means(y[..., 0], first, y[..., 1], again, on, here)
    assert rejects(found) <= allowed(0.05)


@every
def test_joint_stage_regression_is_near_its_size(patients):
    """A sandwich of few patients: 7.1 % at worst, which its note says."""
    rng = np.random.default_rng(patients)
    shape = (2_000, patients)
    first = np.tile(np.arange(patients) % 3, (2_000, 1))
    answer = (rng.random(shape) < 0.4).astype(float)
    then = np.where(answer == 1, first, (first + rng.integers(1, 3, shape)) % 3)
    again = (rng.random(shape) < np.where(answer == 1, 0.56, 0.28)).astype(float)
    found = two_stage.joint_stage_regression(
        first, answer, then, again, np.ones(shape, dtype=bool), linkage="shared"
    )
    assert rejects(found.difference(1, 0)) <= allowed(0.065, 2_000)
    assert np.all(found.notes != 0)
