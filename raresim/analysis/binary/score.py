"""Score tests and intervals of two proportions: Miettinen-Nurminen and Farrington-Manning."""

import numpy as np
from scipy.special import ndtr

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray
from raresim.analysis.binary.event_counts import EventCounts, count_events
from raresim.analysis.binary.restricted import (
    Measure,
    given_difference,
    given_odds_ratio,
    given_ratio,
)
from raresim.analysis.notes import Note
from raresim.analysis.result import NORMAL_975
from raresim.analysis.tail_result import TailResults
from raresim.errors import InputError

HALVINGS = 70  # of a bracket of width 2 or 100: to the last bit
WIDEST_LOG = 50.0  # ratios beyond e^50 are not looked for
NULL = {"risk difference": 0.0, "risk ratio": 1.0, "odds ratio": 1.0, "log odds ratio": 0.0}


def miettinen_nurminen(
    outcome: FloatArray,
    arm: CodeArray,
    present: BoolArray,
    *,
    measure: Measure = "risk difference",
    null: float | None = None,
    correction: bool = True,
) -> TailResults:
    """Compare two proportions by the score test and interval of Miettinen and Nurminen.

    With p0~, p1~ the maximum-likelihood proportions under the null value,

        risk difference   z = (p1 - p0 - d) / sqrt(V),  V = p1~ q1~/n1 + p0~ q0~/n0
        risk ratio        z = (p1 - r p0) / sqrt(V),    V = p1~ q1~/n1 + r^2 p0~ q0~/n0
        odds ratio        z = n1 (p1 - p1~) sqrt(1/(n1 p1~ q1~) + 1/(n0 p0~ q0~))

    and V times N/(N - 1) with ``correction`` (Miettinen and Nurminen; SAS PROC FREQ CL=MN).
    Without it these are the score methods of Mee (difference), Koopman (ratio) and Cornfield's
    without continuity correction. The 95 % interval holds the values that z does not reject, to
    the last bit. "log odds ratio" is the odds ratio's log difference over its standard error at
    p0~, p1~ (gsDesign's scale "LNOR"); there is none with an arm without (or with only) events.
    At the null of equal proportions all four are the same Pearson test, but for the
    last. ``statistic`` is z, positive when the treated proportion is higher.

    Largest two-sided size in per cent at the nominal 5 %, over a grid of common proportions,
    two equal arms with N patients (risk difference; enumerated):

        total N               12    20    40    60
        with N/(N - 1)       3.9   4.2   5.3   5.5
        without              6.8   4.2   5.3   5.5

    Parameters
    ----------
    outcome
        (B, n) 1 with the event, 0 without, NaN if missing.
    arm
        (B, n) 0 control, 1 treated.
    present
        (B, n) False for padding.
    measure
        What is compared.
    null
        Its value under the null hypothesis; equal proportions unless given.
    correction
        Whether the variance is multiplied by N/(N - 1).

    Raises
    ------
    InputError
        If the measure is unknown or no proportions have the null value.

    References
    ----------
    Miettinen O, Nurminen M. Stat Med 1985;4:213-226. Mee RW. Biometrics 1984;40:1175-1176.
    Koopman PAR. Biometrics 1984;40:513-517.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[1] * 9 + [0] + [1] * 3 + [0] * 7])
    >>> arm = np.array([[1] * 10 + [0] * 10])
    >>> miettinen_nurminen(outcome, arm, np.ones((1, 20), dtype=bool)).row(0)
    Miettinen-Nurminen score test: risk difference 0.6 (95 % CI 0.17 to 0.8406)
      statistic 2.669, p = 0.007602 (less 0.9962, greater 0.003801) against 0, 20 patients
      Small trial: this asymptotic method for proportions can exceed its nominal size; exact \
tests hold it: `boschloo`, with strata `cochran_mantel_haenszel_exact`.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 0.1 to 5.5 %.
    """
    counts = count_events(outcome, arm, present)
    name = "Miettinen-Nurminen score test" if correction else "score test"
    return _compare(counts, name, measure, _checked_null(measure, null), correction)


