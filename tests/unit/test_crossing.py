"""Patients who cross over at a milestone: their lives by hand, and in both conducts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from raresim.alike import take
from raresim.errors import InputError
from raresim.files.units import SECONDS_A_DAY
from raresim.streams import Luck
from raresim.trial import Scenario, run_block
from raresim.trial.fate.adverse_events import AdverseLuck
from raresim.trial.fate.candidates import people
from raresim.trial.fate.crossing import crossed
from raresim.trial.fate.decided import fate
from raresim.trial.fate.drop_out import comes_on
from raresim.trial.fate.people import People
from raresim.trial.grammar.intercurrent import CROSSES
from raresim.trial.grammar.patient import AdverseEvent, Hazard
from raresim.trial.ticks import NEVER
from tests.worlds import ATAXIA, CGD, differences, world

UNITS, TRIALS = 20, 24
CROSS = {"cross_over": "placebo", "to": "drug"}
NONE = {"rate": "0 per year"}


def ataxia(*actions: Any, **truth: Any) -> Scenario:
    """Return the trial in Friedreich's ataxia, with a milestone after ten months."""
    told = {"stops_treatment": NONE, "leaves_study": NONE, "uncertainty": "fixed", **truth}
    changes = {f"truth.{name}": value for name, value in told.items()}
    change = {"when": {"calendar": "10 months"}, "do": [*actions]}
    final = {"when": {"everybody": "finished"}, "do": ["analyse change"]}
    milestones = {"change": change, "final": final} if actions else {"final": final}
    policy = dict.fromkeys(["stops_treatment", *truth.get("rescue", {})], "treatment policy")
    if any("cross_over" in action for action in actions):
        policy["crosses_over"] = "treatment policy"
    changes["analysis.estimands.change.intercurrent"] = policy
    changes["design.follow_for"] = "12 months"
    return world(ATAXIA, changes | {"design.milestones": milestones})


def folk_of(scenario: Scenario) -> People:
    numbers, effects = scenario.model.published, scenario.effects("effect")
    return people(scenario, Luck(5, 0), UNITS, numbers, effects)


def changed_on(scenario: Scenario, folk: People, day: float) -> People:
    """Return the people when everybody on placebo changes on a day."""
    since = np.full(folk.eligible.shape, int(day * SECONDS_A_DAY))
    return crossed(scenario, folk, {0: since})


def test_events_of_two_treatments_follow_each_other() -> None:
    """Rate 1 a day off treatment, half as much to day 10, twice as much to day 20."""
    spec = {"rate": "1 per day", "by_arm": {"a": 0.5, "b": 2.0}, "while": "always"}
    off = np.array([[[3.0, 9.0, 24.0, 30.0]]])
    none = np.zeros(off.shape, bool)
    luck = AdverseLuck(AdverseEvent.model_validate(spec), off, none, none)
    days = luck.days([("a", np.full((1, 1), 10.0)), ("b", np.full((1, 1), 20.0))])
    assert days.ravel().tolist() == [6.0, 12.0, 19.5, 25.0]  # 5 + 2 x, then 25 + (x - 20)


@pytest.mark.parametrize("need", [0.3, 1.2, 4.0])
def test_a_hazard_turns_with_the_treatment(need: float) -> None:
    """0.05 a day to day 10, then 0.1; from day 12 on twice that for what was read."""
    hazard = Hazard.model_validate({"rate": "0.05 per day", "by_arm": {"b": 2.0}})
    edges = np.array([[[0.0, 12.0]]])
    ratios = np.log(np.array([[[1.0, 2.0]]]))
    at = np.full((1, 1), 10.0)
    day = comes_on(hazard, ("a", "b"), [at], np.full((1, 1), need), edges, ratios)
    by_hand = {0.3: 6.0, 1.2: 12 + 0.5 / 0.2, 4.0: 12 + 3.3 / 0.2}
    assert day[0, 0] == pytest.approx(by_hand[need], abs=1e-12)
    never = comes_on(hazard, ("a", "b"), [at * np.inf], np.full((1, 1), need), edges, ratios)
    alone = 12 + (need - 0.6) / 0.1 if need > 0.6 else need / 0.05
    assert never[0, 0] == pytest.approx(alone, abs=1e-12)


