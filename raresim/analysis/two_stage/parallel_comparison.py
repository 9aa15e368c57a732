"""Sequential parallel comparison design (SPCD): two stages' differences, weighed together."""

from dataclasses import replace
from typing import Literal

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray
from raresim.analysis.continuous.t_tests import two_sample_t
from raresim.analysis.left_out import left_out
from raresim.analysis.notes import Note
from raresim.analysis.result import Results, wald_results
from raresim.errors import InputError

SMALL_TRIAL, LARGE_TRIAL = 50, 150  # patients in stage 1; see the sizes in `spcd_responses`
StageVariance = Literal["separate", "pooled", "spcdanalyze"]


def combined_stages(first: Results, second: Results, weight: float) -> Results:
    """Weigh the differences of two stages together: h = w d1 + (1 - w) d2.

    The variance is w^2 se1^2 + (1 - w)^2 se2^2: if stage 2 randomises anew, its difference is
    uncorrelated with that of stage 1, although some patients are in both (Chen et al.). Compared
    with t and Satterthwaite's degrees of freedom (SPCDAnalyze's), the normal where both stages
    are. The notes of both stages are kept; a stage without an answer leaves the whole without one.

    Parameters
    ----------
    first, second
        Any two comparisons whose estimate is a difference on the same scale: `two_sample_t`,
        `ancova` or `mmrm` of the patients randomised in each stage.
    weight
        Weight w of stage 1, 0 to 1, fixed before the trial.

    Raises
    ------
    InputError
        If the weight is not from 0 to 1.

    References
    ----------
    Fava M, Evins AE, Dorer DJ, Schoenfeld DA. Psychother Psychosom 2003;72:115-127. Chen YF, Yang
    Y, Hung HMJ, Wang SJ. Contemp Clin Trials 2011;32:592-604.

    Examples
    --------
    >>> import numpy as np
    >>> from raresim.analysis.batch import two_sample_t
    >>> outcome = np.array([[1.0, 1.5, 1.4, 2.0, 2.6, 2.8]])
    >>> arm = np.array([[0, 0, 0, 1, 1, 1]])
    >>> one = two_sample_t(outcome, arm, np.ones((1, 6), dtype=bool), variances="equal")
    >>> combined_stages(one, one, 0.5).df
    array([8.])
    """
    if not 0.0 <= weight <= 1.0:
        raise InputError(f"weight: found {weight!r}; expected a weight from 0 to 1.")
    shares = (weight, 1.0 - weight)
    parts = [(share * fit.se) ** 2 for share, fit in zip(shares, (first, second), strict=True)]
    variance = parts[0] + parts[1]
    spread = np.zeros(variance.shape)
    for part, fit in zip(parts, (first, second), strict=True):
        # infinite degrees of freedom add nothing
        spread = spread + part * part / np.where(fit.df > 0.0, fit.df, 1.0)
    df = np.where(spread > 0.0, variance**2 / np.where(spread > 0.0, spread, 1.0), np.inf)
    both = first.converged & second.converged
    return wald_results(
        method=f"weighted stages ({first.method})",
        measure=f"weighted {first.measure}",
        estimate=weight * first.estimate + (1.0 - weight) * second.estimate,
        se=np.sqrt(variance),
        converged=both,
        used=first.used,
        left_out=first.left_out,
        notes=(first.notes | second.notes & ~int(Note.ONE_ARM_EMPTY))
        + Note.STAGE_WITHOUT_COMPARISON * ~both,
        df=df,
    )


