"""Binary and ordered outcomes: rows alone, symmetries, degenerate tables, exact enumeration."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.analysis import Note, binary
from raresim.analysis.binary import SimonDesign, batch
from raresim.errors import InputError

Table = dict[str, np.ndarray]
DESIGN = SimonDesign(stop=1, first=5, fail=3, total=12)


@dataclass(frozen=True)
class Method:
    name: str
    columns: tuple[str, ...]
    kernel: Callable[..., Any]
    options: tuple[tuple[str, Any], ...] = ()

    def fit(self, table: Table) -> Any:
        return self.kernel(*(table[name] for name in self.columns), **dict(self.options))


PLAIN = ("outcome", "arm", "present")
STRATA = (*PLAIN, "stratum")
MODEL = ("outcome", "covariates", "arm", "present")
ONE = ("outcome", "present")
METHODS = [
    Method("fisher", PLAIN, batch.fisher_exact),
    Method("mid-p", PLAIN, batch.fisher_mid_p),
    Method("barnard", PLAIN, batch.barnard),
    Method("barnard unpooled", PLAIN, batch.barnard, (("variance", "unpooled"),)),
    Method("boschloo", PLAIN, batch.boschloo),
    Method("mn", PLAIN, batch.miettinen_nurminen),
    Method("mn ratio", PLAIN, batch.miettinen_nurminen, (("measure", "risk ratio"),)),
    Method("mn odds", PLAIN, batch.miettinen_nurminen, (("measure", "odds ratio"),)),
    Method("lnor", PLAIN, batch.miettinen_nurminen, (("measure", "log odds ratio"),)),
    Method("fm", PLAIN, batch.farrington_manning, (("margin", -0.1),)),
    Method("newcombe", PLAIN, batch.newcombe),
    Method("newcombe corrected", PLAIN, batch.newcombe, (("correction", True),)),
    Method("cmh", STRATA, batch.cochran_mantel_haenszel),
    Method("exact cmh", STRATA, batch.cochran_mantel_haenszel_exact),
    Method("mh difference", STRATA, batch.mantel_haenszel_risk_difference),
    Method("stratified mn", STRATA, batch.stratified_miettinen_nurminen),
    Method("logistic", MODEL, batch.logistic),
    Method("firth", MODEL, batch.firth),
    Method("standardised", MODEL, batch.standardised_risk_difference),
    Method(
        "standardised model", MODEL, batch.standardised_risk_difference, (("variance", "model"),)
    ),
    Method("standardised ye", MODEL, batch.standardised_risk_difference, (("variance", "ye"),)),
    Method("ordered", ("grade", "covariates", "arm", "present"), batch.proportional_odds),
    Method("ordered score", ("grade", "arm", "present"), batch.proportional_odds_score),
    Method("goals", ("goals", "covariates", "arm", "present"), batch.goal_attainment),
    Method("binomial", ONE, batch.binomial_test, (("goal", 0.3),)),
    Method("simon", ONE, batch.simon_analysis, (("design", DESIGN), ("goal", 0.2))),
]
TWO_ARMS = METHODS[:24]
names = {"ids": lambda method: method.name}


def draw(seed: int, replicates: int, patients: int, chance: float) -> Table:
    rng = np.random.default_rng(seed)
    shape = (replicates, patients)

    def some_missing(values: np.ndarray) -> np.ndarray:
        return np.where(rng.random(values.shape) < 0.04, np.nan, values)

    return {
        "outcome": some_missing((rng.random(shape) < chance).astype(float)),
        "grade": some_missing(rng.integers(0, 4, shape).astype(float)),
        "goals": some_missing(rng.integers(-2, 3, (*shape, 3)).astype(float)),
        "covariates": some_missing(rng.normal(50.0, 10.0, (*shape, 2))),
        "arm": rng.integers(0, 2, shape),
        "stratum": rng.integers(0, 3, shape),
        "present": rng.random(shape) < 0.9,
    }


tables = st.builds(
    draw,
    seed=st.integers(0, 2**32 - 1),
    replicates=st.integers(1, 4),
    patients=st.integers(1, 36),
    chance=st.sampled_from([0.1, 0.4, 0.8]),
)


def bits(results: Any, b: int) -> list[object]:
    found: list[object] = []
    for name, value in vars(results).items():
        if isinstance(value, np.ndarray):
            one = value[b]
            nan = isinstance(one, np.floating) and np.isnan(one)
            found.append((name, "nan" if nan else one.tobytes()))
    return found


def scattered(table: Table, b: int, seed: int) -> Table:
    """Row b with absent patients of arbitrary values strewn in between."""
    rng = np.random.default_rng(seed)
    number = table["arm"].shape[1]
    wide = number + int(rng.integers(1, 30))
    place = np.sort(rng.choice(wide, number, replace=False))
    padded = draw(seed, 1, wide, 0.5)
    padded["present"][:] = False
    for name, values in table.items():
        padded[name][0, place] = values[b]
    return padded


@pytest.mark.parametrize("method", METHODS, **names)
@settings(max_examples=6, deadline=None)
@given(table=tables, seed=st.integers(0, 2**32 - 1))
def test_a_row_of_a_batch_is_that_row_alone(method: Method, table: Table, seed: int) -> None:
    together = method.fit(table)
    for b in range(len(together)):
        here = bits(together, b)
        alone = {name: values[b : b + 1] for name, values in table.items()}
        assert bits(method.fit(alone), 0) == here
        assert bits(method.fit(scattered(table, b, seed)), 0) == here


WITHOUT_INTERVAL = ("barnard", "barnard unpooled", "boschloo")


@pytest.mark.parametrize("method", METHODS, **names)
@settings(max_examples=6, deadline=None)
@given(table=tables)
def test_no_answer_is_flagged_and_every_answer_has_p_in_range(method: Method, table: Table) -> None:
    results = method.fit(table)
    assert np.all(results.notes[~results.converged] > 0)
    for b in range(len(results)):
        single = results.row(b)
        assert isinstance(repr(single), str)
        if not single.converged:
            assert np.isnan(single.estimate)
            assert single.notes
            continue
        assert np.isnan(single.estimate) <= (Note.CONSTANT_OUTCOME.sentences()[0] in single.notes)
        for name in ("p", "p_less", "p_greater"):
            if hasattr(single, name):
                assert 0.0 <= getattr(single, name) <= 1.0
        if method.name in WITHOUT_INTERVAL:
            assert np.isnan(single.ci_low) and np.isnan(single.ci_high)
        elif not np.isnan(single.estimate):
            assert single.ci_low <= single.estimate * (1.0 + 1e-9) + 1e-9
            assert single.estimate <= single.ci_high * (1.0 + 1e-9) + 1e-9


@pytest.mark.parametrize("method", TWO_ARMS, **names)
@settings(max_examples=6, deadline=None)
@given(table=tables)
def test_exchanging_the_arms_turns_the_comparison_round(method: Method, table: Table) -> None:
    if method.name == "fm":
        method = Method("fm", PLAIN, batch.farrington_manning, (("margin", 0.0),))
    a, b = method.fit(table), method.fit(dict(table, arm=1 - table["arm"]))
    np.testing.assert_array_equal(a.converged, b.converged)
    np.testing.assert_array_equal(a.notes, b.notes)
    if hasattr(a, "p"):
        np.testing.assert_allclose(a.p, b.p, rtol=1e-6, atol=1e-9)
    if hasattr(a, "p_less"):
        np.testing.assert_allclose(a.p_less, b.p_greater, rtol=1e-6, atol=1e-9)
    difference = not hasattr(a, "p_less") or a.measure in (
        "risk difference",
        "log odds ratio",
        "common risk difference",
    )
    if method.name == "stratified mn":
        return  # its weights take the control's variance as the measure
    if difference:
        np.testing.assert_allclose(a.estimate, -b.estimate, rtol=1e-6, atol=1e-7)
    else:
        with np.errstate(divide="ignore"):
            np.testing.assert_allclose(a.estimate, 1.0 / b.estimate, rtol=1e-7)
            np.testing.assert_allclose(a.ci_low, 1.0 / b.ci_high, rtol=1e-6)


def counted(x0: int, n0: int, x1: int, n1: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    outcome = np.array([[1.0] * x0 + [0.0] * (n0 - x0) + [1.0] * x1 + [0.0] * (n1 - x1)])
    return outcome, np.array([[0] * n0 + [1] * n1]), np.ones((1, n0 + n1), dtype=bool)


@pytest.mark.parametrize("table", [(9, 10, 3, 20), (7, 12, 8, 15), (0, 10, 4, 20)])
@pytest.mark.parametrize("pooled", [True, False])
def test_barnard_counts_exact_ties(table: tuple[int, int, int, int], pooled: bool) -> None:
    """In fractions, where scipy 1.17.1 loses tables of the same z squared to rounding."""
    x0, n0, x1, n1 = table

    def square(a: int, b: int) -> Fraction:
        p0, p1 = Fraction(a, n0), Fraction(b, n1)
        p = Fraction(a + b, n0 + n1)
        v = p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0
        if pooled:
            v = p * (1 - p) * (Fraction(1, n0) + Fraction(1, n1))
        if p0 == p1:
            return Fraction(0)
        return (p1 - p0) ** 2 / v if v else Fraction(10**9)

    pi = np.linspace(0.0, 1.0, 40_001)
    total = np.zeros_like(pi)
    for a in range(n0 + 1):
        for b in range(n1 + 1):
            if square(a, b) >= square(x0, x1):
                total += comb(n0, a) * comb(n1, b) * pi ** (a + b) * (1 - pi) ** (n0 + n1 - a - b)
    found = batch.barnard(*counted(*table), variance="pooled" if pooled else "unpooled")
    np.testing.assert_allclose(found.p[0], total.max(), atol=1e-8)


@settings(max_examples=20, deadline=None)
@given(n0=st.integers(2, 15), n1=st.integers(2, 15), a=st.floats(0, 1), b=st.floats(0, 1))
def test_boschloo_is_never_above_fisher_and_one_stratum_is_fisher(
    n0: int, n1: int, a: float, b: float
) -> None:
    data = counted(round(a * n0), n0, round(b * n1), n1)
    fisher, boschloo = batch.fisher_exact(*data), batch.boschloo(*data)
    assert boschloo.p_less[0] <= fisher.p_less[0] + 1e-12
    assert boschloo.p_greater[0] <= fisher.p_greater[0] + 1e-12
    if not fisher.notes[0] & Note.CONSTANT_OUTCOME:
        stratified = batch.cochran_mantel_haenszel_exact(*data)
        for name in ("estimate", "ci_low", "ci_high", "p", "p_less", "p_greater"):
            assert getattr(stratified, name)[0] == getattr(fisher, name)[0]


@settings(max_examples=10, deadline=None)
@given(n0=st.integers(3, 20), n1=st.integers(3, 20), a=st.floats(0, 1), b=st.floats(0, 1))
def test_score_limits_are_where_the_test_just_rejects(n0: int, n1: int, a: float, b: float) -> None:
    data = counted(round(a * n0), n0, round(b * n1), n1)
    for measure in ("risk difference", "risk ratio", "odds ratio"):
        fit = batch.miettinen_nurminen(*data, measure=measure)
        for limit in (fit.ci_low[0], fit.ci_high[0]):
            edge = {"risk difference": (-1.0, 1.0)}.get(measure, (0.0, np.inf))
            if edge[0] + 1e-9 < limit < edge[1] - 1e-9:
                at = batch.miettinen_nurminen(*data, measure=measure, null=float(limit))
                np.testing.assert_allclose(at.p[0], 0.05, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(table=tables)
def test_two_categories_are_logistic_regression(table: Table) -> None:
    ordered = batch.proportional_odds(
        table["outcome"], table["covariates"], table["arm"], table["present"]
    )
    logistic = METHODS[16].fit(table)
    both = ordered.converged & logistic.converged
    np.testing.assert_allclose(ordered.estimate[both], logistic.estimate[both], rtol=1e-6)
    np.testing.assert_allclose(ordered.se[both], logistic.se[both], rtol=1e-6)


def test_separation_has_no_maximum_but_firth_answers() -> None:
    data = counted(0, 10, 6, 10)
    none = np.empty((1, 20, 0))
    plain = batch.logistic(data[0], none, *data[1:]).row(0)
    assert not plain.converged
    assert "firth" in " ".join(plain.notes)
    penalised = batch.firth(data[0], none, *data[1:]).row(0)
    assert penalised.converged
    assert np.isfinite([penalised.ci_low, penalised.ci_high, penalised.p]).all()
    np.testing.assert_allclose(penalised.estimate, np.log(6.5 / 4.5 * 10.5 / 0.5), rtol=1e-8)
    covariate = np.arange(20.0)[None, :, None]  # complete separation by a covariate
    order = np.array([[0.0] * 10 + [1.0] * 10])
    arm = np.array([[0, 1] * 10])
    assert "firth" in " ".join(batch.logistic(order, covariate, arm, data[2]).row(0).notes)


def profile_by_hand(outcome: np.ndarray, columns: np.ndarray) -> tuple[float, float, float]:
    """Give Firth's estimate, penalised likelihood ratio and its upper limit by scipy alone."""
    from scipy.optimize import brentq, minimize

    def value(beta: np.ndarray) -> float:
        logit = columns @ beta
        chance = 1.0 / (1.0 + np.exp(-logit))
        information = (columns * (chance * (1 - chance))[:, None]).T @ columns
        return float(
            outcome @ logit - np.logaddexp(0, logit).sum() + np.linalg.slogdet(information)[1] / 2
        )

    def best(fixed: float | None) -> tuple[float, np.ndarray]:
        k = columns.shape[1] - (fixed is not None)
        tail = [] if fixed is None else [fixed]
        start = np.zeros(k)
        for tolerance in (1e-10, 1e-14):
            found = minimize(
                lambda b: -value(np.append(b, tail)),
                start,
                method="Nelder-Mead",
                options={"xatol": tolerance, "fatol": tolerance, "maxiter": 20_000},
            )
            start = found.x
        return -found.fun, np.append(found.x, tail)

    top, at = best(None)
    limit = brentq(lambda b: best(b)[0] - top + 1.959963984540054**2 / 2, at[-1], at[-1] + 6.0)
    return float(at[-1]), 2 * (top - best(0.0)[0]), float(limit)


