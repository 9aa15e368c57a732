"""Cross-over analyses of one table, a row for each patient and period: a batch of one."""

from typing import TYPE_CHECKING

from raresim.analysis.columns import numbers, require
from raresim.analysis.continuous.wilcoxon_test import Distribution
from raresim.analysis.crossover import (
    analysis_of_variance,
    patient_means,
    period_counts,
    preferences,
    reordering,
)
from raresim.analysis.crossover.analysis_of_variance import Contrast
from raresim.analysis.crossover.period_counts import Variance
from raresim.analysis.crossover.reading import binary, read
from raresim.analysis.crossover.signed_rank_test import Zeros
from raresim.analysis.draws import uniforms
from raresim.analysis.rerandomisation.answer import Rerandomised, TwoSided
from raresim.analysis.result import Result
from raresim.analysis.tail_result import TailResult

if TYPE_CHECKING:
    import pandas as pd

LIST_UP_TO = 2**14


def crossover_anova(
    data: "pd.DataFrame",
    *,
    outcome: str,
    patient: str,
    period: str,
    treatment: str,
    treated: object,
    control: object,
    carry_over: bool = False,
    contrast: Contrast = "treatment",
) -> Result:
    """Compare two treatments within patients by least squares; see `batch.crossover_anova`.

    Parameters
    ----------
    data
        One row for each patient and period.
    outcome
        Column of numbers; may be missing.
    patient, period
        Columns that name the patient, and the period in an order that sorts.
    treatment
        Column of the treatment in the period.
    treated, control
        The two values of it to compare.
    carry_over, contrast
        As in `batch.crossover_anova`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit, or a patient has a period twice.

    References
    ----------
    Hills M, Armitage P. Br J Clin Pharmacol 1979;8:7-20.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "who": [1, 1, 2, 2, 3, 3, 4, 4],
    ...         "period": [1, 2] * 4,
    ...         "drug": list("papaapap"),
    ...         "score": [1.0, 2.5, 2.0, 3.1, 4.0, 2.2, 3.0, 2.4],
    ...     }
    ... )
    >>> columns = {"patient": "who", "period": "period", "treatment": "drug"}
    >>> crossover_anova(data, outcome="score", **columns, treated="a", control="p").estimate
    1.25
    """
    table = read(data, outcome, patient, period, treatment, treated, control)
    return analysis_of_variance.crossover_anova(
        *table[:3], carry_over=carry_over, contrast=contrast
    ).row(0)


def crossover_t(
    data: "pd.DataFrame",
    *,
    outcome: str,
    patient: str,
    period: str,
    treatment: str,
    treated: object,
    control: object,
) -> Result:
    """Compare two treatments by the patients' mean differences; see `batch.crossover_t`.

    Takes the columns of `crossover_anova`.

    Raises
    ------
    InputError
        As `crossover_anova`.

    References
    ----------
    Senn S. Cross-over Trials in Clinical Research, 2nd ed 2002, chapter 3.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"who": [1, 1, 2, 2], "t": [1, 2, 1, 2], "rx": list("paap"), "y": [1.0, 2.5, 3.0, 2.1]}
    ... )
    >>> columns = {"patient": "who", "period": "t", "treatment": "rx"}
    >>> crossover_t(data, outcome="y", **columns, treated="a", control="p").estimate
    1.2
    """
    table = read(data, outcome, patient, period, treatment, treated, control)
    return patient_means.crossover_t(*table[:3]).row(0)


def crossover_signed_rank(
    data: "pd.DataFrame",
    *,
    outcome: str,
    patient: str,
    period: str,
    treatment: str,
    treated: object,
    control: object,
    distribution: Distribution = "auto",
    zeros: Zeros = "wilcoxon",
    correction: bool = True,
) -> TailResult:
    """Compare two treatments by signed ranks of the patients' differences; see `signed_rank`.

    Takes the columns of `crossover_anova` and the options of `batch.signed_rank`.

    Raises
    ------
    InputError
        As `crossover_anova` and `batch.signed_rank`.

    References
    ----------
    Wilcoxon F. Biometrics Bull 1945;1:80-83.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"who": [1, 1, 2, 2], "t": [1, 2, 1, 2], "rx": list("paap"), "y": [1.0, 2.5, 3.0, 2.1]}
    ... )
    >>> columns = {"patient": "who", "period": "t", "treatment": "rx"}
    >>> crossover_signed_rank(data, outcome="y", **columns, treated="a", control="p").p
    0.5
    """
    table = read(data, outcome, patient, period, treatment, treated, control)
    return patient_means.crossover_signed_rank(
        *table[:3], distribution=distribution, zeros=zeros, correction=correction
    ).row(0)


