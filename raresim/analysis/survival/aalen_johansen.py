"""Competing risks: the Aalen-Johansen estimate of cumulative incidence."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from raresim.alike import pick
from raresim.analysis.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    IntArray,
    NumberArray,
    flagged_first,
    ordered_sum,
)
from raresim.analysis.survival.risk_sets import risk_sets
from raresim.errors import InputError

Variance = Literal["aalen", "delta", "jackknife"]


@dataclass(frozen=True)
class IncidenceCurves:
    """Cumulative incidence of one cause in B trials at their D distinct times of any event.

    Attributes
    ----------
    time, real, at_risk
        (B, D) event times (infinity in padding) and patients at risk.
    of_cause, of_others
        (B, D) events of the cause and of the other causes.
    incidence, se
        (B, D) the estimate and its standard error.
    free
        (B, D) chance to be free of every event just after the time.
    last
        (B,) longest follow-up.
    used
        (B,) number of patients.
    """

    time: FloatArray
    real: BoolArray
    at_risk: FloatArray
    of_cause: FloatArray
    of_others: FloatArray
    incidence: FloatArray
    se: FloatArray
    free: FloatArray
    last: FloatArray
    used: IntArray

    def __len__(self) -> int:
        return self.last.size

    def row(self, b: int) -> "IncidenceCurves":
        """Give the curve of row b as a batch of one, without padding."""
        own = int(np.count_nonzero(self.real[b]))
        cut = {name: value[b : b + 1] for name, value in vars(self).items()}
        return replace(self, **{k: v if v.ndim == 1 else v[:, :own] for k, v in cut.items()})

    def at(self, time: float) -> tuple[FloatArray, FloatArray]:
        """Give the incidence and its standard error at a time, (B,); NaN beyond follow-up.

        Once nobody is left free of events the curve is known to stay where it is.
        """
        column = np.count_nonzero(self.time <= time, axis=1)[:, None]
        none = np.zeros((len(self), 1))
        there, se, free = (
            pick(np.concatenate((start, curve), axis=1), column)[:, 0]
            for start, curve in (
                (none, self.incidence),
                (none, self.se),
                (none + 1.0, self.free),
            )
        )
        known = (time <= self.last) | (free <= 0.0)
        return np.where(known, there, np.nan), np.where(known, se, np.nan)

    def __repr__(self) -> str:
        """Show where a single curve ends."""
        if len(self) != 1:
            return f"cumulative incidence curves of {len(self)} trials"
        end, se = self.at(float(self.last[0]))
        return (
            f"cumulative incidence: {self.used[0]} patients, {self.of_cause.sum():g} events of the "
            f"cause, {self.of_others.sum():g} of others; {end[0]:.4g} (se {se[0]:.4g}) at "
            f"{self.last[0]:g}"
        )


def cumulative_incidence(
    time: NumberArray,
    cause: CodeArray,
    present: BoolArray,
    of: int = 1,
    variance: Variance = "aalen",
) -> IncidenceCurves:
    """Estimate how many have had an event of one cause by each time, others competing.

    F(t) = sum S(s-) d_of/n over event times s up to t, S being the Kaplan-Meier curve of all
    causes. Its variance is

    - "aalen": from the counting processes, as in the R package cmprsk (``cuminc``) and SAS;
    - "delta": Greenwood's by the delta method (Marubini and Valsecchi), SAS ``error=delta``;
    - "jackknife": the infinitesimal jackknife, the sum of the patients' squared influences, as
      R's ``survfit`` of several states has it.

    Parameters
    ----------
    time
        (B, n) follow-up until the first event or censoring.
    cause
        (B, n) code of the first event; 0 if censored.
    present
        (B, n) False for padding.
    of
        The cause, 1 or more.
    variance
        "aalen", "delta" or "jackknife".

    Raises
    ------
    InputError
        If the variance is none of the three or the cause is not 1 or more.

    References
    ----------
    Aalen OO, Johansen S. Scand J Stat 1978;5:141-150. Aalen O. Ann Stat 1978;6:534-545.
    Marubini E, Valsecchi MG. Analysing Survival Data from Clinical Trials and Observational
    Studies. Wiley 1995, section 10.4.

    Examples
    --------
    >>> time = np.array([[1, 2, 3, 4, 5, 6]])
    >>> cause = np.array([[1, 2, 0, 1, 1, 0]])
    >>> curve = cumulative_incidence(time, cause, np.ones((1, 6), dtype=bool))
    >>> curve
    cumulative incidence: 6 patients, 3 events of the cause, 1 of others; 0.6111 (se 0.2831) at 6
    >>> curve.incidence.round(4)
    array([[0.1667, 0.1667, 0.3889, 0.6111]])
    """
    if variance not in get_args(Variance):
        raise InputError(
            f"variance: found {variance!r}; expected one of {', '.join(get_args(Variance))}."
        )
    if of < 1:
        raise InputError(f"of: found {of}; expected the code of a cause, 1 or more.")
    event = (cause != 0) & present
    sets = risk_sets(time, event, cause == of, present)
    place, real = flagged_first(sets.closes)
    at_risk = np.where(real, pick(sets.at_risk, place), 1.0)
    both = np.where(real, pick(sets.events, place), 0.0)
    own = np.where(real, pick(sets.having_1, place), 0.0)
    step: FloatArray = np.where(real, 1.0 - both / at_risk, 1.0)
    free = np.multiply.accumulate(step, axis=1)
    before = np.ones_like(free)
    before[:, 1:] = free[:, :-1]
    incidence = np.cumsum(before * own / at_risk, axis=1)
    when = np.where(real, pick(pick(time, sets.record), place), np.inf).astype(np.float64)
    if variance == "jackknife":
        found = _jackknife(time, cause, present, of, when, real, (at_risk, both, own, before))
    else:
        table = (at_risk, own, both - own, before, free, incidence)
        found = _aalen(*table) if variance == "aalen" else _delta(*table)
    return IncidenceCurves(
        time=when,
        real=real,
        at_risk=at_risk,
        of_cause=own,
        of_others=both - own,
        incidence=incidence,
        se=np.sqrt(np.maximum(found, 0.0)),
        free=free,
        last=np.max(np.where(present, time, 0), axis=1, initial=0).astype(np.float64),
        used=np.count_nonzero(present, axis=1),
    )


def _quadratic_in(end: FloatArray, level: FloatArray, weight: FloatArray) -> FloatArray:
    """Give, for each column, the sum of weight (end there - level)^2 over the columns so far."""
    zero, one, two = (np.cumsum(weight * level**k, axis=1) for k in range(3))
    total: FloatArray = two - 2.0 * end * one + end * end * zero
    return total


def _aalen(
    at_risk: FloatArray,
    own: FloatArray,
    others: FloatArray,
    before: FloatArray,
    free: FloatArray,
    incidence: FloatArray,
) -> FloatArray:
    """Variance as cmprsk has it: tied events of a cause are drawn without replacement.

    An event of the cause at s moves F(t) by 1 - (F(t) - F(s))/S(s), one of another cause by
    -(F(t) - F(s))/S(s), per unit of S(s-)/n.
    """
    rest = np.maximum(at_risk - 1.0, 1.0)
    unit = (before / at_risk) ** 2
    left = np.where(free > 0.0, free, 1.0)
    of_cause = unit * own * np.where(own > 1.0, 1.0 - (own - 1.0) / rest, 1.0)
    of_others = unit * others * np.where(others > 1.0, 1.0 - (others - 1.0) / rest, 1.0)
    of_others = np.where(free > 0.0, of_others, 0.0)
    # the time after which nobody is left: F stays, and the second part is 0 there
    level = incidence + np.where(free > 0.0, free, 1.0)
    found = _quadratic_in(incidence, level, of_cause / left**2)
    return found + _quadratic_in(incidence, incidence, of_others / left**2)


def _delta(
    at_risk: FloatArray,
    own: FloatArray,
    others: FloatArray,
    before: FloatArray,
    free: FloatArray,
    incidence: FloatArray,
) -> FloatArray:
    """Variance by the delta method from Greenwood's."""
    both = own + others
    staying = at_risk - both
    greenwood = np.where(
        staying > 0.0, both / (at_risk * np.where(staying > 0.0, staying, 1.0)), 0.0
    )
    first = _quadratic_in(incidence, incidence, greenwood)
    second = np.cumsum(before**2 * own * (at_risk - own) / at_risk**3, axis=1)
    weight = before * own / at_risk**2
    third = incidence * np.cumsum(weight, axis=1) - np.cumsum(incidence * weight, axis=1)
    return first + second - 2.0 * third


def _jackknife(
    time: NumberArray,
    cause: CodeArray,
    present: BoolArray,
    of: int,
    when: FloatArray,
    real: BoolArray,
    table: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
) -> FloatArray:
    """Sum the squares of the patients' influences, time by time.

    With s and f a patient's influence on S and F, and e_of, e its own events at the time:
    f += s d_of/n + S (e_of - Y d_of/n)/n, then s = s (1 - d/n) - S (e - Y d/n)/n.
    """
    at_risk, both, own, before = table
    on_free, on_cause = np.zeros(time.shape), np.zeros(time.shape)
    found = np.zeros(when.shape)
    for d in range(when.shape[1]):
        here = real[:, d, None] & present
        now = here & (time == when[:, d, None])
        still = (here & (time >= when[:, d, None])).astype(np.float64)
        n, s = at_risk[:, d, None], before[:, d, None]
        share, share_own = both[:, d, None] / n, own[:, d, None] / n
        on_cause += on_free * share_own + s * ((now & (cause == of)) - still * share_own) / n
        on_free = on_free * (1.0 - share) - s * ((now & (cause != 0)) - still * share) / n
        found[:, d] = ordered_sum(on_cause * on_cause)
    return found
