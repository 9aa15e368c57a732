"""Numbers of events that the log-rank test needs, and the power of a number of events."""

import math
from typing import Literal

from raresim.analysis.sizing.answers import Plan
from raresim.analysis.sizing.asked import chosen, not_null, positive, target, wrong
from raresim.analysis.sizing.normal_test import normal_size

EventFormula = Literal["schoenfeld", "freedman", "hsieh-freedman"]
EVENT_FORMULAS = ("schoenfeld", "freedman", "hsieh-freedman")


def log_rank_events(
    hazard_ratio: float,
    *,
    events: float | None = None,
    power: float | None = None,
    formula: EventFormula = "schoenfeld",
    null: float = 1.0,
    ratio: float = 1.0,
    alpha: float = 0.025,
    sided: int = 1,
) -> Plan:
    """Events for a power of the log-rank test under proportional hazards, or their power.

    With h the hazard ratio over its null value, r treated for each control and
    z2 = (z_alpha + z_power)^2:

    By ``formula``, the events:

    - ``"schoenfeld"``: z2 (1 + r)^2 / (r (log h)^2)
    - ``"freedman"``: z2 (1 + r h)^2 / (r (1 - h)^2)
    - ``"hsieh-freedman"``: z2 (1 + r)^2 (1 + h)^2 / (4 r (1 - h)^2)

    Parameters
    ----------
    hazard_ratio
        Treated over control.
    events, power
        Events in all, or the power: exactly one of them.
    formula
        See above.
    null
        Hazard ratio under the null hypothesis; a margin makes it a non-inferiority test.
    ratio
        Treated patients for each control.
    alpha, sided
        Level of the whole test and number of its sides. A two-sided test's rejections in the
        wrong direction are not counted as power.

    Returns
    -------
    A plan with `events`, whose patients are NaN: see `log_rank`.

    Raises
    ------
    InputError
        If there is no effect, the power is not above alpha, or a number is out of its range.

    References
    ----------
    Schoenfeld DA. Biometrika 1981;68:316-319. Freedman LS. Stat Med 1982;1:121-129. Hsieh FY.
    Stat Med 1992;11:1091-1098.

    Examples
    --------
    >>> round(log_rank_events(0.3, power=0.9, ratio=3).events, 1)
    38.7
    >>> round(log_rank_events(0.5, events=70).power, 6)
    0.826309
    """
    if events is None and power is None:
        raise wrong("events, power", "neither", "exactly one of them")
    if events is not None:
        positive("events", events)
    asked = target(n=events, power=power, alpha=alpha, sided=sided, ratio=ratio)
    chosen("formula", formula, EVENT_FORMULAS)
    relative = positive("hazard_ratio", hazard_ratio) / positive("null", null)
    not_null("hazard_ratio", hazard_ratio, null)
    spread = sd_of_events(formula, relative, ratio)
    needed, reached = normal_size(asked, 1.0, spread, spread)
    found = "power" if power is None else "events"
    name = f"log-rank test, {formula}"
    return Plan(
        name, found, math.nan, math.nan, reached, asked.alpha, asked.sided, asked.ratio, needed
    )


def sd_of_events(formula: str, relative: float, ratio: float) -> float:
    """Give s such that events = (s (z_alpha + z_power))^2; `relative` is over the null ratio."""
    if formula == "schoenfeld":
        return (1.0 + ratio) / (math.sqrt(ratio) * abs(math.log(relative)))
    if formula == "freedman":
        return (1.0 + ratio * relative) / (math.sqrt(ratio) * abs(1.0 - relative))
    return (1.0 + ratio) * (1.0 + relative) / (2.0 * math.sqrt(ratio) * abs(1.0 - relative))
