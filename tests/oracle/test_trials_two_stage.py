"""Simon's two stages from a scenario file: as often as the exact binomial says.

A response is a score that rises past a quantile of its change, so that its probability is known;
everybody is seen, and patients come so slowly that hardly any is treated beyond the first stage.
Exact: `SimonDesign`, held to R clinfun elsewhere. Tolerance: 4 Monte Carlo standard errors.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from raresim.analysis.binary import SimonDesign
from raresim.trial import Scenario, run_block
from tests.worlds import FILES, scenario_from

BLOCKS = 2
SCENARIO = """
schema: raresim/scenario/1
question: Do two stages answer as often as they should?
truth:
  model: normal
  uncertainty: fixed
  hypotheses: {{effect: {{score: {{treated: {{difference: 0, after: 4 weeks}}}}}}}}
  candidates: {{stream: {{per_site: 0.1 per month, gamma_shape: 1000000, why: a test}}}}
  screening_lasts: 0 to 0 days
design:
  eligible: sex == male or sex == female
  arms: {{treated: {{give: drug}}}}
  randomise: {{n: {total}, ratio: {{treated: 1}}, method: simple}}
  sites: {{number: 1, open: [{{first: 1, at: day 0}}]}}
  recruit_for: 100 years
  visits: {{weeks: [4]}}
  treat_for: 4 weeks
  milestones:
    first: {{when: {{visit: 4, patients: {first}}}, do: [analyse primary, stop if futility]}}
    final: {{when: {{everybody: finished}}, do: [analyse primary]}}
analysis:
  endpoints: {{response: {{better: earlier, first_of: [{{score: score, rises_by: {line}}}]}}}}
  estimands:
    primary:
      variable: share with response by week 4
      summary: share
      intercurrent: {{stops_treatment: treatment policy}}
  methods:
    primary:
      test: exact binomial
      goal: {goal}
      futility: {{responders_at_most: {stop}}}
      responders_above: {fail}
      alpha: 0.05 one-sided
  success: primary
"""


def two_stage(folder: Path, design: SimonDesign, goal: float, share: float) -> Scenario:
    """Return the trial, its score read to a hundredth: whole points would move the share."""
    model = (FILES / "normal.yaml").read_text("utf-8")
    written = folder / "normal.yaml"
    written.write_text(
        model.replace("    unit: points", "    unit: points\n    step: 0.01"), "utf-8"
    )
    line = 10 * float(stats.norm.isf(share))
    told = {"stop": design.stop, "first": design.first, "fail": design.fail, "total": design.total}
    return scenario_from(SCENARIO.format(**told, goal=goal, line=line), written)


@pytest.mark.parametrize(
    ("design", "goal", "share"),
    [
        (SimonDesign(1, 10, 5, 29), 0.1, 0.1),
        (SimonDesign(1, 10, 5, 29), 0.1, 0.3),
        (SimonDesign(2, 10, 7, 22), 0.2, 0.45),
    ],
)
def test_a_scenario_stops_and_rejects_as_often_as_simons_design(
    design: SimonDesign, goal: float, share: float, tmp_path: Path
) -> None:
    scenario = two_stage(tmp_path, design, goal, share)
    runs = [run_block(scenario, "effect", 5, block) for block in range(BLOCKS)]
    last = runs[0].analyst.looks[-1]
    rejected = np.concatenate([run.analyst.records[last]["rejected"] for run in runs])
    patients = np.concatenate([run.ledger.present.sum(axis=1) for run in runs])
    trials = len(rejected)
    for found, exact in (
        (rejected.mean(), design.reject(share)),
        (np.mean(patients < design.total), design.stops(share)),
    ):
        assert abs(found - exact) < 4 * math.sqrt(exact * (1 - exact) / trials)
    mean = design.expected_patients(share)
    assert abs(patients.mean() - mean) < 4 * patients.std() / math.sqrt(trials)
