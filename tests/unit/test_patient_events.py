"""What happens to patients during a trial: hazards by hand, adverse events, doses, rescue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from raresim.disease import load_model
from raresim.errors import InputError
from raresim.files import parse
from raresim.files.units import SECONDS_A_DAY
from raresim.streams import Luck
from raresim.trial import Scenario, run_block
from raresim.trial.fate.candidates import largest_ratios, people
from raresim.trial.fate.decided import Fate, fate
from raresim.trial.fate.people import People
from raresim.trial.scenario import build
from raresim.trial.ticks import NEVER
from tests import curves
from tests.worlds import ATAXIA, CGD, by_candidate, differences, world

UNITS = 20
POLICY = "analysis.estimands.change.intercurrent"
STOP = {"rate": "0.4 per year", "why": "a test"}
ON_CHANGE = {"score": "mfars", "hazard_ratio": 1.4, "for": "3 points", "of": "change"}
RASH = {"rate": "0.9 per year", "by_arm": {"drug": 3.0}, "why": "a test"}
STEROIDS = {
    "when": {"score": "mfars", "rises_by": 3},
    "share": 0.7,
    "effects": {"mfars": {"difference": -4, "after": "12 weeks"}},
    "why": "a test",
}


def ataxia(**truth: Any) -> Scenario:
    """Return the trial in Friedreich's ataxia with another truth; nobody stops or leaves."""
    none = {"rate": "0 per year"}
    told = {"stops_treatment": none, "leaves_study": none, "uncertainty": "fixed", **truth}
    changes = {f"truth.{name}": value for name, value in told.items()}
    policy = dict.fromkeys(["stops_treatment", *truth.get("rescue", {})], "treatment policy")
    return world(ATAXIA, changes | {POLICY: policy})


def folk_of(scenario: Scenario, seed: int = 5) -> People:
    """Return people who are seen as planned."""
    numbers, effects = scenario.model.published, scenario.effects("effect")
    return people(scenario, Luck(seed, 0), UNITS, numbers, effects)


def fate_of(scenario: Scenario, seed: int = 5) -> Fate:
    """Return the lives of everybody, eligible or not, in the order of candidates."""
    hypothesis = scenario.hypotheses[0]
    return by_candidate(fate(scenario, Luck(seed, 0), hypothesis, UNITS, width=UNITS))


def left(decided: Fate) -> list[Any]:
    """Return when everybody leaves, under each arm."""
    return [life.leave for life in decided.lives.arms]


def used_up(scenario: Scenario, decided: Fate, arm: int, rate: float, days: np.ndarray) -> Any:
    """Return the cumulative hazard by some days, from what was read at the visits that took place.

    Written out patient by patient, as a check on the inversion.
    """
    read = decided.lives.arms[arm].readings["mfars"]
    found = np.zeros(days.shape)
    for row, unit in np.ndindex(*days.shape):
        at, x, last = 0.0, 0.0, days[row, unit]
        for visit, tick in enumerate(decided.lives.arms[0].visits[row, unit]):
            if tick < NEVER and tick / SECONDS_A_DAY < last:
                found[row, unit] += rate * 1.4 ** (x / 3) * (tick / SECONDS_A_DAY - at)
                at, x = tick / SECONDS_A_DAY, read[row, unit, visit + 1] - read[row, unit, 0]
        found[row, unit] += rate * 1.4 ** (x / 3) * (last - at)
    return found


def test_a_hazard_that_follows_nothing_is_that_of_luck_alone() -> None:
    scenario = ataxia(leaves_study=STOP)
    own = -np.log(Luck(5, 0).uniform("conduct.leaves_study", UNITS))
    hazard = scenario.spec.truth.leaves_study
    for arm in (0, 1):
        assert np.array_equal(folk_of(scenario).comes(hazard, arm, own), own / (0.4 / 365.25))


