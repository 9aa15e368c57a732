"""Trials of two stages for tests: shares that are known exactly, and small shipped ones."""

from __future__ import annotations

from math import log
from pathlib import Path
from typing import Any

from raresim.trial import Scenario
from tests.worlds import scenario_from, world

SCORE, COURSES = "friedreich-two-stages", "hereditary-angioedema-three-regimens"
LEVEL = {"alpha": "0.025 one-sided"}
NAME = "high_or_low"
STAGE = 28
"""Days of each stage of `shares`."""


def spcd(changes: dict[str, Any] | None = None) -> Scenario:
    """Return the trial of a score in two stages, fixed truth, smaller."""
    small = {"truth.uncertainty": "fixed", "design.randomise.n": 60, "design.randomise.strata": []}
    return world(SCORE, small | (changes or {}))


def snsmart(changes: dict[str, Any] | None = None) -> Scenario:
    """Return the trial of three regimens, fixed truth, smaller."""
    small = {"truth.uncertainty": "fixed", "design.randomise.n": 60}
    return world(COURSES, small | (changes or {}))


def regression_only(changes: dict[str, Any] | None = None) -> Scenario:
    """Return the trial of regimens without its Bayesian analysis, which takes time."""
    final = {"when": {"everybody": "finished"}, "do": [f"analyse {NAME}"]}
    whole = snsmart(changes)
    estimand, method = (
        whole.document.data["analysis"][part][NAME] for part in ("estimands", "methods")
    )
    return whole.changed(
        {
            "design.milestones": {"final": final},
            "analysis.estimands": {NAME: estimand},
            "analysis.methods": {NAME: method},
        }
    )


def shares(
    folder: Path, first: tuple[float, float], second: tuple[float, float], n: int, drop: float
) -> Scenario:
    """Return an SPCD of shares (drug, placebo) in each stage, which follow nothing but treatment.

    A patient without an event in a stage has responded. Treatments of the second stage have names
    of their own, so that their rates do, and only they lose patients.
    """
    model = folder / "shares.yaml"
    rate = -log(first[1]) / STAGE
    ratio = {"drug": log(first[0]) / log(first[1]), "drug_later": log(second[0]) / log(first[1])}
    ratio["placebo_later"] = log(second[1]) / log(first[1])
    ratio["placebo"] = 1.0
    effects = {
        name: {"assumed": {"rate_ratio": round(r, 12)}, "why": "a test"}
        for name, r in ratio.items()
    }
    leaves = {
        "rate": f"{-log(1 - drop) / STAGE:.12f} per day",
        "by_arm": {"placebo": 0.0, "drug": 0.0},
        "why": "a test",
    }
    model.write_text(MODEL.replace("RATE", f"{rate:.12f}"))
    scenario = scenario_from(SHARES, model)
    return scenario.changed(
        {
            "truth.hypotheses.effect.event": effects,
            **({"truth.leaves_study": leaves} if drop else {}),
            "design.randomise.n": n,
        }
    )


MODEL = """
schema: raresim/model/1
name: Shares
version: 1.0.0
about: Events at a rate that all patients share.
sources: {x: {cite: "nobody, for a test"}}
patients:
  sex: {states: [a, b], assumed: {share: {a: rest, b: 0.5}}, why: a test}
outcomes:
  event:
    kind: recurrent
    better: fewer
    rate: {assumed: {rate: RATE per day, exposure: 100 patient-years}, why: a test}
    between_patients: {assumed: {negative_binomial_theta: 1000000}, why: all alike}
"""
SHARES = """
schema: raresim/scenario/1
question: What is the power of a sequential parallel comparison?
truth:
  model: shares.yaml
  uncertainty: fixed
  hypotheses:
    effect: {event: {drug: {rate_ratio: 1}}}
  candidates: {stream: {per_site: 30 per month, gamma_shape: 50, why: a test}}
  screening_lasts: 1 to 2 days
design:
  eligible: sex == a or sex == b
  treatments:
    placebo: {give: placebo}
    drug: {give: drug}
    placebo_later: {give: placebo}
    drug_later: {give: drug}
  arms:
    pp: {periods: [{give: placebo, for: 28 days}, {give: placebo_later, for: 28 days}]}
    pd: {periods: [{give: placebo, for: 28 days}, {give: drug_later, for: 28 days}]}
    dd: {periods: [{give: drug, for: 28 days}, {give: drug_later, for: 28 days}]}
  control: pp
  randomise: {n: 150, ratio: {pp: 33, pd: 33, dd: 34}, method: simple}
  sites: {number: 10, open: [{first: 10, at: day 0}]}
  recruit_for: 12 months
  visits: {weeks: [4, 8], window: 0 days}
  treat_for: 56 days
  milestones:
    final: {when: {everybody: finished}, do: [analyse stages]}
analysis:
  endpoints:
    had: {first_of: [event]}
  estimands:
    stages:
      variable: share with had by stages
      stages: [{week: 4}, {week: 8, since: 4, only_if: {event: event}}]
      weight: 0.5
      summary: difference in means
      intercurrent: {stops_treatment: treatment policy}
  methods:
    stages: {test: spcd, variance: separate, alpha: 0.025 one-sided}
  success: stages
"""


def conventional(scenario: Scenario) -> Scenario:
    """Return the parallel trial beside an SPCD of shares: its first stage alone, halved."""
    had = {"variable": "share with had by week 4", "summary": "difference in means"}
    events = {"stops_treatment": "treatment policy"}
    return scenario.changed(
        {
            "truth.leaves_study": {"rate": "0 per year"},
            "truth.hypotheses.effect.event": {
                name: {"assumed": {"rate_ratio": effect.statistic.ratio}, "why": "a test"}
                for name, effect in scenario.spec.truth.hypotheses["effect"]["event"].items()
                if name in ("placebo", "drug")
            },
            "design.treatments": {},
            "design.arms": {"placebo": {"give": "placebo"}, "drug": {"give": "drug"}},
            "design.control": "placebo",
            "design.randomise.ratio": {"placebo": 1, "drug": 1},
            "design.treat_for": "28 days",
            "design.visits.weeks": [4],
            "analysis.estimands.stages": {**had, "intercurrent": events},
            "analysis.methods.stages": {"test": "miettinen-nurminen", **LEVEL},
        }
    )
