"""External and historical controls: statsmodels, SAMprior, closed forms, stacked equations."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import integrate, optimize, stats
from scipy.special import betaln, expit

from raresim.analysis.bayesian import (
    BetaMixture,
    BetweenTrials,
    BinomialData,
    Decision,
    GammaMixture,
    NormalData,
    NormalMixture,
    posterior,
    succeeds,
)
from raresim.analysis.external import (
    alike,
    batch,
    borrowing_methods,
    effective_size,
    meta_analytic_binomial,
    meta_analytic_normal,
    normalised_power_prior,
    propensity_weighted,
    self_adapting_weight,
    size_against_drift,
)
from tests.oracle.validation.comparison import Comparison

COVARIATES = ["mmarried_", "mage", "fbaby_", "medu"]
STACKED = "stacked estimating equations, differentiated numerically"
SAMPRIOR = "SAMprior, vignette Example_binary"


@cache
def births() -> pd.DataFrame:
    """Cattaneo's births, which statsmodels carries for its own tests."""
    import statsmodels.treatment.tests.results as results

    return pd.read_csv(Path(results.__file__).parent / "cataneo2.csv")


def own_births(estimand: str, which: str) -> float:
    data = births()
    found = propensity_weighted(
        data, outcome="bweight", covariates=COVARIATES, arm="mbsmoke_", control=0, estimand=estimand
    )
    return float(getattr(found, which))


def sandwich(equations: Callable[[Any], Any], start: Any, contrast: Any) -> tuple[float, float]:
    root = optimize.root(lambda t: equations(t).mean(0), start, tol=1e-14).x
    slopes = np.zeros((root.size, root.size))
    for j in range(root.size):
        step = np.zeros(root.size)
        step[j] = 1e-5
        slopes[:, j] = (equations(root + step) - equations(root - step)).sum(0) / 2e-5
    inverse = np.linalg.inv(slopes)
    terms = equations(root)
    variance = inverse @ (terms.T @ terms) @ inverse.T
    return float(contrast @ root), float(np.sqrt(contrast @ variance @ contrast))


@cache
def patients() -> tuple[Any, Any, Any, Any]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(80, 2))
    arm = (rng.random(80) < expit(0.5 * x[:, 0])).astype(int)
    y = x @ np.array([1.0, -0.5]) + 0.7 * arm + rng.normal(size=80)
    event = (rng.random(80) < expit(0.3 + x[:, 0])).astype(float)
    return x, arm, y, event


def propensity_equations(estimand: str) -> Callable[[Any], Any]:
    x, arm, y, _ = patients()
    design = np.c_[np.ones(len(x)), x]

    def equations(t: Any) -> Any:
        e = expit(design @ t[:3])
        weight = {
            "ate": np.where(arm, 1 / e, 1 / (1 - e)),
            "att": np.where(arm, 1.0, e / (1 - e)),
            "overlap": np.where(arm, 1 - e, e),
        }[estimand]
        first, second = weight * arm * (y - t[3]), weight * (1 - arm) * (y - t[4])
        return np.c_[design * (arm - e)[:, None], first, second]

    return equations


def balance_equations(t: Any) -> Any:
    x, arm, y, _ = patients()
    away = x - t[:2]
    weight = np.exp(away @ t[2:4]) * (1 - arm)
    means = arm * (y - t[4]), weight * (y - t[5])
    return np.c_[arm[:, None] * away, weight[:, None] * away, means[0], means[1]]


TARGET = np.array([0.3, -0.2])


def anchored_equations(t: Any) -> Any:
    x, arm, _, event = patients()
    weight = np.exp((x - TARGET) @ t[:2])
    ones, zeros = arm * weight * (event - expit(t[2])), (1 - arm) * weight * (event - expit(t[3]))
    return np.c_[weight[:, None] * (x - TARGET), ones, zeros]


