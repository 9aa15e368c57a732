"""How long a trial must follow or enrol its patients for a power of the log-rank test."""

import math
from dataclasses import replace

from scipy.optimize import brentq

from raresim.analysis.sizing.answers import Plan
from raresim.analysis.sizing.asked import target, wrong
from raresim.analysis.sizing.hazards import Accrual, SurvivalTrial
from raresim.analysis.sizing.log_rank import Method, log_rank


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
    >>> from raresim.analysis.sizing import Hazard
    >>> trial = SurvivalTrial(Hazard.median(12), Hazard.median(24), Accrual((12.0,)), 24.0)
    >>> round(duration_needed(trial, 150, 0.9).duration, 3)
    27.536
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
    if short(1e-3 * high) > 0.0:
        raise wrong("power", power, f"a power that {n:g} patients do not reach at once")
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
    >>> from raresim.analysis.sizing import Hazard
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
