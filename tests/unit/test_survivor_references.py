"""Survivors in a file: what is refused and why, what one trial alone sees, which luck they take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from raresim.errors import InputError
from raresim.streams import Luck
from raresim.trial import run_block, run_one
from raresim.trial.fate.decided import fate
from raresim.trial.grammar.candidate import Candidates
from tests.prevalent import COUNTRY, MODEL, POOL, model_at, prevalent
from tests.worlds import CGD, differences, same_arrays, world

FREE = {"5 years": 0.7, "10 years": 0.4, "20 years": 0.1}
SURVIVORS = f"{POOL}.survivors"
DROP = """\
  fall:
    kind: time to event
    better: later
    CLOCK
    LAW
    ENDS
"""
LAW = "time: {unit: years, assumed: {median: 9, q1: 5, q3: 20}, why: a test}"
HAZARD = "hazard: {assumed: {events: 1, exposure: 9 patient-years}, why: a test}"


def other(clock: str = "", law: str = LAW, ends: str = "ends: nothing") -> tuple[str, str]:
    """Return the change of the model by which another event stands in it."""
    text = DROP.replace("CLOCK", clock).replace("LAW", law).replace("ENDS", ends)
    return "  strength:\n", f"{text}  strength:\n"


GIVEN = (
    "time: {unit: years, assumed: {free: FREE}, why: a test}",
    "time: {unit: years, given: sex, rows: ["
    "{when: 'no', assumed: {free: FREE}, why: a test}, "
    "{when: 'yes', assumed: {median: 9, q1: 5, q3: 20}, why: a test}]}",
)
CLOCK = "years_ill: {unit: years, range: 0 to 100, assumed: {mean: 10, sd: 5}, why: a test}"
BY_SEX = (
    CLOCK,
    "years_ill: {unit: years, range: 0 to 100, given: sex, rows: ["
    "{when: 'no', assumed: {mean: 10, sd: 5}, why: a test}, "
    "{when: 'yes', assumed: {mean: 9, sd: 5}, why: a test}]}",
)
TIE = (
    "unpublished: [{between: [PAIR], correlation: {lower: 0, centre: 0, upper: 0.2}, why: a test}]"
)


def tied(pair: str) -> tuple[str, str]:
    return "outcomes:\n", TIE.replace("PAIR", pair) + "\noutcomes:\n"


REFUSED = [
    ({}, {"outcome": "deth"}, "unknown outcome 'deth'"),
    ({}, {"outcome": "strength"}, "'strength' is a score that follows a curve"),
    (("ends: everything", "ends: nothing"), {}, "'death' is not fatal"),
    (other(law=HAZARD, ends="ends: everything"), {"outcome": "fall"}, "'fall' has no 'time'"),
    (
        other(ends="ends: everything"),
        {"outcome": "fall"},
        "the clock of 'fall' starts at randomisation",
    ),
    (GIVEN, {}, "the law of 'death' differs by 'sex'"),
    (("clock: years_ill\n    time", "clock: age\n    time"), {}, "its clock 'age' is made from"),
    (BY_SEX, {}, "its clock 'years_ill' is made from other variables"),
    (tied("diagnosis_age, years_ill"), {}, "'years_ill' is tied to 'diagnosis_age'"),
    (tied("years_ill, diagnosis_age"), {}, "'years_ill' is tied to 'diagnosis_age'"),
    (tied("diagnosis_age, death"), {}, "'death' is tied to 'diagnosis_age'"),
    (other(law=HAZARD, ends="ends: everything"), {}, "'fall' is fatal too"),
    (other("clock: years_ill"), {}, "patients have not had 'fall' yet, on the same clock"),
    (other("clock: age"), {}, "patients have not had 'fall' yet, on the same clock"),
    ({}, {"over": "99 years"}, "beyond the range of 'years_ill', 0 to 100"),
    (("range: 0 to 100", "range: 1 to 100"), {}, "beyond the range of 'years_ill', 1 to 100"),
    (
        ("outcomes:\n", "rules: [{always: age <= 60}]\noutcomes:\n"),
        {},
        "the model's rule 'age <= 60' fails for some survivors",
    ),
    (
        ("outcomes:\n", "rules: [{always: older >= 2 and strength >= 0}]\noutcomes:\n"),
        {},
        "the model's rule 'older >= 2 and strength >= 0' fails for some survivors",
    ),
]


@pytest.mark.parametrize(("change", "block", "message"), REFUSED)
def test_what_would_not_be_exact_is_refused_with_a_mend(
    tmp_path: Path, change: tuple[str, str] | dict[str, str], block: dict[str, str], message: str
) -> None:
    text = MODEL
    if change:
        assert change[0] in text
        text = text.replace(*change)
    model = model_at(tmp_path, FREE, text)
    changes: dict[str, Any] = {}
    if text.count("ends: everything") == 2:
        how = {"stops_treatment": "treatment policy", "fall": "composite"}
        changes["analysis.estimands.survival.intercurrent"] = how
    assert prevalent(model, {**changes, SURVIVORS: None}).n == 24  # sound without survivors
    with pytest.raises(InputError) as error:
        prevalent(model, changes | {f"{SURVIVORS}.{key}": value for key, value in block.items()})
    assert [message in problem.message for problem in error.value.problems] == [True]
    assert all(problem.mend and problem.line for problem in error.value.problems)


FINE = [
    ("outcomes:\n", "rules: [{always: diagnosis_age <= age}]\noutcomes:\n"),  # holds by its making
    other(),  # time since randomisation
    other(law=HAZARD),
]


@pytest.mark.parametrize("change", FINE)
def test_what_the_clock_does_not_move_is_let_in(tmp_path: Path, change: tuple[str, str]) -> None:
    assert prevalent(model_at(tmp_path, FREE, MODEL.replace(*change))).n == 24


def test_a_second_screening_is_refused_as_the_clock_would_stand_still(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="survivors are screened once"):
        prevalent(model_at(tmp_path, FREE), {"design.screen_again": {"after": "30 days"}})


def test_a_model_without_such_an_outcome_says_so() -> None:
    country = {"prevalent": 60, "diagnosed": 0.8, "reachable": 0.75, "willing": 0.5}
    pool: dict[str, Any] = {"per_site": "2 per month", "gamma_shape": 2.0}
    pool |= {"countries": {"malta": country}}
    pool |= {"survivors": {"outcome": "death", "over": "9 years"}}
    with pytest.raises(InputError, match="'death' has no 'time' on a clock"):
        world(CGD, {"truth.candidates": {"pool": pool}})
    pool["survivors"] = {"outcome": "death", "over": "0 years"}
    with pytest.raises(ValidationError, match="'over' above zero"):
        Candidates.model_validate({"pool": pool})


def test_somebody_eligible_is_looked_for_among_survivors(tmp_path: Path) -> None:
    """The model's own patients are ill for 10 years (5); survivors of 30 years may be older."""
    model = model_at(tmp_path, {"5 years": 0.99, "10 years": 0.98})
    assert prevalent(model, {"design.eligible": "years_ill >= 29"}).n == 24
    short = {f"{SURVIVORS}.over": "2 years", "design.eligible": "years_ill >= 9"}
    with pytest.raises(InputError, match="nobody can enrol"):
        prevalent(model, short)


