"""Which claims are true nulls: by the effects that a hypothesis states, and on what they act."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from raresim import catalogue
from raresim.errors import InputError
from raresim.study.truth import true_values
from raresim.trial import Scenario, load_scenario
from raresim.trial.null_set import claimed, told_nulls, true_nulls
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
        ("friedreich-delayed-start", "no_effect", ("placebo_part", "delayed_part")),
        ("friedreich-delayed-start", "symptomatic", ("delayed_part",)),
        ("cystic-fibrosis-williams-square", "no_effect", ("high", "middle", "low")),
        ("cystic-fibrosis-williams-square", "high_alone", ("middle", "low")),
        ("cystic-fibrosis-williams-square", "carry_over", ()),
        ("friedreich-two-stages", "no_effect", ("both_stages",)),  # both on top of placebo's effect
        ("friedreich-two-stages", "effect", ()),
        ("hereditary-angioedema-three-regimens", "no_effect", ("high_or_low",)),  # all work alike
        ("hereditary-angioedema-three-regimens", "effect", ()),
        ("hereditary-angioedema-withdrawal", "no_effect", ("attack_free", "attacks")),
        ("hereditary-angioedema-withdrawal", "all_respond", ()),
        ("cgd-enrichment", "no_effect", ("x_linked", "everybody")),
        ("cgd-enrichment", "in_autosomal", ("x_linked",)),
        ("cgd-enrichment", "in_x_linked", ()),
        ("pulmonary-arterial-hypertension-two-doses", "low_alone", ("walk_high",)),
        ("pah-basket", "in_two", ("connective_tissue", "congenital_heart")),
        ("dravet-two-stage", "at_the_goal", ("responders",)),
        ("als-platform", "only_a", ("b",)),
    ],
)
def test_partial_nulls_are_found_by_arm_and_outcome(
    name: str, hypothesis: str, nulls: tuple[str, ...]
) -> None:
    assert true_nulls(world(name), hypothesis) == nulls


def test_a_trial_claims_its_success_and_its_order_alone() -> None:
    assert claimed(world(RUN_IN)) == ("attacks_high", "attacks_low")
    assert claimed(world(RUN_IN, {"analysis.order": []})) == ("attacks_high",)


@pytest.mark.parametrize(
    ("name", "hypothesis"),
    [
        ("friedreich-two-stages", "no_effect_much_placebo"),
        ("hereditary-angioedema-three-regimens", "no_effect"),
        ("cystic-fibrosis-williams-square", "high_alone"),
        ("cgd-enrichment", "in_autosomal"),
        ("pulmonary-arterial-hypertension-two-doses", "high_alone"),
    ],
)
def test_what_the_effects_tell_is_so_in_the_true_values(name: str, hypothesis: str) -> None:
    """Pairs have the same luck: a claim without effect is exactly none, or within 4 errors."""
    fixed = world(name, {"truth.uncertainty": "fixed"})
    values = true_values(fixed, hypothesis, 1, 0)
    nulls = true_nulls(fixed, hypothesis)
    assert nulls
    for estimand in fixed.spec.analysis.estimands:
        mean, spread = values[estimand].mean(), values[estimand].std(ddof=1)
        side = fixed.better(fixed.spec.analysis.estimands[estimand].outcome)
        better = mean > 0 if side == "greater" else mean < 0
        beyond = abs(mean) > max(4 * spread / len(values[estimand]) ** 0.5, 1e-9)
        if estimand in claimed(fixed) or estimand in nulls:
            assert (better and beyond) == (estimand not in nulls), estimand


def test_what_shares_a_level_is_claimed_as_well() -> None:
    changes = {
        "analysis.multiplicity": {"procedure": "holm", "of": ["attacks_low", "attacks_high"]}
    }
    assert set(claimed(world(RUN_IN, {"analysis.order": [], **changes}))) == {
        "attacks_high",
        "attacks_low",
    }


def test_what_is_told_at_the_end_and_not_claimed_is_no_error() -> None:
    platform = load_scenario("als-platform")
    assert told_nulls(platform, "only_a") == ("b_pooled", "b_adjusted")
    assert told_nulls(platform, "effect") == ()
    assert told_nulls(load_scenario("cgd-enrichment"), "no_effect") == ()  # the look is no answer


def test_effects_on_top_of_others_and_the_time_of_the_last_reading_count() -> None:
    late = {"analysis.order": ["placebo_part"], "analysis.success": "placebo_part"}
    placebo = [{"give": "placebo", "for": "49 weeks"}, {"give": "placebo", "for": "48 weeks"}]
    swapped = {"design.arms.early.periods": placebo}
    same = world("friedreich-delayed-start", {**late, **swapped, "design.false_claims": {}})
    assert true_nulls(same, "effect") == ("placebo_part",)  # both arms have placebo until then
    alone = {"truth.hypotheses.no_effect.mfars.drug": {"difference": 0, "after": "12 weeks"}}
    spcd = world("friedreich-two-stages", {**alone, "design.nulls": []})
    assert true_nulls(spcd, "no_effect") == ()  # placebo helps some, and the drug nobody


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


FALSE = "  false_claims: {symptomatic: [delayed_part]}"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("  false_claims: {symptomatc: [delayed_part]}", "unknown null hypothesis 'symptomatc'"),
        ("  false_claims: {effect: [delayed_part]}", "unknown null hypothesis 'effect'"),
        ("  false_claims: {symptomatic: [delayed]}", "unknown estimand 'delayed'"),
        ("  false_claims: {symptomatic: []}", "expected at least 1 entry"),
    ],
)
def test_claims_that_are_not_there_are_refused_at_their_line(
    tmp_path: Path, line: str, message: str
) -> None:
    text = catalogue.shipped("scenarios")["friedreich-delayed-start"].read_text("utf-8")
    assert text.count(FALSE) == 1
    path = tmp_path / "own.yaml"
    path.write_text(text.replace(FALSE, line))
    with pytest.raises(InputError) as error:
        load_scenario(path)
    [problem] = error.value.problems
    assert message in problem.message
    assert problem.line == text[: text.index(FALSE)].count("\n") + 1
