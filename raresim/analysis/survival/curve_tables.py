"""Curves of one table of patients, and comparisons of them at a time or up to one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from raresim.analysis.columns import (
    all_present,
    covariates_of,
    flags,
    numbers,
    require,
    several,
    strata_codes,
)
from raresim.analysis.result import Result
from raresim.analysis.survival import (
    aalen_johansen,
    adjusted_restricted_mean,
    gray,
    milestone,
    product_limit,
    restricted_mean,
)
from raresim.analysis.survival.aalen_johansen import IncidenceCurves, Variance
from raresim.analysis.survival.curve_intervals import Scale
from raresim.analysis.survival.group_log_rank import GroupTest
from raresim.analysis.survival.patients import causes, group_codes, patients
from raresim.analysis.survival.product_limit import SurvivalCurves
from raresim.analysis.survival.restricted_mean import Contrast

if TYPE_CHECKING:
    import pandas as pd


def kaplan_meier(
    data: "pd.DataFrame", *, time: str, event: str, tied_one_by_one: bool = False
) -> SurvivalCurves:
    """Estimate the survival curve of all rows; see `batch.kaplan_meier`.

    Give the rows of one arm for the curve of that arm. The answer is a batch of one: `at`,
    `quantile` and `limits` give arrays with one row.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Kaplan EL, Meier P. J Am Stat Assoc 1958;53:457-481.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"days": [9, 13, 18, 28, 31, 45], "relapse": [1, 1, 1, 0, 1, 0], "arm": list("ppapaa")}
    ... )
    >>> curve = kaplan_meier(data, time="days", event="relapse")
    >>> curve
    Kaplan-Meier curve: 6 patients, 4 events, median 24.5 (95 % CI 13 to inf)
    >>> curve.at(20, "log-log").low.round(4)
    array([0.1109])
    """
    require(data, (time, event))
    here = all_present(len(data))
    when, observed = numbers(data, time)[None], flags(data, event)[None]
    return product_limit.kaplan_meier(when, observed, here, tied_one_by_one=tied_one_by_one)


def rmst(
    data: "pd.DataFrame",
    *,
    time: str,
    event: str,
    arm: str,
    control: object,
    tau: float | None = None,
    contrast: Contrast = "difference",
    covariates: Sequence[str] = (),
) -> Result:
    """Compare restricted mean survival times; see `batch.rmst` and `batch.rmst_adjusted`.

    Takes the columns of `logrank`.

    Parameters
    ----------
    tau
        Horizon; without it the longest that both curves reach.
    contrast
        "difference", "ratio" or "lost ratio"; the ratios are logarithms.
    covariates
        Columns of numbers to adjust for; patients without one of them are left out.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit, or tau is not above 0.

    References
    ----------
    Uno H et al. J Clin Oncol 2014;32:2380-2385. Tian L, Zhao L, Wei LJ. Biostatistics
    2014;15:222-233.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"days": [9, 13, 18, 28, 31, 45], "relapse": [1, 1, 1, 0, 1, 0], "arm": list("ppapaa")}
    ... )
    >>> rmst(data, time="days", event="relapse", arm="arm", control="p", tau=28)
    restricted mean survival: difference in mean 8 (95 % CI -2.682 to 18.68)
      se 5.45, z = 1.468, p = 0.1421, 6 patients
      Small trial: this asymptotic test can exceed its nominal size; re-randomisation keeps it.
      The permutation log-rank test keeps its level however few the patients.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 5.2 to 10.8 %.
    """
    columns = patients(data, time, event, arm, control, (), covariates)[:4]
    extra = covariates_of(data, covariates)
    if extra is None:
        return restricted_mean.rmst(*columns, tau, contrast).row(0)
    return adjusted_restricted_mean.rmst_adjusted(*columns, extra, tau, contrast).row(0)


def milestone_survival(
    data: "pd.DataFrame",
    *,
    time: str,
    event: str,
    arm: str,
    control: object,
    at: float,
    scale: Scale = "plain",
) -> Result:
    """Compare survival at one time; see `batch.milestone_survival`.

    Takes the columns of `logrank`, the time ``at`` and the scale of the comparison.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Klein JP, Logan B, Harhoff M, Andersen PK. Stat Med 2007;26:4505-4519.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"days": [9, 13, 18, 28, 31, 45], "relapse": [1, 1, 1, 0, 1, 0], "arm": list("ppapaa")}
    ... )
    >>> milestone_survival(data, time="days", event="relapse", arm="arm", control="p", at=20)
    milestone survival: difference in survival 0.3333 (95 % CI -0.4211 to 1.088)
      se 0.3849, z = 0.866, p = 0.3865, 6 patients
      Small trial: this asymptotic test can exceed its nominal size; re-randomisation keeps it.
      The permutation log-rank test keeps its level however few the patients.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 0.0 to 4.8 %.
    """
    columns = patients(data, time, event, arm, control)[:4]
    return milestone.milestone_survival(*columns, at, scale).row(0)


def cumulative_incidence(
    data: "pd.DataFrame", *, time: str, cause: str, of: int = 1, variance: Variance = "aalen"
) -> IncidenceCurves:
    """Estimate the cumulative incidence of a cause in all rows; see `batch.cumulative_incidence`.

    Parameters
    ----------
    cause
        Column of the cause of the first event, a whole number; 0 is censored.
    of
        The cause asked for.
    variance
        "aalen", "delta" or "jackknife".

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Aalen OO, Johansen S. Scand J Stat 1978;5:141-150.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"days": [9, 13, 18, 28, 31, 45], "cause": [1, 2, 1, 0, 1, 0]})
    >>> cumulative_incidence(data, time="days", cause="cause")
    cumulative incidence: 6 patients, 3 events of the cause, 1 of others; 0.5833 (se 0.2954) at 45
    """
    require(data, (time, cause))
    return aalen_johansen.cumulative_incidence(
        numbers(data, time)[None],
        causes(data, cause, of)[None],
        all_present(len(data)),
        of,
        variance,
    )


def gray_test(
    data: "pd.DataFrame",
    *,
    time: str,
    cause: str,
    group: str,
    strata: Sequence[str] = (),
    of: int = 1,
    rho: float = 0.0,
) -> GroupTest:
    """Compare groups' cumulative incidence of a cause by Gray's test; see `batch.gray_test`.

    Takes the columns of `cumulative_incidence`, a column of two or more groups and strata.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Gray RJ. Ann Stat 1988;16:1141-1154.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"days": [9, 13, 18, 28, 31, 45], "cause": [1, 2, 1, 0, 1, 0], "arm": list("ppapaa")}
    ... )
    >>> gray_test(data, time="days", cause="cause", group="arm")
    Gray's test: chi-square(1) = 0.0179, p = 0.8936, 6 patients
    """
    require(data, (time, cause, group, *several(strata)))
    codes, number = group_codes(data, group)
    stratum = strata_codes(data, strata)
    return gray.gray_test(
        numbers(data, time)[None],
        causes(data, cause, of)[None],
        codes[None],
        all_present(len(data)),
        None if stratum is None else stratum[None],
        groups=number,
        of=of,
        rho=rho,
    )
