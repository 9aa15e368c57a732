"""Missing outcomes of one table of patients: a batch of one given to its kernel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.columns import all_present, arms, require, several, side_by_side, unreadable
from raresim.analysis.draws import uniforms
from raresim.analysis.missing import conditional_mean, multiple, pooling, tipping
from raresim.analysis.missing.reference import Strategy
from raresim.analysis.missing.tipping import TippingPoint
from raresim.analysis.missing.trial import Covariance, Deaths, Plan
from raresim.analysis.result import Result
from raresim.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def conditional_mean_imputation(
    data: "pd.DataFrame",
    *,
    outcomes: Sequence[str],
    arm: str,
    control: object,
    adjust_for: Sequence[str] = (),
    visit: str | None = None,
    strategy: Strategy = "MAR",
    covariance: Covariance = "pooled",
    delta: float = 0.0,
    stopped: str | None = None,
    died: str | None = None,
    deaths: Deaths | None = None,
    worst: float | None = None,
) -> Result:
    """Compare means at a visit, missing outcomes replaced by conditional means; jackknife.

    See `batch.conditional_mean_imputation`.

    Parameters
    ----------
    data
        One row for each patient.
    outcomes
        Columns of the outcome at each visit, in order; may be missing.
    arm, control
        Column of the arm (exactly two), and the value that is the control, which is the reference.
    adjust_for
        Columns of numbers, in the imputation model (at each visit) and in the analysis.
    visit
        The one of ``outcomes`` that is analysed; by default the last.
    strategy
        "MAR", "J2R", "CIR" or "CR" for the treated from the intercurrent event on.
    covariance
        "pooled" or "by arm".
    delta
        Added to the imputed outcomes of the treated at ``visit``.
    stopped
        Column with the name of the first visit affected by the intercurrent event, missing where
        there is none; by default it is the visit after the last observed outcome.
    died
        Column with the name of the first visit at which the patient was dead, missing for the
        others; without it nobody died.
    deaths
        "hypothetical", "composite worst" or "while alive"; must be given if anybody died.
    worst
        The outcome of a dead patient in "composite worst".

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit, or there are deaths and ``deaths``
        does not say what they mean.

    References
    ----------
    Wolbers M, Noci A, Delmar P, Gower-Page C, Yiu S, Bartlett JW. Pharm Stat 2022;21:1246-1257.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "week4": [1.0, 2.0, 3.0, 4.0, 2.0, 3.0, 1.0, 4.0],
    ...         "week8": [2.1, 2.4, 4.9, None, 4.0, 6.1, 3.9, None],
    ...         "arm": list("ppppaaaa"),
    ...     }
    ... )
    >>> conditional_mean_imputation(
    ...     data, outcomes=("week4", "week8"), arm="arm", control="p", strategy="J2R"
    ... )
    conditional mean imputation, jackknife: adjusted mean difference 1.15 (95 % CI -0.6731 to 2.973)
      se 0.9302, z = 1.236, p = 0.2163, 8 patients
    """
    plan = Plan(strategy, covariance, _at(outcomes, visit), delta, deaths, worst)
    table = _read(data, outcomes, arm, control, adjust_for, stopped, died)
    return conditional_mean.conditional_mean_imputation(
        *table.arrays, plan=plan, stop=table.stop, death=table.death
    ).row(0)


def tipping_point(
    data: "pd.DataFrame",
    *,
    outcomes: Sequence[str],
    arm: str,
    control: object,
    adjust_for: Sequence[str] = (),
    visit: str | None = None,
    strategy: Strategy = "MAR",
    covariance: Covariance = "pooled",
    stopped: str | None = None,
    died: str | None = None,
    deaths: Deaths | None = None,
    worst: float | None = None,
) -> TippingPoint:
    """Find the delta at which conditional mean imputation loses significance.

    See `batch.tipping_point`. Takes the arguments of `conditional_mean_imputation`, less ``delta``.

    Raises
    ------
    InputError
        As `conditional_mean_imputation` does.

    References
    ----------
    Permutt T. Stat Med 2016;35:2876-2879.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "week4": [1.0, 2.0, 3.0, 4.0, 2.0, 3.0, 1.0, 4.0],
    ...         "week8": [2.1, 2.4, 4.9, None, 6.0, 8.1, 5.9, None],
    ...         "arm": list("ppppaaaa"),
    ...     }
    ... )
    >>> tipping_point(data, outcomes=("week4", "week8"), arm="arm", control="p")
    tipping point: delta -3.939
    conditional mean imputation, jackknife: adjusted mean difference 3.533 (95 % CI 0.7791 to 6.288)
      se 1.405, z = 2.514, p = 0.01192, 8 patients
    """
    plan = Plan(strategy, covariance, _at(outcomes, visit), 0.0, deaths, worst)
    table = _read(data, outcomes, arm, control, adjust_for, stopped, died)
    return tipping.tipping_point(*table.arrays, plan=plan, stop=table.stop, death=table.death).row(
        0
    )


def multiple_imputation(
    data: "pd.DataFrame",
    *,
    outcomes: Sequence[str],
    arm: str,
    control: object,
    seed: int,
    imputations: int = 100,
    draws: Literal["bootstrap", "monotone"] = "bootstrap",
    adjust_for: Sequence[str] = (),
    visit: str | None = None,
    strategy: Strategy = "MAR",
    covariance: Covariance = "pooled",
    delta: float = 0.0,
    stopped: str | None = None,
    died: str | None = None,
    deaths: Deaths | None = None,
    worst: float | None = None,
) -> Result:
    """Compare means at a visit after multiple imputation; see `batch.multiple_imputation`.

    Takes the arguments of `conditional_mean_imputation`, and:

    Parameters
    ----------
    data, outcomes, arm, control, adjust_for, visit, strategy, covariance, delta
        As there.
    stopped, died, deaths, worst
        As there.
    seed
        Seed of the draws.
    imputations
        Their number, 2 or more.
    draws
        "bootstrap" (any pattern of missingness) or "monotone" (the posterior in closed form).

    Raises
    ------
    InputError
        As `conditional_mean_imputation` does, and if a word is unknown.

    References
    ----------
    Carpenter JR, Roger JH, Kenward MG. J Biopharm Stat 2013;23:1352-1371.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "week4": [1.0, 2.0, 3.0, 4.0, 2.0, 3.0, 1.0, 4.0],
    ...         "week8": [2.1, 2.4, 4.9, None, 4.0, 6.1, 3.9, None],
    ...         "arm": list("ppppaaaa"),
    ...     }
    ... )
    >>> multiple_imputation(
    ...     data, outcomes=("week4", "week8"), arm="arm", control="p", seed=1, draws="monotone"
    ... )
    multiple imputation: adjusted mean difference 1.568 (95 % CI -2.532 to 5.668)
      se 1.489, t(4.0854) = 1.053, p = 0.3506, 8 patients
    """
    plan = Plan(strategy, covariance, _at(outcomes, visit), delta, deaths, worst)
    if draws not in ("bootstrap", "monotone") or imputations < 2:
        raise InputError(
            f"draws, imputations: found {draws!r} and {imputations}; expected 'bootstrap' or "
            "'monotone', and 2 or more."
        )
    table = _read(data, outcomes, arm, control, adjust_for, stopped, died)
    n, visits = len(data), len(outcomes)
    if draws == "bootstrap":
        parameters = uniforms(seed, "imputation.bootstrap", imputations, n)[None]
    else:
        width = len(adjust_for) + 2 + visits
        flat = uniforms(seed, "imputation.posterior", imputations, visits * width)
        parameters = flat.reshape(1, imputations, visits, width)
    values = uniforms(seed, "imputation.values", imputations, n * visits)
    return multiple.multiple_imputation(
        *table.arrays,
        parameters,
        values.reshape(1, imputations, n, visits),
        plan=plan,
        stop=table.stop,
        death=table.death,
    ).row(0)


def rubin(estimates: Sequence[float], ses: Sequence[float], *, df: float = np.inf) -> Result:
    """Pool the estimates of imputed data sets by Rubin's rules; see `batch.rubin`.

    Parameters
    ----------
    estimates, ses
        Estimate and standard error of each imputed data set.
    df
        Degrees of freedom had nothing been missing.

    Raises
    ------
    InputError
        If there are fewer than two, or not as many of the one as of the other.

    References
    ----------
    Barnard J, Rubin DB. Biometrika 1999;86:948-955.

    Examples
    --------
    >>> rubin([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], df=20)
    multiple imputation: estimate 2 (95 % CI -2.53 to 6.53)
      se 1.528, t(3.43592) = 1.309, p = 0.2711, 0 patients
    """
    estimate, se = np.asarray(estimates, dtype=np.float64), np.asarray(ses, dtype=np.float64)
    if estimate.ndim != 1 or estimate.shape != se.shape or len(estimate) < 2:
        raise InputError(
            f"estimates, ses: found {estimate.shape} and {se.shape}; expected two or more of each, "
            "as many of the one as of the other."
        )
    if np.any(se < 0.0) or not df > 0.0:
        raise InputError(
            f"ses, df: found {ses}, {df}; expected errors of 0 or more and df above 0."
        )
    return pooling.rubin(estimate[None], se[None], np.array([float(df)])).row(0)


@dataclass(frozen=True)
class _Table:
    arrays: tuple[FloatArray, FloatArray, IntArray, BoolArray]
    stop: IntArray | None
    death: IntArray | None


def _at(outcomes: Sequence[str], visit: str | None) -> int:
    if visit is None:
        return -1
    if visit not in several(outcomes):
        raise unreadable(
            "visit", visit, f"one of {', '.join(outcomes)}", "name a visit of `outcomes`"
        )
    return list(outcomes).index(visit)


def _read(
    data: "pd.DataFrame",
    outcomes: Sequence[str],
    arm: str,
    control: object,
    adjust_for: Sequence[str],
    stopped: str | None,
    died: str | None,
) -> _Table:
    named = [name for name in (stopped, died) if name is not None]
    require(data, (*several(outcomes), arm, *several(adjust_for), *named))
    if len(outcomes) == 0:
        raise unreadable("outcomes", "no column", "one for each visit", "name the visits in order")
    outcome = side_by_side(data, outcomes)
    baseline = side_by_side(data, adjust_for)
    stop, death = (None if x is None else _visits(data, x, outcomes) for x in (stopped, died))
    if death is not None:
        after = ~np.isnan(outcome[0]) & (np.arange(len(outcomes)) >= death[:, None])
        if np.any(after):
            row = int(np.argmax(np.any(after, axis=1)))
            raise unreadable(
                str(died),
                f"an outcome after death in row {row}",
                "no outcome from the visit of death on",
                "correct the visit of death, or leave the outcome empty",
            )
    return _Table(
        (outcome, baseline, arms(data, arm, control)[None], all_present(len(data))),
        None if stop is None else stop[None],
        None if death is None else death[None],
    )


def _visits(data: "pd.DataFrame", name: str, outcomes: Sequence[str]) -> IntArray:
    """Read a column of visit names as positions; where missing, one past the last."""
    known = {visit: at for at, visit in enumerate(outcomes)}
    found = np.full(len(data), len(outcomes), dtype=np.int64)
    for row in np.flatnonzero(data[name].notna().to_numpy()):
        word = data[name].iloc[row]
        if word not in known:
            raise unreadable(
                name,
                f"{word!r} in row {row}",
                f"one of {', '.join(outcomes)}, or nothing",
                "write the name of the visit's column",
            )
        found[row] = known[word]
    return found
