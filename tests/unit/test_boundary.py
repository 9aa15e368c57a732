"""Boundaries at looks: every number of a look found again by hand, by other code, or by SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from raresim.analysis import batch, boundaries
from raresim.analysis.sequential import (
    chances_at_last_look,
    conditional_power,
    group_sequential,
    information_for_power,
    predictive_power,
    spending_bounds,
)
from raresim.trial import BlockRun, Scenario, run_block
from raresim.trial.cut.table import cut
from raresim.trial.looks.look import Look
from tests.three_arms import two_doses
from tests.worlds import ATAXIA, CGD, differences, world

TRIALS = 48
LEVEL = {"alpha": "0.025 one-sided"}
HALF = {"when": {"visit": 48, "patients": 30}, "do": ["analyse change", "stop if efficacy"]}
FINAL = {"when": {"everybody": "finished"}, "do": ["analyse change"]}
SLOW = {"truth.candidates.stream.per_site": "0.3 per month", "design.recruit_for": "300 months"}


def ataxia(boundary: dict[str, Any], futility: Any = None, half: Any = HALF, **more: Any) -> Any:
    """Return a trial of 60 with a look at 30, recruiting slowly."""
    method = {"test": "t", **LEVEL, "boundary": boundary}
    if futility is not None:
        method["futility"] = futility
    changes = {"design.milestones": {"half": half, "final": FINAL}, "design.randomise.n": 60}
    return world(ATAXIA, {**SLOW, **changes, "analysis.methods.change": method, **more})


def played(scenario: Scenario, trials: int = TRIALS) -> tuple[BlockRun, Any, Any]:
    run = run_block(scenario, "effect", 5, 0, replicates=trials)
    records = run.analyst.records
    return run, *(records[Look(name, "change")] for name in ("half", "final"))


def test_a_t_statistic_is_compared_as_the_z_of_its_p_value() -> None:
    _, half, final = played(ataxia({"planned_information": 56}))
    for record in (half, final):
        known = record["analysed"]
        assert np.allclose(record["z"][known], -stats.norm.ppf(record["p"][known]))
    first = boundaries((30,), 56, 0.025, final=False)[0]
    assert np.array_equal(half["critical"], np.full(TRIALS, first))
    assert np.array_equal(half["rejected"], half["z"] >= first)
    for k in np.flatnonzero(final["analysed"])[:5]:
        seen = (30.0, float(final["information"][k]))
        assert final["critical"][k] == boundaries(seen, 56, 0.025)[-1]


@pytest.mark.parametrize(
    "spend", [{"spend": "hwang-shih-decani", "gamma": -4}, {"spend": "kim-demets", "rho": 3}]
)
def test_spending_functions_take_their_parameter(spend: dict[str, Any]) -> None:
    _, half, _ = played(ataxia({**spend, "planned_information": 56}), 4)
    (parameter,) = (value for key, value in spend.items() if key != "spend")
    wanted = boundaries((30,), 56, 0.025, spend["spend"], final=False, parameter=parameter)
    assert half["critical"][0] == wanted[0]


@pytest.mark.parametrize(
    ("told", "efficacy", "parameter"),
    [
        ({"shape": "obrien-fleming"}, "obrien-fleming", None),
        ({"shape": "pocock"}, "pocock", None),
        ({"shape": "wang-tsiatis", "delta": 0.25}, "wang-tsiatis", 0.25),
        ({"shape": "haybittle-peto"}, "haybittle-peto", None),
    ],
)
def test_classical_shapes_are_those_of_the_plan(told: Any, efficacy: str, parameter: Any) -> None:
    scenario = ataxia({**told, "looks": 2, "planned_information": 60})
    _, half, final = played(scenario, 16)
    wanted = group_sequential(2, efficacy=efficacy, efficacy_parameter=parameter).upper
    assert (half["critical"] == wanted[0]).all()
    assert (final["critical"][final["analysed"]] == wanted[1]).all()


def test_critical_values_may_be_written_out() -> None:
    _, half, final = played(ataxia({"critical": [2.5, 1.99], "planned_information": 60}), 8)
    assert (half["critical"] == 2.5).all()
    assert (final["critical"][final["analysed"]] == 1.99).all()


def test_lower_boundaries_are_those_of_the_design_where_looks_come_as_planned() -> None:
    design = group_sequential(
        (0.3, 0.7, 1.0), futility="spending kim-demets", futility_parameter=2, power=0.8
    )
    information, rule = (18.0, 42.0, 60.0), {"futility": ("kim-demets", 2.0)}
    for k in range(3):
        high, low = spending_bounds(
            information[: k + 1], 60.0, 0.025, 0.2, design.drift, final=k == 2, **rule
        )
        assert high == pytest.approx(design.upper[k], abs=1e-6)
        assert low == pytest.approx(design.lower[k], abs=1e-6)
    binds = group_sequential((0.5, 1.0), futility="spending pocock", binding=True)
    high, low = spending_bounds(
        (30.0, 60.0), 60.0, 0.025, 0.1, binds.drift, futility=("pocock", None), binding=True
    )
    assert (high, low) == (pytest.approx(binds.upper[1], abs=1e-6), high)


def test_a_look_that_adds_no_information_counts_with_the_one_before() -> None:
    drift, told = 3.3, {"final": False}
    once = spending_bounds((30.0,), 60.0, 0.025, 0.1, drift, **told)
    assert spending_bounds((30.0, 30.0), 60.0, 0.025, 0.1, drift, **told) == once


def test_futility_below_the_lower_boundary_stops_the_trial() -> None:
    rule = {"spend": "hwang-shih-decani", "gamma": -1, "power": 0.9}
    stops = {**HALF, "do": ["analyse change", "stop if futility", "stop if efficacy"]}
    boundary = {"looks": [0.5, 1], "planned_information": 60}
    _, half, final = played(ataxia(boundary, rule, stops))
    design = group_sequential(
        (0.5, 1), futility="spending hwang-shih-decani", futility_parameter=-1
    )
    assert half["futile_below"][0] == pytest.approx(design.lower[0], abs=1e-6)
    out = (half["z"] <= half["futile_below"]) | half["rejected"]
    assert 0.1 < out.mean() < 0.9
    assert np.array_equal(final["analysed"], ~out)
    upper = played(ataxia(boundary), 1)[1]["critical"][0]
    assert half["critical"][0] == pytest.approx(upper, abs=1e-9)  # it does not bind


@pytest.mark.parametrize("kind", ["conditional", "predictive"])
@pytest.mark.parametrize("plain", [True, False])
def test_chances_below_a_bar_stop_the_trial(kind: str, plain: bool) -> None:
    """The chances are those of the scalar kernels, look by look."""
    rule: dict[str, Any] = {f"{kind}_power_below": 0.3}
    stops = {**HALF, "do": ["analyse change", "stop if futility"]}
    scenario = ataxia({"planned_information": 60}, rule, stops)
    last = float(boundaries((30, 60), 60, 0.025)[-1])
    if plain:  # no alpha is spent at the look: it only guards
        rule["planned_information"], last = 60, 1.959963984540054
        method = {"test": "t", **LEVEL, "futility": rule}
        scenario = scenario.changed({"analysis.methods.change": method})
    _, half, final = played(scenario)
    kernel = {"conditional": conditional_power, "predictive": predictive_power}[kind]
    chance = [kernel((30.0, 60.0), (9.9, last), 1, float(z)) for z in half["z"]]
    stopped = np.array(chance) < 0.3
    assert 0.1 < stopped.mean() < 0.9
    assert np.array_equal(final["analysed"], ~stopped)


def test_the_chances_are_those_of_the_kernels() -> None:
    z = np.array([-0.5, 0.4, 1.7, 3.0])
    found = chances_at_last_look(z, np.full(4, 20.0), 50.0, np.full(4, 2.01))
    for k, value in enumerate(z):
        args = ((20.0, 50.0), (9.0, 2.01), 1, float(value))
        assert found[0][k] == pytest.approx(conditional_power(*args), abs=1e-9)
        assert found[1][k] == pytest.approx(predictive_power(*args), abs=1e-9)
    nothing = chances_at_last_look(z, np.array([0.0, 50, 60, 20]), 50.0, np.full(4, 2.01))[0]
    assert np.isnan(nothing[:3]).all() and np.isfinite(nothing[3])
    assert np.isinf(
        information_for_power(z[:1], np.full(1, 20.0), 50.0, np.full(1, 2.0), 0.9)
    ).all()


COMBINED = {"combine": "inverse normal", "looks": [0.4, 1], "planned_information": 58}
GROWS = {
    "re_estimate": "change",
    "unblinded": {"conditional_power": 0.9, "promising_from": 0.2},
    "at_most": 120,
}


def test_stages_share_nobody_and_are_combined_by_hand() -> None:
    """Each stage is a Welch test of its own patients; the weights are those of the plan."""
    half = {**HALF, "do": ["analyse change", "stop if efficacy", GROWS]}
    scenario = ataxia(COMBINED, None, half)
    run, first, last = played(scenario)
    changes, arms = [], []
    for number, final in ((0, False), (1, True)):
        at = np.minimum(run.performed[:, number], run.ledger.end)
        table = cut(scenario, run.fate, run.ledger, at, "change", final=final)
        changes.append(table.change)
        arms.append(table.who.arm)
    for k in np.flatnonzero(last["analysed"]):
        early, late = ~np.isnan(changes[0][k]), ~np.isnan(changes[1][k])
        scores = []
        for mine in (early, late & ~early):
            drug, placebo = (changes[1][k][mine & (arms[1][k] == arm)] for arm in (1, 0))
            p = stats.ttest_ind(drug, placebo, equal_var=False, alternative="less").pvalue
            scores.append(-stats.norm.ppf(p))
        wanted = np.sqrt(0.4) * scores[0] + np.sqrt(0.6) * scores[1]
        assert first["z"][k] == pytest.approx(scores[0], abs=1e-8)
        assert last["z"][k] == pytest.approx(wanted, abs=1e-8)
    upper = group_sequential((0.4, 1.0)).upper
    assert (first["critical"] == upper[0]).all()
    assert (last["critical"][last["analysed"]] == upper[1]).all()


def test_n_grows_in_the_promising_zone_and_nowhere_else() -> None:
    half = {**HALF, "do": ["analyse change", GROWS]}
    run, first, _ = played(ataxia(COMBINED, None, half), 128)
    last = float(group_sequential((0.4, 1.0)).upper[1])
    n = run.ledger.present.sum(axis=1)
    recruiting = run.ledger.closed > run.performed[:, 0]
    grown = 0
    for k in np.flatnonzero(recruiting):
        z, left = first["z"][k], 58 - 30
        missing = (last - np.sqrt(0.4) * z) / np.sqrt(0.6)
        chance = stats.norm.cdf(z / np.sqrt(30) * np.sqrt(left) - missing)
        wanted = 60
        if 0.2 <= chance < 0.9:
            second = 30 / z**2 * (missing + stats.norm.ppf(0.9)) ** 2
            wanted = min(max(int(np.ceil(60 * (30 + second) / 58 - 1e-9)), 60), 120)
            grown += 1
        assert n[k] == wanted
    assert (n[~recruiting] == 60).all()  # the look came too late
    assert grown > 20


def test_a_look_that_did_not_come_leaves_its_weight_to_the_next() -> None:
    never = {**HALF, "when": {"calendar": "80 years"}}
    _, half, final = played(ataxia(COMBINED, None, never), 8)
    assert not half["analysed"].any()
    assert np.allclose(final["z"], -stats.norm.ppf(final["p"]))
    assert (final["critical"] == group_sequential((0.4, 1.0)).upper[1]).all()


def test_increments_of_a_log_rank_are_its_stages() -> None:
    method = {"test": "logrank", "estimate": "cox", **LEVEL}
    method["boundary"] = {**COMBINED, "looks": [0.5, 1]}
    scenario = world(CGD, {"analysis.methods.infection_free": method})
    run = run_block(scenario, "no_effect", 5, 0, replicates=TRIALS)
    first, last = (run.analyst.records[Look(m, "infection_free")] for m in ("interim", "final"))
    both = first["analysed"] & last["analysed"] & (last["information"] > first["information"])
    assert both.sum() > 40
    d, e = first["information"][both], last["information"][both]
    plain = -stats.norm.ppf(last["p"][both])
    step = (plain * np.sqrt(e) - first["z"][both] * np.sqrt(d)) / np.sqrt(e - d)
    wanted = (first["z"][both] + step) / np.sqrt(2)
    assert np.allclose(last["z"][both], wanted)


def test_information_is_what_the_kind_of_variable_has() -> None:
    """Half of it is known at the look: patients seen at the visit, or events of all patients."""
    half = {**HALF, "when": {"information": 0.5, "of": "change"}}
    run, first, _ = played(ataxia({"planned_information": 41}, None, half), 8)
    assert (first["information"] == 21).all()  # half of 41, rounded up
    look = {"when": {"information": 0.5, "of": "infection_rate"}, "do": ["analyse infection_rate"]}
    final = {"when": {"everybody": "finished"}, "do": ["analyse infection_rate"]}
    final["do"] += ["analyse infection_free"]
    plain = {"test": "logrank", "estimate": "cox", **LEVEL}
    rate = {"test": "negative binomial", **LEVEL, "boundary": {"planned_information": 60}}
    events = {"variable": "events of serious_infection", "summary": "rate ratio"}
    events["intercurrent"] = {"stops_treatment": "treatment policy", "death": "while alive"}
    changes = {
        "design.milestones": {"look": look, "final": final},
        "analysis.methods": {"infection_free": plain, "infection_rate": rate},
        "analysis.estimands.infection_rate": events,
    }
    run = run_block(world(CGD, changes), "no_effect", 5, 0, replicates=8)
    seen = run.performed[:, 0]
    count = (run.ledger.events["serious_infection"] <= seen[:, None, None]).sum(axis=(1, 2))
    record = run.analyst.records[Look("look", "infection_rate")]
    assert (count == 30).all() and np.array_equal(record["information"], count)


def test_counts_belong_to_the_stage_in_which_follow_up_ends() -> None:
    rate = {"test": "negative binomial", **LEVEL}
    rate["boundary"] = {"combine": "inverse normal", "looks": [0.5, 1], "planned_information": 60}
    look = {"when": {"completed": 60}, "do": ["analyse infection_rate"]}
    final = {"when": {"everybody": "finished"}, "do": ["analyse infection_rate"]}
    final["do"] += ["analyse infection_free"]
    plain = {"test": "logrank", "estimate": "cox", **LEVEL}
    changes = {
        "design.milestones": {"look": look, "final": final},
        "analysis.methods": {"infection_free": plain, "infection_rate": rate},
    }
    scenario = world(CGD, changes)
    run = run_block(scenario, "no_effect", 5, 0, replicates=8)
    found = run.analyst.records[Look("look", "infection_rate")]
    table = cut(scenario, run.fate, run.ledger, run.performed[:, 0], "infection_rate")
    mine = table.who.present & (run.ledger.exit <= run.performed[:, :1])
    fit = batch.negative_binomial(table.count, table.exposure, table.who.arm, mine)
    good = fit.converged
    assert good.any()
    assert np.allclose(found["z"][good], -stats.norm.ppf(fit.p_one_sided("less")[good]))
    assert np.isnan(found["z"][~good]).all()


def test_information_is_that_of_the_arms_compared() -> None:
    """Of three arms the patients of two count, in both conducts."""
    boundary = {"boundary": {"looks": [0.5, 1], "planned_information": 30}}
    look = {"when": {"information": 0.5, "of": "high"}, "do": ["analyse high"]}
    changes = {
        "design.milestones.look1": look,
        "analysis.methods.high": {"test": "t", **LEVEL, **boundary},
    }
    scenario = two_doses([], changes=changes)
    runs = [run_block(scenario, "effect", 5, 0, engine, 8) for engine in ("block", "simpy")]
    assert differences(*runs) == []
    seen, ledger = runs[0].performed[:, :1], runs[0].ledger
    known = (ledger.visits[..., 1] <= seen) & ledger.present
    pair = [scenario.arms.index(arm) for arm in ("placebo", "high")]
    assert ((known & np.isin(ledger.arm, pair)).sum(axis=1) == 15).all()
    assert known.sum(axis=1).max() > 15
