"""Repeated measures: R mmrm, statsmodels, and closed forms of complete balanced data.

R's mmrm stops before the maximum (its optimiser's tolerance is 4e-9 of the likelihood), for an
unstructured covariance by up to 2e-4 in an estimate. So its numbers are compared twice: with
fits that start and stop as mmrm does (``stopping="mmrm"``), digit by digit, and with fits at
the maximum: degrees of freedom within 1e-3, and a likelihood that is not lower.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from raresim.analysis import Result
from raresim.analysis.longitudinal import batch as kernels
from raresim.analysis.longitudinal import mmrm, random_slope, repeated_measures
from raresim.analysis.longitudinal.model_tables import RepeatedMeasuresFit
from tests.oracle.validation.comparison import Comparison, data_file, oracle

MMRM = "R mmrm 0.3.18"
FEV = {
    "outcome": "FEV1",
    "visit": "AVISIT",
    "subject": "USUBJID",
    "arm": "ARMCD",
    "control": "PBO",
    "covariates": ("RACE", "SEX"),
    "covariance": "us",
}
ITEMS: dict[str, dict[str, Any]] = {
    "mmrm_fev_us_satterthwaite_REML": {},
    "mmrm_fev_ar1_satterthwaite_REML": {"covariance": "ar1"},
    "mmrm_fev_cs_satterthwaite_REML": {"covariance": "cs"},
    "mmrm_fev_csh_satterthwaite_REML": {"covariance": "csh"},
    "mmrm_fev_toeph_satterthwaite_REML": {"covariance": "toeph"},
    "mmrm_fev_ad_satterthwaite_REML": {"covariance": "ad"},
    "mmrm_fev_us_KR": {"df": "kenward-roger"},
    "mmrm_fev_us_KRlinear": {"df": "kenward-roger-linear"},
    "mmrm_fev_us_empirical": {"df": "between-within", "standard_errors": "empirical"},
    "mmrm_fev_us_grouped_by_arm": {"by_arm": True},
    "mmrm_fev_us_weighted": {"weights": "WEIGHT"},
    "mmrm_bcva_us": {"outcome": "BCVA_CHG", "control": "CTL", "covariates": ("BCVA_BL", "RACE")},
}
PUBLIC = (
    "mmrm_fev_us_satterthwaite_REML",
    "mmrm_fev_toeph_satterthwaite_REML",
    "mmrm_fev_us_KR",
    "mmrm_fev_us_empirical",
    "mmrm_fev_us_weighted",
)
CLOSE_TO_MAXIMUM = ("ar1", "cs", "csh", "ad")  # where mmrm itself gets within 1e-5


@cache
def table(name: str) -> pd.DataFrame:
    if name == "mmrm_bcva_us":
        return pd.read_csv(data_file("mmrm_bcva_data.csv"))
    data = pd.read_csv(data_file("mmrm_fev_data.csv"))
    return data.assign(SEX=pd.Categorical(data["SEX"], ["Male", "Female"]))


@cache
def fit(name: str, stopping: str) -> RepeatedMeasuresFit:
    return repeated_measures(table(name), **{**FEV, **ITEMS[name]}, stopping=stopping)


@cache
def coefficients(name: str, stopping: str) -> np.ndarray:
    return fit(name, stopping).table().to_numpy()


def worst(name: str, stopping: str, column: str, relative: bool = False) -> float:
    """Return the largest difference of a column of coefficients."""
    place = ["Estimate", "Std. Error", "df", "t value", "Pr(>|t|)"].index(column)
    wanted = np.array([row[column] for row in oracle("mmrm.json")[name]["coef"]])
    difference = np.abs(coefficients(name, stopping)[:, place] - wanted)
    return float(np.max(difference / np.abs(wanted) if relative else difference))


def covariances(name: str, wanted: Any) -> float:
    """Return the largest difference of covariances of the visits, over the largest of them."""
    listed = list(wanted.values()) if isinstance(wanted, dict) else wanted
    ours = fit(name, "mmrm").visit_covariance
    return float(np.max(np.abs(ours - np.array(listed))) / np.max(np.abs(listed)))


@cache
def public(name: str, visit: object, stopping: Any) -> Result:
    return mmrm(table(name), **{**FEV, **ITEMS[name]}, at_visit=visit, stopping=stopping)


def of_public_table(name: str, out: Any) -> list[Comparison]:
    """Compare `mmrm`: the arm's coefficient is the difference at the first visit."""
    rows = {row["_row"]: row for row in out["coef"]}
    arm = next(r for r in rows if r.startswith("ARMCD"))
    visits = sorted(table(name)["AVISIT"].unique())
    last = rows[arm]["Estimate"] + rows[f"{arm}:AVISIT{visits[-1]}"]["Estimate"]
    wanted: list[tuple[str, int, str, float, float, bool]] = [
        ("mmrm", 0, "estimate", rows[arm]["Estimate"], 1e-5, False),
        ("mmrm", 0, "se", rows[arm]["Std. Error"], 1e-5, False),
        ("mmrm", 0, "df", rows[arm]["df"], 1e-3, True),
        ("mmrm", 0, "p", rows[arm]["Pr(>|t|)"], 1e-6, False),
        ("mmrm", -1, "estimate", last, 1e-5, False),
        # mmrm itself stops up to 2e-4 from it
        ("maximum", 0, "estimate", rows[arm]["Estimate"], 2e-4, False),
        ("maximum", 0, "se", rows[arm]["Std. Error"], 2e-4, False),
        ("maximum", 0, "df", rows[arm]["df"], 1e-3, True),
    ]
    found: list[Comparison] = []
    for stopping, at, what, expected, tolerance, relative in wanted:
        got = lambda s=stopping, v=visits[at], w=what: getattr(public(name, v, s), w)  # noqa: E731
        text = f"{name}: public table at {visits[at]}, {stopping}: {what}"
        found.append(Comparison("MMRM", text, MMRM, expected, got, tolerance, relative, True))
    return found


