"""One uncertain number at a time moves the answer, on the same patients."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import chi2, norm

from raresim.disease.parameters import Parameters
from raresim.errors import InputError
from raresim.study import montecarlo, sensitivity, simulate
from raresim.study.one_at_a_time import numbers_moved
from tests.worlds import ATAXIA, CGD, world

EVERYTHING = [
    (name, kind, number.name)
    for name in (CGD, ATAXIA)
    for kind, numbers in world(name).uncertain("effect").items()
    for number in numbers
]


@pytest.fixture(scope="module")
def found():
    return sensitivity(world(CGD), 512, seed=3, workers=1)


@pytest.mark.slow
def test_every_uncertain_number_is_moved_and_pairing_sharpens_the_moves(found) -> None:
    names = [name for scenario, _, name in EVERYTHING if scenario == CGD]
    assert {move.what for move in found.moves if move.kind != "conduct"} == set(names)
    assert [m.size for m in found.moves] == sorted((m.size for m in found.moves), reverse=True)
    assert found.centre.mcse is not None
    for move in found.moves:
        for end in (move.lower, move.upper):
            assert end.mcse is not None
            assert end.mcse < 1.42 * found.centre.mcse  # never worse than two independent runs


@pytest.mark.slow
def test_moves_go_where_theory_says(found) -> None:
    """A ratio nearer to 1, fewer events, and more unequal patients cost power (3 errors)."""
    moves = {move.what: move for move in found.moves}
    for what, side in (
        ("effect of interferon on serious_infection", "upper"),
        ("serious_infection: rate", "lower"),
        ("serious_infection: between patients", "lower"),
    ):
        move = getattr(moves[what], side)
        assert move.value < -3 * move.mcse, what


@pytest.mark.slow
def test_modes_are_the_runs_in_those_modes_and_the_benefit_is_their_ceiling(found) -> None:
    assert list(found.by_uncertainty) == ["fixed", "nuisance", "effect", "all"]
    drawn = world(CGD, {"truth.uncertainty": "all"})
    assert simulate(drawn, 2048, 3, workers=1).summary.success == found.by_uncertainty["all"]
    assert found.benefit is not None and found.benefit.value is not None
    assert found.by_uncertainty["all"].value < found.benefit.value


def test_a_null_hypothesis_has_no_assurance() -> None:
    found = sensitivity(world(CGD), 8, hypothesis="no_effect", workers=1)
    assert list(found.by_uncertainty) == ["fixed", "nuisance"]
    assert found.benefit is None
    assert all(move.kind != "effect" for move in found.moves)


def test_worker_count_and_engine_move_nothing() -> None:
    alone = sensitivity(world(ATAXIA), 8, workers=1)
    assert sensitivity(world(ATAXIA), 8, workers=2) == alone
    assert sensitivity(world(ATAXIA), 8, workers=2, engine="simpy") == alone


def changed(first: Parameters, second: Parameters) -> set[str]:
    found = set()
    for group in ("shares", "dependence", "numbers"):
        mine, other = getattr(first, group), getattr(second, group)
        found |= {f"{group} {key}" for key in mine if not np.array_equal(mine[key], other[key])}
    u = np.linspace(0.05, 0.95, 19)[None, :]
    laws = first.distributions
    return found | {
        f"distributions {key}"
        for key, law in laws.items()
        if not np.array_equal(law.quantile(u), second.distributions[key].quantile(u))
    }


@pytest.mark.parametrize(("name", "kind", "what"), EVERYTHING)
def test_one_place_moves_one_number_only(name: str, kind: str, what: str) -> None:
    scenario = world(name)
    model = scenario.model
    ends = [model.parameters(place=f"{side}: {what}") for side in ("lower", "upper")]
    moved = changed(model.parameters(), ends[0]) | changed(*ends)
    if kind == "effect":
        assert moved == set()
        low, high = (scenario.effects("effect", None, f"{s}: {what}") for s in ("lower", "upper"))
        assert float(low_value(low)) < float(low_value(high))
    elif what.endswith("log SD between sites"):
        assert moved == {"numbers ('serious_infection', 'site_log_sd')"}
    else:
        assert len(moved) == 1, moved


def low_value(effects) -> float:
    return next(iter(next(iter(effects.values())).values())).value[0]


def test_ends_are_the_95_percent_ends_of_what_the_evidence_allows() -> None:
    ataxia = world(ATAXIA).model
    numbers = [
        ataxia.parameters(place=f"{side}: mfars: spread of change").numbers
        for side in ("lower", "upper")
    ]
    spread = [float(n["mfars", "spread_of_change.sd"][0]) for n in numbers]
    exact = [4.15 * math.sqrt(41 / chi2.ppf(level, 41)) for level in (0.975, 0.025)]
    assert spread == pytest.approx(exact, rel=1e-9)
    cgd = world(CGD)
    what = "effect of interferon on serious_infection"
    ratios = [low_value(cgd.effects("effect", None, f"{s}: {what}")) for s in ("lower", "upper")]
    se = math.log(0.616 / 0.181) / (2 * norm.ppf(0.975))
    assert ratios == pytest.approx([0.334 * math.exp(z * 1.959964 * se) for z in (-1, 1)], rel=1e-6)


def test_what_conduct_halves_and_doubles_is_what_the_scenario_states() -> None:
    numbers = {n.words[1]: n for n in numbers_moved(world(CGD), "effect")}
    leaving = numbers["leaving the study"]
    rates = [
        world_at.scenario.spec.truth.leaves_study.rate * 365.25
        for world_at in (leaving.lower, leaving.upper)
    ]
    assert rates == pytest.approx([0.029, 0.116])
    assert leaving.lower.scenario.spec.truth.uncertainty == "fixed"


def test_a_difference_that_is_nowhere_still_has_an_error() -> None:
    same = np.ones(100)
    found = montecarlo.difference(same, same, np.arange(100))
    assert found.value == 0
    assert found.mcse == pytest.approx(math.sqrt(1 / 102 * 101 / 102 / 100))


@pytest.mark.parametrize("place", ["highest", "upper: nothing", "each", "centre: gaa1"])
def test_unknown_places_are_refused(place: str) -> None:
    with pytest.raises(InputError, match="unpublished"):
        simulate(world(ATAXIA), 8, place=place, workers=1)
