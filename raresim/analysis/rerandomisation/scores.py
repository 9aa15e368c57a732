"""Scores of patients, made without their arms, whose sums re-randomisation compares."""

import numpy as np

from raresim.alike import pick
from raresim.analysis.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    NumberArray,
    ordered_sum,
)
from raresim.analysis.continuous.covariance_analysis import COLLINEAR
from raresim.analysis.survival.risk_sets import risk_sets


def rank_scores(outcome: FloatArray, present: BoolArray) -> FloatArray:
    """Rank the outcomes (B, n) of each row from 1, ties by their mean rank; NaN where missing.

    The sum over the treated is Wilcoxon's rank sum.

    Examples
    --------
    >>> rank_scores(np.array([[3.0, 1.0, 3.0, np.nan]]), np.ones((1, 4), dtype=bool))
    array([[2.5, 1. , 2.5, nan]])
    """
    known = present & ~np.isnan(outcome)
    values = np.where(known, outcome, np.inf)
    order = np.sort(values, axis=1)
    found = np.full(outcome.shape, np.nan)
    for b in range(len(outcome)):
        low = np.searchsorted(order[b], values[b], side="left")
        high = np.searchsorted(order[b], values[b], side="right")
        found[b] = (low + high + 1) / 2.0
    return np.where(known, found, np.nan)


def logrank_scores(
    time: NumberArray, event: BoolArray, present: BoolArray, stratum: CodeArray | None = None
) -> FloatArray:
    """Give each patient's log-rank score: event less cumulative hazard (Nelson-Aalen), (B, n).

    The cumulative hazard is that of everybody in the patient's stratum. The sum over the treated is
    the observed less the expected number of events of the log-rank test, whoever the treated are.

    References
    ----------
    Peto R, Peto J. J R Stat Soc A 1972;135:185-207.

    Examples
    --------
    >>> time, event = np.array([[1, 2, 3]]), np.array([[True, True, False]])
    >>> logrank_scores(time, event, np.ones((1, 3), dtype=bool)).round(4)
    array([[ 0.6667,  0.1667, -0.8333]])
    """
    event = event & present
    sets = risk_sets(time, event, np.zeros(time.shape, dtype=np.bool_), present, stratum)
    hazard = np.zeros((len(time), sets.real.shape[1] + 1))
    share = np.where(sets.real, 1.0 / np.where(sets.real, sets.at_risk_0, 1.0), 0.0)
    np.cumsum(share, axis=1, out=hazard[:, 1:])
    through = np.zeros(time.shape, dtype=np.int64)
    np.put_along_axis(through, sets.order, sets.events_through, axis=1)
    earlier = np.zeros(time.shape, dtype=np.int64)  # events of the strata sorted before
    if stratum is not None:
        of_event = pick(stratum, sets.record)[:, None, :]
        before = (of_event < stratum[:, :, None]) & sets.real[:, None, :]
        earlier = np.count_nonzero(before, axis=2)
    found = np.where(event, 1.0, 0.0) - (pick(hazard, through) - pick(hazard, earlier))
    return np.where(present, found, np.nan)


def residual_scores(outcome: FloatArray, baseline: FloatArray, present: BoolArray) -> FloatArray:
    """Give the residuals (B, n) of least squares of the outcome on the covariates (B, n, p).

    The arm is not in the model: under the null hypothesis it is not needed, and so the residuals
    stay as they are when the arms are drawn again. NaN where the outcome or a covariate is
    missing. A covariate that the others explain changes nothing.

    References
    ----------
    Gail MH, Tan WY, Piantadosi S. Biometrika 1988;75:57-64.

    Examples
    --------
    >>> outcome, baseline = np.array([[1.0, 2.0, 4.0]]), np.array([[[1.0], [2.0], [3.0]]])
    >>> residual_scores(outcome, baseline, np.ones((1, 3), dtype=bool)).round(4)
    array([[ 0.1667, -0.3333,  0.1667]])
    """
    known = present & ~np.isnan(outcome) & ~np.any(np.isnan(baseline), axis=2)
    number = np.maximum(np.count_nonzero(known, axis=1), 1)[:, None]
    left = np.where(known, outcome, 0.0)
    left = np.where(known, left - ordered_sum(left)[:, None] / number, 0.0)
    columns: list[FloatArray] = []
    for j in range(baseline.shape[2]):
        column = np.where(known, baseline[:, :, j], 0.0)
        length = ordered_sum(column * column)
        column = np.where(known, column - ordered_sum(column)[:, None] / number, 0.0)
        for other in columns:
            column = column - ordered_sum(column * other)[:, None] * other
        own = ordered_sum(column * column)
        new = own > COLLINEAR**2 * length
        column = np.where(new[:, None], column / np.sqrt(np.where(new, own, 1.0))[:, None], 0.0)
        columns.append(column)
        left = left - ordered_sum(column * left)[:, None] * column
    return np.where(known, left, np.nan)
