"""A multi-arm multi-stage design from a scenario file: its family-wise error.

Four arms, two stages, 44 patients an arm and stage, upper boundaries 3.068 and 2.169, lower 0: the
example of R's MAMS (Jaki, Pallmann and Magirr, J Stat Softw 2019;88(4)), whose chance of any
rejection is 5 % where no arm has an effect. In a scenario n stays when arms are dropped, so that
the others get more patients at the second stage, and t tests are turned into z. Tolerance: 4 Monte
Carlo standard errors.
"""

from __future__ import annotations

import math

import numpy as np

from raresim.analysis.sequential import multi_arm_multi_stage
from raresim.trial import run_block
from tests.worlds import FILES, scenario_from

ARMS = ("one", "two", "three", "four")
HEAD = """
schema: raresim/scenario/1
question: Does a design of four arms and two stages hold its level?
truth:
  model: normal
  uncertainty: fixed
  hypotheses:
    null_effect:
      score: {effects}
  candidates: {{stream: {{per_site: 1 per month, gamma_shape: 1000000, why: a test}}}}
  screening_lasts: 0 to 0 days
design:
  eligible: sex == male or sex == female
  arms: {{control: {{give: nothing}}, {arms}}}
  control: control
  randomise: {{n: 440, ratio: {{control: 1, {ratio}}}, block: 5}}
  sites: {{number: 1, open: [{{first: 1, at: day 0}}]}}
  recruit_for: 100 years
  visits: {{weeks: [4]}}
  treat_for: 4 weeks
  milestones:
    half: {{when: {{visit: 4, patients: 220}}, do: [{analyse}, {drop}]}}
    final: {{when: {{everybody: finished}}, do: [{analyse}]}}
analysis:
  estimands:
{estimands}
  methods:
{methods}
  success: one
"""
ESTIMAND = (
    "    {arm}: {{arm: {arm}, variable: change in score at week 4, summary: difference in means, "
    "intercurrent: {{stops_treatment: treatment policy}}}}"
)
METHOD = (
    "    {arm}: {{test: t, alpha: 0.05 one-sided, futility: {{z_below: 0}}, "
    "boundary: {{critical: [{upper}], planned_information: 176}}}}"
)


def test_any_arm_is_rejected_as_often_as_the_design_allows() -> None:
    design = multi_arm_multi_stage(4, 2, alpha=0.05)
    upper = ", ".join(f"{z:.6f}" for z in design.upper)
    text = HEAD.format(
        effects="{" + ", ".join(f"{a}: {{difference: 0, after: 4 weeks}}" for a in ARMS) + "}",
        arms=", ".join(f"{a}: {{give: drug}}" for a in ARMS),
        ratio=", ".join(f"{a}: 1" for a in ARMS),
        analyse=", ".join(f"analyse {a}" for a in ARMS),
        drop=", ".join(f"drop {a} if futility" for a in ARMS),
        estimands="\n".join(ESTIMAND.format(arm=a) for a in ARMS),
        methods="\n".join(METHOD.format(arm=a, upper=upper) for a in ARMS),
    )
    run = run_block(scenario_from(text, FILES / "normal.yaml"), "null_effect", 5, 0)
    records = run.analyst.records
    any_arm = np.logical_or.reduce([found["rejected"] for found in records.values()])
    exact = design.rejects_any()
    assert abs(any_arm.mean() - exact) < 4 * math.sqrt(exact * (1 - exact) / len(any_arm))
    first = records[run.analyst.looks[0]]
    assert np.array_equal(run.analyst.dropped[:, 1], first["z"] <= 0)
    assert abs(first["used"].mean() - 88) < 0.5