def test_a_ratio_of_one_changes_nothing_and_by_arm_only_its_arm() -> None:
    plain = fate_of(ataxia(leaves_study=STOP))
    one = fate_of(ataxia(leaves_study={**STOP, "follows": [{**ON_CHANGE, "hazard_ratio": 1.0}]}))
    assert max(np.abs(a - b).max() for a, b in zip(left(plain), left(one), strict=True)) <= 1
    twice = fate_of(ataxia(leaves_study={**STOP, "by_arm": {"drug": 2.0}}))
    assert np.array_equal(twice.lives.arms[0].leave, plain.lives.arms[0].leave)
    inside = plain.lives.arms[1].leave < NEVER
    assert np.abs(2 * twice.lives.arms[1].leave - plain.lives.arms[1].leave)[inside].max() <= 2


def test_the_hazard_at_which_treatment_ends_follows_what_was_read_before() -> None:
    """Readings are those of the final world, with stops and rescue: one pass was enough."""
    hazard = {**STOP, "follows": [ON_CHANGE]}
    scenario = ataxia(
        stops_treatment=hazard,
        rescue={"steroids": STEROIDS},
        missed_visits={"share": 0.3, "why": "a test"},
    )
    decided = fate(scenario, Luck(5, 0), "effect", UNITS, rows=slice(0, 40), width=UNITS)
    decided = by_candidate(decided)
    unit = -np.log(Luck(5, 0).uniform("conduct.stops_treatment", UNITS)[:40])
    for arm in (0, 1):
        days = decided.lives.arms[arm].stop / SECONDS_A_DAY
        inside = decided.lives.arms[arm].stop < NEVER
        spent = used_up(scenario, decided, arm, 0.4 / 365.25, np.where(inside, days, 1.0))
        assert np.allclose(spent[inside], unit[inside], rtol=1e-6)
        assert inside.mean() > 0.9


def test_what_is_read_by_the_end_of_treatment_does_not_depend_on_it() -> None:
    stops = {**STOP, "rate": "1.5 per year"}
    without, ended = fate_of(ataxia()), fate_of(ataxia(stops_treatment=stops))
    before = ended.lives.arms[0].visits <= ended.lives.arms[1].stop[..., None]
    a, b = (each.lives.arms[1].readings["mfars"][..., 1:] for each in (without, ended))
    assert np.array_equal(a[before], b[before])
    assert (a != b)[~before].any()


def test_the_true_values_see_the_same_world_as_a_trial_without_jitter() -> None:
    """Visits on their days, none missed: people asked without a trial live as those in one."""
    scenario = ataxia(
        adverse_events={"rash": {**RASH, "stops_treatment": 0.2}},
        stops_treatment={**STOP, "follows": [ON_CHANGE]},
        missed_visits={"share": 0.0},
        rescue={"steroids": STEROIDS},
    ).changed({"design.visits.window": "0 days"})
    decided, folk = fate_of(scenario), folk_of(scenario)
    for arm in (0, 1):
        assert np.array_equal(
            folk.read(arm, ["mfars"])["mfars"], decided.lives.arms[arm].readings["mfars"]
        )
    asked = {
        (stops, rescue): folk.read(1, ["mfars"], stops=stops, rescue=rescue)["mfars"]
        for stops in (True, False)
        for rescue in (True, False)
    }
    only = {"adverse_events": {"rash": RASH}, "missed_visits": {"share": 0.0}}
    rescued = ataxia(**only, rescue={"steroids": STEROIDS})
    plain = ataxia(**only)
    for rescue, other in ((True, rescued), (False, plain)):
        other = other.changed({"design.visits.window": "0 days"})
        assert np.array_equal(asked[False, rescue], fate_of(other).lives.arms[1].readings["mfars"])
    assert len({float(read[..., -1].mean()) for read in asked.values()}) == 4


