"""A course through states against closed forms of the Markov chain; curves on the calendar."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import expm

from raresim.alike import take
from raresim.disease import DiseaseModel, load_model
from raresim.disease.outcomes import Effect, Exposure, Horizon
from raresim.errors import InputError
from raresim.streams import Luck
from raresim.study.truth import true_values
from raresim.trial.engine import run_block
from tests.worlds import differences, scenario_from

YEAR = 365.25
MODEL = """\
schema: raresim/model/1
name: Test of states
version: 1.0.0
about: A test of states that one comes back from, and of a season.
sources: {x: {cite: "Somebody et al., Journal 2000"}}
patients:
  at_entry: {states: [remission, mild, severe],
             assumed: {share: {remission: 0.5, mild: 0.3, severe: rest}}, why: a test}
  usual: {unit: per 28 days, range: 0 or more, family: log-normal, assumed: {mean: 6, sd: 3},
          why: a test}
outcomes:
  activity:
    kind: states
    better: lower
    states: [remission, mild, severe]
    starts: at_entry
    moves:
      - {from: remission, to: mild, evidence: {events: 30, exposure: 25 patient-years, source: x}}
      - {from: mild, to: severe, evidence: {events: 12, exposure: 20 patient-years, source: x}}
      - {from: mild, to: remission, assumed: {rate: 1.5 per year, exposure: 20 patient-years},
         why: a test}
      - {from: severe, to: mild, assumed: {rate: 2 per year, exposure: 20 patient-years},
         why: a test}
  bouts:
    kind: diary
    better: fewer
    unit: per 28 days
    per: 28 days
    clock: calendar
    rate: usual * (1 + 0.5 * season * (t >= 1))
    numbers: {season: {assumed: {lower: 0, centre: 1, upper: 1}, why: a test}}
    between_periods: {assumed: {lower: 1000, centre: 100000, upper: 100000}, why: a test}
"""
SCENARIO = """\
schema: raresim/scenario/1
question: Does a drug keep 40 patients from getting worse?
truth:
  model: states.yaml
  uncertainty: nuisance
  hypotheses:
    effect: {activity: {drug: {assumed: {rate_ratio: 0.4}, why: a test}}}
    no_effect: {activity: {drug: {rate_ratio: 1}}}
  candidates: {stream: {per_site: 1 per month, gamma_shape: 5, why: a test}}
  screening_lasts: 1 to 2 weeks
design:
  eligible: activity <= 1
  arms: {sham: {give: nothing}, drug: {give: a drug}}
  control: sham
  randomise: {n: 40, ratio: {sham: 1, drug: 1}, block: 4}
  sites: {number: 3, open: [{first: 3, at: day 0}]}
  recruit_for: 48 months
  visits: {weeks: [12, 24, 36, 48], window: 3 days}
  treat_for: 48 weeks
  milestones: {final: {when: {everybody: finished}, do: [analyse worse, analyse state]}}
  nulls: [no_effect]
analysis:
  endpoints: {worsening: {first_of: [{score: activity, rises_by: 1}]}}
  estimands:
    worse: {variable: time to first worsening, summary: hazard ratio,
            intercurrent: {stops_treatment: treatment policy}}
    state: {variable: change in activity at week 48, summary: difference in means,
            intercurrent: {stops_treatment: treatment policy}}
  methods:
    worse: {test: logrank, estimate: cox, alpha: 0.025 one-sided}
    state: {test: ancova, adjust_for: [activity at baseline], alpha: 0.025 one-sided}
  success: worse
