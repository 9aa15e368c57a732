"""The size of a design: cells are single runs, errors are family-wise, the maximum is honest."""

from __future__ import annotations

import dataclasses
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy import stats

import raresim
from raresim.errors import InputError
from raresim.questions import Size
from raresim.questions.again import FRESH
from raresim.questions.again import exact_limits as limits
from raresim.questions.design_size import TAIL, highest
from raresim.questions.null_cells import null_points
from raresim.report.size import picture
from raresim.streams import LUCK_BLOCK
from raresim.study.montecarlo import Figure
from tests.one_arm import one_arm
from tests.worlds import ATAXIA, world

HYPERTENSION = "pulmonary-arterial-hypertension-24-weeks"
R = 64
GRID = {"truth.leaves_study.rate": ["0.4 per year"]}


@pytest.fixture(scope="module")
def found() -> Size:
    scenario = world(HYPERTENSION, {"design.nuisance": GRID})
    return raresim.size(scenario, R, seed=3, workers=1)


def test_cells_are_every_null_at_every_point(found: Size) -> None:
    assert [(c.hypothesis, c.values) for c in found.cells] == [
        (name, values)
        for values in ({}, {"truth.leaves_study.rate": "0.4 per year"})
        for name in ("no_effect", "walk_alone", "worsening_alone")
    ]
    nulls = [cell.nulls for cell in found.cells[:3]]
    assert nulls == [("walk", "worsening_free"), ("worsening_free",), ("walk",)]


def test_a_cell_is_a_run_with_nothing_drawn(found: Size) -> None:
    fixed = world(HYPERTENSION, {"truth.uncertainty": "fixed"})
    for number, name in ((1, "walk_alone"), (2, "worsening_alone")):
        cell = found.cells[number]
        run = raresim.simulate(fixed, R, 3, hypothesis=name, workers=1)
        [claim] = cell.nulls
        assert cell.rejected == run.summary.estimands[claim].rejected
        assert cell.claims == {claim: cell.rejected}


def test_the_error_is_that_of_any_claim_without_effect(found: Size) -> None:
    for cell in found.cells:
        each = [figure.value or 0.0 for figure in cell.claims.values()]
        assert max(each) <= (cell.rejected.value or 0.0) <= sum(each)
    both = found.cells[0]  # in a fixed sequence the second is rejected only with the first
    assert both.rejected == both.claims["walk"]


def test_the_worst_cell_is_tried_again_on_other_patients(found: Size) -> None:
    rates = [cell.rejected.value for cell in found.cells]
    assert rates[found.worst] == max(rate for rate in rates if rate is not None)
    worst = found.cells[found.worst]
    changes = {"truth.uncertainty": "fixed"}
    fixed = world(HYPERTENSION, changes).at(worst.values)
    run = raresim.simulate(fixed, R, 3 + FRESH, hypothesis=worst.hypothesis, workers=1)
    shares = [run.summary.estimands[name].rejected for name in worst.nulls]
    assert found.again in shares  # of several claims in sequence that of the first


def test_limits_are_those_of_clopper_and_pearson() -> None:
    for hits, n in ((0, 50), (3, 50), (500, 20_000), (50, 50)):
        exact = stats.binomtest(hits, n).proportion_ci(0.95, "exact")
        assert limits(hits, n, TAIL) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_the_interval_holds_the_maximum_whatever_cell_looks_worst() -> None:
    """20 cells, 2,000 trials each, 4,000 times: coverage is 95 % less 4 errors, or more."""
    rng, times, n = np.random.default_rng(5), 4000, 2000
    sizes = np.array([*np.linspace(0.018, 0.025, 19), 0.027])
    hits = rng.binomial(n, sizes, size=(times, len(sizes)))
    worst = hits.argmax(axis=1)
    again = rng.binomial(n, sizes[worst])
    held = 0
    for row, once_more in zip(hits, again, strict=True):
        low = limits(int(once_more), n, TAIL)[0]
        high = highest([int(row.max())], Figure(once_more / n, 0.0, n))
        held += low <= sizes.max() <= high
    assert held / times >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / times)
    naive = hits.max(axis=1).mean() / n
    assert naive > sizes.max() + 0.001  # what the largest of all would have said
    assert again.mean() / n <= sizes.max()


def test_a_single_arm_that_is_truly_better_than_its_goal_is_outside_the_null_set() -> None:
    mean = "model.outcomes.mfars.at_screening.assumed.mean"
    moved = one_arm({"design.nuisance": {mean: [30]}, "analysis.methods.held.goal": 0.98})
    points = {str(point.values): point.nulls for point in null_points(moved, 1)}
    assert points == {"{}": ("held",), f"{{'{mean}': 30}}": ()}
    with pytest.raises(InputError, match="without effect"):
        null_points(one_arm({"analysis.methods.held.goal": 0.01, "design.nuisance": {}}), 1)
    found = raresim.size(moved, 32, workers=1)
    assert [cell.rejected.value is None for cell in found.cells] == [False, True]
    assert found.worst == 0


def test_a_cell_that_cannot_be_the_maximum_leaves_and_the_others_are_run_in_full() -> None:
    simon = world("dravet-two-stage", {"design.nuisance": {}, "truth.uncertainty": "fixed"})
    trials = LUCK_BLOCK + 76
    found = raresim.size(simon, trials, workers=1)
    without, at_the_goal = found.cells
    assert without.hypothesis == "no_effect"
    assert without.rejected.replicates == LUCK_BLOCK
    assert found.worst == 1
    run = raresim.simulate(simon, trials, 1, hypothesis="at_the_goal", workers=1)
    assert at_the_goal.rejected == run.summary.estimands["responders"].rejected


def test_the_number_of_workers_changes_nothing() -> None:
    crossing = world("pulmonary-arterial-hypertension-cross-over", {"design.nuisance": GRID})
    trials = LUCK_BLOCK + 1
    one, two = (raresim.size(crossing, trials, workers=workers).dict() for workers in (1, 2))
    assert one == two


def test_what_is_not_claimed_is_told_beside_the_error() -> None:
    platform = world("als-platform", {"design.nuisance": {}, "design.nulls": ["only_a"]})
    [cell] = raresim.size(platform, 16, workers=1).cells
    assert set(cell.claims) == {"b"}
    assert set(cell.told) == {"b_pooled", "b_adjusted"}
    assert cell.rejected == cell.claims["b"]


def test_without_a_null_hypothesis_there_is_no_size() -> None:
    with pytest.raises(InputError, match="declares no null hypothesis"):
        raresim.size(world(ATAXIA, {"design.nulls": []}), 8)


def test_the_picture_says_what_is_seen(found: Size) -> None:
    root = ElementTree.fromstring(picture(found))
    assert "Worst cell on fresh seeds" in root.attrib["aria-label"]
    assert "6 cells" in (root.findtext("{*}title") or "")


def test_the_verdict_follows_the_interval(found: Size) -> None:
    def verdict(low: float, high: float) -> str:
        return dataclasses.replace(found, low=low, high=high).verdict

    assert verdict(0.026, 0.04) == "above the nominal level"
    assert verdict(0.01, 0.025) == "held"
    assert verdict(0.01, 0.026) == "not shown to be above the nominal level"
