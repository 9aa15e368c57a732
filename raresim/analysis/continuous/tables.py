"""Continuous outcomes of one table of patients: a batch of one given to its kernel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from raresim.analysis.columns import all_present, arms, numbers, require, several
from raresim.analysis.continuous import covariance_analysis
from raresim.analysis.result import Result

if TYPE_CHECKING:
    import pandas as pd


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
    return covariance_analysis.ancova(
        numbers(data, outcome, missing=True, least=-np.inf)[None],
        baseline[None],
        arms(data, arm, control)[None],
        all_present(len(data)),
    ).row(0)
