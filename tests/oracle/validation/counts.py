"""Counts and recurrent events: R stats, MASS and survival, statsmodels, scipy."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from raresim.analysis import negative_binomial
from raresim.analysis.counts import (
    NegativeBinomialFit,
    mean_cumulative_function,
    negative_binomial_fit,
    poisson_exact,
    poisson_regression,
    poisson_test,
    quasi_poisson_regression,
)
from raresim.analysis.tail_result import TailResult
from tests.oracle.validation.comparison import Comparison, data_file, oracle

GLM = "R stats, glm"
METHODS = {
    "poisson": "Poisson regression",
    "quasi": "quasi-Poisson regression",
    "nb": "negative binomial regression",
}
COLUMNS = {"count": "attacks", "exposure": "days", "arm": "treat", "control": "placebo"}


@cache
def intervals() -> pd.DataFrame:
    return pd.read_csv(data_file("cgd.csv"))


@cache
def patients() -> pd.DataFrame:
    data = intervals().groupby("id")
    return pd.DataFrame(
        {
            "attacks": data["status"].sum(),
            "days": data["tstop"].max().astype(float),
            "treat": data["treat"].first(),
            "age": data["age"].first(),
            "steroids": data["steroids"].first(),
        }
    )


@cache
def whole_model() -> NegativeBinomialFit:
    return negative_binomial_fit(patients(), **COLUMNS)


def made_up() -> pd.DataFrame:
    """Counts of 24 patients with a covariate, quoted in the golden numbers below."""
    rng = np.random.default_rng(20)
    age = rng.normal(30.0, 9.0, 24).round(1)
    years = rng.uniform(0.3, 1.2, 24).round(2)
    return pd.DataFrame(
        {
            "attacks": rng.poisson(2.0 * years * np.exp(0.02 * (age - 30.0))),
            "days": years,
            "age": age,
            "treat": ["placebo", "drug"] * 12,
        }
    )


def _adjusted(name: str, **options: Any) -> Callable[[], float]:
    kernel = quasi_poisson_regression if options.pop("quasi", False) else poisson_regression

    def got() -> float:
        return float(getattr(kernel(made_up(), **COLUMNS, adjust_for=["age"], **options), name))

    return got


def _by_statsmodels() -> list[Comparison]:
    import statsmodels.api as sm

    data = made_up()
    treated = (data["treat"] != "placebo").to_numpy().astype(float)
    whole = sm.add_constant(np.column_stack((data["age"], treated)))
    offset = np.log(data["days"].to_numpy())
    family = sm.families.Poisson()

    def fit(columns: Any, **options: Any) -> Any:
        model = sm.GLM(data["attacks"].to_numpy(), columns, family=family, offset=offset)
        return model.fit(tol=1e-13, **options)

    full, without, quasi = fit(whole), fit(whole[:, :2]), fit(whole, scale="X2")
    ratio = np.sign(full.params[2]) * np.sqrt(2.0 * (full.llf - without.llf))
    score = float(without.score_test(exog_extra=treated[:, None]).statistic[0])
    score = np.sign(full.params[2]) * np.sqrt(score)
    source = f"statsmodels {version('statsmodels')}, GLM"
    return [
        Comparison(
            "Poisson regression", f"made-up counts, adjusted: {item}", source, float(x), got, 1e-8
        )
        for item, x, got in (
            ("log rate ratio", full.params[2], _adjusted("estimate")),
            ("se", full.bse[2], _adjusted("se")),
            ("root of likelihood ratio", ratio, _adjusted("statistic", test="likelihood_ratio")),
            ("root of score statistic", score, _adjusted("statistic", test="score")),
            ("quasi-Poisson se", quasi.bse[2], _adjusted("se", quasi=True)),
        )
    ]


def _by_scipy() -> list[Comparison]:
    """poisson.test is binom.test of the treated share of the events."""
    from scipy.stats import binomtest

    data = made_up()
    treated = data["treat"] != "placebo"
    events = [int(data["attacks"][side].sum()) for side in (~treated, treated)]
    years = [float(data["days"][side].sum()) for side in (~treated, treated)]
    share = years[1] / sum(years)
    found = {side: binomtest(events[1], sum(events), share, side) for side in ("two-sided", "less")}
    limits = found["two-sided"].proportion_ci()

    def ratio(p: float) -> float:
        return p / (1.0 - p) * years[0] / years[1]

    def got(name: str) -> Callable[[], float]:
        return lambda: float(getattr(poisson_exact(data, **COLUMNS), name))

    source = f"scipy {version('scipy')}, binomtest"
    method = "exact conditional test of Poisson rates"
    return [
        Comparison(method, f"made-up counts: {name}", source, float(expected), got(name), 1e-8)
        for name, expected in (
            ("p", found["two-sided"].pvalue),
            ("p_less", found["less"].pvalue),
            ("ci_low", ratio(limits.low)),
            ("ci_high", ratio(limits.high)),
        )
    ]


def _poisson_test() -> list[Comparison]:
    """The example of R's help page of poisson.test, as printed there."""
    data = pd.DataFrame(
        {"attacks": [6 + 8 + 7, 11], "days": [1083 + 1050 + 878, 800], "treat": ["placebo", "x"]}
    )
    return [
        Comparison(
            "exact conditional test of Poisson rates",
            "R help page: p, 4 digits",
            "R stats, poisson.test(c(11, 6+8+7), c(800, 1083+1050+878))",
            0.07967,
            lambda: float(poisson_exact(data, **COLUMNS).p),
            5e-6,
        )
    ]


