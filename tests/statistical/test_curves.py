"""Outcomes that follow curves: diaries, joint models, lines that are crossed, events that end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from raresim.cohort.population import population
from raresim.disease import DiseaseModel, load_model
from raresim.disease.outcomes import UNTREATED, Effect, Exposure, Horizon, on_day
from raresim.disease.outcomes.curve import poisson
from raresim.errors import InputError
from raresim.streams import Luck
from raresim.study.truth import true_values
from raresim.trial import run_block
from raresim.trial.looks.look import Look
from tests.curves import MODEL, SCENARIO
from tests.worlds import differences, scenario_from

YEAR = 365.25
NONE = "assumed: {lower: 0, centre: 0, upper: 0}"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "curves.yaml"
    path.write_text(MODEL)
    return path


@pytest.fixture(scope="module")
def model(file: Path) -> DiseaseModel:
    return load_model(file)


@pytest.fixture(scope="module")
def lived(model: DiseaseModel):
    """Forty patients over ten years, for all who only read them."""
    return lives(model)


def lives(model: DiseaseModel, seed: int = 1, units: int = 40, days: float = 10 * YEAR):
    luck = Luck(seed, 0)
    patients = model.sample(luck, units)
    latents = model.latents(luck, patients, model.published, Horizon(days))
    return luck, patients, latents


def edited(tmp_path: Path, old: str, new: str) -> DiseaseModel:
    assert old in MODEL
    path = tmp_path / "edited.yaml"
    path.write_text(MODEL.replace(old, new))
    return load_model(path)


def test_the_inverse_of_poisson_is_that_of_scipy() -> None:
    mean = np.array([0.0, 1e-4, 0.3, 2.0, 17.5, 240.0])[:, None]
    u = np.concatenate([np.linspace(0.001, 0.999, 997), [1e-9, 1 - 1e-9]])[None, :]
    assert (poisson(mean + 0 * u, u + 0 * mean) == stats.poisson.ppf(u, mean)).all()


def test_ups_and_downs_have_their_spread_and_half_life(model: DiseaseModel) -> None:
    """SD 0.6 at any day; the correlation of two days apart halves in three months."""
    _, _, latents = lives(model, units=60, days=2 * YEAR)
    ups = latents["marker"].wander
    zero, between, later = (
        ups.at(np.full((1, 1), day)).ravel() for day in (0.0, 41.0, YEAR / 4 + 41.0)
    )
    count = zero.size
    for values in (zero, between, later):
        assert abs(np.std(values) - 0.6) < 4 * 0.6 / np.sqrt(2 * count)
    r = np.corrcoef(between, later)[0, 1]
    assert 0.5 - 4 * 0.75 / np.sqrt(count) < r < 0.5 * 1.02 + 4 * 0.75 / np.sqrt(count)
    each = np.broadcast_to(np.array([[7.0]]), (1024, 60))
    assert (ups.at(each) == ups.at(np.array([[7.0]]))).all()


def test_a_longer_history_or_follow_up_leaves_the_ups_and_downs_as_they_were(
    model: DiseaseModel,
) -> None:
    found = []
    for horizon in (Horizon(100.0), Horizon(300.0, before=200.0)):
        luck = Luck(1, 0)
        patients = model.sample(luck, 5)
        found.append(model.latents(luck, patients, model.published, horizon)["marker"].wander)
    at = np.array([[90.0]])
    assert (found[0].at(at) == found[1].at(at)).all()


def test_diary_counts_are_negative_binomial_about_each_rate(tmp_path: Path) -> None:
    """Mean m and variance m + m² / theta for one period; theta doubles over two periods."""
    calm = edited(tmp_path, "assumed: {lower: 0, centre: 0.3, upper: 0.6}", NONE)
    luck, patients, latents = lives(calm, units=60)
    process = calm.processes["fits"]
    path = process.path(latents["fits"], UNTREATED, {})
    for label, days in (("one", 28.0), ("two", 56.0)):
        drawn = process.luck_of(luck, label, 60)
        counts = process.read(path, on_day(label, days, 0.0), drawn) * days / 28
        rate = patients.values["pace"] * days / 28
        theta = 6.0 * days / 28
        expected = rate + rate**2 / theta
        error = np.sqrt(np.mean(expected) / counts.size)
        assert abs(np.mean(counts - rate)) < 4 * error
        squares = (counts - rate) ** 2 / expected
        assert abs(np.mean(squares) - 1) < 4 * np.std(squares) / np.sqrt(counts.size)


def test_treatment_multiplies_a_diary_while_it_lasts_and_shifts_a_score_for_good(
    model: DiseaseModel, lived
) -> None:
    _, _, latents = lived
    until = np.full(latents["fits"].clock.shape, 14.0)
    half = Exposure.one(until, Effect("ratio", np.array([0.5])))
    walked = model.walk(latents, dict.fromkeys(model.processes, half), {"fits"})
    treated = walked["fits"].expected(np.zeros((1, 1)), np.full((1, 1), 28.0))
    plain = model.walk(latents, names={"fits"})["fits"].expected(
        np.zeros((1, 1)), np.full((1, 1), 28.0)
    )
    assert np.allclose(treated / plain, 0.75)
    shift = Exposure.one(until, Effect("difference", np.array([10.0]), 28.0))
    path = model.processes["marker"].path(latents["marker"], shift, {})
    later = np.full((1, 1), 300.0)
    assert np.allclose(path.level(later) - path.untreated(later), 5.0)


def test_a_joint_model_has_the_published_curve_in_the_population(model: DiseaseModel) -> None:
    late = population(model, 40_000, {"death": [10 * YEAR]})
    first = late.firsts["death"]
    for years, share in ((1, 0.93), (3, 0.81), (10, 0.44)):
        error = np.sqrt(share * (1 - share) / len(first))
        assert abs(np.mean(first > years * YEAR) - share) < 4 * error


def test_a_joint_models_hazard_is_proportional_to_the_ratio_to_the_score(tmp_path: Path) -> None:
    """With flat scores the event is exponential given the score: a Cox fit finds the log ratio."""
    path = tmp_path / "flat.yaml"
    calm = MODEL.replace("evidence: {sd: 0.6, n: 100, source: x}", NONE + ", why: a test")
    path.write_text(calm.replace("curve: level + slope * t", "curve: level"))
    flat = load_model(path)
    _, patients, latents = lives(flat, units=30)
    days = flat.walk(latents, names={"marker", "death"})["death"].days[..., 0].ravel()
    level, end = patients.values["level"].ravel(), 10 * YEAR
    died = days <= end
    estimate, error = _cox(np.minimum(days, end), died, level)
    assert abs(estimate - np.log(2.5)) < 4 * error


def test_a_hazard_may_follow_the_slope_of_a_score(tmp_path: Path) -> None:
    """Straight lines have one slope each: a Cox fit on it finds the log ratio."""
    path = tmp_path / "slope.yaml"
    calm = MODEL.replace("evidence: {sd: 0.6, n: 100, source: x}", NONE + ", why: a test")
    old = "score: marker, evidence: {hazard_ratio: 2.5, ci: [2.0, 3.1]"
    assert old in calm
    path.write_text(calm.replace(old, "score: marker, by: slope, evidence: {hazard_ratio: 4.0"))
    model = load_model(path)
    _, patients, latents = lives(model, units=30)
    days = model.walk(latents, names={"marker", "death"})["death"].days[..., 0].ravel()
    end = 10 * YEAR
    slope = patients.values["slope"].ravel()
    estimate, error = _cox(np.minimum(days, end), days <= end, slope)
    assert abs(estimate - np.log(4.0)) < 4 * error
    assert abs(np.mean(days > end) - 0.44) < 0.02


def _cox(time: np.ndarray, event: np.ndarray, x: np.ndarray) -> tuple[float, float]:
    """Fit one coefficient by Newton's method on the partial likelihood (no ties)."""
    order = np.argsort(-time)
    event, x = event[order], x[order]
    beta = 0.0
    for _ in range(25):
        w = np.exp(beta * x)
        s0, s1, s2 = (np.cumsum(w * x**k) for k in (0, 1, 2))
        score = np.sum((x - s1 / s0)[event])
        information = np.sum((s2 / s0 - (s1 / s0) ** 2)[event])
        beta += score / information
    return beta, 1 / np.sqrt(information)


