"""Whole trials, from a scenario file to a rejection rate, against rpact 4.3.0's simulations.

rpact: getSimulationSurvival, control median 12 months, accrual over 12 months, analyses at numbers
of events, one-sided 2.5 %, 100,000 iterations (items sim_logrank_* of an independent set of
numbers). rpact enters patients at equal distances; here they come as a Poisson stream of the same
length. With analyses at events that changes who is at risk, and hardly the power. Tolerance: 4
standard errors of both simulations together.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from raresim.trial import Scenario, run_block
from tests.worlds import FILES, scenario_from

SCENARIO = """
schema: raresim/scenario/1
question: Does a log-rank test find a hazard ratio?
truth:
  model: exponential
  uncertainty: fixed
  hypotheses: {{effect: {{event: {{treated: {effect}}}}}}}
  candidates: {{stream: {{per_site: {pace} per month, gamma_shape: 1000000, why: a test}}}}
  screening_lasts: 0 to 0 days
design:
  eligible: sex == male or sex == female
  arms: {{control: {{give: nothing}}, treated: {{give: drug}}}}
  control: control
  randomise: {{n: {n}, ratio: {{control: 1, treated: {ratio}}}, block: {block}}}
  sites: {{number: 1, open: [{{first: 1, at: day 0}}]}}
  recruit_for: 100 years
  visits: {{weeks: [4]}}
  treat_for: 100 years
  milestones:
{milestones}
analysis:
  estimands:
    event_free:
      variable: time to first event
      summary: hazard ratio
      intercurrent: {{stops_treatment: treatment policy}}
  methods: {{event_free: {{test: logrank, alpha: 0.025 one-sided{boundary}}}}}
  success: event_free
"""


def trial(ratio_of_hazards: float, n: int, looks: list[int], ratio: int = 1) -> Scenario:
    effect = "{rate_ratio: 1}"
    if ratio_of_hazards != 1:
        effect = f"{{assumed: {{hazard_ratio: {ratio_of_hazards}}}, why: a test}}"
    lines = []
    for k, events in enumerate(looks):
        when = f"{{first: event, patients: {events}}}"
        if k == len(looks) - 1:
            when = f"{{any: [{when}, {{everybody: finished}}]}}"
        lines.append(f"    look{k}: {{when: {when}, do: [analyse event_free, stop if efficacy]}}")
    boundary = f", boundary: {{planned_information: {looks[-1]}}}" if len(looks) > 1 else ""
    text = SCENARIO.format(
        effect=effect,
        pace=n / 12,
        n=n,
        ratio=ratio,
        block=2 * (1 + ratio),
        milestones="\n".join(lines),
        boundary=boundary,
    )
    return scenario_from(text, FILES / "exponential.yaml")


def rejections(scenario: Scenario, blocks: int) -> np.ndarray:
    """Share of trials that reject at each look, and their number."""
    found = [run_block(scenario, "effect", 2026, block) for block in range(blocks)]
    looks = found[0].analyst.looks
    shares = [
        np.concatenate([r.analyst.records[look]["rejected"] for r in found]).mean()
        for look in looks
    ]
    return np.array(shares)


def close(ours: float, theirs: float, trials: int, k: float = 4) -> bool:
    error = math.sqrt(theirs * (1 - theirs) * (1 / trials + 1 / 100_000))
    return abs(ours - theirs) <= k * error


@pytest.mark.parametrize(
    ("n", "events", "ratio", "hazards", "power"),
    [
        (40, 28, 1, 0.3, 0.87373),
        (40, 28, 1, 0.5, 0.44504),
        (40, 28, 1, 1.0, 0.02741),
        (60, 42, 1, 0.7, 0.21339),
        (60, 42, 2, 0.5, 0.60288),
        (60, 42, 2, 1.0, 0.03131),
    ],
)
def test_fixed_designs_have_rpacts_power(
    n: int, events: int, ratio: int, hazards: float, power: float
) -> None:
    blocks = 16
    found = rejections(trial(hazards, n, [events], ratio), blocks)
    assert close(float(found[-1]), power, blocks * 1024)


@pytest.mark.parametrize(
    ("hazards", "by_stage"),
    [
        (0.5, (0.01411, 0.41994, 0.3799)),
        (0.7, (0.00178, 0.09732, 0.21732)),
        (1.0, (0.00006, 0.00625, 0.01961)),
    ],
)
def test_three_looks_stop_as_often_as_rpacts(
    hazards: float, by_stage: tuple[float, float, float]
) -> None:
    blocks = 16
    found = rejections(trial(hazards, 100, [23, 47, 70]), blocks)
    for ours, theirs in zip(found, by_stage, strict=True):
        assert close(float(ours), theirs, blocks * 1024)
