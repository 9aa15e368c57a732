"""Re-randomisation tests: scipy's permutation test, and closed forms by enumeration."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import scipy

from raresim.analysis.rerandomisation import Procedure
from raresim.analysis.rerandomisation.batch import rank_scores, rerandomised_scores
from raresim.randomisation import Simple
from tests.oracle.validation.comparison import Comparison

TREATED = np.array([12.1, 15.4, 9.8, 14.2, 16.0])
CONTROL = np.array([8.9, 11.2, 9.8, 7.5, 13.3])
LADY = "Fisher 1935, The Design of Experiments, chapter II"


@cache
def scipy_p(alternative: str) -> float:
    from scipy.stats import permutation_test

    found = permutation_test(
        (TREATED, CONTROL),
        lambda x, y, axis: np.mean(x, axis=axis) - np.mean(y, axis=axis),
        vectorized=True,
        alternative=alternative,
        n_resamples=np.inf,
    )
    return float(found.pvalue)


def one_block(field: str) -> float:
    """One block of all ten patients is the permutation test."""
    score = np.concatenate((TREATED, CONTROL))[None]
    arm = np.array([[1] * 5 + [0] * 5])
    return float(getattr(exact(score, arm, Procedure(block=10)), field)[0])


def exact(score, arm, procedure, **options):  # type: ignore[no-untyped-def]
    here = np.ones(arm.shape, dtype=bool)
    none = np.zeros((0, arm.shape[1]))
    return rerandomised_scores(
        score, arm, here, none, procedure=procedure, list_up_to=100_000, **options
    )


def wilcoxon(field: str) -> float:
    from_ranks = rank_scores(
        np.array([[1.1, 2.2, 3.3, 4.4, 5.5, 6.6, 7.7, 8.8]]), np.ones((1, 8), bool)
    )
    arm = np.array([[0, 0, 0, 1, 0, 1, 1, 1]])
    return float(getattr(exact(from_ranks, arm, Procedure(block=8), statistic="sum"), field)[0])


@cache
def mann_whitney(alternative: str) -> float:
    from scipy.stats import mannwhitneyu

    treated, control = [4.4, 6.6, 7.7, 8.8], [1.1, 2.2, 3.3, 5.5]
    return float(mannwhitneyu(treated, control, alternative=alternative, method="exact").pvalue)


def tea() -> float:
    """Eight cups in one block, all told apart: one of C(8, 4) assignments."""
    arm = np.array([[0, 1, 1, 0, 1, 0, 0, 1]])
    return float(exact(arm.astype(float), arm, Procedure(block=8)).p_greater[0])


def signs() -> float:
    """Simple randomisation of five with scores of one sign: 2 of 2**5, all or nobody treated."""
    arm = np.array([[1, 1, 1, 1, 0]])
    score = np.array([[1.0, 1.0, 1.0, 1.0, -1.0]])
    return float(exact(score, arm, Procedure(scheme=Simple()), statistic="sum").p_greater[0])


def pairs(field: str) -> float:
    """Blocks of two are the sign-flip test of paired differences."""
    score = np.stack((TREATED, CONTROL), axis=1).reshape(1, 10)
    arm = np.array([[1, 0] * 5])
    return float(getattr(exact(score, arm, Procedure(block=2)), field)[0])


@cache
def scipy_pairs(alternative: str) -> float:
    from scipy.stats import permutation_test

    found = permutation_test(
        (TREATED, CONTROL),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        vectorized=True,
        permutation_type="samples",
        alternative=alternative,
        n_resamples=np.inf,
    )
    return float(found.pvalue)


def comparisons() -> list[Comparison]:
    version = f"scipy {scipy.__version__}"
    found = [
        Comparison("re-randomisation", "lady tasting tea", LADY, 1 / 70, tea, 1e-12),
        Comparison("re-randomisation", "five by a coin", "by hand: 1/32", 1 / 32, signs, 1e-12),
    ]
    fields = {"greater": "p_greater", "less": "p_less", "two-sided": "p"}
    cases = [
        ("one block of ten, mean difference", "permutation_test", scipy_p, one_block),
        ("blocks of two, mean difference", "permutation_test, samples", scipy_pairs, pairs),
        ("one block of eight, ranks", "mannwhitneyu, exact", mann_whitney, wilcoxon),
    ]
    for item, call, theirs, ours in cases:
        for alternative, field in fields.items():
            found.append(
                Comparison(
                    "re-randomisation",
                    f"{item}: {alternative}",
                    f"{version}, {call}",
                    theirs(alternative),
                    partial(ours, field),
                    1e-8,
                )
            )
    return found