def test_firth_is_that_of_a_general_optimiser() -> None:
    rng = np.random.default_rng(3)
    covariate = rng.normal(size=(1, 24, 1))
    arm = np.array([[0, 1] * 12])
    outcome = (rng.random((1, 24)) < 0.3 + 0.3 * arm).astype(float)
    fit = batch.firth(outcome, covariate, arm, np.ones((1, 24), dtype=bool))
    columns = np.column_stack([np.ones(24), covariate[0, :, 0], arm[0]])
    estimate, ratio, limit = profile_by_hand(outcome[0], columns)
    np.testing.assert_allclose(fit.estimate[0], estimate, rtol=1e-6)
    np.testing.assert_allclose(fit.statistic[0] ** 2, ratio, rtol=1e-6)
    np.testing.assert_allclose(fit.ci_high[0], limit, rtol=1e-6)


def test_without_covariates_standardising_is_the_difference() -> None:
    data = counted(4, 12, 9, 14)
    none = np.empty((1, 26, 0))
    p0, p1 = 4 / 12, 9 / 14
    wald = np.sqrt(p0 * (1 - p0) / 12 + p1 * (1 - p1) / 14)
    for variance in ("model", "robust"):
        fit = batch.standardised_risk_difference(data[0], none, *data[1:], variance=variance)
        np.testing.assert_allclose([fit.estimate[0], fit.se[0]], [p1 - p0, wald], rtol=1e-9)
    ye = batch.standardised_risk_difference(data[0], none, *data[1:], variance="ye")
    unbiased = np.sqrt(p0 * (1 - p0) / 11 + p1 * (1 - p1) / 13)
    np.testing.assert_allclose(ye.se[0], unbiased, rtol=1e-9)


