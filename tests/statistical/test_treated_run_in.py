"""A run-in under treatment: what it shows selects, and what happens to those who are withdrawn.

Numbers of candidates are those of a luck block; tolerances are 4 Monte Carlo standard errors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from raresim.evidence.statistics import Floats
from raresim.streams import Luck
from raresim.study.truth import true_values
from raresim.trial import Scenario, run_block
from raresim.trial.fate.candidates import people
from raresim.trial.fate.people import People
from tests.curves import MODEL, SCENARIO
from tests.worlds import ATAXIA, CGD, differences, scenario_from, world

UNITS, RUN_IN = 100, 84.0
EFFECT = "truth.hypotheses.effect"
TREATED = {"for": "12 weeks", "give": "interferon"}
FEW = "age >= 1 and age <= 50 and serious_infection_in_run_in == 0"
HALF = {"assumed": {"rate_ratio": 0.6}, "why": "a test", "responders": 0.5}
"""Half of the patients respond, with a ratio of 0.2."""
FREE = {"truth.uncertainty": "fixed", "design.eligible": FEW, "design.run_in": TREATED}
PAINFUL = {f"{EFFECT}.serious_infection.interferon": HALF}
POINTS = {"assumed": {"difference": -6, "after": "48 weeks"}, "why": "a test"}
TRIALS = 16


def folk_of(scenario: Scenario, hypothesis: str = "effect") -> People:
    numbers, effects = scenario.model.published, scenario.effects(hypothesis)
    return people(scenario, Luck(11, 0), UNITS, numbers, effects)


def near(found: Floats, expected: float, errors: float = 4) -> bool:
    """Whether a mean over patients is as expected."""
    return abs(found.mean() - expected) < errors * found.std() / np.sqrt(found.size)


def busy(changes: dict[str, Any] | None = None) -> Scenario:
    """Return a trial in patients with six infections a year, whose sites do not differ."""
    return world(CGD, {**FREE, **PAINFUL, **(changes or {})})


def test_the_share_of_responders_who_are_randomised_is_that_of_bayes() -> None:
    """P(responder | no event) = sum exp(-0.2 m) / sum (exp(-0.2 m) + exp(-m)), half responding.

    m is what a patient expects untreated, sites and frailty included: the sums are over the
    patients drawn, and what is tested is the luck of counts and of responding.
    """
    folk = folk_of(busy())
    effect = folk.effects["serious_infection"]["interferon"]
    responds = np.asarray(folk.responders.dose("interferon", effect)) > 0
    assert near(responds, 0.5)
    mean = folk.latents["serious_infection"].intensity * RUN_IN
    ratio = float(effect.value[0])
    assert ratio == pytest.approx(0.2)
    among = folk.eligible
    own, others = np.exp(-ratio * mean), np.exp(-mean)
    age = folk.patients.values["age"]
    old_enough = (age >= 1) & (age <= 50)
    expected = (own / (own + others))[old_enough]
    weights = ((own + others) / 2)[old_enough]
    assert near(among[old_enough], float(weights.mean()))
    share = float((expected * weights).sum() / weights.sum())
    assert near(responds[among], share)
    assert share > 0.53


def test_counts_of_the_run_in_are_under_its_treatment() -> None:
    """Negative binomial of the mean times the ratio; untreated, and without effect, of the mean."""
    treated, untreated = folk_of(busy()), folk_of(busy({"design.run_in": "12 weeks"}))
    null = folk_of(busy(), "no_effect")
    name = "serious_infection_in_run_in"
    assert (null.screened[name] == untreated.screened[name]).all()
    effect = treated.effects["serious_infection"]["interferon"]
    dose = np.asarray(treated.responders.dose("interferon", effect))
    mean = treated.latents["serious_infection"].intensity * RUN_IN
    gone = treated.screened[name] - mean * np.where(dose > 0, 0.2, 1.0)
    assert near(gone, 0.0)
    assert near(gone[dose > 0], 0.0)
    assert (treated.screened[name] <= untreated.screened[name]).all()
    assert (treated.screened[name] < untreated.screened[name]).any()


def test_whoever_is_withdrawn_regresses_to_the_mean_without_an_effect() -> None:
    """E[Z | none in the run-in] = theta / (theta + mu): no arm stays as good as it looked."""
    folk = folk_of(busy(), "no_effect")
    chosen = folk.eligible
    rates = []
    for arm in (0, 1):
        days = folk.walk(arm, slice(None), {"serious_infection"}, stops=False)
        counts = (days["serious_infection"].days <= RUN_IN).sum(axis=-1)
        rates.append(counts[chosen])
    assert (rates[0] == rates[1]).all()
    intensity = folk.latents["serious_infection"].intensity
    theta, mean = 1.095, float(intensity.mean()) * RUN_IN
    expected = mean * theta / (theta + mean)
    assert abs(rates[0].mean() - expected) < 0.03 * expected + 4 * rates[0].std() / np.sqrt(
        rates[0].size
    )
    assert rates[0].mean() > 0.1  # of those who had none at all


def ataxia(effect: dict[str, Any], **changes: Any) -> Scenario:
    """Return the trial in Friedreich's ataxia after a run-in of 24 weeks on the drug."""
    still = {"truth.stops_treatment": {"rate": "0 per year"}, "truth.uncertainty": "fixed"}
    told = {f"{EFFECT}.mfars.drug": effect, "design.run_in": {"for": "24 weeks", "give": "drug"}}
    return world(ATAXIA, {**still, **told, **changes})


