"""Pools in a model file: statistics of the kind that the place takes, drawn from the pooled law."""

import math
import pickle
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from raresim.cli import listing
from raresim.cohort.grade import grade
from raresim.disease import load_model
from raresim.disease.uncertain import published_numbers, statements
from raresim.errors import InputError
from raresim.evidence import (
    Correlation,
    Difference,
    Dispersion,
    EventRate,
    Mean,
    Ratio,
    Share,
    Slope,
    Spread,
    Stated,
    posterior,
)
from raresim.evidence.forms import Pool
from raresim.evidence.pooled import Pooled, spelt_out
from raresim.report.model_page import model_page
from raresim.streams import Luck
from raresim.study.foretelling import independent
from raresim.trial import load_scenario
from raresim.trial.typed_in import findings
from tests.unit.pooled_models import CURVE, RATES, SEXES, written

STUDIES = {
    Mean: [{"mean": 1.0, "se": 0.5, "n": 20}, {"mean": 2.0, "se": 0.4, "n": 30}],
    Share: [{"share": 0.2, "n": 40}, {"share": 0.35, "n": 60}],
    Spread: [{"sd": 4.0, "n": 20}, {"sd": 5.0, "n": 30}],
    EventRate: [
        {"events": 56, "exposure": "50 patient-years"},
        {"rate": "0.5 per patient-year", "exposure": "40 patient-years"},
    ],
    Dispersion: [
        {"negative_binomial_theta": 1.1, "se": 0.5},
        {"negative_binomial_theta": 2.0, "se": 0.8},
    ],
    Correlation: [{"correlation": -0.4, "n": 50}, {"correlation": -0.6, "n": 30}],
    Slope: [{"slope": 0.2, "se": 0.1}, {"slope": 0.5, "se": 0.2}],
    Ratio: [{"hazard_ratio": 0.5, "ci": [0.3, 0.9]}, {"hazard_ratio": 0.8, "ci": [0.5, 1.3]}],
    Difference: [
        {"difference": -2.0, "after": "48 weeks", "ci": [-4.0, 0.0]},
        {"difference": -1.0, "after": "48 weeks", "ci": [-3.0, 1.0]},
    ],
}


def pool(kind, studies, **options):
    """Return what a file's pool becomes; each study has a source of its own."""
    sourced = [{"source": f"paper_{k}"} | study for k, study in enumerate(studies)]
    evidence = {"pool": sourced, "heterogeneity": 0.3} | options
    return Stated[kind].model_validate({"evidence": evidence}).statistic


def evenly(_):
    return (np.arange(999) + 0.5) / 999


@pytest.mark.parametrize("kind", STUDIES)
def test_a_pool_is_a_statistic_of_its_kind_whose_draws_lie_about_its_number(kind):
    found = pool(kind, STUDIES[kind])
    assert isinstance(found, kind) and isinstance(found, Pooled)
    assert found.sources == ("paper_0", "paper_1") and found.source == "paper_0, paper_1"
    drawn = found.draw(evenly)
    for name, value in found.numbers().items():
        assert name in drawn
        assert np.median(drawn[name]) == pytest.approx(value, rel=0.1)
    alone = [kind.model_validate(study) for study in STUDIES[kind]]
    values = [next(iter(s.numbers().values())) for s in alone]
    assert min(values) < next(iter(found.numbers().values())) < max(values)
    assert "pooled for a new trial from 2 studies" in found.text()


def test_the_pooled_rate_is_the_posterior_of_log_rates():
    found = pool(EventRate, STUDIES[EventRate])
    law = posterior([math.log(56 / 50), math.log(0.5)], [56**-0.5, 20**-0.5], prior_scale=0.3)
    assert found.numbers()["rate"] == pytest.approx(math.exp(law.mu.mean), rel=1e-12)
    assert found.errors()["rate"] == pytest.approx(math.exp(law.mu.mean) * law.new.sd, rel=1e-12)
    u = np.array([0.025, 0.3, 0.975])
    assert found.draw(lambda _: u)["rate"] == pytest.approx(law.predict(u), rel=1e-9)
    mean = pool(EventRate, STUDIES[EventRate], **{"for": "mean"})
    assert mean.draw(lambda _: u)["rate"] == pytest.approx(np.exp(law.mu.quantile(u)), rel=1e-9)
    assert mean.errors()["rate"] < found.errors()["rate"]


