"""How often each test rejects when there is nothing to find: the sizes its documentation states."""

import math

import numpy as np
import pytest

from raresim.analysis import Results, batch

REPLICATES = 16_000
SIZES = [12, 20, 40, 60]
# documented two-sided sizes at the nominal 5 %, with their Monte Carlo standard error
DOCUMENTED = {
    "logrank": (0.0428, 0.0526, 0.0504, 0.0523),
    "cox": (0.0082, 0.0234, 0.0401, 0.0455),
    "andersen_gill": (0.0519, 0.0728, 0.0696, 0.0644),
    "negative_binomial": (0.0182, 0.0436, 0.0579, 0.0576),
    "ancova": (0.05, 0.05, 0.05, 0.05),  # exact
}
STATED_SE = 0.0007


def no_effect(patients: int) -> dict[str, Results]:
    """0.8 events per year in both arms, gamma frailty with theta 1.1, 0.7 to 1 year."""
    rng = np.random.default_rng(20_260_000 + patients)
    shape = (REPLICATES, patients)
    arm = np.tile(np.arange(patients) % 2, (REPLICATES, 1))
    present = np.ones(shape, dtype=bool)
    frailty = rng.gamma(1.1, 1.0 / 1.1, shape)
    years = rng.uniform(0.7, 1.0, shape)
    gaps = rng.exponential(1.0, (*shape, 24)) / (0.8 * frailty)[:, :, None]
    days = np.ceil(np.cumsum(gaps, axis=2) * 365.0)
    follow_up = np.floor(years * 365.0)
    seen = days <= follow_up[:, :, None]
    first = np.minimum(days[:, :, 0], follow_up)
    count = seen.sum(axis=2)
    covariate = rng.normal(size=(*shape, 1))
    change = covariate[:, :, 0] + rng.normal(size=shape)
    return {
        "logrank": batch.logrank(first, seen[:, :, 0], arm, present),
        "cox": batch.cox(first, seen[:, :, 0], arm, present),
        "andersen_gill": batch.andersen_gill(
            days[:, :, : int(count.max())], follow_up, arm, present
        ),
        "negative_binomial": batch.negative_binomial(count, years, arm, present),
        "ancova": batch.ancova(change, covariate, arm, present),
    }


@pytest.mark.parametrize("patients", SIZES)
def test_two_sided_sizes_are_those_documented(patients: int) -> None:
    for method, results in no_effect(patients).items():
        documented = DOCUMENTED[method][SIZES.index(patients)]
        stated = 0.0 if method == "ancova" else STATED_SE
        size = float(np.mean(results.p < 0.05))
        error = math.hypot(math.sqrt(documented * (1 - documented) / REPLICATES), stated)
        assert abs(size - documented) < 3 * error, (method, size, documented, error)


def test_the_tails_are_alike() -> None:
    for method, results in no_effect(40).items():
        less = np.mean(results.p_one_sided("less") < 0.025)
        greater = np.mean(results.p_one_sided("greater") < 0.025)
        error = math.sqrt((less + greater) / REPLICATES)
        assert abs(less - greater) < 3 * error, (method, less, greater)


def test_intervals_cover() -> None:
    """95 % intervals of the adjusted difference are exact: 4 in 100 fewer would show."""
    rng = np.random.default_rng(7)
    shape = (20_000, 14)
    arm = np.tile(np.arange(14) % 2, (20_000, 1))
    covariates = rng.normal(40.0, 8.0, (*shape, 2))
    outcome = 1.5 * arm + 0.3 * covariates[:, :, 0] + rng.normal(0.0, 2.0, shape)
    fit = batch.ancova(outcome, covariates, arm, np.ones(shape, dtype=bool))
    covered = np.mean((fit.ci_low <= 1.5) & (fit.ci_high >= 1.5))
    assert abs(covered - 0.95) < 3 * math.sqrt(0.95 * 0.05 / 20_000)
    assert abs(np.mean(fit.estimate) - 1.5) < 3 * np.std(fit.estimate) / math.sqrt(20_000)