def _of_r() -> list[Comparison]:
    out = oracle("survival.json")["cgd_counts_nb_poisson"]
    rows = []
    for name, kernel, source in (
        ("poisson", poisson_regression, GLM),
        ("quasi", quasi_poisson_regression, GLM),
        ("nb", negative_binomial, "R MASS, glm.nb"),
    ):
        for field, expected in zip(("estimate", "se", "statistic", "p"), out[name][1], strict=True):

            def got(kernel: Any = kernel, field: str = field) -> float:
                return float(getattr(kernel(patients(), **COLUMNS), field))

            relative = field != "p"  # a probability; glm stops a little early
            rows.append(
                Comparison(
                    METHODS[name], f"cgd: {field}", source, expected, got, 1e-6, relative, True
                )
            )
    rows += _intercepts(out)
    intercept, se, z, _ = out["nb"][0]
    for item, expected, get in (
        ("log rate of the control (intercept)", intercept, lambda fit: fit.log_rate[0]),
        ("its se", se, lambda fit: fit.log_rate_se[0]),
        ("its z", z, lambda fit: fit.log_rate[0] / fit.log_rate_se[0]),
        ("theta", out["nb_theta"], lambda fit: fit.theta),
        ("se of theta", out["nb_se_theta"], lambda fit: fit.theta_se),
        ("log-likelihood", out["nb_loglik"], lambda fit: fit.loglik),
    ):

        def found(get: Any = get) -> float:
            return float(get(whole_model()))

        rows.append(
            Comparison(
                METHODS["nb"], f"cgd: {item}", "R MASS, glm.nb", expected, found, 1e-6, True, True
            )
        )
    return rows


@cache
def one_arm(arm: str) -> TailResult:
    """Return the rate of one arm: without covariates, Poisson regression has those of the arms."""
    data = patients()
    return poisson_test(data[data["treat"] == arm], count="attacks", exposure="days", goal=1.0)


