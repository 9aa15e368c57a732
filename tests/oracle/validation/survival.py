"""Times to an event: R survival, survRM2, simtrial, cmprsk, lifelines, statsmodels, books."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from raresim.analysis import Result
from raresim.analysis.survival import (
    GEHAN,
    CoxFits,
    FlemingHarrington,
    MaxCombo,
    TaroneWare,
    batch,
    cox,
    cox_model,
    cumulative_incidence,
    kaplan_meier,
    logrank,
    logrank_groups,
    max_combo,
    rmst,
)
from raresim.analysis.survival.discrete_likelihood import DiscreteLikelihood, maximise_discrete
from raresim.analysis.survival.largest_normal import largest_exceeds
from raresim.analysis.survival.risk_sets import risk_sets
from tests.oracle.validation.comparison import Comparison, data_file, oracle

SURVDIFF = "R survival 3.5.3, survdiff"
COXPH = "R survival 3.5.3, coxph"
RMST2 = "R survRM2 1.0.4, rmst2"
CMPRSK = "R cmprsk, tests/test.Rout.save (cuminc; 7 digits)"
FREIREICH = "Freireich 1963 (6-MP), as in Klein and Moeschberger 2003 and R survival"
MP = ([6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35], 9)
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
Check = tuple[str, str, str, float, Callable[[], float]]


@cache
def pbc() -> pd.DataFrame:
    data = pd.read_csv(data_file("pbc.csv"))
    data = data[data["trt"].notna()]
    return data.assign(
        died=(data["status"] == 2).astype(int),
        log_bili=np.log(data["bili"]),
        log_protime=np.log(data["protime"]),
    )


@cache
def cgd() -> pd.DataFrame:
    data = pd.read_csv(data_file("cgd.csv"))
    data = data[data["enum"] == 1]
    return data.assign(autosomal=(data["inherit"] == "autosomal").astype(int))


@cache
def rhdnase() -> pd.DataFrame:
    data = pd.read_csv(data_file("rhDNase.csv"))
    data = data.drop_duplicates("id")
    days = (pd.to_datetime(data["end.dt"]) - pd.to_datetime(data["entry.dt"])).dt.days
    event = data["ivstart"].notna().astype(int)
    data = data.assign(tm=np.where(event == 1, data["ivstart"], days), st=event)
    return data[data["tm"] > 0]


@cache
def freireich() -> pd.DataFrame:
    time = MP[0] + PLACEBO
    event = [1] * MP[1] + [0] * (21 - MP[1]) + [1] * 21
    return pd.DataFrame({"weeks": time, "relapse": event, "arm": ["6-MP"] * 21 + ["placebo"] * 21})


PBC: dict[str, Any] = {"time": "time", "event": "died", "arm": "trt", "control": 1}
CGD: dict[str, Any] = {"time": "tstop", "event": "status", "arm": "treat", "control": "placebo"}
RHDNASE: dict[str, Any] = {"time": "tm", "event": "st", "arm": "trt", "control": 0}
WEEKS: dict[str, Any] = {"time": "weeks", "event": "relapse", "arm": "arm", "control": "placebo"}


def log_ranks() -> Iterator[Check]:
    found = oracle("survival.json").get("pbc_survdiff")
    if found is None:
        return
    name, r = "log-rank test", SURVDIFF

    def square(weight: Any = None, strata: tuple[str, ...] = ()) -> float:
        return logrank(pbc(), **PBC, strata=strata, weight=weight).statistic ** 2

    def groups(column: str) -> Any:
        return logrank_groups(pbc(), time="time", event="died", group=column)

    yield name, "pbc, by treatment: chi-square", r, found["rho0"]["chisq"], square
    yield (
        name,
        "pbc, by treatment, rho = 1: chi-square",
        r,
        found["rho1"]["chisq"],
        lambda: square(FlemingHarrington(1.0, 0.0)),
    )
    yield (
        name,
        "pbc, stratified by sex: chi-square",
        r,
        found["strat_sex"]["chisq"],
        lambda: square(None, ("sex",)),
    )
    for column, key in (("stage", "stage4groups"), ("edema", "edema_rho0")):
        want = found[key]
        yield (
            name,
            f"pbc, by {column}: chi-square",
            r,
            want["chisq"],
            lambda c=column: float(groups(c).chi_square[0]),
        )
        yield name, f"pbc, by {column}: p", r, want["p"], lambda c=column: float(groups(c).p[0])
        for g, value in enumerate(want["exp"]):
            yield (
                name,
                f"pbc, by {column}: expected in group {g}",
                r,
                value,
                (lambda c=column, g=g: float(groups(c).expected[0, g])),
            )
        yield (
            name,
            f"pbc, by {column}: first covariance",
            r,
            want["var"][0][1],
            (lambda c=column: float(groups(c).variance[0, 0, 1])),
        )
    first = oracle("survival.json")["cgd_first_event"]["survdiff"]["chisq"]
    yield (
        name,
        "cgd, first infection: chi-square",
        r,
        first,
        (lambda: logrank(cgd(), **CGD).statistic ** 2),
    )
    first = oracle("survival.json")["rhDNase_first_exacerbation"]["survdiff"]["chisq"]
    yield (
        name,
        "rhDNase, first exacerbation: chi-square",
        r,
        first,
        (lambda: logrank(rhdnase(), **RHDNASE).statistic ** 2),
    )


def of_a_model(name: str, want: dict[str, Any], fit: Callable[[], CoxFits]) -> Iterator[Check]:
    for j, (covariate, value) in enumerate(want["coef"].items()):
        yield (
            "Cox regression",
            f"{name}: {covariate}",
            COXPH,
            value,
            (lambda j=j: float(fit().coefficients[0, j])),
        )
        yield (
            "Cox regression",
            f"{name}: se of {covariate}",
            COXPH,
            want["se"][covariate],
            (lambda j=j: float(fit().se[0, j])),
        )
    for label, value, get in (
        ("score test", want["score"], lambda: fit().score_test[0]),
        ("likelihood ratio test", want["lrt"], lambda: fit().likelihood_ratio_test[0]),
        ("null log likelihood", want["loglik"][0], lambda: fit().loglik_null[0]),
        ("log likelihood", want["loglik"][1], lambda: fit().loglik[0]),
    ):
        yield "Cox regression", f"{name}: {label}", COXPH, value, lambda get=get: float(get())


def discrete() -> Iterator[Check]:
    found = oracle("survival.json").get("pbc_coxph")
    if found is None:
        return
    want = found["trt_exact"]
    for name, item in (("coef", "trt"), ("se", "se of trt")):
        yield (
            "Cox regression, exact ties",
            f"pbc: {item}",
            COXPH,
            want[name]["trt"],
            (lambda name=name: float(getattr(fit_discrete(), NAMES[name]))),
        )
    for item, value, get in (
        ("null log likelihood", want["loglik"][0], lambda: exact_ties().loglik_null[0]),
        ("log likelihood", want["loglik"][1], lambda: exact_ties().loglik[0]),
        (
            "likelihood ratio test",
            want["lrt"],
            lambda: 2.0 * (exact_ties().loglik[0] - exact_ties().loglik_null[0]),
        ),
    ):
        yield "Cox regression, exact ties", f"pbc: {item}", COXPH, value, lambda g=get: float(g())


NAMES = {"coef": "estimate", "se": "se"}


@cache
def exact_ties() -> DiscreteLikelihood:
    data = pbc()
    time, event = data["time"].to_numpy()[None], data["died"].to_numpy(dtype=bool)[None]
    here = np.ones_like(event)
    return maximise_discrete(risk_sets(time, event, (data["trt"] == 1.0).to_numpy()[None], here))


def fit_discrete() -> Result:
    return cox(pbc(), **PBC, ties="exact")


def cox_models() -> Iterator[Check]:
    found = oracle("survival.json")
    if not found:
        return
    many = ("age", "log_bili", "albumin", "log_protime", "edema")
    p, c, r = found["pbc_coxph"], found["cgd_first_event"], found["rhDNase_first_exacerbation"]
    yield from of_a_model("pbc, Efron", p["trt_efron"], lambda: cox_model(pbc(), **PBC))
    yield from of_a_model(
        "pbc, Breslow", p["trt_breslow"], lambda: cox_model(pbc(), **PBC, ties="breslow")
    )
    yield from of_a_model(
        "pbc, six covariates", p["multi"], lambda: cox_model(pbc(), **PBC, covariates=many)
    )
    yield from of_a_model(
        "pbc, stratified by sex",
        p["strat"],
        lambda: cox_model(pbc(), **PBC, covariates=("age",), strata=("sex",)),
    )
    yield from of_a_model("cgd", c["cox"], lambda: cox_model(cgd(), **CGD))
    adjusted = ("age", "autosomal", "steroids")
    yield from of_a_model(
        "cgd, adjusted", c["cox_adj"], lambda: cox_model(cgd(), **CGD, covariates=adjusted)
    )
    yield from of_a_model(
        "rhDNase, adjusted", r["cox"], lambda: cox_model(rhdnase(), **RHDNASE, covariates=("fev",))
    )
    yield from of_a_model("rhDNase", r["cox_trt"], lambda: cox_model(rhdnase(), **RHDNASE))


def restricted_means() -> Iterator[Check]:
    found = oracle("survival.json").get("pbc_rmst2_tau2000_and_3650")
    if found is None:
        return
    contrasts = ("difference", "ratio", "lost ratio")
    for key in ("1", "2"):
        tau = found[key]["tau"]
        for contrast, want in zip(contrasts, found[key]["unadjusted"], strict=True):

            def fit(tau: float = tau, contrast: Any = contrast) -> Any:
                columns = {**PBC, "control": 2}
                return rmst(pbc(), **columns, tau=tau, contrast=contrast)

            def own(x: float, contrast: str = contrast) -> float:
                return x if contrast == "difference" else float(np.exp(x))

            item = f"pbc, tau {tau}, {contrast}"
            name = "restricted mean survival"
            yield name, item, RMST2, want["Est."], lambda f=fit, o=own: o(f().estimate)
            yield (
                name,
                f"{item}: lower limit",
                RMST2,
                want["lower .95"],
                (lambda f=fit, o=own: o(f().ci_low)),
            )
            yield (
                name,
                f"{item}: upper limit",
                RMST2,
                want["upper .95"],
                (lambda f=fit, o=own: o(f().ci_high)),
            )
            yield name, f"{item}: p", RMST2, want["p"], lambda f=fit: f().p
    for row, code in zip(found["rmst_survfit"], (1, 2), strict=True):

        def curve(code: int = code) -> Any:
            return kaplan_meier(pbc()[pbc()["trt"] == code], time="time", event="died")

        fitted = "R survival 3.5.3, survfit"
        for part, key in enumerate(("median", "0.95LCL", "0.95UCL")):
            want = np.inf if row[key] == "NA" else row[key]
            yield (
                "Kaplan-Meier",
                f"pbc, arm {code}: {key} of the median",
                fitted,
                want,
                (lambda c=curve, part=part: float(c().quantile()[part][0])),
            )


def combined() -> Iterator[Check]:
    found = oracle("survival.json").get("pbc_maxcombo_00_01")
    if found is None:
        return

    def fit() -> MaxCombo:
        weights = (FlemingHarrington(0, 0), FlemingHarrington(0, 1))
        columns = {**PBC, "control": 2}
        return max_combo(pbc(), **columns, weights=weights, alternative="less")

    name, r = "MaxCombo test", "R simtrial 1.0.2, maxcombo"
    yield name, "pbc, FH(0,0) and FH(0,1): p", r, found["p"], lambda: float(fit().p[0])
    for k in (0, 1):
        yield name, f"pbc: z of weight {k}", r, found["z"][k], lambda k=k: float(fit().z[0, k])
    yield (
        name,
        "pbc: correlation",
        r,
        found["corr"][0]["v2"],
        lambda: float(fit().correlation[0, 0, 1]),
    )


def several_states() -> Iterator[Check]:
    found = oracle("survival.json").get("pbc_competing_risks_cuminc")
    if found is None:
        return
    for arm, time, states in zip(found["strata"], found["time"], found["pstate"], strict=True):
        code = int(arm[-1])
        for cause in (1, 2):

            def at(code: int = code, cause: int = cause, time: float = time) -> float:
                data = pbc()[pbc()["trt"] == code]
                curve = cumulative_incidence(data, time="time", cause="status", of=cause)
                return float(curve.at(time)[0][0])

            item = f"pbc, arm {code}, cause {cause} at {time}"
            yield "cumulative incidence", item, "R survival 3.5.3, survfit", states[cause], at


def marsaglia_multicarry(draws: int, seed: int = 2) -> Iterator[float]:
    """R's generator before 1.7, with which cmprsk's own test was made."""
    for _ in range(50):
        seed = (69069 * seed + 1) % 2**32
    a = (69069 * seed + 1) % 2**32
    b = (69069 * a + 1) % 2**32
    for _ in range(draws):
        a = 36969 * (a & 65535) + (a >> 16)
        b = 18000 * (b & 65535) + (b >> 16)
        yield (((a << 16) % 2**32) ^ (b & 65535)) * 2.328306437080797e-10


def exponential(uniform: Iterator[float]) -> float:
    """Ahrens and Dieter's 1972 algorithm, which R's rexp uses."""
    q = np.cumsum(np.cumprod(np.log(2.0) / np.arange(1, 17)))
    start, u = 0.0, 2.0 * next(uniform)
    while u <= 1.0:
        start, u = start + q[0], 2.0 * u
    u -= 1.0
    if u <= q[0]:
        return start + u
    least, i = next(uniform), 0
    while True:
        least, i = min(least, next(uniform)), i + 1
        if u <= q[i]:
            return start + least * q[0]


@cache
def cmprsk_data() -> pd.DataFrame:
    """The first draws of tests/test.R of cmprsk: rexp(100), groups, causes and strata."""
    uniform = marsaglia_multicarry(100_000)
    time = [exponential(uniform) for _ in range(100)]
    group, cause, stratum = ([int(k * next(uniform)) for _ in range(100)] for k in (3, 3, 2))
    return pd.DataFrame({"time": time, "group": group, "cause": cause, "stratum": stratum})


def gray_of(of: int, *, without_b: bool = False, p: bool = False) -> float:
    from raresim.analysis.survival import gray_test

    data = cmprsk_data()
    data = data[data["group"] != 1] if without_b else data
    found = gray_test(data, time="time", cause="cause", group="group", strata=("stratum",), of=of)
    return float(found.p[0] if p else found.chi_square[0])


def gray() -> Iterator[tuple[Check, float]]:
    name = "Gray's test"
    for of, chi, p in ((1, 3.393977, 0.1832345), (2, 1.989511, 0.3698139)):
        yield (name, f"3 groups, 2 strata, cause {of}", CMPRSK, chi, lambda o=of: gray_of(o)), 5e-7
        yield (name, f"3 groups, cause {of}: p", CMPRSK, p, lambda o=of: gray_of(o, p=True)), 5e-8
    for of, chi in ((1, 3.5151549), (2, 0.1400145)):
        check = (
            name,
            f"2 groups, cause {of}",
            CMPRSK,
            chi,
            lambda o=of: gray_of(o, without_b=True),
        )
        yield check, 5e-8
    variances = {
        1: (0.002062112, 0.002957844, 0.004170634),
        2: (0.002190305, 0.003273248, 0.004004514),
    }
    for cause, values in variances.items():
        for time, want in enumerate(values, start=1):

            def variance(cause: int = cause, time: int = time) -> float:
                data = cmprsk_data()
                curve = cumulative_incidence(data, time="time", cause="cause", of=cause)
                return float(curve.at(time)[1][0]) ** 2

            item = f"cause {cause} at {time}: variance"
            yield ("cumulative incidence", item, CMPRSK, want, variance), 5e-10


def in_books() -> Iterator[tuple[Check, float]]:
    """Numbers printed in books and packages' pages, to the digits printed."""

    def curve() -> Any:
        data = freireich()
        return kaplan_meier(data[data["arm"] == "6-MP"], time="weeks", event="relapse")

    name = "Kaplan-Meier"
    for k, want in enumerate((0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448)):
        yield (
            (
                name,
                f"6-MP, S at event time {k}",
                FREIREICH,
                want,
                (lambda k=k: float(curve().survival[0, k])),
            ),
            6e-4,
        )
    yield (
        (name, "6-MP, se at 10 weeks", FREIREICH, 0.0963, lambda: float(curve().at(10).se[0])),
        6e-5,
    )
    yield (name, "6-MP, median", FREIREICH, 23.0, lambda: float(curve().quantile()[0][0])), 0.0
    yield (
        (
            name,
            "6-MP, lower limit of the median",
            FREIREICH,
            16.0,
            (lambda: float(curve().quantile()[1][0])),
        ),
        0.0,
    )
    yield (
        (
            "log-rank test",
            "6-MP: chi-square",
            FREIREICH,
            16.79,
            (lambda: logrank(freireich(), **WEEKS).statistic ** 2),
        ),
        6e-3,
    )
    for ties, want in (("efron", -1.5721), ("breslow", -1.5092)):
        yield (
            (
                "Cox regression",
                f"6-MP, {ties}",
                FREIREICH,
                want,
                (
                    lambda ties=ties: float(
                        cox_model(freireich(), **WEEKS, ties=ties).coefficients[0, 0]
                    )
                ),
            ),
            6e-5,
        )


