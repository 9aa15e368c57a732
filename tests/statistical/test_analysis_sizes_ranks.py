"""How often rank, win and count tests reject when there is nothing to find, as documented."""

import math

import numpy as np
import pytest

from raresim.analysis.continuous import batch as continuous
from raresim.analysis.counts import batch as counts
from raresim.analysis.hierarchical import batch as hierarchical

REPLICATES = 5_000
SIZES = [12, 20, 40, 60]
THETA = 1.1
# documented two-sided sizes at the nominal 5 %, in per cent, with a Monte Carlo se of 0.15 or less
DOCUMENTED = {
    "win ratio": (3.9, 4.1, 4.6, 4.5),
    "net benefit": (0.0, 0.9, 3.1, 3.7),
    "finkelstein-schoenfeld": (4.4, 4.8, 5.1, 4.9),
    "joint rank": (5.8, 5.1, 5.2, 5.0),
    "student": (5.1, 5.3, 5.1, 4.9),
    "welch": (4.0, 5.0, 5.1, 4.8),
    "brunner-munzel": (5.3, 5.7, 5.4, 5.0),
    "wilcoxon, correction": (3.6, 4.6, 4.8, 4.6),
    "wilcoxon": (4.9, 5.1, 5.0, 4.8),
    "van elteren": (4.4, 4.9, 5.1, 4.8),
    "hc3": (3.2, 4.0, 4.2, 4.3),
    "quade": (5.4, 5.3, 5.1, 4.8),
    "poisson": (1.7, 3.5, 4.6, 4.4),
    "poisson, likelihood ratio": (5.7, 5.6, 5.3, 4.9),
    "poisson, frailty": (5.9, 10.1, 12.9, 12.7),
    "quasi-poisson, frailty": (1.0, 2.6, 4.5, 4.9),
}
STATED_SE = 0.0015


def no_effect(patients: int) -> dict[str, np.ndarray]:
    """Five categories after a death that half of the patients live to see; 0.8 events a year."""
    rng = np.random.default_rng(20_270_000 + patients)
    shape = (REPLICATES, patients)
    arm = np.tile(np.arange(patients) % 2, (REPLICATES, 1))
    present, years = np.ones(shape, dtype=bool), np.ones(shape)
    time = np.ceil(rng.exponential(500.0, shape))
    score = rng.choice(5, p=[0.4, 0.25, 0.15, 0.1, 0.1], size=shape).astype(float)
    levels = [hierarchical.Level(np.minimum(time, 365.0), time < 365.0), hierarchical.Level(score)]
    wins = hierarchical.win_statistics(levels, arm, present)
    covariate = rng.normal(size=(*shape, 1))
    stratum = np.tile(np.arange(patients) * 3 // patients, (REPLICATES, 1))
    events = rng.poisson(0.8, shape)
    frail = rng.poisson(0.8 * rng.gamma(THETA, 1.0 / THETA, shape))
    one = (score, arm, present)
    adjusted = (score, covariate, arm, present)
    asymptotic = {"distribution": "asymptotic"}
    found = {
        "win ratio": wins.win_ratio,
        "net benefit": wins.net_benefit,
        "finkelstein-schoenfeld": hierarchical.finkelstein_schoenfeld(levels, arm, present),
        "joint rank": hierarchical.joint_rank(levels, arm, present),
        "student": continuous.two_sample_t(*one, variances="equal"),
        "welch": continuous.two_sample_t(*one),
        "brunner-munzel": continuous.brunner_munzel(*one),
        "wilcoxon, correction": continuous.wilcoxon(*one, **asymptotic),
        "wilcoxon": continuous.wilcoxon(*one, **asymptotic, correction=False),
        "van elteren": continuous.van_elteren(*one, stratum),
        "hc3": continuous.ancova(*adjusted, errors="hc3"),
        "quade": continuous.rank_ancova(*adjusted),
        "poisson": counts.poisson_regression(events, years, arm, present),
        "poisson, likelihood ratio": counts.poisson_regression(
            events, years, arm, present, test="likelihood_ratio"
        ),
        "poisson, frailty": counts.poisson_regression(frail, years, arm, present),
        "quasi-poisson, frailty": counts.quasi_poisson_regression(frail, years, arm, present),
    }
    return {name: np.asarray(results.p) for name, results in found.items()}


@pytest.mark.parametrize("patients", SIZES)
def test_two_sided_sizes_are_those_documented(patients: int) -> None:
    for method, p in no_effect(patients).items():
        documented = DOCUMENTED[method][SIZES.index(patients)] / 100.0
        size = float(np.mean(p < 0.05))
        error = math.hypot(math.sqrt(max(documented, 0.001) / REPLICATES), STATED_SE)
        assert abs(size - documented) < 3.5 * error, (method, size, documented, error)


@pytest.mark.parametrize("patients", SIZES)
def test_the_exact_wilcoxon_test_keeps_its_size(patients: int) -> None:
    """Without ties: the chance of each rank sum times whether it is rejected, one row for each."""
    half = patients // 2
    sums = np.arange(half * half + 1)
    # each W from 0 to half^2 as one trial: start at the lowest ranks and lift them one by one
    outcome = np.tile(np.arange(1.0, patients + 1), (sums.size, 1))
    arm = np.zeros(outcome.shape, dtype=np.int64)
    for w in sums:
        full, part = divmod(int(w), half)
        ranks = np.arange(half)
        ranks[half - full :] += half
        if full < half:
            ranks[half - full - 1] += part
        arm[w, ranks] = 1
    found = continuous.wilcoxon(outcome, arm, np.ones(outcome.shape, dtype=bool))
    np.testing.assert_array_equal(found.statistic, sums)
    chance = np.diff(np.concatenate((np.zeros(1), found.p_less)))
    size = float(np.sum(chance[found.p <= 0.05]))
    assert chance.sum() == pytest.approx(1.0)
    assert 0.04 < size <= 0.05


@pytest.mark.parametrize("rate", [0.5, 2.0, 8.0, 30.0])
@pytest.mark.parametrize("share", [0.3, 0.5])
def test_the_exact_poisson_test_keeps_its_size(rate: float, share: float) -> None:
    """Given all events the treated ones are binomial: add up what is rejected, all cases."""
    from scipy.stats import binom, poisson

    size, one_sided = 0.0, 0.0
    for total in range(1, int(poisson.isf(1e-9, rate)) + 1):
        events = np.arange(total + 1)
        count = np.stack((total - events, events), axis=1)
        years = np.tile([1.0 - share, share], (total + 1, 1))
        arm, present = np.tile([0, 1], (total + 1, 1)), np.ones(count.shape, dtype=bool)
        found = counts.poisson_exact(count, years, arm, present)
        chance = binom.pmf(events, total, share) * poisson.pmf(total, rate)
        size += float(np.sum(chance[found.p <= 0.05]))
        one_sided += float(np.sum(chance[found.p_less <= 0.025]))
    assert size <= 0.05
    assert one_sided <= 0.025
