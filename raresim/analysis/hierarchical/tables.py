"""Prioritised outcomes of one table of patients: a batch of one given to its kernel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from raresim.analysis.columns import (
    all_present,
    arms,
    covariates_of,
    flags,
    measured,
    require,
    several,
    strata_codes,
)
from raresim.analysis.hierarchical import patient_scores
from raresim.analysis.hierarchical import win_statistics as kernels
from raresim.analysis.hierarchical.comparisons import Level, Rules
from raresim.analysis.hierarchical.estimates import Variance, Weights
from raresim.analysis.hierarchical.win_statistics import WinStatistic
from raresim.analysis.result import Result
from raresim.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Endpoint:
    """One of the outcomes that decide who wins.

    Parameters
    ----------
    column
        Column of the number, the code of an ordered category, 0 or 1, or the time to an event;
        may be missing.
    event
        Column of 1 (event) or 0 (censored) if ``column`` is a time to an event.
    margin
        The difference that decides, in the unit of the column.
    better
        "higher": the larger number or the later event wins; "lower": the smaller, the earlier.
    """

    column: str
    event: str | None = None
    margin: float = 0.0
    better: Literal["higher", "lower"] = "higher"


def win_statistics(
    data: "pd.DataFrame",
    *,
    endpoints: Sequence[Endpoint],
    arm: str,
    control: object,
    strata: Sequence[str] = (),
    weights: Weights = "mantel_haenszel",
    rules: Rules = Rules(),
    variance: Variance = "null",
) -> WinStatistic:
    """Give win ratio, win odds and net benefit; see `batch.win_statistics`.

    Parameters
    ----------
    data
        One row for each patient.
    endpoints
        The most important first.
    arm, control
        As in `logrank`.
    strata
        Columns whose combinations are the strata.
    weights, variance, rules
        As in `batch.win_statistics`. As the R packages: WINS is ``rules=WINS``, BuyseTest with
        Gehan's scoring rule is ``rules=BUYSETEST, variance="projection"``.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit, or an option is unknown.

    References
    ----------
    Pocock SJ et al. Eur Heart J 2012;33:176-182. Buyse M. Stat Med 2010;29:3245-3257.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "days": [90, 200, 365, 365, 120, 365, 365, 365],
    ...         "died": [1, 1, 0, 0, 1, 0, 0, 0],
    ...         "score": [3, 2, 5, 4, 1, 9, 7, 8],
    ...         "arm": list("ppppaaaa"),
    ...     }
    ... )
    >>> endpoints = [Endpoint("days", event="died"), Endpoint("score", margin=2)]
    >>> win_statistics(data, endpoints=endpoints, arm="arm", control="p")
    16 pairs: 12 won and 3 lost by the treated (by outcome 7:3, 5:0), 1 undecided
    win ratio: log win ratio 1.386 (95 % CI -0.5222 to 3.295)
      se 0.9737, z = 1.424, p = 0.1545, 8 patients
      Small trial: the size may not be the nominal; re-randomising the same statistic keeps it.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 3.6 to 4.5 %.
    win odds: log win odds 1.273 (95 % CI -0.5162 to 3.062)
      se 0.9129, z = 1.394, p = 0.1632, 8 patients
      Small trial: the size may not be the nominal; re-randomising the same statistic keeps it.
    net benefit: net benefit 0.5625 (95 % CI -0.3321 to 1.457)
      se 0.4564, z = 1.232, p = 0.2178, 8 patients
      Small trial: the size may not be the nominal; re-randomising the same statistic keeps it.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 0.0 to 3.8 %.
    """
    levels = _levels(data, endpoints, arm, strata)
    codes = strata_codes(data, strata)
    return kernels.win_statistics(
        levels,
        arms(data, arm, control)[None],
        all_present(len(data)),
        stratum=None if codes is None else codes[None],
        weights=weights,
        rules=rules,
        variance=variance,
    ).row(0)


def finkelstein_schoenfeld(
    data: "pd.DataFrame",
    *,
    endpoints: Sequence[Endpoint],
    arm: str,
    control: object,
    strata: Sequence[str] = (),
    rules: Rules = Rules(),
) -> Result:
    """Test whether the treated do better; see `batch.finkelstein_schoenfeld`.

    Takes the arguments of `win_statistics`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Finkelstein DM, Schoenfeld DA. Stat Med 1999;18:1341-1354.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "days": [90, 200, 365, 365, 120, 365, 365, 365],
    ...         "died": [1, 1, 0, 0, 1, 0, 0, 0],
    ...         "score": [3, 2, 5, 4, 1, 9, 7, 8],
    ...         "arm": list("ppppaaaa"),
    ...     }
    ... )
    >>> endpoints = [Endpoint("days", event="died"), Endpoint("score")]
    >>> finkelstein_schoenfeld(data, endpoints=endpoints, arm="arm", control="p")
    Finkelstein-Schoenfeld test: sum of treated scores 10 (95 % CI -3.579 to 23.58)
      se 6.928, z = 1.443, p = 0.1489, 8 patients
      Small trial: the size may not be the nominal; re-randomising the same statistic keeps it.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 4.2 to 5.2 %.
    """
    levels = _levels(data, endpoints, arm, strata)
    codes = strata_codes(data, strata)
    return patient_scores.finkelstein_schoenfeld(
        levels,
        arms(data, arm, control)[None],
        all_present(len(data)),
        stratum=None if codes is None else codes[None],
        rules=rules,
    ).row(0)


def joint_rank(
    data: "pd.DataFrame",
    *,
    endpoints: Sequence[Endpoint],
    arm: str,
    control: object,
    adjust_for: Sequence[str] = (),
    rules: Rules = Rules(),
) -> Result:
    """Compare the mean joint ranks of function and survival (CAFS); see `batch.joint_rank`.

    Parameters
    ----------
    data, endpoints, arm, control, rules
        As in `win_statistics`: usually the time of death, then the change in function.
    adjust_for
        Columns of numbers to adjust for; may be missing.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Berry JD et al. Amyotroph Lateral Scler Frontotemporal Degener 2013;14:162-168.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "days": [90, 200, 365, 365, 120, 365, 365, 365],
    ...         "died": [1, 1, 0, 0, 1, 0, 0, 0],
    ...         "change": [-9, -8, -5, -6, -9, -1, -3, -7],
    ...         "baseline": [30, 35, 38, 40, 33, 41, 37, 36],
    ...         "arm": list("ppppaaaa"),
    ...     }
    ... )
    >>> endpoints = [Endpoint("days", event="died"), Endpoint("change")]
    >>> joint_rank(data, endpoints=endpoints, arm="arm", control="p", adjust_for=["baseline"])
    joint rank analysis: mean difference in rank 0.919 (95 % CI -1.3 to 3.138)
      se 0.8632, t(5) = 1.065, p = 0.3357, 8 patients
      Small trial: the size may not be the nominal; re-randomising the same statistic keeps it.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 4.9 to 6.6 %.
    """
    levels = _levels(data, endpoints, arm, adjust_for)
    return patient_scores.joint_rank(
        levels,
        arms(data, arm, control)[None],
        all_present(len(data)),
        baseline=covariates_of(data, adjust_for),
        rules=rules,
    ).row(0)


def _levels(
    data: "pd.DataFrame", endpoints: Sequence[Endpoint], arm: str, others: Sequence[str]
) -> list[Level]:
    named = [name for e in endpoints for name in (e.column, e.event) if name is not None]
    require(data, (*named, arm, *several(others)))
    levels = []
    for endpoint in endpoints:
        if endpoint.better not in ("higher", "lower"):
            raise InputError(f"better: found {endpoint.better!r}; expected 'higher' or 'lower'.")
        levels.append(
            Level(
                measured(data, endpoint.column)[None],
                None if endpoint.event is None else flags(data, endpoint.event)[None],
                endpoint.margin,
                endpoint.better == "higher",
            )
        )
    return levels
