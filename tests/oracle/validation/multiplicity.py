"""Several hypotheses: statsmodels, scipy and Dunnett's tables."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

from raresim.analysis.multiplicity import (
    bonferroni,
    dunnett_adjusted,
    dunnett_critical,
    dunnett_probability,
    graphical,
    hochberg,
    holm,
    hommel,
)
from tests.oracle.validation.comparison import Comparison

STATSMODELS = "statsmodels 0.14.6, multipletests"
P = np.array([0.0131, 0.0212, 0.0409, 0.0105, 0.0007, 0.3471, 0.0256])
TABLES = {1: "Dunnett 1955, J Am Stat Assoc 50:1096", 2: "Dunnett 1964, Biometrics 20:482"}
TABLE = [
    (2, 20, 1, 2.03),
    (4, 20, 1, 2.30),
    (3, np.inf, 1, 2.06),
    (4, 20, 2, 2.65),
    (3, np.inf, 2, 2.35),
    (2, 10, 2, 2.57),
]


def dunnett_of_scipy() -> list[Comparison]:
    control = np.array([7.40, 8.50, 7.20, 8.24, 9.84, 8.32])
    a = np.array([9.76, 8.80, 7.68, 9.36])
    b = np.array([12.80, 9.68, 12.16, 9.20, 10.55])
    patients, df = np.array([6.0, 4.0, 5.0]), 12.0

    @cache
    def found(alternative: str) -> object:
        rng = np.random.default_rng(8)
        return stats.dunnett(a, b, control=control, alternative=alternative, rng=rng)  # type: ignore[call-arg]

    comparisons = []
    for sides, alternative in ((1, "greater"), (2, "two-sided")):
        reference = found(alternative)
        for k in range(2):

            def got(
                k: int = k,
                sides: int = sides,
                statistic: np.ndarray = reference.statistic,  # type: ignore[attr-defined]
            ) -> float:
                return float(dunnett_adjusted(statistic, patients, df, sides=sides)[k])

            comparisons.append(
                Comparison(
                    "Dunnett's test",
                    f"arm {k + 1}, {alternative}: adjusted p",
                    f"scipy {scipy_version()}, stats.dunnett (randomised integration)",
                    float(reference.pvalue[k]),  # type: ignore[attr-defined]
                    got,
                    2e-4,
                )
            )
    return comparisons


def scipy_version() -> str:
    import scipy

    return scipy.__version__


def comparisons() -> list[Comparison]:
    found = []
    for name, ours in (
        ("bonferroni", bonferroni),
        ("holm", holm),
        ("simes-hochberg", hochberg),
        ("hommel", hommel),
    ):
        wanted = multipletests(P, method=name)[1]
        for k in range(P.size):
            got = partial(lambda ours, k: float(ours(P)[k]), ours, k)
            item = f"{name}, p = {P[k]}"
            found.append(
                Comparison("adjusted p-values", item, STATSMODELS, float(wanted[k]), got, 1e-12)
            )
    for arms, df, sides, limit in TABLE:
        found.append(
            Comparison(
                "Dunnett's test",
                f"{arms} arms, {df} df, {sides}-sided 5 % limit",
                TABLES[sides],
                limit,
                partial(dunnett_critical, 0.05, np.ones(arms + 1), df, sides=sides),
                0.0051,
            )
        )  # fmt: skip
    found += [
        Comparison(
            "Dunnett's test",
            f"one arm, {df:g} df: level of t = 2.1",
            "Student's t, closed form",
            float(stats.t.sf(2.1, df)),
            partial(
                lambda df: 1.0 - dunnett_probability(np.array([2.1]), np.array([3.0, 9.0]), df), df
            ),
            1e-10,
        )
        for df in (1.0, 5.0, 40.0)
    ]
    # two primary hypotheses, each with a secondary one that it hands half of its level to
    weights = np.array([0.5, 0.5, 0.0, 0.0])
    arrows = np.array([[0, 0.5, 0.5, 0], [0.5, 0, 0, 0.5], [0, 1, 0, 0], [1, 0, 0, 0.0]])
    for k, value in enumerate((0.02, 0.04, 0.04, 0.08)):
        found.append(
            Comparison(
                "graphical procedures",
                f"two primary, two secondary hypotheses: adjusted p of {k + 1}",
                "Bretz et al. 2009, Stat Med 28:586, algorithm 2 by hand",
                value,
                partial(
                    lambda k: float(
                        graphical(np.array([0.01, 0.03, 0.01, 0.08]), weights, arrows)[k]
                    ),
                    k,
                ),
                1e-12,
            )
        )
    return found + dunnett_of_scipy()
