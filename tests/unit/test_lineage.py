"""Lineage agrees with what is sampled: a number moves the columns that rest on it, and no other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from raresim import catalogue
from raresim.cohort import sample_cohort
from raresim.cohort.lineage import _of_statistic, lineage, owner_of, rests_on, traced
from raresim.cohort.sampling import COHORT, _columns
from raresim.disease import load_model
from raresim.disease.uncertain import gaps, statements, uncertain_numbers
from raresim.evidence import Mean
from raresim.evidence.pool_kinds import pooled
from raresim.streams import Luck

MODELS = sorted(catalogue.shipped("models"))
PATIENTS = 1024
ADDED = {"patient", "artificial"}


def columns_of(model, place="centre"):
    return _columns(model, PATIENTS, Luck(3, COHORT), model.parameters(place=place))


def moved(first, second):
    """Return the columns in which two cohorts differ."""
    return {
        name
        for name in first
        if not np.array_equal(first[name], second[name], equal_nan=first[name].dtype.kind == "f")
    }


def behind_column(found, column):
    """Return the names of all numbers that stand in a column's lineage."""
    names = rests_on(found, owner_of(found, column) or "")
    return {part.what for name in names for part in found[name].parts}


def places(model, whats):
    """Return a place for each statement that is not known exactly, by the statement."""
    found = {}
    for number in uncertain_numbers(model.spec)["published"]:
        parts = (w for w in whats if number.name == w or number.name.startswith(f"{w}, "))
        found.setdefault(max(parts, key=len), f"lower: {number.name}")
    for what, interval, _ in gaps(model.spec):
        if interval.lower < interval.upper:
            end = "lower" if interval.lower < interval.centre else "upper"
            found[what] = f"{end}: {what}"
    return found


@pytest.mark.parametrize("name", MODELS)
def test_every_number_has_one_owner(name: str) -> None:
    model = load_model(name)
    told = [part.what for one in lineage(model).values() for part in one.parts]
    stated = [row[0] for row in (*statements(model.spec), *gaps(model.spec))]
    assert sorted(told) == sorted(stated)


@pytest.mark.parametrize("name", MODELS)
def test_every_part_says_what_it_became_and_where_it_comes_from(name: str) -> None:
    model = load_model(name)
    for one in lineage(model).values():
        for part in one.parts:
            assert part.printed and part.becomes, part
            assert part.sources if part.role == "published" else part.why, part
            assert set(part.sources) <= set(model.spec.sources)


class OtherLuck(Luck):
    """The luck of a cohort, but for the decision points of one variable or outcome."""

    def __init__(self, seed: int, block: int, name: str) -> None:
        super().__init__(seed, block)
        self.starts = (f"baseline.{name}", f"outcome.{name}.", f"outcome.{name}[")
        self.other = Luck(seed + 1, block)

    def uniform(self, point: str, units: int):
        mine = point == self.starts[0] or point.startswith(self.starts[1:])
        return (self.other if mine else super()).uniform(point, units)


@pytest.mark.parametrize("name", MODELS)
def test_luck_of_one_moves_only_columns_that_rest_on_it(name: str) -> None:
    """Assumed numbers are not drawn, but what they make can be: every edge is walked."""
    model = load_model(name)
    found, centre = lineage(model), columns_of(model)
    rest = {column: rests_on(found, owner_of(found, column) or "") for column in centre}
    for one in found:
        changed = moved(
            centre, _columns(model, PATIENTS, OtherLuck(3, COHORT, one), model.published)
        )
        wrong = {column for column in changed if one not in rest[column]}
        assert not wrong, f"{one} moves {wrong}, whose lineage does not name it"
        assert changed or found[one].kind not in ("category", "number"), f"{one} moves nothing"


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_number_moves_only_columns_that_rest_on_it(name: str) -> None:
    """One number of each statement, and each interval, at an end of it, on the same luck."""
    model = load_model(name)
    found, centre = lineage(model), columns_of(model)
    behind = {column: behind_column(found, column) for column in centre}
    asked, still = places(model, set().union(*behind.values())), []
    for what, place in asked.items():
        changed = moved(centre, columns_of(model, place))
        still += [] if changed else [place]
        wrong = {column for column in changed if what not in behind[column]}
        assert not wrong, f"{place} moves {wrong}, whose lineage does not name it"
    assert len(still) <= 0.1 * len(asked), still  # shares of the few may move none of 1,024


