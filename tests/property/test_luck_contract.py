"""A minimally different world: what changes when one thing is added, and what must not."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from raresim.alike import take
from raresim.disease.model import DiseaseModel
from raresim.disease.spec import ModelSpec
from raresim.files import read
from raresim.streams import Luck
from raresim.trial import Scenario, run_block, run_one
from raresim.trial.engine import decision_points
from raresim.trial.fate.decided import Fate, fate
from tests.worlds import ATAXIA, CGD, same_arrays, world

GOLDEN = Path(__file__).parents[1] / "unit" / "golden"
CANDIDATES = 80


def fate_of(scenario: Scenario, candidates: int = CANDIDATES) -> Fate:
    return fate(scenario, Luck(7, 0), "effect", candidates)


def on_roster(found: Fate) -> np.ndarray:
    """Return which candidates are on the roster, and eligible."""
    there = take(found.roster.candidate, found.roster.place) == np.arange(found.candidates)
    return there & found.eligible


def assert_same_people(first: Fate, second: Fate, but: set[str] = frozenset()) -> None:
    """Everything about the candidates both have is the same, but for `but`.

    Lives are told of those alone who are on the roster; most candidates are on both.
    """
    n = min(first.candidates, second.candidates)
    for name in ("present", "ready", "eligible", "stratum"):
        if name not in but:
            assert same_arrays(getattr(first, name)[:, :n], getattr(second, name)[:, :n]), name
    both = on_roster(first)[:, :n] & on_roster(second)[:, :n]
    assert both.mean() > 0.4

    def lived(found: Fate, values: np.ndarray) -> np.ndarray:
        return take(values, found.roster.place)[:, :n][both]

    for one, other in zip(first.lives.arms, second.lives.arms, strict=True):
        for name in ("visits", "stop", "leave"):
            a, b = lived(first, getattr(one, name)), lived(second, getattr(other, name))
            assert name in but or same_arrays(a, b), name
        for kind in ("events", "readings"):
            for name, values in getattr(one, kind).items():
                a, b = lived(first, values), lived(second, getattr(other, kind)[name])
                assert f"{kind}.{name}" in but or same_arrays(a, b), name
    for name, values in first.baseline.items():
        if f"baseline.{name}" not in but:
            assert np.array_equal(values[:, :n], second.baseline[name][:, :n]), name


@pytest.mark.parametrize("name", [CGD, ATAXIA])
def test_a_longer_stream_of_candidates_begins_with_the_shorter_one(name: str) -> None:
    scenario = world(name)
    assert_same_people(fate_of(scenario, 40), fate_of(scenario, 60))


@pytest.mark.parametrize("name", [CGD, ATAXIA])
def test_the_first_40_of_60_patients_are_the_40(name: str) -> None:
    small, large = (
        run_block(world(name, {"design.randomise.n": n}), "effect", 3, 0, replicates=64)
        for n in (40, 60)
    )
    for column in ("candidate", "arm", "stratum", "randomised"):
        a, b = small.ledger.arrays()[column][:, :40], large.ledger.arrays()[column][:, :40]
        both = (a != -1) & (b != -1) if column == "candidate" else small.ledger.present[:, :40]
        assert np.array_equal(a[both], b[both]), column


def test_another_site_moves_calendars_and_nobodys_draws() -> None:
    before = world(CGD)
    sites = {
        "number": 14,
        "open": [{"first": 3, "at": "day 0"}, {"then": "one", "every": "2 weeks"}],
    }
    after = world(CGD, {"design.sites": sites})
    first, second = Luck(7, 0), Luck(7, 0)
    a, b = fate(before, first, "effect", 40), fate(after, second, "effect", 40)
    moved = {
        "present",
        "ready",
        "baseline.site",
        "events.serious_infection",
    }  # by the site's factor
    assert_same_people(a, b, but=moved)
    assert set(second.points) - set(first.points) == {
        "site.rate[site14]",
        "site.opening[site14]",
        "outcome.serious_infection.site[site14]",
    }
    assert set(first.points) <= set(second.points)


def test_without_a_site_factor_another_site_leaves_every_infection_where_it_was() -> None:
    model = world(CGD).model
    outcome = model.spec.outcomes["serious_infection"].model_copy(update={"between_sites": None})
    outcomes = {**model.spec.outcomes, "serious_infection": outcome}
    alike = DiseaseModel(model.spec.model_copy(update={"outcomes": outcomes}), model.path, "alike")
    sites = {"number": 14, "open": [{"first": 14, "at": "day 0"}]}
    worlds = [world(CGD), world(CGD, {"design.sites": sites})]
    a, b = (fate_of(Scenario(w.spec, alike, w.document)) for w in worlds)
    assert_same_people(a, b, but={"present", "ready", "baseline.site"})


def test_another_visit_moves_no_other_visit_and_no_reading() -> None:
    weeks = [4, 12, 20, 24, 36, 48]  # week 20 is new, in the middle
    a = fate_of(world(ATAXIA))
    b = fate_of(world(ATAXIA, {"design.visits.weeks": weeks}))
    old = [0, 1, 3, 4, 5]
    assert np.array_equal(a.lives.arms[0].visits, b.lives.arms[0].visits[..., old])
    for arm in (0, 1):
        readings = b.lives.arms[arm].readings["mfars"][..., [0, *(1 + k for k in old)]]
        assert np.array_equal(a.lives.arms[arm].readings["mfars"], readings)


def test_another_variable_moves_no_other_value(tmp_path: Path) -> None:
    model = world(CGD).model
    data = read(model.path).data
    extra = {"kind": "yes or no", "assumed": {"share": 0.3}, "why": "a test"}
    data["patients"] = {"fever": extra, **data["patients"]}  # new, and first in the file
    wider = DiseaseModel(ModelSpec.model_validate(data), model.path, "wider")
    a, b = model.sample(Luck(1, 0), 30), wider.sample(Luck(1, 0), 30)
    assert all(np.array_equal(values, b.values[name]) for name, values in a.values.items())


def test_hypotheses_share_the_same_patients() -> None:
    scenario = world(CGD)
    luck = [fate(scenario, Luck(1, 0), name, 40) for name in ("effect", "no_effect")]
    assert_same_people(*luck, but={"events.serious_infection"})
    control = [found.lives.arms[0].events["serious_infection"] for found in luck]
    assert same_arrays(*control)


def test_draws_at_different_points_are_uncorrelated() -> None:
    luck = Luck(5, 3)
    points = list(decision_points(world(CGD)))[:40]
    draws = np.stack([luck.uniform(point, 8).ravel() for point in points])
    r = np.corrcoef(draws)
    pairs = [abs(r[i, j]) for i, j in combinations(range(len(points)), 2)]
    assert max(pairs) < 5 / np.sqrt(draws.shape[1])  # k = 5 standard errors, 780 pairs


GOLDEN_ONES = [CGD, ATAXIA, "cgd-1991-reproduction", "duchenne-six-countries"]


@pytest.mark.parametrize("name", GOLDEN_ONES)
def test_the_golden_list_of_decision_points_is_kept(name: str) -> None:
    """Renaming a point changes results: it needs a new version of the luck contract.

    Gaps beyond the first are left out of the list: how many there are depends on the luck.
    """
    points = [point for point in decision_points(world(name)) if ".gap[" not in point]
    golden = (GOLDEN / f"{name}.txt").read_text().split("\n")
    assert sorted(points) == sorted(line for line in golden if line)  # asked for in any order


@pytest.mark.parametrize("name", [CGD, ATAXIA])
@pytest.mark.parametrize("replicate", [0, 5, 1030])
def test_one_trial_alone_is_its_row_of_the_simulation(name: str, replicate: int) -> None:
    scenario = world(name)
    block, row = divmod(replicate, 1024)
    many = run_block(scenario, "effect", 1, block, replicates=row + 1)
    alone, log = run_one(scenario, "effect", 1, replicate)
    for key, values in many.ledger.arrays().items():
        assert same_arrays(values[row : row + 1], alone.ledger.arrays()[key]), key
    for look, record in many.analyst.records.items():
        for key, values in record.items():
            one = alone.analyst.records[look][key]
            assert np.array_equal(values[row : row + 1], one, equal_nan=values.dtype.kind == "f")
    assert log[-1].what == "trial ended"
