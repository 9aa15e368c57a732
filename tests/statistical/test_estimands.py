"""The five strategies of ICH E9(R1) against closed forms: true values, and trials of 400 patients.

k = 4 Monte Carlo standard errors.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from raresim.study.truth import true_values
from raresim.trial import Scenario, run_block
from raresim.trial.looks.look import Look
from tests.estimands import (
    FOLLOWS,
    GAIN,
    GROUPS,
    MODEL,
    OTHERS,
    SLOPE,
    STOPS,
    YEAR,
    W,
    expected,
    expected_of,
    following,
    independent,
    text,
    text_of,
    times,
)
from tests.worlds import scenario_from

K = 4


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "estimands.yaml"
    path.write_text(MODEL)
    return path


@pytest.fixture(scope="module")
def scenarios(file: Path) -> list[Scenario]:
    return [scenario_from(text(group), file) for group in GROUPS]


def near(values: np.ndarray, target: float, floor: float = 0.0) -> bool:
    """Whether a mean of independent values is the target."""
    error = values.std(ddof=1) / math.sqrt(len(values))
    return abs(values.mean() - target) <= K * error + floor


def estimates(scenario: Scenario, blocks: int) -> dict[str, np.ndarray]:
    runs = [run_block(scenario, "effect", 5, block, replicates=256) for block in range(blocks)]
    return {
        name: np.concatenate([r.analyst.records[Look("final", name)]["estimate"] for r in runs])
        for name in scenario.spec.analysis.estimands
    }


@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_true_values_are_those_of_the_closed_forms(scenarios: list[Scenario], number: int) -> None:
    wanted = {**expected(independent), **times()}
    for name, values in true_values(scenarios[number], "effect", 1, 0).items():
        assert near(values, wanted[name], floor=1e-4), (name, values.mean(), wanted[name])


def test_true_values_hold_where_stopping_depends_on_the_outcome(scenarios: list[Scenario]) -> None:
    """The stratum differs from everybody: percentages are of a level that stopping depends on."""
    scenario = scenarios[0].changed({"truth.stops_treatment": FOLLOWS})
    wanted = expected(following)
    assert wanted["percent_stratum"] < 0.9 * wanted["percent_hypothetical"]
    for name, values in true_values(scenario, "effect", 1, 0).items():
        assert near(values, wanted[name], floor=1e-4), (name, values.mean(), wanted[name])


@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_trials_estimate_every_strategy_where_stopping_depends_on_nothing(
    scenarios: list[Scenario], number: int
) -> None:
    wanted = {**expected(independent), **times()}
    for name, values in estimates(scenarios[number], 2).items():
        assert near(values, wanted[name]), (name, values.mean(), wanted[name])


def test_where_it_depends_on_the_outcome_leaving_out_who_stopped_is_biased(
    scenarios: list[Scenario],
) -> None:
    """And by as much as the closed form says: those who stay are not those who would always."""
    scenario = scenarios[0].changed({"truth.stops_treatment": FOLLOWS})
    wanted, found = expected(following), estimates(scenario, 2)
    for prefix in ("", "percent_"):
        for name in ("policy", "composite", "worst", "while"):
            assert near(found[prefix + name], wanted[prefix + name]), prefix + name
        for name in ("hypothetical", "stratum"):
            values = found[prefix + name]
            assert near(values, wanted[f"{prefix}naive"])
            error = values.std(ddof=1) / math.sqrt(len(values))
            assert wanted[prefix + name] - values.mean() > 20 * error


@pytest.mark.parametrize("event", list(OTHERS))
def test_strategies_for_rescue_and_adverse_events_have_closed_forms_too(
    file: Path, event: str
) -> None:
    scenario = scenario_from(text_of(event), file)
    wanted = expected_of(event)
    for name, values in true_values(scenario, "effect", 1, 0).items():
        assert near(values, wanted[name], floor=1e-4), (name, values.mean(), wanted[name])
    for name, values in estimates(scenario, 1).items():
        assert near(values, wanted[name]), (name, values.mean(), wanted[name])


def test_leaving_biases_what_is_known_of_those_who_had_stopped(scenarios: list[Scenario]) -> None:
    """Who leaves after stopping has a composite value, who leaves before has none: in closed form.

    Known are those on treatment to the end who stay, exp(-(h + q) W), and those who stop before
    they leave, h / (h + q) (1 - exp(-(h + q) W)).
    """
    leaving = 0.6 / YEAR
    means = []
    for arm, h in enumerate(STOPS):
        stays = math.exp(-(h + leaving) * W)
        known = stays + h / (h + leaving) * (1 - stays)
        fall = sum(SLOPE.values()) / 2 * W / YEAR
        means.append(stays * (fall + arm * GAIN) / known)
    scenario = scenarios[0].changed({"truth.leaves_study": {"rate": "0.6 per year", "why": "-"}})
    found, wanted = estimates(scenario, 2), expected(independent)
    assert near(found["composite"], means[1] - means[0])
    assert means[1] - means[0] < wanted["composite"] - 0.4
    for name in ("policy", "hypothetical", "stratum"):
        assert near(found[name], wanted[name]), name
