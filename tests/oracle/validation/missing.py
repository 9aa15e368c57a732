"""Missing outcomes: R mmrm's likelihood, statsmodels' MICE, closed forms."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import pandas as pd
import statsmodels

from raresim.analysis.missing import conditional_mean_imputation, rubin
from raresim.analysis.missing.normal_model import NormalFit, repeated_normal
from raresim.analysis.missing.reference import Strategy, laws
from raresim.analysis.missing.sums import sums_of
from tests.oracle.validation.comparison import Comparison, data_file, oracle

MMRM = "R mmrm 0.3.18"
HAND = "by hand"


@cache
def fev() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes by visit, the design (ones, arm, race, sex) and the arm."""
    data = pd.read_csv(data_file("mmrm_fev_data.csv"))
    wide = data.pivot(index="USUBJID", columns="AVISIT", values="FEV1")
    one = data.drop_duplicates("USUBJID").set_index("USUBJID").loc[wide.index]
    arm = (one["ARMCD"] == "TRT").to_numpy()
    columns = [np.ones(len(wide)), arm, one["RACE"] == "Black or African American"]
    columns += [one["RACE"] == "White", one["SEX"] == "Female"]
    return wide.to_numpy(), np.column_stack(columns).astype(float), arm.astype(np.int64)


@cache
def fev_fit(by_arm: bool) -> NormalFit:
    outcome, design, arm = fev()
    group = arm if by_arm else np.zeros_like(arm)
    weight = np.ones((1, len(arm)))
    return repeated_normal(sums_of(outcome, design, weight, group, common=(2, 3, 4)))


def restricted_deviance(
    coefficient: np.ndarray, covariance: np.ndarray, group: np.ndarray
) -> float:
    """-2 times the restricted log-likelihood, patient by patient and without short cuts."""
    outcome, design, _ = fev()
    visits, p = outcome.shape[1], 2 * outcome.shape[1] + 3
    total, information, count = 0.0, np.zeros((p, p)), 0
    for y, z, g in zip(outcome, design, group, strict=True):
        seen = np.flatnonzero(~np.isnan(y))
        if len(seen) == 0:
            continue
        x = np.hstack([np.kron(z[:2], np.eye(visits))[:, :], np.tile(z[2:], (visits, 1))])[seen]
        sigma = covariance[g][np.ix_(seen, seen)]
        away = y[seen] - z @ coefficient[:, seen]
        inverse = np.linalg.inv(sigma)
        total += np.linalg.slogdet(sigma)[1] + away @ inverse @ away
        information += x.T @ inverse @ x
        count += len(seen)
    return float(total + np.linalg.slogdet(information)[1] + (count - p) * np.log(2 * np.pi))


def fev_deviance() -> float:
    fit = fev_fit(False)
    group = np.zeros(len(fev()[2]), dtype=int)
    return restricted_deviance(fit.coefficient[0], fit.covariance[0], group)


def fev_estimate(by_arm: bool, column: int, visit: int) -> float:
    return float(fev_fit(by_arm).coefficient[0, column, visit])


@cache
def imputed_by_mice() -> tuple[np.ndarray, np.ndarray, float, float]:
    """Estimates and standard errors of each data set that statsmodels imputed, and its answer."""
    from statsmodels.imputation.mice import MICE, MICEData
    from statsmodels.regression.linear_model import OLS

    rng = np.random.default_rng(3)
    x = rng.normal(size=60)
    data = pd.DataFrame({"x": x, "y": x + rng.normal(size=60)})
    data.loc[rng.random(60) < 0.3, "y"] = np.nan
    model = MICE("y ~ x", OLS, MICEData(data, rng=np.random.default_rng(3)))
    found = model.fit(10, 8)
    estimates = np.array([np.asarray(fit.params)[1] for fit in model.results_list])
    ses = np.array([np.asarray(fit.bse)[1] for fit in model.results_list])
    return estimates, ses, float(np.asarray(found.params)[1]), float(np.asarray(found.bse)[1])


def pooled_mice(name: str) -> float:
    estimates, ses, _, _ = imputed_by_mice()
    return float(getattr(rubin(estimates, ses), name))


