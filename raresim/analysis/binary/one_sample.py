"""One arm against a performance goal: the exact binomial test and intervals of a proportion."""

from functools import lru_cache
from math import comb
from typing import Literal

import numpy as np
from scipy.special import betainc, betaincinv

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray, ordered_sum
from raresim.analysis.binary.conditional import Tails
from raresim.analysis.left_out import flags_of, left_out
from raresim.analysis.notes import Note
from raresim.analysis.result import NORMAL_975
from raresim.analysis.tail_result import TailResults
from raresim.errors import InputError

TAIL = 0.025
HALVINGS = 60
MOST_PATIENTS = 1_000_000
ROUNDING = 1e-7  # as R's binom.test: probabilities this close are equal

Interval = Literal["clopper-pearson", "mid-p", "wilson"]


def binomial_test(
    outcome: FloatArray,
    present: BoolArray,
    *,
    goal: float,
    interval: Interval = "clopper-pearson",
    mid_p: bool = False,
) -> TailResults:
    """Test one arm's proportion against a performance goal by the exact binomial test.

    Variant: that of R's ``binom.test``. The two-sided p-value adds the probabilities at the goal
    of all counts no likelier than the one seen (up to a factor 1 + 1e-7); the one-sided ones are
    tails. With ``mid_p`` half the probability of the count seen (for the two-sided one, of all
    counts as likely) is taken off. ``statistic`` is the number of patients with the event.

    Parameters
    ----------
    outcome
        (B, n) 1 with the event, 0 without, NaN if missing.
    present
        (B, n) False for padding.
    goal
        Proportion under the null hypothesis.
    interval
        95 % interval: "clopper-pearson" (exact), "mid-p" or "wilson" (score, no correction).
    mid_p
        Whether the p-values are mid-p-values.

    Raises
    ------
    InputError
        If the goal is not between 0 and 1 or the interval is unknown.

    References
    ----------
    Clopper CJ, Pearson ES. Biometrika 1934;26:404-413. Wilson EB. J Am Stat Assoc
    1927;22:209-212. Newcombe RG. Stat Med 1998;17:857-872 (all three intervals).

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[1] * 6 + [0] * 14])
    >>> binomial_test(outcome, np.ones((1, 20), dtype=bool), goal=0.1).row(0)
    exact binomial test: proportion 0.3 (95 % CI 0.1189 to 0.5428)
      statistic 6, p = 0.01125 (less 0.9976, greater 0.01125) against 0.1, 20 patients
    """
    if not 0.0 < goal < 1.0:
        raise InputError(f"goal: found {goal:g}; expected a proportion between 0 and 1.")
    if interval not in LIMITS:
        raise InputError(f"interval: found {interval!r}; expected one of {', '.join(LIMITS)}.")
    values = np.asarray(outcome, dtype=np.float64)
    used = present & ~np.isnan(values)
    patients = np.count_nonzero(used, axis=1)
    events = np.count_nonzero(used & (values == 1.0), axis=1)
    answered, lost = patients > 0, left_out(outcome=present & ~used)
    some = np.maximum(patients, 1)
    low, high = LIMITS[interval](events, some)
    pairs, own = np.unique(np.stack([events, some], axis=1), axis=0, return_inverse=True)
    tails = np.array([_tails(x, n, goal) for x, n in pairs.tolist()]).reshape(-1, 5)
    less, greater, seen, rare, tied = tails[own.reshape(-1)].T
    half = 0.5 if mid_p else 0.0
    nothing = np.where(answered, 0.0, np.nan)
    return TailResults(
        method="mid-p binomial test" if mid_p else "exact binomial test",
        measure="proportion",
        null=goal,
        estimate=events / some + nothing,
        ci_low=low + nothing,
        ci_high=high + nothing,
        statistic=events + nothing,
        p=np.minimum(rare - half * tied, 1.0) + nothing,
        p_less=np.minimum(less - half * seen, 1.0) + nothing,
        p_greater=np.minimum(greater - half * seen, 1.0) + nothing,
        converged=answered,
        used=patients,
        notes=Note.ONE_ARM_EMPTY * ~answered
        + Note.MID_P * (answered & np.bool_(mid_p))
        + flags_of(lost),
        left_out=lost,
    )


def binomial_power(
    patients: int, goal: float, truth: float, *, alpha: float = 0.025
) -> tuple[int, float, float]:
    """Give the exact power of the one-sided binomial test that a proportion exceeds the goal.

    Power is a saw-tooth in the number of patients: more patients can have less.

    Parameters
    ----------
    patients
        Number of patients.
    goal, truth
        Proportion under the null and under the alternative hypothesis.
    alpha
        One-sided level.

    Returns
    -------
    critical
        Least number of events that rejects; patients + 1 where none does.
    size, power
        Chance of it at the goal and at the truth.

    Raises
    ------
    InputError
        If a number of patients or a probability cannot be.

    References
    ----------
    Chernick MR, Liu CY. Am Stat 2002;56:149-155 (the saw-tooth).

    Examples
    --------
    >>> critical, size, power = binomial_power(20, 0.1, 0.35)
    >>> critical, round(size, 6), round(power, 6)
    (6, 0.011253, 0.754604)
    """
    if not 1 <= patients <= MOST_PATIENTS or patients != int(patients):
        raise InputError(f"patients: found {patients}; expected 1 to {MOST_PATIENTS}.")
    for name, value in (("goal", goal), ("truth", truth), ("alpha", alpha)):
        if not 0.0 <= value <= 1.0:
            raise InputError(f"{name}: found {value}; expected a number from 0 to 1.")
    at = np.arange(patients + 1, dtype=np.float64)
    above = np.append(upper_tail(at, float(patients), goal), 0.0)
    critical = int(np.argmax(above <= alpha))
    if critical > patients:
        return critical, 0.0, 0.0
    size = float(above[critical])
    return critical, size, float(upper_tail(at[critical], float(patients), truth))


