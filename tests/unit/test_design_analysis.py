"""Exaggeration, wrong sign and the least that rejects, against closed forms. k = 4 errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from raresim.study.design_analysis import design_analysis, patients_on_worse_arm
from raresim.study.montecarlo import NOTHING

R = 40_000
CLUSTERS = np.arange(R)


def trials(truth: float, se: float, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    """Estimates of a normal measure and whether a one-sided test at 2.5 % finds them below zero."""
    rng = np.random.Generator(np.random.PCG64(seed))
    estimate = rng.normal(truth, se, R)
    last = pd.DataFrame({"estimate": estimate, "se": se, "critical": 1.959964})
    return last, estimate < -1.959964 * se


@pytest.mark.parametrize("power_shift", [0.5, 1.0, 2.8])
def test_exaggeration_is_the_mean_of_a_truncated_normal(power_shift: float) -> None:
    truth = -power_shift
    last, rejected = trials(truth, 1.0)
    found = design_analysis(last, np.full(R, truth), rejected, "less", CLUSTERS).exaggeration
    expected = stats.truncnorm(-np.inf, -1.959964 - truth, loc=truth).mean() / truth
    assert found.value is not None and found.mcse is not None
    assert abs(found.value - expected) < 4 * found.mcse


def test_the_least_that_rejects_is_critical_value_times_se_on_the_good_side() -> None:
    last, rejected = trials(-1.0, 0.4)
    found = design_analysis(last, np.full(R, -1.0), rejected, "less", CLUSTERS)
    assert found.least_significant.value == pytest.approx(-1.959964 * 0.4)


def test_wrong_sign_counts_rejections_of_trials_in_which_the_treatment_harms() -> None:
    last, rejected = trials(0.0, 1.0)
    truth = np.where(CLUSTERS % 4 == 0, 0.2, -0.2)
    found = design_analysis(last, truth, rejected, "less", CLUSTERS).wrong_sign
    assert found.value is not None and found.mcse is not None
    assert abs(found.value - 0.25) < 4 * found.mcse


def test_without_effect_or_rejection_there_is_nothing_to_say() -> None:
    last, rejected = trials(0.0, 1.0)
    assert design_analysis(last, np.zeros(R), rejected, "less", CLUSTERS).exaggeration == NOTHING
    none = design_analysis(last, np.zeros(R), np.zeros(R, bool), "less", CLUSTERS)
    assert none.wrong_sign == NOTHING


def test_the_worse_arm_is_the_one_that_truly_does_worse() -> None:
    table = pd.DataFrame({"a.patients": [10, 10, 10], "b.patients": [20, 20, 20]})
    true = np.array([-0.5, 0.5, 0.0])
    assert patients_on_worse_arm(table, ("a", "b"), true, "less").tolist() == [10, 20, 0]
    assert patients_on_worse_arm(table, ("a", "b"), true, "greater").tolist() == [20, 10, 0]
