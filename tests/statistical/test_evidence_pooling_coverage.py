"""How often intervals of a meta-analysis hold the truth: 2,000 simulated sets of studies."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from raresim.evidence.pooling import pool, posterior

SIMULATIONS = 2_000
MEAN, TAU = 0.4, 0.3


def covered(k: int, seed: int) -> dict[str, float]:
    """Return the coverage of each 95 % interval; standard errors from 0.2 to 0.4."""
    rng = np.random.default_rng(seed)
    hits = np.zeros((SIMULATIONS, 4), dtype=bool)
    for row in hits:
        se = rng.uniform(0.2, 0.4, k)
        y = rng.normal(MEAN, np.hypot(se, TAU))
        new = rng.normal(MEAN, TAU)
        found, held = pool(y, se), pool(y, se, at_least_wald=True)
        assert found.converged
        half = ndtri(0.975) * found.se_wald
        inside = [found.interval(), held.interval(), (found.mean - half, found.mean + half)]
        row[:3] = [low < MEAN < high for low, high in inside]
        low, high = found.prediction()
        row[3] = low < new < high
    names = ("hartung_knapp", "at_least_wald", "wald", "prediction")
    return dict(zip(names, hits.mean(axis=0).tolist(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("k", [5, 10])
def test_hartung_and_knapps_interval_covers_and_walds_does_not(k, capsys):
    """The Monte Carlo error of a coverage of .95 is .0049: .93 and .97 are four of them away."""
    found = covered(k, seed=k)
    with capsys.disabled():
        print(f"\nk = {k}: {found} (MCSE 0.0049)")
    assert 0.93 <= found["hartung_knapp"] <= 0.97
    assert found["at_least_wald"] >= found["hartung_knapp"]
    assert found["wald"] < found["hartung_knapp"] - 3 * 0.0049
    assert found["wald"] < 0.95 - 3 * 0.0049
    assert 0.86 <= found["prediction"] <= 0.95  # too seldom: its docstring says so


@pytest.mark.slow
def test_credible_intervals_of_three_studies_cover_on_average_over_their_prior(capsys):
    """With tau drawn from its prior, what is true lies anywhere in its posterior law.

    mu's prior is flat: its true value is of no account, as the posterior moves with the studies.
    """
    rng = np.random.default_rng(3)
    places = np.zeros((5 * SIMULATIONS, 2))
    for row in places:
        tau = abs(rng.normal(0, 0.5))
        se = rng.uniform(0.15, 0.5, 3)
        found = posterior(rng.normal(0.0, np.hypot(se, tau)), se)
        for i, (law, truth) in enumerate([(found.mu, 0.0), (found.new, rng.normal(0, tau))]):
            row[i] = law.weights @ ndtr((truth - law.means) / law.sds)
    shares = np.mean((places > 0.025) & (places < 0.975), axis=0)
    with capsys.disabled():
        print(f"\nmu {shares[0]:.4f}, new study {shares[1]:.4f} (MCSE 0.0022)")
    assert shares == pytest.approx(0.95, abs=4 * 0.0022)
    for quantile in (0.1, 0.5, 0.9):
        assert np.mean(places < quantile, axis=0) == pytest.approx(quantile, abs=4 * 0.005)
