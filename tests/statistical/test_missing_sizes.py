"""Imputation where the truth is known: unbiased under MAR, coverage; sizes: `tests.sizes`."""

import math

import numpy as np
import pytest

from raresim.analysis.missing.batch import (
    Plan,
    conditional_mean_imputation,
    multiple_imputation,
)


def draw(seed, trials, patients, effect=0.0):
    """Three visits; patients with a high outcome leave, so that those who stay are not typical."""
    rng = np.random.default_rng(seed)
    arm = np.tile(np.arange(patients) % 2, (trials, 1))
    baseline = rng.normal(50.0, 10.0, (trials, patients, 1))
    steps = np.cumsum(rng.normal(size=(trials, patients, 3)), axis=2)
    outcome = 0.6 * baseline + 4.0 * steps
    outcome = outcome + effect * arm[:, :, None] * np.arange(1, 4) / 3.0
    for visit in (1, 2):
        before = outcome[:, :, visit - 1]
        leaving = 1.0 / (1.0 + np.exp(2.2 - 0.08 * (before - 30.0)))
        gone = np.isnan(before) | (rng.random(arm.shape) < leaving)
        outcome[:, :, visit] = np.where(gone, np.nan, outcome[:, :, visit])
    return outcome, baseline, arm, np.ones(arm.shape, dtype=bool)


def posterior(seed, data, imputations):
    rng = np.random.default_rng(seed)
    trials, patients, visits = data[0].shape
    shape = (trials, imputations)
    return rng.random((*shape, visits, 3 + visits)), rng.random((*shape, patients, visits))


def test_estimates_are_unbiased_and_intervals_cover_where_missingness_is_at_random():
    data = draw(1, 100, 60, effect=6.0)
    jack = conditional_mean_imputation(*data, plan=Plan())
    many = multiple_imputation(*data, *posterior(2, data, 30), plan=Plan())
    for fit in (jack, many):
        error = fit.estimate.std() / math.sqrt(len(fit))
        assert abs(fit.estimate.mean() - 6.0) < 3.5 * error
        covered = np.mean((fit.ci_low <= 6.0) & (fit.ci_high >= 6.0))
        assert covered > 0.95 - 3 * math.sqrt(0.95 * 0.05 / len(fit))
        assert fit.se.mean() == pytest.approx(fit.estimate.std(), rel=0.2)


def test_reference_based_estimates_are_those_of_their_estimand():
    """By J2R, each treated patient who leaves loses the whole effect of the last visit, 6."""
    data = draw(3, 200, 60, effect=6.0)
    outcome, _, arm, _ = data
    many = multiple_imputation(*data, *posterior(4, data, 10), plan=Plan(strategy="J2R"))
    stayed = (~np.isnan(outcome[:, :, 2]) & (arm == 1)).sum() / (arm == 1).sum()
    error = many.estimate.std() / math.sqrt(len(many))
    assert abs(many.estimate.mean() - 6.0 * stayed) < 3.5 * error
    jack = conditional_mean_imputation(*(x[:60] for x in data), plan=Plan(strategy="J2R"))
    assert jack.se.mean() < many.se[:60].mean()  # repeated trials vary less than Rubin's rules say


def test_those_who_stay_alone_would_mislead():
    """The data are not missing completely at random: completers' means are too low."""
    outcome, *_ = draw(5, 200, 60)
    assert np.nanmean(outcome[:, :, 2]) < 30.0 - 0.5


@pytest.mark.parametrize(("patients", "trials"), [(12, 100), (40, 60)])
@pytest.mark.parametrize("strategy", ["MAR", "J2R"])
def test_without_an_effect_the_jackknife_rejects_rarely(patients, trials, strategy):
    """As `tests.sizes` has it with more trials, for MAR alone."""
    data = draw(patients, trials, patients)
    jack = conditional_mean_imputation(*data, plan=Plan(strategy=strategy))
    assert np.mean(jack.p < 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)
    assert np.mean(jack.converged) > 0.9