def test_simon_estimate_is_unbiased_and_its_p_has_the_size() -> None:
    for p in (0.1, 0.35, 0.7):
        mean = chance = size = 0.0
        later = DESIGN.total - DESIGN.first
        for x in range(DESIGN.first + 1):
            first = comb(DESIGN.first, x) * p**x * (1 - p) ** (DESIGN.first - x)
            for y in range(later + 1 if x > DESIGN.stop else 1):
                number = DESIGN.total if x > DESIGN.stop else DESIGN.first
                after = comb(later, y) * p**y * (1 - p) ** (later - y) if number > 5 else 1.0
                row = [1.0] * x + [0.0] * (5 - x) + ([1.0] * y + [0.0] * (later - y)) * (number > 5)
                fit = batch.simon_analysis(
                    np.array([row]), np.ones((1, number), dtype=bool), design=DESIGN, goal=p
                )
                mean += first * after * fit.estimate[0]
                size += first * after * (fit.p_greater[0] <= 0.05)
                chance += first * after
        np.testing.assert_allclose([mean, chance], [p, 1.0], rtol=1e-12)
        assert size <= 0.05 + 1e-12


DEGENERATE: dict[str, tuple[list[float], list[str]]] = {
    "one patient in each arm": ([1, 0], ["p", "a"]),
    "all the same": ([1] * 8, ["p", "a"] * 4),
    "no events": ([0] * 8, ["p", "a"] * 4),
    "separated": ([0, 1] * 4, ["p", "a"] * 4),
    "all missing": ([np.nan] * 8, ["p", "a"] * 4),
    "an arm missing": ([np.nan, 1] * 4, ["p", "a"] * 4),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_tables_answer_or_say_why(case: str) -> None:
    values, arm = DEGENERATE[case]
    data = pd.DataFrame({"y": values, "arm": arm, "x": np.arange(len(arm)), "s": 1})
    two = {"outcome": "y", "arm": "arm", "control": "p"}
    fits = [
        binary.fisher_exact(data, **two),
        binary.fisher_mid_p(data, **two),
        binary.barnard(data, **two),
        binary.boschloo(data, **two),
        binary.miettinen_nurminen(data, **two),
        binary.miettinen_nurminen(data, **two, measure="risk ratio"),
        binary.miettinen_nurminen(data, **two, measure="odds ratio"),
        binary.farrington_manning(data, **two, margin=-0.2),
        binary.newcombe(data, **two),
        binary.cochran_mantel_haenszel(data, **two, strata=["s"]),
        binary.cochran_mantel_haenszel_exact(data, **two, strata=["s"]),
        binary.mantel_haenszel_risk_difference(data, **two, strata=["s"]),
        binary.stratified_miettinen_nurminen(data, **two, strata=["s"]),
        binary.logistic(data, **two, covariates=["x"]),
        binary.firth(data, **two),
        binary.standardised_risk_difference(data, **two),
        binary.proportional_odds(data, **two),
        binary.proportional_odds_score(data, **two),
        binary.binomial_test(data, outcome="y", goal=0.2),
    ]
    for fit in fits:
        assert fit.converged or fit.notes, (case, fit.method)
        if np.isnan(fit.estimate) or np.isinf(fit.estimate):
            assert fit.notes, (case, fit.method)


def test_wrong_arguments_are_refused() -> None:
    data = pd.DataFrame({"y": [0, 1, 2, 1], "g": [1, 3, 0, 0], "arm": list("aapp")})
    two = {"arm": "arm", "control": "p"}
    wrong: list[Callable[[], Any]] = [
        lambda: binary.fisher_exact(data, outcome="y", **two),
        lambda: binary.fisher_exact(data, outcome="z", **two),
        lambda: binary.goal_attainment(data, goals=["g"], **two),
        lambda: binary.binomial_test(data, outcome="y", goal=1.0),
        lambda: SimonDesign(stop=4, first=3, fail=5, total=9),
        lambda: binary.simon_design(0.3, 0.1, alpha=0.05, beta=0.2),
        lambda: binary.simon_design(0.3, 0.35, alpha=0.05, beta=0.2, most=20),
        lambda: batch.barnard(*counted(1, 4, 2, 4), variance="other"),  # type: ignore[arg-type]
        lambda: batch.miettinen_nurminen(*counted(1, 4, 2, 4), null=1.0),
        lambda: batch.boschloo(*counted(1, 300, 2, 300)),
    ]
    for call in wrong:
        with pytest.raises(InputError):
            call()


@pytest.mark.parametrize(
    ("method", "note"),
    [
        (batch.logistic, Note.SEPARATION),
        (batch.standardised_risk_difference, Note.SEPARATION),
        (batch.proportional_odds, Note.MONOTONE_LIKELIHOOD),
    ],
)
def test_a_covariate_of_one_patient_separates(method: Callable[..., Any], note: Note) -> None:
    """A patient alone with a covariate has no odds; scaled, the rare covariate moves by little."""
    n = 60
    outcome, covariate = (np.arange(n) % 3 == 0) * 1.0, np.zeros((1, n, 1))
    covariate[0, 0] = 1.0
    fit = method(outcome[None], covariate, (np.arange(n) % 2)[None], np.ones((1, n), dtype=bool))
    assert not fit.converged[0]
    assert Note(int(fit.notes[0])) & note
