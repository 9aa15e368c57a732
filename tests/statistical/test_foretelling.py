"""Back-tests: what is foretold never depends on what was published, and the scores are right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from raresim import catalogue
from raresim.errors import InputError
from raresim.study import foretelling
from raresim.trial import load_scenario
from tests.worlds import CGD, world

SHIPPED = sorted(catalogue.shipped("backtests"))


def shipped(name: str, changes=None):
    return load_scenario(catalogue.find("backtests", name)).changed(changes or {})


@pytest.mark.parametrize("name", SHIPPED)
def test_predictions_do_not_read_what_was_published(name: str) -> None:
    scenario = shipped(name)
    changes = {}
    for k, result in enumerate(scenario.spec.published.results):
        if result.key == "share_with":
            other_share = 0.01 + 0.9 * (result.evidence.share < 0.5)
            changes[f"published.results.{k}.evidence.share"] = other_share
        else:
            assert result.key == "change_of"
            changes[f"published.results.{k}.evidence.mean"] = result.evidence.mean + 3.0
    other = shipped(name, changes)
    first, second = (foretelling.foretell(s, 64, workers=1) for s in (scenario, other))
    assert first.record(scenario) == second.record(other)
    scores = [
        foretelling.compare(s, foretold).dict()
        for s, foretold in ((scenario, first), (other, second))
    ]
    assert scores[0] != scores[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_control_arms_lie_in_their_80_percent_intervals_at_a_fair_width(name: str) -> None:
    """The record of the shipped back-tests; a case that fails is to be told, not dropped."""
    scenario = shipped(name)
    found = foretelling.backtest(scenario, 4000, workers=1)
    control = scenario.spec.design.control
    scores = [s for s in found.scores if s.prediction.what.startswith(f"{control}:")]
    assert scores
    for score in scores:
        assert score.inside["80"], score
        assert score.width_ratio <= 2.5, score


def test_a_trial_may_not_be_foretold_from_itself() -> None:
    with pytest.raises(InputError, match="takes numbers from the trial that it foretells"):
        foretelling.foretell(shipped("endear", {"published.sources": ["str1veeu"]}), 8)
    with pytest.raises(InputError, match="effect of nusinersen on event"):
        foretelling.foretell(shipped("endear", {"published.effect_set": False}), 8)
    with pytest.raises(InputError, match="is not a back-test"):
        foretelling.foretell(world(CGD), 8)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("published.results.0.arm", "placebo", "unknown arm 'placebo'"),
        ("published.results.0.share_with", "age", "'age' is a number"),
        ("published.sources", ["nobody"], "unknown source 'nobody'"),
        ("published.results.0.evidence", {"share": 0.5, "source": "endear"}, "needs one share"),
    ],
)
def test_faults_of_the_published_block_are_told(path, value, message) -> None:
    with pytest.raises(InputError, match=message) as caught:
        shipped("endear", {path: value})
    assert all(problem.line for problem in caught.value.problems)


def test_crps_of_a_normal_sample_is_the_closed_form() -> None:
    """Gneiting & Raftery 2007: sigma (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))."""
    values = 3 + 2 * norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    for y in (-1.0, 3.0, 6.5):
        z = (y - 3) / 2
        exact = 2 * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
        assert foretelling.crps(values, y) == pytest.approx(exact, abs=2e-4)


def test_scores_of_a_known_prediction() -> None:
    scenario = shipped("endear")
    foretold = foretelling.foretell(scenario, 64, workers=1)
    result = scenario.spec.published.results[0]
    values = np.linspace(0.0, 1.0, 10_001)
    intervals = {k: (0.5 - int(k) / 200, 0.5 + int(k) / 200) for k in ("50", "80", "95")}
    known = replace(foretold.predictions[0], values=values, intervals=intervals)
    score = foretelling.score(known, result)
    assert score.pit == pytest.approx(0.683, abs=1e-4)
    assert score.inside == {"50": True, "80": True, "95": True}
    assert score.standard_error == pytest.approx(np.sqrt(0.683 * 0.317 / 41))
    assert score.width_ratio == pytest.approx(0.8 / (2 * 1.2815516 * score.standard_error))
    # uniform on 0 to 1: CRPS(y) = 1/3 - y (1 - y)
    assert score.crps == pytest.approx(1 / 3 - 0.683 * 0.317, abs=1e-4)


def test_the_record_is_plain_and_holds_version_seed_and_intervals() -> None:
    scenario = shipped("endear")
    record = foretelling.foretell(scenario, 64, seed=5, workers=1).record(scenario)
    assert json.loads(json.dumps(record)) == json.loads(json.dumps(record, sort_keys=True))
    assert record["seed"] == 5
    assert record["model"] == "sma-type-1 1.0.0"
    for prediction in record["predictions"]:
        assert set(prediction["intervals"]) == {"50", "80", "95"}
        assert "published" not in prediction


def test_changes_and_effects_are_foretold_too(tmp_path: Path) -> None:
    """A published change and a published effect, held against trials whose truth is known."""
    text = catalogue.find("scenarios", "friedreich-48-weeks").read_text()
    text += """