def of_mmrm() -> list[Comparison]:
    found: list[Comparison] = []
    for name, out in oracle("mmrm.json").items():
        if name not in ITEMS:
            continue
        text = f"{name}: largest difference of "

        def add(item: str, expected: float, got: Callable[[], float], tolerance: float) -> None:
            found.append(Comparison("MMRM", item, MMRM, expected, got, tolerance, shared=True))

        for column in ("Estimate", "Std. Error"):
            add(text + column, 0.0, lambda n=name, c=column: worst(n, "mmrm", c), 1e-5)
        statistic = f"{text}t, relative"
        add(statistic, 0.0, lambda n=name: worst(n, "mmrm", "t value", True), 1e-5)
        spread = f"{text}covariances, relative"
        add(spread, 0.0, lambda n=name, o=out: covariances(n, o["varcor"]), 1e-5)
        add(text + "p-values", 0.0, lambda n=name: worst(n, "mmrm", "Pr(>|t|)"), 1e-6)
        add(text + "df, relative", 0.0, lambda n=name: worst(n, "mmrm", "df", True), 1e-3)
        late = f"{text}df at the maximum, relative"
        add(late, 0.0, lambda n=name: worst(n, "maximum", "df", True), 1e-3)
        if name.split("_")[2] in CLOSE_TO_MAXIMUM:
            for column in ("Estimate", "Std. Error"):
                got = lambda n=name, c=column: worst(n, "maximum", c)  # noqa: E731
                add(f"{text}{column} at the maximum", 0.0, got, 1e-5)
        if "logLik" in out:
            add(
                f"{name}: log-likelihood", out["logLik"], lambda n=name: fit(n, "mmrm").loglik, 1e-6
            )
            add(f"{name}: AIC", out["AIC"], lambda n=name: fit(n, "mmrm").aic, 1e-6)
            add(f"{name}: BIC", out["BIC"], lambda n=name: fit(n, "mmrm").bic, 1e-6)
            add(
                f"{name}: what the maximum lacks of mmrm's likelihood",
                0.0,
                lambda n=name, o=out: max(0.0, o["logLik"] - fit(n, "maximum").loglik),
                1e-9,
            )
            add(
                f"{name}: deviance",
                out["deviance"],
                lambda n=name: -2.0 * fit(n, "mmrm").loglik,
                1e-6,
            )
            for what, key in (("observations", "n_obs"), ("patients", "n_subjects")):
                got = lambda n=name, w=what: getattr(fit(n, "mmrm"), w)  # noqa: E731
                add(f"{name}: {what}", out[key], got, 0.0)
            theta = np.array(out["theta"])
            add(
                f"{name}: largest difference of covariance parameters",
                0.0,
                lambda n=name, t=theta: float(np.max(np.abs(fit(n, "mmrm").theta - t))),
                1e-6,
            )
    return found


