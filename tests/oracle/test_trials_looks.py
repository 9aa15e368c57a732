"""Looks at other things than events, from a scenario file to rejection rates, against packages.

rpact 4.3.0: getSimulationRates and getSimulationMeans, two looks, "asOF", 100,000 iterations (items
sim_rates_2look_n100, sim_t_means_fixed_n40_notnormalapprox, sim_t_means_2look_n40 of an independent
set of numbers). Its two looks at means are z tests of a known SD, so they are held to the kernel;
those of a scenario to a simulation of Welch tests in SciPy. lrstat: the vignette
group_sequential_simulation, 1,000 iterations, told to a per cent. Patients come so slowly that a
look finds hardly anybody half-way. Tolerance: 4 standard errors of both simulations together.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from raresim.analysis import boundaries
from raresim.analysis.sequential import exit_probabilities
from raresim.trial import Scenario, run_block
from tests.oracle.test_trials_rpact import SCENARIO as SURVIVAL
from tests.worlds import FILES, scenario_from

BLOCKS = 4
TRIALS = BLOCKS * 1024
SCENARIO = """
schema: raresim/scenario/1
question: Does a test of two looks find a difference?
truth:
  model: normal
  uncertainty: fixed
  hypotheses: {{effect: {{score: {{treated: {effect}}}}}}}
  candidates: {{stream: {{per_site: 0.5 per month, gamma_shape: 1000000, why: a test}}}}
  screening_lasts: 0 to 0 days
design:
  eligible: sex == male or sex == female
  arms: {{control: {{give: nothing}}, treated: {{give: drug}}}}
  control: control
  randomise: {{n: {n}, ratio: {{control: 1, treated: 1}}, block: 2}}
  sites: {{number: 1, open: [{{first: 1, at: day 0}}]}}
  recruit_for: 100 years
  visits: {{weeks: [4]}}
  treat_for: 4 weeks
  milestones:
    half: {{when: {{information: 0.5, of: primary}}, do: [analyse primary, stop if efficacy]}}
    final: {{when: {{everybody: finished}}, do: [analyse primary]}}
analysis:
  endpoints:
    better: {{better: earlier, first_of: [{{score: score, rises_by: 6.744897501960817}}]}}
  estimands:
    primary:
      variable: {variable}
      summary: difference in means
      intercurrent: {{stops_treatment: treatment policy}}
  methods:
    primary: {{test: {test}, alpha: 0.025 one-sided, boundary: {{planned_information: {n}{more}}}}}
  success: primary