@pytest.mark.parametrize("name", MODELS)
def test_every_column_of_a_cohort_has_a_lineage(name: str) -> None:
    cohort = sample_cohort(load_model(name), 3)
    assert set(cohort.lineage["columns"]) == set(cohort.patients) - ADDED
    needed = {other for names in cohort.lineage["columns"].values() for other in names}
    assert set(cohort.lineage["made_of"]) == needed
    keys = {
        key
        for one in cohort.lineage["made_of"].values()
        for part in one["parts"]
        for key in part.get("sources", [])
    }
    assert set(cohort.lineage["sources"]) == keys


def test_parquet_carries_the_lineage_of_what_was_drawn(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    cohort = sample_cohort(load_model("friedreich-ataxia"), 5, draw=True)
    cohort.write(tmp_path / "c.parquet")
    label = json.loads(pq.read_metadata(tmp_path / "c.parquet").metadata[b"raresim"])
    assert label["seed"] == 1 and label["lineage"] == cohort.lineage
    parts = {part["what"]: part for part in label["lineage"]["made_of"]["mfars"]["parts"]}
    assert cohort.numbers is not None
    drawn = float(cohort.numbers.numbers["mfars", "mean_change.mean"][0])
    assert parts["mfars: mean change"]["becomes"] == f"mean {drawn:.4g}" != "mean 0.85"
    cohort.write(tmp_path / "c.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.csv", "c.parquet"]


def test_the_lineage_of_ties_links_rows_and_sums_by_hand() -> None:
    found = lineage(load_model("friedreich-ataxia"))
    assert found["onset_age"].reads == {"gaa1": "tied by a correlation"}
    assert found["age"].reads == {"onset_age": "summed", "duration": "summed"}
    assert found["mfars"].reads == {
        "onset_age": "faster with",
        "gaa1": "faster with",
        "duration": "tied by a correlation",
        "age": "among",
    }
    assert rests_on(found, "mfars") == ("mfars", "onset_age", "gaa1", "duration", "age")
    sma = lineage(load_model("sma-type-1"))
    assert sma["event"].reads == {"smn2_copies": "its rows", "age": "clock"}
    cgd = lineage(load_model("chronic-granulomatous-disease"))
    assert cgd["death"].reads == {"serious_infection": "shares frailty with"}
    assert rests_on(cgd, "death") == ("death", "serious_infection", "age", "inheritance")


def test_a_tie_of_zero_is_part_of_the_lineage() -> None:
    """At its centre it does nothing; at an end of its interval it does."""
    cgd = lineage(load_model("chronic-granulomatous-disease"))["serious_infection"]
    assert "age" in cgd.reads
    (gap,) = [part for part in cgd.parts if part.what == "age and serious_infection"]
    assert (gap.role, gap.becomes) == ("unpublished", "correlation 0 of normal scores")


def test_a_source_that_lends_support_to_an_interval_is_told() -> None:
    found = traced(load_model("chronic-granulomatous-disease"), ["serious_infection_day"])
    parts = {part["what"]: part for part in found["made_of"]["serious_infection"]["parts"]}
    assert parts["serious_infection: log SD between sites"]["sources"] == ["cgd_ipd"]


def test_pooled_studies_are_told_one_by_one() -> None:
    studies = [
        Mean(mean=10, sd=2, n=20, source="one", where="table 1", seen=True),
        Mean(mean=12, sd=3, n=30, source="two", derived="2 * 6"),
    ]
    part = _of_statistic("age", pooled(studies, "new trial", 1.0), True, "")
    assert part.sources == ("one", "two")
    assert part.studies == ("mean 10, sd 2 (n = 20) (one)", "mean 12, sd 3 (n = 30) (two)")
    assert (part.where, part.derived, part.seen) == ("table 1", "2 * 6", False)
    assert "pooled" in part.printed


def test_a_number_that_nothing_owns_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from raresim.cohort import lineage as room

    model = load_model("sma-type-1")
    rows = [*statements(model.spec)]
    lost = [("nobody's number", *rows[0][1:])]
    monkeypatch.setattr(room, "statements", lambda spec: rows + lost)
    with pytest.raises(RuntimeError, match='owns the number "nobody\'s number"'):
        lineage(model)