def test_shares_are_pooled_by_state_whatever_their_order():
    one = {"share": {"male": 0.6, "female": "rest"}, "n": 100}
    two = {"share": {"female": 0.5, "male": "rest"}, "n": 50}
    found, other = pool(Share, [one, two]), pool(Share, [two, one])
    assert found.numbers() == pytest.approx(other.numbers())
    drawn = found.draw(evenly)
    assert drawn["male"] + drawn["female"] == pytest.approx(np.ones(999))
    assert (drawn["female"] == other.draw(evenly)["female"]).all()
    empty = pool(Share, [{"share": 0.0, "n": 12}, {"share": 0.1, "n": 30}])
    assert 0 < empty.numbers()["yes"] < 0.1


def test_the_sd_of_a_pooled_mean_is_that_within_studies():
    studies = [{"mean": 1.0, "sd": 3.0, "n": 11}, {"mean": 9.0, "sd": 4.0, "n": 21}]
    found = pool(Mean, studies, heterogeneity=2.0)
    assert found.sd == pytest.approx(math.sqrt((10 * 9 + 20 * 16) / 30))
    assert found.errors()["sd"] == pytest.approx(found.sd / math.sqrt(60))
    drawn = found.draw(evenly)["sd"]
    assert np.std(drawn) == pytest.approx(found.errors()["sd"], rel=0.1)
    assert pool(Mean, [studies[0], {"mean": 2.0, "se": 1.0}], heterogeneity=2.0).sd is None


def test_one_study_and_a_prior_say_less_of_a_new_trial_than_of_that_study():
    rate = {"events": 56, "exposure": "50 patient-years"}
    found, alone = pool(EventRate, [rate]), EventRate.model_validate(rate)
    assert found.numbers()["rate"] == pytest.approx(alone.numbers()["rate"])
    assert found.errors()["rate"] > 2 * alone.errors()["rate"]


def test_five_studies_need_no_prior_and_four_do():
    five = [{"slope": value, "se": 0.1} for value in (0.1, 0.2, 0.3, 0.4, 0.5)]
    found = pool(Slope, five, heterogeneity=None)
    assert found.numbers()["slope"] == pytest.approx(0.3)
    wide = np.ptp(found.draw(lambda _: np.array([0.025, 0.975]))["slope"])
    # tau² is var(y) - se² and the error of the mean sqrt(0.025 / 5): t(3) sqrt(0.015 + 0.005)
    assert wide == pytest.approx(2 * 3.182446 * math.sqrt(0.02), rel=1e-5)
    with pytest.raises(ValidationError, match="4 studies or fewer says 'heterogeneity'"):
        pool(Slope, five[:4], heterogeneity=None)


@pytest.mark.parametrize(
    ("kind", "studies", "says"),
    [
        (Mean, [{"mean": 1.0, "se": 1.0}, {"mean": 2.0, "n": 9}], "study 2 .* no standard error"),
        (Share, [{"share": {"a": 0.2, "b": 0.3, "c": "rest"}, "n": 20}] * 2, "shares of two"),
        (Share, [{"share": 0.2}], "no standard error"),
        (
            Ratio,
            [{"hazard_ratio": 0.5, "ci": [0.3, 0.9]}, {"rate_ratio": 0.8, "ci": [0.5, 1.3]}],
            "one kind of ratio",
        ),
        (
            Difference,
            [
                {"difference": 1.0, "after": "1 year", "ci": [0.0, 2.0]},
                {"difference": 1.0, "after": "2 years", "ci": [0.0, 2.0]},
            ],
            "after one time",
        ),
        (Slope, [{"slope": 0.0, "se": 0.1}, {"slope": 1e9, "se": 0.1}], "scale of the prior"),
    ],
)
def test_what_cannot_be_pooled_is_refused(kind, studies, says):
    with pytest.raises(ValidationError, match=says):
        pool(kind, studies)


def test_only_evidence_is_pooled_and_no_pool_is_inside_a_pool():
    rates = [{"source": "a"} | study for study in STUDIES[EventRate]]
    pooled = {"pool": rates, "heterogeneity": 0.3}
    with pytest.raises(ValidationError):
        Stated[EventRate].model_validate({"assumed": pooled, "why": "two guesses"})
    with pytest.raises(ValidationError):
        Pool[EventRate].model_validate({"pool": [pooled], "heterogeneity": 0.3})


def test_a_part_of_the_draws_has_the_bits_of_the_whole():
    found = pool(Share, STUDIES[Share])
    u = Luck(1, 0).once("x")
    whole = found.draw(lambda _: u)["yes"]
    assert (whole[100:200] == found.draw(lambda _: u[100:200])["yes"]).all()


