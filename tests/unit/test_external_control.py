"""A trial of one arm beside a registry: each bias shows when it is switched on, and only then."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

import raresim
from raresim.analysis.bayesian import (
    BetweenTrials,
    NormalData,
    NormalMixture,
    posterior,
    probability_above,
)
from raresim.analysis.external import commensurate_prior, self_adapting_posterior
from raresim.errors import InputError
from raresim.study.truth import true_values
from raresim.trial import Scenario, run_block
from raresim.trial.cut.table import cut
from raresim.trial.cut.tables import ChangeTable
from raresim.trial.engine import decision_points
from raresim.trial.ticks import NEVER
from tests.registry import LEVEL, PRIORS, REGISTRY, beside, infections, registry
from tests.worlds import ATAXIA, differences, world

TRIALS = 1024
K = 4
"""Monte Carlo standard errors within which what is unbiased lies, and beyond which a bias is."""
LATE = {"onset_age": {"odds_ratio": 3.0, "for": "5 years", "even_at": "17 years"}}
MEASURED = ["onset_age", "gaa1", "mfars at baseline"]
NOBODY = {"onset_age": {"odds_ratio": 90, "for": "1 year", "even_at": "90 years"}}
WORSE = {"mfars": {"difference": "0.5 points", "after": "48 weeks", "why": "a test"}}


@cache
def bias(name: str) -> tuple[float, float]:
    """Return the bias of a case without an effect, and its Monte Carlo standard error.

    With the same luck under both arms, the true difference of no effect is zero.
    """
    make, changes, told = CASES[name]
    run = run_block(make(changes, **told), "no_effect", 5, 0, "block", TRIALS)
    estimate = next(iter(run.analyst.records.values()))["estimate"]
    estimate = estimate[~np.isnan(estimate)]
    assert len(estimate) > 0.9 * TRIALS
    return float(np.mean(estimate)), float(np.std(estimate) / np.sqrt(len(estimate)))


def _test(test: str, *covariates: str) -> dict[str, Any]:
    adjusted = {"adjust_for": [*covariates]} if covariates else {}
    return {"analysis.methods.change": {"test": test, **adjusted, **LEVEL}}


FIRST = {"for": "4 months", "without": ["serious_infection"]}
CASES: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "alike": (registry, {}, {}),
    "alike, of events": (infections, {}, {}),
    "other people": (registry, {}, {"selected": LATE}),
    "other people, weighted": (
        registry, _test("propensity weighting", *MEASURED), {"selected": LATE}
    ),
    "other people, matched": (
        registry, _test("propensity matching", *MEASURED), {"selected": LATE}
    ),
    "other people, adjusted": (registry, _test("ancova", *MEASURED), {"selected": LATE}),
    "other people, unmeasured": (
        registry, _test("propensity weighting", "mfars at baseline"), {"selected": LATE}
    ),
    "earlier": (registry, {"truth.drift": WORSE}, {"earlier": "4 to 6 years"}),
    "drift, not earlier": (registry, {"truth.drift": WORSE}, {}),
    "raters": (registry, {}, {"readings": {"mfars": {"later": 1}}}),
    "noise": (registry, {}, {"readings": {"mfars": {"sd": 3}}}),
    "half found": (infections, {}, {"finds": {"serious_infection": 0.5}}),
    "immortal": (infections, {}, {"immortal": FIRST}),
}  # fmt: skip


@pytest.mark.parametrize("name", ["alike", "alike, of events", "noise"])
def test_nothing_is_biased_where_nothing_differs(name: str) -> None:
    found, error = bias(name)
    assert abs(found) < K * error


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("other people", 1),  # the late-onset progress less: the drug looks worse
        ("other people, unmeasured", 1),
        ("earlier", 1),  # the registry's patients were followed when they fared better
        ("raters", -1),
        ("half found", 1),  # the control looks better
        ("immortal", 1),
    ],
)
def test_each_bias_shows_in_its_direction(name: str, sign: int) -> None:
    found, error = bias(name)
    assert sign * found > K * error


@pytest.mark.parametrize("how", ["weighted", "matched", "adjusted"])
def test_what_is_measured_can_be_taken_out(how: str) -> None:
    """Matching leaves a residue inside its calipers: less than a third of the bias is left."""
    found, error = bias(f"other people, {how}")
    residue = bias("other people")[0] / 3 if how == "matched" else 0.0
    assert abs(found) < K * error + residue


def test_drift_is_as_large_as_the_years_between() -> None:
    """The registry's time zero lies 5 years before the start, on average; 0.5 points a year.

    What drift does to the trial's own patients is in both: it starts with the trial.
    """
    (early, a), (late, b) = bias("earlier"), bias("drift, not earlier")
    assert abs(early - late - 5 * 0.5) < K * float(np.hypot(a, b))


def test_raters_add_what_they_add() -> None:
    found, error = bias("raters")
    assert abs(found + 1) < K * error


FULL = {
    "selected": LATE, "earlier": "1 to 3 years", "window": "10 days", "missed_visits": 0.2,
    "readings": {"mfars": {"sd": 1, "later": 0.5}}, "eligible": "age >= 12",
}  # fmt: skip


@pytest.mark.parametrize("resolution", [1, 14 * 86_400])
def test_conducts_agree(resolution: int) -> None:
    scenario = registry({"truth.drift": WORSE}, **FULL)
    runs = [run_block(scenario, "effect", 3, 0, e, 16, resolution) for e in ("block", "simpy")]
    assert differences(*runs) == []


def test_one_row_is_that_row_alone() -> None:
    scenario = registry({"truth.drift": WORSE}, **FULL)
    whole = run_block(scenario, "effect", 3, 0, "block", 16).fate.external
    some = run_block(scenario, "effect", 3, 0, "block", 5).fate.external
    assert whole is not None and some is not None
    assert np.array_equal(whole.rows(slice(0, 5)).readings["mfars"], some.readings["mfars"])
    mine, own = whole.rows(slice(0, 5)).ledger.arrays(), some.ledger.arrays()
    assert all(np.array_equal(mine[name], own[name]) for name in mine)


def test_the_trials_patients_keep_their_luck() -> None:
    """A registry of more patients, of others, or no registry at all: the trial is the same."""
    goal = {"test": "one-sample t", "goal": 1.5, **LEVEL}
    alone = {
        "truth.external": {}, "design.control": None, "analysis.methods.change": goal,
        "analysis.estimands.change.summary": "mean",
    }  # fmt: skip
    runs = [
        run_block(scenario, "effect", 3, 0, "block", 8)
        for scenario in (registry(alone), registry(), registry(n=80, selected=LATE))
    ]
    first, *others = (run.ledger.arrays() for run in runs)
    for other in others:
        same = {name: value for name, value in other.items() if name not in ("arm", "open")}
        assert all(np.array_equal(value, first[name]) for name, value in same.items())
    read = runs[0].fate.lives.arms[0].readings["mfars"]
    assert all(np.array_equal(run.fate.lives.arms[1].readings["mfars"], read) for run in runs[1:])


def test_a_larger_registry_has_the_smaller_one_as_its_beginning() -> None:
    small, large = (
        run_block(registry(n=n, selected=LATE), "effect", 3, 0, "block", 8).fate.external
        for n in (20, 50)
    )
    assert small is not None and large is not None
    assert np.array_equal(large.readings["mfars"][:, :20], small.readings["mfars"])


def test_its_luck_has_names_of_its_own() -> None:
    points = decision_points(registry({"truth.drift": WORSE}, **FULL))
    own = [point for point in points if point.startswith("external registry: ")]
    assert {"external registry: selected", "external registry: earlier"} < set(own)
    assert "external registry: rating.mfars.week48" in own
    assert set(points) - set(own) == set(decision_points(registry())) - {
        point for point in decision_points(registry()) if point.startswith("external")
    }


def test_nobody_of_the_registry_is_treated_or_randomised() -> None:
    run = raresim.simulate(registry(), 64, seed=1, workers=1)
    trials = run.trials
    assert (trials["randomised"] == 30).all() and (trials["registry.patients"] == 40).all()
    assert (trials["registry.stopped_treatment"] == 0).all()
    assert "patients_on_worse_arm" not in trials
    assert (run.analyses["used"] <= 70).all() and (run.analyses["used"] > 50).all()
    told = run.summary.estimands["change"].naive
    assert "nobody was randomised" in told[-1]


def test_one_trial_shows_them_with_their_label() -> None:
    from raresim.study.single import run_trial

    trial = run_trial(registry(), replicate=3)
    own = trial.patients[trial.patients["arm"] == "registry"]
    assert len(own) == 40 and len(trial.patients) == 70
    assert own["randomised_day"].isna().all() and (own["site"] == "").all()
    assert not trial.patients["candidate"].duplicated().any()
    seen = trial.visits[trial.visits["candidate"].isin(own["candidate"])]
    assert (seen[seen["week"] == 0]["day"] == 0).all()


def test_events_that_are_not_found_leave_the_later_ones() -> None:
    run = run_block(infections(finds={"serious_infection": 0.5}), "no_effect", 1, 0, "block", 64)
    every = run_block(infections(), "no_effect", 1, 0, "block", 64)
    assert run.fate.external is not None and every.fate.external is not None
    some = run.fate.external.ledger.events["serious_infection"]
    whole = every.fate.external.ledger.events["serious_infection"]
    share = (some < NEVER).sum() / (whole < NEVER).sum()
    assert abs(share - 0.5) < 0.03
    assert set(some[some < NEVER].tolist()) <= set(whole.ravel().tolist())
    assert (np.diff(np.minimum(some, 2**60), axis=-1) >= 0).all()


def test_true_values_are_those_of_the_trials_own_population() -> None:
    """Whoever the registry's patients are, the drug is compared with no drug in the eligible."""
    truths = [
        true_values(registry(**told), "effect", 2, 0)["change"]
        for told in ({}, {"selected": LATE, "eligible": "age >= 30"})
    ]
    assert np.array_equal(*truths)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"design.control": "registri"}, "did you mean 'registry'"),
        ({"design.control": None}, "nothing is compared with these patients"),
        ({f"{REGISTRY}.selected": {"age": {"odds_ratio": 2, "for": 0, "even_at": 3}}}, "for: 10"),
        ({f"{REGISTRY}.selected": {"sex": {"odds_ratio": 2, "for": 1, "even_at": 3}}}, "a number"),
        ({f"{REGISTRY}.earlier": "2 to 4 years"}, "nothing changes with time"),
        ({f"{REGISTRY}.window": "40 days"}, "windows of neighbouring visits overlap"),
        ({f"{REGISTRY}.readings": {"walk": {"sd": 1}}}, "unknown score 'walk'"),
        ({f"{REGISTRY}.eligible": "agee > 3"}, "agee"),
        ({f"{REGISTRY}.eligible": "age >= 16 and age <= 3"}, "hardly any of the"),
        ({f"{REGISTRY}.selected": NOBODY}, "hardly any of the"),
        ({f"{REGISTRY}.immortal": {"for": "3 months", "without": ["mfars"]}}, "mfars"),
        ({"analysis.methods.change.test": "propensity weighting"}, "needs 'adjust_for'"),
        ({"analysis.methods.change.borrow": "registry"}, "is the control already"),
        ({"design.randomise.ratio": {"drug": 1, "registry": 1}}, "arms and ratio differ"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as refused:
        registry(changes)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"finds": {"death": 0.5}}, "always found"),
        ({"finds": {"rash": 0.5}}, "rash"),
        ({"immortal": {"for": "13 months", "without": ["death"]}}, "in the whole follow-up"),
        ({"immortal": {"for": "0 days", "without": ["death"]}}, "above zero"),
    ],
)
def test_what_events_cannot_be_is_refused(told: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as refused:
        infections(**told)
    assert said in str(refused.value)


@pytest.mark.parametrize("method", PRIORS)
def test_a_prior_is_what_the_library_says(method: dict[str, Any]) -> None:
    """One replicate by hand: the control's posterior with the registry's mean as its prior."""
    scenario = beside(method)
    run = run_block(scenario, "effect", 1, 0, "block", 4)
    row = 2
    at = run.performed[:, -1]
    table = cut(scenario, run.fate, run.ledger, at, "change", final=True)
    assert isinstance(table, ChangeTable)
    values, who = table.change[row], table.who
    known = ~np.isnan(values) & who.present[row]
    own = np.arange(len(values)) < who.own
    groups = [known & own & (who.arm[row] == 1), known & own & (who.arm[row] == 0), known & ~own]
    means = [float(values[g].mean()) for g in groups]
    sds = [float(values[g].std(ddof=1)) for g in groups]
    errors = [sd / float(np.sqrt(g.sum())) for sd, g in zip(sds, groups, strict=True)]
    data, old = NormalData.of(means[1], errors[1]), NormalData.of(means[2], errors[2])
    vague = NormalMixture.of((1.0, means[2], sds[2]))
    how = method["borrowing"]
    if "power" in how:
        after = posterior(NormalMixture.of((1.0, means[2], errors[2] / np.sqrt(0.5))), data)
    elif "difference" in how:
        prior = NormalMixture.of((1.0, means[2], errors[2]))
        after = self_adapting_posterior(prior, vague, data, 1.5)
    else:
        prior = commensurate_prior(old, BetweenTrials(1.0)).robust(0.2, means[2], sds[2])
        after = posterior(prior, data)
    treated = NormalMixture.of((1.0, means[0], errors[0]))
    record = next(iter(run.analyst.records.values()))
    assert record["p"][row] == pytest.approx(float(probability_above(treated, after)), rel=1e-9)
    assert record["estimate"][row] == pytest.approx(means[0] - float(after.mean()), rel=1e-9)
    assert record["used"][row] == known.sum()


@pytest.mark.parametrize("method", [*PRIORS, {"test": "t"}])
def test_conducts_agree_on_what_is_borrowed(method: dict[str, Any]) -> None:
    runs = [run_block(beside(method), "effect", 3, 0, engine, 8) for engine in ("block", "simpy")]
    assert differences(*runs) == []


def test_a_control_beside_others_is_surer_and_follows_them() -> None:
    """Alike, the estimates spread less; with raters who add 2 points, pooling is off by most."""
    raters = {"readings": {"mfars": {"later": 2}}}
    plain = {"truth.uncertainty": "fixed", "analysis.methods.change": {"test": "t", **LEVEL}}
    alone, pooled = _spread(world(ATAXIA, plain)), _spread(beside({"test": "t"}))
    off, shy = _spread(beside({"test": "t"}, **raters)), _spread(beside(PRIORS[1], **raters))
    assert pooled[1] < alone[1]
    assert off[0] < -0.8  # 80 of about 130 controls read 2 points more
    assert abs(shy[0]) < abs(off[0]) / 2


def _spread(scenario: Scenario) -> tuple[float, float]:
    """Return mean and SD of the estimates where there is no effect."""
    run = run_block(scenario, "no_effect", 5, 0, "block", 256)
    estimate = next(iter(run.analyst.records.values()))["estimate"]
    return float(np.mean(estimate)), float(np.std(estimate))


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ({"test": "power prior"}, "needs 'borrowing'"),
        ({"test": "power prior", "borrowing": {"between": 1}}, "states power"),
        ({**PRIORS[0], "borrow": ""}, "borrows from external patients"),
        ({"test": "t", "borrow": "regestry"}, "did you mean 'registry'"),
        ({"test": "t", "borrowing": {"power": 0.5}}, "takes no 'borrowing'"),
        ({"test": "wilcoxon", "estimate": "t", "strata": ["site"]}, "at no site"),
    ],
)
def test_what_cannot_be_borrowed_is_refused(method: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as refused:
        beside(method)
    assert said in str(refused.value)
