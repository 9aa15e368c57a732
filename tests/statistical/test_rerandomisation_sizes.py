"""How often re-randomisation tests reject where no patient's outcome depends on the arm."""

import numpy as np
import pytest

from raresim.analysis.rerandomisation import Procedure
from raresim.analysis.rerandomisation.assignment import rerandomised_arms
from raresim.analysis.rerandomisation.batch import logrank_scores, rerandomised_scores
from raresim.analysis.rerandomisation.enumeration import enumerated_arms
from raresim.randomisation import BiasedCoin, Minimisation, Urn

PROCEDURES = [
    Procedure(block=4),
    Procedure(ratio=(2, 1), block=3),
    Procedure(scheme=Urn()),
    Procedure(scheme=BiasedCoin()),
    Procedure(ratio=(2, 1), scheme=BiasedCoin(0.8)),
    Procedure(scheme=Minimisation(0.85)),
]
every = pytest.mark.parametrize("procedure", PROCEDURES, ids=str)
TRIALS = 2_000


@every
@pytest.mark.parametrize("two_sided", ["doubled", "absolute"])
def test_the_size_is_exact_for_any_outcomes(procedure, two_sided):
    """All that the procedure can do to eight patients with drifting, tied and extreme outcomes."""
    level = np.array([[0], [1], [1], [0], [0], [1], [0], [1]])
    here = np.ones(8, dtype=bool)
    arms, probability = enumerated_arms(procedure, here, None, level, most=256)
    number = arms.shape[1]
    for score in (np.arange(8.0), np.array([0.0, 0, 0, 1, 1, 1, 1, 9]), np.sin(np.arange(8.0))):
        found = rerandomised_scores(
            np.tile(score, (number, 1)),
            arms.T.astype(int),
            np.ones((number, 8), dtype=bool),
            np.zeros((0, 8)),
            procedure=procedure,
            level=np.tile(level, (number, 1, 1)),
            two_sided=two_sided,
            list_up_to=256,
        )
        for p in (found.p, found.p_less, found.p_greater):
            p = np.where(found.converged, p, 1.0)
            for size in (0.025, 0.05, 0.1, 0.25, 0.5):
                assert probability[p <= size * (1 + 1e-12)].sum() <= size + 1e-9


@pytest.mark.parametrize("patients", [12, 20, 40, 60])
@pytest.mark.parametrize("which", [0, 5], ids=["blocks", "minimisation"])
def test_drawn_tests_hold_their_level_under_drift(patients, which):
    """Times to an event that lengthen while the trial recruits; 199 draws."""
    procedure = PROCEDURES[which]
    rng = np.random.default_rng(patients + which)
    shape = (TRIALS, patients)
    level = rng.integers(0, 2, (1, patients, 2))
    arm = rerandomised_arms(
        procedure, rng.random(shape), np.ones(patients, bool), None, level[0]
    ).T.astype(int)
    here = np.ones(shape, dtype=bool)
    time = np.ceil(rng.exponential(np.linspace(5.0, 30.0, patients), shape))
    event = time < 25
    found = rerandomised_scores(
        logrank_scores(np.minimum(time, 25), event, here),
        arm,
        here,
        rng.random((199, patients)),
        procedure=procedure,
        level=np.tile(level, (TRIALS, 1, 1)),
        statistic="sum",
    )
    assert found.converged.all()
    allowed = 0.05 + 3 * np.sqrt(0.05 * 0.95 / TRIALS)
    assert np.mean(found.p <= 0.05) <= allowed
    assert np.mean(found.p_less <= 0.05) <= allowed
    assert np.mean(found.p_greater <= 0.05) <= allowed
