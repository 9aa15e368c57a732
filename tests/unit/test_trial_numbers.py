"""What is told of a trial's numbers: every column of its table, in both faces alike."""

from __future__ import annotations

import pytest

from raresim.study import simulate, trial_numbers
from raresim.trial import load_scenario
from tests.worlds import ATAXIA, CGD

NOT_TOLD = ("ended_at.", "overrun")
"""Endings have a table of their own; nobody is overrun where decisions take no time."""


@pytest.mark.parametrize("name", [CGD, ATAXIA, "duchenne-six-countries"])
def test_no_column_of_the_trials_table_is_left_out(name: str) -> None:
    scenario = load_scenario(name)
    told = trial_numbers.of_trial(scenario)
    for arm in scenario.arms:
        told += trial_numbers.of_arm(scenario, arm)
    columns = {item.column for item in told}
    found = simulate(scenario, 16, 1, workers=1).summary.trial
    assert columns <= set(found)
    missing = {column for column in set(found) - columns if not column.startswith(NOT_TOLD)}
    for column in missing:  # of what comes once, events are patients
        assert column.endswith(".patients")
        events = found[column.replace(".patients", ".events")]
        assert found[column]["mean"].value == events["mean"].value


def test_costs_and_durations_are_told_in_units_that_people_use() -> None:
    told = {i.column: i for i in trial_numbers.of_trial(load_scenario("duchenne-six-countries"))}
    assert told["cost"].label == "cost (1,000 EUR)" and told["cost"].unit == 1000
    assert told["duration_days"].unit == pytest.approx(365.25 / 12)
    assert told["overrun"].label == "randomised after the last cut"
