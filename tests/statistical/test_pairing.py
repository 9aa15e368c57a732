"""Designs on the same patients need far fewer trials to be told apart than independent runs."""

from __future__ import annotations

import pytest

import raresim

PAIRS = [
    ("cgd-interferon-gamma", "cgd-efficacy-and-futility"),  # the same trial, with looks
    ("duchenne-48-weeks", "duchenne-open-label-extension"),  # the same trial, and what follows it
]
TRIALS, SAVED = 1024, 4


@pytest.mark.slow
@pytest.mark.parametrize("names", PAIRS, ids=" and ".join)
def test_pairing_saves_three_quarters_of_the_trials(names: tuple[str, str]) -> None:
    found = raresim.compare({name: raresim.load_scenario(name) for name in names}, TRIALS)
    first, second = (design.figures["success"].mcse or 0.0 for design in found.designs)
    paired = found.designs[1].differences["success"].mcse
    assert paired is not None
    assert (first**2 + second**2) / paired**2 >= SAVED
