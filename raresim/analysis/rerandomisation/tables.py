"""Re-randomisation tests of one table of patients: a batch of one given to its kernel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from raresim.analysis.arrays import CodeArray, FloatArray
from raresim.analysis.columns import (
    all_present,
    arms,
    flags,
    measured,
    numbers,
    require,
    several,
    side_by_side,
    strata_codes,
)
from raresim.analysis.draws import uniforms
from raresim.analysis.rerandomisation.answer import Rerandomised, TwoSided
from raresim.analysis.rerandomisation.linear import Linear, rerandomised_scores
from raresim.analysis.rerandomisation.procedure import Procedure
from raresim.analysis.rerandomisation.scores import logrank_scores, rank_scores, residual_scores
from raresim.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

LIST_UP_TO = 100_000
"""Assignments that are listed rather than drawn, unless the caller says otherwise."""


def rerandomisation_test(
    data: "pd.DataFrame",
    *,
    outcome: str,
    arm: str,
    control: object,
    procedure: Procedure,
    seed: int,
    scores: Literal["values", "ranks"] = "values",
    adjust_for: Sequence[str] = (),
    strata: Sequence[str] = (),
    factors: Sequence[str] = (),
    draws: int = 9999,
    two_sided: TwoSided = "doubled",
    list_up_to: int = LIST_UP_TO,
) -> Rerandomised:
    """Compare the mean outcome of two arms by replaying the trial's own randomisation.

    The statistic is the difference in mean outcome, rank or (with ``adjust_for``) residual from
    the covariates; see `batch.rerandomised_scores` for the p-values and the interval.

    Parameters
    ----------
    data
        One row for each patient, in the order of randomisation.
    outcome
        Column of numbers; may be missing: such patients keep their place in the randomisation.
    arm, control
        Column of the arm (exactly two), and the value that is the control.
    procedure
        How the trial was randomised.
    seed
        Seed of the draws.
    scores
        "values", or "ranks" (midranks).
    adjust_for
        Columns of numbers whose least squares fit is taken away first.
    strata
        Columns whose combinations were the strata of the randomisation.
    factors
        Columns that were the factors of the minimisation.
    draws
        Number of draws.
    two_sided
        "doubled" or "absolute"; see `raresim.analysis.rerandomisation.answer.tails`.
    list_up_to
        List all assignments where there are no more than this.

    Returns
    -------
    The p-values, and 95 % limits of a constant shift (of the values, not for ranks).

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Rosenberger WF, Lachin JM. Randomization in Clinical Trials, 2nd ed. 2016, chapter 6.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "change": [3.1, 4.0, 5.2, 2.9, 3.3, 6.1, 5.5, 3.0, 4.9, 2.5, 3.4, 5.0],
    ...         "arm": list("paappaapappa"),
    ...     }
    ... )
    >>> rerandomisation_test(
    ...     data, outcome="change", arm="arm", control="p", procedure=Procedure(block=4), seed=1
    ... )
    re-randomisation test, mean difference: observed 2.083, p = 0.009259 (216 assignments, all)
      95 % CI of a shift 1.3 to 2.7
      one-sided p: less 1, greater 0.00463, 12 patients
    """
    require(data, (outcome, arm, *several(adjust_for), *several(strata), *several(factors)))
    here = all_present(len(data))
    values = measured(data, outcome)[None]
    if adjust_for:
        values = residual_scores(values, side_by_side(data, adjust_for), here)
    if scores not in ("values", "ranks"):
        raise InputError(f"scores: found {scores!r}; expected 'values' or 'ranks'.")
    if scores == "ranks":
        values = rank_scores(values, here)
    return _test(
        data,
        values,
        arm,
        control,
        procedure,
        seed,
        strata,
        factors,
        draws,
        two_sided,
        list_up_to,
        "mean difference",
        interval=scores == "values" and not adjust_for,
    )


def rerandomisation_logrank(
    data: "pd.DataFrame",
    *,
    time: str,
    event: str,
    arm: str,
    control: object,
    procedure: Procedure,
    seed: int,
    strata: Sequence[str] = (),
    factors: Sequence[str] = (),
    draws: int = 9999,
    two_sided: TwoSided = "doubled",
    list_up_to: int = LIST_UP_TO,
) -> Rerandomised:
    """Compare two arms by the log-rank scores, replaying the trial's own randomisation.

    The statistic is the observed less the expected number of events of the treated, stratified
    by the strata of the randomisation if there are any. Its re-randomisation distribution takes the
    place of the normal one of `logrank`: the level holds for any number of events, provided that
    censoring too does not depend on the arm.

    Takes the arguments of `rerandomisation_test`, and ``time`` and ``event`` as in `logrank`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Rosenberger WF, Lachin JM. Randomization in Clinical Trials, 2nd ed. 2016, chapter 6.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"days": [9, 13, 18, 28, 31, 45], "relapse": [1, 1, 1, 0, 1, 0], "arm": list("papapa")}
    ... )
    >>> rerandomisation_logrank(
    ...     data,
    ...     time="days",
    ...     event="relapse",
    ...     arm="arm",
    ...     control="p",
    ...     procedure=Procedure(block=2),
    ...     seed=1,
    ... )
    re-randomisation test, sum: observed -1.1, p = 0.25 (8 assignments, all)
      one-sided p: less 0.125, greater 1, 6 patients
      So few assignments were possible that no p-value is below 5 %.
    """
    require(data, (time, event, arm, *several(strata), *several(factors)))
    codes = strata_codes(data, strata)
    score = logrank_scores(
        numbers(data, time)[None],
        flags(data, event)[None],
        all_present(len(data)),
        None if codes is None else codes[None],
    )
    return _test(
        data,
        score,
        arm,
        control,
        procedure,
        seed,
        strata,
        factors,
        draws,
        two_sided,
        list_up_to,
        "sum",
        interval=False,
    )


def _test(
    data: "pd.DataFrame",
    score: FloatArray,
    arm: str,
    control: object,
    procedure: Procedure,
    seed: int,
    strata: Sequence[str],
    factors: Sequence[str],
    draws: int,
    two_sided: TwoSided,
    list_up_to: int,
    statistic: Linear,
    *,
    interval: bool,
) -> Rerandomised:
    codes = strata_codes(data, strata)
    levels = [strata_codes(data, (name,)) for name in factors]
    level: CodeArray | None = None
    if levels:
        level = np.stack([x for x in levels if x is not None], axis=1)[None]
    return rerandomised_scores(
        score,
        arms(data, arm, control)[None],
        all_present(len(data)),
        uniforms(seed, "rerandomisation", draws, len(data)),
        procedure=procedure,
        stratum=None if codes is None else codes[None],
        level=level,
        statistic=statistic,
        two_sided=two_sided,
        list_up_to=list_up_to,
        interval=interval,
    ).row(0)