def test_every_study_is_named_with_its_source_wherever_a_model_is_told(tmp_path, capsys):
    path = written(tmp_path, SEXES, RATES)
    model = load_model(path)
    rows = [row for w, s, _, _ in statements(model.spec) for row in spelt_out(w, s)]
    told = {what: statistic.sources for what, statistic in rows}
    assert told["sex"] == ("paper", "registry")
    assert told["infection: rate, study 2"] == ("registry",)
    assert "| infection: rate, study 2 | 0.6667 per patient-year" in model_page(model)
    listing.show(str(path), [], as_json=False)
    assert "registry" in capsys.readouterr().out
    counted = grade(model)
    plain = grade(load_model(written(tmp_path)))
    assert (counted.statistics, counted.sources) == (plain.statistics, 2)


def test_a_model_with_pools_and_a_curve_travels_to_a_worker(tmp_path):
    model = load_model(written(tmp_path, RATES, SEXES, CURVE))
    there = pickle.loads(pickle.dumps(model))
    told = [[s.text() for _, s, _, _ in statements(m.spec)] for m in (model, there)]
    assert told[0] == told[1]
    luck = model.parameters(Luck(1, 0)), there.parameters(Luck(1, 0))
    assert all((luck[0].numbers[key] == value).all() for key, value in luck[1].numbers.items())


def test_a_pooled_number_can_be_held_at_its_ends(tmp_path):
    model = load_model(written(tmp_path, RATES))
    rate = next(s for w, s, _, _ in statements(model.spec) if w == "infection: rate")
    [number] = published_numbers([("infection: rate", rate)])
    low, high = (
        model.parameters(place=f"{side}: infection: rate").numbers["infection", "rate.rate"]
        for side in ("lower", "upper")
    )
    assert float(low[0]) < rate.numbers()["rate"] < float(high[0])
    assert number.lower == f"rate {low[0]:.4g}"


def test_printed_numbers_are_checked_in_each_study(tmp_path):
    assert findings(load_model(written(tmp_path, RATES, SEXES))) == []
    score = (
        "at_screening: {assumed: {mean: 42, sd: 12}, why: not found in print}",
        "at_screening: {evidence: {pool: [{mean: 42, sd: 12, n: 200, source: paper}, "
        "{mean: 40, sd: 47, n: 20, source: registry}], heterogeneity: 5}}",
    )
    [(where, finding)] = findings(load_model(written(tmp_path, score)))
    assert where == "score: at screening, study 2"
    assert "47" in finding.found


def test_a_back_test_refuses_a_model_that_pools_a_number_of_that_trial(tmp_path):
    shipped = Path(load_model("sma-type-1").path).read_text(encoding="utf-8")
    start = shipped.index("    assumed: {mean: 3.7, sd: 1.5}")
    pooled = (
        "    evidence: {pool: [{mean: 3.7, sd: 1.5, n: 22, source: str1ve}, "
        "{mean: 5.4, sd: 1.6, n: 121, source: endear}], heterogeneity: 0.5}\n"
    )
    text = shipped[:start] + pooled + shipped[shipped.index("\noutcomes:") :]
    (tmp_path / "sma.yaml").write_text(text, encoding="utf-8")
    trial = tmp_path / "endear.yaml"
    text = Path("scenarios/backtests/endear.yaml").read_text(encoding="utf-8")
    trial.write_text(text.replace("model: sma-type-1@1", "model: sma.yaml"), encoding="utf-8")
    with pytest.raises(InputError, match="takes numbers from the trial that it foretells: age"):
        independent(load_scenario(trial))
    assert independent(load_scenario(trial, without=["endear"])).trial == "ENDEAR"


def test_a_scenario_pools_effects_of_earlier_trials():
    ratios = [
        {"rate_ratio": 0.33, "ci": [0.18, 0.62], "source": "cgd_ipd"},
        {"rate_ratio": 0.5, "ci": [0.2, 1.25], "source": "letter1991"},
    ]
    effect = {"evidence": {"pool": ratios, "heterogeneity": 0.3}}
    path = "truth.hypotheses.effect.serious_infection.interferon"
    scenario = load_scenario("cgd-interferon-gamma").changed({path: effect})
    plain = scenario.effects("effect")["serious_infection"]["interferon"].value
    drawn = scenario.effects("effect", Luck(1, 0))["serious_infection"]["interferon"].value
    assert 0.33 < plain[0] < 0.5
    assert np.median(drawn) == pytest.approx(plain[0], rel=0.1)
    [number] = scenario.uncertain("effect")["effect"]
    assert number.name == "effect of interferon on serious_infection"
