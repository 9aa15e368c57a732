"""What else the references print of survival data: counts, variances, means, concordance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd

from raresim.analysis import Result
from raresim.analysis.survival import (
    CoxFits,
    FlemingHarrington,
    GroupTest,
    concordance,
    cox,
    cox_model,
    cumulative_incidence,
    kaplan_meier,
    logrank,
    logrank_groups,
)
from raresim.analysis.survival.restricted_mean import restricted_mean
from tests.oracle.validation.comparison import Comparison, oracle
from tests.oracle.validation.survival import (
    CGD,
    COXPH,
    PBC,
    RHDNASE,
    RMST2,
    SURVDIFF,
    cgd,
    pbc,
    rhdnase,
)

Check = tuple[str, str, str, float, Callable[[], float]]
LOG_RANK, COX = "log-rank test", "Cox regression"
TIMES = {"pbc": PBC, "cgd": CGD, "rhDNase": RHDNASE}
TABLES: dict[str, Callable[[], pd.DataFrame]] = {"pbc": pbc, "cgd": cgd, "rhDNase": rhdnase}


@cache
def groups(name: str, group: str, rho: float, sex: str | None, stratified: bool) -> GroupTest:
    """Compare the groups of a column, with a weight, of one sex or stratified by it."""
    data, columns = TABLES[name](), TIMES[name]
    if sex is not None:
        data = data[data["sex"] == sex]
    return logrank_groups(
        data,
        time=columns["time"],
        event=columns["event"],
        group=group,
        strata=("sex",) if stratified else (),
        weight=FlemingHarrington(rho, 0.0) if rho else None,
    )


def differences() -> Iterator[Check]:
    found = oracle("survival.json")
    if not found:
        return
    p = found["pbc_survdiff"]
    tests: list[tuple[str, str, Any, tuple[Any, ...]]] = [
        ("pbc, by treatment", "pbc", p["rho0"], ("trt", 0.0, None, False)),
        ("pbc, by treatment, rho = 1", "pbc", p["rho1"], ("trt", 1.0, None, False)),
        ("pbc, by stage", "pbc", p["stage4groups"], ("stage", 0.0, None, False)),
        ("pbc, by edema", "pbc", p["edema_rho0"], ("edema", 0.0, None, False)),
        ("pbc, stratified by sex", "pbc", p["strat_sex"], ("trt", 0.0, None, True)),
        ("cgd", "cgd", found["cgd_first_event"]["survdiff"], ("treat", 0.0, None, False)),
        (
            "rhDNase",
            "rhDNase",
            found["rhDNase_first_exacerbation"]["survdiff"],
            ("trt", 0.0, None, False),
        ),
    ]
    for text, name, want, choice in tests:
        test = partial(groups, name, *choice)
        several = len(want["n"]) > 2  # `survival` has their p-values and expected events
        if not several:
            yield LOG_RANK, f"{text}: p", SURVDIFF, want["p"], lambda t=test: t().p[0]
        people = lambda t=test: float(t().used[0])  # noqa: E731
        yield LOG_RANK, f"{text}: patients", SURVDIFF, float(sum(want["n"])), people
        size = len(want["n"])
        for g in range(size):
            for h in range(size):
                spread = lambda t=test, g=g, h=h: float(t().variance[0, g, h])  # noqa: E731
                item = f"{text}: covariance {g + 1}, {h + 1}"
                yield LOG_RANK, item, SURVDIFF, want["var"][g][h], spread
        if not choice[3]:
            yield from counted(text, {"obs": want["obs"]} if several else want, test)
    for s, sex in enumerate(("m", "f")):
        own = {k: p["strat_sex"][k][2 * s : 2 * s + 2] for k in ("obs", "exp")}
        yield from counted(
            f"pbc, stratum {sex}", own, partial(groups, "pbc", "trt", 0.0, sex, False)
        )


def counted(text: str, want: Any, test: Callable[[], GroupTest]) -> Iterator[Check]:
    for key, field in (("obs", "observed"), ("exp", "expected")):
        for g, value in enumerate(want.get(key, ())):

            def got(field: str = field, g: int = g) -> float:
                return float(getattr(test(), field)[0, g])

            yield LOG_RANK, f"{text}: {field} in group {g + 1}", SURVDIFF, value, got


@cache
def model(name: str, covariates: tuple[str, ...], strata: tuple[str, ...], ties: Any) -> CoxFits:
    columns = TIMES[name]
    return cox_model(TABLES[name](), **columns, covariates=covariates, strata=strata, ties=ties)


@cache
def concordant(name: str, covariates: tuple[str, ...], strata: tuple[str, ...], ties: Any) -> Any:
    """Return the concordance of a model's linear predictor, as coxph prints it."""
    data, columns = TABLES[name](), TIMES[name]
    fit = model(name, covariates, strata, ties)
    treated = (data[columns["arm"]] != columns["control"]).to_numpy(dtype=float)
    design = np.column_stack([treated, *(data[c].to_numpy(dtype=float) for c in covariates)])
    scored = data.assign(score=design @ fit.coefficients[0])
    return concordance(
        scored, time=columns["time"], event=columns["event"], score="score", strata=strata
    )


