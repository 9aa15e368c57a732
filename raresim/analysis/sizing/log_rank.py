"""Sizes and powers of the log-rank test."""

import math
from dataclasses import replace
from typing import Literal

from raresim.analysis.sizing.answers import Plan, plan
from raresim.analysis.sizing.asked import chosen, not_null, positive, target, wrong
from raresim.analysis.sizing.course import course
from raresim.analysis.sizing.hazards import SurvivalTrial
from raresim.analysis.sizing.log_rank_events import EVENT_FORMULAS, sd_of_events
from raresim.analysis.sizing.log_rank_score import WEIGHTS, Weight, average_hazard_ratio, score
from raresim.analysis.sizing.normal_test import normal_size

Method = Literal[
    "schoenfeld",
    "freedman",
    "hsieh-freedman",
    "lachin-foulkes",
    "lachin-foulkes difference",
    "direct",
    "yung-liu",
    "generalized schoenfeld",
    "average hazard ratio",
]
METHODS = (
    *EVENT_FORMULAS,
    "lachin-foulkes",
    "lachin-foulkes difference",
    "direct",
    "yung-liu",
    "generalized schoenfeld",
    "average hazard ratio",
)
WEIGHTED = ("direct", "yung-liu", "generalized schoenfeld")
MARGINS = ("schoenfeld", "lachin-foulkes")


def log_rank(
    trial: SurvivalTrial,
    *,
    n: float | None = None,
    power: float | None = None,
    method: Method = "schoenfeld",
    weight: Weight = "none",
    null: float = 1.0,
    alpha: float = 0.025,
    sided: int = 1,
) -> Plan:
    """Size or power of the log-rank test at the trial's analysis.

    By ``method``, what stands for the test statistic:

    - ``"schoenfeld", "freedman", "hsieh-freedman"``: a number of events (see
      `log_rank_events`), and n patients such that so many are expected
    - ``"lachin-foulkes"``: the log ratio of two hazards, with variance 1/d1 + 1/d0 in events
      expected under the assumed hazards and, for the test, under one hazard (1 + r hr)/(1 + r)
      times that of the controls (gsDesign nSurv)
    - ``"lachin-foulkes difference"``: the same for the difference of two constant hazards
      (gsDesign nSurvival with type "rd")
    - ``"direct"``: the log-rank score's mean and the limit of the test's variance under the
      assumed hazards, by integration (lrstat)
    - ``"yung-liu"``: the same, with the score's own variance (npsurvSS with block variance)
    - ``"generalized schoenfeld"``: as "direct", log hazard ratios in place of differences
    - ``"average hazard ratio"``: the average log hazard ratio over the pieces of the hazards
      (gsDesign2)

    The last four allow hazards that are not proportional. All are asymptotic; with few events,
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
    weight
        "none", "gehan" (by the number at risk), "tarone-ware" (by its square root), or (rho,
        gamma) of Fleming and Harrington, S^rho (1 - S)^gamma with the pooled survival S:
        "direct", "yung-liu" and "generalized schoenfeld" only.
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
    Schoenfeld DA. Biometrics 1983;39:499-503. Fleming TR, Harrington DP. Counting Processes and
    Survival Analysis, Wiley 1991 (weights). Freedman LS. Stat Med 1982;1:121-129. Lachin JM,
    Foulkes MA. Biometrics 1986;42:507-519. Lakatos E. Biometrics 1988;44:229-241. Yung G, Liu Y.
    Biometrics 2020;76:939-950.

    Examples
    --------
    >>> from raresim.analysis.sizing import Accrual, Hazard
    >>> trial = SurvivalTrial(Hazard.median(12), Hazard.median(24), Accrual((12.0,)), 24.0)
    >>> log_rank(trial, power=0.9)
    log-rank test, schoenfeld: n = 167.948 (83.974 treated, 83.974 control), in whole patients \
168, 87.4793 events
      power 0.9, one-sided alpha 0.025
    >>> round(log_rank(trial, power=0.9, method="direct").n, 2)
    171.32
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided, ratio=trial.ratio)
    chosen("method", method, METHODS)
    if null != 1.0 and method not in MARGINS:
        raise wrong("null", null, "1 with this method", "take 'schoenfeld' or 'lachin-foulkes'")
    _check_weight(weight, method)
    events = sum(course(trial).events)
    if not events > 0.0:
        raise wrong("trial", "no expected events", "hazards above 0 and time to see events")
    if trial.control == trial.treated and null == 1.0:
        not_null("trial.treated", 1.0, 1.0)
    effect, null_sd, sd = _estimate(trial, method, weight, positive("null", null), events)
    size, reached = normal_size(asked, effect, null_sd, sd)
    named = "" if weight == "none" else f", weight {weight}"
    return plan(f"log-rank test, {method}{named}", asked, size, reached, events=size * events)


def _check_weight(weight: Weight, method: Method) -> None:
    if isinstance(weight, tuple):
        if len(weight) != 2 or not all(0.0 <= power < math.inf for power in weight):
            raise wrong("weight", weight, "(rho, gamma) of 0 or more")
    else:
        chosen("weight", weight, WEIGHTS)
    if weight != "none" and method not in WEIGHTED:
        raise wrong("weight", weight, "'none' with this method", "take method='direct'")


def _estimate(
    trial: SurvivalTrial, method: Method, weight: Weight, null: float, events: float
) -> tuple[float, float, float]:
    """Effect of a method's estimate, its standard deviation for the test, and its real one."""
    if method in EVENT_FORMULAS:
        log_ratio = math.log(not_null("trial.treated", _proportional(trial) / null, 1.0))
        spread = sd_of_events(method, _proportional(trial) / null, trial.ratio)
        sd = abs(log_ratio) * spread / math.sqrt(events)
        return log_ratio, sd, sd
    if method in ("lachin-foulkes", "lachin-foulkes difference"):
        return _lachin_foulkes(trial, null, method == "lachin-foulkes difference")
    if method in ("average hazard ratio", "generalized schoenfeld"):
        _have_logarithms(trial)
    if method == "average hazard ratio":
        log_ratio, information, under_null = average_hazard_ratio(trial)
        return log_ratio, 1.0 / math.sqrt(under_null), 1.0 / math.sqrt(information)
    found = score(trial, weight)
    null_sd = math.sqrt(found.variance)
    if method == "generalized schoenfeld":
        return found.local_mean, null_sd, null_sd
    return found.mean, null_sd, null_sd if method == "direct" else math.sqrt(found.spread)


