"""Size of comparisons with external controls: what keeps its level, and what says it may not."""

import numpy as np
import pytest

from raresim.analysis import Note
from raresim.analysis.bayesian import NormalInverseGamma
from raresim.analysis.bayesian.student import student_above, student_posterior
from raresim.analysis.external import batch

NOMINAL = 0.05


def confounded(n, trials, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(trials, n, 2))
    arm = (rng.random((trials, n)) < 1 / (1 + np.exp(-0.6 * x[:, :, 0]))).astype(np.int64)
    y = x[:, :, 0] + 0.5 * x[:, :, 1] + rng.normal(size=(trials, n))
    return y, x, arm, np.ones((trials, n), dtype=bool)


def within(rejected, nominal=NOMINAL):
    return rejected.mean() <= nominal + 3.0 * np.sqrt(nominal * (1 - nominal) / rejected.size)


@pytest.mark.parametrize("n", [12, 20, 40, 60])
def test_matched_sets_keep_their_level(n):
    found = batch.propensity_matched(*confounded(n, 600, n))
    assert within(np.where(found.converged, found.p < NOMINAL, False))


@pytest.mark.parametrize("n", [12, 20, 40, 60])
def test_weighting_of_few_patients_says_that_its_size_may_be_high(n):
    table = confounded(n, 600, 100 + n)
    for found in (
        batch.propensity_weighted(*table, "att"),
        batch.propensity_weighted(*table, "ate"),
        batch.entropy_balanced(*table),
    ):
        noted = (found.notes & Note.FEW_EFFECTIVE_PATIENTS) > 0
        assert np.all(noted[found.converged])


def test_weighting_of_many_patients_keeps_its_level():
    table = confounded(400, 700, 1)
    for found in (batch.propensity_weighted(*table, "overlap"), batch.entropy_balanced(*table)):
        assert within(found.p < NOMINAL)


@pytest.mark.parametrize("n", [12, 20, 40, 60])
def test_vague_posteriors_cover_as_confidence_limits_do(n):
    """One-sided size of P(difference > 0) > 0.975 with vague priors, equal arms."""
    rng = np.random.default_rng(n)
    y = rng.normal(size=(2, 2000, n // 2))
    mean, squares = y.mean(axis=2), y.var(axis=2) * (n // 2)
    arms = [
        student_posterior(NormalInverseGamma(), np.full(2000, n / 2.0), mean[k], squares[k])
        for k in (0, 1)
    ]
    assert within(student_above(*arms) > 0.975, 0.025)