def test_a_ratio_of_one_leaves_the_curve_as_it_stands(tmp_path: Path) -> None:
    """Without dependence the solved hazard is that of the published curve itself."""
    free = edited(tmp_path, "hazard_ratio: 2.5, ci: [2.0, 3.1]", "hazard_ratio: 1.0")
    own, law = free.published.times["death", "baseline"], free.published.times["death", ""]
    at = own.knots[None, :]
    assert np.allclose(own.hazard(at), law.hazard(at), rtol=1e-9, atol=1e-12)


def test_the_solved_hazard_follows_each_draw_of_the_parameters(model: DiseaseModel) -> None:
    drawn = model.parameters(Luck(3, 0))
    own, law = drawn.times["death", "baseline"], drawn.times["death", ""]
    assert own.at_knots.shape == (1024, 121)
    assert (own.at_knots[::8] == own.at_knots[7::8]).all()  # eight replicates share a draw
    ratio = np.exp(drawn.numbers["death", "follows.marker"])
    assert len(np.unique(law.at_knots[:, -1])) == len(np.unique(ratio)) == 128


def test_a_drug_that_lowers_the_score_delays_the_death_that_follows_it(
    model: DiseaseModel, lived
) -> None:
    _, _, latents = lived
    shift = Exposure.one(np.full((1, 1), np.inf), Effect("difference", np.array([-1.0]), 1.0))
    exposures = dict.fromkeys(model.processes, UNTREATED)
    plain = model.walk(latents, exposures)["death"].days
    better = model.walk(latents, exposures | {"marker": shift})["death"].days
    both = np.isfinite(plain)
    assert (better[both] > plain[both]).all()