@pytest.mark.parametrize(
    ("how", "at_start", "withdrawn", "kept"),
    [
        ({}, -3.0, -3.0, -9.0),  # grown in 24 weeks of 48, and kept
        ({"half_life": "4 weeks"}, (1 - 2**-6) / (1 - 2**-12), None, (1 - 2**-18) / (1 - 2**-12)),
    ],
)
def test_what_grew_is_kept_and_what_relieves_washes_out(
    how: dict[str, str], at_start: float, withdrawn: float | None, kept: float
) -> None:
    if how:
        at_start, kept = -6 * at_start, -6 * kept
        withdrawn = at_start * 2**-12  # 48 weeks off the drug
    folk = folk_of(ataxia({**POINTS, **how}))
    differences_of = []
    for arm in (0, 1):
        level = folk.walk(arm, slice(None), {"mfars"})["mfars"]
        untreated = level.latent.level + level.latent.slope * np.zeros((1, 1))
        assert (level.level(np.zeros((1, 1))) - untreated) == pytest.approx(at_start)
        late = np.full((1, 1), 336.0)
        differences_of.append(level.level(late) - level.latent.level - level.latent.slope * late)
    assert differences_of[0] == pytest.approx(withdrawn)
    assert differences_of[1] == pytest.approx(kept)


def test_readings_of_the_run_in_and_at_randomisation_are_under_treatment() -> None:
    found = [
        folk_of(ataxia(POINTS, **{"design.run_in": run_in}))
        for run_in in ({"for": "24 weeks", "give": "drug"}, "24 weeks")
    ]
    inside = (found[1].screened["mfars"] > 12) & (found[1].screened["mfars"] < 85)
    for name in ("mfars", "mfars_change_in_run_in"):
        change = (found[0].screened[name] - found[1].screened[name])[inside]
        assert near(change, -3.0) or np.allclose(change, -3.0)
    first = [folk.read(0, ["mfars"])["mfars"][..., 0] for folk in found]
    assert np.allclose((first[0] - first[1])[inside], -3.0, atol=1.0)


