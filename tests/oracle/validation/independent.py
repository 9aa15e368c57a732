"""A made-up trial of 60 patients by statsmodels, lifelines and scipy: strata, covariates, ties."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from raresim.analysis import ancova, logistic, negative_binomial, paired_t, poisson_regression
from raresim.analysis.binary import mantel_haenszel_risk_difference, proportional_odds
from raresim.analysis.survival import (
    GEHAN,
    CoxFits,
    TaroneWare,
    concordance,
    cox_model,
    cumulative_incidence,
    kaplan_meier,
    logrank,
    logrank_groups,
)
from raresim.analysis.survival.restricted_mean import restricted_mean
from tests.oracle.validation.comparison import Comparison

STATSMODELS, LIFELINES = (f"{name} {version(name)}" for name in ("statsmodels", "lifelines"))
SCIPY = f"scipy {version('scipy')}"
Check = tuple[str, str, str, float, Callable[[], float], float]
TIMES: dict[str, Any] = {"time": "days", "event": "event", "arm": "arm", "control": 0}
ARMS: dict[str, Any] = {"arm": "arm", "control": 0}


@cache
def trial() -> pd.DataFrame:
    rng = np.random.default_rng(60)
    arm, age, sex = np.arange(60) % 2, rng.normal(40.0, 12.0, 60).round(1), rng.integers(0, 2, 60)
    risk = np.exp(0.03 * (age - 40.0) - 0.6 * arm)
    event, lost = rng.exponential(14.0 / risk), rng.exponential(25.0, 60)
    score = 0.04 * age + 0.8 * arm + rng.normal(size=60)
    days = np.ceil(np.minimum(event, lost))
    return pd.DataFrame(
        {
            "arm": arm,
            "age": age,
            "sex": sex,
            "site": rng.integers(0, 12, 60),
            "days": days,
            "event": (event <= lost).astype(int),
            "cause": np.where(event <= lost, rng.integers(1, 3, 60), 0),
            "score": score.round(3),
            "before": (score - 0.5 + rng.normal(size=60)).round(3),
            "yes": (rng.random(60) < 1.0 / (1.0 + np.exp(1.5 - score))).astype(int),
            "grade": np.clip(np.round(score + 0.7 * rng.normal(size=60)), 0, 4).astype(int),
            "attacks": rng.negative_binomial(1.5, 1.5 / (1.5 + 0.2 * days)),
        }
    )


def quiet(call: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call()


@cache
def by_cox(strata: tuple[str, ...], ties: Any, cluster: str | None = None) -> CoxFits:
    covariates = ("age",) if strata else ("age", "sex")
    return cox_model(
        trial(), **TIMES, covariates=covariates, strata=strata, ties=ties, cluster=cluster
    )


def cox_regressions() -> Iterator[Check]:
    from lifelines import CoxPHFitter
    from lifelines.utils import concordance_index
    from statsmodels.duration.hazard_regression import PHReg

    data = trial()
    for strata in ((), ("sex",)):
        names = ["arm", "age"] if strata else ["arm", "age", "sex"]
        columns = ["days", "event", "arm", "age", "sex"]
        fitter = CoxPHFitter()
        options = {"precision": 1e-12, "r_precision": 1e-14}
        quiet(
            lambda f=fitter, c=columns, s=strata, o=options: f.fit(
                data[c], "days", "event", strata=list(s) or None, fit_options=o
            )
        )
        text = "stratified" if strata else "unstratified"
        for ties in ("breslow", "efron"):
            model = PHReg(
                data["days"], data[names], data["event"], ties=ties,
                strata=data["sex"] if strata else None,
            )  # fmt: skip
            theirs = quiet(lambda m=model: m.fit(gtol=1e-10))
            for j, name in enumerate(names):
                for what, value in (("coefficients", theirs.params[j]), ("se", theirs.bse[j])):

                    def got(s: Any = strata, t: Any = ties, w: str = what, j: int = j) -> float:
                        return float(getattr(by_cox(s, t), w)[0, j])

                    item = f"made-up trial, {text}, {ties}, {name}: {what}"
                    yield "Cox regression", item, f"{STATSMODELS}, PHReg", value, got, 1e-7
                    if ties == "efron":
                        own = fitter.params_ if what == "coefficients" else fitter.standard_errors_
                        source = f"{LIFELINES}, CoxPHFitter"
                        yield "Cox regression", item, source, float(own[name]), got, 1e-6
        if not strata:
            design = data[["arm", "age", "sex"]].to_numpy() @ by_cox((), "efron").coefficients[0]
            rated = data.assign(rated=design)
            untied = rated.drop_duplicates("days")  # lifelines counts two events at a time as tied
            index = concordance_index(untied["days"], -untied["rated"], untied["event"])

            def c(untied: pd.DataFrame = untied) -> float:
                found = concordance(untied, time="days", event="event", score="rated")
                return float(found.concordance[0])

            item, source = "made-up trial, one patient a day", f"{LIFELINES}, concordance_index"
            yield "concordance", item, source, index, c, 1e-12
    clustered = PHReg(data["days"], data[["arm", "age", "sex"]], data["event"], ties="breslow")
    theirs = quiet(lambda: clustered.fit(groups=data["site"].to_numpy(), gtol=1e-10))
    for j, name in enumerate(("arm", "age", "sex")):
        se = lambda j=j: float(by_cox((), "breslow", "site").se[0, j])  # noqa: E731
        item = f"made-up trial, breslow, clusters of sites, {name}: se"
        yield "Cox regression", item, f"{STATSMODELS}, PHReg", theirs.bse[j], se, 1e-6


def log_ranks() -> Iterator[Check]:
    from statsmodels.duration.survfunc import survdiff

    data = trial()
    weights: list[tuple[str, Any, dict[str, Any]]] = [
        ("log-rank", None, {}),
        ("Gehan", GEHAN, {"weight_type": "gb"}),
        ("Tarone-Ware", TaroneWare(), {"weight_type": "tw"}),
    ]
    for label, weight, choice in weights:
        for strata in ((), ("sex",)):
            more = {"strata": data["sex"]} if strata else {}
            square, p = survdiff(data["days"], data["event"], data["arm"], **choice, **more)

            def found(w: Any = weight, s: Any = strata) -> Any:
                return logrank(trial(), **TIMES, weight=w, strata=s)

            text = f"made-up trial, {label}{', stratified' if strata else ''}"
            source = f"{STATSMODELS}, survdiff"
            z2 = lambda f=found: f().statistic ** 2  # noqa: E731
            yield "weighted log-rank test", f"{text}: chi-square", source, square, z2, 1e-9
            yield "weighted log-rank test", f"{text}: p", source, p, lambda f=found: f().p, 1e-9
    square, p = survdiff(data["days"], data["event"], data["grade"])

    def grades() -> Any:
        return logrank_groups(trial(), time="days", event="event", group="grade")

    item, source = "made-up trial, by five grades", f"{STATSMODELS}, survdiff"
    chi = lambda: float(grades().chi_square[0])  # noqa: E731
    yield "log-rank test", f"{item}: chi-square", source, square, chi, 1e-9
    yield "log-rank test", f"{item}: p", source, p, lambda: float(grades().p[0]), 1e-9


def curves() -> Iterator[Check]:
    from lifelines import KaplanMeierFitter, NelsonAalenFitter
    from lifelines.utils import restricted_mean_survival_time
    from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

    data = trial()
    right = SurvfuncRight(data["days"], data["event"])
    fitter = KaplanMeierFitter().fit(data["days"], data["event"])
    hazard = NelsonAalenFitter(nelson_aalen_smoothing=False).fit(data["days"], data["event"])

    def curve() -> Any:
        return kaplan_meier(trial(), time="days", event="event")

    for at in (5.0, 10.0, 20.0):
        place = int(np.searchsorted(right.surv_times, at, side="right")) - 1
        item, source = f"made-up trial, at day {at:g}", f"{STATSMODELS}, SurvfuncRight"
        s = lambda t=at: float(curve().at(t).survival[0])  # noqa: E731
        yield "Kaplan-Meier", item, source, right.surv_prob[place], s, 1e-12
        se = lambda t=at: float(curve().at(t).se[0])  # noqa: E731
        yield "Kaplan-Meier", f"{item}: se", source, right.surv_prob_se[place], se, 1e-12
        limits = fitter.confidence_interval_survival_function_.loc[:at].iloc[-1]
        for k, side in enumerate(("low", "high")):
            limit = lambda t=at, w=side: float(getattr(curve().at(t, "log-log"), w)[0])  # noqa: E731
            text = f"{item}: {side}er limit, log-log".replace("higher", "upper")
            source = f"{LIFELINES}, KaplanMeierFitter"
            yield "Kaplan-Meier", text, source, float(limits.iloc[k]), limit, 1e-7
        mean = restricted_mean_survival_time(fitter, at)
        area = lambda t=at: float(restricted_mean(curve(), np.array([t]))[0][0])  # noqa: E731
        source = f"{LIFELINES}, restricted_mean_survival_time"
        yield "restricted mean survival", item, source, float(mean), area, 1e-9
        total = float(hazard.cumulative_hazard_.loc[:at].iloc[-1, 0])

        def summed(t: float = at) -> float:
            found = curve()
            return float(found.hazard[0, np.count_nonzero(found.time[0] <= t) - 1])

        source = f"{LIFELINES}, NelsonAalenFitter"
        yield "Nelson-Aalen", item, source, total, summed, 1e-12
    for side, p in (("lower quartile", 0.25), ("median", 0.5)):
        q = lambda p=p: float(curve().quantile(p)[0][0])  # noqa: E731
        yield "Kaplan-Meier", f"made-up trial, {side}", STATSMODELS, right.quantile(p), q, 0.0
    incidence = CumIncidenceRight(data["days"], data["cause"])
    for cause in (1, 2):
        for at in (5.0, 20.0):
            place = int(np.searchsorted(incidence.times, at, side="right")) - 1

            def reached(cause: int = cause, t: float = at) -> float:
                found = cumulative_incidence(trial(), time="days", cause="cause", of=cause)
                return float(found.at(t)[0][0])

            item = f"made-up trial, cause {cause} at day {at:g}"
            source = f"{STATSMODELS}, CumIncidenceRight"
            value = incidence.cinc[cause - 1][place]
            yield "cumulative incidence", item, source, value, reached, 1e-12


def regressions() -> Iterator[Check]:
    import statsmodels.api as sm
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    data = trial()
    design = sm.add_constant(data[["arm", "age", "sex"]].to_numpy(dtype=float))
    logit = quiet(lambda: sm.Logit(data["yes"], design).fit(disp=0, tol=1e-14))
    ordered = quiet(
        lambda: OrderedModel(data["grade"], design[:, 1:], distr="logit").fit(
            method="bfgs", disp=0, gtol=1e-10, maxiter=500
        )
    )
    offset = np.log(data["days"].to_numpy())
    poisson = sm.GLM(data["attacks"], design, family=sm.families.Poisson(), offset=offset)
    rates = poisson.fit(tol=1e-14)
    negative = sm.NegativeBinomial(data["attacks"], design[:, :2], offset=offset)
    spread = quiet(lambda: negative.fit(disp=0, method="bfgs", gtol=1e-10, maxiter=500))
    covariates, counts = ("age", "sex"), {"count": "attacks", "exposure": "days"}
    fits: list[tuple[str, str, Any, Callable[[], Any], tuple[str, ...]]] = [
        (
            "logistic regression",
            "Logit",
            logit,
            lambda: logistic(trial(), outcome="yes", **ARMS, covariates=covariates),
            ("params", "bse", "pvalues"),
        ),
        (
            "proportional-odds model",
            "OrderedModel",
            ordered,
            lambda: proportional_odds(trial(), outcome="grade", **ARMS, covariates=covariates),
            ("params", "bse"),
        ),
        (
            "Poisson regression",
            "GLM",
            rates,
            lambda: poisson_regression(trial(), **counts, **ARMS, adjust_for=covariates),
            ("params", "bse", "pvalues"),
        ),
        (
            "negative binomial regression",
            "NegativeBinomial",
            spread,
            lambda: negative_binomial(trial(), **counts, **ARMS),
            ("params",),
        ),
    ]
    names = {"params": "estimate", "bse": "se", "pvalues": "p"}
    for method, call, theirs, ours, fields in fits:
        place = 0 if call == "OrderedModel" else 1
        for field in fields:
            value = float(np.asarray(getattr(theirs, field))[place])
            got = lambda o=ours, n=names[field]: float(getattr(o(), n))  # noqa: E731
            two = "two covariates" if method[0] != "n" else "an offset"
            item = f"made-up trial, {two}: {names[field]}"
            yield method, item, f"{STATSMODELS}, {call}", value, got, 1e-6
    line = sm.OLS(data["score"], design).fit()
    for errors in ("classical", "hc2", "hc3"):
        kind = {"classical": "nonrobust", "hc2": "HC2", "hc3": "HC3"}[errors]
        theirs = line.get_robustcov_results(kind, use_t=True) if kind != "nonrobust" else line

        def adjusted(errors: Any = errors) -> Any:
            columns = {"outcome": "score", "adjust_for": ["age", "sex"], **ARMS}
            return ancova(trial(), **columns, errors=errors)

        for field, name in (("params", "estimate"), ("bse", "se")):
            value = float(np.asarray(getattr(theirs, field))[1])
            got = lambda f=adjusted, n=name: float(getattr(f(), n))  # noqa: E731
            item = f"made-up trial, two covariates, {errors}: {name}"
            yield "analysis of covariance", item, f"{STATSMODELS}, OLS", value, got, 1e-9


def tests() -> Iterator[Check]:
    from scipy.stats import ttest_rel

    data = trial()
    paired = ttest_rel(data["score"], data["before"])
    limits = paired.confidence_interval()
    for name, value in (
        ("statistic", paired.statistic), ("p", paired.pvalue), ("df", paired.df),
        ("ci_low", limits.low), ("ci_high", limits.high),
    ):  # fmt: skip
        got = lambda n=name: getattr(paired_t(trial(), after="score", before="before"), n)  # noqa: E731
        yield "paired t-test", f"made-up trial: {name}", f"{SCIPY}, ttest_rel", value, got, 1e-9
    top, bottom = 0.0, 0.0  # Mantel and Haenszel's weights
    for _, part in data.groupby("sex"):
        sizes = part.groupby("arm")["yes"].agg(["sum", "size"])
        (x0, n0), (x1, n1) = sizes.loc[0], sizes.loc[1]
        top += (x1 * n0 - x0 * n1) / (n0 + n1)
        bottom += n0 * n1 / (n0 + n1)
    shares: dict[str, Any] = {"outcome": "yes", **ARMS, "strata": ("sex",)}
    got = lambda: mantel_haenszel_risk_difference(trial(), **shares).estimate  # noqa: E731
    item = "made-up trial, two strata: risk difference"
    yield "Mantel-Haenszel", item, "by hand (Greenland and Robins 1985)", top / bottom, got, 1e-12


def comparisons() -> list[Comparison]:
    parts = (cox_regressions, log_ranks, curves, regressions, tests)
    return [
        Comparison(method, item, source, float(value), got, tolerance, relative=tolerance > 0.0)
        for part in parts
        for method, item, source, value, got, tolerance in part()
    ]
