"""How often survival methods reject where there is nothing to find."""

import math
from itertools import combinations

import numpy as np
import pytest

from raresim.analysis import Note
from raresim.analysis.survival import FlemingHarrington, batch
from raresim.analysis.survival.combined_weights import MAX_COMBO

TRIALS = 3000


def no_effect(patients: int, rate: float) -> tuple[list[np.ndarray], np.ndarray]:
    """The documentation's world: gamma frailty, 0.7 to 1 year, whole days."""
    rng = np.random.default_rng(1000 * patients + int(rate))
    shape = (TRIALS, patients)
    frailty = rng.gamma(1.1, 1.0 / 1.1, shape)
    follow_up = np.floor(rng.uniform(0.7, 1.0, shape) * 365.0)
    days = np.ceil(rng.exponential(1.0, shape) / (rate * frailty) * 365.0)
    arm = np.tile(np.arange(patients) % 2, (TRIALS, 1))
    time = np.minimum(days, follow_up)
    columns = [time, days <= follow_up, arm, np.ones(shape, dtype=bool)]
    return columns, rng.normal(size=(*shape, 1))


@pytest.mark.parametrize("rate", [0.8, 3.0])
@pytest.mark.parametrize("patients", [12, 20, 40, 60])
def test_a_test_above_its_nominal_level_says_so(patients: int, rate: float) -> None:
    columns, covariate = no_effect(patients, rate)
    few = [column[:500] for column in columns]
    found = {
        "FH(1,0)": batch.logrank(*columns, None, FlemingHarrington(1.0, 0.0)),
        "FH(0,1)": batch.logrank(*columns, None, FlemingHarrington(0.0, 1.0)),
        "max combo": batch.max_combo(*columns, None, MAX_COMBO[:3]),
        "rmst": batch.rmst(*columns, 250.0),
        "rmst adjusted": batch.rmst_adjusted(*columns, covariate, 250.0),
        "milestone": batch.milestone_survival(*columns, 200.0),
        "milestone log-log": batch.milestone_survival(*columns, 200.0, "log-log"),
        "cox adjusted": batch.cox(*few, None, covariate[:500]),
        "firth": batch.firth_cox(*few),
    }
    for name, results in found.items():
        size = float(np.mean(results.p < 0.05))
        error = math.sqrt(0.05 * 0.95 / results.p.size)
        noted = bool(np.all(results.notes & int(Note.SIZE_ABOVE_NOMINAL)))
        assert noted or size < 0.05 + 3.0 * error, (name, size)


def test_the_permutation_test_never_rejects_more_often_than_it_says() -> None:
    """All 70 labellings of eight patients, for many tables: an exact size, no simulation."""
    labels = np.array([[i in chosen for i in range(8)] for chosen in combinations(range(8), 4)])
    rng = np.random.default_rng(4)
    for _ in range(15):
        time = np.tile(rng.integers(1, 6, 8), (70, 1))
        event = np.tile(rng.random(8) < 0.7, (70, 1))
        p = batch.logrank_permutation(time, event, labels.astype(int), np.ones((70, 8), bool)).p
        for level in (0.01, 0.05, 0.1, 0.3):
            assert np.count_nonzero(p <= level) <= 70 * level + 1e-9
