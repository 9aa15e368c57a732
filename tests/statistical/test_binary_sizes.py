"""How often tests of two proportions reject when there is nothing to find, by enumeration.

For every table of two equal arms the p-value is found once; its probability, summed over the
tables that reject, is a polynomial in the common proportion, taken at 401 of them. Nothing is
simulated: the exact tests may not exceed their level at all, the others are as documented.
"""

from functools import cache
from math import comb

import numpy as np
import pytest

from raresim.analysis.binary import SimonDesign, batch, binomial_power

TOTALS = [12, 20, 40, 60]
PROPORTIONS = np.sin(np.linspace(0.0, np.pi / 2.0, 401)) ** 2
LEVEL = 0.05


@cache
def every_table(arm_size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x0, x1 = (x.ravel() for x in np.meshgrid(*[np.arange(arm_size + 1)] * 2, indexing="ij"))
    place = np.arange(arm_size)
    outcome = np.concatenate([place < x0[:, None], place < x1[:, None]], axis=1).astype(float)
    arm = np.tile(np.repeat([0, 1], arm_size), (len(x0), 1))
    return outcome, arm, np.ones(arm.shape, dtype=bool)


@cache
def chances(arm_size: int) -> np.ndarray:
    """Probabilities of the tables, (proportions, tables)."""
    x = np.arange(arm_size + 1)
    p = PROPORTIONS[:, None]
    one = np.array([comb(arm_size, k) for k in x]) * p**x * (1.0 - p) ** (arm_size - x)
    return (one[:, :, None] * one[:, None, :]).reshape(len(PROPORTIONS), -1)


def size(arm_size: int, p: np.ndarray, level: float = LEVEL) -> float:
    return float((chances(arm_size) @ (p <= level)).max())


@pytest.mark.parametrize("total", TOTALS)
def test_exact_tests_hold_their_level(total: int) -> None:
    arm_size = total // 2
    for kernel, options in (
        (batch.fisher_exact, {}),
        (batch.barnard, {"variance": "pooled"}),
        (batch.barnard, {"variance": "unpooled"}),
        (batch.boschloo, {}),
    ):
        found = kernel(*every_table(arm_size), **options)
        assert size(arm_size, found.p) <= LEVEL + 1e-12, found.method
        for side in ("less", "greater"):
            assert size(arm_size, found.p_one_sided(side), 0.025) <= 0.025 + 1e-12, found.method


# largest two-sided size in per cent at 5 %; `note` says whether the result warns of it
DOCUMENTED = {
    "mn": (3.9, 4.2, 5.3, 5.5),
    "score": (6.8, 4.2, 5.3, 5.5),
    "mid-p": (3.9, 4.2, 4.6, 5.2),
    "logistic": (1.8, 3.9, 4.2, 5.2),
    "firth": (3.9, 4.2, 5.0, 5.2),
}


@pytest.mark.parametrize("total", TOTALS)
def test_asymptotic_sizes_are_those_documented(total: int) -> None:
    arm_size = total // 2
    outcome, arm, present = every_table(arm_size)
    none = np.empty((*arm.shape, 0))
    found = {
        "mn": batch.miettinen_nurminen(outcome, arm, present),
        "score": batch.miettinen_nurminen(outcome, arm, present, correction=False),
        "mid-p": batch.fisher_mid_p(outcome, arm, present),
        "logistic": batch.logistic(outcome, none, arm, present),
        "firth": batch.firth(outcome, none, arm, present),
    }
    for name, results in found.items():
        p = np.where(results.converged, results.p, 1.0)
        wanted = DOCUMENTED[name][TOTALS.index(total)]
        assert abs(100.0 * size(arm_size, p) - wanted) < 0.06, (name, 100.0 * size(arm_size, p))
        if wanted > 5.0:
            assert np.all(results.notes[results.converged] > 0), name


@pytest.mark.parametrize("patients", TOTALS)
def test_one_arm_tests_hold_their_level(patients: int) -> None:
    place = np.arange(patients)
    outcome = (place < np.arange(patients + 1)[:, None]).astype(float)
    for goal in np.linspace(0.05, 0.95, 19):
        found = batch.binomial_test(outcome, np.ones(outcome.shape, dtype=bool), goal=float(goal))
        x = np.arange(patients + 1)
        chance = np.array([comb(patients, k) for k in x]) * goal**x * (1 - goal) ** (patients - x)
        assert chance @ (found.p <= LEVEL) <= LEVEL + 1e-12
        assert chance @ (found.p_greater <= 0.025) <= 0.025 + 1e-12
        critical, size_there, _ = binomial_power(patients, float(goal), 0.97)
        np.testing.assert_allclose(size_there, chance[critical:].sum(), rtol=1e-9, atol=1e-15)


def test_simons_inference_agrees_with_the_design() -> None:
    """After stage 2 the one-sided p-value is at most alpha just where the design rejects."""
    design, goal = SimonDesign(stop=1, first=10, fail=5, total=29), 0.1
    size = design.reject(goal)
    for responses in range(2, 20):
        row = [1.0] * min(responses, 10) + [0.0] * max(10 - responses, 0)
        row += [1.0] * max(responses - 10, 0)
        row += [0.0] * (29 - len(row))
        present = np.ones((1, 29), dtype=bool)
        found = batch.simon_analysis(np.array([row]), present, design=design, goal=goal)
        assert (found.p_greater[0] <= size + 1e-12) == (responses > design.fail)