def farrington_manning(
    outcome: FloatArray,
    arm: CodeArray,
    present: BoolArray,
    *,
    margin: float,
    measure: Measure = "risk difference",
) -> TailResults:
    """Test for non-inferiority or superiority by a margin by the test of Farrington and Manning.

    The score test of `miettinen_nurminen` without N/(N - 1), at the null value ``margin``
    (R farrington.manning, SAS PROC FREQ METHOD=FM): p1 - p0 = margin, p1 / p0 = margin, or
    odds ratio = margin. Where a high proportion is the benefit, a margin below equality (-0.1,
    0.8) makes ``p_greater`` the p-value of non-inferiority, equality that of superiority and a
    margin above it that of super-superiority; where a low proportion is the benefit, ``p_less``
    and the margin on the other side. The 95 % interval is that of the same test: one-sided
    non-inferiority at 2.5 % is its lower limit above the margin.

    Takes the arguments of `miettinen_nurminen`, with ``margin`` for ``null``.

    Raises
    ------
    InputError
        If the measure is unknown or no proportions have the margin.

    References
    ----------
    Farrington CP, Manning G. Stat Med 1990;9:1447-1454.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[1] * 42 + [0] * 8 + [1] * 40 + [0] * 10])
    >>> arm = np.array([[1] * 50 + [0] * 50])
    >>> farrington_manning(outcome, arm, np.ones((1, 100), dtype=bool), margin=-0.15).row(0)
    Farrington-Manning test: risk difference 0.04 (95 % CI -0.1144 to 0.1945)
      statistic 2.388, p = 0.01692 (less 0.9915, greater 0.008459) against -0.15, 100 patients
    """
    counts = count_events(outcome, arm, present)
    null = _checked_null(measure, margin)
    return _compare(counts, "Farrington-Manning test", measure, null, correction=False)


def _checked_null(measure: str, null: float | None) -> float:
    if measure not in NULL:
        raise InputError(f"measure: found {measure!r}; expected one of {', '.join(NULL)}.")
    value = NULL[measure] if null is None else float(null)
    low, high = {"risk difference": (-1.0, 1.0), "log odds ratio": (-np.inf, np.inf)}.get(
        measure, (0.0, np.inf)
    )
    if not low < value < high:
        raise InputError(
            f"null value of the {measure}: found {value:g}; expected between {low:g} and {high:g}."
        )
    return value


def statistic(tables: FloatArray, null: FloatArray, measure: str, correction: bool) -> FloatArray:
    """Give z of each table at a null value of its own; ratios of proportions are taken as logs.

    Parameters
    ----------
    tables
        (4, U) control events, control patients, treated events, treated patients.
    null
        (U,) difference, or log of the ratio or odds ratio.
    """
    x0, n0, x1, n1 = tables
    factor = np.ones_like(n0)
    if correction:
        factor = (n0 + n1) / np.maximum(n0 + n1 - 1.0, 1.0)
    if measure == "risk difference":
        p0, p1 = given_difference(x0, n0, x1, n1, null)
        top = (x1 * n0 - x0 * n1) / (n0 * n1) - null
        variance = p1 * (1.0 - p1) / n1 + p0 * (1.0 - p0) / n0
    elif measure == "risk ratio":
        ratio = np.exp(null)
        p0, p1 = given_ratio(x0, n0, x1, n1, ratio)
        top = x1 / n1 - ratio * (x0 / n0)
        variance = p1 * (1.0 - p1) / n1 + ratio * ratio * p0 * (1.0 - p0) / n0
    else:
        p0, q0, p1, q1 = given_odds_ratio(x0, n0, x1, n1, np.exp(null))
        spread_0, spread_1 = n0 * p0 * q0, n1 * p1 * q1
        varied = (spread_0 > 0.0) & (spread_1 > 0.0)
        variance = np.where(
            varied,
            1.0 / np.where(varied, spread_0, 1.0) + 1.0 / np.where(varied, spread_1, 1.0),
            0.0,
        )
        if measure == "odds ratio":
            top = (x1 - n1 * p1) * variance
        else:
            top = _estimate(tables, measure) - null
    return _ratio(top, variance * factor)


