"""Trials of two stages: who counts where, the library's numbers, true values, both conducts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from raresim.alike import take
from raresim.analysis import two_stage
from raresim.analysis.two_stage import JointStagePrior
from raresim.errors import InputError
from raresim.streams import Luck
from raresim.study.truth import true_values
from raresim.trial import BlockRun, Scenario, run_block
from raresim.trial.cut.table import cut
from raresim.trial.cut.tables import StageTable
from raresim.trial.fate.candidates import people
from raresim.trial.looks.look import Look
from raresim.trial.ticks import NEVER
from tests.staged import regression_only, shares, snsmart, spcd
from tests.worlds import differences

TRIALS = 16
SPCD, COURSES = "both_stages", "high_or_low"


def played(scenario: Scenario, engine: str = "block", trials: int = TRIALS) -> BlockRun:
    return run_block(scenario, "effect", 3, 0, engine, trials)


def table_of(scenario: Scenario, run: BlockRun, name: str) -> StageTable:
    found = cut(scenario, run.fate, run.ledger, run.ledger.end, name, final=True)
    assert isinstance(found, StageTable)
    return found


def test_the_second_stage_is_of_placebo_non_responders() -> None:
    """By hand, from what was read at randomisation, week 12 and week 24."""
    scenario = spcd({"truth.missed_visits.share": 0.2})
    run = played(scenario)
    table, ledger = table_of(scenario, run, SPCD), run.ledger
    place = run.fate.place(ledger.candidate)
    read = np.stack([take(own.readings["mfars"], place) for own in run.fate.lives.arms])
    own = np.take_along_axis(read, ledger.arm[None, ..., None], 0)[0]
    came = ledger.visits < NEVER
    placebo = np.array([arm != "drug_throughout" for arm in scenario.arms])[ledger.arm]
    fell = own[..., 0] - own[..., 2] >= 3
    second = ledger.present & came[..., 1] & placebo & ~fell
    assert np.array_equal(table.counts[..., 1], second)
    assert 0.25 < fell[came[..., 1] & ledger.present & placebo].mean() < 0.45
    change = np.where(came[..., 1] & came[..., 2], own[..., 3] - own[..., 2], np.nan)
    assert np.array_equal(table.outcome[..., 1][second], change[second], equal_nan=True)
    later = np.array([arm == "drug_second" for arm in scenario.arms])[ledger.arm]
    assert np.array_equal((table.treatment[..., 1] != table.control[1])[second], later[second])


def test_responders_stay_and_the_others_change_to_each_of_the_two() -> None:
    scenario = regression_only()
    run = played(scenario, trials=64)
    table = table_of(scenario, run, COURSES)
    first, then = table.treatment[..., 0], table.treatment[..., 1]
    known = table.counts[..., 1] & ~np.isnan(table.outcome[..., 0]) & (run.ledger.exit < NEVER)
    known &= ~np.isnan(table.outcome[..., 1])
    had = table.outcome[..., 0] == 1
    assert ((then == first) == ~had)[known].mean() > 0.96  # an attack between visit and change
    for treatment in range(3):
        changed = known & (first == treatment) & (then != first)
        to = (then == (treatment + 1) % 3)[changed]
        assert to.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(len(to)))


@pytest.mark.parametrize("make", [spcd, snsmart])
@pytest.mark.parametrize("resolution", [1, 86_400])
def test_both_conducts_agree_and_a_row_stands_alone(make: Any, resolution: int) -> None:
    scenario = make({"truth.missed_visits.share": 0.2})
    runs = [
        run_block(scenario, "effect", 3, 0, engine, TRIALS, resolution)
        for engine in ("block", "simpy")
    ]
    assert differences(*runs) == []
    alone = run_block(scenario, "effect", 3, 0, "block", 3, resolution).analyst.records
    for look, record in runs[0].analyst.records.items():
        for key, values in record.items():
            assert np.array_equal(values[:3], alone[look][key], equal_nan=values.dtype.kind == "f")


def test_spcd_is_that_of_the_library() -> None:
    scenario = spcd()
    run = played(scenario, trials=2)
    table, record = table_of(scenario, run, SPCD), run.analyst.records[Look("final", SPCD)]
    data = pd.DataFrame(
        {
            "one": table.outcome[1, :, 0],
            "two": table.outcome[1, :, 1],
            "a": table.treatment[1, :, 0],
            "b": table.treatment[1, :, 1],
            "second": table.counts[1, :, 1].astype(int),
        }
    )[run.ledger.present[1]]
    named = {"outcome_1": "one", "arm_1": "a", "outcome_2": "two", "arm_2": "b"}
    found = two_stage.spcd_means(data, **named, second="second", control=table.control[0])
    assert record["estimate"][1] == pytest.approx(found.estimate, rel=1e-12)
    assert record["p"][1] == pytest.approx(found.p_one_sided("less"), rel=1e-9)


def test_joint_stage_models_are_those_of_the_library() -> None:
    scenario = snsmart()
    run = played(scenario, trials=2)
    table = table_of(scenario, run, COURSES)
    free = 1 - table.outcome[1]
    first, then = table.treatment[1, :, 0], table.treatment[1, :, 1]
    kept = table.counts[1, :, 1] & ((free[:, 0] == 1) == (first == then))
    data = pd.DataFrame({"t": first, "y": free[:, 0], "z": free[:, 1]})
    data["u"] = np.where(kept, then, np.nan)
    data = data[table.counts[1, :, 0]]
    named = {"treatment_1": "t", "response_1": "y", "treatment_2": "u", "response_2": "z"}
    fit = two_stage.joint_stage_regression(data, **named, treatments=(0, 1, 2), linkage="shared")
    record = run.analyst.records[Look("final", COURSES)]
    low, high = table.compared[1], table.compared[0]
    assert record["estimate"][1] == pytest.approx(fit.rates[low] - fit.rates[high], rel=1e-9)
    prior = JointStagePrior(((1.0, 1.0),) * 3, (1.0, 1.0), 3.0)
    bayes = two_stage.bayesian_joint_stage(data, **named, treatments=(0, 1, 2), prior=prior)
    record = run.analyst.records[Look("final", "high_or_low_bayesian")]
    assert record["estimate"][1] == pytest.approx(bayes.difference[low, high], rel=1e-9)
    assert record["p"][1] == pytest.approx(bayes.above[low, high], rel=1e-9)


def test_the_truth_of_a_weighted_statistic_is_what_potential_outcomes_say() -> None:
    """Both arms' readings of the same people, selected by their readings on placebo."""
    scenario = spcd({"truth.stops_treatment": {"rate": "0 per year"}})
    numbers, effects = scenario.model.published, scenario.effects("effect")
    folk = people(scenario, Luck(5, 0).only(slice(0, 256)), 64, numbers, effects)
    arm = {name: folk.read(k, ["mfars"])["mfars"] for k, name in enumerate(scenario.arms)}
    control, drug, late = (
        arm[name] for name in ("placebo_throughout", "drug_throughout", "drug_second")
    )
    one = (drug[..., 2] - control[..., 2])[folk.eligible]
    stays = folk.eligible & ~(control[..., 0] - control[..., 2] >= 3)
    two = (late[..., 3] - control[..., 3])[stays]
    by_hand = 0.5 * one.mean() + 0.5 * two.mean()
    error = 0.5 * np.hypot(one.std() / len(one) ** 0.5, two.std() / len(two) ** 0.5)
    values = true_values(scenario, "effect", 1, 0)[SPCD]
    error = np.hypot(error, values.std(ddof=1) / len(values) ** 0.5)
    assert values.mean() == pytest.approx(by_hand, abs=4 * error)
    null = scenario.changed({"analysis.estimands.both_stages.weight": 0.3})
    assert true_values(null, "no_effect", 1, 0)[SPCD] == pytest.approx(0, abs=1e-12)


