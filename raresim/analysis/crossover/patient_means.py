"""Each patient's own difference between two treatments, and its tests over patients."""

from dataclasses import replace

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray
from raresim.analysis.continuous.t_tests import paired_t
from raresim.analysis.continuous.wilcoxon_test import Distribution
from raresim.analysis.crossover.periods import (
    check_contrast,
    check_shapes,
    observed,
    over_periods,
)
from raresim.analysis.crossover.signed_rank_test import Zeros, signed_rank
from raresim.analysis.result import Results
from raresim.analysis.tail_result import TailResults


def patient_means(
    outcome: FloatArray, treatment: CodeArray, present: BoolArray, code: int
) -> FloatArray:
    """Give the mean outcome of each patient over the periods on a treatment, NaN without any.

    Parameters
    ----------
    outcome, treatment, present
        As in `crossover_anova`.
    code
        Number of the treatment.

    Returns
    -------
    (B, n).

    Examples
    --------
    >>> import numpy as np
    >>> outcome, order = np.array([[[1.0, 3.0, 9.0]]]), np.array([[[0, 0, 1]]])
    >>> patient_means(outcome, order, np.ones((1, 1), dtype=bool), 0)
    array([[2.]])
    """
    check_shapes(outcome, treatment, present)
    here = observed(outcome, treatment, present) & (treatment == code)
    number = np.count_nonzero(here, axis=2)
    total = over_periods(np.where(here, outcome, 0.0))
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def crossover_t(
    outcome: FloatArray,
    treatment: CodeArray,
    present: BoolArray,
    *,
    treated: int = 1,
    control: int = 0,
) -> Results:
    """Test the mean over patients of each one's difference between two treatments.

    The one-sample t-test of the patients' differences of means: n - 1 degrees of freedom. It
    allows patients to differ in their treatment effect, as an average over the patients it is
    right for (aggregated n-of-1 trials); with one period on each treatment it is the paired
    t-test. Effects of periods are not removed: they cancel where treatments are balanced over
    periods, and add to the error where they are randomised. Patients weigh alike, however many
    periods they have; who lacks one of the treatments is left out with a note.

    Parameters
    ----------
    outcome, treatment, present, treated, control
        As in `crossover_anova`.

    Raises
    ------
    InputError
        If shapes do not fit, or a treatment is compared with itself.

    References
    ----------
    Senn S. Cross-over Trials in Clinical Research, 2nd ed 2002, chapter 3. Zucker DR, Ruthazer R,
    Schmid CH. J Clin Epidemiol 2010;63:1312-1323.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[[1.0, 2.5], [2.0, 3.1], [4.0, 2.2], [3.0, 2.4]]])
    >>> order = np.array([[[0, 1], [0, 1], [1, 0], [1, 0]]])
    >>> crossover_t(outcome, order, np.ones((1, 4), dtype=bool)).row(0)
    t-test of patients' differences: mean difference 1.25 (95 % CI 0.4232 to 2.077)
      se 0.2598, t(3) = 4.811, p = 0.0171, 4 patients
    """
    check_contrast(treated, control)
    after, before = (patient_means(outcome, treatment, present, k) for k in (treated, control))
    return replace(paired_t(after, before, present), method="t-test of patients' differences")


def crossover_signed_rank(
    outcome: FloatArray,
    treatment: CodeArray,
    present: BoolArray,
    *,
    treated: int = 1,
    control: int = 0,
    distribution: Distribution = "auto",
    zeros: Zeros = "wilcoxon",
    correction: bool = True,
) -> TailResults:
    """Test by signed ranks of each patient's difference between the means of two treatments.

    Takes the arguments of `crossover_t` for the differences and those of `signed_rank` for the
    test.

    Raises
    ------
    InputError
        As `crossover_t` and `signed_rank`.

    References
    ----------
    Wilcoxon F. Biometrics Bull 1945;1:80-83.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[[1.0, 2.5], [2.0, 3.1], [4.0, 2.2], [3.0, 2.4]]])
    >>> order = np.array([[[0, 1], [0, 1], [1, 0], [1, 0]]])
    >>> crossover_signed_rank(outcome, order, np.ones((1, 4), dtype=bool)).row(0).p
    0.125
    """
    check_contrast(treated, control)
    after, before = (patient_means(outcome, treatment, present, k) for k in (treated, control))
    return signed_rank(
        after, before, present, distribution=distribution, zeros=zeros, correction=correction
    )
