"""Events on a clock of their own: prevalent survivors, treatment, rows, uncertainty, engines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from raresim.disease import DiseaseModel, load_model
from raresim.disease.outcomes import Effect, Exposure, Horizon
from raresim.errors import InputError
from raresim.streams import Luck
from tests.worlds import differences, scenario_from

MODEL = """\
schema: raresim/model/1
name: Test of clocks
version: 1.0.0
identifiers: {orpha: 1, omim: 1, genes: [G]}
about: A test of events on an age clock with rows by genotype.
sources: {x: {cite: "Somebody et al., Journal 2000"}}
patients:
  copies: {states: [two, three], assumed: {share: {two: 0.7, three: rest}}, why: a test}
  age: {unit: months, range: 0.5 to 12, assumed: {mean: 5, sd: 2}, why: a test}
outcomes:
  event:
    kind: time to event
    better: later
    clock: age
    time:
      unit: months
      given: copies
      rows:
        - {when: two, evidence: {free: {5 months: 0.8, 10.5 months: 0.5, 14 months: 0.26}, n: 23,
           source: x}}
        - {when: three, evidence: {median: 22, q1: 13, q3: 40, n: 30, source: x}}
    ends: everything
"""
SCENARIO = """\
schema: raresim/scenario/1
question: Does a drug delay the event in 60 infants?
truth:
  model: clocks.yaml
  uncertainty: all
  hypotheses:
    effect: {event: {drug: {evidence: {hazard_ratio: 0.5, ci: [0.3, 0.83], source: x}}}}
    no_effect: {event: {drug: {hazard_ratio: 1}}}
  candidates: {stream: {per_site: 2 per month, gamma_shape: 2, why: a test}}
  screening_lasts: 1 to 3 weeks
design:
  eligible: copies == two and age <= 7
  arms: {sham: {give: nothing}, drug: {give: a drug}}
  control: sham
  randomise: {n: 60, ratio: {sham: 1, drug: 2}, block: 6}
  sites: {number: 8, open: [{first: 8, at: day 0}]}
  recruit_for: 24 months
  visits: {weeks: [13, 26, 56], window: 7 days}
  treat_for: 56 weeks
  after_stopping_treatment: keep following
  milestones: {final: {when: {all: [{everybody: finished}]}, do: [analyse survival]}}
  nulls: [no_effect]
analysis:
  estimands:
    survival:
      variable: time to first event
      summary: hazard ratio
      intercurrent: {stops_treatment: treatment policy}
  methods: {survival: {test: logrank, estimate: cox, alpha: 0.025 one-sided}}
  success: survival
sources: {x: {cite: "Somebody et al., Journal 2000"}}
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("clocks") / "clocks.yaml"
    place.write_text(MODEL)
    return place


@pytest.fixture(scope="module")
def model(path) -> DiseaseModel:
    return load_model(path)


@pytest.fixture(scope="module")
def sampled(model):
    luck = Luck(1, 0)
    patients = model.sample(luck, 200)
    latent = model.latents(luck, patients, model.published, Horizon(1000.0))["event"]
    return patients, latent


def days(model, latent, ratio=None, until=np.inf):
    effect = None if ratio is None else Effect("ratio", np.array([ratio]))
    exposure = Exposure.one(np.full((1, 1), until), effect)
    return model.processes["event"].path(latent, exposure, {}).days[..., 0]


def test_prevalent_survivors_follow_the_conditional_law(model, sampled) -> None:
    """P(T > t | T > a), by age at entry and copies, within 4 Monte Carlo standard errors."""
    patients, latent = sampled
    month = 365.25 / 12
    age = patients.values["age"]
    event_age = age * month + days(model, latent)
    assert np.all(event_age >= age * month)
    for state, name in enumerate(("two", "three")):
        law = model.published.times["event", name]
        for low in (1.0, 4.0, 8.0):
            chosen = (patients.values["copies"] == state) & (np.abs(age - low - 0.5) < 0.5)
            for later in (10.5, 14.0, 30.0):
                hazards = law.hazard(np.full((1, 1), later * month)) - law.hazard(
                    (age[chosen] * month)[None, :]
                )
                expected = np.exp(-np.maximum(hazards, 0))[0]
                free = np.mean(event_age[chosen] > later * month)
                error = np.sqrt(np.sum(expected * (1 - expected))) / len(expected)
                assert abs(free - expected.mean()) < 4 * error + 1e-12