@cache
def small_trial() -> dict[str, np.ndarray]:
    """Twenty patients, four visits, two covariates, all seen."""
    rng = np.random.default_rng(20)
    arm = np.arange(20) % 2
    outcome = rng.normal(size=(20, 1)) + rng.normal(size=(20, 4)) * [1.0, 1.5, 0.7, 2.0]
    return {
        "outcome": outcome[None],
        "baseline": rng.normal(50.0, 10.0, (1, 20, 2)),
        "arm": arm[None],
        "present": np.ones((1, 20), dtype=bool),
    }


@cache
def small_table(missing: bool = False) -> pd.DataFrame:
    data = small_trial()
    gone = np.random.default_rng(21).random((20, 4)) < (0.15 if missing else 0.0)
    return pd.DataFrame(
        {
            "y": np.where(gone, np.nan, data["outcome"][0]).ravel(),
            "visit": np.tile([0.0, 3.0, 6.0, 12.0], 20),
            "who": np.repeat(np.arange(20), 4),
            "arm": np.repeat(data["arm"][0], 4),
        }
    )


@cache
def sloping_table() -> pd.DataFrame:
    """Twenty patients whose slopes do vary, some visits missing."""
    rng = np.random.default_rng(22)
    data = small_table(True)
    slope = 0.5 * rng.normal(size=20)
    return data.assign(y=data["y"] + slope[data["who"]] * data["visit"])


SMALL = {"outcome": "y", "visit": "visit", "subject": "who", "arm": "arm", "control": 0}


def of_closed_forms() -> list[Comparison]:
    from raresim.analysis.continuous.covariance_analysis import ancova

    data = small_trial()
    found: list[Comparison] = []

    def add(item: str, formula: str, expected: float, got: Callable[[], float]) -> None:
        found.append(Comparison("MMRM", item, formula, expected, got, 1e-8, True))

    exact = ancova(data["outcome"][:, :, 3], data["baseline"], data["arm"], data["present"])
    for df in ("satterthwaite", "kenward-roger-linear"):
        fit_ = kernels.mmrm(**data, df=df, covariance="us")
        one = kernels.mmrm(**{**data, "outcome": data["outcome"][:, :, 3:]}, df=df, covariance="us")
        for name in ("estimate", "se", "df", "p"):
            wanted = float(getattr(exact, name)[0])
            text = f"all seen, covariates by visit, {df}: {name} at the last visit"
            add(text, "analysis of covariance", wanted, lambda f=fit_, n=name: getattr(f, n)[0])
            text = f"one visit, {df}: {name}"
            add(text, "analysis of covariance", wanted, lambda f=one, n=name: getattr(f, n)[0])
    found += of_split_plot()
    return found


