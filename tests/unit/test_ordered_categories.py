"""Ordered categories are normal scores cut at thresholds: they may be tied, by these scores."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from raresim.cohort.achieved import achieved
from raresim.cohort.check import check
from raresim.cohort.lineage import lineage
from raresim.disease import load_model
from raresim.errors import InputError
from raresim.streams import EvenLuck, Luck

MODEL = """
schema: raresim/model/1
name: Made up
version: 1.0.0
about: A disease made up for a test, with nobody in it.
sources:
  paper: {cite: "Somebody et al., A Journal 2020;1:1-2"}
patients:
  sex: {states: [male, female], assumed: {share: {male: 0.5, female: rest}}, why: made up}
  score:
    unit: points
    range: -100 to 100
    evidence: {mean: 0, sd: 10, n: 80, source: paper}
  grade:
    states: [mild, moderate, severe]
    ordered: true
    evidence: {share: {mild: 0.5, moderate: 0.3, severe: rest}, n: 80, source: paper}
  stage:
    states: [one, two]
    ordered: true
    given: sex
    rows:
      - {when: male, evidence: {share: {one: 0.2, two: rest}, n: 40, source: paper}}
      - {when: female, evidence: {share: {one: 0.6, two: rest}, n: 40, source: paper}}
  attacks:
    unit: attacks
    range: 0 or more
    family: negative binomial
    evidence: {mean: 3.2, sd: 3.4, n: 60, source: paper}
  walk:
    unit: metres
    range: 0 or more
    family: metalog
    evidence: {quantiles: {0.1: 100, 0.5: 320, 0.9: 480}, n: 80, source: paper}
links:
  - {between: [score, grade], evidence: {correlation: -0.5, n: 80, source: paper}}
  - {between: [score, attacks], evidence: {correlation: 0.4, n: 60, source: paper}}
outcomes:
  event:
    kind: recurrent
    better: fewer
    rate: {evidence: {rate: "1 per year", exposure: 90 patient-years, source: paper}}
    between_patients: {assumed: {negative_binomial_theta: 1.2}, why: made up}
unpublished:
  - {between: [grade, stage], correlation: {lower: 0, centre: 0.3, upper: 0.5}, why: made up}
  - {between: [grade, event], correlation: {lower: 0, centre: 0.3, upper: 0.5}, why: made up}
  - {between: [attacks, walk], correlation: {lower: 0, centre: 0.3, upper: 0.5}, why: made up}
targets:
  - {number: walk, evidence: {quantiles: {0.25: 200, 0.5: 310, 0.75: 400}, n: 50, source: paper}}
"""


@pytest.fixture
def write(tmp_path):
    def write(text: str = MODEL):
        path = tmp_path / "made-up.yaml"
        path.write_text(text)
        return path

    return write


def test_the_gate_holds_tables_whole_numbers_and_ordered_categories(write) -> None:
    model = load_model(write())
    rows = check(model)
    assert all(row.passed for row in rows)
    walk = [(r.role, r.number) for r in rows if r.what == "walk"]
    assert walk[:3] == [("input", "10 %"), ("input", "50 %"), ("input", "90 %")]
    assert walk[3:] == [("target", "25 %"), ("target", "50 %"), ("target", "75 %")]
    ties = achieved(model)
    assert all(row.passed for row in ties)
    assert {(r.first, r.second): r.measure for r in ties}["score", "grade"] == "normal scores"


def test_a_polyserial_correlation_comes_out_as_theory_has_it(write) -> None:
    """Of a normal and an ordered category: r = rho sum phi(t) / SD(state) (Olsson et al. 1982)."""
    model = load_model(write())
    patients = model.sample(EvenLuck(1, 0), 64, model.published)
    score, grade = patients.values["score"].ravel(), patients.values["grade"].ravel()
    cuts = stats.norm.ppf([0.5, 0.8])
    spread = np.sqrt(0.3 * 1 + 0.2 * 4 - 0.7**2)
    expected = -0.5 * stats.norm.pdf(cuts).sum() / spread
    assert np.corrcoef(score, grade)[0, 1] == pytest.approx(expected, abs=0.01)
    assert np.bincount(grade) / grade.size == pytest.approx([0.5, 0.3, 0.2], abs=0.005)


def test_an_order_alone_changes_no_patient(write) -> None:
    plain = MODEL.replace(
        "  - {between: [score, grade], evidence: {correlation: -0.5, n: 80, source: paper}}\n", ""
    )
    plain = plain.replace("  - {between: [grade, stage]", "  - {between: [score, walk]")
    plain = plain.replace("  - {between: [grade, event]", "  - {between: [score, event]")
    with_order = load_model(write(plain))
    without = load_model(write(plain.replace("    ordered: true\n", "")))
    first, second = (m.sample(Luck(3, 0), 4, m.published).values for m in (with_order, without))
    assert all((first[name] == second[name]).all() for name in first)


def test_lineage_says_what_is_tied(write) -> None:
    found = lineage(load_model(write()))
    assert found["grade"].reads == {"score": "tied by a correlation"}
    told = {part.what: part.becomes for part in found["grade"].parts}
    assert told["score and grade"] == "correlation -0.5 of normal scores"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    ordered: true\n    evidence", "    evidence", "expected a number with one statistic"),
        ("between: [attacks, walk]", "between: [attacks, sex]", "'ordered: true'"),
        (
            "states: [male, female], assumed",
            "states: [male, female], ordered: true, assumed",
            None,
        ),
    ],
)
def test_ties_of_what_has_no_order_are_refused(write, old, new, message) -> None:
    text = MODEL.replace(old, new, 1)
    if message is None:
        load_model(write(text))
        return
    with pytest.raises(InputError, match=message):
        load_model(write(text))


def test_rows_by_a_category_that_is_tied_itself_are_refused(write) -> None:
    text = MODEL.replace("states: [male, female],", "states: [male, female], ordered: true,")
    text = text.replace("between: [attacks, walk]", "between: [attacks, sex]")
    with pytest.raises(InputError, match="'stage' has rows by 'sex', and both are tied"):
        load_model(write(text))
