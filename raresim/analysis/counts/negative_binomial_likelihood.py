"""The negative binomial (NB2) likelihood of event counts in two arms.

A patient with exposure t in arm k has mean mu = t e^(b_k) and variance mu + alpha mu^2; alpha is
the dispersion, theta = 1/alpha. Without terms free of parameters the log-likelihood is

    l = sum_i [ sum_{j < y} log(1 + alpha j) + y log mu - (y + 1/alpha) log(1 + alpha mu) ]

Given alpha it is concave in each log rate b_k, so the rates are solved first and alpha is found
from the derivative of the profile. Counting the patients with y_i > j replaces digamma functions.

Source: Lawless JF. Can J Stat 1987;15:209-225.
"""

from dataclasses import dataclass, fields

import numpy as np
from scipy.special import gammaln

from raresim.alike import pick
from raresim.analysis.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    IntArray,
    flagged_first,
    ordered_sum,
)
from raresim.analysis.newton import solve_score

LEAST_LOG_DISPERSION = np.log(1e-8)
MOST_LOG_DISPERSION = np.log(1e8)
LARGEST_TABLE = 2**22  # numbers in a table of counts, 32 MiB
SERIES_BELOW = 0.01  # under this the closed forms of the curvature lose digits


@dataclass(frozen=True)
class Counts:
    """Counts and exposures by arm: problem 2b + k is arm k of row b.

    Attributes
    ----------
    count, exposure
        (2B, m), zeros in padding.
    exceeding
        (B, J) number of patients of the row with a count above j, j = 0..J-1.
    """

    count: FloatArray
    exposure: FloatArray
    exceeding: FloatArray


@dataclass(frozen=True)
class Rates:
    """The maximum of the likelihood.

    Attributes
    ----------
    events, log_rate, information
        (B, 2) of each arm; the expected information of the log rate given the dispersion,
        sum mu / (1 + alpha mu), as ``summary(MASS::glm.nb)`` uses for its standard errors.
    dispersion
        (B,) alpha; 0 for the Poisson limit.
    theta_information
        (B,) minus the second derivative of the log-likelihood by theta = 1 / alpha, the rates as
        they are, as ``MASS::theta.ml`` uses for its standard error; 0 for the Poisson limit.
    loglik
        (B,) the log-likelihood with all its constants.
    converged
        (B,) False without events in one arm.
    """

    events: FloatArray
    log_rate: FloatArray
    information: FloatArray
    dispersion: FloatArray
    theta_information: FloatArray
    loglik: FloatArray
    converged: BoolArray


def fit_rates(count: CodeArray, exposure: FloatArray, arm: CodeArray, used: BoolArray) -> Rates:
    """Maximise the likelihood of each row of a batch (B, n); only the used patients count.

    Where the profile likelihood does not rise from alpha = 0 the dispersion is 0 (Poisson).
    Rows are taken in blocks, so that very large counts do not need a very large table.
    """
    most = int(np.where(used, count, 0).max(initial=0))
    step = max(LARGEST_TABLE // (most + 1), 1)
    blocks = [slice(b, b + step) for b in range(0, max(count.shape[0], 1), step)]
    parts = [_maximise(split_by_arm(count[b], exposure[b], arm[b], used[b])) for b in blocks]
    return Rates(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Rates))
    )


def split_by_arm(
    count: CodeArray,
    exposure: FloatArray,
    arm: CodeArray,
    used: BoolArray,
) -> Counts:
    """Lay out a batch (B, n) by arm; only the used patients count."""
    batch = count.shape[0]
    sides = [flagged_first(used & (arm == k)) for k in (0, 1)]
    width = max(real.shape[1] for _, real in sides)
    y, t = np.zeros((batch, 2, width)), np.zeros((batch, 2, width))
    for k, (position, real) in enumerate(sides):
        y[:, k, : real.shape[1]] = pick(count, position) * real
        t[:, k, : real.shape[1]] = np.where(real, pick(exposure, position), 0.0)
    kept = np.where(used, count, 0)
    most = int(kept.max(initial=0))
    tally = np.bincount(
        (np.arange(batch)[:, None] * (most + 1) + kept).ravel(), minlength=batch * (most + 1)
    ).reshape(batch, most + 1)
    exceeding = np.cumsum(tally[:, :0:-1], axis=1)[:, ::-1].astype(np.float64)
    shape = (2 * batch, width)
    return Counts(y.reshape(shape), t.reshape(shape), np.ascontiguousarray(exceeding))


def poisson_log_rates(data: Counts) -> FloatArray:
    """Give the log of events per exposure of each arm, (B, 2); 0 for an arm without events."""
    events, exposure = ordered_sum(data.count), ordered_sum(data.exposure)
    some = events > 0.0
    rate = np.where(some, events / np.where(some, exposure, 1.0), 1.0)
    return np.log(rate).reshape(-1, 2)


