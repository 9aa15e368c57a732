"""Simulated trials: examples and tests of lrstat, gsDesign, simtrial and rpact."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from scipy.special import ndtri

from raresim.analysis.sequential import exit_probabilities
from raresim.analysis.sizing import Accrual, Hazard, SurvivalTrial
from raresim.analysis.sizing.log_rank_score import score
from raresim.analysis.survival import FlemingHarrington
from tests.oracle.simulated_trials import (
    Cohort,
    Floats,
    Z,
    apart,
    cohort,
    proportions_z,
    rejected,
    simulated,
)
from tests.oracle.validation.comparison import Comparison

LRSTAT = "R lrstat, vignettes/"
LRSTAT_TRIALS = 2_000


def farrington_manning() -> Iterator[Comparison]:
    """Compare the powers that gsDesign simulates (simBinomial)."""
    designs: list[tuple[tuple[float, float], tuple[int, int], float, str, float, float]] = [
        ((0.05, 0.4), (80, 80), 0.2, "risk difference", 0.05, 0.813),
        ((0.1, 0.1), (42, 63), -0.2, "risk difference", 0.05, 0.916),
        ((0.05, 0.25), (260, 173), 0.1, "risk difference", 0.05, 0.906),
        ((0.1, 0.15), (1351, 901), 1.1, "odds ratio", 0.025, 0.8056),
        ((0.05, 0.25), (201, 134), 2.0, "risk ratio", 0.05, 0.9078),
    ]
    for k, (rates_, sizes, margin, measure, alpha, power) in enumerate(designs):
        trials = 2_000 if sizes[0] > 1000 else 5_000

        def got(
            k: int = k, p: Any = rates_, n: Any = sizes, null: float = margin,
            of: str = measure, alpha: float = alpha, trials: int = trials,
        ) -> float:  # fmt: skip
            events = np.random.default_rng(20 + k).binomial(n, p, size=(trials, 2))
            return float(np.mean(proportions_z(events, n, null, of) > -ndtri(alpha)))

        item = f"{rates_[1]} against {rates_[0]}, {measure} {margin}: rejected"
        source = "R gsDesign, tests/testthat (test.simBinomial.misc), 100,000 simulations"
        yield simulated(
            "simulated test of two rates", item, source, power, got, 100_000, trials,
            printed=0.0005,
        )  # fmt: skip


def shares_by_a_year() -> float:
    treated, control = Hazard.share(0.2, 12.0), Hazard.share(0.4, 12.0)
    return rejected(cohort(40, LRSTAT_TRIALS, 200, control, treated, Hazard((200 / 12,))), 40)


MONTHLY = Hazard((0.95 / 12.0,))


@cache
def fixed_follow_up(n: int, ratio: float, trials: int) -> Cohort:
    """Draw 3:1, 5 a month, 26 weeks of follow-up, 10 % lost in 2 years."""
    return cohort(
        41 + n, trials, n, MONTHLY, MONTHLY.times(ratio), Hazard((5.0,)), block=(1, 1, 1, 0),
        lost=Hazard.share(0.1, 24.0), longest=6.5,
    )  # fmt: skip


PLANNED, CRITICAL, FUTILITY = (16, 24, 32), (6.0, 2.34, 2.012), 0.282


@cache
def last_bound(done: tuple[int, ...]) -> float:
    """Return the last critical value that spends what is left of the level."""
    from scipy.optimize import brentq

    def spent(events: tuple[int, ...], last: float) -> float:
        upper = (*CRITICAL[: len(events) - 1], last)
        return float(np.sum(exit_probabilities(events, upper, None, 0.0).upper))

    level = spent(PLANNED, CRITICAL[2])
    return float(brentq(lambda c: spent(done, c) - level, 0.5, 4.0))


@cache
def lrstat_looks(ratio: float) -> tuple[float, float]:
    """Return rejections and stops for futility of group_sequential_simulation."""
    drawn = fixed_follow_up(160, ratio, LRSTAT_TRIALS)
    total = np.count_nonzero(drawn.event, axis=1)
    z = [drawn.z(drawn.date_of(d)) for d in PLANNED]  # of the end where events are too few
    futile = (z[0] < FUTILITY) & (total >= PLANNED[0])
    early = ~futile & (total >= PLANNED[1]) & (z[1] > CRITICAL[1])
    seen = np.minimum(total, PLANNED[2]).tolist()
    last = np.array([last_bound((*(d for d in PLANNED if d < n), n)) for n in seen])
    late = ~futile & ~early & (z[2] > last)
    return float(np.mean(early | late)), float(np.mean(futile))


PRIOR = (Hazard((0.25,)), Hazard((0.25, 0.125), (1.5,)), Hazard((25.0,)))


@cache
def max_combo_power() -> float:
    """Return the power of a log-rank test at 50 events, then FH(0,0) and FH(0,1) at 100."""
    from scipy.optimize import brentq
    from scipy.stats import multivariate_normal

    spread = np.array([[1.0, 0.748, 0.370], [0.748, 1.0, 0.861], [0.370, 0.861, 1.0]])
    normal = multivariate_normal(np.zeros(3), spread, seed=1)
    last = brentq(lambda u: normal.cdf([2.968, u, u]) - 0.975, 1.0, 3.0, xtol=1e-4)
    drawn = cohort(50, LRSTAT_TRIALS, 100, *PRIOR)
    first, end = drawn.date_of(50), drawn.date_of(100)
    largest = np.maximum(drawn.z(end), drawn.z(end, FlemingHarrington(0.0, 1.0)))
    return float(np.mean((drawn.z(first) > 2.968) | (largest > last)))


def max_combo_moments() -> Iterator[Comparison]:
    """Compare the limits of means and correlations with lrstat's."""

    def at(time: float, gamma: float) -> Any:
        planned = SurvivalTrial(PRIOR[0], PRIOR[1], Accrual((4.0,)), time)
        return score(planned, (0.0, gamma))

    def mean(time: float, gamma: float) -> float:
        found = at(time, gamma)
        return -found.mean / math.sqrt(found.variance) * 10.0

    def correlation(shared: Any, one: Any, other: Any) -> float:
        return float(at(*shared).variance / math.sqrt(at(*one).variance * at(*other).variance))

    first, last = 5.363, 50.324
    rows: list[tuple[str, float, Callable[[], float]]] = [
        ("mean of FH(0,0) at 50 events", 0.900, lambda: mean(first, 0.0)),
        ("mean of FH(0,0) at the end", 2.234, lambda: mean(last, 0.0)),
        ("mean of FH(0,1) at the end", 2.662, lambda: mean(last, 1.0)),
        (
            "correlation of FH(0,0) at both",
            0.748,
            lambda: correlation((first, 0.0), (first, 0.0), (last, 0.0)),
        ),
        (
            "correlation of FH(0,0) at 50 events, FH(0,1) at the end",
            0.370,
            lambda: correlation((first, 0.5), (first, 0.0), (last, 1.0)),
        ),
        (
            "correlation of FH(0,0) and FH(0,1) at the end",
            0.861,
            lambda: correlation((last, 0.5), (last, 0.0), (last, 1.0)),
        ),
    ]
    for item, expected, got in rows:
        source = f"{LRSTAT}maxcombo.Rmd (3 decimals)"
        yield Comparison("weighted log-rank test, limits", item, source, expected, got, 1.01e-3)


