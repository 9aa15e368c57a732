"""Goal attainment scaling: goals of each patient's own, made comparable by a T-score."""

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, ordered_sum
from raresim.analysis.continuous.covariance_analysis import ancova
from raresim.analysis.result import Results
from raresim.errors import InputError

CORRELATION = 0.3  # of goals of one patient, as Kiresuk and Sherman assume


def goal_attainment_t(
    attainment: FloatArray,
    weights: FloatArray | None = None,
    *,
    correlation: float = CORRELATION,
) -> FloatArray:
    """Give the goal attainment T-score of each patient.

    T = 50 + 10 sum w x / sqrt((1 - r) sum w^2 + r (sum w)^2) over the patient's goals, with x
    the attainment (-2 much less than expected to +2 much more, 0 as expected), w the weight and
    r the assumed correlation of goals. T has mean 50 and SD 10 if each x has mean 0 and SD 1.

    Parameters
    ----------
    attainment
        (..., G) -2 to 2, NaN where a patient has no such goal.
    weights
        (..., G) more than 0; all 1 unless given.
    correlation
        Assumed correlation between goals, 0 to 1.

    Returns
    -------
    (...) T-scores; NaN without any goal.

    Raises
    ------
    InputError
        If an attainment, weight or the correlation is out of range.

    References
    ----------
    Kiresuk TJ, Sherman RE. Community Ment Health J 1968;4:443-453.

    Examples
    --------
    >>> import numpy as np
    >>> goal_attainment_t(np.array([[0.0, 0.0, 0.0], [1.0, -1.0, 2.0]])).round(2)
    array([50.  , 59.13])
    """
    scores = np.asarray(attainment, dtype=np.float64)
    there = ~np.isnan(scores)
    own = np.ones_like(scores) if weights is None else np.asarray(weights, dtype=np.float64)
    own = np.broadcast_to(own, scores.shape)
    if np.any(np.abs(scores[there]) > 2.0):
        worst = float(scores[there][np.argmax(np.abs(scores[there]))])
        raise InputError(f"attainment: found {worst:g}; expected -2 to 2.")
    if not np.all(own[there] > 0.0) or not np.all(np.isfinite(own[there])):
        raise InputError("weights: expected a number above 0 for every goal that is scored.")
    if not 0.0 <= correlation <= 1.0:
        raise InputError(f"correlation: found {correlation:g}; expected 0 to 1.")
    own = np.where(there, own, 0.0)
    total, square = ordered_sum(own), ordered_sum(own * own)
    some = np.any(there, axis=-1)
    spread = np.sqrt((1.0 - correlation) * square + correlation * total**2)
    raised = ordered_sum(own * np.where(there, scores, 0.0)) / np.where(some, spread, 1.0)
    return np.where(some, 50.0 + 10.0 * raised, np.nan)


def goal_attainment(
    attainment: FloatArray,
    baseline: FloatArray,
    arm: CodeArray,
    present: BoolArray,
    weights: FloatArray | None = None,
    *,
    correlation: float = CORRELATION,
) -> Results:
    """Compare the goal attainment T-scores of two arms, treated minus control.

    `ancova` of `goal_attainment_t` on the arm and the covariates; without covariates it is the
    t-test with equal variances. Patients without any scored goal are left out with a note.

    Parameters
    ----------
    attainment
        (B, n, G) -2 to 2, NaN where a patient has no such goal.
    baseline
        (B, n, p) covariates, NaN if missing; p may be 0 (as baseline T is often the same for all).
    arm
        (B, n) 0 control, 1 treated.
    present
        (B, n) False for padding.
    weights
        (B, n, G) more than 0; all 1 unless given.
    correlation
        Assumed correlation between goals.

    Raises
    ------
    InputError
        If an attainment, weight or the correlation is out of range.

    References
    ----------
    Kiresuk TJ, Sherman RE. Community Ment Health J 1968;4:443-453.

    Examples
    --------
    >>> import numpy as np
    >>> attainment = np.array([[[0, -1], [-1, -1], [0, 1], [1, 1], [2, 0], [1, 0]]], dtype=float)
    >>> arm = np.array([[0, 0, 0, 1, 1, 1]])
    >>> none = np.empty((1, 6, 0))
    >>> goal_attainment(attainment, none, arm, np.ones((1, 6), dtype=bool)).estimate.round(3)
    array([14.471])
    """
    score = np.where(present[:, :, None], attainment, np.nan)
    t = goal_attainment_t(score, weights, correlation=correlation)
    return ancova(t, baseline, arm, present)
