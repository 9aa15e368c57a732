"""How often designs with looks reject when there is nothing to find, and what intervals cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtri, stdtr

from raresim.analysis.multiplicity import dunnett_critical, holm
from raresim.analysis.sequential import (
    binomial_boundaries,
    binomial_exits,
    fisher_combination,
    fisher_product,
    group_sequential,
    inverse_normal,
    repeated_confidence_intervals,
    stagewise_inference,
)

REPLICATES = 40_000
SIZES = [12, 20, 40, 60]
# three looks after a third of the patients each, two arms; 400,000 trials, one-sided 2.5 %
DOCUMENTED_T = {
    "spending obrien-fleming": (0.0731, 0.0456, 0.0324, 0.0287),
    "pocock": (0.0995, 0.0636, 0.0404, 0.0332),
}  # t statistics as they are
DOCUMENTED_Z = {
    "spending obrien-fleming": (0.0259, 0.0259, 0.0257, 0.0251),
    "pocock": (0.0280, 0.0269, 0.0258, 0.0253),
}  # their p-values turned into z
STATED_SHARE = 1.1  # of the documented sizes in the variance of a difference


def allowed(size: float, replicates: int = REPLICATES) -> float:
    return 3.0 * math.sqrt(size * (1.0 - size) / replicates)


def t_statistics(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Compare the two halves (..., 2, m) by Student's t."""
    m = values.shape[-1]
    mean, square = values.mean(axis=-1), values.var(axis=-1, ddof=1)
    pooled = square.mean(axis=-1)
    return (mean[..., 1] - mean[..., 0]) / np.sqrt(pooled * 2.0 / m), 2 * m - 2


def stages_of(patients: int) -> np.ndarray:
    rng = np.random.default_rng(77_000 + patients)
    return rng.normal(size=(REPLICATES, 3, 2, max(patients // 6, 2)))


@pytest.mark.parametrize("patients", SIZES)
def test_combined_p_values_of_stages_keep_the_level(patients: int) -> None:
    t, df = t_statistics(stages_of(patients))
    p = stdtr(df, -t)
    for efficacy in DOCUMENTED_T:
        design = group_sequential(3, efficacy=efficacy)
        crossed = np.any(inverse_normal(p, np.ones(3)) >= design.upper, axis=1)
        assert abs(np.mean(crossed) - 0.025) < allowed(0.025)
    fisher = fisher_combination(3)
    crossed = np.any(fisher_product(p, fisher.weights) <= fisher.critical, axis=1)
    assert abs(np.mean(crossed) - 0.025) < allowed(0.025)


@pytest.mark.parametrize("patients", SIZES)
def test_t_statistics_reject_as_often_as_documented(patients: int) -> None:
    values = stages_of(patients)
    found = np.stack(
        [
            t_statistics(np.concatenate([values[:, j] for j in range(k + 1)], axis=-1))[0]
            for k in range(3)
        ],
        axis=1,
    )
    df = 2 * np.cumsum([values.shape[-1]] * 3) - 2
    converted = -ndtri(stdtr(df, -found))
    for efficacy in DOCUMENTED_T:
        upper = group_sequential(3, efficacy=efficacy).upper
        for statistics, table in ((found, DOCUMENTED_T), (converted, DOCUMENTED_Z)):
            size = float(np.mean(np.any(statistics >= upper, axis=1)))
            wanted = table[efficacy][SIZES.index(patients)]
            assert abs(size - wanted) < STATED_SHARE * allowed(wanted), (efficacy, size)


@pytest.mark.parametrize("patients", SIZES)
def test_dunnett_and_holm_keep_the_family_wise_level(patients: int) -> None:
    rng = np.random.default_rng(patients)
    m = patients // 4
    values = rng.normal(size=(REPLICATES, 4, m))
    mean, pooled = values.mean(axis=-1), values.var(axis=-1, ddof=1).mean(axis=-1)
    t = (mean[:, 1:] - mean[:, :1]) / np.sqrt(pooled * 2.0 / m)[:, None]
    df = 4 * (m - 1)
    limit = dunnett_critical(0.05, np.ones(4), df)
    assert abs(np.mean(t.max(axis=1) >= limit) - 0.05) < allowed(0.05)
    rejects = np.any(holm(stdtr(df, -t)) <= 0.05, axis=1)
    assert np.mean(rejects) < 0.05 + allowed(0.05)


@pytest.mark.parametrize("patients", SIZES)
def test_exact_binomial_looks_keep_the_level_for_every_smaller_chance(patients: int) -> None:
    looks = (patients // 3, 2 * patients // 3, patients)
    for p0 in (0.05, 0.2, 0.5):
        upper = binomial_boundaries(looks, p0, 0.025, "pocock")
        sizes = [binomial_exits(looks, upper, p).upper.sum() for p in np.linspace(0.0, p0, 41)]
        assert max(sizes) == sizes[-1] <= 0.025


@pytest.mark.parametrize("theta", [0.0, 2.0, 4.0])
def test_intervals_after_looks_cover_and_the_estimate_is_median_unbiased(theta: float) -> None:
    design, trials = group_sequential(2, efficacy="pocock"), 300
    rng = np.random.default_rng(int(theta) + 60)
    steps = rng.normal(theta / 2.0, math.sqrt(0.5), size=(trials, 2))
    z = np.cumsum(steps, axis=1) / np.sqrt(design.timing)
    covered = low = together = 0
    for row in z:
        looks = 1 if row[0] >= design.upper[0] else 2
        found = stagewise_inference(design.timing[:looks], design.upper, row[looks - 1], level=0.9)
        covered += found.ci_low <= theta <= found.ci_high
        low += found.estimate < theta
        intervals = repeated_confidence_intervals(design.timing, design.upper, row)
        together += bool(np.all((intervals[:, 0] <= theta) & (theta <= intervals[:, 1])))
    assert abs(covered / trials - 0.9) < allowed(0.9, trials)
    assert abs(low / trials - 0.5) < allowed(0.5, trials)
    assert together / trials > 0.95 - allowed(0.95, trials)
