"""Arms as sequences of periods: treatments by hand, who takes a period, both conducts, the log."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from raresim.errors import InputError
from raresim.files.units import SECONDS_A_DAY
from raresim.streams import Luck
from raresim.study import simulate
from raresim.study.trial_numbers import of_arm
from raresim.study.truth import true_values
from raresim.trial import Scenario, run_block
from raresim.trial.engine import run_one
from raresim.trial.fate.candidates import people
from raresim.trial.fate.drop_out import comes_on
from raresim.trial.fate.people import People
from raresim.trial.fate.sequence import in_order
from raresim.trial.grammar.arm import Planned
from raresim.trial.grammar.patient import Hazard
from raresim.trial.ticks import NEVER
from tests.worlds import ATAXIA, CGD, differences, world

UNITS, TRIALS = 20, 24
NONE = {"rate": "0 per year"}
GIVEN = {"placebo": {"give": "placebo"}, "drug": {"give": "the drug", "every": "day"}}
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
EVENTFUL = {
    "truth.adverse_events": {"rash": {**RASH, "lowers_dose": {"share": 0.5, "to": 0.5}}},
    "truth.rescue": {"steroids": STEROIDS},
    "truth.leaves_study": LEAVES,
    "truth.missed_visits.share": 0.2,
    "analysis.estimands.change.intercurrent.steroids": "treatment policy",
}


def period(give: str, weeks: int, **line: Any) -> dict[str, Any]:
    return {"give": give, "for": f"{weeks} weeks", **line}


def ataxia(first: list[Any], second: list[Any], **changes: Any) -> Scenario:
    """Return the trial in Friedreich's ataxia with two arms of periods, 48 weeks together."""
    arms = {"placebo": {"periods": first}, "drug": {"periods": second}}
    told = {"design.treatments": GIVEN, "design.arms": arms, **changes}
    return world(ATAXIA, told)


def quiet(*arms: list[Any], **changes: Any) -> Scenario:
    """Return the trial without stopping, leaving and draws."""
    still = {"truth.stops_treatment": NONE, "truth.leaves_study": NONE}
    return ataxia(*arms, **still | {"truth.uncertainty": "fixed"} | changes)


def folk_of(scenario: Scenario) -> People:
    numbers, effects = scenario.model.published, scenario.effects("effect")
    return people(scenario, Luck(5, 0).only(slice(0, 128)), UNITS, numbers, effects)


DELAYED = [period("placebo", 24), period("drug", 24)]
EARLY = [period("drug", 48)]


def test_periods_of_one_treatment_are_one_course() -> None:
    """To the last bit those of an arm without periods, whatever else happens."""
    whole = world(ATAXIA, EVENTFUL)
    first = [period("placebo", 24), period("placebo", 24)]
    second = [period("drug", 12), period("drug", 36, only_if={"score": "mfars", "rises_by": 1})]
    parts = ataxia(first, second, **EVENTFUL)
    runs = [run_block(each, "effect", 4, 0, replicates=TRIALS) for each in (whole, parts)]
    assert set(differences(*runs)) == {"ledger.periods"}
    assert (runs[1].ledger.periods < NEVER).any()


A, B, C = (
    Planned("a", 0.0, 10.0),
    Planned("b", 10.0, 20.0),
    Planned("a", 20.0, 30.0),
)


@pytest.mark.parametrize(
    ("takes", "stages"),
    [
        ((True, True), [("a", 10), ("b", 20), ("a", 30)]),
        ((True, False), [("a", 10), ("b", 30), ("a", 30)]),
        ((False, True), [("a", 30), ("b", 30), ("a", 30)]),  # goes on with a: one course
        ((False, False), [("a", 30), ("b", 30), ("a", 30)]),
    ],
)
def test_who_does_not_take_a_period_stays_on_the_one_before(
    takes: tuple[bool, bool], stages: list[Any]
) -> None:
    found = in_order((A, B, C), [np.full((1, 1), each) for each in takes])
    ends = found.stages(np.full((1, 1), np.inf))
    assert [(name, float(end[0, 0])) for name, end in ends] == stages
    stopped = found.stages(np.full((1, 1), 15.0))
    assert [float(end[0, 0]) for _, end in stopped] == [min(end, 15) for _, end in stages]
    since = [float(day[0, 0]) for day in found.turns(np.full((1, 1), 15.0))]
    assert since == [10.0 if takes[0] else np.inf, np.inf]


