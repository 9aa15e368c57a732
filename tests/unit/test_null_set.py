"""Which claims are true nulls: by the effects that a hypothesis states, and on what they act."""

from __future__ import annotations

from typing import Any

import pytest

from raresim.trial import Scenario, load_scenario
from raresim.trial.null_set import claims, true_nulls
from tests.one_arm import one_arm
from tests.worlds import CGD, world

RUN_IN = "hereditary-angioedema-run-in"
FIBROSIS = "cystic-fibrosis-residual-function"
PRESSURE = "pulmonary-arterial-hypertension-24-weeks"
BILIARY = "pbc-bilirubin-and-survival"
SIX = "duchenne-six-countries"
EFFECT = "truth.hypotheses.effect"


@pytest.mark.parametrize(
    ("name", "hypothesis", "nulls"),
    [
        (RUN_IN, "no_effect", ("attacks_high", "attacks_low")),
        (RUN_IN, "high_dose_alone", ("attacks_low",)),
        (RUN_IN, "low_dose_alone", ("attacks_high",)),
        (RUN_IN, "low_dose_only", ()),
        (FIBROSIS, "lung_function_alone", ("exacerbations",)),
        (PRESSURE, "worsening_alone", ("walk",)),
        (BILIARY, "effect", ()),  # death follows bilirubin, though its own ratio is 1
        (CGD, "effect", ()),
    ],
)
def test_partial_nulls_are_found_by_arm_and_outcome(
    name: str, hypothesis: str, nulls: tuple[str, ...]
) -> None:
    assert true_nulls(world(name), hypothesis) == nulls


def test_a_trial_claims_its_success_and_its_order_alone() -> None:
    assert claims(world(RUN_IN)) == ("attacks_high", "attacks_low")
    assert claims(world(RUN_IN, {"analysis.order": []})) == ("attacks_high",)


@pytest.mark.parametrize(
    ("ratio", "nulls"), [(1.2, ("infection_free", "infection_rate")), (0.9, ())]
)
def test_a_harmful_effect_is_no_better_than_none(ratio: float, nulls: tuple[str, ...]) -> None:
    harm = {"assumed": {"rate_ratio": ratio}, "why": "a test"}
    scenario = world(CGD, {f"{EFFECT}.serious_infection.interferon": harm})
    assert true_nulls(scenario, "effect") == nulls


def test_an_effect_on_death_reaches_what_the_living_are_asked() -> None:
    longer = {"assumed": {"hazard_ratio": 0.5}, "why": "a test"}
    changes = {f"{EFFECT}.death.drug": longer, f"{EFFECT}.bilirubin.drug.assumed.difference": 0}
    assert true_nulls(world(BILIARY, changes), "effect") == ()


def _stopping(strategy: Any, by_arm: dict[str, float]) -> Scenario:
    how = {"stops_treatment": strategy, "loss_of_ambulation": "composite"}
    changes = {"analysis.estimands.change.intercurrent": how}
    changes["truth.stops_treatment"] = {"rate": "0.04 per year", "by_arm": by_arm, "why": "a test"}
    harmless = {"rate": "0.04 per year", "by_arm": {"drug": 3}, "why": "a test"}
    return world(SIX, changes | {"truth.adverse_events.weight_gain": harmless})


def test_stopping_that_differs_by_arm_matters_where_it_is_part_of_the_variable() -> None:
    worst = {"composite": "worst"}
    assert true_nulls(_stopping("treatment policy", {"drug": 2.0}), "no_effect") == ("change",)
    assert true_nulls(_stopping(worst, {}), "no_effect") == ("change",)
    undeclared = _stopping(worst, {"drug": 2.0}).changed({"design.nulls": []})
    assert true_nulls(undeclared, "no_effect") == ()


def test_of_one_arm_the_files_word_counts() -> None:
    assert true_nulls(one_arm({"design.nulls": []}), "no_effect") == ()
    assert true_nulls(one_arm(), "no_effect") == ("held",)


def test_success_under_a_partial_null_is_an_error_only_if_it_is_one() -> None:
    scenario = load_scenario(RUN_IN)
    assert not scenario.is_null("high_dose_alone")
    assert scenario.is_null("low_dose_alone")
    assert scenario.is_null("no_effect")
