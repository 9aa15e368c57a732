"""Truth, bias, coverage and the modes of uncertainty. k = 4 Monte Carlo standard errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

import raresim
from raresim.disease.parameters import DRAW
from raresim.study import Figure
from raresim.study.truth import true_values
from tests.oracle.test_trials_rpact import trial
from tests.worlds import ATAXIA, CGD, world

K = 4
REPLAY = "cgd-1991-reproduction"


def near(figure: Figure, expected: float) -> bool:
    assert figure.value is not None and figure.mcse is not None
    return abs(figure.value - expected) < K * figure.mcse


def test_without_frailty_the_true_hazard_ratio_is_the_effect() -> None:
    found = true_values(trial(0.5, 40, [28]), "effect", 1, 0)["event_free"]
    error = found.std(ddof=1) / np.sqrt(len(found))
    assert abs(found.mean() - math.log(0.5)) < K * error
    assert error < 0.01


def test_with_frailty_the_marginal_hazard_ratio_is_nearer_to_one_than_the_rate_ratio() -> None:
    scenario = world(CGD, {"truth.uncertainty": "fixed"})
    found = true_values(scenario, "effect", 1, 0)
    rate, hazard = (float(np.mean(found[k])) for k in ("infection_rate", "infection_free"))
    # 5.5 % a year stop treatment: the ratio over a year is a little above 0.334
    assert math.log(0.334) < rate < math.log(0.38)
    assert math.log(0.40) < hazard < math.log(0.52)


def test_under_no_effect_every_true_value_is_nought() -> None:
    for name in (CGD, ATAXIA):
        for values in true_values(world(name), "no_effect", 1, 0).values():
            assert np.abs(values).max() < 1e-3  # a pair's times may differ in the last bit


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["fixed", "nuisance"])
def test_ancova_is_unbiased_and_its_interval_covers(mode: str) -> None:
    scenario = world(ATAXIA, {"truth.uncertainty": mode})
    change = raresim.simulate(scenario, 4096, seed=5, workers=1).summary.estimands["change"]
    assert near(change.bias, 0.0)
    assert near(change.coverage, 0.95)
    assert change.truth.value is not None and change.truth.value == pytest.approx(-2.34, abs=0.05)


@pytest.mark.slow
def test_the_power_of_the_ataxia_trial_is_that_of_the_t_test_formula() -> None:
    """Fixed truth, nobody leaves: the noncentral t with the SD of change given baseline."""
    from scipy import stats

    quiet = {"rate": "0 per year", "why": "a test"}
    scenario = world(
        ATAXIA,
        {
            "truth.uncertainty": "fixed",
            "truth.leaves_study": quiet,
            "truth.stops_treatment": quiet,
            "truth.missed_visits": {"share": 0, "why": "a test"},
            "design.visits.window": "0 days",
        },
    )
    summary = raresim.simulate(scenario, 8192, seed=6, workers=1).summary
    change = summary.estimands["change"]
    assert change.estimate_sd.value is not None
    # the estimator's SD is simulated; the power that it implies is not
    shift = 2.4 / change.estimate_sd.value
    df = 100 - 3
    power = stats.nct.sf(stats.t.ppf(0.975, df), df, shift)
    assert near(change.rejected, float(power))
    # and that SD is the closed one: 4.15 * sqrt(1 - r²) * sqrt(4 / n), r² from noise at baseline
    noise = 0.8 * 4.15**2 / 2
    r2 = noise**2 / (4.15**2 * 12**2)
    closed = 4.15 * math.sqrt(1 - r2) * math.sqrt(4 / 100)
    assert change.estimate_sd.value == pytest.approx(closed, rel=0.05)


@pytest.mark.slow
def test_drawn_parameters_are_shared_by_eight_replicates_and_widen_the_answer() -> None:
    fixed, drawn = (
        raresim.simulate(world(REPLAY, {"truth.uncertainty": mode}), 2048, seed=2, workers=1)
        for mode in ("fixed", "nuisance")
    )
    assert fixed.summary.draws == 2048
    assert drawn.summary.draws == 2048 // DRAW
    events = "placebo.serious_infection.events"
    spread = [run.trials[events].std() for run in (fixed, drawn)]
    assert spread[1] > 1.1 * spread[0]  # the rate alone, 56 ± 7.5, makes it about 1.2
    between = drawn.summary.estimands["infection_free"].between_truths
    assert between is not None and between.value is not None and between.mcse is not None
    assert between.value > 3 * between.mcse
    assert fixed.summary.estimands["infection_free"].between_truths is None


@pytest.mark.slow
def test_assurance_lies_under_the_chance_of_any_benefit() -> None:
    from scipy import stats

    summary = raresim.simulate(
        world(ATAXIA, {"truth.uncertainty": "all"}), 2048, seed=2, workers=1
    ).summary
    ceiling = summary.chance_of_benefit
    assert ceiling is not None and ceiling.value is not None
    se = (4.31 - 0.5) / (2 * 1.959964)
    assert near(ceiling, float(stats.norm.cdf(2.4 / se)))
    assert summary.success.value is not None
    assert summary.success.value < ceiling.value
    power = raresim.simulate(world(ATAXIA), 2048, seed=2, workers=1).summary.success.value
    assert power is not None and summary.success.value < power


def test_a_design_in_which_nothing_happens_rejects_nothing_and_says_so() -> None:
    """No events at all: fits fail, are counted as not rejecting, and the bounds say 0 to 1."""
    model = world(CGD).model
    outcomes = dict(model.spec.outcomes)
    rate = outcomes["serious_infection"].rate
    never = rate.evidence.model_copy(update={"events": 1e-9})
    quiet = rate.model_copy(update={"evidence": never})
    outcomes["serious_infection"] = outcomes["serious_infection"].model_copy(update={"rate": quiet})
    outcomes["death"] = outcomes["death"].model_copy(update={"hazard": quiet})
    spec = model.spec.model_copy(update={"outcomes": outcomes})
    from raresim.disease.model import DiseaseModel
    from raresim.trial import Scenario

    base = world(CGD, {"truth.uncertainty": "fixed"})
    scenario = Scenario(base.spec, DiseaseModel(spec, model.path, "quiet"), base.document, "quiet")
    from raresim.trial import run_block
    from raresim.trial.looks.look import Look

    record = run_block(scenario, "effect", 1, 0, replicates=64).analyst.records
    final = record[Look("final", "infection_free")]
    assert final["analysed"].all()
    assert not final["rejected"].any()
    assert not final["converged"].any()
    assert (final["notes"] > 0).all()


def test_fewer_draws_are_the_first_of_all_draws() -> None:
    """A short run works out the true values of its own draws alone, and they are the same."""
    for name in (CGD, ATAXIA):
        scenario = world(name)
        whole = true_values(scenario, "effect", 1, 3)
        some = true_values(scenario, "effect", 1, 3, draws=16)
        for estimand, values in some.items():
            assert (values == whole[estimand][:16]).all() and len(values) == 16
