"""Methods that scenario files name: each is what the library says, in both conducts."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from raresim.errors import InputError
from raresim.trial import Scenario, run_block
from raresim.trial.grammar.analysis import Covariance, Estimate, Test
from raresim.trial.methods.named import METHODS, STRUCTURES
from tests.registry import PRIORS
from tests.within import attacks, crossed
from tests.worlds import ATAXIA, CGD, differences, world

TRIALS = 12
LEVEL = {"alpha": "0.025 one-sided"}
STRATA = {"strata": ["inheritance"]}
TIMES: list[dict[str, Any]] = [
    {"test": "logrank", "estimate": "cox", **STRATA},
    {"test": "fleming-harrington", "estimate": "cox", "weight": {"rho": 0, "gamma": 1}, **STRATA},
    {"test": "max-combo", "estimate": "cox"},
    {"test": "cox"},
    {"test": "firth cox"},
]
COUNTS: list[dict[str, Any]] = [
    {"test": "negative binomial"},
    {"test": "poisson"},
    {"test": "quasi-poisson"},
    {"test": "andersen-gill"},
]
ALIKE = ("propensity weighting", "propensity matching", "entropy balancing")
CHANGES: list[dict[str, Any]] = [
    {"test": "ancova", "adjust_for": ["mfars at baseline"]},
    {"test": "mmrm", "adjust_for": ["mfars at baseline"]},
    {"test": "mmrm", "covariance": "heterogeneous ar1", "df": "kenward-roger"},
    {"test": "mmrm", "estimate": "ancova"},
    {"test": "t"},
    {"test": "wilcoxon", "estimate": "t"},
    {"test": "wilcoxon", "estimate": "ancova", "strata": ["site"]},
    {"test": "rank ancova", "estimate": "ancova", "adjust_for": ["mfars at baseline"]},
    *({"test": f"{test}", "adjust_for": ["onset_age"]} for test in ALIKE),
]
SHARES: list[dict[str, Any]] = [
    {"test": "ancova"},
    {"test": "fisher", "estimate": "miettinen-nurminen"},
    {"test": "boschloo", "estimate": "ancova"},
    {"test": "miettinen-nurminen"},
    {"test": "cochran-mantel-haenszel", "estimate": "miettinen-nurminen", "strata": ["site"]},
]


def infections(kind: str, method: dict[str, Any]) -> Scenario:
    """Return the trial of infections, with one of its estimands tested by a method."""
    name = {"time": "infection_free", "events": "infection_rate"}[kind]
    final = {"when": {"everybody": "finished"}, "do": ["analyse infection_free"]}
    final["do"] += ["analyse infection_rate"]
    path = "analysis.methods"
    plain = {"test": "logrank", **LEVEL}
    changes = {f"{path}.infection_free": plain, f"{path}.{name}": {**method, **LEVEL}}
    return world(CGD, {"design.milestones": {"final": final}, **changes})


def ataxia(method: dict[str, Any], share: bool = False) -> Scenario:
    """Return the trial of a score, as a change or as who has got worse by 5 points."""
    changes: dict[str, Any] = {"analysis.methods.change": {**method, **LEVEL}}
    if share:
        worse = {"first_of": [{"score": "mfars", "rises_by": 5}]}
        changes["analysis.endpoints"] = {"worse": worse}
        changes["analysis.estimands.change.variable"] = "share with worse by week 48"
    return world(ATAXIA, changes)


STAGED = ["spcd", "joint stage", "bayesian joint stage"]
SCORES: list[dict[str, Any]] = [
    {"test": "crossover anova"},
    {"test": "paired t"},
    {"test": "signed rank", "estimate": "paired t"},
    {"test": "signed rank", "estimate": "crossover anova"},
]
RATES: list[dict[str, Any]] = [{"test": "conditional poisson"}]
CASES = [
    *(pytest.param(lambda m=m: crossed(method=m), id=f"scores {m}") for m in SCORES),
    *(pytest.param(lambda m=m: attacks(method=m), id=f"attacks {m}") for m in RATES),
    *(pytest.param(lambda m=m: infections("time", m), id=f"time {m}") for m in TIMES),
    *(pytest.param(lambda m=m: infections("events", m), id=f"events {m}") for m in COUNTS),
    *(pytest.param(lambda m=m: ataxia(m), id=f"change {m}") for m in CHANGES),
    *(pytest.param(lambda m=m: ataxia(m, True), id=f"share {m}") for m in SHARES),
]


@pytest.mark.parametrize("make", CASES)
def test_a_method_answers_in_both_conducts(make: Any) -> None:
    scenario = make()
    runs = [run_block(scenario, "effect", 3, 0, engine, TRIALS) for engine in ("block", "simpy")]
    assert differences(*runs) == []
    for record in runs[0].analyst.records.values():
        assert record["converged"].mean() > 0.8 and record["estimated"].mean() > 0.8
        assert np.isfinite(record["p"][record["converged"]]).all()
        assert np.isfinite(record["estimate"][record["estimated"]]).all()


def test_names_in_files_are_those_of_the_methods() -> None:
    assert set(get_args(Test)) == set(METHODS)
    assert set(get_args(Estimate)) == {
        name
        for name, method in METHODS.items()
        if method.estimates and name != "logrank" and not method.one_arm and name not in STAGED
    }
    assert set(get_args(Covariance)) == set(STRUCTURES)
    tested = [m["test"] for m in (*TIMES, *COUNTS, *CHANGES, *SHARES)]
    tested += [name for name, method in METHODS.items() if method.one_arm]  # in test_single_arm
    tested += STAGED  # in test_stages
    tested += [m["test"] for m in (*SCORES, *RATES)]
    tested += [method["test"] for method in PRIORS]  # in test_external_control
    assert set(tested) == set(METHODS)


def test_an_mmrm_reads_all_visits_and_an_ancova_one() -> None:
    """Who missed the last visit counts in the one and not in the other."""
    used = {}
    for name in ("mmrm", "ancova"):
        run = run_block(ataxia({"test": name}), "effect", 3, 0, replicates=TRIALS)
        (record,) = run.analyst.records.values()
        used[name] = record["used"]
    assert (used["mmrm"] > used["ancova"]).mean() > 0.8


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ({"test": "wilcoxon"}, "does not estimate the summary"),
        ({"test": "mmrm", "strata": ["site"]}, "takes no 'strata'"),
        ({"test": "t", "adjust_for": ["mfars at baseline"]}, "takes no 'adjust_for'"),
        ({"test": "ancova", "covariance": "ar1"}, "takes no 'covariance'"),
        ({"test": "fisher", "estimate": "ancova"}, "does not analyse"),
    ],
)
def test_what_does_not_fit_is_refused(method: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ataxia(method)


def test_a_weight_is_asked_for() -> None:
    with pytest.raises(InputError, match="needs its weight"):
        infections("time", {"test": "fleming-harrington", "estimate": "cox"})