def upper_tail(
    events: FloatArray | float, patients: FloatArray | float, p: FloatArray | float
) -> FloatArray:
    """Give P(X >= events) of a binomial; 1 for 0 events or fewer, 0 beyond all patients."""
    x, n = np.asarray(events, dtype=np.float64), np.asarray(patients, dtype=np.float64)
    inside = (x > 0.0) & (x <= n)
    found = betainc(np.where(inside, x, 1.0), np.where(inside, n - x + 1.0, 1.0), p)
    return np.where(inside, found, np.where(x <= 0.0, 1.0, 0.0))


@lru_cache(maxsize=4096)
def _tails(events: int, patients: int, p: float) -> Tails:
    """Give P(X <= x), P(X >= x), P(X = x), all no likelier than x, all as likely as x."""
    chances = binomial_chances(patients, p)
    seen = chances[events]
    rarer = np.where(chances <= seen * (1.0 + ROUNDING), chances, 0.0)
    rare, tied = (
        ordered_sum(part) for part in (rarer, np.where(seen <= rarer * (1.0 + ROUNDING), rarer, 0))
    )
    at_least = upper_tail(float(events), float(patients), p)
    at_most = upper_tail(float(patients - events), float(patients), 1.0 - p)
    return float(at_most), float(at_least), float(seen), float(rare), float(tied)


def binomial_chances(patients: int, p: float) -> FloatArray:
    """Give the binomial probabilities of 0 to ``patients`` events."""
    x = np.arange(patients + 1)
    if patients > 1000:  # whole binomial coefficients no longer fit a float
        from scipy.stats import binom

        return np.asarray(binom.pmf(x, patients, p), dtype=np.float64)
    choose = np.array([float(comb(patients, k)) for k in range(patients + 1)])
    chances: FloatArray = choose * p**x * (1.0 - p) ** (patients - x)
    return chances


def clopper_pearson(
    events: IntArray, patients: IntArray, tail: float = TAIL
) -> tuple[FloatArray, FloatArray]:
    """Give the exact limits of proportions, each with a `tail` beyond it, usually 2.5 %.

    They are quantiles of beta distributions (Clopper & Pearson, Biometrika 1934;26:404-413).

    >>> [float(limit.round(5)) for limit in clopper_pearson(np.array(500), np.array(20_000))]
    [0.02288, 0.02726]
    """
    low = betaincinv(np.maximum(events, 1), patients - events + 1.0, tail)
    high = betaincinv(events + 1.0, np.maximum(patients - events, 1), 1.0 - tail)
    return np.where(events > 0, low, 0.0), np.where(events < patients, high, 1.0)


def wilson(
    events: IntArray, patients: IntArray, *, correction: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Give Wilson's 95 % score limits of proportions, with a continuity correction if asked."""
    z = NORMAL_975
    p, square = events / patients, z * z
    bottom = 2.0 * (patients + square)
    if not correction:
        half = z * np.sqrt(square + 4.0 * events * (1.0 - p))
        low, high = 2.0 * events + square - half, 2.0 * events + square + half
    else:
        low_root = square - 2.0 - 1.0 / patients + 4.0 * p * (patients * (1.0 - p) + 1.0)
        high_root = square + 2.0 - 1.0 / patients + 4.0 * p * (patients * (1.0 - p) - 1.0)
        low = 2.0 * events + square - 1.0 - z * np.sqrt(np.maximum(low_root, 0.0))
        high = 2.0 * events + square + 1.0 + z * np.sqrt(np.maximum(high_root, 0.0))
    return (
        np.where(events > 0, np.maximum(low / bottom, 0.0), 0.0),
        np.where(events < patients, np.minimum(high / bottom, 1.0), 1.0),
    )


def mid_p_limits(events: IntArray, patients: IntArray) -> tuple[FloatArray, FloatArray]:
    """Give the 95 % mid-p limits of proportions: half the count seen belongs to either tail."""
    found = []
    n = patients.astype(np.float64)
    for x in (events.astype(np.float64), (patients - events).astype(np.float64)):
        low, high = np.zeros(x.shape), np.ones(x.shape)
        for _ in range(HALVINGS):
            p = 0.5 * (low + high)
            tail = 0.5 * (upper_tail(x, n, p) + upper_tail(x + 1.0, n, p))
            below = tail < TAIL
            low, high = np.where(below, p, low), np.where(below, high, p)
        found.append(np.where(x > 0.0, 0.5 * (low + high), 0.0))
    return found[0], 1.0 - found[1]


LIMITS = {"clopper-pearson": clopper_pearson, "mid-p": mid_p_limits, "wilson": wilson}