def test_a_replicate_alone_is_that_of_the_block() -> None:
    lowers = {"share": 0.6, "to": 0.5}
    scenario = ataxia(
        adverse_events={"rash": {**RASH, "stops_treatment": 0.1, "lowers_dose": lowers}},
        stops_treatment={**STOP, "follows": [ON_CHANGE]},
        leaves_study={**STOP, "follows": [{**ON_CHANGE, "seen": False}]},
        rescue={"steroids": STEROIDS},
    )
    block = fate_of(scenario).rows(slice(70, 73))
    alone = fate(scenario, Luck(5, 0), "effect", UNITS, rows=slice(70, 73), width=UNITS)
    alone = by_candidate(alone)
    for arm in (0, 1):
        pairs = [
            (life.stop, life.leave, life.readings["mfars"], life.rescued["steroids"])
            for life in (block.lives.arms[arm], alone.lives.arms[arm])
        ]
        for a, b in zip(*pairs, strict=True):
            assert np.array_equal(a, b)
        width = alone.lives.arms[arm].events["rash"].shape[-1]
        assert np.array_equal(
            block.lives.arms[arm].events["rash"][..., :width], alone.lives.arms[arm].events["rash"]
        )
        assert (block.lives.arms[arm].events["rash"][..., width:] == NEVER).all()


def test_adverse_events_do_not_move_each_other() -> None:
    fall = {"rate": "1 per year", "once": True, "while": "always"}
    both = fate_of(ataxia(adverse_events={"rash": RASH, "fall": fall}))
    alone = fate_of(ataxia(adverse_events={"fall": fall}))
    assert np.array_equal(both.lives.arms[1].events["fall"], alone.lives.arms[1].events["fall"])
    assert both.lives.arms[1].events["fall"].shape[-1] == 1
    assert set(both.lives.arms[1].events) == {"rash", "fall"}


def test_the_events_by_the_end_of_treatment_do_not_depend_on_it() -> None:
    ending = {**RASH, "stops_treatment": 0.3}
    without = fate_of(ataxia(adverse_events={"rash": RASH})).lives.arms[1].events["rash"]
    decided = fate_of(ataxia(adverse_events={"rash": ending}))
    with_stops, stop = decided.lives.arms[1].events["rash"], decided.lives.arms[1].stop[..., None]
    width = with_stops.shape[-1]
    assert np.array_equal(
        np.where(without <= stop, without, NEVER)[..., :width], with_stops
    )  # nothing comes after treatment, and the event that ends it stays
    ended = stop[..., 0] < NEVER
    assert (with_stops == stop).any(-1)[ended].all() and 0.3 < ended.mean() < 0.8


def test_events_go_on_at_their_own_rate_after_treatment() -> None:
    always = {**RASH, "while": "always"}
    stops = {**STOP, "rate": "2 per year"}
    folk = folk_of(ataxia(adverse_events={"rash": always}, stops_treatment=stops))
    under, until = folk.treatment(1), np.minimum(folk.treatment(1).stop, 336.0)
    untreated = folk.treatment(0, stops=False).adverse["rash"]  # ratio 1: as if never treated
    days, end = under.adverse["rash"], until[..., None]
    later = days > end
    assert np.allclose(days[~later], (untreated / 3)[~later])
    assert np.allclose(days[later], (untreated - 2 * end)[later])


def test_a_lower_dose_lessens_the_slope_by_its_factor_from_then_on() -> None:
    lowers = {**RASH, "lowers_dose": {"share": 1.0, "to": 0.5}}
    folk = folk_of(ataxia(adverse_events={"rash": lowers}))
    level = folk.walk(1, slice(None))["mfars"].level
    plain = folk.walk(0, slice(None))["mfars"].level
    rash = folk.treatment(1).adverse["rash"]
    for days in np.linspace(1, 330, 40):
        at = np.full(rash.shape[:2], days)
        gained = (level(at + 1) - plain(at + 1)) - (level(at) - plain(at))
        before, by = (np.sum(rash <= each, axis=-1) for each in (days, days + 1))
        same = before == by
        assert np.allclose(gained[same], (-2.4 / 336 * 0.5**before)[same], atol=1e-9)
    assert before.max() > 3