def spcd_means(
    outcome_1: FloatArray,
    arm_1: CodeArray,
    outcome_2: FloatArray,
    arm_2: CodeArray,
    second: BoolArray,
    present: BoolArray,
    *,
    weight: float = 0.5,
    variances: Literal["unequal", "equal"] = "unequal",
) -> Results:
    """Estimate the weighted mean difference of a sequential parallel comparison design.

    In each stage `two_sample_t`, then `combined_stages`. For covariates or repeated measures,
    combine two fits of `ancova` or `mmrm` in the same way.

    Simulated two-sided size in per cent at the nominal 5 %, n patients, two of three on placebo, of
    whom about half go on, normal errors (20,000 trials, Monte Carlo se 0.15), n = 12, 20, 40 and
    60: 3.7, 4.8, 4.7, 4.9 ("unequal") and 5.6, 5.5, 4.9, 5.0 ("equal"); lognormal 2.4, 3.2, 3.7,
    4.2 and 4.9, 4.2, 4.2, 4.4.

    Parameters
    ----------
    outcome_1, outcome_2
        (B, n) outcome of each patient in the two stages (of stage 2: its own change), NaN if
        missing.
    arm_1, arm_2
        (B, n) 0 placebo, 1 drug in each stage.
    second
        (B, n) who counts in stage 2: non-responders to placebo who were randomised anew.
    present
        (B, n) False for padding.
    weight
        Weight of stage 1.
    variances
        "unequal" (Welch) or "equal", within a stage.

    Raises
    ------
    InputError
        If the weight is not from 0 to 1, or ``variances`` is unknown.

    References
    ----------
    As `combined_stages`; Tamura RN, Huang X. Clin Trials 2007;4:309-317.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[1.0, 1.5, 1.4, 0.8, 2.0, 2.6, 2.8]])
    >>> arm_1, arm_2 = np.array([[0, 0, 0, 0, 1, 1, 1]]), np.array([[0, 0, 1, 1, 0, 0, 0]])
    >>> again = np.array([[0.4, 0.6, 1.4, 1.0, 0.0, 0.0, 0.0]])
    >>> here = np.ones((1, 7), dtype=bool)
    >>> spcd_means(outcome, arm_1, again, arm_2, (arm_1 == 0), here, variances="equal").row(0)
    weighted stages (two-sample t-test): weighted mean difference 0.9958 \
(95 % CI 0.5673 to 1.424)
      se 0.1793, t(6.65455) = 5.553, p = 0.001019, 7 patients
      Small trial: the size may not be the nominal; re-randomising the same statistic keeps it.
    """
    _check(arm_1, arm_2, second, present)
    one = two_sample_t(outcome_1, arm_1, present, variances=variances)
    two = two_sample_t(outcome_2, arm_2, present & second, variances=variances)
    return combined_stages(one, two, weight)