def test_a_run_in_on_nothing_or_without_effect_is_one_without_treatment() -> None:
    """To the last bit, in both hypotheses."""
    wait, nothing = (
        {"design.run_in": "12 weeks"},
        {"design.run_in": {"for": "12 weeks", "give": "nothing"}},
    )
    cases = [(busy(nothing), busy(wait), "effect"), (busy(), busy(wait), "no_effect")]
    for one, other, hypothesis in cases:
        runs = [run_block(each, hypothesis, 3, 0, replicates=TRIALS) for each in (one, other)]
        assert differences(*runs) == []


def test_the_arm_that_goes_on_has_one_course() -> None:
    folk = folk_of(busy())
    withdrawn, kept = (folk.exposures(arm)["serious_infection"].courses for arm in (0, 1))
    assert [float(course.since.min()) for course in kept] == [-RUN_IN]
    assert [float(course.since.min()) for course in withdrawn] == [-RUN_IN, 0.0]
    assert float(withdrawn[0].until.max()) == 0.0


@pytest.mark.parametrize("resolution", [1, 30 * 86_400])
def test_both_conducts_agree(resolution: int) -> None:
    rash = {"rate": "2 per year", "by_arm": {"interferon": 3.0}, "stops_treatment": 0.2}
    rash |= {"lowers_dose": {"share": 0.5, "to": 0.5}, "why": "a test"}
    scenario = busy({"truth.adverse_events": {"rash": rash}})
    runs = [
        run_block(scenario, "effect", 5, 0, engine, TRIALS, resolution)
        for engine in ("block", "simpy")
    ]
    assert differences(*runs) == []
    alone = run_block(scenario, "effect", 5, 0, "block", 2, resolution)
    assert (alone.ledger.randomised == runs[0].ledger.randomised[:2]).all()


def test_true_values_are_those_of_the_patients_who_are_randomised() -> None:
    """Of events a ratio of 0.2 in responders, who are more among the eligible than in all."""
    scenario = busy()
    found = np.exp(np.mean(true_values(scenario, "effect", 4, 0)["infection_rate"]))
    folk = folk_of(scenario)
    effect = folk.effects["serious_infection"]["interferon"]
    responds = np.asarray(folk.responders.dose("interferon", effect)) > 0
    rate = folk.latents["serious_infection"].intensity[folk.eligible]
    ratio = float((rate * np.where(responds[folk.eligible], 0.2, 1.0)).sum() / rate.sum())
    assert ratio < 0.58
    assert found == pytest.approx(ratio, abs=0.02)


def test_a_diary_counts_under_treatment_and_events_come_after_it(tmp_path: Path) -> None:
    """Half the fits in the run-in; withdrawn, no death comes otherwise than without the drug.

    A death cannot come before randomisation, and a ratio ends with the drug.
    """
    (tmp_path / "curves.yaml").write_text(MODEL)
    text = SCENARIO.replace("run_in: 28 days", "run_in: {for: 28 days, give: drug}")
    assert text != SCENARIO
    treated, untreated = (
        folk_of(scenario_from(each.replace("0.6}", "0.5}"), tmp_path / "curves.yaml"))
        for each in (text, SCENARIO)
    )
    before = untreated.screened["fits"]
    assert near(treated.screened["fits"] - 0.5 * before, 0.0)
    deaths = [folk.walk(0, slice(None), {"death"})["death"].days for folk in (treated, untreated)]
    assert (deaths[0] == deaths[1]).all()
    grown = [folk.walk(0, slice(None), {"walk"})["walk"] for folk in (treated, untreated)]
    late = np.full((1, 1), 336.0)
    assert grown[0].level(late) - grown[1].level(late) == pytest.approx(30 * 28 / 336)


def test_withdrawn_patients_have_the_events_of_untreated_ones() -> None:
    folk = [folk_of(busy(each)) for each in ({}, {"design.run_in": "12 weeks"})]
    walked = [each.walk(0, slice(None)) for each in folk]
    for name, path in walked[0].items():
        assert (path.days == walked[1][name].days).all(), name