def test_nothing_before_a_lower_dose_changes() -> None:
    lowers = {**RASH, "lowers_dose": {"share": 0.5, "to": 0.0}}
    lowered = fate_of(ataxia(adverse_events={"rash": lowers}))
    plain = fate_of(ataxia(adverse_events={"rash": RASH}))
    assert np.array_equal(lowered.lives.arms[1].events["rash"], plain.lives.arms[1].events["rash"])
    before = lowered.lives.arms[0].visits <= lowered.lives.arms[1].events["rash"][..., :1]
    a, b = (each.lives.arms[1].readings["mfars"][..., 1:] for each in (lowered, plain))
    assert np.array_equal(a[before], b[before]) and (a != b).any()
    assert np.array_equal(
        lowered.lives.arms[0].readings["mfars"], plain.lives.arms[0].readings["mfars"]
    )


def test_too_many_adverse_events_are_refused() -> None:
    with pytest.raises(InputError, match="more than 500 events"):
        fate_of(ataxia(adverse_events={"rash": {"rate": "900 per year"}}))


def test_rescue_changes_nothing_before_it_and_adds_its_effect_after() -> None:
    scenario = ataxia(rescue={"steroids": STEROIDS})
    with_it, without = fate_of(scenario), fate_of(ataxia())
    for arm in (0, 1):
        since = with_it.lives.arms[arm].rescued["steroids"][..., None]
        before = with_it.lives.arms[0].visits <= since
        a, b = (each.lives.arms[arm].readings["mfars"][..., 1:] for each in (with_it, without))
        assert np.array_equal(a[before], b[before])
        change = np.where(
            with_it.lives.arms[0].visits < NEVER,
            a - with_it.lives.arms[arm].readings["mfars"][..., :1],
            0.0,
        )
        showed = np.argmax(change >= 3, axis=-1)[..., None]
        taken = since[..., 0] < NEVER
        first = np.take_along_axis(with_it.lives.arms[0].visits, showed, axis=-1)
        assert np.array_equal(first[taken], since[taken])
        needed = (change >= 3).any(-1)
        assert not (taken & ~needed).any()
        assert abs(taken[needed].mean() - 0.7) < 4 * np.sqrt(0.21 / needed.sum())
    folk = folk_of(scenario)
    since = folk.treatment(0).rescues.since["steroids"]
    taken = np.isfinite(since)
    level, plain = (
        folk.walk(0, slice(None), rescue=wanted)["mfars"].level(np.full(since.shape, 336.0))
        for wanted in (True, False)
    )
    assert np.array_equal(level[~taken], plain[~taken])
    assert np.allclose((level - plain)[taken], (-4 * (336 - since) / 84)[taken])


def test_rescue_for_a_time_keeps_what_it_gained() -> None:
    folk = folk_of(ataxia(rescue={"steroids": {**STEROIDS, "lasts": "12 weeks"}}))
    since = folk.treatment(0).rescues.since["steroids"]
    early = since <= 336 - 84
    late = np.full(since.shape, 336.0)
    gained = [folk.walk(0, slice(None), rescue=w)["mfars"].level(late) for w in (True, False)]
    assert early.any() and np.allclose((gained[0] - gained[1])[early], -4.0)


def test_a_second_rescue_is_for_those_whom_the_first_did_not_help() -> None:
    """The line of the second is read with the first taken; the order in the file is no matter."""
    more = {**STEROIDS, "when": {"score": "mfars", "rises_by": 6}, "share": 1.0}
    both = {"steroids": STEROIDS, "more": more}
    first, turned = (
        fate_of(ataxia(rescue=kinds)) for kinds in (both, dict(reversed(both.items())))
    )
    for name in both:
        assert np.array_equal(first.lives.arms[0].rescued[name], turned.lives.arms[0].rescued[name])
    alone = fate_of(ataxia(rescue={"more": more}))
    fewer, many = ((each.lives.arms[0].rescued["more"] < NEVER).mean() for each in (first, alone))
    assert 0.01 < fewer < many - 0.01
    read = first.lives.arms[0].readings["mfars"]
    worse = (read[..., 1:] - read[..., :1] >= 6) & (first.lives.arms[0].visits < NEVER)
    assert np.array_equal(worse.any(-1), first.lives.arms[0].rescued["more"] < NEVER)


