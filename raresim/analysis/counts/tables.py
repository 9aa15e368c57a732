"""Event counts of one table of patients: a batch of one given to its kernel."""

from typing import TYPE_CHECKING

import numpy as np

from raresim.analysis.columns import all_present, arms, numbers, require
from raresim.analysis.counts import count_regression, recurrent_events
from raresim.analysis.counts.counting_process import recurrent_histories
from raresim.analysis.result import Result
from raresim.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd


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
    return count_regression.negative_binomial(
        counts.astype(np.int64)[None],
        numbers(data, exposure)[None],
        arms(data, arm, control)[None],
        all_present(len(data)),
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
    return recurrent_events.andersen_gill(
        event_time[None], follow_up[None], treated[None], all_present(follow_up.size)
    ).row(0)
