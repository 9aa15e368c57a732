"""Each comparison for one table of patients: a batch of one given to its kernel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from raresim.analysis import batch
from raresim.analysis.arrays import BoolArray
from raresim.analysis.columns import arms, flags, numbers, require, several, strata_codes
from raresim.analysis.counting_process import recurrent_histories
from raresim.analysis.result import Result
from raresim.errors import InputError, Problem

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
    return batch.logrank(
        numbers(data, time)[None],
        flags(data, event)[None],
        arms(data, arm, control)[None],
        _all_present(len(data)),
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
    return batch.cox(
        numbers(data, time)[None],
        flags(data, event)[None],
        arms(data, arm, control)[None],
        _all_present(len(data)),
        None if codes is None else codes[None],
    ).row(0)


def negative_binomial(
    data: "pd.DataFrame", *, count: str, exposure: str, arm: str, control: object
) -> Result:
    """Estimate the log rate ratio of event counts; see `batch.negative_binomial`.

    Parameters
    ----------
    data
        One row for each patient.
    count
        Column of the number of events, whole numbers.
    exposure
        Column of the follow-up, 0 or more, in years or any other unit.
    arm, control
        As in `logrank`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Lawless JF. Can J Stat 1987;15:209-225.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"attacks": [0, 3, 1, 6, 0, 1, 1, 0], "years": [1.0] * 8, "arm": list("ppppaaaa")}
    ... )
    >>> negative_binomial(data, count="attacks", exposure="years", arm="arm", control="p")
    negative binomial regression: log rate ratio -1.609 (95 % CI -3.382 to 0.1627)
      se 0.9042, z = -1.78, p = 0.07508, 8 patients
      Small trial: this asymptotic test can exceed its nominal size (see its documentation).
    """
    require(data, (count, exposure, arm))
    counts = numbers(data, count)
    whole = counts == np.floor(counts)
    if not np.all(whole):
        found = f"{counts[np.argmin(whole)]:g}"
        raise InputError(
            Problem(
                "cannot be analysed",
                field=count,
                found=found,
                expected="whole numbers of events",
                mend="give counts, not rates; the follow-up goes into exposure",
            )
        )
    return batch.negative_binomial(
        counts.astype(np.int64)[None],
        numbers(data, exposure)[None],
        arms(data, arm, control)[None],
        _all_present(len(data)),
    ).row(0)


def andersen_gill(
    data: "pd.DataFrame", *, id: str, start: str, stop: str, event: str, arm: str, control: object
) -> Result:
    """Estimate the log intensity ratio of recurrent events; see `batch.andersen_gill`.

    The table is the counting process form: a patient's follow-up cut at each event into
    intervals (start, stop], the first from 0, each next from the stop before.

    Parameters
    ----------
    data
        One row for each interval, in any order.
    id
        Column that tells the patients apart.
    start, stop
        Columns of the interval's ends, in any unit.
    event
        Column of 1 if an event happened at ``stop``, else 0.
    arm, control
        As in `logrank`; the arm of a patient never changes.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit, or intervals leave gaps.

    References
    ----------
    Andersen PK, Gill RD. Ann Stat 1982;10:1100-1120. Lin DY, Wei LJ. J Am Stat Assoc
    1989;84:1074-1078.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "who": [1, 1, 2, 3, 3, 4, 5],
    ...         "from": [0, 20, 0, 0, 31, 0, 0],
    ...         "to": [20, 50, 15, 31, 50, 50, 40],
    ...         "attack": [1, 1, 1, 1, 0, 0, 0],
    ...         "arm": list("pppaaap"),
    ...     }
    ... )
    >>> andersen_gill(
    ...     data, id="who", start="from", stop="to", event="attack", arm="arm", control="p"
    ... )
    Andersen-Gill model, robust variance: log intensity ratio -1.208 (95 % CI -2.878 to 0.4608)
      se 0.8516, z = -1.419, p = 0.1559, 5 patients
      Small trial: this asymptotic test can exceed its nominal size (see its documentation).
    """
    require(data, (id, start, stop, event, arm))
    event_time, follow_up, treated = recurrent_histories(
        data, id=id, start=start, stop=stop, event=event, arm=arm, control=control
    )
    return batch.andersen_gill(
        event_time[None], follow_up[None], treated[None], _all_present(follow_up.size)
    ).row(0)


def ancova(
    data: "pd.DataFrame",
    *,
    outcome: str,
    adjust_for: Sequence[str] = (),
    arm: str,
    control: object,
) -> Result:
    """Estimate the difference in mean outcome adjusted for baseline; see `batch.ancova`.

    Parameters
    ----------
    data
        One row for each patient.
    outcome
        Column of the outcome, usually the change from baseline; may be missing.
    adjust_for
        Columns of numbers to adjust for.
    arm, control
        As in `logrank`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Senn S. Stat Med 2006;25:4334-4344.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "change": [1.0, 1.5, 1.4, 2.0, 2.6, 2.8],
    ...         "baseline": [10, 12, 14, 11, 13, 15],
    ...         "arm": list("pppaaa"),
    ...     }
    ... )
    >>> ancova(data, outcome="change", adjust_for=["baseline"], arm="arm", control="p")
    analysis of covariance: adjusted mean difference 1.017 (95 % CI 0.4583 to 1.575)
      se 0.1755, t(3) = 5.794, p = 0.01023, 6 patients
    """
    require(data, (outcome, arm, *several(adjust_for)))
    covariates = [numbers(data, name, missing=True, least=-np.inf) for name in adjust_for]
    baseline = np.stack(covariates, axis=1) if covariates else np.zeros((len(data), 0))
    return batch.ancova(
        numbers(data, outcome, missing=True, least=-np.inf)[None],
        baseline[None],
        arms(data, arm, control)[None],
        _all_present(len(data)),
    ).row(0)


def _all_present(patients: int) -> BoolArray:
    return np.ones((1, patients), dtype=np.bool_)