def lrstat() -> Iterator[Comparison]:
    method = "simulated log-rank test"
    follow, looks = f"{LRSTAT}fixed_follow-up.Rmd", f"{LRSTAT}group_sequential_simulation.Rmd"
    yield simulated(
        method, "20 % against 40 % by month 12, 200 patients, 40 events: rejected",
        f"{LRSTAT}direct_approximation_vs_schoenfeld.Rmd, 10,000 simulations", 0.7224,
        shares_by_a_year, 10_000, LRSTAT_TRIALS,
    )  # fmt: skip
    for n, events, power in ((196, 39, 0.9502), (126, 26, 0.8361), (156, 32, 0.8984)):
        got = lambda n=n, d=events: rejected(fixed_follow_up(n, 0.3, LRSTAT_TRIALS), d)  # noqa: E731
        item = f"3:1, hazard ratio 0.3, {n} patients, {events} events: rejected"
        yield simulated(
            method, item, f"{follow}, 10,000 simulations", power, got, 10_000, LRSTAT_TRIALS
        )
    # the vignettes print whole per cents of 1,000 simulations
    for item, share, ratio, which in (
        ("rejected at hazard ratio 0.3", 0.90, 0.3, 0),
        ("stopped for futility at hazard ratio 1", 0.62, 1.0, 1),
    ):
        got = lambda r=ratio, k=which: lrstat_looks(r)[k]  # noqa: E731
        yield simulated(
            "simulated log-rank test with looks", f"3:1, 160 patients, 3 looks: {item}",
            f"{looks}, 1,000 simulations", share, got, 1_000, LRSTAT_TRIALS, printed=0.005,
        )  # fmt: skip
    yield simulated(
        "simulated MaxCombo test", "hazard halves from 1.5 months on, 100 patients: rejected",
        f"Prior 2020, in {LRSTAT}maxcombo.Rmd, 1,000 simulations", 0.73, max_combo_power, 1_000,
        LRSTAT_TRIALS, printed=0.005,
    )  # fmt: skip


