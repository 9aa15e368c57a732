"""Sample size and power: rpact, gsDesign, gsDesign2, lrstat, npsurvSS and others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from scipy.integrate import quad
from scipy.special import ndtr, ndtri

from raresim.analysis.sequential import boundaries
from raresim.analysis.sizing import (
    Accrual,
    Hazard,
    SurvivalTrial,
    accrual_needed,
    continuity_corrected_rates,
    crossover_means,
    exact_event_rates,
    expected_events,
    fisher_exact,
    log_rank,
    log_rank_events,
    one_mean,
    one_rate,
    one_rate_normal,
    rank_sum,
    sequential_size,
    spcd,
    survival_curves,
    time_of_events,
    two_event_rates,
    two_means,
    two_rates,
    win_odds,
    win_ratio,
    win_ratio_interval,
)
from raresim.analysis.sizing.answers import whole
from tests.oracle.validation.comparison import Comparison, oracle

RPACT, GSDESIGN, GSDESIGN2 = "R rpact 4.3.0", "R gsDesign 3.11.0.9003", "R gsDesign2 1.1.8"
RPACT_TESTS = "R rpact, tests of its own"
STATSMODELS = "statsmodels 0.15.0"
TWO_SIDED = {"alpha": 0.05, "sided": 2}
MONTH_12 = Hazard.median(12.0)
YEAR = Accrual((12.0,))

Row = tuple[str, str, float, Callable[[], float], float]


def listed(method: str, rows: Iterable[Row], *, shared: bool = False) -> list[Comparison]:
    """Rows of (item, reference, expected, got, tolerance); a negative tolerance is relative."""
    return [
        Comparison(method, item, reference, expected, got, abs(tolerance), tolerance < 0, shared)
        for item, reference, expected, got, tolerance in rows
    ]


def trial(hazard_ratio: float, accrual: float = 12.0, duration: float = 24.0, **more: Any) -> Any:
    """Exponential survival with median 12 in the controls."""
    treated = MONTH_12.times(hazard_ratio)
    return SurvivalTrial(MONTH_12, treated, Accrual((accrual,)), duration, **more)


def means() -> list[Comparison]:
    # rpact searches its n to about 3e-7 of it; the powers at ours are exact to 1e-13
    fixed = oracle("power.json").get("means_ss_fixed", {})
    calls: dict[str, Callable[[], float]] = {
        "d.5_t": lambda: two_means(0.5, 1.0, power=0.9).n,
        "d.5_z": lambda: two_means(0.5, 1.0, power=0.9, distribution="normal").n,
        "d1_t": lambda: two_means(1.0, 1.0, power=0.9).n,
        "d.8_t_p80": lambda: two_means(0.8, 1.0, power=0.8).n,
        "d.5_ratio2": lambda: two_means(0.5, 1.0, power=0.9, ratio=2.0).n,
        "d1_ratio3_p80": lambda: two_means(1.0, 1.0, power=0.8, ratio=3.0).n,
        "onegroup_d.5": lambda: one_mean(0.5, 1.0, power=0.9).n,
    }
    found = listed(
        "t-test, size",
        [
            (name, f"{RPACT}, getSampleSizeMeans", n, calls[name], -2e-6)
            for name, n in fixed.items()
        ],
        shared=True,
    )
    exact = oracle("power.json").get("means_power_t_exact")
    if exact:
        reference = "R 4.2.2, power.t.test"
        for k, n in enumerate(exact["n_per_group"]):
            one, two = exact["power_onesided025"][k], exact["power_twosided05_strict"][k]
            found += listed(
                "t-test, power",
                [
                    (f"d 0.8, {n} per arm, one-sided", reference, one, t_power(n, False), 1e-8),
                    (f"d 0.8, {n} per arm, both tails", reference, two, t_power(n, True), 1e-8),
                ],
                shared=True,
            )
    paired = oracle("power.json").get("means_paired_crossover_power", {"n": [], "power": []})
    for n, power in zip(paired["n"], paired["power"], strict=True):
        row = (f"d 0.6, {n} pairs", "R 4.2.2, power.t.test", power, paired_power(n), 1e-8)
        found += listed("paired t-test, power", [row], shared=True)
    return found + listed(
        "t-test, size and power",
        [
            (
                "d 0.8, power 90 %",
                "R rpact 4.5",
                67.651,
                lambda: two_means(0.8, 1, power=0.9).n,
                5e-4,
            ),
            (
                "d 0.5, power 90 %, two-sided, both tails",
                f"{STATSMODELS}, TTestIndPower",
                170.0625682314682,
                lambda: two_means(0.5, 1, power=0.9, far_tail=True, **TWO_SIDED).n,
                -1e-8,
            ),
            (
                "d 0.9, 8 and 16 patients, two-sided, both tails",
                f"{STATSMODELS}, TTestIndPower",
                0.5109788773107473,
                lambda: two_means(0.9, 1, n=24, ratio=2, far_tail=True, **TWO_SIDED).power,
                1e-10,
            ),
            (
                "d 0.6, one sample, power 80 %",
                f"{STATSMODELS}, TTestPower",
                23.794565275933582,
                lambda: one_mean(0.6, 1, power=0.8).n,
                -1e-8,
            ),
            (
                "d 0.4, 100 patients, normal, both tails",
                f"{STATSMODELS}, NormalIndPower",
                0.5160052739761747,
                lambda: (
                    two_means(
                        0.4, 1, n=100, distribution="normal", far_tail=True, **TWO_SIDED
                    ).power
                ),
                1e-10,
            ),
            (
                "cross-over: a t-test of twice the within-patient variance over n",
                "closed form: two_means of standard deviation sd sqrt(1/2)",
                0.5 / 0.6,
                lambda: (
                    math.sqrt(
                        two_means(0.5, 0.6 * math.sqrt(0.5), power=0.8).n
                        / crossover_means(0.5, 0.6, power=0.8).n
                    )
                    * 0.5
                    / 0.6
                ),
                1e-10,
            ),
            (
                "rank sum, superiority 0.7, power 90 %: by hand",
                "Noether 1987",
                (ndtri(0.975) + ndtri(0.9)) ** 2 / (3.0 * 0.04),
                lambda: rank_sum(0.7, power=0.9).n,
                -1e-12,
            ),
        ],
    )


def t_power(n: int, both: bool) -> Callable[[], float]:
    more = {"far_tail": True, **TWO_SIDED} if both else {}
    return lambda: two_means(0.8, 1.0, n=2 * n, **more).power


def paired_power(n: int) -> Callable[[], float]:
    return lambda: one_mean(0.6, 1.0, n=n, far_tail=True, **TWO_SIDED).power


def rates() -> list[Comparison]:
    farrington = f"{GSDESIGN}, nBinomial (Farrington and Manning 1990)"
    low, lower = {"power": 0.9, "alpha": 0.05, "ratio": 1.5}, {"power": 0.9, "alpha": 0.05}

    def ratio_of(arm: str) -> Callable[[], float]:
        plan = two_rates(0.25, 0.05, scale="ratio", null=2.0, ratio=2 / 3, **lower)
        return lambda: float(getattr(plan, arm))

    def odds_of(arm: str) -> Callable[[], float]:
        plan = two_rates(0.15, 0.1, scale="odds ratio", null=1.1, ratio=2 / 3, power=0.8)
        return lambda: float(getattr(plan, arm))

    return listed(
        "two rates, size",
        [
            (
                "0.6 against 0.2, power 80 %",
                "R rpact 4.5, getSampleSizeRates",
                44.660,
                lambda: two_rates(0.6, 0.2, power=0.8).n,
                5e-4,
            ),
            (
                "0.4 against 0.05, margin 0.2",
                farrington,
                159.6876,
                lambda: two_rates(0.4, 0.05, power=0.8, null=0.2, alpha=0.05).n,
                1e-4,
            ),
            (
                "0.1 against 0.1, margin -0.2, first arm",
                farrington,
                62.88,
                lambda: two_rates(0.1, 0.1, null=-0.2, **low).n_treated,
                5e-3,
            ),
            (
                "0.1 against 0.1, margin -0.2, second arm",
                farrington,
                41.92,
                lambda: two_rates(0.1, 0.1, null=-0.2, **low).n_control,
                5e-3,
            ),
            (
                "0.25 against 0.05, margin 0.1, second arm",
                farrington,
                259.8322,
                lambda: two_rates(0.25, 0.05, null=0.1, ratio=2 / 3, **lower).n_control,
                1e-4,
            ),
            (
                "0.25 against 0.05, margin 0.1, first arm",
                farrington,
                173.2214,
                lambda: two_rates(0.25, 0.05, null=0.1, ratio=2 / 3, **lower).n_treated,
                1e-4,
            ),
            (
                "0.25 against 0.05, ratio 2, first arm",
                farrington,
                133.9289,
                ratio_of("n_treated"),
                1e-4,
            ),
            (
                "0.25 against 0.05, ratio 2, second arm",
                farrington,
                200.8933,
                ratio_of("n_control"),
                1e-4,
            ),
            (
                "0.15 against 0.1, odds ratio",
                farrington,
                1355.84,
                lambda: two_rates(0.15, 0.1, power=0.8, scale="odds ratio").n,
                5e-3,
            ),
            (
                "0.15 against 0.1, odds ratio 1.1, first arm",
                farrington,
                900.57,
                odds_of("n_treated"),
                5e-3,
            ),
            (
                "0.15 against 0.1, odds ratio 1.1, second arm",
                farrington,
                1350.85,
                odds_of("n_control"),
                5e-3,
            ),
            (
                "0.5 against 0.3, power 80 %, one arm",
                f"{STATSMODELS}, samplesize_proportions_2indep_onetail",
                92.9988448275457,
                lambda: two_rates(0.5, 0.3, power=0.8).n_control,
                -1e-10,
            ),
            (
                "one rate 0.8 against 0.5, Wang-Tsiatis 0.3 at 0.2, 0.5, 1",
                f"{RPACT_TESTS} (over the inflation of its one-mean size)",
                26.111979 / 492.61495 * ((ndtri(0.975) + ndtri(0.9)) / 0.15) ** 2,
                lambda: one_rate_normal(0.8, 0.5, power=0.9).n,
                -1e-6,
            ),
        ],
    )


def exact_rates() -> list[Comparison]:
    east = "East 6.5 (gsDesign's test of nBinomial1Sample)"
    powers = {25: 0.57932569, 28: 0.6851126, 30: 0.74476675, 33: 0.81787426, 35: 0.72790831}
    rows: list[Row] = [
        (f"0.2 against 0.05, n = {n}", east, power, one_rate_power(n, 0.05, 0.2), 1e-8)
        for n, power in powers.items()
    ]
    found = listed("one rate, exact binomial, power", rows)
    for name, (p0, p1) in {"f20": (0.1, 0.35), "f30": (0.2, 0.45), "f40": (0.05, 0.2)}.items():
        answer = oracle("power.json").get("binom_exact_single_arm", {}).get(name)
        if answer:
            n, k, size, power = answer
            rows = [
                (f"n = {n:g}: critical number", "R 4.2.2, pbinom", k, critical(n, p0, p1), 0.0),
                (f"n = {n:g}: size", "R 4.2.2, pbinom", size, exact_size(n, p0, p1), 1e-8),
                (f"n = {n:g}: power", "R 4.2.2, pbinom", power, one_rate_power(n, p0, p1), 1e-8),
            ]
            found += listed("one rate, exact binomial", rows, shared=True)
    clinfun = "R clinfun, fe.ssize (its README)"
    # it gives 7 digits
    # 29.536017 patients with looks, over the inflation of the same design for one mean
    inflation = 492.61495 / ((ndtri(0.975) + ndtri(0.9)) / 0.15) ** 2
    found += listed(
        "one rate, exact binomial",
        [
            (
                f"{rate} against 0.5, power 90 %: n",
                RPACT_TESTS,
                round(29.536017 / inflation, 5),
                lambda rate=rate: one_rate(rate, 0.5, power=0.9).n,
                0.0,
            )
            for rate in (0.8, 0.2)
        ],
    )
    return found + listed(
        "Fisher's exact test",
        [
            ("0.8 against 0.2, power 80 %: n", clinfun, 24, lambda: fisher(power=0.8).n, 0.0),
            (
                "0.8 against 0.2, n = 24: power",
                clinfun,
                0.8115276,
                lambda: fisher(n=24).power,
                5e-8,
            ),
            (
                "0.8 against 0.2, n = 26: power",
                clinfun,
                0.8688275,
                lambda: fisher(n=26).power,
                5e-8,
            ),
            (
                "0.8 against 0.2, Casagrande-Pike-Smith: n",
                clinfun,
                26,
                lambda: continuity_corrected_rates(0.8, 0.2, power=0.8, **TWO_SIDED).patients,
                0.0,
            ),
        ],
    )


def fisher(**more: Any) -> Any:
    return fisher_exact(0.8, 0.2, **more, **TWO_SIDED)


def one_rate_power(n: float, null: float, rate: float) -> Callable[[], float]:
    return lambda: one_rate(rate, null, n=int(n)).power


def exact_size(n: float, null: float, rate: float) -> Callable[[], float]:
    return lambda: one_rate(rate, null, n=int(n)).size


def critical(n: float, null: float, rate: float) -> Callable[[], float]:
    return lambda: one_rate(rate, null, n=int(n)).critical[1]


def survival() -> list[Comparison]:
    found: list[Comparison] = []
    power, sizes = oracle("power.json"), f"{RPACT}, getSampleSizeSurvival"
    hazard = Hazard((0.05, 0.03, 0.02), (6.0, 12.0))
    rpact_trials = {
        "surv_ss_fixed_hr0.7_schoenfeld": (trial(0.7), 0.9),
        "surv_ss_fixed_hr0.5_alloc2": (trial(0.5, 24.0, 36.0, ratio=2.0), 0.8),
        "surv_ss_piecewise": (SurvivalTrial(hazard, hazard.times(0.6), YEAR, 24.0), 0.9),
    }
    for name, (planned, wanted) in rpact_trials.items():
        if name in power:
            rows: list[Row] = [
                (
                    f"{name}: events",
                    sizes,
                    power[name]["eventsFixed"],
                    events_of(planned, wanted),
                    -1e-9,
                ),
                (f"{name}: n", sizes, power[name]["nFixed"], n_of(planned, wanted), -1e-9),
            ]
            found += listed("log-rank test, Schoenfeld, size", rows, shared=True)
    for name, n, d in (
        ("surv_power_fixed_n100_ev70", 100, 70),
        ("surv_power_3look_n200_ev140", 200, 140),
    ):
        found += rpact_powers(name, n, d)
    return found + lachin_foulkes() + average_hazard_ratio() + quoted_survival()


def events_of(planned: SurvivalTrial, power: float) -> Callable[[], float]:
    return lambda: log_rank(planned, power=power).events


def n_of(planned: SurvivalTrial, power: float) -> Callable[[], float]:
    return lambda: log_rank(planned, power=power).n


def rpact_powers(name: str, n: int, events: int) -> list[Comparison]:
    answer = oracle("power.json").get(name)
    if answer is None:
        return []
    times = answer["analysisTime"]
    looks = times if isinstance(times[0], list) else [times]
    rows: list[Row] = []
    for k, look in enumerate(looks):
        d = events * (k + 1) / len(looks)
        for hr, time in zip(answer["hr"], look, strict=True):
            item = f"n = {n}, hazard ratio {hr}: time of event {d:g}"
            # rpact searches its times to about 1e-7
            rows.append((item, f"{RPACT}, getPowerSurvival", time, event_time(hr, n, d), -1e-6))
    if len(looks) == 1:
        for hr, power in zip(answer["hr"], answer["power"], strict=True):
            if hr != 1:
                item = f"{events} events, hazard ratio {hr}: power"
                rows.append(
                    (item, f"{RPACT}, getPowerSurvival", power, event_power(hr, events), 1e-9)
                )
    else:
        stops = [stage[0] for stage in answer["rejectPerStage"]][:-1]
        mean = answer["expectedEvents"][0]
        item = f"{events} events, hazard ratio {answer['hr'][0]}: expected events"
        information = [(k + 1) / len(looks) for k in range(len(looks))]
        got = lambda: sequential_size(events, 1.0, information, stops).expected  # noqa: E731
        rows.append((item, f"{RPACT}, getPowerSurvival", mean, got, -1e-6))
    return listed("log-rank test, power and time", rows, shared=True)


def event_time(hazard_ratio: float, n: float, events: float) -> Callable[[], float]:
    return lambda: time_of_events(trial(hazard_ratio), n, events)


def event_power(hazard_ratio: float, events: float) -> Callable[[], float]:
    return lambda: log_rank_events(hazard_ratio, events=events).power


def lachin_foulkes() -> list[Comparison]:
    answer = oracle("power.json").get("surv_gsDesign_nSurv")
    if answer is None:
        return []
    planned = trial(0.7, drop_out=Hazard((0.005,)))
    plan = log_rank(planned, power=0.9, method="lachin-foulkes")
    looks = oracle("power.json")["surv_gsDesign_gsSurv"]
    n = looks["eNC"][-1][0] + looks["eNE"][-1][0]
    reference = f"{GSDESIGN}, nSurv"
    rows: list[Row] = [
        ("hazard ratio 0.7: n", reference, answer["n"], lambda: plan.n, -1e-9),
        ("hazard ratio 0.7: events", reference, answer["d"], lambda: plan.events, -1e-9),
    ]
    for k, time in enumerate(looks["T"]):
        events = expected_events(planned.with_duration(time), n)
        for arm, key in enumerate(("eDC", "eDE")):
            item = f"look {k + 1}: events, {('control', 'treated')[arm]}"
            got = lambda found=events[arm]: found  # noqa: E731
            rows.append((item, f"{GSDESIGN}, gsSurv", looks[key][k][0], got, -1e-6))
    return listed("log-rank test, Lachin-Foulkes", rows, shared=True)


def average_hazard_ratio() -> list[Comparison]:
    answer = oracle("power.json").get("surv_gsDesign2_fixed_ahr_n")
    if answer is None:
        return []
    control = Hazard((math.log(2) / 9, math.log(2) / 18), (3.0,))
    enrolled = Accrual((2.0, 2.0, 10.0), (3.0, 6.0, 9.0))
    planned = SurvivalTrial(control, control.times(0.7), enrolled, 30.0, Hazard((0.001,)))
    plan = log_rank(planned, power=0.9, method="average hazard ratio")
    rows: list[Row] = [
        ("n", f"{GSDESIGN2}, fixed_design_ahr", answer["n"], lambda: plan.n, -1e-9),
        ("events", f"{GSDESIGN2}, fixed_design_ahr", answer["event"], lambda: plan.events, -1e-9),
    ]
    looks = oracle("power.json")["surv_gsDesign2_power_ahr_n~126"]["analysis"]
    for time, events, information in zip(looks["time"], looks["event"], looks["info"], strict=True):
        # gsDesign2 searches its times until the events are right to 1e-6 or so
        got = lambda d=events: time_of_events(planned, 108.0, d)  # noqa: E731
        rows.append((f"time of event {events:.0f}", f"{GSDESIGN2}, gs_power_ahr", time, got, -1e-6))
        at = planned.with_duration(time)
        rows.append(
            (
                f"information at event {events:.0f}",
                f"{GSDESIGN2}, gs_power_ahr",
                information,
                lambda at=at: ahr_information(at, 108.0),
                -1e-6,
            )
        )
    return listed("average hazard ratio", rows, shared=True)


def ahr_information(planned: SurvivalTrial, n: float) -> float:
    from raresim.analysis.sizing.log_rank_score import average_hazard_ratio as of

    return n * of(planned)[1]


def quoted_survival() -> list[Comparison]:
    lrstat = "R lrstat, vignettes (direct_approximation_vs_schoenfeld, fixed_follow-up)"
    shares = SurvivalTrial(Hazard.share(0.4, 12), Hazard.share(0.2, 12), YEAR, 13.63)
    monthly = 0.95 / 12
    fixed = SurvivalTrial(
        Hazard((monthly,)),
        Hazard((0.3 * monthly,)),
        Accrual((1.0,), (5.0,)),
        7.5,
        drop_out=Hazard.share(0.1, 24),
        longest=6.5,
        ratio=3.0,
    )
    _, direct = accrual_needed(fixed, 6.5, 0.9, method="direct")
    nsurv = f"{GSDESIGN}, its test of nSurv against East 6.5"
    slow = SurvivalTrial(Hazard.median(10), Hazard.median(20), YEAR, 42.0)
    npsurv = SurvivalTrial(Hazard((0.05,)), Hazard((0.03,)), Accrual((6.0,)), 18.0)
    rows: list[Row] = [
        ("hazard ratio 0.5, power 90 %: events", RPACT, 87.479, events_of(trial(0.5), 0.9), 5e-4),
        ("hazard ratio 0.5, power 90 %: n", RPACT, 167.948, n_of(trial(0.5), 0.9), 5e-4),
        ("calendar time of event 40", lrstat, 13.63, lambda: time_of_events(shares, 200, 40), 5e-3),
        ("40 events: direct", lrstat, 0.714, direct_power(shares), 5e-4),
        (
            "40 events: Schoenfeld",
            lrstat,
            0.745,
            event_power(math.log(0.8) / math.log(0.6), 40),
            5e-4,
        ),
        ("3:1, hazard ratio 0.3: events, direct", lrstat, 26, lambda: whole(direct.events), 0.0),
        ("3:1, hazard ratio 0.3: n, direct", lrstat, 127, lambda: whole(direct.n), 0.0),
        (
            "3:1, hazard ratio 0.3: events, Schoenfeld",
            lrstat,
            38.7,
            lambda: log_rank_events(0.3, power=0.9, ratio=3.0).events,
            0.05,
        ),
        (
            "hazard ratio 0.5, n = 48: events",
            nsurv,
            39.02121789,
            lambda: log_rank(slow, n=48).events,
            1e-8,
        ),
        (
            "hazard ratio 0.5, n = 48: power",
            nsurv,
            0.58120457,
            lambda: log_rank(slow, n=48).power,
            1e-7,
        ),
        (
            # npsurvSS (a user's page) says 275.33133: R's integrate runs over the corner where
            # accrual ends; split there, scipy's quad gives ours
            "exponential 0.05 against 0.03, direct: n",
            "scipy 1.17.1, quad of the score's moments in two parts (npsurvSS: 275.3313)",
            275.3309121946142,
            lambda: log_rank(npsurv, power=0.8, method="direct").n,
            -1e-9,
        ),
        (
            "the same: events for each patient",
            "R npsurvSS, size_two_arm (a user's page)",
            122.16049 / 275.33133,
            lambda: log_rank(npsurv, n=1.0).events,
            1e-7,
        ),
        (
            "restricted mean at 12: n",
            "scipy 1.17.1, quad of Greenwood's variance",
            405.1282149898167,
            lambda: curves("restricted mean"),
            -1e-9,
        ),
        (
            "survival at 12: n",
            "scipy 1.17.1, quad of Greenwood's variance",
            335.5708970458436,
            lambda: curves("survival"),
            -1e-9,
        ),
    ]
    for pi, events, n in (
        (0.4, 58.52451, 197.78666),
        (0.5, 31.248898, 90.804254),
        (0.6, 20.120262, 51.314209),
    ):
        planned = SurvivalTrial(Hazard.share(0.2, 12), Hazard.share(pi, 12), YEAR, 18.0)
        plan = log_rank(planned, power=0.8, alpha=0.01)
        rows += [
            (
                f"{pi} against 0.2 by month 12: events",
                RPACT_TESTS,
                events,
                lambda d=plan.events: d,
                -1e-7,
            ),
            (f"{pi} against 0.2 by month 12: n", RPACT_TESTS, n, lambda m=plan.n: m, -1e-7),
        ]
    return listed("log-rank test, size and power", rows)


def direct_power(planned: SurvivalTrial) -> Callable[[], float]:
    return lambda: log_rank(planned, n=200, method="direct").power


def curves(measure: Any) -> float:
    planned = SurvivalTrial(
        Hazard((0.05,)), Hazard((0.03,)), Accrual((6.0,)), 18.0, Hazard((0.005,))
    )
    return survival_curves(planned, 12.0, power=0.8, measure=measure).n


def counts() -> list[Comparison]:
    answers = oracle("power.json").get("counts_ss_rpact", {})
    calls = {
        "poisson_1.4_theta.5": {"dispersion": 0.0},
        "nb_1.4_theta.5_phi1": {"dispersion": 1.0},
        "nb_alloc2": {"dispersion": 1.0, "ratio": 2.0},
    }
    plans = {name: two_event_rates(0.7, 1.4, power=0.9, **more) for name, more in calls.items()}
    plans["nb_theta.7_phi.5_t2"] = two_event_rates(
        0.56, 0.8, power=0.9, dispersion=0.5, exposure=2.0
    )
    rows: list[Row] = []
    for name, answer in answers.items():
        for arm, n in (("n1", plans[name].n_treated), ("n2", plans[name].n_control)):
            got = lambda found=n: whole(found)  # noqa: E731
            rows.append((f"{name}: {arm}", f"{RPACT}, getSampleSizeCounts", answer[arm], got, 0.0))
    found = listed("negative binomial rates, size", rows, shared=True)
    exact = oracle("power.json").get("poisson_conditional_exact_power")
    if exact:
        reference = "R 4.2.2, binom.test over all outcomes"
        for name, (treated, control, n) in {
            "n15_1v2": (1.0, 2.0, 30),
            "n20_.5v1": (0.5, 1.0, 40),
            "n20_size": (1.0, 1.0, 40),
        }.items():
            row = (name, reference, exact[name], conditional(treated, control, n), 1e-8)
            found += listed("Poisson rates, conditional exact power", [row], shared=True)
    return found + quoted_counts()


def conditional(treated: float, control: float, n: int) -> Callable[[], float]:
    return lambda: exact_event_rates(treated, control, n=n, **TWO_SIDED).power


def quoted_counts() -> list[Comparison]:
    pooled = 2.0 * 0.234 / 1.7
    more: dict[str, Any] = {"power": 0.95, "alpha": 0.01}
    nb: dict[str, Any] = {"n": 182, "dispersion": 1.0}
    power_of = f"{STATSMODELS}, power_negbin_ratio_2indep"

    def fixed(theta: float) -> Callable[[], float]:
        plan = two_event_rates(theta * 0.02, 0.02, dispersion=13.1, exposure=2.0, **more)
        return lambda: whole(plan.n_control)

    def spread(exposure: float | tuple[float, float]) -> Callable[[], float]:
        plan = two_event_rates(0.7 * pooled, pooled, dispersion=0.71, exposure=exposure, **more)
        return lambda: whole(plan.n_control)

    return listed(
        "negative binomial rates, size and power",
        [
            ("theta 0.7, exposure 1: one arm", RPACT_TESTS, 1270, spread(1.0), 0.0),
            ("theta 0.7, exposure 1 to 8: one arm", RPACT_TESTS, 443, spread((1.0, 8.0)), 0.0),
            ("theta 0.7, dispersion 13.1: one arm", RPACT_TESTS, 10775, fixed(0.7), 0.0),
            ("theta 0.8, dispersion 13.1: one arm", RPACT_TESTS, 26114, fixed(0.8), 0.0),
            (
                "0.7 against 1.4, Poisson, n = 100",
                f"{STATSMODELS}, power_poisson_ratio_2indep",
                0.9174702941392736,
                lambda: two_event_rates(0.7, 1.4, n=100).power,
                1e-10,
            ),
            (
                "0.7 against 1.4, n = 182, variance of the alternative",
                power_of,
                0.9012375915231905,
                lambda: two_event_rates(0.7, 1.4, **nb).power,
                1e-10,
            ),
            (
                "0.7 against 1.4, n = 182, score variance",
                power_of,
                0.9108148240688088,
                lambda: two_event_rates(0.7, 1.4, null_variance="likelihood", **nb).power,
                1e-10,
            ),
            (
                "0.7 against 1.4, null ratio 1.2, 91 and 182, score variance",
                power_of,
                0.9976809324256446,
                lambda: (
                    two_event_rates(
                        0.7,
                        1.4,
                        n=273,
                        ratio=0.5,
                        null=1.2,
                        dispersion=1.0,
                        null_variance="likelihood",
                    ).power
                ),
                1e-7,
            ),
        ],
    )


def with_looks() -> list[Comparison]:
    power, design = oracle("power.json"), oracle("gs_boundaries.json").get("rpact_asOF_k3_p90")
    if design is None:
        return []
    inflation, stops = design["inflationFactor"], design["rejectProb"][:-1]
    fixed = {
        "means_ss_3look": (two_means(0.5, 1.0, power=0.9).n, "maxN", "EN_H1"),
        "rates_ss_3look": (two_rates(0.6, 0.3, power=0.9).n, "maxN", "EN_H1"),
        "surv_ss_3look_hr0.7": (
            log_rank(trial(0.7), power=0.9).events,
            "maxNumberOfEvents",
            "expectedEventsH1",
        ),
    }
    rows: list[Row] = []
    for name, (size, largest, expected) in fixed.items():
        sizes = sequential_size(size, inflation, (1 / 3, 2 / 3, 1.0), stops)
        for key, got in ((largest, sizes.largest), (expected, sizes.expected)):
            found = lambda value=got: value  # noqa: E731
            rows.append((f"{name}: {key}", RPACT, power[name][key], found, -1e-6))
    rates_power = power["rates_power_2look_n100"]
    for p, reached in zip(rates_power["pi1"], rates_power["power"], strict=True):
        if p != 0.25:
            item = f"rate {p} against 0.25, n = 100, 2 looks: power"
            rows.append((item, f"{RPACT}, getPowerRates", reached, two_looks(p), 1e-6))
    return listed("sizes and powers with looks", rows, shared=True)


def two_looks(rate: float) -> Callable[[], float]:
    """Power of two looks whose drift is what the fixed trial's power stands for."""

    def got() -> float:
        drift = ndtri(0.975) + ndtri(two_rates(rate, 0.25, n=100).power)
        first, second = boundaries((0.5, 1.0), 1.0, 0.025)

        def onward(z: float) -> float:
            mean = math.sqrt(0.5) * z + math.sqrt(0.5) * math.sqrt(0.5) * drift
            here = math.exp(-0.5 * (z - math.sqrt(0.5) * drift) ** 2) / math.sqrt(2.0 * math.pi)
            return here * float(ndtr((mean - second) / math.sqrt(0.5)))

        go_on = quad(onward, -8.0, first, epsabs=1e-12)[0]
        return float(ndtr(math.sqrt(0.5) * drift - first)) + go_on

    return got