def mainland_gart(
    data: "pd.DataFrame",
    *,
    outcome: str,
    patient: str,
    period: str,
    treatment: str,
    treated: object,
    control: object,
) -> TailResult:
    """Compare a binary outcome in AB/BA by the Mainland-Gart test; see `batch.mainland_gart`.

    Takes the columns of `crossover_anova`; the outcome is 1 or 0.

    Raises
    ------
    InputError
        As `crossover_anova`, or if there are not two periods.

    References
    ----------
    Gart JJ. Biometrika 1969;56.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"who": [1, 1, 2, 2], "t": [1, 2, 1, 2], "rx": list("paap"), "y": [0, 1, 1, 0]}
    ... )
    >>> columns = {"patient": "who", "period": "t", "treatment": "rx"}
    >>> mainland_gart(data, outcome="y", **columns, treated="a", control="p").p
    1.0
    """
    table = read(data, outcome, patient, period, treatment, treated, control)
    return preferences.mainland_gart(binary(outcome, table.outcome), *table[1:3]).row(0)


def prescott(
    data: "pd.DataFrame",
    *,
    outcome: str,
    patient: str,
    period: str,
    treatment: str,
    treated: object,
    control: object,
) -> TailResult:
    """Compare a binary outcome in AB/BA by Prescott's exact test; see `batch.prescott`.

    Takes the columns of `crossover_anova`; the outcome is 1 or 0.

    Raises
    ------
    InputError
        As `crossover_anova`, or if there are not two periods.

    References
    ----------
    Prescott RJ. Appl Stat 1981;30.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"who": [1, 1, 2, 2], "t": [1, 2, 1, 2], "rx": list("paap"), "y": [0, 1, 1, 0]}
    ... )
    >>> columns = {"patient": "who", "period": "t", "treatment": "rx"}
    >>> prescott(data, outcome="y", **columns, treated="a", control="p").estimate
    1.0
    """
    table = read(data, outcome, patient, period, treatment, treated, control)
    return preferences.prescott(binary(outcome, table.outcome), *table[1:3]).row(0)


def conditional_poisson(
    data: "pd.DataFrame",
    *,
    count: str,
    exposure: str,
    patient: str,
    period: str,
    treatment: str,
    treated: object,
    control: object,
    periods: bool = True,
    variance: Variance = "robust",
) -> Result:
    """Compare event rates of two treatments within patients; see `batch.conditional_poisson`.

    Parameters
    ----------
    count, exposure
        Columns of the events in a period (may be missing) and of the time they were counted in.
    data, patient, period, treatment, treated, control
        As in `crossover_anova`.
    periods, variance
        As in `batch.conditional_poisson`.

    Raises
    ------
    InputError
        As `crossover_anova`.

    References
    ----------
    Hausman J, Hall BH, Griliches Z. Econometrica 1984;52:909-938.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "who": [1, 1, 2, 2, 3, 3, 4, 4],
    ...         "t": [1, 2] * 4,
    ...         "rx": list("papaapap"),
    ...         "attacks": [5, 2, 3, 1, 1, 4, 2, 5],
    ...         "years": 0.5,
    ...     }
    ... )
    >>> columns = {"patient": "who", "period": "t", "treatment": "rx", "exposure": "years"}
    >>> found = conditional_poisson(data, count="attacks", **columns, treated="a", control="p")
    >>> round(found.estimate, 4)
    -1.0397
    """
    table = read(data, count, patient, period, treatment, treated, control, least=0.0)
    require(data, (exposure,))
    time = table.of(numbers(data, exposure))
    return period_counts.conditional_poisson(
        table.outcome, time, *table[1:3], periods=periods, variance=variance
    ).row(0)


def sign_flip(
    data: "pd.DataFrame",
    *,
    outcome: str,
    patient: str,
    period: str,
    treatment: str,
    treated: object,
    control: object,
    seed: int,
    draws: int = 9999,
    two_sided: TwoSided = "doubled",
    list_up_to: int = LIST_UP_TO,
) -> Rerandomised:
    """Compare two treatments by drawing each cycle's order anew (n-of-1); see `batch.sign_flip`.

    Takes the columns of `crossover_anova`; an even number of periods, two to a cycle.

    Raises
    ------
    InputError
        As `crossover_anova`, or if the number of periods is odd.

    References
    ----------
    Edgington ES, Onghena P. Randomization Tests, 4th ed 2007.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"who": [1, 1, 2, 2], "t": [1, 2, 1, 2], "rx": list("paap"), "y": [1.0, 2.5, 3.0, 2.1]}
    ... )
    >>> columns = {"patient": "who", "period": "t", "treatment": "rx"}
    >>> sign_flip(data, outcome="y", **columns, treated="a", control="p", seed=1).p_greater
    0.25
    """
    table = read(data, outcome, patient, period, treatment, treated, control)
    units = table.outcome.shape[1] * (table.outcome.shape[2] // 2)
    return reordering.sign_flip(
        *table[:3],
        uniforms(seed, "rerandomisation", draws, units),
        two_sided=two_sided,
        list_up_to=list_up_to,
    ).row(0)