def _ratio(top: FloatArray, variance: FloatArray) -> FloatArray:
    """Divide by the standard deviation; without variance equal is 0 and different infinite."""
    varied = variance > 0.0
    z = top / np.sqrt(np.where(varied, variance, 1.0))
    return np.where(varied, z, np.where(np.abs(top) < 1e-12, 0.0, np.copysign(np.inf, top)))


def _estimate(tables: FloatArray, measure: str) -> FloatArray:
    """Give the difference, or the log of the ratio or odds ratio; NaN where it is 0/0."""
    x0, n0, x1, n1 = tables
    if measure == "risk difference":
        difference: FloatArray = (x1 * n0 - x0 * n1) / (n0 * n1)
        return difference
    top, bottom = x1 * n0, x0 * n1
    if measure != "risk ratio":
        top, bottom = x1 * (n0 - x0), x0 * (n1 - x1)
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithm: FloatArray = np.log(top / bottom)
    return logarithm


def _limits(tables: FloatArray, measure: str, correction: bool) -> tuple[FloatArray, FloatArray]:
    """Find where z falls through the normal quantiles; z falls as the null value rises."""
    x0, n0, x1, n1 = tables
    widest = 1.0 if measure == "risk difference" else WIDEST_LOG
    found = []
    for level in (NORMAL_975, -NORMAL_975):
        low, high = np.full(x0.shape, -widest), np.full(x0.shape, widest)
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            above = statistic(tables, middle, measure, correction) > level
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        found.append(0.5 * (low + high))
    if measure == "risk difference":
        return found[0], found[1]
    no_low, no_high = x1 == 0.0, x0 == 0.0
    if measure != "risk ratio":
        no_low, no_high = no_low | (x0 == n0), no_high | (x1 == n1)
    return np.where(no_low, -np.inf, found[0]), np.where(no_high, np.inf, found[1])


def _compare(
    counts: EventCounts, method: str, measure: str, null: float, correction: bool
) -> TailResults:
    distinct, own = counts.distinct()
    answered = counts.both_arms
    tables = np.maximum(distinct, np.array([0, 1, 0, 1])).T.astype(np.float64)
    logs = measure in ("risk ratio", "odds ratio")
    at = np.full(tables.shape[1], np.log(null) if logs else null)
    estimate = _estimate(tables, measure)[own]
    z = statistic(tables, at, measure, correction)[own]
    low, high = (limit[own] for limit in _limits(tables, measure, correction))
    undefined = np.isnan(z) | (~np.isfinite(estimate) & np.bool_(measure == "log odds ratio"))
    ends = answered & (np.isinf(low) | np.isinf(high) | ~np.isfinite(estimate))
    answered = answered & ~undefined
    if logs:
        estimate, low, high = np.exp(estimate), np.exp(low), np.exp(high)
    nothing = np.where(answered, 0.0, np.nan)
    return TailResults(
        method=method,
        measure=measure,
        null=null,
        estimate=estimate + nothing,
        ci_low=low + nothing,
        ci_high=high + nothing,
        statistic=z + nothing,
        p=2.0 * ndtr(-np.abs(z)) + nothing,
        p_less=ndtr(z) + nothing,
        p_greater=ndtr(-z) + nothing,
        converged=answered,
        used=counts.used,
        left_out=counts.left_out,
        notes=counts.notes(asymptotic=True) + Note.INFINITE_LIMIT * ends,
    )