def test_patients_of_one_arm_go_different_ways() -> None:
    takes = [np.array([[True, True, False]]), np.array([[True, False, True]])]
    third = Planned("c", 20.0, 30.0)
    found = in_order((A, B, third), takes)
    assert [day.ravel().tolist() for day in found.begins[1:]] == [[10, 10, 20], [20, 30, 20]]
    assert in_order((A, C), [takes[0]]).names == ("a",)


@pytest.mark.parametrize(("need", "on"), [(0.3, 6.0), (1.2, 10 + 0.7 / 0.1), (9.0, 40 + 4.7 / 0.2)])
def test_a_hazard_follows_the_treatment_at_hand(need: float, on: float) -> None:
    """0.05 a day to day 10, 0.1 to day 30, nothing to day 40, then 0.2; 0.5, 2.5 and 2.5 in all."""
    by_arm = {"b": 2.0, "c": 0.0, "d": 4.0}
    hazard = Hazard.model_validate({"rate": "0.05 per day", "by_arm": by_arm})
    days = [np.full((1, 1), day) for day in (10.0, 30.0, 40.0)]
    found = comes_on(
        hazard,
        ("a", "b", "c", "d"),
        days,
        *(np.full((1, 1), need), np.zeros((1, 1, 1)), np.zeros((1, 1, 1))),
    )
    by_hand = on if need < 9 else 40 + (9 - 2.5) / 0.2
    assert found[0, 0] == pytest.approx(by_hand, abs=1e-9)


def test_who_has_stopped_keeps_the_hazard_of_what_they_had() -> None:
    scenario = ataxia(
        DELAYED,
        EARLY,
        **{
            "truth.leaves_study": {"rate": "1 per year", "by_arm": {"drug": 0.25}, "why": "a test"},
            "truth.stops_treatment": {"rate": "2 per year", "why": "a test"},
        },
    )
    folk = folk_of(scenario)
    need = np.full(folk.eligible.shape, 2.0)
    found = folk.comes(scenario.spec.truth.leaves_study, 0, need)
    year, start = 365.25, 168.0
    turned = start + (2.0 * year - start) / 0.25
    by_hand = np.where(folk.treatment(0).stop < start, 2.0 * year, turned)
    assert found == pytest.approx(by_hand, abs=1e-8)
    assert len(np.unique(np.round(by_hand))) == 2


def test_a_difference_grows_while_the_drug_is_given() -> None:
    """-2.4 points in 336 days of treatment: none by week 24, half of it by week 48."""
    between = [period("nothing", 12), period("drug", 12), period("nothing", 24)]
    folk = folk_of(quiet(DELAYED, between))
    bare = folk.scenario.model.walk(folk.latents, names={"mfars"})["mfars"].level
    for arm, grown in ((0, {100: 0, 168: 0, 200: 32, 400: 168}), (1, {84: 0, 100: 16, 300: 84})):
        level = folk.walk(arm, slice(None))["mfars"].level
        for day, by_hand in grown.items():
            at = np.full(folk.eligible.shape, float(day))
            assert level(at) - bare(at) == pytest.approx(-2.4 * by_hand / 336, abs=1e-9)


def test_adverse_events_come_as_the_treatment_at_hand_has_them() -> None:
    """Three times as often on the drug: what would come on day 168 + x does on 168 + x / 3."""
    rash = {"rash": {"rate": "6 per year", "by_arm": {"drug": 3.0}, "why": "a test"}}
    folk = folk_of(quiet(DELAYED, EARLY, **{"truth.adverse_events": rash}))
    days = [folk.treatment(arm).adverse["rash"] for arm in (0, 1)]
    off = 3 * days[1]
    by_hand = np.where(off <= 168, off, 168 + (off - 168) / 3)
    seen = by_hand <= 336
    width = min(day.shape[-1] for day in days)
    assert days[0][..., :width][seen] == pytest.approx(by_hand[seen], abs=1e-8)
    assert (days[0][~seen] == np.inf).all()


