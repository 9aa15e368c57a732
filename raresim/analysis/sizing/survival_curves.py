"""Sizes and powers of comparisons of two Kaplan-Meier curves at one time."""

import math
from typing import Literal

import numpy as np

from raresim.analysis.arrays import FloatArray
from raresim.analysis.sizing.answers import Plan, plan
from raresim.analysis.sizing.asked import between, chosen, not_null, target, wrong
from raresim.analysis.sizing.course import Course, course
from raresim.analysis.sizing.hazards import Hazard, SurvivalTrial
from raresim.analysis.sizing.normal_test import normal_size

Measure = Literal["survival", "restricted mean"]
Contrast = Literal["difference", "ratio"]


def survival_curves(
    trial: SurvivalTrial,
    time: float,
    *,
    n: float | None = None,
    power: float | None = None,
    measure: Measure = "survival",
    contrast: Contrast = "difference",
    alpha: float = 0.025,
    sided: int = 1,
) -> Plan:
    """Size or power of the comparison of survival, or of mean survival time, up to a time.

    Kaplan-Meier estimates, Wald test of their difference or log ratio with Greenwood's variance
    in the limit: with S the survival, l its hazard and Y(x) the probability to be at risk at x,
    survival at t has S(t)^2 int_0^t l / Y dx over the patients of the arm, and the restricted
    mean int_0^t (int_x^t S)^2 l / Y dx.

    Parameters
    ----------
    trial
        As in `log_rank`.
    time
        Time since entry, before the longest follow-up that the trial allows (for the
        restricted mean also that follow-up itself).
    n, power
        Patients in all, or the power: exactly one of them.
    measure
        "survival" at that time, or the "restricted mean" survival time until then.
    contrast
        "difference", or "ratio" (on the log scale).
    alpha, sided
        Level of the whole test and number of its sides. A two-sided test's rejections in the
        wrong direction are not counted as power.

    Raises
    ------
    InputError
        If there is no effect, nobody is followed so long, the power is not above alpha, or a
        number is out of its range.

    References
    ----------
    Yung G, Liu Y. Biometrics 2020;76:939-950.

    Examples
    --------
    >>> from raresim.analysis.sizing import Accrual
    >>> trial = SurvivalTrial(Hazard((0.05,)), Hazard((0.03,)), Accrual((6.0,)), 18.0)
    >>> round(survival_curves(trial, 12.0, power=0.8, measure="restricted mean").n, 1)
    399.1
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided, ratio=trial.ratio)
    chosen("measure", measure, ("survival", "restricted mean"))
    chosen("contrast", contrast, ("difference", "ratio"))
    longest = min(trial.duration, trial.longest)
    if measure != "restricted mean" or time != longest:  # its variance stays finite at the end
        between("time", time, 0.0, longest)
    path = course(trial, float(time))
    values, variances = [], []
    for hazard, at_risk, rate in (
        (trial.control, path.at_risk_0, path.hazard_0),
        (trial.treated, path.at_risk_1, path.hazard_1),
    ):
        _somebody_left(at_risk)
        value, variance = _estimate(path, hazard, rate / at_risk, measure, time)
        values.append(value)
        variances.append(variance / (value * value if contrast == "ratio" else 1.0))
    effect = values[1] - values[0]
    not_null("trial.treated", effect)
    if contrast == "ratio":
        effect = math.log(values[1] / values[0])
    sd = math.sqrt(sum(variances))
    size, reached = normal_size(asked, effect, sd, sd)
    events = size * sum(course(trial).events)
    name = f"Kaplan-Meier curves, {contrast} of {measure} at {time:g}"
    return plan(name, asked, size, reached, events=events)


def survival_percentiles(
    trial: SurvivalTrial,
    share: float = 0.5,
    *,
    n: float | None = None,
    power: float | None = None,
    contrast: Contrast = "difference",
    alpha: float = 0.025,
    sided: int = 1,
) -> Plan:
    """Size or power of the comparison of percentiles of the Kaplan-Meier curves, as medians.

    The time t by which a share of an arm has had the event is estimated with the variance
    int_0^t l / Y dx / l(t)^2 in the limit (notation of `survival_curves`); Wald test.

    Parameters
    ----------
    trial
        As in `log_rank`.
    share
        Share of the patients who have had the event: 0.5 for medians.
    n, power, contrast, alpha, sided
        As in `survival_curves`.

    Raises
    ------
    InputError
        If an arm's percentile lies beyond the longest follow-up, and as `survival_curves`.

    References
    ----------
    Yung G, Liu Y. Biometrics 2020;76:939-950.

    Examples
    --------
    >>> from raresim.analysis.sizing import Accrual
    >>> trial = SurvivalTrial(Hazard((0.05,)), Hazard((0.03,)), Accrual((6.0,)), 30.0)
    >>> round(survival_percentiles(trial, power=0.8).n, 1)
    277.7
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided, ratio=trial.ratio)
    chosen("contrast", contrast, ("difference", "ratio"))
    between("share", share, 0.0, 1.0)
    values, variances = [], []
    for arm, hazard in enumerate((trial.control, trial.treated)):
        time = hazard.time_to(-math.log1p(-share))
        if not time < min(trial.duration, trial.longest):
            raise wrong("share", share, "a share that each arm reaches while it is followed")
        path = course(trial, time)
        at_risk = (path.at_risk_0, path.at_risk_1)[arm]
        _somebody_left(at_risk)
        rates = (path.hazard_0, path.hazard_1)[arm]
        scale = float(hazard.at(time)) * (time if contrast == "ratio" else 1.0)
        values.append(time)
        variances.append(path.integral(rates / at_risk) / scale**2)
    effect = not_null("trial.treated", values[1] - values[0])
    if contrast == "ratio":
        effect = math.log(values[1] / values[0])
    sd = math.sqrt(sum(variances))
    size, reached = normal_size(asked, effect, sd, sd)
    events = size * sum(course(trial).events)
    name = f"Kaplan-Meier curves, {contrast} of {100 * share:g} % percentiles"
    return plan(name, asked, size, reached, events=events)


def _somebody_left(at_risk: FloatArray) -> None:
    if not (at_risk > 0.0).all():
        raise wrong("time", "nobody is left at risk", "a time until which somebody is followed")


def _estimate(
    path: Course, hazard: Hazard, thinning: FloatArray, measure: Measure, time: float
) -> tuple[float, float]:
    """Value of an arm, and its variance for one patient of the trial in all."""
    if measure == "survival":
        survival = math.exp(-float(hazard.cumulative(time)))
        return survival, survival * survival * path.integral(thinning)
    survivors: FloatArray = np.exp(-hazard.cumulative(path.time))
    value = path.integral(survivors)
    remaining = value - path.running(survivors)
    return value, path.integral(remaining * remaining * thinning)
