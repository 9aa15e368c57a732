"""A platform of four arms that enter one after the other, against what R's NCC found of it.

The design is that of the vignette "How to run a simulation study" of NCC 1.0 (Krotka, Bofill Roig,
Hees, Jacko, Magirr): arms of 250 enter after 0, 250, 500 and 750 patients, one control, normal
outcomes of SD 1 without any effect, and a drift of lambda that all arms share. Judged is arm 4 at
one-sided 2.5 %. NCC's own figures come from 1,000 trials each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from raresim.analysis import batch
from raresim.analysis.arrays import FloatArray
from raresim.analysis.result import Results

NCC_TRIALS, TRIALS = 1_000, 1_000
K = 4  # Monte Carlo standard errors of both simulations together
FOURTH, PER_ARM, ENTERS = 4, 250, (0, 250, 500, 750)
PERIOD_BLOCKS = 2


@dataclass(frozen=True)
class Platform:
    """Who is allotted to which arm in which period, arrays (trials, n); `entered` counts arms."""

    arm: np.ndarray
    period: np.ndarray
    entered: np.ndarray


def periods() -> list[tuple[list[int], int]]:
    """Return the open arms of each period, and its patients for each of them.

    One patient more for every open arm, until the next arm is due or an open one is full.
    """
    found: list[tuple[list[int], int]] = []
    total, own = 0, dict.fromkeys(range(1, 5), 0)
    while True:
        arms = [k for k in own if ENTERS[k - 1] <= total and own[k] < PER_ARM]
        if not arms:
            return found
        if not found or found[-1][0] != [0, *arms]:
            found.append(([0, *arms], 0))
        found[-1] = (found[-1][0], found[-1][1] + 1)
        total += 1 + len(arms)
        own.update({k: own[k] + 1 for k in arms})


def platform(rng: np.random.Generator, trials: int) -> Platform:
    """Randomise in permuted blocks within each period."""
    arms, period, entered = [], [], []
    for number, (open_arms, each) in enumerate(periods()):
        place, codes = rng.random((trials, each * len(open_arms))), np.array(open_arms)
        block = np.arange(each * len(open_arms)) // (PERIOD_BLOCKS * len(open_arms))
        order = np.argsort(block + place, axis=1)
        arms.append(np.tile(codes, each)[order])
        period.append(np.full(place.shape, number))
        entered.append(np.full(place.shape, max(open_arms)))
    return Platform(*(np.concatenate(x, axis=1) for x in (arms, period, entered)))


def answers(trial: Platform, outcome: FloatArray) -> dict[str, Results]:
    """Return the pooled, the separate and the model-based analysis of arm 4."""
    arm, period = trial.arm, trial.period
    treated = (arm == FOURTH).astype(np.int8)
    pair = np.isin(arm, [0, FOURTH])
    opened = period >= period[0, np.argmax(trial.entered[0] == FOURTH)]
    none = np.empty((*arm.shape, 0))
    others = np.where(arm == FOURTH, 0, arm)
    everybody = np.ones(arm.shape, bool)
    factors = np.stack([period, others], axis=-1)
    return {
        "pooled": batch.two_sample_t(outcome, treated, pair),
        "separate": batch.two_sample_t(outcome, treated, pair & opened),
        "adjusted": batch.ancova(outcome, none, treated, everybody, factors=factors),
    }


@pytest.fixture(scope="module")
def randomised() -> Platform:
    return platform(np.random.default_rng(1), TRIALS)


@pytest.mark.parametrize(
    ("trend", "size", "ncc"),
    [
        # printed by the vignette: share rejected, bias, mean squared error
        ("linear", -0.15, {
            "pooled": (0.004, -0.047702634, 0.007936453),
            "separate": (0.025, -0.002569883, 0.007805700),
            "adjusted": (0.021, -0.001928847, 0.007131202),
        }),
        ("linear", -0.1125, {
            "pooled": (0.013, -0.030675436, 0.006814043),
            "separate": (0.026, 0.001548616, 0.007884319),
            "adjusted": (0.026, 0.002505048, 0.007103221),
        }),
        # computed with NCC
        ("stepwise", 0.15, {"pooled": (0.617, None, None)}),
    ],
)  # fmt: skip
def test_pooled_separate_and_model_based_are_those_of_ncc(
    randomised: Platform,
    trend: str,
    size: float,
    ncc: dict[str, tuple[float, float | None, float | None]],
) -> None:
    trial, n = randomised, randomised.arm.shape[1]
    drift = np.arange(n) / (n - 1) if trend == "linear" else trial.entered - 1
    found = answers(
        trial, size * drift + np.random.default_rng(2022).standard_normal(trial.arm.shape)
    )
    for name, (rejects, bias, mse) in ncc.items():
        estimate = np.asarray(found[name].estimate)
        hits = found[name].p_one_sided("greater") < 0.025
        own, both = 1 / TRIALS + 1 / NCC_TRIALS, (rejects * (1 - rejects))
        assert np.mean(hits) == pytest.approx(rejects, abs=K * np.sqrt(both * own)), name
        if bias is not None and mse is not None:
            assert np.mean(estimate) == pytest.approx(bias, abs=K * np.std(estimate) * own**0.5)
            spread = np.std(estimate**2)
            assert np.mean(estimate**2) == pytest.approx(mse, abs=K * spread * own**0.5), name
