"""The nuisance grid: its points, the scenario at each of them, and paths that lead nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from raresim import catalogue
from raresim.errors import InputError
from raresim.trial import load_scenario
from raresim.trial.nuisance import MOST, grid
from tests.worlds import ATAXIA, CGD, world

SPREAD = "model.outcomes.mfars.spread_of_change.evidence.sd"
LEAVES = "    truth.leaves_study.rate: [0 per year, 0.4 per year]"


def test_the_points_are_the_centre_one_at_a_time_and_few_corners() -> None:
    assert grid({}) == [{}]
    assert grid({"a": [1, 2]}) == [{}, {"a": 1}, {"a": 2}]
    two = grid({"a": [1, 2], "b": [3, 4]})
    assert len(two) == 1 + 4 + 4
    assert {"a": 2, "b": 3} in two
    three = grid({name: [1, 2] for name in "abc"})
    assert len(three) == 1 + 8 == MOST  # centre and corners: all together were 15
    assert {"a": 1} not in three
    assert len(grid({name: [1, 2] for name in "abcd"})) == 1 + 8  # each value alone


def test_a_point_moves_truth_and_model_and_nothing_else() -> None:
    scenario = world(ATAXIA)
    point = scenario.at({"truth.leaves_study.rate": "0.4 per year", SPREAD: 7})
    assert point.spec.truth.leaves_study.rate == pytest.approx(0.4 / 365.25)
    found = point.model.spec.outcomes["mfars"]
    assert found.spread_of_change.statistic.sd == 7  # type: ignore[union-attr]
    assert point.spec.design.nuisance == {}
    assert point.spec.analysis == scenario.spec.analysis
    assert scenario.model.spec.outcomes["mfars"].spread_of_change.statistic.sd == 4.15  # type: ignore[union-attr]
    assert scenario.at({"truth.missed_visits.share": 0.1}).model is scenario.model


def test_a_point_may_state_what_the_file_leaves_out() -> None:
    drift = {"rate_ratio": 0.8, "why": "a test"}
    assert world(CGD).at({"truth.drift.serious_infection": drift}).spec.truth.drift


FAULTS = [
    ("truth.leaves_study.rate: [0 per year, 4]", "no scenario with 4 here"),
    ("truth.leaves_studi.rate: [0 per year]", "unknown key"),
    ("truth.drift.mfar: [{difference: 1, after: 48 weeks, why: x}]", "unknown outcome 'mfar'"),
    ("truth.missed_visits.share.most: [0.1]", "no such place"),
    ("truth.hypotheses.effect: [1]", "there is no nuisance"),
    ("truth.uncertainty: [all]", "there is no nuisance"),
    ("design.randomise.n: [50]", "there is no nuisance"),
    ("model.targets.0: [50]", "there is no nuisance"),
    ("model.outcomes.mfars.at_screening.assumed.sd: [-2]", "no scenario with -2 here"),
    ("model.outcomes.mfars.spread_of_change.evidence.ssd: [2]", "unknown key"),
    ("model.links.7.evidence.correlation: [0.1]", "no such place"),
]


@pytest.mark.parametrize(("line", "message"), FAULTS, ids=[line for line, _ in FAULTS])
def test_what_makes_no_scenario_is_refused_at_its_line(
    tmp_path: Path, line: str, message: str
) -> None:
    text = catalogue.shipped("scenarios")[ATAXIA].read_text("utf-8")
    assert text.count(LEAVES) == 1
    path = tmp_path / "own.yaml"
    path.write_text(text.replace(LEAVES, f"    {line}"))
    with pytest.raises(InputError) as error:
        load_scenario(path)
    [problem] = error.value.problems
    assert message in problem.message, problem.message
    assert problem.line == text[: text.index(LEAVES)].count("\n") + 1
    assert problem.mend or problem.found