def _intercepts(out: dict[str, Any]) -> list[Comparison]:
    """Compare events, time and the intercepts: the log rate of the controls, se 1/sqrt(events)."""

    def dispersion() -> float:
        wide, narrow = (
            k(patients(), **COLUMNS).se for k in (quasi_poisson_regression, poisson_regression)
        )
        return float(wide / narrow)

    def row(spread: Callable[[], float]) -> tuple[Callable[[], float], ...]:
        def rate() -> float:
            return float(np.log(one_arm("placebo").estimate))

        def se() -> float:
            return spread() / float(np.sqrt(one_arm("placebo").statistic))

        return rate, se, lambda: rate() / se()

    wanted: list[tuple[str, str, float, Callable[[], float]]] = []
    for name, spread in (("poisson", lambda: 1.0), ("quasi", dispersion)):
        numbers = zip(
            ("log rate of the control", "its se", "its z"), out[name][0], row(spread), strict=False
        )
        wanted += [(METHODS[name], item, x, got) for item, x, got in numbers]
    for k, arm in enumerate(("placebo", "rIFN-g")):

        def events(arm: str = arm) -> float:
            return one_arm(arm).statistic

        def time(arm: str = arm) -> float:
            return one_arm(arm).statistic / one_arm(arm).estimate

        wanted.append(("exact test of a Poisson rate", f"events, {arm}", out["events"][k], events))
        wanted.append(("exact test of a Poisson rate", f"days, {arm}", out["time"][k], time))
    return [
        Comparison(method, f"cgd: {item}", GLM, x, got, 1e-6, True, True)
        for method, item, x, got in wanted
    ]


def _mean_cumulative() -> list[Comparison]:
    out = oracle("survival.json")["cgd_mean_cumulative_function"]
    columns = {"id": "id", "start": "tstart", "stop": "tstop", "event": "status", "arm": "treat"}
    rows = []
    for k, (arm, time) in enumerate(zip(out["strata"], out["time"], strict=True)):
        side = "control" if "placebo" in arm else "treated"
        for name, expected in (("mean", out["cumhaz"][k]), ("se", out["std.chaz"][k])):

            def got(side: str = side, name: str = name, time: float = time) -> float:
                found = mean_cumulative_function(
                    intervals(), **columns, control="placebo", times=[time]
                )
                return float(getattr(found, f"{side}_{name}")[0])

            item = f"cgd, {side} at {time} days: {name}"
            rows.append(
                Comparison(
                    "mean cumulative function",
                    item,
                    "R survival 3.5.3, survfit with id",
                    expected,
                    got,
                    1e-9,
                    False,
                    True,
                )
            )
    return rows


def _one_rate() -> list[Comparison]:
    """poisson.test of one count: R's own example, and tails of the Poisson distribution."""
    from scipy.stats import poisson

    example = pd.DataFrame({"events": [137], "weeks": [24.19893]})
    small = pd.DataFrame({"events": [2, 0, 1], "weeks": [1.5, 0.5, 1.0]})

    def got(data: pd.DataFrame, goal: float, name: str) -> Callable[[], float]:
        return lambda: float(
            getattr(poisson_test(data, count="events", exposure="weeks", goal=goal), name)
        )

    method, r = "exact test of a Poisson rate", "R stats, ?poisson.test"
    printed = (("ci_low", 4.753125), ("ci_high", 6.692709), ("estimate", 5.661407))
    rows = [
        Comparison(method, f"137 in 24.19893: {n}", r, x, got(example, 1, n), 5e-7)
        for n, x in printed
    ]
    k = np.arange(200)
    chance = poisson.pmf(k, 6.0)
    tails = {
        "p_less": float(poisson.cdf(3, 6.0)),
        "p_greater": float(poisson.sf(2, 6.0)),
        "p": float(chance[chance <= chance[3] * (1 + 1e-7)].sum()),
    }
    scipy = f"scipy {version('scipy')}, poisson"
    return rows + [
        Comparison(method, f"3 in 3 weeks against 2 a week: {n}", scipy, x, got(small, 2, n), 1e-10)
        for n, x in tails.items()
    ]


def comparisons() -> list[Comparison]:
    rows = _by_statsmodels() + _by_scipy() + _poisson_test() + _one_rate()
    if oracle("survival.json"):
        rows += _of_r() + _mean_cumulative()
    return rows