def of_split_plot() -> list[Comparison]:
    """Compound symmetry is the split-plot analysis; all visits at once Hotelling's T^2."""
    data = small_trial()
    y, arm = data["outcome"][0], data["arm"][0]
    n, m = y.shape
    found: list[Comparison] = []

    def add(item: str, formula: str, expected: float, got: Callable[[], float]) -> None:
        found.append(Comparison("MMRM", item, formula, expected, got, 1e-7, True))

    cs = repeated_measures(small_table(), **SMALL, covariance="cs")
    means = cs.contrast(cs.arm_by_visit().mean(axis=0).tolist())
    plain = stats.ttest_ind(y[arm == 1].mean(axis=1), y[arm == 0].mean(axis=1))
    add(
        "CS, mean of all visits: t",
        "t-test of patients' means",
        plain.statistic,
        lambda: means.statistic,
    )
    add("CS, mean of all visits: df", "n - 2", n - 2.0, lambda: means.df)
    steps = cs.arm_by_visit()
    change = cs.contrast((steps[3] - steps[0]).tolist())
    centred = y - y.mean(axis=1, keepdims=True)
    for a in (0, 1):
        centred[arm == a] -= centred[arm == a].mean(axis=0)
    mean_square = np.sum(centred**2) / ((n - 2) * (m - 1))
    se = np.sqrt(mean_square * 2.0 * 2.0 / (n / 2))
    add("CS, change: se", "split-plot analysis of variance", se, lambda: change.se)
    add("CS, change: df", "(n - 2)(m - 1)", (n - 2.0) * (m - 1), lambda: change.df)

    us = repeated_measures(small_table(), **SMALL, covariance="us", df="kenward-roger-linear")
    test = us.f_test(us.arm_by_visit().tolist())
    gap = y[arm == 1].mean(axis=0) - y[arm == 0].mean(axis=0)
    pooled = (np.cov(y[arm == 0].T) * 9 + np.cov(y[arm == 1].T) * 9) / (n - 2)
    t2 = gap @ np.linalg.solve(pooled, gap) * (n / 4)
    f = t2 * (n - m - 1) / ((n - 2) * m)
    add("US, all visits, Kenward-Roger: F", "Hotelling's T^2", f, lambda: test.statistic)
    add("US, all visits, Kenward-Roger: df", "n - m - 1", n - m - 1.0, lambda: test.denominator_df)
    return found


@cache
def statsmodels_fit(slope: bool, reml: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients and their model-based covariance at statsmodels' own variances."""
    import warnings

    import statsmodels.formula.api as smf

    data = (sloping_table() if slope else small_table(True)).dropna()
    formula = "y ~ arm * visit" if slope else "y ~ arm * C(visit)"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = smf.mixedlm(formula, data, groups="who", re_formula="~ visit" if slope else "1")
        fitted = model.fit(reml=reml, method=["bfgs"], gtol=1e-10, maxiter=2000)
    information = 0.0
    for x, z in zip(model.exog_li, model.exog_re_li, strict=True):
        v = z @ fitted.cov_re.to_numpy() @ z.T + fitted.scale * np.eye(x.shape[0])
        information = information + x.T @ np.linalg.solve(v, x)
    return fitted.fe_params.to_numpy(), np.linalg.inv(information)


def of_statsmodels() -> list[Comparison]:
    found: list[Comparison] = []
    reference = "statsmodels 0.14.4 or later, MixedLM"
    columns = {"outcome": "y", "time": "visit", "subject": "who", "arm": "arm", "control": 0}
    for method in ("REML", "ML"):
        beta, spread = statsmodels_fit(True, method == "REML")
        ours = random_slope(sloping_table(), **columns, method=method)
        for name, wanted in (("estimate", beta[3]), ("se", np.sqrt(spread[3, 3]))):
            got = lambda r=ours, n=name: getattr(r, n)  # noqa: E731
            item = f"20 patients, visits missing, {method}: {name}"
            found.append(Comparison("random slopes", item, reference, wanted, got, 1e-5, True))
        beta, spread = statsmodels_fit(False, method == "REML")
        same = mmrm(small_table(True), **SMALL, covariance="cs", method=method)
        c = np.zeros(8)
        c[[4, 7]] = 1.0  # the arm, and the arm at the last visit
        for name, wanted in (("estimate", c @ beta), ("se", np.sqrt(c @ spread @ c))):
            got = lambda r=same, n=name: getattr(r, n)  # noqa: E731
            item = f"compound symmetry, visits missing, {method}: {name}"
            found.append(Comparison("MMRM", item, reference, wanted, got, 1e-5, True))
    return found


def comparisons() -> list[Comparison]:
    known = oracle("mmrm.json")
    tables = [c for name in PUBLIC if name in known for c in of_public_table(name, known[name])]
    return of_mmrm() + tables + of_closed_forms() + of_statsmodels()
