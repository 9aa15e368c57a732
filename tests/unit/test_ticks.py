"""Time in a trial is whole seconds, rounded up."""

import numpy as np
import pytest

from raresim.trial.ticks import LONGEST, NEVER, Kind, days, ticks

DAY = 86_400


@pytest.mark.parametrize(
    ("day", "resolution", "tick"),
    [
        (0.0, 1, 0),
        (0.5, 1, 43_200),
        (1.0, 1, DAY),
        (1.00000001, 1, DAY + 1),
        (0.5, DAY, DAY),
        (1.0, DAY, DAY),
        (1.01, DAY, 2 * DAY),
        (0.3, 3600, 8 * 3600),
        (LONGEST, 1, NEVER),
        (np.inf, DAY, NEVER),
    ],
)
def test_days_become_ticks_rounded_up_to_the_resolution(day, resolution, tick):
    found = ticks(day, resolution)
    assert found == tick
    assert found.dtype == np.int64


def test_whole_seconds_survive_the_way_to_days_and_back():
    seconds = np.arange(0, 200_000, 37, dtype=np.int64) * 811
    back = ticks(days(seconds))
    assert np.abs(back - seconds).max() <= 1
    assert (ticks(days(seconds // DAY * DAY)) == seconds // DAY * DAY).all()


def test_the_order_of_entries_within_a_tick_is_the_public_one():
    names = [kind.name for kind in sorted(Kind)]
    patient = ["OUTCOME", "VISIT", "PERIOD", "RESCUE", "STOP_TREATMENT", "EXIT"]
    assert names == [*patient, "DELIVERY", "RANDOMISE", "PRESENT", "LOOK"]
