"""Sizes added up over all data: the exact tests, and decisions that borrow from other controls."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from math import comb
from typing import Any

import numpy as np

from raresim.analysis import batch
from raresim.analysis.bayesian import (
    Arm,
    BetaMixture,
    BetweenTrials,
    BinomialData,
    Decision,
    NormalData,
    NormalMixture,
    posterior,
    success_probability,
)
from raresim.analysis.bayesian import batch as bayesian
from raresim.analysis.external import (
    DriftTable,
    borrowing_methods,
    commensurate_prior,
    meta_analytic_binomial,
    size_against_drift,
)
from raresim.analysis.sequential import binomial_boundaries, binomial_exits
from tests.measured_size import LEVEL, ONE_SIDED, WARNINGS, Enumerated

SHARES = np.sin(np.linspace(0.0, np.pi / 2.0, 401)) ** 2
WORLDS = {
    "every_share": "Yes or no: the share, of 401, at which it rejects most often",
    "every_goal": "One arm, yes or no: the goal, of 19, at which it rejects most often",
    "no_drift": "Controls as those before (30 of 100; means: 0 SD)",
    "drift_down": "Patients worse than the controls before (20 %; means: by 0.3 SD)",
    "drift_up": "Patients better than the controls before (40 %; means: by 0.3 SD)",
    "drift_far_up": "Patients much better than the controls before (50 %; means: by 0.6 SD)",
}
"""What each world of this file is, for the page."""


@cache
def every_table(arm_size: int) -> tuple[Any, Any, Any]:
    """Give all tables of two equal arms, patient by patient."""
    x0, x1 = (x.ravel() for x in np.meshgrid(*[np.arange(arm_size + 1)] * 2, indexing="ij"))
    place = np.arange(arm_size)
    outcome = np.concatenate([place < x0[:, None], place < x1[:, None]], axis=1).astype(float)
    arm = np.tile(np.repeat([0, 1], arm_size), (len(x0), 1))
    return outcome, arm, np.ones(arm.shape, dtype=bool)


def binomial(patients: int, share: Any) -> Any:
    """Give the probabilities of 0 to all events at each share, (shares, patients + 1)."""
    x = np.arange(patients + 1)
    p = np.atleast_1d(share)[:, None]
    ways = np.array([float(comb(patients, k)) for k in x])
    return ways * p**x * (1.0 - p) ** (patients - x)


@cache
def chances(arm_size: int) -> Any:
    """Give the probabilities of all tables at each of SHARES, (shares, tables)."""
    one = binomial(arm_size, SHARES)
    return (one[:, :, None] * one[:, None, :]).reshape(len(SHARES), -1)


def _noted(found: Any) -> float:
    answers = found.converged & np.isfinite(found.p)
    return float(np.mean((found.notes[answers] & int(WARNINGS)) > 0))


def _two_arms(kernel: Callable[..., Any], world: str, patients: int) -> tuple[float, float]:
    found = kernel(*every_table(patients // 2))
    rejected = found.converged & (found.p <= LEVEL)
    return float((chances(patients // 2) @ rejected).max()), _noted(found)


def _one_arm(kernel: Callable[..., Any], world: str, patients: int) -> tuple[float, float]:
    outcome = (np.arange(patients) < np.arange(patients + 1)[:, None]).astype(float)
    present, sizes, noted = np.ones(outcome.shape, bool), [], []
    for goal in np.linspace(0.05, 0.95, 19):
        found = kernel(outcome, present, goal=float(goal))
        sizes.append(float(binomial(patients, goal)[0] @ (found.p <= LEVEL)))
        noted.append(_noted(found))
    return max(sizes), min(noted)


def _looks(world: str, patients: int) -> tuple[float, float]:
    looks = (patients // 3, 2 * patients // 3, patients)
    sizes = []
    for goal in np.linspace(0.05, 0.95, 19):
        upper = binomial_boundaries(looks, float(goal), ONE_SIDED, "pocock")
        sizes.append(float(binomial_exits(looks, upper, float(goal)).upper.sum()))
    return max(sizes), 0.0


def _without_covariates(kernel: Callable[..., Any], outcome: Any, arm: Any, present: Any) -> Any:
    return kernel(outcome, np.empty((*arm.shape, 0)), arm, present)


def _of_tables(name: str, kernel: Callable[..., Any]) -> Enumerated:
    return Enumerated(f"{name}, all tables", ("every_share",), partial(_two_arms, kernel))


PROPORTIONS = [
    _of_tables("Fisher, exact", batch.fisher_exact),
    _of_tables("Fisher, mid-p", batch.fisher_mid_p),
    _of_tables("Boschloo", batch.boschloo),
    _of_tables("Barnard", batch.barnard),
    _of_tables("Miettinen-Nurminen", batch.miettinen_nurminen),
    _of_tables("Farrington-Manning, no margin", partial(batch.farrington_manning, margin=0.0)),
    _of_tables("Cochran-Mantel-Haenszel", batch.cochran_mantel_haenszel),
    _of_tables("Cochran-Mantel-Haenszel, exact", batch.cochran_mantel_haenszel_exact),
    _of_tables("logistic regression, Wald", partial(_without_covariates, batch.logistic)),
    _of_tables("logistic regression, Firth", partial(_without_covariates, batch.firth)),
    Enumerated("binomial, exact", ("every_goal",), partial(_one_arm, batch.binomial_test)),
    Enumerated("three looks, exact binomial", ("every_goal",), _looks, ONE_SIDED),
]

BEFORE = BinomialData.of(30, 100)
FLAT = BetaMixture.of((1.0, 1.0, 1.0))
DRIFTS = {"no_drift": 0.0, "drift_down": -0.1, "drift_up": 0.1, "drift_far_up": 0.2}
IN_SD = {"no_drift": 0.0, "drift_down": -0.3, "drift_up": 0.3, "drift_far_up": 0.6}


@cache
def _robust_map() -> BetaMixture:
    trials = BinomialData.of(np.array([9.0, 6.0, 10.0, 5.0]), np.array([30.0, 20.0, 35.0, 15.0]))
    mixture = meta_analytic_binomial(trials, BetweenTrials(1.0)).mixture
    return mixture.robust(0.2, 1.0, 1.0)


@cache
def _drift_table(patients: int) -> DriftTable:
    methods = borrowing_methods(BEFORE)
    methods["robust MAP prior"] = lambda data: posterior(_robust_map(), data)
    drifts = tuple(DRIFTS.values())
    return size_against_drift(BEFORE, patients=(patients // 2,), drifts=drifts, methods=methods)


def _borrowed(method: str, world: str, patients: int) -> tuple[float, float]:
    table = _drift_table(patients)
    size = table.size[table.methods.index(method), 0, list(DRIFTS).index(world)]
    return float(size), float(bool(table.notes))


def _flat(world: str, patients: int) -> tuple[float, float]:
    """Take uniform priors and nobody from outside; any share."""
    half, drifts = BinomialData.of(50, 100), tuple(np.linspace(-0.495, 0.495, 199))
    alone = {"none": lambda data: posterior(FLAT, data)}
    table = size_against_drift(half, patients=(patients // 2,), drifts=drifts, methods=alone)
    event, *arms = every_table(1)
    return float(table.size.max()), _warned(bayesian.beta_binomial(event > 0, *arms, FLAT))


def _warned(found: Any) -> float:
    return float(np.mean((found.notes & int(WARNINGS)) > 0))


@cache
def _commensurate(world: str, patients: int) -> tuple[float, float]:
    prior = commensurate_prior(NormalData.of(0.0, 0.15), BetweenTrials(0.5))
    vague, mean = NormalMixture.of((1.0, 0.0, 100.0)), IN_SD[world]
    treated, controls = (Arm(own, patients // 2, sd=1.0) for own in (vague, prior))
    better = Decision((1.0 - ONE_SIDED,), (0.0,))
    size = success_probability(better, treated, mean, controls, mean)
    found = bayesian.normal_known_sd(*every_table(1), 1.0, vague, prior)
    return float(size), _warned(found)


BORROWING = [
    Enumerated("beta-binomial, P(better) > 97.5 %", ("every_share",), _flat, ONE_SIDED),
    *(
        Enumerated(f"borrowing: {name}", tuple(DRIFTS), partial(_borrowed, name), ONE_SIDED)
        for name in (
            "pooling",
            "test-then-pool, 10 %",
            "power prior, 0.5",
            "normalised power prior",
            "robust mixture, 0.5",
            "robust MAP prior",
            "SAM prior",
        )
    ),
    Enumerated("borrowing: commensurate prior", tuple(DRIFTS), _commensurate, ONE_SIDED),
]
ENUMERATED = [*PROPORTIONS, *BORROWING]