BUSY = {
    f"{COUNTRY}.incident": "12 per year",
    f"{POOL}.competing": {
        "rival": {
            "from": "1 months", "until": "5 months", "takes": "2 per year", "keeps_for": "90 days",
        }
    },
    "truth.screening_lasts": "30 to 300 days",
    "design.run_in": "4 weeks",
}  # fmt: skip
DRAWN = "evidence: {free: {5 years: 0.7, 10 years: 0.4, 20 years: 0.1}, n: 20, source: x}"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose law of death is drawn anew for eight replicates at a time."""
    text = MODEL.replace("assumed: {free: FREE}, why: a test", DRAWN)
    return model_at(tmp_path_factory.mktemp("drawn"), {}, text)


@pytest.mark.parametrize("replicate", [0, 13, 1030])
def test_one_trial_alone_is_its_row_of_the_simulation(drawn: Path, replicate: int) -> None:
    scenario = prevalent(drawn, BUSY | {"truth.uncertainty": "nuisance"})
    block, row = divmod(replicate, 1024)
    many = run_block(scenario, "effect", 1, block, replicates=row + 1)
    alone, _ = run_one(scenario, "effect", 1, replicate)
    for key, values in many.ledger.arrays().items():
        assert same_arrays(values[row : row + 1], alone.ledger.arrays()[key]), key
    for name in ("years_ill", "age"):
        own, all_of_them = alone.fate.baseline[name], many.fate.baseline[name][row : row + 1]
        width = min(own.shape[1], all_of_them.shape[1])
        assert np.array_equal(own[:, :width], all_of_them[:, :width])


def test_both_engines_agree_where_members_die(drawn: Path) -> None:
    scenario = prevalent(drawn, BUSY | {"truth.uncertainty": "nuisance"})
    runs = [run_block(scenario, "effect", 3, 0, engine, 24) for engine in ("block", "simpy")]
    assert differences(*runs) == []


def test_survivors_add_their_luck_and_move_no_other(drawn: Path) -> None:
    points = []
    for changes in (BUSY, BUSY | {SURVIVORS: None}):
        luck = Luck(7, 0)
        fate(prevalent(drawn, changes), luck, "effect", 60)
        points.append(luck.points)
    groups = ("malta, prevalent", "malta, incident")
    assert set(points[0]) - set(points[1]) == {
        "enrolment.survived[malta, prevalent]",
        *(f"enrolment.dies[{group}]" for group in groups),
    }
    assert set(points[1]) - set(points[0]) == {f"baseline.years_ill[{group}]" for group in groups}
    assert all(points[1].get(name, units) == units for name, units in points[0].items())