def closed_forms() -> Iterator[tuple[Check, float]]:
    """Probabilities of the largest of normal values that have a closed form."""
    name, r = "MaxCombo test", "closed form (orthant and independence)"
    for k in (2, 3, 4):
        want = 1.0 - 1.0 / (k + 1.0)  # equal correlations of 1/2: all below 0 once in k + 1
        equal = (np.eye(k) + 1.0) / 2.0
        yield (
            (
                name,
                f"{k} values of correlation 1/2 above 0",
                r,
                want,
                lambda e=equal: float(largest_exceeds(np.zeros(1), e[None])[0]),
            ),
            1e-8,
        )
        from scipy.special import ndtr

        want = 1.0 - float(ndtr(1.7)) ** k
        yield (
            (
                name,
                f"{k} independent values above 1.7",
                r,
                want,
                lambda k=k: float(largest_exceeds(np.array([1.7]), np.eye(k)[None])[0]),
            ),
            1e-8,
        )
        want = 1.0 - float(ndtr(1.7) - ndtr(-1.7)) ** k
        yield (
            (
                name,
                f"{k} independent values beyond 1.7",
                r,
                want,
                lambda k=k: float(
                    largest_exceeds(np.array([1.7]), np.eye(k)[None], absolute=True)[0]
                ),
            ),
            1e-8,
        )


