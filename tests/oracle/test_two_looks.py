"""Power of two looks at means and at shares, against enumeration and what rpact prints.

Looks at 20 and 40 patients in all, O'Brien-Fleming limits, stages combined by the inverse normal:
workloads W5 and W6 at half their size. rpact 4.5 (`getSimulationMeans`, `getSimulationRates`,
100,000 trials) prints 0.71222 and 0.76039; its simulations test by the normal approximation, z of a
known SD and z of shares without N / (N - 1). raresim's tests are Welch's t and Miettinen and
Nurminen's, so its powers are lower.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binom, multivariate_normal, norm, ttest_ind

import raresim

WORKLOADS = Path(__file__).parents[1] / "benchmarks" / "workloads"
SMALLER = {
    "number: 80": "number: 40",
    "{n: 80": "{n: 40",
    "patients: 40": "patients: 20",
    "planned_information: 80": "planned_information: 40",
}
TRIALS, K = 20_480, 4
RPACT_TRIALS = 100_000
PER_ARM = 10
LIMITS_TOGETHER = np.array([[1.0, np.sqrt(0.5)], [np.sqrt(0.5), 1.0]])


def limits() -> tuple[float, float]:
    """Return O'Brien-Fleming's limits of two equal looks at 2.5 %."""

    def over(last: float) -> float:
        inside = multivariate_normal(cov=LIMITS_TOGETHER).cdf([last * np.sqrt(2), last])
        return float(1 - inside - 0.025)

    last = brentq(over, 1.9, 2.1)
    return last * np.sqrt(2), last


def reject(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return where two stages' z reject."""
    early, late = limits()
    return (first >= early) | ((first + second) / np.sqrt(2) >= late)


def shares(*, corrected: bool) -> float:
    """Return the power for shares of 0.2 and 0.6, by enumeration of both stages."""
    x = np.arange(PER_ARM + 1)
    pooled = (x[:, None] + x) / (2 * PER_ARM)
    variance = pooled * (1 - pooled) * 2 / PER_ARM
    variance *= 2 * PER_ARM / (2 * PER_ARM - 1) if corrected else 1
    difference = (x - x[:, None]) / PER_ARM
    z = np.divide(difference, np.sqrt(variance), np.zeros(variance.shape), where=variance > 0)
    chance = binom.pmf(x, PER_ARM, 0.2)[:, None] * binom.pmf(x, PER_ARM, 0.6)
    both = chance.ravel()[:, None] * chance.ravel()
    return float((both * reject(z.ravel()[:, None], z.ravel())).sum())


def known_sd() -> float:
    """Return the power for means 0.8 SD apart, the SD being known."""
    mean = 0.8 * np.sqrt(PER_ARM / 2)
    law = multivariate_normal(mean=[mean, mean * np.sqrt(2)], cov=LIMITS_TOGETHER)
    return float(1 - law.cdf([*limits()]))


def welch() -> tuple[float, float]:
    """Return the power of two of SciPy's t tests, and its standard error."""
    drawn = np.random.Generator(np.random.PCG64(7)).normal(size=(2, 2, 100_000, PER_ARM))
    control, drug = drawn[0], drawn[1] + 0.8
    p = ttest_ind(drug, control, axis=-1, equal_var=False, alternative="greater").pvalue
    rate = float(reject(*norm.isf(p)).mean())
    return rate, np.sqrt(rate * (1 - rate) / drawn.shape[2])


def simulated(workload: str, folder: Path) -> tuple[float, float]:
    """Return the power of a workload at half its size, and its standard error."""
    text = (WORKLOADS / f"{workload}.yaml").read_text("utf-8")
    for larger, smaller in SMALLER.items():
        assert larger in text
        text = text.replace(larger, smaller)
    (folder / "normal.yaml").write_bytes((WORKLOADS / "normal.yaml").read_bytes())
    (folder / f"{workload}.yaml").write_text(text, "utf-8")
    scenario = raresim.load_scenario(folder / f"{workload}.yaml")
    found = raresim.simulate(scenario, TRIALS, 11, workers=1).summary.success
    assert found.value is not None and found.mcse is not None
    return found.value, found.mcse


@pytest.mark.parametrize(
    ("power", "printed"), [(known_sd(), 0.71222), (shares(corrected=False), 0.76039)]
)
def test_rpact_tests_by_the_normal_approximation(power: float, printed: float) -> None:
    assert abs(power - printed) < K * np.sqrt(power * (1 - power) / RPACT_TRIALS)


def test_shares_have_the_power_that_enumeration_gives(tmp_path: Path) -> None:
    power, mcse = simulated("w6", tmp_path)
    assert abs(power - shares(corrected=True)) < K * mcse


def test_means_have_the_power_of_two_t_tests(tmp_path: Path) -> None:
    power, mcse = simulated("w5", tmp_path)
    expected, error = welch()
    assert abs(power - expected) < K * np.hypot(mcse, error)