"""
MEANS = {"variable": "change in score at week 4", "test": "t", "n": 40}
RATES = {"variable": "share with better by week 4", "test": "miettinen-nurminen", "n": 100}
"""A quarter of the control arm has the endpoint: 6.74 is that quantile of a change with SD 10."""


def trial(shift: float, more: str = "", **told: object) -> Scenario:
    effect = "{difference: 0, after: 4 weeks}"
    if shift:
        effect = f"{{assumed: {{difference: {shift}, after: 4 weeks}}, why: a test}}"
    text = SCENARIO.format(effect=effect, more=more, **told)
    return scenario_from(text, FILES / "normal.yaml")


def rejections(scenario: Scenario, key: str = "rejected") -> np.ndarray:
    """Share of trials in which each look rejects."""
    found = [run_block(scenario, "effect", 2026, block).analyst for block in range(BLOCKS)]
    looks = found[0].looks
    return np.array([np.concatenate([a.records[x][key] for a in found]).mean() for x in looks])


def close(ours: float, theirs: float, trials: int = 100_000) -> bool:
    error = math.sqrt(theirs * (1 - theirs) * (1 / TRIALS + 1 / trials))
    return abs(ours - theirs) <= 4 * error


@pytest.mark.parametrize(
    ("share", "by_stage"),
    [(0.25, (0.00114, 0.02485)), (0.45, (0.0599, 0.4982)), (0.55, (0.19699, 0.68498))],
)
def test_two_looks_at_a_share_stop_as_often_as_rpacts(
    share: float, by_stage: tuple[float, float]
) -> None:
    shift = 10 * float(stats.norm.ppf(share) - stats.norm.ppf(0.25))
    found = rejections(trial(shift, **RATES))
    assert all(close(float(a), b) for a, b in zip(found, by_stage, strict=True)), found


@pytest.mark.parametrize(
    ("shift", "by_stage"),
    [(0.0, (0.00146, 0.02373)), (0.5, (0.03222, 0.31841)), (1.0, (0.23372, 0.65061))],
)
def test_two_looks_at_normal_means_stop_as_often_as_rpacts(
    shift: float, by_stage: tuple[float, float]
) -> None:
    upper = boundaries((20, 40), 40, 0.025)
    found = exit_probabilities((20.0, 40.0), upper.tolist(), theta=shift / 2).upper
    for ours, theirs in zip(found, by_stage, strict=True):
        assert abs(ours - theirs) <= 4 * math.sqrt(theirs * (1 - theirs) / 100_000)


@pytest.mark.parametrize("shift", [0.0, 5.0, 10.0])
def test_two_looks_at_t_tests_are_those_of_their_p_values(shift: float) -> None:
    """The level is that of the plan although 20 patients have a t statistic and not a z."""
    rng, upper = np.random.default_rng(7), boundaries((20, 40), 40, 0.025)
    drug, control = rng.normal(shift, 10, (30_000, 20)), rng.normal(0, 10, (30_000, 20))
    z = [
        stats.norm.isf(
            stats.ttest_ind(
                drug[:, :n], control[:, :n], axis=1, equal_var=False, alternative="greater"
            ).pvalue
        )
        for n in (10, 20)
    ]
    early = z[0] >= upper[0]
    wanted = (early.mean(), (~early & (z[1] >= upper[1])).mean())
    found = rejections(trial(shift, **MEANS))
    assert all(close(float(a), float(b), 30_000) for a, b in zip(found, wanted, strict=True)), found


@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_an_n_that_follows_the_trend_holds_the_level_and_gains_power(shift: float) -> None:
    """Promising zone from 30 % up to twice the patients; the level is exact, the power is more."""
    scenario = trial(shift, ", looks: [0.5, 1], combine: inverse normal", **MEANS)
    zone = {"conditional_power": 0.9, "promising_from": 0.3}
    grows = {"re_estimate": "primary", "unblinded": zone, "at_most": 80}
    do = ["analyse primary", "stop if efficacy"]
    found = rejections(scenario.changed({"design.milestones.half.do": [*do, grows]})).sum()
    if shift == 0:
        assert close(float(found), 0.025, trials=10**9)
        return
    plain = rejections(scenario).sum()
    assert found > plain + 4 * math.sqrt(2 * 0.25 / TRIALS)


@pytest.mark.parametrize(("hazards", "what", "share"), [(0.3, "power", 0.9), (1.0, "futile", 0.62)])
def test_critical_values_and_futility_are_those_of_an_lrstat_trial(
    hazards: float, what: str, share: float
) -> None:
    """Its time runs faster: 0.95 events a year are 1.37 times the rate of the model."""
    faster = 0.95 / 12 / 0.057762265046662105
    effect = "{rate_ratio: 1}"
    if hazards != 1:
        effect = f"{{assumed: {{hazard_ratio: {hazards}}}, why: a test}}"
    do = "do: [analyse event_free, stop if"
    milestones = f"""\
    first: {{when: {{first: event, patients: 16}}, {do} futility]}}
    second: {{when: {{first: event, patients: 24}}, {do} efficacy]}}
    last:
      when: {{any: [{{first: event, patients: 32}}, {{everybody: finished}}]}}
      do: [analyse event_free]"""
    more = ", boundary: {critical: [6, 2.34, 2.012], planned_information: 32}"
    more += f", futility: {{p_above: {stats.norm.sf(0.282)}}}"
    scenario = scenario_from(
        SURVIVAL.format(
            effect=effect, pace=5 / faster, n=170, ratio=3, block=4, milestones=milestones,
            boundary=more,
        ),
        FILES / "exponential.yaml",
    )  # fmt: skip
    leaves = -math.log(0.9) / 2 / faster
    scenario = scenario.changed(
        {
            "design.treat_for": f"{6.5 * faster} months",
            "truth.leaves_study": {"rate": f"{leaves} per year", "why": "a test"},
        }
    )
    if what == "power":
        found = float(rejections(scenario).sum())
    else:
        found = 1 - float(rejections(scenario, "analysed")[1])
    error = math.sqrt(share * (1 - share) * (1 / TRIALS + 1 / 1000))
    assert abs(found - share) <= 4 * error + 0.005  # it is told to a per cent
