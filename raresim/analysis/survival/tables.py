"""Times to an event of one table of patients: a batch of one given to its kernel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from raresim.analysis.columns import (
    all_present,
    arms,
    flags,
    numbers,
    require,
    several,
    strata_codes,
)
from raresim.analysis.result import Result
from raresim.analysis.survival import cox_regression, log_rank

if TYPE_CHECKING:
    import pandas as pd


def logrank(
    data: "pd.DataFrame",
    *,
    time: str,
    event: str,
    arm: str,
    control: object,
    strata: Sequence[str] = (),
) -> Result:
    """Compare two arms by the (stratified) log-rank test; see `batch.logrank`.

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
      Small trial: this asymptotic test can exceed its nominal size (see its documentation).
    """
    require(data, (time, event, arm, *several(strata)))
    codes = strata_codes(data, strata)
    return log_rank.logrank(
        numbers(data, time)[None],
        flags(data, event)[None],
        arms(data, arm, control)[None],
        all_present(len(data)),
        None if codes is None else codes[None],
    ).row(0)


def cox(
    data: "pd.DataFrame",
    *,
    time: str,
    event: str,
    arm: str,
    control: object,
    strata: Sequence[str] = (),
) -> Result:
    """Estimate the log hazard ratio of two arms by Cox regression; see `batch.cox`.

    Takes the arguments of `logrank`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Cox DR. J R Stat Soc B 1972;34:187-220. Efron B. J Am Stat Assoc 1977;72:557-565.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"days": [9, 13, 18, 28, 31, 45], "relapse": [1, 1, 1, 0, 1, 0], "arm": list("ppapaa")}
    ... )
    >>> cox(data, time="days", event="relapse", arm="arm", control="p")
    Cox regression: log hazard ratio -1.227 (95 % CI -3.684 to 1.23)
      se 1.254, z = -0.979, p = 0.3276, 6 patients
    """
    require(data, (time, event, arm, *several(strata)))
    codes = strata_codes(data, strata)
    return cox_regression.cox(
        numbers(data, time)[None],
        flags(data, event)[None],
        arms(data, arm, control)[None],
        all_present(len(data)),
        None if codes is None else codes[None],
    ).row(0)