def others() -> list[Comparison]:
    wins, hce = "R WRestimates 0.1.0 (Yu and Ganju 2022)", "R hce (Gasparyan et al. 2021)"
    drug = "R SPCDAnalyze 0.1.0, SPCDPower"
    one = spcd((0.6, 0.3), (0.5, 0.3), n=150, drop_out=0.1, conventional="spcdanalyze")
    two = spcd((0.6, 0.4), (0.5, 0.25), n=100, conventional="spcdanalyze")
    sizes = spcd((0.6, 0.4), (0.5, 0.25), power=0.8, conventional="spcdanalyze").patients
    interval = win_ratio_interval(1.22, 1200, ties=0.04)
    return listed(
        "win ratio and win odds",
        [
            (
                "1.25, ties 10 %: n",
                wins,
                1376,
                lambda: whole(win_ratio(1.25, power=0.9, ties=0.1).n),
                0.0,
            ),
            (
                "1.5, ties 10 %: n",
                wins,
                417,
                lambda: whole(win_ratio(1.5, power=0.9, ties=0.1).n),
                0.0,
            ),
            (
                "1.25, n = 1000: power",
                wins,
                0.7892602,
                lambda: win_ratio(1.25, n=1000, ties=0.1).power,
                5e-8,
            ),
            (
                "2.5, n = 60: power",
                wins,
                0.7938834,
                lambda: win_ratio(2.5, n=60, ties=0.1).power,
                5e-8,
            ),
            # with z = 1.96, not its exact value
            ("1.22, n = 1200: lower limit", wins, 1.064866, lambda: interval[0], 5e-6),
            ("1.22, n = 1200: upper limit", wins, 1.397735, lambda: interval[1], 5e-6),
            (
                "win odds 1.2, n = 1000: power",
                hce,
                0.702,
                lambda: win_odds(1.2, n=1000).power,
                5e-4,
            ),
            ("win odds 1.25: n", hce, 1135, lambda: whole(win_odds(1.25, power=0.9).n), 0.0),
        ],
    ) + listed(
        # the package's conventional trial takes the drug's variance of stage 2 for the
        # placebo's of stage 1; ours does so only when asked
        "sequential parallel comparison design",
        [
            ("n = 150: power", drug, 0.9256103, lambda: one.power, 5e-8),
            ("n = 150: conventional power", drug, 0.9600764, lambda: one.conventional_power, 5e-8),
            ("n = 100: power", drug, 0.7002, lambda: two.power, 5e-5),
            ("n = 100: conventional power", drug, 0.5241, lambda: two.conventional_power, 5e-5),
            ("power 80 %: n", drug, 128, lambda: sizes[0], 0.0),
            ("power 80 %: conventional n", drug, 193, lambda: sizes[1], 0.0),
        ],
    )