def test_the_truth_of_shares_is_exact(tmp_path: Path) -> None:
    """Minus (0.3 + 0.2) / 2; four standard errors of 16 groups of pairs with common luck."""
    scenario = shares(tmp_path, (0.6, 0.3), (0.5, 0.3), 150, 0.1)
    values = true_values(scenario, "effect", 1, 0)["stages"]
    error = values.std(ddof=1) / len(values) ** 0.5
    assert values.mean() == pytest.approx(-0.25, abs=4 * error) and error < 0.002


def test_the_truth_of_regimens_is_that_of_their_first_stage() -> None:
    """Middle comes off worst: 0.27 of placebo's rate against 0.24 and 0.13."""
    scenario = regression_only()
    against = {f"{REGIMEN}.against": "middle"}
    found = [true_values(s, "effect", 1, 0) for s in (scenario, scenario.changed(against))]
    numbers, effects = scenario.model.published, scenario.effects("effect")
    folk = people(scenario, Luck(5, 0).only(slice(0, 128)), 64, numbers, effects)
    had = []
    for name in ("low_then_high", "high_then_low"):
        days = folk.walk(scenario.arms.index(name), slice(None))["attack"].days
        had.append((days <= 56).any(axis=-1)[folk.eligible])
    apart = had[1].astype(float) - had[0]
    error = np.hypot(apart.std() / len(apart) ** 0.5, found[0][COURSES].std(ddof=1) / 4)
    assert found[0][COURSES].mean() == pytest.approx(apart.mean(), abs=4 * error)
    assert found[1][COURSES].mean() < found[0][COURSES].mean() < -0.1


