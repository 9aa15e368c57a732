"""Simulated sizes of imputation, external controls, re-randomisation, posteriors and looks."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from raresim.analysis import batch
from raresim.analysis.bayesian import GammaMixture, NormalInverseGamma
from raresim.analysis.bayesian import batch as bayesian
from raresim.analysis.bayesian.student import Student, student_above, student_posterior
from raresim.analysis.external import batch as external
from raresim.analysis.missing import batch as missing
from raresim.analysis.rerandomisation import Procedure
from raresim.analysis.rerandomisation import batch as rerandomisation
from raresim.analysis.sequential import (
    fisher_combination,
    fisher_product,
    group_sequential,
    inverse_normal,
)
from tests import nulls
from tests.measured_size import DEAR, ONE_SIDED, Test
from tests.nulls import Data


def _visits(data: Data) -> tuple[Any, Any, Any, Any]:
    return data["visits"], data["covariates"], data["arm"], data["present"]


DROP_OUT = (nulls.leaving,)
IMPUTATIONS = 20


def _imputed(data: Data, strategy: Any) -> Any:
    """Impute by the posterior in closed form, as drop-out is monotone."""
    (trials, n, visits), luck = data["visits"].shape, data["luck"]
    parameters = luck.random((trials, IMPUTATIONS, visits, 3 + visits))
    values = luck.random((trials, IMPUTATIONS, n, visits))
    plan = missing.Plan(strategy=strategy)
    return missing.multiple_imputation(*_visits(data), parameters, values, plan=plan)


def _by_bootstrap(data: Data) -> Any:
    """Impute from fits to patients drawn again, which needs no monotone drop-out."""
    (trials, n, visits), luck = data["visits"].shape, data["luck"]
    parameters = luck.random((trials, IMPUTATIONS, n))
    values = luck.random((trials, IMPUTATIONS, n, visits))
    plan = missing.Plan(strategy="MAR")
    return missing.multiple_imputation(*_visits(data), parameters, values, plan=plan)


def _by_means(data: Data) -> Any:
    return missing.conditional_mean_imputation(*_visits(data), plan=missing.Plan(strategy="MAR"))


IMPUTED = [
    Test("multiple imputation, MAR", DROP_OUT, lambda d: _imputed(d, "MAR"), DEAR),
    Test("multiple imputation, J2R", DROP_OUT, lambda d: _imputed(d, "J2R"), DEAR),
    Test("multiple imputation, CIR", DROP_OUT, lambda d: _imputed(d, "CIR"), DEAR),
    Test("multiple imputation, CR", DROP_OUT, lambda d: _imputed(d, "CR"), DEAR),
    Test("multiple imputation, bootstrap, MAR", DROP_OUT, _by_bootstrap, DEAR, (20, 40, 60)),
    Test("conditional mean imputation, MAR", DROP_OUT, _by_means, DEAR),
]

OUTSIDE = (nulls.confounded, nulls.confounded_skewed)


def _table(data: Data) -> tuple[Any, Any, Any, Any]:
    return data["change"], data["covariates"], data["arm"], data["present"]


def _published(data: Data, **options: Any) -> Any:
    """Compare all patients with a mean published for covariates 0.4 and 0.2 SD away."""
    target, known = np.array([0.4, 0.2]), (float(data["published"]), 0.0)
    own = data["change"], data["covariates"], data["present"]
    return external.matching_adjusted(*own, target, known, **options)


def _anchored(data: Data) -> Any:
    own = data["change"], data["covariates"], data["present"]
    return external.matching_adjusted(*own, np.array([0.4]), (0.0, 0.0), data["arm"])


EXTERNAL = [
    Test("propensity weighting (ATT)", OUTSIDE, lambda d: external.propensity_weighted(*_table(d))),
    Test(
        "propensity weighting (ATE)",
        OUTSIDE,
        lambda d: external.propensity_weighted(*_table(d), "ate"),
    ),
    Test(
        "propensity weighting (overlap)",
        OUTSIDE,
        lambda d: external.propensity_weighted(*_table(d), "overlap"),
    ),
    Test(
        "propensity matching (1:1)",
        OUTSIDE,
        lambda d: external.propensity_matched(*_table(d)),
        DEAR,
    ),
    Test("entropy balancing", OUTSIDE, lambda d: external.entropy_balanced(*_table(d))),
    Test("ANCOVA, external controls", OUTSIDE, lambda d: batch.ancova(*_table(d))),
    Test("MAIC, unanchored", OUTSIDE, lambda d: _published(d)),
    Test("MAIC, unanchored, known weights", OUTSIDE, lambda d: _published(d, known_weights=True)),
    Test("MAIC, anchored", (nulls.normal, nulls.skewed), lambda d: _anchored(d)),
]

BLOCKS = Procedure(block=4)
DRAWS = 199


def _replayed(data: Data, score: Any) -> Any:
    arm, present = data["arm"], data["present"]
    uniforms = data["luck"].random((DRAWS, arm.shape[1]))
    return rerandomisation.rerandomised_scores(score, arm, present, uniforms, procedure=BLOCKS)


def _replayed_ranks(data: Data) -> Any:
    return _replayed(data, rerandomisation.rank_scores(data["change"], data["present"]))


def _replayed_log_rank(data: Data) -> Any:
    scores = rerandomisation.logrank_scores(data["time"], data["event"], data["present"])
    return _replayed(data, scores)


def _in_blocks(null: Any) -> Any:
    """Draw arms in permuted blocks of four: those of other nulls alternate."""

    def drawn(rng: np.random.Generator, shape: tuple[int, int]) -> Data:
        data = null(rng, shape)
        order = np.argsort(rng.random((shape[0], shape[1] // 4, 4)), axis=2)
        return {**data, "arm": (order % 2).reshape(shape)}

    drawn.__name__, drawn.__doc__ = null.__name__, null.__doc__
    return drawn


RANDOMISED = tuple(map(_in_blocks, (nulls.drifting, nulls.tied, nulls.drop_out)))
RANDOMISED_TIMES = tuple(map(_in_blocks, (nulls.exponential, nulls.few_events)))


def _permuted(data: Data) -> Any:
    keys = data["luck"].random((DRAWS, data["arm"].shape[1]))
    return batch.logrank_permutation(
        data["time"], data["event"], data["arm"], data["present"], keys=keys
    )


REPLAYED = [
    Test("re-randomisation, means", RANDOMISED, lambda d: _replayed(d, d["change"]), DEAR),
    Test("re-randomisation, ranks", RANDOMISED, lambda d: _replayed_ranks(d), DEAR),
    Test(
        "re-randomisation, log-rank scores",
        RANDOMISED_TIMES,
        lambda d: _replayed_log_rank(d),
        DEAR,
    ),
    Test("permutation log-rank", RANDOMISED_TIMES, lambda d: _permuted(d), DEAR),
]

VAGUE_RATE = GammaMixture.of((1.0, 0.1, 0.1))


def _decided(found: Any) -> Any:
    """Reject where the posterior probability of either direction is above 97.5 %."""
    p = 2.0 * np.minimum(found.probability, 1.0 - found.probability)
    return SimpleNamespace(p=p, converged=found.converged, notes=found.notes)


def _rates(data: Data) -> Any:
    table = data["count"], data["years"], data["arm"], data["present"]
    return _decided(bayesian.gamma_poisson(*table, VAGUE_RATE))


def _means(data: Data) -> Any:
    """Decide as `normal_unknown_sd` does, without its limits, which are dear."""
    used = ~np.isnan(data["change"])
    arms = []
    for group in (1, 0):
        who = used & (data["arm"] == group)
        n = np.maximum(who.sum(axis=1), 1).astype(float)
        mean = np.where(who, data["change"], 0.0).sum(axis=1) / n
        squares = (np.where(who, data["change"] - mean[:, None], 0.0) ** 2).sum(axis=1)
        arms.append(student_posterior(NormalInverseGamma(), n, mean, squares))
    proper = np.isfinite(arms[0].scale) & np.isfinite(arms[1].scale)
    own, control = (
        Student(*(np.where(proper, getattr(arm, f.name), 1.0) for f in fields(arm))) for arm in arms
    )
    chance = student_above(own, control)
    notes = np.zeros(len(chance), np.int64)
    return _decided(SimpleNamespace(probability=chance, converged=proper, notes=notes))


POSTERIORS = [
    Test(
        "gamma-Poisson, P(better or worse) > 97.5 %",
        (nulls.poisson, nulls.overdispersed),
        lambda d: _rates(d),
        DEAR,
    ),
    Test(
        "normal, SD unknown, P(better or worse) > 97.5 %",
        (nulls.normal, nulls.skewed, nulls.bounded, nulls.tied, nulls.drop_out),
        lambda d: _means(d),
        DEAR,
    ),
]

LOOKS = 3


def _by_stage(data: Data) -> Any:
    """Give one-sided p-values of Student's t of the stages, (B, 3); 1 where there is none."""
    pairs = np.array_split(np.arange(data["arm"].shape[1] // 2), LOOKS)
    found = []
    for stage in pairs:
        who = np.concatenate([2 * stage, 2 * stage + 1])
        table = (data[name][:, who] for name in ("change", "arm", "present"))
        t = batch.two_sample_t(*table, variances="equal")
        found.append(np.where(t.converged, t.p_one_sided("greater"), 1.0))
    return np.stack(found, axis=1)


def _crossed(crossed: Any) -> Any:
    return SimpleNamespace(
        p=np.where(crossed, 0.0, 1.0),
        converged=np.ones(len(crossed), bool),
        notes=np.zeros(len(crossed), np.int64),
    )


@cache
def _pocock() -> Any:
    return group_sequential(LOOKS, efficacy="pocock")


@cache
def _of_fisher() -> Any:
    return fisher_combination(LOOKS)


def _inverse_normal(data: Data) -> Any:
    # a p-value of 1 in a stage without an answer makes the sum minus infinity: no crossing
    z = inverse_normal(_by_stage(data), np.ones(LOOKS))
    return _crossed(np.any(z >= _pocock().upper, axis=1))


def _fisher(data: Data) -> Any:
    design = _of_fisher()
    products = fisher_product(_by_stage(data), design.weights)
    return _crossed(np.any(products <= design.critical, axis=1))


STAGES = (nulls.normal, nulls.skewed, nulls.bounded, nulls.tied)
SEQUENTIAL = [
    Test(
        "three looks, inverse normal combination",
        STAGES,
        lambda d: _inverse_normal(d),
        level=ONE_SIDED,
    ),
    Test("three looks, Fisher's combination", STAGES, lambda d: _fisher(d), level=ONE_SIDED),
]
BEYOND = [*IMPUTED, *EXTERNAL, *REPLAYED, *POSTERIORS, *SEQUENTIAL]
