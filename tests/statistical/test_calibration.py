"""Calibration finds the level of an exact test, and moves the threshold of a Bayesian rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import raresim
from raresim.errors import InputError
from raresim.questions import Calibration
from raresim.report.calibration import picture
from raresim.trial import Scenario
from tests.one_arm import one_arm

WORKLOADS = Path(__file__).parents[1] / "benchmarks" / "workloads"
TRIALS, TARGET, K = 10_240, 0.05, 4


def exact() -> Scenario:
    """Return a trial of 80 patients by a t test, whose size is its level."""
    nothing = {"assumed": {"difference": 0, "after": "4 weeks"}, "why": "a test"}
    final = {"when": {"everybody": "finished"}, "do": ["analyse better"]}
    changes = {
        "design.milestones": {"final": final},
        "analysis.methods.better": {"test": "t", "alpha": "0.02 one-sided"},
        "truth.hypotheses.nothing": {"score": {"drug": nothing}},
        "design.nulls": ["nothing"],
    }
    return raresim.load_scenario(WORKLOADS / "w5.yaml").changed(changes)


@pytest.fixture(scope="module")
def found() -> Calibration:
    return raresim.calibrate(exact(), TARGET, TRIALS, workers=1)


@pytest.mark.slow
def test_the_level_of_an_exact_test_is_found(found: Calibration) -> None:
    (rule,) = found.rules
    error = (TARGET * (1 - TARGET) / TRIALS) ** 0.5
    assert abs(rule.after - TARGET) < K * error  # one error below it on average
    assert rule.before == 0.02 and found.shift < 0
    again = found.size.again
    assert again.value is not None and again.mcse is not None
    assert abs(again.value - rule.after) < K * again.mcse
    assert found.verdict != "above the level"


@pytest.mark.slow
def test_the_error_falls_in_steps_and_stays_below_the_level(found: Calibration) -> None:
    rates = [rate.value or 0.0 for _, rate in found.tried]
    assert rates == sorted(rates, reverse=True)
    kept = dict(found.tried)[found.shift]
    assert (kept.value or 0.0) + (kept.mcse or 0.0) <= TARGET
    assert len(found.tried) <= 10
    assert "probits" in ElementTree.fromstring(picture(found)).attrib["aria-label"]


@pytest.mark.slow
def test_a_calibration_cut_short_goes_on(tmp_path: Path) -> None:
    asked = raresim.calibrate(exact(), TARGET, 2048, workers=1)

    def stop(done: int, _: int) -> None:
        if done >= 3 * 2048:
            raise KeyboardInterrupt

    options: dict[str, Any] = {"workers": 1, "folder": tmp_path / "cut", "picture": picture}
    with pytest.raises(KeyboardInterrupt, match="add --resume"):
        raresim.calibrate(exact(), TARGET, 2048, progress=stop, **options)
    again = raresim.calibrate(exact(), TARGET, 2048, resume=True, **options)
    assert again == asked
    assert raresim.calibrate(exact(), TARGET, 2048, resume=True, **options) == asked  # read


def bayesian(threshold: float) -> Scenario:
    """Return a trial of 24 patients whose share, 0.457 without effect, is held against a goal."""
    rule = {"test": "beta-binomial", "goal": 0.47, "posterior_above": threshold}
    changes: dict[str, Any] = {
        "analysis.methods.held": {**rule, "prior": {"beta": [1, 1]}},
        "analysis.endpoints.held.first_of": [{"score": "mfars", "below": 38}],
        "design.nulls": ["no_effect"],
    }
    return one_arm(changes)


@pytest.mark.slow
def test_the_threshold_of_a_bayesian_rule_is_moved() -> None:
    """Some 22 of 24 are read, so that the error goes in steps: no less than half of the level."""
    found = raresim.calibrate(bayesian(0.9), 0.025, 4096, workers=1)
    (rule,) = found.rules
    assert rule.path == "analysis.methods.held.posterior_above"
    assert rule.after > rule.before
    assert (found.before.value or 0.0) > 0.025
    error = (0.025 * 0.975 / 4096) ** 0.5
    assert 0.0125 < (found.size.again.value or 0.0) < 0.025 + K * error


def test_what_cannot_be_calibrated_is_refused() -> None:
    with pytest.raises(InputError, match="declares no null hypothesis"):
        raresim.calibrate(raresim.load_scenario(WORKLOADS / "w5.yaml"), 0.05, 16)
    with pytest.raises(InputError, match="target"):
        raresim.calibrate(exact(), 0.7, 16)