def test_an_effect_on_top_of_placebos_acts_in_the_same_patients() -> None:
    """Without a drug's own effect its patients fare as those on placebo, whatever they change."""
    scenario = spcd({"truth.stops_treatment": {"rate": "0 per year"}})
    numbers, effects = scenario.model.published, scenario.effects("no_effect")
    folk = people(scenario, Luck(5, 0).only(slice(0, 32)), 16, numbers, effects)
    read = [folk.read(k, ["mfars"])["mfars"] for k in range(3)]
    assert np.array_equal(read[0], read[1]) and np.array_equal(read[0], read[2])


ESTIMAND = f"analysis.estimands.{SPCD}"
REGIMEN = f"analysis.estimands.{COURSES}"


@pytest.mark.parametrize(
    ("make", "changes", "said"),
    [
        (spcd, {f"{ESTIMAND}.stages": []}, "'by stages' needs its stages"),
        (spcd, {f"{ESTIMAND}.variable": "change in mfars at week 24"}, "belong to a variable"),
        (spcd, {f"{ESTIMAND}.stages": [{"week": 12}]}, "expected two stages"),
        (spcd, {f"{ESTIMAND}.stages": [{"week": 24}, {"week": 12}]}, "ends after the first"),
        (spcd, {f"{ESTIMAND}.stages.0.week": 13}, "there is no visit at week 13"),
        (spcd, {f"{ESTIMAND}.stages.1.since": 24}, "a stage ends after it begins"),
        (spcd, {f"{ESTIMAND}.stages.0.unless": {"event": "x"}}, "everybody counts in the first"),
        (spcd, {f"{ESTIMAND}.stages.1.unless.score": "mfras"}, "unknown score 'mfras'"),
        (spcd, {f"{ESTIMAND}.stages.1.unless.confirmed": True}, "nothing confirms it"),
        (spcd, {f"{ESTIMAND}.weight": None}, "either 'weight' .* or 'treatment'"),
        (spcd, {f"{ESTIMAND}.against": "drug"}, "'against' goes with"),
        (spcd, {f"{ESTIMAND}.arm": "drug_second"}, "stages compare treatments"),
        (spcd, {f"{ESTIMAND}.intercurrent.stops_treatment": "while on treatment"}, "not a strat"),
        (spcd, {f"analysis.methods.{SPCD}.test": "ancova"}, "does not analyse"),
        (spcd, {f"analysis.methods.{SPCD}.linkage": "shared"}, "takes no 'linkage'"),
        (
            spcd,
            {"design.arms.drug_second.periods.0.for": "18 weeks"}
            | {"design.arms.drug_second.periods.1.for": "7 weeks"},
            "treatment changes on day 126, within a stage",
        ),
        (spcd, {"design.arms.drug_second.periods.1.give": "placebo"}, "no arm changes to another"),
        (snsmart, {f"{REGIMEN}.treatment": "low"}, "compared with itself"),
        (snsmart, {f"{REGIMEN}.treatment": "hgih"}, "unknown treatment of the first stage"),
        (snsmart, {f"{REGIMEN}.weight": 0.5}, "either 'weight' .* or 'treatment'"),
        (snsmart, {"analysis.methods.high_or_low_bayesian.prior": None}, "needs its prior"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make(changes)


def test_an_effect_is_not_on_top_of_nothing() -> None:
    path = "truth.hypotheses.effect.mfars.drug.on_top_of"
    with pytest.raises(InputError, match="unknown effect on this outcome"):
        spcd({path: "plcebo"})
    with pytest.raises(InputError, match="on top of another one itself"):
        spcd({path: "drug"})