def test_a_difference_grows_from_the_change_on() -> None:
    """-2.4 points in 336 days of treatment; treatment ends on day 336 as planned."""
    scenario = ataxia(CROSS)
    folk = folk_of(scenario)
    later = changed_on(scenario, folk, 100.0)
    for day, grown in ((90.0, 0.0), (100.0, 0.0), (200.0, 100.0), (336.0, 236.0), (400.0, 236.0)):
        at = np.full(folk.eligible.shape, day)
        levels = [each.walk(0, slice(None))["mfars"].level(at) for each in (folk, later)]
        assert levels[1] - levels[0] == pytest.approx(-2.4 * grown / 336, abs=1e-9)
    longer = ataxia({**CROSS, "treat_for": "20 weeks"})
    ended = changed_on(longer, folk_of(longer), 300.0).walk(0, slice(None))["mfars"].level
    plain = folk.walk(0, slice(None))["mfars"].level
    at = np.full(folk.eligible.shape, 500.0)
    assert ended(at) - plain(at) == pytest.approx(-2.4 * 140 / 336, abs=1e-9)


def test_recurrent_events_run_at_the_new_rate_from_the_change_on() -> None:
    """With a ratio r since day s, what came on day d > s comes on s + (d - s) / r."""
    both = ("infection_free", "infection_rate")
    scenario = world(
        CGD,
        {
            "truth.stops_treatment": NONE,
            "truth.uncertainty": "fixed",
            "design.milestones.interim.do": [
                "analyse infection_free",
                {"cross_over": "placebo", "to": "interferon"},
            ],
            **{
                f"analysis.estimands.{name}.intercurrent.{CROSSES}": "treatment policy"
                for name in both
            },
        },
    )
    folk = folk_of(scenario)
    later = changed_on(scenario, folk, 80.0)
    ratio = float(scenario.effects("effect")["serious_infection"]["interferon"].value[0])
    before, after = (f.walk(0, slice(0, 64))["serious_infection"].days for f in (folk, later))
    until = scenario.spec.design.treat_for
    seen = before < 80 + (until - 80) * ratio
    by_hand = np.where(before <= 80, before, 80 + (before - 80) / ratio)
    assert after[seen] == pytest.approx(by_hand[seen], abs=1e-8) and seen.any()


def test_who_is_on_treatment_changes_and_nobody_else() -> None:
    scenario = ataxia(CROSS, stops_treatment={"rate": "1 per year", "why": "a test"})
    decided = fate(scenario, Luck(5, 0), "effect", 60, rows=slice(0, TRIALS))
    act = int(300 * SECONDS_A_DAY)
    found = decided.crossing_over(np.full((TRIALS, 1), act))
    ready = take(decided.ready, decided.roster.candidate)
    since, planned = np.maximum(act - ready, 0), 336 * SECONDS_A_DAY
    on = (decided.lives.arms[0].stop > since) & (since < planned)
    assert np.array_equal(found.lives.arms[0].crossed, np.where(on, since, NEVER))
    assert (found.lives.arms[1].crossed == NEVER).all() and (~on).any()
    assert ((since == 0) & on).any(), "who comes later has the drug from the beginning"
    for name in ("stop", "leave", "follow"):
        old, new = ([getattr(life, name) for life in each.lives.arms] for each in (decided, found))
        assert np.array_equal(old[0][~on], new[0][~on])
        assert np.array_equal(old[1], new[1])
    read = [each.lives.arms[0].readings["mfars"] for each in (decided, found)]
    assert np.array_equal(read[0][~on], read[1][~on]) and not np.array_equal(*read)


RASH = {"rate": "2 per year", "by_arm": {"drug": 3.0}, "stops_treatment": 0.2, "why": "a test"}
STEROIDS = {
    "when": {"score": "mfars", "rises_by": 3},
    "share": 0.7,
    "effects": {"mfars": {"difference": -4, "after": "12 weeks"}},
    "why": "a test",
}
LEAVES = {
    "rate": "0.3 per year",
    "by_arm": {"drug": 0.5},
    "follows": [{"score": "mfars", "hazard_ratio": 1.4, "for": "3 points", "of": "change"}],
    "why": "a test",
}