def lrstat_examples() -> list[Comparison]:
    """The examples of lrstat's help pages, with the powers that its own tests expect."""
    superiority = float(ndtr(6.0 / (25.0 * math.sqrt(2.0))))
    odds: dict[str, Any] = {"alpha": 0.05, "scale": "odds ratio", "variance": "alternative"}
    margin: dict[str, Any] = {"alpha": 0.05, "scale": "ratio", "null": 1.3}
    settled = one_rate(0.25, 0.15, power=0.8, alpha=0.05).settled

    def mean(**more: float) -> Any:
        return one_mean(6.0, 2.5, null=7.0, **more)

    def cross(**more: float) -> Any:
        return crossover_means(75.0, 150.0, alpha=0.05, **more)

    calls: list[tuple[str, float, Callable[[], float], float]] = [
        ("OneMean: n", 68, lambda: whole(mean(power=0.9).n), 0.0),
        ("OneMean: power", 0.9016, lambda: mean(n=68).power, 5e-5),
        ("MeanDiff: n", 469, lambda: whole(two_means(0.3, 1.0, power=0.9).n), 0.0),
        ("MeanDiffXO: n", 51, lambda: whole(cross(power=0.8).n), 0.0),
        ("MeanDiffXO: power", 0.8009, lambda: cross(n=51).power, 5e-5),
        ("Wilcoxon: n", 772, lambda: whole(rank_sum(superiority, power=0.9).n), 0.0),
        ("Wilcoxon: power", 0.9002, lambda: rank_sum(superiority, n=772).power, 5e-5),
        ("OddsRatio: n", 210, lambda: whole(two_rates(0.5, 0.3, power=0.9, **odds).n), 0.0),
        ("OddsRatio: power", 0.9012, lambda: two_rates(0.5, 0.3, n=210, **odds).power, 5e-5),
        (
            "RiskRatioFM: n",
            2531,
            lambda: whole(two_rates(0.125, 0.125, power=0.8, **margin).n),
            0.0,
        ),
        (
            "RiskRatioFM: power",
            0.8001,
            lambda: two_rates(0.125, 0.125, n=2531, **margin).power,
            5e-5,
        ),
        (
            "FisherExact: power",
            0.8168,
            lambda: fisher_exact(0.5, 0.2, n=87, **TWO_SIDED).power,
            5e-5,
        ),
        ("OneProportion, exact: n that settles", 110, lambda: settled, 0.0),
        (
            "OneProportion, exact: power",
            0.8097,
            lambda: one_rate(0.25, 0.15, n=110, alpha=0.05).power,
            5e-5,
        ),
    ]
    return listed(
        "lrstat's examples",
        [(item, f"R lrstat, getDesign{item.split(':')[0]}", *rest) for item, *rest in calls],
    )


def comparisons() -> list[Comparison]:
    return [
        *means(),
        *rates(),
        *exact_rates(),
        *survival(),
        *counts(),
        *with_looks(),
        *others(),
        *lrstat_examples(),
    ]
