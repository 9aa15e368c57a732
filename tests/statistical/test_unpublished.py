"""One unpublished number at a time moves the answer, on the same patients."""

from __future__ import annotations

import pytest

from raresim.disease.parameters import gaps
from raresim.errors import InputError
from raresim.study import simulate, swings
from tests.worlds import ATAXIA, CGD, world


@pytest.mark.slow
def test_swings_name_every_interval_and_pairing_sharpens_them() -> None:
    scenario = world(CGD)
    run, found = swings(scenario, 2048, seed=3, workers=1)
    assert {s.what for s in found} == {what for what, _, _ in gaps(scenario.model.spec)}
    assert [s.size for s in found] == sorted((s.size for s in found), reverse=True)
    alone = run.summary.success.mcse
    for swing in found:
        for end in (swing.lower, swing.upper):
            assert end.mcse is not None and alone is not None
            assert end.mcse < 1.42 * alone  # never worse than two independent runs


def test_one_place_moves_one_number_only() -> None:
    model = world(ATAXIA).model
    centre = model.parameters(place="centre").numbers
    moved = model.parameters(place="upper: mfars: visit noise share").numbers
    different = [key for key in centre if centre[key].tolist() != moved[key].tolist()]
    assert different == [("mfars", "visit_noise_share")]


@pytest.mark.parametrize("place", ["highest", "upper: nothing", "each"])
def test_unknown_places_are_refused(place: str) -> None:
    with pytest.raises(InputError, match="unpublished"):
        simulate(world(ATAXIA), 8, place=place, workers=1)
