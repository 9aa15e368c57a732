"""Pools of survivors for tests: a model with a law of death, and a trial that takes everybody."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from raresim.disease import load_model
from raresim.files import parse
from raresim.trial import Scenario
from raresim.trial.scenario import build

YEAR = 365.25

MODEL = """\
schema: raresim/model/1
name: Test of survivors
version: 1.0.0
about: A test of patients who have survived since their diagnosis, with age made from it.
sources: {x: {cite: "Somebody et al., Journal 2000"}}
patients:
  sex: {kind: yes or no, assumed: {share: 0.5}, why: a test}
  diagnosis_age: {unit: years, range: 10 to 40, assumed: {mean: 25, sd: 5}, why: a test}
  years_ill: {unit: years, range: 0 to 100, assumed: {mean: 10, sd: 5}, why: a test}
  age: {unit: years, sum_of: [diagnosis_age, years_ill]}
  older: {unit: years, formula: years_ill * 2 + 1}
outcomes:
  death:
    kind: time to event
    better: later
    clock: years_ill
    time: {unit: years, assumed: {free: FREE}, why: a test}
    ends: everything
  strength:
    kind: trajectory
    better: higher
    unit: points
    range: 0 to 1000
    clock: years_ill
    curve: 800 - 5 * t
    noise: {assumed: {sd: 1}, why: a test}
"""
SCENARIO = """\
schema: raresim/scenario/1
question: Does a drug delay death in those who are there?
truth:
  model: prevalent.yaml
  uncertainty: fixed
  hypotheses:
    effect: {death: {drug: {assumed: {hazard_ratio: 0.5}, why: a test}}}
  candidates:
    pool:
      per_site: 2 per month
      gamma_shape: 1000000000
      countries:
        malta: {prevalent: 60, diagnosed: 1.0, reachable: 1.0, willing: 1.0}
      survivors: {outcome: death, over: 30 years, why: a test}
  screening_lasts: 0 to 0 days
design:
  eligible: age >= 0
  arms: {sham: {give: nothing}, drug: {give: a drug}}
  control: sham
  randomise: {n: 24, ratio: {sham: 1, drug: 1}, block: 2}
  sites: {number: 4, open: [{first: 4, at: day 0}]}
  recruit_for: 24 months
  visits: {weeks: [13, 26], window: 7 days}
  treat_for: 52 weeks
  milestones: {final: {when: {all: [{everybody: finished}]}, do: [analyse survival]}}
analysis:
  estimands:
    survival:
      variable: time to first death
      summary: hazard ratio
      intercurrent: {stops_treatment: treatment policy}
  methods: {survival: {test: logrank, estimate: cox, alpha: 0.025 one-sided}}
  success: survival
"""
POOL = "truth.candidates.pool"
COUNTRY = f"{POOL}.countries.malta"


def model_at(folder: Path, free: Mapping[str, float], text: str = MODEL) -> Path:
    """Write a model whose law of death goes through these shares, and return its path."""
    shares = ", ".join(f"{time}: {share!r}" for time, share in free.items())
    path = folder / "prevalent.yaml"
    path.write_text(text.replace("FREE", f"{{{shares}}}"))
    return path


def prevalent(model: Path, changes: Mapping[str, Any] | None = None) -> Scenario:
    """Return a trial on a pool of survivors, with some values changed."""
    return build(parse(SCENARIO).changed(changes or {}), load_model(model), "test")