"""
RATES = {(0, 1): 1.2, (1, 2): 0.6, (1, 0): 1.5, (2, 1): 2.0}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "states.yaml"
    path.write_text(MODEL)
    return path


@pytest.fixture(scope="module")
def model(file: Path) -> DiseaseModel:
    return load_model(file)


def generator(ratio: float = 1.0) -> np.ndarray:
    q = np.zeros((3, 3))
    for (origin, to), rate in RATES.items():
        q[origin, to] = rate * (ratio if to > origin else 1.0)
    return q - np.diag(q.sum(1))


def course(model: DiseaseModel, ratio: float | None, until: float):
    luck = Luck(1, 0)
    patients = model.sample(luck, 100)
    latents = model.latents(luck, patients, model.published, Horizon(3 * YEAR), {"activity": 2.0})
    effect = None if ratio is None else Effect("ratio", np.array([ratio]))
    exposure = Exposure.one(np.full((1, 1), until), effect)
    path = model.processes["activity"].path(latents["activity"], exposure, {})
    return patients.values["at_entry"], path


@pytest.mark.parametrize("years", [0.25, 1.0, 2.5])
def test_the_chain_has_the_transition_probabilities_of_its_generator(
    model: DiseaseModel, years: float
) -> None:
    """P(t) = expm(Q t), row by row, within 4 Monte Carlo standard errors."""
    start, path = course(model, None, np.inf)
    later = path.level(np.full((1, 1), years * YEAR))
    _agrees(start, later, expm(generator() * years))


def test_treatment_bends_moves_to_worse_states_while_it_lasts(model: DiseaseModel) -> None:
    """P = expm(Q_treated s) expm(Q (t - s)) for treatment until s."""
    start, path = course(model, 0.3, 0.7 * YEAR)
    later = path.level(np.full((1, 1), 1.5 * YEAR))
    _agrees(start, later, expm(generator(0.3) * 0.7) @ expm(generator() * 0.8))


def _agrees(start: np.ndarray, later: np.ndarray, expected: np.ndarray) -> None:
    for origin in range(3):
        mine = later[start == origin]
        for to in range(3):
            p = expected[origin, to]
            assert abs(np.mean(mine == to) - p) < 4 * np.sqrt(p * (1 - p) / len(mine))


def test_before_randomisation_the_state_is_that_of_randomisation(model: DiseaseModel) -> None:
    start, path = course(model, None, np.inf)
    assert (path.level(np.full((1, 1), -100.0)) == start).all()


def test_both_conducts_agree_and_true_values_follow_the_ratio(file: Path) -> None:
    scenario = scenario_from(SCENARIO, file)
    runs = [run_block(scenario, "effect", 1, 0, name, 16, 86_400) for name in ("block", "simpy")]
    assert differences(*runs) == []
    fixed = scenario.changed({"truth.uncertainty": "fixed"})
    none, some = (true_values(fixed, name, 1, 0) for name in ("no_effect", "effect"))
    assert (none["state"] == 0).all()
    assert abs(none["worse"]).max() < 1e-9
    assert some["state"].max() < 0
    assert np.log(0.4) - 0.05 < some["worse"].mean() < np.log(0.6)


def test_a_curve_on_the_calendar_knows_when_a_patient_is_randomised(file: Path) -> None:
    """Rates are half as high again from the end of the trial's first year on."""
    scenario = scenario_from(SCENARIO, file).changed({"truth.uncertainty": "fixed"})
    fate = run_block(scenario, "no_effect", 1, 0, "block", 256).fate
    years, usual = (
        take(values, fate.roster.candidate)
        for values in (fate.ready / (YEAR * 86_400), fate.baseline["usual"])
    )
    first = fate.lives.arms[0].readings["bouts"][..., 1]  # weeks 0 to 12
    for chosen, factor in ((years < 0.7, 1.0), (years > 1.0, 1.5)):
        ratio = np.sum(first[chosen]) / np.sum(usual[chosen])
        assert abs(ratio - factor) < 0.02


def test_whose_outcome_follows_the_calendar_cannot_wait_for_a_kit(file: Path) -> None:
    kits = {"design.kits": {"first": 1, "order": 1, "arrives_after": "1 weeks"}}
    with pytest.raises(InputError, match="'bouts' follows the calendar") as caught:
        scenario_from(SCENARIO, file).changed(kits)
    assert [problem.field for problem in caught.value.problems] == ["design.kits"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("starts: at_entry", "starts: usual", "'usual' is a number; expected a categorical"),
        ("states: [remission, mild, severe]\n    starts", "states: [mild, severe]\n    starts",
         "'at_entry' has other states"),
        ("from: severe, to: mild", "from: severe, to: milder", "unknown state 'milder'"),
        ("from: severe, to: mild", "from: mild, to: remission", "a move stands here twice"),
        ("from: severe, to: mild", "from: severe, to: severe", "a move leads to another state"),
        ("better: lower", "better: higher", "states are listed from best to worst"),
        ("  usual:", "  calendar:", "is taken: the trial's calendar"),
    ],
)  # fmt: skip
def test_faults_of_states_are_told_at_their_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in MODEL
    path = tmp_path / "states.yaml"
    path.write_text(MODEL.replace(old, new))
    with pytest.raises(InputError, match=message) as caught:
        load_model(path)
    assert all(problem.line for problem in caught.value.problems)