@cache
def double_programmed() -> Cohort:
    control = Hazard.median(7.0)
    return cohort(
        60, 2_000, 434, control, control.times(0.65), Hazard((5.0, 47.0), (2.0,)),
        block=(0, 1, 0, 1), lost=Hazard.share(0.05, 12.0),
    )  # fmt: skip


def simtrial() -> Iterator[Comparison]:
    source = "R simtrial, test-double_programming_sim_fixed_n.R, 100 simulations"
    item, method = "434 patients, hazard ratio 0.65", "simulated log-rank test"
    planned = lambda: float(  # noqa: E731
        np.mean(double_programmed().z(np.full(2_000, 18.0)) > 1.96)
    )
    events = lambda: rejected(double_programmed(), 227)  # noqa: E731
    yield simulated(
        method, f"{item}, 227 events: rejected", source, 0.93, events, 100, 2_000, printed=0.005
    )
    yield simulated(
        method, f"{item}, at 18 months: rejected", source, 0.94, planned, 100, 2_000, printed=0.005
    )


def rpact_own_test() -> Iterator[Comparison]:
    """Compare configuration 1 of rpact's tests of getSimulationSurvival, harm of the treated."""
    source = "R rpact, test-f_simulation_base_survival.R, configuration 1"
    control, each = Hazard.share(0.2, 12.0), 200.0 / 2.1
    accrual = Hazard((0.1 * each, 0.2 * each), (3.0,))
    known = zip(
        (0.2, 0.3, 0.4, 0.5),
        (1.0, 1.5984103, 2.2892242, 3.1062837),
        (0.01, 0.41, 0.81, 1.0),
        (22.223223, 18.818775, 16.321595, 14.790808),
        strict=True,
    )

    @cache
    def dates(share: float) -> tuple[Floats, Floats]:
        drawn = cohort(
            70, 2_000, 200, control, Hazard.share(share, 12.0), accrual, block=(1, 0), regular=True
        )
        date = drawn.date_of(50)
        return date, drawn.z(date)

    for share, ratio, power, time in known:
        text = f"{share} against 0.2 by month 12, 200 patients, 50 events"
        got = lambda s=share: Hazard.share(s, 12.0).rates[0] / control.rates[0]  # noqa: E731
        yield Comparison("log-rank test, power and time", f"{text}: hazard ratio", source, ratio,
                         got, 1e-7)  # fmt: skip
        more = lambda s=share: float(np.mean(dates(s)[1] < -Z))  # noqa: E731
        yield simulated(
            "simulated log-rank test", f"{text}: rejected", f"{source}, 100 simulations", power,
            more, 100, 2_000,
        )  # fmt: skip
        late = lambda s=share, t=time: apart(dates(s)[0], t, 100)  # noqa: E731
        yield Comparison(
            "simulated log-rank test", f"{text}: time of analysis, standard errors apart",
            f"{source}, 100 simulations", 0.0, late, 4.0,
        )  # fmt: skip


def anchors() -> Iterator[Comparison]:
    """Compare the two workloads on which simtrial, lrstat, rpact and others agree."""
    control = Hazard((math.log(2) / 9, math.log(2) / 18), (3.0,))
    treated = Hazard((0.9 * math.log(2) / 9, 0.6 * math.log(2) / 18), (3.0,))
    for name, n, events, power, theirs, trials in (
        ("W2", 500, 350, 0.956, 10_000, 1_000),
        ("W3", 40, 24, 0.147, 100_000, 10_000),
    ):
        got = lambda n=n, d=events, b=trials: rejected(  # noqa: E731
            cohort(80, b, n, control, treated, Hazard((n / 14.0,)), lost=Hazard((0.001,))), d
        )
        yield simulated(
            "simulated log-rank test", f"{name}, {n} patients, {events} events: rejected",
            f"reference/speed.md, six programs, {theirs:,} simulations", power, got, theirs, trials,
            printed=0.0005,
        )  # fmt: skip


def comparisons() -> list[Comparison]:
    parts = (
        farrington_manning, max_combo_moments, lrstat, simtrial, rpact_own_test, anchors,
    )  # fmt: skip
    return [each for part in parts for each in part()]
