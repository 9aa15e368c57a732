"""Correlations asked for against those of the population: attained, missed, not to be told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from raresim import catalogue
from raresim.cli import listing
from raresim.cli.tracing import correlations
from raresim.cohort import sample_cohort
from raresim.cohort.achieved import PLACES, TOLERANCE, TieRow, _by_rank, achieved
from raresim.disease import load_model
from raresim.errors import CheckError, InputError

MODEL = """\
schema: raresim/model/1
name: Test of what is achieved
version: 1.0.0
identifiers: {orpha: 1, omim: 1, genes: [G]}
about: Numbers tied to each other, to attacks and to a death that comes at a constant rate.
sources: {x: {cite: "Somebody et al., Journal 2000"}}
patients:
  form: {states: [mild, severe], evidence: {share: {mild: 0.6, severe: rest}, n: 200, source: x}}
  age:
    unit: years
    range: 0 to 90
    given: form
    rows:
      - {when: mild, evidence: {mean: 60, sd: 8, n: 120, source: x}}
      - {when: severe, evidence: {mean: 20, sd: 5, n: 80, source: x}}
  height: {unit: cm, range: 80 to 220, evidence: {mean: 165, sd: 10, n: 200, source: x}}
  weight: {unit: kg, range: 0 or more, evidence: {mean: 70, sd: 30, n: 200, source: x}}
links:
  - {between: [height, weight], evidence: {correlation: 0.5, n: 200, source: x}}
outcomes:
  attack:
    kind: recurrent
    better: fewer
    rate: {evidence: {rate: 2 per year, exposure: 100 patient-years, source: x}}
    between_patients: {evidence: {negative_binomial_theta: 0.7, se: 0.2, source: x}}
  death:
    kind: time to event
    better: later
    hazard: {evidence: {rate: 0.2 per year, exposure: 100 patient-years, source: x}}
    ends: everything
unpublished:
  - {between: [age, weight], correlation: {lower: -0.5, centre: 0.3, upper: 0.6}, why: a test}
  - {between: [age, attack], correlation: {lower: -0.4, centre: 0.2, upper: 0.7}, why: a test}
"""
IGNORED = (
    "  - {between: [age, death], correlation: {lower: 0, centre: 0.3, upper: 0.5}, why: a test}\n"
)


def written(folder: Path, text: str = MODEL) -> Path:
    path = folder / "m.yaml"
    path.write_text(text)
    return path


def gate(monkeypatch: pytest.MonkeyPatch, path: Path | str) -> None:
    """Run the gate's face, without the numbers that are no correlations."""
    monkeypatch.setattr("raresim.cohort.check", lambda model: [])
    listing.show(str(path), ["check"], as_json=True)


@pytest.mark.parametrize("name", sorted(catalogue.shipped("models")))
def test_shipped_models_attain_what_they_ask_for(name: str) -> None:
    model = load_model(name)
    rows = achieved(model)
    assert all(row.passed for row in rows), [row for row in rows if not row.passed]
    pairs = len(model.spec.links) + len(model.spec.unpublished)
    assert len(rows) == len(PLACES) * pairs


def test_each_kind_of_tie_is_attained_at_every_place(tmp_path: Path) -> None:
    rows = achieved(load_model(written(tmp_path)))
    assert [row.place for row in rows] == [place for place in PLACES for _ in range(3)]
    for row in rows:
        assert row.achieved == pytest.approx(row.asked, abs=TOLERANCE)
    asked = {(row.second, row.place): row.asked for row in rows if row.role == "unpublished"}
    assert asked["attack", "lower"] == -0.4 and asked["weight", "upper"] == 0.6
    assert {row.measure for row in rows if row.role == "published"} == {"Pearson"}


def test_numbers_with_rows_are_ranked_in_their_rows(tmp_path: Path) -> None:
    """Overall, form makes age and weight nearly independent of the tie; within a form it shows."""
    patients = sample_cohort(load_model(written(tmp_path)), 40_000).patients
    for _, part in patients.groupby("form"):
        found = spearmanr(part["age"], part["weight"]).statistic
        assert found == pytest.approx(6 / np.pi * np.arcsin(0.15), abs=0.03)


def test_a_tie_that_nothing_samples_fails_the_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever dies at a constant rate has no number of his own to which age could be tied."""
    try:
        model = load_model(written(tmp_path, MODEL + IGNORED))
    except InputError as error:  # refused where the file is read: better still
        assert "death" in str(error)
        return
    rows = [row for row in achieved(model) if row.second == "death"]
    assert [row.passed for row in rows] == [True, False, False]
    with pytest.raises(CheckError, match="2 numbers fail the gate"):
        gate(monkeypatch, tmp_path / "m.yaml")


def test_a_correlation_that_the_marginals_cannot_have_fails(tmp_path: Path) -> None:
    """A skewed weight of SD 60 and a normal height have 0.91 at most."""
    broken = MODEL.replace("correlation: 0.5, n", "correlation: 0.995, n")
    broken = broken.replace("mean: 70, sd: 30", "mean: 70, sd: 60")
    broken = broken.replace("{between: [age, weight]", "{between: [height, attack]")
    rows = achieved(load_model(written(tmp_path, broken)))
    missed = [row for row in rows if row.second == "weight"]
    assert missed and not any(row.passed for row in missed)


def test_scores_by_rank_are_those_of_a_normal() -> None:
    z = np.random.Generator(np.random.PCG64(1)).normal(size=20_000)
    assert _by_rank(np.exp(z), None) == pytest.approx(z, abs=0.3)
    rows = (np.arange(20_000) % 2).astype(float)
    assert np.corrcoef(_by_rank(z + 50 * rows, rows), z)[0, 1] > 0.999


def test_the_gate_tells_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gate(monkeypatch, "friedreich-ataxia")
    found = json.loads(capsys.readouterr().out)
    told = found["correlations"]
    assert found["passed"] and len(told) == 6 and all(row["passed"] for row in told)
    assert {row["measure"] for row in told} == {"Pearson", "normal scores"}


def test_people_see_a_line_for_each_pair(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [TieRow("a", "b", "unpublished", "normal scores", place, 0.3, 0.31) for place in PLACES]
    rows += [TieRow("a", "c", "published", "Pearson", place, 0.3, 0.2) for place in PLACES]
    rows += [TieRow("a", "d", "unpublished", "normal scores", PLACES[0], 0.3, None, "no number")]
    assert [row.passed for row in rows] == [True] * 3 + [False] * 3 + [True]
    correlations(rows[:6])
    said = capsys.readouterr().out
    assert "asked for / in the population" in said and said.count("FAILS") == 3
    assert "a and b" in said and "not to be told" not in said
    correlations([rows[6]] * 3)
    assert "not to be told: no number" in capsys.readouterr().out