def fits() -> list[Comparison]:
    x, arm, y, event = patients()
    everyone = np.ones((1, len(arm)), dtype=bool)
    package = "statsmodels 0.15, TreatmentEffect.ipw (its se by numerical derivatives)"
    found = []
    for estimand, value, se in (
        ("ate", -232.12787493727197, 23.932841750112296),
        ("att", -220.78871551375263, 23.36053509777095),
    ):
        for which, number in (("estimate", value), ("se", se)):

            def got(estimand: str = estimand, which: str = which) -> float:
                return own_births(estimand, which)

            tolerance = 1e-9 if which == "estimate" else 1e-7
            item = f"Cattaneo's births, {estimand}: {which}"
            row = (item, package, number, got, tolerance, True)
            found.append(Comparison("propensity score weighting", *row))
    for estimand in ("ate", "att", "overlap"):
        fit = batch.propensity_weighted(y[None], x[None], arm[None], everyone, estimand).row(0)
        want = sandwich(propensity_equations(estimand), np.zeros(5), np.array([0, 0, 0, 1.0, -1.0]))
        found += pair("propensity score weighting", f"80 patients, {estimand}", want, fit)
    fit = batch.entropy_balanced(y[None], x[None], arm[None], everyone).row(0)
    want = sandwich(balance_equations, np.zeros(6), np.array([0, 0, 0, 0, 1.0, -1.0]))
    found += pair("entropy balancing", "80 patients", want, fit)
    fit = batch.matching_adjusted(
        event[None], x[None], everyone, TARGET, (0.2, 0.1), arm[None], measure="log odds ratio"
    ).row(0)
    value, se = sandwich(anchored_equations, np.zeros(4), np.array([0, 0, 1.0, -1.0]))
    found += pair("MAIC, anchored", "80 patients", (value - 0.2, float(np.hypot(se, 0.1))), fit)
    return found


def pair(method: str, item: str, want: tuple[float, float], fit: Any) -> list[Comparison]:
    return [
        Comparison(method, f"{item}: estimate", STACKED, want[0], lambda: fit.estimate, 1e-9),
        Comparison(method, f"{item}: se", STACKED, want[1], lambda: fit.se, 1e-8),
    ]


def quad_normalised_power() -> float:
    """Posterior mean after 10 of 20 with 20 of 100 historical, uniform power, flat prior."""

    def part(power: float, more: float) -> float:
        a, b = 1.0 + 20.0 * power, 1.0 + 80.0 * power
        return float(np.exp(betaln(a + 10 + more, b + 10) - betaln(a, b)))

    above = integrate.quad(part, 0, 1, args=(1.0,), epsabs=1e-14, epsrel=1e-13)[0]
    return float(above / integrate.quad(part, 0, 1, args=(0.0,), epsabs=1e-14, epsrel=1e-13)[0])


def quad_normal_map() -> float:
    """Standard deviation of the predictive of three trials, half-normal(10) tau, flat mu."""
    y, se = np.array([-50.0, -45.0, -60.0]), np.array([8.0, 9.0, 7.0])

    def parts(tau: float) -> tuple[float, float, float]:
        w = 1.0 / (se**2 + tau**2)
        mean = float((w * y).sum() / w.sum())
        like = np.sqrt(np.prod(w) / w.sum()) * np.exp(-0.5 * (w * (y - mean) ** 2).sum())
        return float(like * np.exp(-0.5 * (tau / 10.0) ** 2)), mean, float(1.0 / w.sum() + tau**2)

    def integral(value: Callable[[float, float], float]) -> float:
        def inside(tau: float) -> float:
            weight, mean, variance = parts(tau)
            return weight * value(mean, variance)

        return float(integrate.quad(inside, 0, 90, epsabs=1e-30, epsrel=1e-12, limit=400)[0])

    total = integral(lambda m, v: 1.0)
    mean = integral(lambda m, v: m) / total
    return float(np.sqrt(integral(lambda m, v: v + m * m) / total - mean**2))


def quad_elir() -> float:
    """ELIR of 0.8 Beta(10, 2) + 0.2 Beta(1, 1), second derivative by exact formulas."""

    def inside(p: float) -> float:
        f = 0.8 * stats.beta.pdf(p, 10, 2)
        slope = 9.0 / p - 1.0 / (1.0 - p)
        bend = slope**2 - 9.0 / p**2 - 1.0 / (1.0 - p) ** 2
        return float(((f * slope) ** 2 / (f + 0.2) - f * bend) * p * (1.0 - p))

    return float(integrate.quad(inside, 0, 1, epsabs=1e-12, epsrel=1e-11, limit=400)[0])


@cache
def asas() -> Any:
    historical = BinomialData.of(
        np.array([1, 35, 31, 10, 56, 55, 28, 21, 35]) + 0.0,
        np.array([6, 122, 104, 23, 153, 117, 76, 74, 87]) + 0.0,
    )
    return meta_analytic_binomial(historical, BetweenTrials(1.0))