def test_rescue_after_events_multiplies_their_rate_and_none_is_missed() -> None:
    rescue = {
        "when": {"event": "serious_infection", "times": 2},
        "effects": {"serious_infection": {"rate_ratio": 4.0}},
    }
    estimands = ("infection_free", "infection_rate")
    policy = {f"analysis.estimands.{n}.intercurrent.more": "treatment policy" for n in estimands}
    scenario = world(CGD, {"truth.rescue": {"more": rescue}, **policy})
    effects = scenario.effects("effect")
    assert largest_ratios(scenario, effects)["serious_infection"] == pytest.approx(4.0)
    folk = people(scenario, Luck(5, 0), UNITS, scenario.model.published, effects)
    for arm in (0, 1):
        days = folk.walk(arm, slice(None))["serious_infection"].days
        plain = folk.walk(arm, slice(None), rescue=False)["serious_infection"].days
        since = folk.treatment(arm).rescues.since["more"][..., None]
        last = np.minimum(since, scenario.longest_follow_days)
        assert np.array_equal(days[days <= last], plain[plain <= last])
        treated = np.minimum(folk.treatment(arm).stop, scenario.spec.design.treat_for)[..., None]
        steady = (plain > since) & (plain <= treated) & np.isfinite(since)
        assert steady.any()
        gap = np.where(np.isfinite(since), since, 0.0)
        expected = gap + (plain - gap) / 4
        assert np.allclose(days[steady], expected[steady])
        assert (days.max(-1) > scenario.longest_follow_days).all()


def curved(tmp_path: Path, rescue: str) -> Scenario:
    """Return the trial of curves with a rescue, in which events are found on a grid."""
    (tmp_path / "curves.yaml").write_text(curves.MODEL)
    policy = "intercurrent: {stops_treatment: treatment policy, "
    text = curves.SCENARIO.replace("design:\n", f"  rescue: {rescue}\ndesign:\n", 1)
    text = text.replace(policy, f"{policy}help: treatment policy, ")
    return build(parse(text), load_model(tmp_path / "curves.yaml"), "test")


@pytest.mark.parametrize(
    ("rescue", "event"),
    [
        (
            "{help: {when: {score: walk, falls_by: 10}, "
            "effects: {walk: {difference: 60, after: 4 weeks}}}}",
            "lost",
        ),
        (
            "{help: {when: {score: walk, falls_by: 10}, effects: {death: {hazard_ratio: 30}}}}",
            "death",
        ),
        (
            "{help: {when: {score: walk, falls_by: 10}, "
            "effects: {marker: {difference: 9, after: 4 weeks}}}}",
            "death",
        ),
    ],
)
def test_events_on_a_grid_keep_what_came_before_the_rescue(
    tmp_path: Path, rescue: str, event: str
) -> None:
    scenario = curved(tmp_path, rescue)
    numbers, effects = scenario.model.published, scenario.effects("effect")
    folk = people(scenario, Luck(5, 0), UNITS, numbers, effects)
    for arm in (0, 1):
        since = folk.treatment(arm).rescues.since["help"]
        days = folk.walk(arm, slice(None))[event].days[..., 0]
        plain = folk.walk(arm, slice(None), rescue=False)[event].days[..., 0]
        exposures = folk.exposures(arm)
        naive = scenario.model.walk(folk.latents, exposures)[event].days[..., 0]
        before = plain <= since
        assert np.array_equal(days[before], plain[before])
        assert (days > since)[~before].all()
        assert np.array_equal(days[np.isinf(since)], plain[np.isinf(since)])
        changed = (naive != plain) & np.isfinite(since) & (np.minimum(naive, plain) <= since)
        assert arm == 1 or changed.any()  # without care the past would have changed
        assert (days != plain).any()