def spcd_responses(
    response_1: FloatArray,
    arm_1: CodeArray,
    response_2: FloatArray,
    arm_2: CodeArray,
    second: BoolArray,
    present: BoolArray,
    *,
    weight: float = 0.5,
    variance: StageVariance = "pooled",
) -> Results:
    """Estimate the weighted risk difference of a sequential parallel comparison design.

    h = w (p1 - q1) + (1 - w) (p2 - q2), p on the drug and q on placebo in stages 1 and 2. Its
    variance adds w^2 V1 and (1 - w)^2 V2 (see `combined_stages`); test and interval with the
    normal. By ``variance`` a stage has

    "separate"
        p (1 - p)/n + q (1 - q)/m (Fava et al.): Wald's test.
    "pooled"
        r (1 - r)(1/n + 1/m), r the share of both arms: that of the null hypothesis.
    "spcdanalyze"
        as "separate" with half of placebo's part in stage 1, as ``SPCDbinary`` of the R package
        SPCDAnalyze 0.1.0 has it; its size is the farthest above the nominal.

    Simulated two-sided size in per cent at the nominal 5 %, n patients, two of three on placebo, of
    whom 35 % respond (28 % in stage 2), w = 1/2 (20,000 trials, Monte Carlo se 0.15):

        n               12     20     40     60    100    150
        pooled         4.9    5.7    5.4    5.4    5.1    5.1
        separate       6.4    9.0    7.1    6.4    5.7    5.6
        spcdanalyze    8.2   10.1    7.9    7.3    6.5    6.5

    With fewer than 50 patients in stage 1 the note RERANDOMISE is attached, and SIZE_ABOVE_NOMINAL
    with fewer than 150 to variances that are not pooled.

    Parameters
    ----------
    response_1, response_2
        (B, n) 1 for a response in the stage, 0 for none, NaN if missing.
    arm_1, arm_2, second, present, weight
        As in `spcd_means`.
    variance
        See above.

    Raises
    ------
    InputError
        If the weight is not from 0 to 1, or ``variance`` is unknown.

    References
    ----------
    Fava M, Evins AE, Dorer DJ, Schoenfeld DA. Psychother Psychosom 2003;72:115-127. Tamura RN,
    Huang X. Clin Trials 2007;4:309-317.

    Examples
    --------
    >>> import numpy as np
    >>> first = np.array([[1, 0, 0, 0, 0, 0, 1, 1, 0, 1]], dtype=float)
    >>> again = np.array([[0, 0, 1, 0, 1, 1, 0, 0, 0, 0]], dtype=float)
    >>> arm_1, arm_2 = np.array([[0] * 6 + [1] * 4]), np.array([[0, 0, 0, 1, 1, 1, 0, 0, 0, 0]])
    >>> second, here = (arm_1 == 0) & (first == 0), np.ones((1, 10), dtype=bool)
    >>> spcd_responses(first, arm_1, again, arm_2, second, here).row(0)
    weighted stages (pooled variances): weighted risk difference 0.375 \
(95 % CI -0.1618 to 0.9118)
      se 0.2739, z = 1.369, p = 0.1709, 10 patients
      Small trial: the size may not be the nominal; re-randomising the same statistic keeps it.
    """
    _check(arm_1, arm_2, second, present)
    if variance not in ("separate", "pooled", "spcdanalyze"):
        expected = "'separate', 'pooled' or 'spcdanalyze'"
        raise InputError(f"variance: found {variance!r}; expected {expected}.")
    pooled = variance == "pooled"
    half = 0.5 if variance == "spcdanalyze" else 1.0
    one = _risk_difference(response_1, arm_1, present, pooled, half)
    two = _risk_difference(response_2, arm_2, present & second, pooled, 1.0)
    found = combined_stages(one, two, weight)
    notes = (
        found.notes
        + Note.RERANDOMISE * (one.used < SMALL_TRIAL)
        + Note.SIZE_ABOVE_NOMINAL * ((one.used < LARGE_TRIAL) & np.bool_(not pooled))
    )
    return replace(found, method=f"weighted stages ({variance} variances)", notes=notes)


def _risk_difference(
    response: FloatArray, arm: CodeArray, present: BoolArray, pooled: bool, placebo_share: float
) -> Results:
    missing = present & np.isnan(response)
    used = present & ~missing
    number, share = [], []
    for code in (0, 1):
        side = used & (arm == code)
        number.append(np.count_nonzero(side, axis=1))
        events = np.count_nonzero(side & (response == 1.0), axis=1)
        share.append(events / np.maximum(number[code], 1))
    rates = share
    if pooled:
        events = share[0] * number[0] + share[1] * number[1]
        rates = [events / np.maximum(number[0] + number[1], 1)] * 2
    part = [p * (1.0 - p) / np.maximum(n, 1) for p, n in zip(rates, number, strict=True)]
    variance = placebo_share * part[0] + part[1]
    both = (number[0] > 0) & (number[1] > 0)
    notes: IntArray = Note.ONE_ARM_EMPTY * ~both + Note.VARIANCE_NOT_ESTIMABLE * (
        both & ~(variance > 0.0)
    )
    return wald_results(
        method="risk difference",
        measure="risk difference",
        estimate=share[1] - share[0],
        se=np.sqrt(variance),
        converged=both,
        used=number[0] + number[1],
        notes=notes,
        left_out=left_out(outcome=missing),
    )


def _check(arm_1: CodeArray, arm_2: CodeArray, second: BoolArray, present: BoolArray) -> None:
    shapes = {array.shape for array in (arm_1, arm_2, second, present)}
    if len(shapes) != 1 or present.ndim != 2:
        found = ", ".join(map(str, sorted(shapes)))
        raise InputError(
            f"arm_1, arm_2, second, present: found the shapes {found}; expected (trials, patients)."
        )
