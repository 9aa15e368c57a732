"""The exact partial likelihood of tied events for two arms: of all ways to choose who has them.

Of n1 treated and n0 controls at risk d have an event at the same time, k of them treated. Given d,
the chance of k is that of Fisher's noncentral hypergeometric distribution,

    C(n1, k) C(n0, d - k) e^(k beta) / sum over j of C(n1, j) C(n0, d - j) e^(j beta)

so that the score is the sum of k - E(k) over the times and the information that of Var(k); beta is
the log odds ratio of Cox's discrete model, and the log hazard ratio where nothing is tied.
Source: Cox DR. J R Stat Soc B 1972;34:187-220, section 6; Kalbfleisch JD, Prentice RL. The
Statistical Analysis of Failure Time Data, Wiley 2002, section 4.3 (R's ``ties = "exact"``).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray, ordered_sum
from raresim.analysis.newton import solve_score
from raresim.analysis.survival.risk_sets import RiskSets


@dataclass(frozen=True)
class DiscreteLikelihood:
    """Where the likelihood of each row is largest; arrays (B,) as in `PartialLikelihood`.

    ``loglik_null`` and ``loglik`` are its logarithms at 0 and there.
    """

    beta: FloatArray
    information: FloatArray
    loglik_null: FloatArray
    loglik: FloatArray
    finite: BoolArray
    converged: BoolArray


def maximise_discrete(sets: RiskSets) -> DiscreteLikelihood:
    """Maximise the exact partial likelihood of each row."""
    opens = sets.opens
    events, treated = (np.where(opens, x, 0.0) for x in (sets.events, sets.having_1))
    lowest = np.where(opens, np.maximum(0.0, events - sets.at_risk_0), 0.0)
    highest = np.where(opens, np.minimum(events, sets.at_risk_1), 0.0)
    finite = (ordered_sum(treated) > ordered_sum(lowest)) & (
        ordered_sum(treated) < ordered_sum(highest)
    )
    numbers = np.arange(int(events.max(initial=0.0)) + 1, dtype=np.float64)
    weights = _log_ways(sets, events, numbers, lowest, highest)

    def score(beta: FloatArray, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        mean, variance = _moments(weights[rows] + beta[:, None, None] * numbers, numbers)
        return ordered_sum(treated[rows] - mean), ordered_sum(variance)

    rows = np.flatnonzero(finite)
    beta, converged = np.zeros(finite.shape), np.zeros(finite.shape, dtype=np.bool_)
    beta[rows], converged[rows] = solve_score(score, beta[rows], rows)
    _, information = score(beta, np.arange(beta.size))
    null, top = (
        _loglik(weights, at, treated, numbers, opens) for at in (np.zeros(beta.shape), beta)
    )
    return DiscreteLikelihood(beta, information, null, top, finite, converged)


def _loglik(
    weights: FloatArray,
    beta: FloatArray,
    treated: FloatArray,
    numbers: FloatArray,
    opens: BoolArray,
) -> FloatArray:
    """Add the logarithms of the chance of who had the events, given how many did."""
    logs = weights + beta[:, None, None] * numbers
    most = np.max(logs, axis=-1)
    total = most + np.log(ordered_sum(np.exp(logs - most[..., None])))
    return ordered_sum(np.where(opens, beta[:, None] * treated - total, 0.0))


def _log_ways(
    sets: RiskSets, events: FloatArray, numbers: FloatArray, lowest: FloatArray, highest: FloatArray
) -> FloatArray:
    """Give log C(n1, j) C(n0, d - j), (B, E, j); minus infinity where that is no way."""
    n1, n0, d = (x[:, :, None] for x in (sets.at_risk_1, sets.at_risk_0, events))
    possible = (numbers >= lowest[:, :, None]) & (numbers <= highest[:, :, None])
    j = np.where(possible, numbers, lowest[:, :, None])
    empty = np.where(sets.opens[:, :, None], 0.0, 1.0)  # padding has nobody at risk
    ways = _log_choose(n1 + empty, j) + _log_choose(n0 + empty, d - j)
    return np.where(possible, ways, -np.inf)


def _log_choose(n: FloatArray, k: FloatArray) -> FloatArray:
    found: FloatArray = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return found


def _moments(logs: FloatArray, numbers: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give mean and variance of the number with these log weights (..., j)."""
    chances = np.exp(logs - np.max(logs, axis=-1, keepdims=True))
    chances = chances / ordered_sum(chances)[..., None]
    mean = ordered_sum(chances * numbers)
    return mean, ordered_sum(chances * (numbers - mean[..., None]) ** 2)