published:
  trial: a test
  sources: [efacts_onset]
  effect_set: true
  results:
    - arm: placebo
      change_of: mfars
      at_week: 48
      evidence: {mean: 0.85, se: 0.64, n: 42, source: moxie}
      naive: {mean: 3, se: 0.5, source: moxie}
    - effect: change
      evidence: {difference: -2.40, ci: [-4.31, -0.5], after: 48 weeks, source: moxie}
"""
    path = tmp_path / "a.yaml"
    path.write_text(
        text.replace("sources: [efacts_onset]", "sources: [moxie_trial]").replace(
            "truth:", "sources: {moxie_trial: {cite: 'A test et al., 2000'}}\n\ntruth:", 1
        )
    )
    scenario = load_scenario(path)
    control = scenario.spec.design.control
    scenario = scenario.changed({"published.results.0.arm": control})
    foretold = foretelling.foretell(scenario, 512, workers=1)
    change, effect = foretelling.compare(scenario, foretold).scores
    table = foretold.run.trials[f"{control}.mfars.change.week48"]
    assert change.prediction.mean.value == pytest.approx(table.mean())
    assert change.prediction.what == f"{control}: change in mfars at week 48"
    estimates = foretold.run.analyses.set_index("estimand").loc["change", "estimate"]
    assert effect.prediction.mean.value == pytest.approx(estimates.mean())
    assert effect.standard_error == pytest.approx((4.31 - 0.5) / (2 * 1.96), rel=1e-3)
    assert effect.published == -2.4
    assert change.crps_naive is not None
    assert effect.crps_naive is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("- {arm: placebo, evidence: {mean: 1}}", "expected one of share_with, change_of, effect"),
        ("- {effect: changed, "
         "evidence: {difference: 1, ci: [0, 2], after: 48 weeks, source: moxie}}",
         "unknown estimand 'changed'"),
        ("- {arm: placebo, change_of: mfars, at_week: 47, "
         "evidence: {mean: 1, se: 1, source: moxie}}",
         "there is no visit at week 47"),
        ("- {arm: placebo, change_of: mfars, at_week: 48, evidence: {mean: 1, source: moxie}}",
         "has no standard error"),
        ("- {arm: placebo, change_of: age, at_week: 48, evidence: {mean: 1, se: 1, source: moxie}}",
         "'age' is a sum of numbers; expected a score"),
    ],
)  # fmt: skip
def test_faults_of_changes_and_effects_are_told(tmp_path: Path, line: str, message: str) -> None:
    text = catalogue.find("scenarios", "friedreich-48-weeks").read_text()
    text += f"\npublished:\n  trial: a test\n  sources: [moxie]\n  results:\n    {line}\n"
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load_scenario(path)
    assert all(problem.line for problem in caught.value.problems)