def test_both_conducts_let_everything_else_go_on() -> None:
    """Adverse events, rescue, leaving that follows what was read: all turn with the treatment."""
    again = {**CROSS, "treat_for": "48 weeks"}
    truth = {
        "adverse_events": {"rash": {**RASH, "lowers_dose": {"share": 0.5, "to": 0.5}}},
        "rescue": {"steroids": STEROIDS},
        "leaves_study": LEAVES,
        "data_entry": {"mean": "2 weeks"},
    }
    scenario = ataxia("close recruitment", again, {"follow_for": "24 months"}, **truth)
    runs = [run_block(scenario, "effect", 4, 0, engine, TRIALS) for engine in ("block", "simpy")]
    assert differences(*runs) == []
    for arm in (0, 1):
        read = [run.fate.lives.arms[arm].readings["mfars"] for run in runs]
        assert np.array_equal(*read)
    alone = run_block(scenario, "effect", 4, 0, "block", 5)
    assert np.array_equal(alone.ledger.crossed, runs[0].ledger.crossed[:5])
    assert (runs[0].ledger.crossed < NEVER).any(axis=1).all()


def test_crossing_over_takes_from_the_difference_unless_it_is_hypothetical() -> None:
    """The drug lowers mFARS, on placebo too now; whose visit comes after the change is left out."""
    strategy = {f"analysis.estimands.change.intercurrent.{CROSSES}": "hypothetical"}
    late = {"design.milestones.change.when": {"calendar": "16 months"}}
    crossing = ataxia(CROSS).changed(late)
    scenarios = ataxia("close recruitment").changed(late), crossing, crossing.changed(strategy)
    seen = []
    for scenario in scenarios:
        run = run_block(scenario, "effect", 8, 0, replicates=200)
        (record,) = (r for look, r in run.analyst.records.items() if look.milestone == "final")
        seen.append(record)
    plain, policy, without = (record["estimate"] for record in seen)
    assert np.nanmean(policy - plain) > 0.5
    gained = without - plain
    error = np.nanstd(gained, ddof=1) / np.sqrt(np.sum(~np.isnan(gained)))
    assert abs(np.nanmean(gained)) < 4 * error, "what is left is smaller, and unbiased"
    assert (seen[2]["used"] < seen[0]["used"]).mean() > 0.9


def test_a_rate_counts_only_the_time_before_a_change() -> None:
    """Who joins the arm after the change has no time: nothing breaks."""
    both = ("infection_free", "infection_rate")
    cross = {"cross_over": "placebo", "to": "interferon"}
    strategies = {
        f"analysis.estimands.{name}.intercurrent.{CROSSES}": "hypothetical" for name in both
    }
    change = {"when": {"calendar": "7 months"}, "do": [cross]}
    final = {"when": {"everybody": "finished"}, "do": [f"analyse {name}" for name in both]}
    milestones = {"design.milestones": {"change": change, "final": final}}
    runs = [
        run_block(world(CGD, milestones | strategies), "effect", 4, 0, engine, TRIALS)
        for engine in ("block", "simpy")
    ]
    assert differences(*runs) == []
    late = runs[0].ledger.crossed == runs[0].ledger.randomised
    assert (late & runs[0].ledger.present).any(axis=1).mean() > 0.5
    for record in runs[0].analyst.records.values():
        assert record["converged"].mean() > 0.9


def test_kits_of_another_arm_are_not_sent() -> None:
    kits = {"first": 2, "order": 2, "arrives_after": "2 weeks"}
    with pytest.raises(InputError, match="kits of another arm"):
        ataxia(CROSS).changed({"design.kits": kits})


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        ([{"cross_over": "drug", "to": "drug"}], "get that treatment already"),
        ([{"cross_over": "plcebo", "to": "drug"}], "did you mean 'placebo'"),
        ([CROSS, {**CROSS, "treat_for": "4 weeks"}], "cross over already"),
        ([{**CROSS, "only_if": "efficacy"}], "without analysing it"),
        (["analyse change", {**CROSS, "only_if": "harm"}], "nothing says what harm means"),
    ],
)
def test_what_cannot_be_is_refused(actions: list[Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ataxia(*actions)