def weights() -> Iterator[Check]:
    """Weighted log-rank tests of lifelines 0.30.3 on Freireich's trial."""
    from lifelines.statistics import logrank_test

    data = freireich()
    a, b = data[data["arm"] == "6-MP"], data[data["arm"] == "placebo"]

    def theirs(**choice: Any) -> float:
        found = logrank_test(a["weeks"], b["weeks"], a["relapse"], b["relapse"], **choice)
        return float(found.test_statistic)

    for label, weight, choice in (
        ("Gehan", GEHAN, {"weightings": "wilcoxon"}),
        ("Tarone-Ware", TaroneWare(), {"weightings": "tarone-ware"}),
        (
            "FH(1, 0.5)",
            FlemingHarrington(1, 0.5),
            {"weightings": "fleming-harrington", "p": 1, "q": 0.5},
        ),
        ("FH(0, 1)", FlemingHarrington(0, 1), {"weightings": "fleming-harrington", "p": 0, "q": 1}),
    ):
        yield (
            "weighted log-rank test",
            f"6-MP, {label}: chi-square",
            "lifelines 0.30.3",
            (theirs(**choice)),
            lambda w=weight: logrank(freireich(), **WEEKS, weight=w).statistic ** 2,
        )


def by_hand() -> Iterator[tuple[Check, float]]:
    """Permutations listed by hand."""
    time, event = np.array([[1, 2, 3, 4, 5, 6]]), np.ones((1, 6), dtype=bool)
    arm = np.array([[0, 0, 0, 1, 1, 1]])
    want = 2.0 / 20.0  # the most extreme split and its mirror image

    def p() -> float:
        return float(batch.logrank_permutation(time, event, arm, np.ones((1, 6), bool)).p[0])

    yield ("permutation log-rank test", "3 against 3, in order", "by hand", want, p), 1e-12


def comparisons() -> list[Comparison]:
    found = [
        Comparison(*check, 1e-6, True, True)
        for part in (log_ranks, cox_models, discrete, restricted_means, combined, several_states)
        for check in part()
    ]
    found += [Comparison(*check, 1e-6, True) for check in weights()]
    for part in (gray, in_books, closed_forms, by_hand):
        found += [Comparison(*check, tolerance) for check, tolerance in part()]
    return found
