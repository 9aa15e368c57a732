"""Sizes and powers of the log-rank test."""

import math
from dataclasses import replace
from typing import Literal

from scipy.optimize import brentq

from raresim.analysis.sizing.answers import Plan, plan
from raresim.analysis.sizing.asked import Target, chosen, not_null, positive, target, wrong
from raresim.analysis.sizing.course import course
from raresim.analysis.sizing.hazards import Accrual, Hazard, SurvivalTrial
from raresim.analysis.sizing.log_rank_events import EVENT_FORMULAS, sd_of_events
from raresim.analysis.sizing.log_rank_score import average_hazard_ratio, score
from raresim.analysis.sizing.normal_test import normal_size

Method = Literal[
    "schoenfeld",
    "freedman",
    "hsieh-freedman",
    "lachin-foulkes",
    "direct",
    "yung-liu",
    "average hazard ratio",
]
METHODS = (*EVENT_FORMULAS, "lachin-foulkes", "direct", "yung-liu", "average hazard ratio")
MARGINS = ("schoenfeld", "lachin-foulkes")


def log_rank(
    trial: SurvivalTrial,
    *,
    n: float | None = None,
    power: float | None = None,
    method: Method = "schoenfeld",
    null: float = 1.0,
    alpha: float = 0.025,
    sided: int = 1,
) -> Plan:
    """Size or power of the log-rank test at the trial's analysis.

    | method | what it takes for the test statistic |
    |---|---|
    | "schoenfeld", "freedman", "hsieh-freedman" | a number of events (see `log_rank_events`), \
and n patients such that so many are expected |
    | "lachin-foulkes" | the log ratio of two hazards, with variance 1/d1 + 1/d0 in events \
expected under the assumed hazards and, for the test, under one hazard (1 + r hr)/(1 + r) times \
that of the controls (gsDesign nSurv) |
    | "direct" | the log-rank score's mean and the limit of the test's variance under the \
assumed hazards, by integration (lrstat) |
    | "yung-liu" | the same, with the score's own variance (npsurvSS with block variance) |
    | "average hazard ratio" | the average log hazard ratio over the pieces of the hazards \
(gsDesign2) |

    The last three allow hazards that are not proportional. All are asymptotic; with few events,
    unequal allocation or hazard ratios far from 1 they differ, and Schoenfeld's is off most:
    simulate before you trust one.

    Parameters
    ----------
    trial
        Hazards, accrual, drop-out, allocation and time of the analysis. The accrual takes the
        time it says whatever n: its rate is scaled.
    n, power
        Patients in all, or the power: exactly one of them.
    method
        See above.
    null
        Hazard ratio under the null hypothesis, for non-inferiority: "schoenfeld" and
        "lachin-foulkes" only.
    alpha, sided
        Level of the whole test and number of its sides. A two-sided test's rejections in the
        wrong direction are not counted as power.

    Raises
    ------
    InputError
        If there is no effect, no events, hazards are not proportional where the method needs
        it, the power is not above alpha, or a number is out of its range.

    References
    ----------
    Schoenfeld DA. Biometrics 1983;39:499-503. Freedman LS. Stat Med 1982;1:121-129. Lachin JM,
    Foulkes MA. Biometrics 1986;42:507-519. Lakatos E. Biometrics 1988;44:229-241. Yung G, Liu Y.
    Biometrics 2020;76:939-950.

    Examples
    --------
    >>> trial = SurvivalTrial(Hazard.median(12), Hazard.median(24), Accrual((12.0,)), 24.0)
    >>> log_rank(trial, power=0.9)
    log-rank test, schoenfeld: n = 167.948 (83.9738 treated, 83.9738 control), in whole patients \
168, 87.4793 events
      power 0.9, one-sided alpha 0.025
    >>> round(log_rank(trial, power=0.9, method="direct").n, 2)
    182.26
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided, ratio=trial.ratio)
    chosen("method", method, METHODS)
    if null != 1.0 and method not in MARGINS:
        raise wrong("null", null, "1 with this method", "take 'schoenfeld' or 'lachin-foulkes'")
    events = sum(course(trial).events)
    if not events > 0.0:
        raise wrong("trial", "no expected events", "hazards above 0 and time to see events")
    if trial.control == trial.treated and null == 1.0:
        not_null("trial.treated", 1.0, 1.0)
    effect, null_sd, sd = _estimate(trial, method, positive("null", null), events, asked)
    size, reached = normal_size(asked, effect, null_sd, sd)
    return plan(f"log-rank test, {method}", asked, size, reached, events=size * events)


def duration_needed(
    trial: SurvivalTrial,
    n: float,
    power: float,
    *,
    method: Method = "schoenfeld",
    null: float = 1.0,
    alpha: float = 0.025,
    sided: int = 1,
) -> SurvivalTrial:
    """Find the time of the analysis at which n patients give a power.

    Parameters
    ----------
    trial
        As in `log_rank`; its `duration` plays no part.
    n, power
        Patients in all, and the power wanted.
    method, null, alpha, sided
        As in `log_rank`.

    Returns
    -------
    The trial with that duration.

    Raises
    ------
    InputError
        If the power is never reached, and as `log_rank`.

    References
    ----------
    Kim K, Tsiatis AA. Biometrics 1990;46:81-92.

    Examples
    --------
    >>> trial = SurvivalTrial(Hazard.median(12), Hazard.median(24), Accrual((12.0,)), 24.0)
    >>> round(duration_needed(trial, 150, 0.9).duration, 3)
    26.572
    """

    def short(duration: float) -> float:
        later = trial.with_duration(duration)
        found = log_rank(later, n=n, method=method, null=null, alpha=alpha, sided=sided)
        return found.power - power

    target(n=None, power=power, alpha=alpha, sided=sided)
    accrual = trial.accrual.duration
    high, most = accrual, min(1e4 * accrual, accrual + trial.longest)
    while short(high) < 0.0:
        if high >= most:
            raise wrong("power", power, f"a power that {n:g} patients reach at some time")
        high = min(2.0 * high, most)
    duration = brentq(short, 1e-3 * high, high, xtol=1e-12, rtol=1e-13)
    return trial.with_duration(float(duration))


def accrual_needed(
    trial: SurvivalTrial,
    follow_up: float,
    power: float,
    *,
    method: Method = "schoenfeld",
    null: float = 1.0,
    alpha: float = 0.025,
    sided: int = 1,
) -> tuple[SurvivalTrial, Plan]:
    """Find how long patients must be enrolled, at a rate that cannot be raised.

    Parameters
    ----------
    trial
        As in `log_rank`; the weights of its accrual are patients per unit of time, and the last
        period is made as long as it takes. Its `duration` plays no part.
    follow_up
        Time from the last entry to the analysis.
    power
        The power wanted.
    method, null, alpha, sided
        As in `log_rank`.

    Returns
    -------
    The trial with that accrual and duration, and its plan.

    Raises
    ------
    InputError
        If the power is reached before the last period starts, and as `log_rank`.

    References
    ----------
    Kim K, Tsiatis AA. Biometrics 1990;46:81-92.

    Examples
    --------
    >>> monthly = 0.95 / 12
    >>> leaving = Hazard.share(0.1, 24)
    >>> trial = SurvivalTrial(
    ...     Hazard((monthly,)), Hazard((0.3 * monthly,)), Accrual((1.0,), (5.0,)), 1.0,
    ...     drop_out=leaving, longest=6.5, ratio=3.0,
    ... )
    >>> _, plan = accrual_needed(trial, 6.5, 0.9, method="direct")
    >>> round(plan.n, 1), round(plan.events, 1)
    (126.0, 25.8)
    """

    def stretched(last: float) -> tuple[SurvivalTrial, float]:
        accrual = Accrual((*trial.accrual.durations[:-1], last), trial.accrual.weights)
        pairs = zip(accrual.durations, accrual.weights, strict=True)
        longer = replace(trial, accrual=accrual, duration=accrual.duration + follow_up)
        return longer, math.fsum(length * rate for length, rate in pairs)

    def short(last: float) -> float:
        longer, n = stretched(last)
        options = {"method": method, "null": null, "alpha": alpha, "sided": sided}
        return log_rank(longer, n=n, **options).power - power  # type: ignore[arg-type]

    target(n=None, power=power, alpha=alpha, sided=sided)
    low = 1e-6 * trial.accrual.duration
    high = trial.accrual.duration
    if short(low) >= 0.0:
        raise wrong("trial.accrual", trial.accrual, "fewer patients before the last period")
    while short(high) < 0.0:
        high *= 2.0
        if high > 1e7 * trial.accrual.duration:
            raise wrong("power", power, "a power that is reached at some time")
    longer, n = stretched(float(brentq(short, low, high, xtol=1e-12, rtol=1e-13)))
    found = log_rank(longer, n=n, method=method, null=null, alpha=alpha, sided=sided)
    return longer, replace(found, found="n")


def _estimate(
    trial: SurvivalTrial, method: Method, null: float, events: float, asked: Target
) -> tuple[float, float, float]:
    """Effect of a method's estimate, its standard deviation for the test, and its real one."""
    if method in EVENT_FORMULAS:
        log_ratio = math.log(not_null("trial.treated", _proportional(trial) / null, 1.0))
        spread = sd_of_events(method, _proportional(trial) / null, trial.ratio)
        sd = abs(log_ratio) * spread / math.sqrt(events)
        return log_ratio, sd, sd
    if method == "lachin-foulkes":
        return _lachin_foulkes(trial, null)
    if method == "average hazard ratio":
        log_ratio, information, under_null = average_hazard_ratio(trial)
        return log_ratio, 1.0 / math.sqrt(under_null), 1.0 / math.sqrt(information)
    found = score(trial)
    null_sd = math.sqrt(found.variance)
    return found.mean, null_sd, null_sd if method == "direct" else math.sqrt(found.spread)


def _lachin_foulkes(trial: SurvivalTrial, null: float) -> tuple[float, float, float]:
    ratio = not_null("trial.treated", _proportional(trial), null)
    common = trial.control.times((1.0 + trial.ratio * ratio) / (1.0 + trial.ratio * null))
    under_null = replace(trial, control=common, treated=common.times(null))
    variances = [
        sum(1.0 / events for events in course(version).events) for version in (under_null, trial)
    ]
    return math.log(ratio / null), math.sqrt(variances[0]), math.sqrt(variances[1])


def _proportional(trial: SurvivalTrial) -> float:
    if math.isnan(trial.hazard_ratio) or trial.hazard_ratio == 0.0:
        raise wrong(
            "trial",
            "hazards that are not proportional",
            "the same hazard ratio above 0 at all times with this method",
            "take method='direct', 'yung-liu' or 'average hazard ratio'",
        )
    return trial.hazard_ratio