def _maximise(data: Counts) -> Rates:
    events = ordered_sum(data.count).reshape(-1, 2)
    solvable = np.all(events > 0.0, axis=1)
    log_rate = poisson_log_rates(data)
    batch = solvable.size
    slope, _, squared = _dispersion_score(data, log_rate, np.zeros(batch), np.arange(batch))
    rows = np.flatnonzero(solvable & (slope > 0.0))
    dispersion = np.zeros(batch)
    converged = solvable.copy()

    def profile(kappa: FloatArray, active: IntArray) -> tuple[FloatArray, FloatArray]:
        alpha = np.exp(kappa)
        _settle_rates(data, log_rate, alpha, active)
        score, curvature, _ = _dispersion_score(data, log_rate, alpha, active)
        return alpha * score, -alpha * (score + alpha * curvature)

    start = np.log(np.clip(2.0 * slope[rows] / squared[rows], 1e-3, 1e3))
    kappa, converged[rows] = solve_score(
        profile, start, rows, low=LEAST_LOG_DISPERSION, high=MOST_LOG_DISPERSION
    )
    dispersion[rows] = np.exp(kappa)
    _settle_rates(data, log_rate, dispersion[rows], rows)
    mean = data.exposure * np.exp(log_rate).reshape(-1, 1)
    over = 1.0 + np.repeat(dispersion, 2)[:, None] * mean
    information = ordered_sum(mean / over).reshape(-1, 2)
    return Rates(
        events,
        log_rate,
        information,
        dispersion,
        _theta_information(data, mean, over, dispersion),
        _loglik(data, mean, dispersion),
        converged,
    )


def _theta_information(
    data: Counts, mean: FloatArray, over: FloatArray, dispersion: FloatArray
) -> FloatArray:
    """Give sum of trigamma(t) - trigamma(t + y) - 1/t + 2/(mu + t) - (y + t)/(mu + t)^2."""
    a = np.repeat(dispersion, 2)[:, None]
    terms = 2.0 * a / over - a - (a * a * data.count + a) / (over * over)
    j = np.arange(data.exceeding.shape[1], dtype=np.float64)
    share = dispersion[:, None] / (1.0 + dispersion[:, None] * j)
    return _both_arms(terms) + ordered_sum(data.exceeding * share * share)


def _loglik(data: Counts, mean: FloatArray, dispersion: FloatArray) -> FloatArray:
    """Add log P(y) over the patients; the Poisson probability where the dispersion is 0."""
    a = np.repeat(dispersion, 2)[:, None]
    some = a > 0.0
    known = np.where(some, a, 1.0)
    spread = np.where(some, (data.count + 1.0 / known) * np.log1p(a * mean), mean)
    seen = np.where(mean > 0.0, mean, 1.0)
    terms = data.count * np.log(seen) - spread - gammaln(data.count + 1.0)
    j = np.arange(data.exceeding.shape[1], dtype=np.float64)
    return _both_arms(terms) + ordered_sum(data.exceeding * np.log1p(dispersion[:, None] * j))


def _settle_rates(data: Counts, log_rate: FloatArray, alpha: FloatArray, rows: IntArray) -> None:
    """Move the log rates (B, 2) of some rows, in place, to their maximum given alpha."""
    problems = (2 * rows[:, None] + np.array([0, 1])).ravel()
    dispersion = np.zeros(log_rate.size)
    dispersion[problems] = np.repeat(alpha, 2)

    def score(b: FloatArray, which: IntArray) -> tuple[FloatArray, FloatArray]:
        y, a = data.count[which], dispersion[which][:, None]
        mean = data.exposure[which] * np.exp(b)[:, None]
        over = 1.0 / (1.0 + a * mean)
        return ordered_sum((y - mean) * over), ordered_sum(mean * (1.0 + a * y) * over * over)

    flat = log_rate.reshape(-1)
    flat[problems], _ = solve_score(score, flat[problems], problems)


def _dispersion_score(
    data: Counts, log_rate: FloatArray, alpha: FloatArray, rows: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Differentiate the profile likelihood of some rows with respect to alpha.

    Returns
    -------
    score, curvature
        First and second derivative of the profile, (R,).
    squared
        sum mu^2, (R,).
    """
    which = (2 * rows[:, None] + np.array([0, 1])).ravel()
    y = data.count[which]
    mean = data.exposure[which] * np.exp(log_rate.reshape(-1)[which])[:, None]
    a = np.repeat(alpha, 2)[:, None]
    over = 1.0 / (1.0 + a * mean)
    h, slope = _log_curvature(a * mean)
    first = _both_arms(mean * mean * h - y * mean * over)
    second = mean * mean * (mean * slope + y * over * over)
    mixed = ordered_sum((y - mean) * mean * over * over)
    rate_information = ordered_sum(mean * (1.0 + a * y) * over * over)
    regained = mixed * mixed / np.where(rate_information > 0.0, rate_information, 1.0)
    j = np.arange(data.exceeding.shape[1], dtype=np.float64)
    ratio = j / (1.0 + alpha[:, None] * j)
    exceeding = data.exceeding[rows]
    score = first + ordered_sum(exceeding * ratio)
    curvature = _both_arms(second) - ordered_sum(exceeding * ratio * ratio)
    curvature += regained[0::2] + regained[1::2]
    return score, curvature, _both_arms(mean * mean)


def _both_arms(values: FloatArray) -> FloatArray:
    sums = ordered_sum(values).reshape(-1, 2)
    return sums[:, 0] + sums[:, 1]


def _log_curvature(u: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give h(u) = (log(1+u) - u/(1+u)) / u^2 and its derivative, also near u = 0."""
    small = u < SERIES_BELOW
    v = np.where(small, 1.0, u)
    over = 1.0 / (1.0 + v)
    h = (np.log1p(v) - v * over) / (v * v)
    slope = (over * over - 2.0 * h) / v
    w = np.where(small, u, 0.0)
    near, near_slope = np.zeros_like(u), np.zeros_like(u)
    for m in range(9, 0, -1):  # sum over m of (-u)^m (m+1)/(m+2)
        coefficient = (-1.0) ** m * (m + 1.0) / (m + 2.0)
        near = near * w + coefficient
        near_slope = near_slope * w + m * coefficient
    return np.where(small, near * w + 0.5, h), np.where(small, near_slope, slope)