def enumerated_size() -> float:
    """Size of the robust mixture at 8 per arm, drift 0.2, by the general decision function."""
    historical = BinomialData.of(30, 100)
    borrow = borrowing_methods(historical)["robust mixture, 0.5"]
    flat, n = BetaMixture.of((1.0, 1.0, 1.0)), 8.0
    rule, total = Decision((0.975,), (0.0,)), 0.0
    for x in range(9):
        for y in range(9):
            treated = posterior(flat, BinomialData.of(x, n))
            if succeeds(rule, treated, borrow(BinomialData.of(y, n))):
                total += stats.binom.pmf(x, 8, 0.5) * stats.binom.pmf(y, 8, 0.5)
    return float(total)


def priors() -> list[Comparison]:
    flat, historical = BetaMixture.of((1.0, 1.0, 1.0)), BinomialData.of(20, 100)
    quad = "scipy 1.17.1, integrate.quad"
    three_trials = NormalData.of(np.array([-50.0, -45.0, -60.0]), np.array([8.0, 9.0, 7.0]))
    printed = BetaMixture.of((0.63, 42.5, 77.2), (0.37, 7.2, 12.4))
    beta = BetaMixture.of((0.8, 10.0, 2.0), (0.2, 1.0, 1.0))
    now = BinomialData.of(10, 20)
    borderline = stats.fisher_exact([[7, 13], [20, 80]])[1]

    def power_mean() -> float:
        return float(posterior(normalised_power_prior(flat, historical), now).mean())

    def flips() -> float:
        data = BinomialData.of(7, 20)
        levels = (borderline - 1e-9, borderline + 1e-9)
        return float(sum(bool(alike(data, historical, level)) for level in levels))

    def drift() -> float:
        table = size_against_drift(BinomialData.of(30, 100), patients=(8,), drifts=(0.2,))
        return float(table.size[table.methods.index("robust mixture, 0.5"), 0, 0])

    map_sd = quad_normal_map()
    return [
        Comparison("normalised power prior", "20 of 100, then 10 of 20: mean", quad,
                   quad_normalised_power(), power_mean, 1e-9),
        Comparison("MAP prior, normal", "three trials, half-normal: sd", quad, map_sd,
                   lambda: float(meta_analytic_normal(
                       three_trials, BetweenTrials(10.0)).sd()), 1e-9, True),
        Comparison("MAP prior, binomial", "nine trials of ASAS20: mean", SAMPRIOR + " (MCMC)", 0.36,
                   lambda: float(asas().exact_mean), 0.005),
        Comparison("MAP prior, binomial", "nine trials of ASAS20: mixture's P(below 0.3)",
                   SAMPRIOR + " (its mixture, MCMC)", float(printed.below(0.3)),
                   lambda: float(asas().mixture.below(0.3)), 0.02),
        Comparison("SAM prior", "10 of 35, difference 0.2: weight", SAMPRIOR + " (mixture rounded)",
                   0.7900602,
                   lambda: float(self_adapting_weight(
                       printed, BinomialData.of(10, 35), 0.2)), 1e-3),
        Comparison("SAM prior", "12 of 60, Beta(40, 60), 0.15: weight", "scipy 1.17.1, stats.binom",
                   float(1 / (1 + stats.binom.pmf(12, 60, 0.25) / stats.binom.pmf(12, 60, 0.4))),
                   lambda: float(self_adapting_weight(
                       BetaMixture.of((1.0, 40.0, 60.0)), BinomialData.of(12, 60), 0.15)), 1e-12),
        Comparison("effective size (ELIR)", "Beta(5, 15)", "closed form", 20.0,
                   lambda: effective_size(BetaMixture.of((1.0, 5.0, 15.0))), 1e-9),
        Comparison("effective size (ELIR)", "Gamma(5, 3)", "closed form", 3.0,
                   lambda: effective_size(GammaMixture.of((1.0, 5.0, 3.0))), 1e-9),
        Comparison("effective size (ELIR)", "N(1, 2^2), sd 4", "closed form", 4.0,
                   lambda: effective_size(NormalMixture.of((1.0, 1.0, 2.0)), sd=4.0), 1e-9),
        Comparison("effective size (ELIR)", "0.8 Beta(10, 2) + 0.2 Beta(1, 1)", quad, quad_elir(),
                   lambda: effective_size(beta), 1e-7),
        Comparison("test-then-pool", "Fisher's p is where the decision turns",
                   "scipy 1.17.1, stats.fisher_exact", 1.0, flips, 0.0),
        Comparison("size against drift", "robust mixture, 8 per arm, drift 0.2",
                   "enumeration with the general decision", enumerated_size(), drift, 1e-10),
    ]  # fmt: skip


def comparisons() -> list[Comparison]:
    return [*fits(), *priors()]
