"""Rank tests of one table of patients: a batch of one given to its kernel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from raresim.analysis.arrays import CodeArray
from raresim.analysis.columns import all_present, flags, numbers, require, several, strata_codes
from raresim.analysis.result import Result
from raresim.analysis.survival import (
    combined_weights,
    group_log_rank,
    log_rank,
    permutation_log_rank,
)
from raresim.analysis.survival.combined_weights import MAX_COMBO, Alternative, MaxCombo
from raresim.analysis.survival.group_log_rank import GroupTest
from raresim.analysis.survival.patients import group_codes, patients
from raresim.analysis.survival.weights import Weight
from raresim.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def logrank(
    data: "pd.DataFrame",
    *,
    time: str,
    event: str,
    arm: str,
    control: object,
    strata: Sequence[str] = (),
    weight: Weight | None = None,
) -> Result:
    """Compare two arms by the (stratified, weighted) log-rank test; see `batch.logrank`.

    Parameters
    ----------
    data
        One row for each patient.
    time
        Column of the follow-up until the event or censoring, 0 or more, in any unit.
    event
        Column of 1 (event) or 0 (censored).
    arm
        Column of the arm; exactly two arms.
    control
        The value of ``arm`` that is the control.
    strata
        Columns whose combinations are the strata.
    weight
        `FlemingHarrington`, `TaroneWare`, `PetoPeto` or `ModestlyWeighted`; none weighs 1.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Mantel N. Cancer Chemother Rep 1966;50:163-170.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"days": [9, 13, 18, 28, 31, 45], "relapse": [1, 1, 1, 0, 1, 0], "arm": list("ppapaa")}
    ... )
    >>> logrank(data, time="days", event="relapse", arm="arm", control="p")
    log-rank test: log hazard ratio -1.255 (95 % CI -3.636 to 1.127)
      se 1.215, z = -1.033, p = 0.3018, 6 patients
      Small trial: this asymptotic test can exceed its nominal size; re-randomisation keeps it.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 1.3 to 5.6 %.
    """
    columns = patients(data, time, event, arm, control, strata)
    return log_rank.logrank(*columns, weight).row(0)


def max_combo(
    data: "pd.DataFrame",
    *,
    time: str,
    event: str,
    arm: str,
    control: object,
    strata: Sequence[str] = (),
    weights: Sequence[Weight] = MAX_COMBO,
    alternative: Alternative = "two-sided",
) -> MaxCombo:
    """Compare two arms by the largest of several weighted log-rank tests; see `batch.max_combo`.

    Takes the columns of `logrank`.

    Parameters
    ----------
    weights
        One to four; Fleming-Harrington (0,0), (0,1), (1,0) and (1,1) if not given.
    alternative
        "two-sided", "less" (hazard under treatment) or "greater".

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit, or there are too many weights.

    References
    ----------
    Lin RS et al. Stat Biopharm Res 2020;12:187-198.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"days": [9, 13, 18, 28, 31, 45], "relapse": [1, 1, 1, 0, 1, 0], "arm": list("ppapaa")}
    ... )
    >>> columns = {"time": "days", "event": "relapse", "arm": "arm", "control": "p"}
    >>> max_combo(data, **columns, weights=MAX_COMBO[:3])
    MaxCombo test (two-sided): z = -1.179 of (-1.033, -0.1005, -1.179), p = 0.3738, 6 patients
      Small trial: this asymptotic test can exceed its nominal size; re-randomisation keeps it.
      The permutation log-rank test keeps its level however few the patients.
    """
    columns = patients(data, time, event, arm, control, strata)
    return combined_weights.max_combo(*columns, weights, alternative)


def logrank_groups(
    data: "pd.DataFrame",
    *,
    time: str,
    event: str,
    group: str,
    strata: Sequence[str] = (),
    weight: Weight | None = None,
) -> GroupTest:
    """Compare several groups by the log-rank test; see `batch.logrank_groups`.

    Takes the columns of `logrank`, and instead of the arm a column of two or more groups, which
    are put in the order of their values.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Klein JP, Moeschberger ML. Survival Analysis, 2nd ed, Springer 2003, section 7.3.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"days": [9, 13, 18, 28, 31, 45], "relapse": [1, 1, 1, 0, 1, 0], "dose": list("001122")}
    ... )
    >>> logrank_groups(data, time="days", event="relapse", group="dose")
    log-rank test: chi-square(2) = 6.033, p = 0.04896, 6 patients
      Fewer than 50 patients in a group: ...
    """
    require(data, (time, event, group, *several(strata)))
    codes, number = group_codes(data, group)
    stratum = strata_codes(data, strata)
    return group_log_rank.logrank_groups(
        numbers(data, time)[None],
        flags(data, event)[None],
        codes[None],
        all_present(len(data)),
        None if stratum is None else stratum[None],
        weight,
        groups=number,
    )


def logrank_permutation(
    data: "pd.DataFrame",
    *,
    time: str,
    event: str,
    arm: str,
    control: object,
    strata: Sequence[str] = (),
    weight: Weight | None = None,
    draws: int | None = None,
    generator: "np.random.Generator | None" = None,
    assignments: CodeArray | None = None,
) -> Result:
    """Compare two arms by the permutation log-rank test; see `batch.logrank_permutation`.

    Takes the columns of `logrank`. All re-labellings are listed unless ``draws`` of them are to
    be taken with ``generator``, or ``assignments`` (M, n) gives arms drawn anew.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit, there are too many re-labellings
        to list, or only one of ``draws`` and ``generator`` is given.

    References
    ----------
    Neuhaus G. Ann Stat 1993;21:1760-1779. Phipson B, Smyth GK. Stat Appl Genet Mol Biol
    2010;9:39.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"days": [9, 13, 18, 28, 31, 45], "relapse": [1, 1, 1, 0, 1, 0], "arm": list("ppapaa")}
    ... )
    >>> logrank_permutation(data, time="days", event="relapse", arm="arm", control="p").p
    0.5
    """
    columns = patients(data, time, event, arm, control, strata)
    if (draws is None) != (generator is None):
        raise InputError("draws, generator: found one of them; expected both, or neither.")
    keys = None
    if draws is not None and generator is not None:
        if draws < 1:
            raise InputError(f"draws: found {draws}; expected 1 or more.")
        keys = generator.random((draws, len(data)))
    return permutation_log_rank.logrank_permutation(
        *columns, weight, keys=keys, assignments=assignments
    ).row(0)
