"""`raresim show --lineage`: tables for people, JSON for programs, and names that lead nowhere."""

from __future__ import annotations

import json

import pytest

from raresim.cli import listing
from raresim.cli.tracing import _origin
from raresim.cohort.lineage import traced
from raresim.disease import load_model
from raresim.errors import InputError
from raresim.study.resting import resting
from raresim.trial import load_scenario
from tests.worlds import CGD

FA = "friedreich-ataxia"
Printed = pytest.CaptureFixture[str]


def test_a_column_is_shown_with_all_behind_it_and_nothing_else(capsys: Printed) -> None:
    listing.show(FA, ["lineage"], False, "mfars_after_1_year")
    said = capsys.readouterr().out
    assert "mfars_after_1_year rests on: mfars, onset_age, gaa1, duration, age" in said
    for title in ("mfars (longitudinal)", "onset_age (number)", "age (sum)", "Sources"):
        assert title in said
    assert "sex (category)" not in said and "reads duration: tied by a correlation" in said


def test_without_a_column_the_whole_model_is_shown(capsys: Printed) -> None:
    listing.show(FA, ["lineage"], False)
    said = capsys.readouterr().out
    names = [*load_model(FA).spec.patients, *load_model(FA).spec.outcomes]
    assert all(f"{name} (" in said for name in names)


def test_json_says_the_same(capsys: Printed) -> None:
    listing.show(FA, ["lineage"], True, "gaa1")
    found = json.loads(capsys.readouterr().out)
    assert found.pop("model") == "friedreich-ataxia 1.0.0"
    assert found == traced(load_model(FA), ["gaa1"])
    assert found["sources"] == {}  # nobody printed it: assumed


def test_a_scenario_tells_what_its_primary_estimand_rests_on(capsys: Printed) -> None:
    listing.show(CGD, ["lineage"], False)
    said = capsys.readouterr().out
    assert "infection_free rests on: serious_infection" in said
    assert "unpublished: age and serious_infection" in said and "assumed: nothing" in said
    listing.show(CGD, ["lineage"], True)
    assert json.loads(capsys.readouterr().out) == resting(load_scenario(CGD), "effect")


@pytest.mark.parametrize(
    ("name", "asked", "column", "said"),
    [
        (FA, ["lineage"], "mfar", "did you mean 'mfars'"),
        (FA, ["check"], "mfars", "a column goes with --lineage alone"),
        (FA, [], "mfars", "a column goes with --lineage alone"),
        (CGD, ["lineage"], "age", "is a scenario"),
        (FA, ["lineage", "page"], "", "cannot go together"),
    ],
)
def test_names_that_lead_nowhere_are_refused(name, asked, column, said) -> None:
    with pytest.raises(InputError, match=said):
        listing.show(name, asked, False, column)


def test_where_a_number_comes_from_stands_in_one_cell() -> None:
    printed = {"role": "published", "sources": ["a", "b"], "where": "table 1", "derived": "2 * 3"}
    assert _origin(printed | {"seen": True}) == "a, b; table 1; derived: 2 * 3; seen"
    pooled = printed | {"studies": ["mean 1 (a)", "mean 2 (b)"]}
    assert _origin(pooled) == "a, b; table 1; derived: 2 * 3; mean 1 (a); mean 2 (b); not seen"
    gap = {"role": "unpublished", "why": "nobody says", "sources": ["c"]}
    assert _origin(gap) == "unpublished: nobody says (see c)"
    assert _origin({"role": "assumed", "why": "chosen"}) == "assumed: chosen"