def test_a_line_is_crossed_where_the_curve_says(model: DiseaseModel, lived) -> None:
    """fall - 85 t = 100 at t = (fall - 100) / 85 years of age: linear, so exact on any grid."""
    _, patients, latents = lived
    age, fall = patients.values["age"], patients.values["fall"]
    walked = model.walk(latents, names={"walk", "lost"})
    expected = ((fall - 100) / 85 - age) * YEAR
    days = walked["lost"].days[..., 0]
    seen = np.isfinite(days) & (expected > 0)
    assert seen.sum() > 1000
    assert np.allclose(days[seen], expected[seen], atol=0.01)
    assert (days[expected <= 0] == 0).all()
    process = model.processes["lost"]
    on_clock = process.on_clock(latents["lost"], walked, 30 * YEAR)
    assert np.allclose(on_clock, (fall - 100) / 85 * YEAR, atol=0.01)


def test_a_score_stands_at_its_worst_once_it_is_ended(model: DiseaseModel, lived) -> None:
    luck, _, latents = lived
    walked = model.walk(latents)
    process = model.processes["walk"]
    drawn = process.luck_of(luck, "late", 40)
    occasion = on_day("late", 6 * YEAR)
    read = model.read("walk", walked, occasion, drawn)
    over = walked["lost"].days[..., 0] <= 6 * YEAR
    assert 0.2 < over.mean() < 1
    assert (read[over] == 0).all()
    assert (read[~over] > 0).any()


def test_a_computed_number_is_its_formula(model: DiseaseModel) -> None:
    patients = model.sample(Luck(1, 0), 20)
    male = patients.values["sex"] == 1
    assert np.allclose(patients.values["twice"], 2 * patients.values["level"] + 3 * male)


def test_a_looked_up_number_is_that_of_its_table(model: DiseaseModel) -> None:
    values = model.sample(Luck(1, 0), 20).values
    young = values["age"] < 8
    assert np.allclose(values["height"][young], 100 + 7 * (values["age"][young] - 4))
    assert np.allclose(values["height"][~young], 128 + 5.5 * (values["age"][~young] - 8))


def test_a_percent_change_is_that_of_the_readings(file: Path) -> None:
    from raresim.trial.cut.table import cut
    from raresim.trial.engine import run_block

    text = SCENARIO.replace("variable: change in walk", "variable: percent change in walk")
    scenario = scenario_from(text, file)
    run = run_block(scenario, "effect", 1, 0, "block", 8)
    table = cut(scenario, run.fate, run.ledger, run.ledger.end, "walked")
    arm, place = run.ledger.arm, run.fate.place(run.ledger.candidate)
    for row in range(8):
        for k in range(scenario.n):
            read = run.fate.lives.arms[arm[row, k]].readings["walk"][row, place[row, k]]
            if not np.isnan(table.change[row, k]):
                expected = 100 * (read[-1] - read[0]) / read[0]
                assert table.change[row, k] == pytest.approx(expected)
    fixed = scenario.changed({"truth.uncertainty": "fixed"})
    assert (true_values(fixed, "no_effect", 1, 0)["walked"] == 0).all()
    assert 3 < true_values(fixed, "effect", 1, 0)["walked"].mean() < 30