def test_treatment_divides_the_hazard_while_it_lasts(model, sampled) -> None:
    """A hazard ratio of 0.4 for 100 days against integrating the hazard in steps of a day."""
    _, latent = sampled
    first = latent.rows(slice(0, 4))
    origin = first.origin
    grid = np.arange(0.0, 3000.0, 0.25)
    before = first.hazard(origin)
    cumulative = np.stack([first.hazard(origin + t) - before for t in grid])
    steps = np.diff(cumulative, axis=0) * np.where(grid[:-1] < 100, 0.4, 1.0)[:, None, None]
    reached = np.cumsum(steps, axis=0) >= first.threshold
    expected = np.where(reached.any(0), grid[1:][reached.argmax(0)], np.inf)
    found = days(model, first, 0.4, 100.0)
    early = expected < 2500
    assert early.mean() > 0.8
    assert np.max(np.abs(found - expected)[early]) <= 0.2501


def test_a_ratio_of_one_changes_nothing_and_less_only_delays(model, sampled) -> None:
    _, latent = sampled
    untreated = days(model, latent)
    assert days(model, latent, 1.0, 300.0) == pytest.approx(untreated, rel=1e-9)
    assert np.all(days(model, latent, 0.5, 300.0) >= untreated - 1e-9)
    assert np.all(days(model, latent, 2.0, 300.0) <= untreated + 1e-9)


def test_both_engines_agree_to_the_bit_with_every_number_drawn(path) -> None:
    from raresim.trial.engine import run_block

    scenario = scenario_from(SCENARIO, path)
    runs = [run_block(scenario, "effect", 3, 0, engine, 64) for engine in ("block", "simpy")]
    assert differences(*runs) == []
    alone = run_block(scenario, "effect", 3, 0, "block", 8)
    assert np.array_equal(alone.performed, runs[0].performed[:8])


@pytest.mark.slow
def test_type_one_error_holds_on_the_age_clock(path) -> None:
    """One-sided log-rank at 2.5 %, 60 infants 2:1: below 3.2 % (an asymptotic test, 4 errors)."""
    from raresim.study import simulate

    scenario = scenario_from(SCENARIO.replace("uncertainty: all", "uncertainty: fixed"), path)
    size = simulate(scenario, 6000, 1, hypothesis="no_effect", workers=1).summary.success
    assert size.value is not None and size.mcse is not None
    assert 0.025 - 4 * size.mcse < size.value < 0.032 + 4 * size.mcse


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("clock: age", "clock: copies", "'copies' is a category"),
        ("clock: age", "clock: onset", "unknown clock 'onset'"),
        ("unit: months, range", "unit: points, range", "has the unit 'points'"),
        ("- {when: three", "- {when: four", "unknown state 'four'"),
        ("given: copies\n      rows", "given: age\n      rows", "'age' is a number"),
        ("0.5, 14 months", "0.9, 14 months", "fall with time"),
        ("q1: 13", "q1: 0", "quartiles of the time above zero"),
        (
            "    ends: everything",
            "    hazard: {assumed: {events: 1, exposure: 9 patient-years}, why: x}",
            "either",
        ),
    ],
)
def test_faults_of_a_time_are_told_at_their_line(old, new, message, tmp_path) -> None:
    broken = tmp_path / "broken.yaml"
    assert old in MODEL
    broken.write_text(MODEL.replace(old, new))
    with pytest.raises(InputError, match=message) as caught:
        load_model(broken)
    assert all(problem.line for problem in caught.value.problems)