def hand(strategy: Strategy, what: str) -> float:
    """Two visits, the second missing; own arm (10, 14), reference (9, 11), first outcome 12."""
    own, reference = np.array([[[10.0, 14.0]]]), np.array([[[9.0, 11.0]]])
    sigma_own = np.array([[[[4.0, 3.0], [3.0, 9.0]]]])
    sigma_reference = np.array([[[[5.0, 2.0], [2.0, 6.0]]]])
    seen, stop = np.array([[True, False]]), np.array([1])
    found = laws(own, reference, sigma_own, sigma_reference, seen, stop, strategy)
    if what == "mean":
        return float(found.complete(np.array([[12.0, np.nan]]))[0, 0, 1])
    return float(found.root[0, 0, 1, 1] ** 2)


COMPLETE = pd.DataFrame(
    {
        "base": [4.0, 7.0, 5.0, 9.0, 6.0, 3.0, 8.0, 5.0, 7.0, 4.0],
        "v1": [5.0, 7.5, 6.0, 9.5, 6.0, 4.0, 9.0, 6.5, 8.0, 5.5],
        "v2": [5.5, 8.0, 5.0, 9.0, 7.0, 6.0, 11.0, 8.5, 9.5, 7.0],
        "arm": list("pppppaaaaa"),
    }
)


def complete_mean() -> float:
    names = {"outcomes": ("v1", "v2"), "arm": "arm", "control": "p", "adjust_for": ("base",)}
    return conditional_mean_imputation(COMPLETE, **names).estimate


@cache
def complete_ols() -> float:
    from statsmodels.regression.linear_model import OLS

    design = np.column_stack((np.ones(10), COMPLETE["arm"] == "a", COMPLETE["base"]))
    return float(OLS(COMPLETE["v2"].to_numpy(), design.astype(float)).fit().params[1])


def comparisons() -> list[Comparison]:
    software = f"statsmodels {statsmodels.__version__}"
    _, _, mean, se = imputed_by_mice()
    found = [
        Comparison("Rubin's rules", "MICE, 8 imputations: estimate", software, mean,
                   partial(pooled_mice, "estimate"), 1e-10, True),
        Comparison("Rubin's rules", "MICE, 8 imputations: se", software, se,
                   partial(pooled_mice, "se"), 1e-10, True),
    ]  # fmt: skip
    # Q = 1, 2, 3 with U = 1: T = 1 + 4/3, lambda = 4/7, df_old = 49/8, df_obs = 21/23 * 20 * 3/7
    df = 1.0 / (8 / 49 + 23 / 180)
    found += [
        Comparison("Rubin's rules", "1, 2, 3 with se 1: df, complete 20", HAND, df,
                   lambda: rubin([1, 2, 3], [1, 1, 1], df=20).df, 1e-12, True),
        Comparison("Rubin's rules", "1, 2, 3 with se 1: se", HAND, np.sqrt(7 / 3),
                   lambda: rubin([1, 2, 3], [1, 1, 1]).se, 1e-12, True),
        Comparison("Rubin's rules", "1, 2, 3 with se 1: df, complete infinite", HAND, 49 / 8,
                   lambda: rubin([1, 2, 3], [1, 1, 1]).df, 1e-12, True),
    ]  # fmt: skip
    # regression on the first visit: own 3/4, reference 2/5; conditional variances 27/4 and 26/5
    by_hand: list[tuple[Strategy, float, float]] = [
        ("MAR", 14 + 0.75 * 2, 27 / 4),
        ("J2R", 11 + 0.4 * 2, 26 / 5),
        ("CIR", 11 + 1 + 0.4 * 2, 26 / 5),
        ("CR", 11 + 0.4 * 3, 26 / 5),
    ]
    for strategy, mean, variance in by_hand:
        for what, wanted in (("mean", mean), ("variance", variance)):
            item = f"two visits, {strategy}: conditional {what}"
            got = partial(hand, strategy, what)
            found.append(Comparison("reference-based imputation", item, HAND, wanted, got, 1e-12))
    found.append(
        Comparison("conditional mean imputation", "nothing missing: estimate", software,
                   complete_ols(), complete_mean, 1e-10, True)
    )  # fmt: skip
    return found + with_mmrm()


def with_mmrm() -> list[Comparison]:
    """The imputation model fitted to FEV1, which is a repeated-measures model by REML."""
    item = oracle("mmrm.json").get("mmrm_fev_us_satterthwaite_REML")
    if item is None:
        return []
    model = "multivariate normal model, REML"
    return [
        Comparison(model, "FEV1: -2 restricted log-likelihood", MMRM, item["deviance"],
                   fev_deviance, 1e-6, True, True)
    ]  # fmt: skip