def test_both_conducts_agree_on_curves(file: Path) -> None:
    from raresim.trial import engine

    scenario = scenario_from(SCENARIO, file)
    for resolution in (1, 86_400):
        runs = [
            engine.run_block(scenario, "effect", 1, 0, name, 24, resolution)
            for name in ("block", "simpy")
        ]
        assert differences(*runs) == []


def test_true_values_are_what_the_effects_say(file: Path) -> None:
    scenario = scenario_from(SCENARIO, file).changed({"truth.uncertainty": "fixed"})
    none = true_values(scenario, "no_effect", 1, 0)
    assert all((values == 0).all() for values in none.values())
    some = true_values(scenario, "effect", 1, 0)
    counted = some["counted"]
    # of a count with a rate of 4 or more, log(1 + reading) moves by a little less than log(0.6)
    assert np.log(0.6) < counted.mean() < 0.75 * np.log(0.6)
    assert 15 < some["walked"].mean() < 30


@pytest.mark.slow
@pytest.mark.parametrize("n", [12, 24, 60])
def test_trials_on_curves_hold_their_level(file: Path, n: int) -> None:
    """One-sided 2.5 % within 3 Monte Carlo standard errors of 4,096 trials, both estimands."""
    scenario = scenario_from(SCENARIO, file).changed({"design.randomise.n": n})
    parts = [run_block(scenario, "no_effect", 5, block).analyst.records for block in range(4)]
    error = np.sqrt(0.025 * 0.975 / 4096)
    for name in ("walked", "counted"):
        rejects = np.concatenate([part[Look("final", name)]["rejected"] for part in parts])
        assert len(rejects) == 4096
        assert rejects.mean() < 0.025 + 3 * error, (name, rejects.mean())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("curve: level + slope * t", "curve: level + slop * t", "unknown name 'slop'"),
        ("curve: level + slope * t", "curve: level > 2", "expected a number"),
        ("curve: level + slope * t", "curve: foo(level)", "unknown function 'foo'"),
        ("curve: level + slope * t", "curve: min(level)", "the function takes 2 numbers"),
        ("curve: level + slope * t", "curve: level + walk", "unknown name 'walk'"),
        ("    clock: age\n    curve", "    clock: sex\n    curve", "'sex' is a category"),
        ("    clock: age\n    curve", "    clock: level\n    curve", "has the unit 'points'"),
        ("range: 0 to 700", "range: 0 or more", "a score needs a range with two ends"),
        ("{drop: {evidence", "{fall: {evidence", "the name is taken"),
        ("score: marker, ev", "score: fits, ev", "'fits' is a diary"),
        ("score: walk, below: 100", "score: walk", "expected either 'below' or 'above'"),
        ("score: walk, below: 100", "score: death, below: 100", "expected a score that follows"),
        ("ends: [walk]", "ends: [fits]", "'fits' is a diary"),
        ("per: 28 days\n", "per: 0 days\n", "expected a time above zero"),
        ("free: {1 year: 0.93, 3 years: 0.81, 10 years: 0.44}", "median: 3, q1: 1, q3: 9",
         "by shares free of it"),
        ("table_of: age", "table_of: sex", "'sex' is a category; expected a number"),
        ("at: [4, 8, 12]", "at: [4, 8, 8]", "expected places that ascend"),
        ("at: [4, 8, 12]", "at: [4, 8]", "expected as many values as places"),
        ("formula: 2 * level", "formula: 2 * twice", "depend on each other in a circle"),
        ("formula: 2 * level", "formula: 2 * marker", "unknown name 'marker'"),
    ],
)  # fmt: skip
def test_faults_of_curves_are_told_at_their_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        edited(tmp_path, old, new)
    assert all(problem.line for problem in caught.value.problems)