def test_a_score_decides_by_its_last_reading_before_the_period() -> None:
    """Visits of weeks 4, 12, 24 come a week early or late; some are missed."""
    line = {"unless": {"score": "mfars", "rises_by": 2}}
    arm = [period("placebo", 24), period("drug", 24, **line)]
    scenario = ataxia(arm, EARLY, **{"truth.missed_visits.share": 0.3})
    run = run_block(scenario, "effect", 3, 0, replicates=TRIALS)
    ledger, read = run.ledger, run.fate.lives.arms[0].readings["mfars"]
    started = 0
    for row, place in zip(*np.nonzero(ledger.present & (ledger.arm == 0)), strict=True):
        begin = ledger.randomised[row, place]
        due = begin + 168 * SECONDS_A_DAY
        number = run.fate.roster.place[row, ledger.candidate[row, place]]
        own = read[row, number]
        value = own[0]
        for visit, tick in enumerate(run.fate.lives.arms[0].visits[row, number]):
            value = own[1 + visit] if begin + tick <= due else value
        stopped = run.fate.lives.arms[0].stop[row, number] <= 168 * SECONDS_A_DAY
        gone = ledger.exit[row, place] <= due
        expected = NEVER if value - own[0] >= 2 or stopped or gone else due
        assert ledger.periods[row, place, 0] == expected
        started += expected < NEVER
    assert 100 < started < (ledger.present & (ledger.arm == 0)).sum() - 100


def test_events_decide_within_the_period_before() -> None:
    """The drug again in whoever had an infection in the second period, not in the first."""
    again = period("interferon", 12, only_if={"event": "serious_infection"})
    arms = {
        "placebo": {"periods": [period("placebo", 12)] * 3},
        "interferon": {"periods": [period("interferon", 12), period("nothing", 12), again]},
    }
    scenario = world(
        CGD,
        {
            "design.treatments": {"placebo": {"give": "p"}, "interferon": {"give": "i"}},
            "design.arms": arms,
            "design.treat_for": "36 weeks",
        },
    )
    folk = folk_of(scenario)
    days = folk.walk(1, slice(None), stops=False)["serious_infection"].days
    had = ((days > 84) & (days <= 168)).any(axis=-1)
    assert np.array_equal(folk.taken(1)[1], had)
    assert 0.02 < had.mean() < 0.5
    ends = folk.sequence(1).stages(np.full(had.shape, np.inf))
    assert np.array_equal(ends[1][1], np.where(had, 168.0, 252.0))
    runs = [run_block(scenario, "effect", 4, 0, engine, TRIALS) for engine in ("block", "simpy")]
    assert differences(*runs) == []


def test_a_rescue_before_a_period_decides_with_it() -> None:
    """In the world without rescue others take the period: each world follows its own readings."""
    line = {"only_if": {"score": "mfars", "below": 40}}
    arm = [period("placebo", 36), period("drug", 12, **line)]
    folk = folk_of(quiet(arm, EARLY, **EVENTFUL | {"truth.leaves_study": NONE}))
    with_it, without = (folk.taken(0, rescue=rescue)[0] for rescue in (True, False))
    rescued = folk.treatment(0).rescues.since["steroids"]
    assert np.array_equal(with_it[rescued > 252], without[rescued > 252])
    assert (with_it & ~without).any()
    again = folk_of(quiet(arm, EARLY, **EVENTFUL | {"truth.leaves_study": NONE}))
    read = again.read(0, ["mfars"])["mfars"]
    weeks = np.array(again.scenario.spec.design.visits.weeks)
    last = read[..., 1 + int(np.flatnonzero(weeks <= 36)[-1])]
    assert np.array_equal(last < 40, with_it), "everybody is seen on the planned days"


def test_the_truth_of_a_delayed_start_is_what_the_delay_costs() -> None:
    """24 weeks less of -2.4 points in 48 weeks; 0.02 is four standard errors and the rounding."""
    scenario = quiet(DELAYED, EARLY)
    found = true_values(scenario, "effect", 1, 0)["change"]
    assert found.mean() == pytest.approx(-1.2, abs=0.02)


def eventful() -> Scenario:
    line = {"unless": {"score": "mfars", "rises_by": 2, "confirmed": True}}
    first = [*DELAYED[:1], period("drug", 12, **line), period("nothing", 12)]
    second = [period("drug", 20), period("placebo", 20), period("drug", 8, **line)]
    return ataxia(first, second, **EVENTFUL, **{"truth.data_entry": {"mean": "2 weeks"}})


