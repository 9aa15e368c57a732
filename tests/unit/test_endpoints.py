"""Endpoints made of outcomes: lines that are passed at visits, confirmed, or first of several."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from raresim.errors import InputError
from raresim.study.truth import true_values
from raresim.trial import Scenario
from raresim.trial.cut.table import cut
from raresim.trial.engine import run_block
from raresim.trial.grammar.endpoint import ScorePasses, first_passed
from raresim.trial.ticks import NEVER
from tests.curves import MODEL, SCENARIO
from tests.worlds import differences, scenario_from

Truth = dict[str, np.ndarray]
WORSE = "    worse: {first_of: [death, {score: walk, falls_by_percent: 10, confirmed: true}]}\n"
RESPONSE = "    response: {better: earlier, first_of: [{score: fits, falls_by_percent: 50}]}\n"
SLOWER = "    slower: {first_of: [{score: walk, falls_by: 30}]}\n"
ESTIMANDS = """\
  estimands:
    worsened: {variable: time to first worse, summary: hazard ratio,
               intercurrent: {stops_treatment: treatment policy}}
    slowed: {variable: time to first slower, summary: hazard ratio,
             intercurrent: {stops_treatment: treatment policy, death: while alive}}
    responded: {variable: share with response by week 24, summary: difference in means,
                intercurrent: {stops_treatment: treatment policy, death: composite}}
    fared_ill: {variable: share with slower by week 48, summary: difference in means,
                intercurrent: {stops_treatment: treatment policy, death: composite}}
"""
METHODS = """\
  methods:
    worsened: {test: logrank, estimate: cox, alpha: 0.025 one-sided}
    slowed: {test: logrank, estimate: cox, alpha: 0.025 one-sided}
    responded: {test: ancova, alpha: 0.025 one-sided}
    fared_ill: {test: ancova, alpha: 0.025 one-sided}