def test_both_conducts_write_adverse_events_down_and_milestones_know_them() -> None:
    scenario = ataxia(
        adverse_events={"rash": {**RASH, "stops_treatment": 0.3}},
        leaves_study={**STOP, "follows": [{**ON_CHANGE, "seen": False}]},
        rescue={"steroids": STEROIDS},
    ).changed(
        {
            "design.milestones": {
                "safety": {
                    "when": {"first": "rash", "patients": 3, "arm": "drug"},
                    "do": ["close recruitment"],
                },
                "final": {"when": {"everybody": "finished"}, "do": ["analyse change"]},
            }
        }
    )
    runs = [run_block(scenario, "effect", 2, 0, engine, replicates=6) for engine in ENGINES]
    assert differences(*runs) == []
    events, arm = runs[0].ledger.events["rash"][..., 0], runs[0].ledger.arm
    third = np.sort(np.where(arm == 1, events, NEVER), axis=1)[:, 2]
    assert np.array_equal(runs[0].performed[:, 0], third)
    assert np.array_equal(runs[0].ledger.closed, third)


ENGINES = ("block", "simpy")

FAULTS = [
    ({"leaves_study": {**STOP, "by_arm": {"drog": 2.0}}}, "unknown arm 'drog'"),
    ({"leaves_study": {**STOP, "follows": [{**ON_CHANGE, "score": "mfar"}]}}, "unknown score"),
    ({"leaves_study": {**STOP, "follows": [{**ON_CHANGE, "for": 0}]}}, "other than zero"),
    ({"leaves_study": {"rate": "0 per year", "by_arm": {"drug": 2.0}}}, "rate of zero"),
    ({"leaves_study": {**STOP, "by_arm": {"drug": -1.0}}}, "ratios of zero or more"),
    ({"adverse_events": {"mfars": RASH}}, "the name 'mfars' is taken"),
    ({"adverse_events": {"a rash": RASH}}, "write 'a_rash'"),
    ({"adverse_events": {"rash": {**RASH, "stops_treatment": 1.2}}}, "1"),
    ({"adverse_events": {"rash": {**RASH, "rate": "inf per year"}}}, "a rate with its unit"),
    ({"rescue": {"age": STEROIDS}}, "the name 'age' is taken"),
    ({"rescue": {"x": {**STEROIDS, "share": 1.5}}}, "1"),
    ({"rescue": {"x": {**STEROIDS, "when": {"score": "age", "rises_by": 1}}}}, "is read at visits"),
    ({"rescue": {"x": {**STEROIDS, "when": {"event": "rsh"}}}}, "unknown event 'rsh'"),
    ({"rescue": {"x": {**STEROIDS, "effects": {"mfars": {"hazard_ratio": 2}}}}}, "'difference'"),
    (
        {"rescue": {"x": {**STEROIDS, "effects": {"mfars": {"difference": 2, "after": "0 days"}}}}},
        "takes time to grow",
    ),
    ({"rescue": {"x": {**STEROIDS, "lasts": "0 days"}}}, "lasts"),
]


@pytest.mark.parametrize(("truth", "words"), FAULTS)
def test_what_cannot_be_is_refused_with_a_mend(truth: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as error:
        ataxia(**truth)
    assert words in str(error.value)
    assert any(problem.mend for problem in error.value.problems)


def test_what_has_no_value_on_a_day_or_no_rate_is_refused(tmp_path: Path) -> None:
    effects = "{lost: {hazard_ratio: 2}}"
    with pytest.raises(InputError, match="'lost' comes when 'walk' passes a line"):
        curved(tmp_path, f"{{help: {{when: {{score: walk, falls_by: 10}}, effects: {effects}}}}}")
    follows = "follows: [{score: fits, seen: false, hazard_ratio: 2, for: 3}]"
    leaves = "{help: {when: {event: death}, effects: {fits: {rate_ratio: 1}}}}\n"
    leaves += f"  leaves_study: {{rate: 0.1 per year, {follows}}}"
    with pytest.raises(InputError, match="counted from visit to visit"):
        curved(tmp_path, leaves)