def models() -> Iterator[tuple[Check, float]]:
    found = oracle("survival.json")
    if not found:
        return
    many = ("age", "log_bili", "albumin", "log_protime", "edema")
    adjusted = ("age", "autosomal", "steroids")
    p, c, r = found["pbc_coxph"], found["cgd_first_event"], found["rhDNase_first_exacerbation"]
    fits: list[tuple[str, Any, tuple[Any, ...]]] = [
        ("pbc, Efron", p["trt_efron"], ("pbc", (), (), "efron")),
        ("pbc, Breslow", p["trt_breslow"], ("pbc", (), (), "breslow")),
        ("pbc, six covariates", p["multi"], ("pbc", many, (), "efron")),
        ("pbc, stratified by sex", p["strat"], ("pbc", ("age",), ("sex",), "efron")),
        ("cgd", c["cox"], ("cgd", (), (), "efron")),
        ("cgd, adjusted", c["cox_adj"], ("cgd", adjusted, (), "efron")),
        ("rhDNase, adjusted", r["cox"], ("rhDNase", ("fev",), (), "efron")),
        ("rhDNase", r["cox_trt"], ("rhDNase", (), (), "efron")),
    ]
    for text, want, choice in fits:
        fit, of_pairs = partial(model, *choice), partial(concordant, *choice)
        wald = lambda f=fit: float(f().wald_test[0])  # noqa: E731
        yield (COX, f"{text}: Wald test (2 decimals)", COXPH, want["wald"], wald), 0.00501
        for what, key, field in (("patients", "n", "used"), ("events", "nevent", "events")):
            got = lambda f=fit, field=field: float(getattr(f(), field)[0])  # noqa: E731
            yield (COX, f"{text}: {what}", COXPH, want[key], got), 0.0
        share = lambda o=of_pairs: float(o().concordance[0])  # noqa: E731
        yield ("concordance", text, COXPH, want["concordance"][0], share), 1e-12
        se = lambda o=of_pairs: float(o().se[0])  # noqa: E731
        yield ("concordance", f"{text}: se", COXPH, want["concordance"][1], se), 1e-12


def arms() -> Iterator[Check]:
    """Restricted means of the arms, and patients still free of every event."""
    found = oracle("survival.json")
    if not found:
        return
    means = found["pbc_rmst2_tau2000_and_3650"]
    for key in ("1", "2"):
        tau = float(means[key]["tau"])
        for code, arm in ((1, "arm1"), (2, "arm0")):

            @cache
            def own(code: int = code, tau: float = tau) -> tuple[float, float]:
                data = pbc()[pbc()["trt"] == code]
                curve = kaplan_meier(data, time="time", event="died")
                mean, variance = restricted_mean(curve, np.array([tau]))
                return float(mean[0]), float(np.sqrt(variance[0]))

            item = f"pbc, arm {code}, tau {tau:g}: mean"
            numbers = means[key][arm]
            yield "restricted mean survival", item, RMST2, numbers[0], lambda o=own: o()[0]
            yield "restricted mean survival", f"{item}, se", RMST2, numbers[1], lambda o=own: o()[1]
            for sign, limit in ((-1.0, numbers[2]), (1.0, numbers[3])):

                def got(sign: float = sign, o: Any = own) -> float:
                    return float(o()[0] + sign * 1.959963984540054 * o()[1])

                text = f"{item}, {'lower' if sign < 0 else 'upper'} limit"
                yield "restricted mean survival", text, RMST2, limit, got
    states = found["pbc_competing_risks_cuminc"]
    for arm, time, state in zip(states["strata"], states["time"], states["pstate"], strict=True):

        def free(code: int = int(arm[-1]), time: float = time) -> float:
            data = pbc()[pbc()["trt"] == code]
            curves = [
                cumulative_incidence(data, time="time", cause="status", of=cause).at(time)[0][0]
                for cause in (1, 2)
            ]
            return float(1.0 - sum(curves))

        item = f"pbc, {arm}, free of both at {time}"
        yield "cumulative incidence", item, "R survival 3.5.3, survfit", state[0], free


@cache
def reconstructed() -> pd.DataFrame:
    """The patients that IPDfromKM reconstructs from two curves."""
    items = oracle("ipdfromkm.json")
    parts = [
        pd.DataFrame({"time": out["time"], "event": out["status"], "arm": code})
        for code, out in enumerate((items["IPD_radio_nrisk"], items["IPD_radioplus_nrisk"]))
    ]
    return pd.concat(parts, ignore_index=True)


def curves() -> Iterator[tuple[Check, float]]:
    """Analyses of the patients that IPDfromKM reconstructs, times to 3 digits."""
    want = oracle("ipdfromkm.json").get("IPD_radio_vs_radioplus_cox")
    if want is None:
        return
    columns: dict[str, Any] = {"time": "time", "event": "event", "arm": "arm", "control": 0}

    @cache
    def fit() -> Result:
        return cox(reconstructed(), **columns)

    text, source = "radiotherapy, reconstructed by IPDfromKM", "R survival 3.5.3"
    yield (COX, f"{text}: log hazard ratio", source, want["coef"], lambda: fit().estimate), 1e-6
    yield (COX, f"{text}: se", source, want["se"], lambda: fit().se), 1e-6
    square = lambda: logrank(reconstructed(), **columns).statistic ** 2  # noqa: E731
    yield (LOG_RANK, f"{text}: chi-square", source, want["logrank"], square), 1e-5
    for code, median in enumerate(want["median"]):

        def got(code: int = code) -> float:
            data = reconstructed()
            curve = kaplan_meier(data[data["arm"] == code], time="time", event="event")
            return float(curve.quantile()[0][0])

        yield ("Kaplan-Meier", f"{text}: median of arm {code}", source, median, got), 1e-9


def comparisons() -> list[Comparison]:
    found = [
        Comparison(*check, 1e-6, True, True) for part in (differences, arms) for check in part()
    ]
    for part in (models, curves):
        found += [Comparison(*check, tolerance, shared=True) for check, tolerance in part()]
    return found