def _have_logarithms(trial: SurvivalTrial) -> None:
    """Refuse hazards of 0, whose ratio has no logarithm."""
    for field, hazard in (("trial.control", trial.control), ("trial.treated", trial.treated)):
        if 0.0 in hazard.rates:
            raise wrong(field, hazard.rates, "hazards above 0", "take method='direct'")


def _lachin_foulkes(
    trial: SurvivalTrial, null: float, difference: bool
) -> tuple[float, float, float]:
    ratio = not_null("trial.treated", _proportional(trial), null)
    common = trial.control.times((1.0 + trial.ratio * ratio) / (1.0 + trial.ratio * null))
    under_null = replace(trial, control=common, treated=common.times(null))
    if difference:
        return _difference(trial, under_null)
    variances = [
        sum(1.0 / events for events in course(version).events) for version in (under_null, trial)
    ]
    return math.log(ratio / null), math.sqrt(variances[0]), math.sqrt(variances[1])


def _difference(trial: SurvivalTrial, under_null: SurvivalTrial) -> tuple[float, float, float]:
    """Take an estimated hazard, events over time at risk, to have variance hazard^2 / events."""
    if len(trial.control.rates) > 1 or len(trial.treated.rates) > 1:
        raise wrong("trial", "hazards in pieces", "constant hazards with this method")
    sds = []
    for version in (under_null, trial):
        rates = version.control.rates[0], version.treated.rates[0]
        events = course(version).events
        sds.append(math.sqrt(sum(r * r / d for r, d in zip(rates, events, strict=True))))
    return trial.treated.rates[0] - trial.control.rates[0], sds[0], sds[1]


def _proportional(trial: SurvivalTrial) -> float:
    if math.isnan(trial.hazard_ratio) or trial.hazard_ratio == 0.0:
        raise wrong(
            "trial",
            "hazards that are not proportional, or 0",
            "the same hazard ratio above 0 at all times with this method",
            "take method='direct', 'yung-liu' or 'average hazard ratio'",
        )
    return trial.hazard_ratio