"""


def scenario_text() -> str:
    text = SCENARIO.replace("  estimands:\n", f"  endpoints:\n{WORSE}{SLOWER}{RESPONSE}{ESTIMANDS}")
    text = text.replace("  methods:\n", METHODS)
    more = ", ".join(f"analyse {name}" for name in ("worsened", "slowed", "responded", "fared_ill"))
    return text.replace("[analyse walked,", f"[{more}, analyse walked,")


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    path = tmp_path_factory.mktemp("models") / "curves.yaml"
    path.write_text(MODEL)
    missing = {"truth.missed_visits": {"share": 0.2, "why": "a test"}}
    return scenario_from(scenario_text(), path).changed(missing)


@pytest.mark.parametrize(
    ("line", "reading", "baseline", "met"),
    [
        ({"falls_by": 10}, 90.0, 100.0, True),
        ({"falls_by": 10}, 91.0, 100.0, False),
        ({"rises_by": 10}, 110.0, 100.0, True),
        ({"falls_by_percent": 10}, 45.0, 50.0, True),
        ({"falls_by_percent": 10}, 45.5, 50.0, False),
        ({"falls_by_percent": 10}, -60.0, -50.0, True),
        ({"rises_by_percent": 50}, 75.0, 50.0, True),
        ({"below": 12}, 11.9, 50.0, True),
        ({"below": 12}, 12.0, 50.0, False),
        ({"above": 12}, 12.1, 0.0, True),
    ],
)
def test_a_line_is_passed(line: dict, reading: float, baseline: float, met: bool) -> None:
    found = ScorePasses(score="x", **line).met(np.array([reading]), np.array([baseline]))
    assert bool(found[0]) == met


@pytest.mark.parametrize(
    ("met", "came", "alone", "confirmed"),
    [
        ("0110", "1111", 1, 1),
        ("0101", "1111", 1, None),
        ("0101", "1101", 1, 1),  # the visit between was missed: the next one confirms
        ("0001", "1111", 3, None),  # nobody came after it
        ("1011", "0111", 2, 2),
        ("0000", "1111", None, None),
    ],
)
def test_the_first_visit_that_counts(met, came, alone, confirmed) -> None:
    arrays = [np.array([[letter == "1" for letter in word]]) for word in (met, came)]
    for wanted, asked in ((alone, False), (confirmed, True)):
        found = np.flatnonzero(first_passed(*arrays, asked)[0])
        assert list(found) == ([] if wanted is None else [wanted])


def test_the_table_of_an_endpoint_is_what_a_person_would_make_of_the_visits(
    scenario: Scenario,
) -> None:
    """Patient by patient, from ledger and readings, in plain loops."""
    run = run_block(scenario, "effect", 3, 0, "block", 20)
    at = run.ledger.end
    events = 0
    for name in ("worsened", "slowed"):
        table = cut(scenario, run.fate, run.ledger, at, name)
        for row in range(20):
            for k in range(scenario.n):
                time, event = _by_hand(run, row, k, confirmed=name == "worsened")
                assert table.time[row, k] == time, (name, row, k)
                assert table.event[row, k] == event, (name, row, k)
                events += event
    assert events > 100


def _by_hand(run, row: int, k: int, confirmed: bool) -> tuple[int, bool]:
    ledger = run.ledger
    arm, place = ledger.arm[row, k], run.fate.place(ledger.candidate)[row, k]
    start, end = ledger.randomised[row, k], min(ledger.exit[row, k], ledger.end[row])
    read = run.fate.lives.arms[arm].readings["walk"][row, place]
    visits = [
        (int(tick), read[1 + v]) for v, tick in enumerate(ledger.visits[row, k]) if tick <= end
    ]
    fell = [value <= 0.9 * read[0] if confirmed else read[0] - value >= 30 for _, value in visits]
    found = NEVER
    for v, (tick, _) in enumerate(visits):
        if fell[v] and (not confirmed or (v + 1 < len(visits) and fell[v + 1])):
            found = tick
            break
    if confirmed:  # death counts too, and follow-up goes on between visits
        found = min(found, int(ledger.events["death"][row, k, 0]))
    else:
        end = max([tick for tick, _ in visits], default=int(start))
    return min(found, end) - start, found <= end


@pytest.mark.parametrize(
    ("name", "score", "week", "bad"),
    [("responded", "fits", 24, False), ("fared_ill", "walk", 48, True)],
)
def test_a_share_is_what_a_person_would_count(
    scenario: Scenario, name: str, score: str, week: int, bad: bool
) -> None:
    run = run_block(scenario, "effect", 3, 0, "block", 20)
    ledger, weeks = run.ledger, scenario.spec.design.visits.weeks
    table = cut(scenario, run.fate, ledger, ledger.end, name, final=True)
    known = 0
    for row in range(20):
        for k in range(scenario.n):
            arm, place = ledger.arm[row, k], run.fate.place(ledger.candidate)[row, k]
            read = run.fate.lives.arms[arm].readings[score][row, place]
            ticks = ledger.visits[row, k]
            came = [v for v, w in enumerate(weeks) if w <= week and ticks[v] < NEVER]
            if score == "fits":
                passed = any(read[0] - read[1 + v] >= 0.5 * read[0] for v in came)
            else:
                passed = any(read[0] - read[1 + v] >= 30 for v in came)
            last = ticks[weeks.index(week)]
            until = last if last < NEVER else ledger.randomised[row, k] + (7 * week + 7) * 86_400
            died = ledger.events["death"][row, k, 0] <= until
            expected = float(passed or (died and bad))
            if not died and last == NEVER:  # nor is it known of who had passed and left
                assert np.isnan(table.change[row, k])
            else:
                assert table.change[row, k] == expected, (row, k)
                known += 1
    assert known > 300


@pytest.fixture(scope="module")
def truths(scenario: Scenario) -> tuple[Truth, Truth]:
    """True values without an effect and with one, parameters as published, of 32,768 pairs."""
    fixed = scenario.changed({"truth.uncertainty": "fixed"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("raresim.study.truth.UNITS", 32)
        none, some = (true_values(fixed, name, 1, 0) for name in ("no_effect", "effect"))
    return none, some


def test_true_shares_are_those_of_readings_under_each_arm(truths: tuple[Truth, Truth]) -> None:
    none, some = truths
    for name in ("responded", "fared_ill"):
        assert (none[name] == 0).all()
    assert 0.05 < some["responded"].mean() < 0.6
    assert -0.6 < some["fared_ill"].mean() < -0.05


def test_both_conducts_agree_on_endpoints(scenario: Scenario) -> None:
    runs = [run_block(scenario, "effect", 1, 0, name, 16, 86_400) for name in ("block", "simpy")]
    assert differences(*runs) == []


def test_true_values_of_endpoints(truths: tuple[Truth, Truth]) -> None:
    none, some = truths
    for name in ("worsened", "slowed"):
        assert abs(none[name]).max() < 1e-9
        assert some[name].max() < -0.1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("score: walk, falls_by: 30", "score: walk", "expected exactly one of falls_by"),
        ("score: walk, falls_by: 30", "score: death, falls_by: 30", "'death' is an outcome"),
        ("score: walk, falls_by: 30", "score: wlk, falls_by: 30", "unknown score 'wlk'"),
        ("first_of: [death,", "first_of: [walk,", "'walk' is a score"),
        ("    slower:", "    walk:", "the model has 'walk' already"),
        ("time to first slower", "events of slower", "'slower' is an endpoint"),
        ("by week 24", "by week 25", "there is no visit at week 25"),
        ("treatment policy}}\n    slowed", "treatment policy, death: composite}}\n    slowed",
         "unknown intercurrent event 'death'"),
    ],
)  # fmt: skip
def test_faults_of_endpoints_are_told_at_their_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "curves.yaml"
    path.write_text(MODEL)
    text = scenario_text()
    assert old in text
    with pytest.raises(InputError, match=message) as caught:
        scenario_from(text.replace(old, new), path)
    assert all(problem.line for problem in caught.value.problems)