def test_both_conducts_let_everything_else_go_on() -> None:
    scenario = eventful()
    runs = [run_block(scenario, "effect", 4, 0, engine, TRIALS) for engine in ("block", "simpy")]
    assert differences(*runs) == []
    alone = run_block(scenario, "effect", 4, 0, "block", 5)
    assert np.array_equal(alone.ledger.periods, runs[0].ledger.periods[:5])
    assert np.array_equal(alone.fate.lives.arms[1].leave, runs[0].fate.lives.arms[1].leave[:5])


def test_the_log_tells_each_change() -> None:
    scenario = eventful()
    run, log = run_one(scenario, "effect", 4, 3)
    arms = dict(zip(run.ledger.candidate[0], run.ledger.arm[0], strict=True))
    said = [entry for entry in log if entry.what == "period begun"]
    by_arm = {arm: {e.detail for e in said if arms[e.candidate] == arm} for arm in (0, 1)}
    assert by_arm == {0: {"2: drug", "3: nothing"}, 1: {"2: placebo", "3: drug"}}
    assert len(said) == (run.ledger.periods < NEVER).sum()
    stopped = {e.candidate: e.tick for e in log if e.what == "treatment stopped"}
    assert stopped and all(e.tick < stopped.get(e.candidate, NEVER) for e in said)


def test_how_many_begin_a_period_with_a_condition_is_told() -> None:
    scenario = eventful()
    found = simulate(scenario, 16, 1, workers=1).summary.trial
    told = {n.column: n.label for arm in scenario.arms for n in of_arm(scenario, arm)}
    assert told["placebo.period_2"] == "began period 2, drug"
    assert told["drug.period_3"] == "began period 3, drug"
    assert "placebo.period_3" not in told and set(told) <= set(found)
    patients, begun = found["placebo.patients"]["mean"], found["placebo.period_2"]["mean"]
    assert 0 < begun.value < patients.value


BEFORE = {"score": "mfars", "rises_by": 2}


@pytest.mark.parametrize(
    ("first", "changes", "said"),
    [
        ([period("placebo", 20)], {}, "the periods last 20 weeks, treatment 48 weeks"),
        ([period("plcebo", 48)], {}, "unknown treatment 'plcebo'"),
        ([period("placebo", 0), EARLY[0]], {}, "a period lasts for some time"),
        ([period("placebo", 48, unless=BEFORE)], {}, "the first period is everybody's"),
        (
            [DELAYED[0], period("drug", 24, unless=BEFORE, only_if=BEFORE)],
            {},
            "either 'unless' or 'only_if'",
        ),
        (
            [period("placebo", 2), period("drug", 46, unless=BEFORE)],
            {},
            "no visit takes place before this period",
        ),
        (
            [DELAYED[0], period("drug", 24, unless={"score": "mfras", "below": 2})],
            {},
            "unknown score 'mfras'",
        ),
        ([DELAYED[0], period("drug", 24, only_if={"event": "attack"})], {}, "unknown event"),
        (DELAYED, {"design.treatments.other": {"give": "x"}}, "no period of an arm gives 'other'"),
        (DELAYED, {"design.treatments.nothing": {"give": "x"}}, "a treatment of every design"),
        (DELAYED, {"design.treatments": {}}, "does not say what 'placebo' is"),
        (DELAYED, {"design.arms.drug": {"give": "it"}}, "an arm that gives its own"),
        (DELAYED, {"design.arms.drug.give": "it"}, "either 'give' or 'periods'"),
        (DELAYED, {"design.arms.drug.every": "day"}, "periods say what is given"),
        (
            DELAYED,
            {"truth.stops_treatment": {"rate": "1 per year", "by_arm": {"delayed": 2.0}}},
            "unknown treatment 'delayed'",
        ),
        (
            DELAYED,
            {"design.kits": {"first": 2, "order": 2, "arrives_after": "2 weeks"}},
            "a kit of its own",
        ),
        (
            DELAYED,
            {
                "design.milestones.late": {
                    "when": {"calendar": "9 months"},
                    "do": [{"cross_over": "placebo", "to": "drug"}],
                }
            },
            "at a milestone and by periods",
        ),
    ],
)
def test_what_cannot_be_is_refused(first: list[Any], changes: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        ataxia(first, EARLY, **changes)
