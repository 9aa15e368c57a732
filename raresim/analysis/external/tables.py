"""Comparisons with external controls or published results, for one table of patients."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from raresim.analysis.columns import all_present, arms, measured, require, several, side_by_side
from raresim.analysis.external import balancing, matching, weighting
from raresim.analysis.external.balancing import Measure
from raresim.analysis.external.weights import Estimand
from raresim.analysis.result import Result

if TYPE_CHECKING:
    import pandas as pd


def propensity_weighted(
    data: "pd.DataFrame",
    *,
    outcome: str,
    covariates: Sequence[str],
    arm: str,
    control: object,
    estimand: Estimand = "att",
) -> Result:
    """Compare two arms, weighted by the propensity score; see `batch.propensity_weighted`.

    Parameters
    ----------
    data
        One row for each patient, external controls among them.
    outcome
        Column of the outcome, missing values allowed; 0 and 1 for a difference of risks.
    covariates
        Columns of numbers from before treatment.
    arm, control
        Column of two arms, and its value that is the control.
    estimand
        "ate", "att" or "overlap".

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Lunceford JK, Davidian M. Stat Med 2004;23:2937-2960.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "age": [1, 1, 1, 1, 2, 2, 2, 2],
    ...         "change": [1, 2, 0, 3, 4, 5, 7, 6],
    ...         "arm": list("cccacaaa"),
    ...     }
    ... )
    >>> propensity_weighted(data, outcome="change", covariates=["age"], arm="arm", control="c")
    propensity score weighting (att): weighted difference of means 2 (95 % CI 1.27 to 2.73)
      se 0.3727, z = 5.367, p = 8.025e-08, 8 patients
      Fewer than 40 effective patients in an arm: ...
    """
    require(data, (outcome, *several(covariates), arm))
    return weighting.propensity_weighted(
        measured(data, outcome)[None],
        side_by_side(data, covariates),
        arms(data, arm, control)[None],
        all_present(len(data)),
        estimand,
    ).row(0)


def propensity_matched(
    data: "pd.DataFrame",
    *,
    outcome: str,
    covariates: Sequence[str],
    arm: str,
    control: object,
    controls: int = 1,
    caliper: float = 0.2,
) -> Result:
    """Compare two arms matched on the propensity score; see `batch.propensity_matched`.

    Parameters
    ----------
    data, outcome, covariates, arm, control
        As in `propensity_weighted`.
    controls
        At most so many for each treated patient.
    caliper
        Farthest distance in standard deviations of the logit; infinity for none.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Austin PC. Pharm Stat 2011;10:150-161.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "age": [1, 2, 1, 3, 2, 2, 3, 1],
    ...         "change": [1, 2, 0, 3, 4, 5, 7, 6],
    ...         "arm": list("cccccaaa"),
    ...     }
    ... )
    >>> propensity_matched(data, outcome="change", covariates=["age"], arm="arm", control="c")
    propensity score matching (1:1): difference in matched sets 4 (95 % CI 1.516 to 6.484)
      se 0.5774, t(2) = 6.928, p = 0.0202, 6 patients
      2 of 8 patients were left out: no treated patient needed them.
    """
    require(data, (outcome, *several(covariates), arm))
    return matching.propensity_matched(
        measured(data, outcome)[None],
        side_by_side(data, covariates),
        arms(data, arm, control)[None],
        all_present(len(data)),
        controls=controls,
        caliper=caliper,
    ).row(0)


def entropy_balanced(
    data: "pd.DataFrame",
    *,
    outcome: str,
    covariates: Sequence[str],
    arm: str,
    control: object,
    moments: int = 1,
) -> Result:
    """Compare two arms by entropy balancing; see `batch.entropy_balanced`.

    Parameters
    ----------
    data, outcome, covariates, arm, control
        As in `propensity_weighted`.
    moments
        1: balance means; 2: means and variances.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Hainmueller J. Polit Anal 2012;20:25-46.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "age": [1, 2, 1, 3, 2, 2, 3, 1],
    ...         "change": [1, 2, 0, 3, 4, 5, 7, 6],
    ...         "arm": list("cccccaaa"),
    ...     }
    ... )
    >>> entropy_balanced(data, outcome="change", covariates=["age"], arm="arm", control="c")
    entropy balancing: weighted difference of means 3.732 (95 % CI 2.39 to 5.074)
      se 0.6846, z = 5.452, p = 4.988e-08, 8 patients
      Fewer than 40 effective patients in an arm: ...
    """
    require(data, (outcome, *several(covariates), arm))
    return balancing.entropy_balanced(
        measured(data, outcome)[None],
        side_by_side(data, covariates),
        arms(data, arm, control)[None],
        all_present(len(data)),
        moments=moments,
    ).row(0)


def matching_adjusted(
    data: "pd.DataFrame",
    *,
    outcome: str,
    means: dict[str, float],
    other: tuple[float, float],
    sds: dict[str, float] | None = None,
    arm: str | None = None,
    control: object = None,
    measure: Measure = "mean difference",
    known_weights: bool = False,
) -> Result:
    """Compare own patients with a published result (MAIC); see `batch.matching_adjusted`.

    Parameters
    ----------
    data
        One row for each own patient.
    outcome
        Column of the outcome, missing values allowed.
    means
        Published means (shares) of the columns that are matched.
    other
        Published estimate and standard error on the scale of the measure.
    sds
        Published standard deviations of those columns whose variance is matched too.
    arm, control
        Column of two arms and its control, for an anchored comparison.
    measure
        "mean difference", "log odds ratio" or "log risk ratio".
    known_weights
        Whether the variance takes the weights as known.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Signorovitch JE et al. Pharmacoeconomics 2010;28:935-945.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"age": [40, 45, 50, 55, 60, 65], "change": [1, 2, 2, 3, 5, 4]})
    >>> matching_adjusted(
    ...     data, outcome="change", means={"age": 57.0}, other=(2.0, 0.5), sds={"age": 7.0}
    ... )
    MAIC, unanchored: mean difference 1.506 (95 % CI 0.354 to 2.658)
      se 0.5877, z = 2.562, p = 0.0104, 6 patients
      Fewer than 40 effective patients in an arm: ...
    """
    require(data, (outcome, *means, *(() if arm is None else (arm,))))
    squared = {} if sds is None else sds
    plain = side_by_side(data, list(means))
    columns = [plain[0, :, list(means).index(name)] ** 2 for name in squared]
    target = [*means.values(), *(means[name] ** 2 + sd**2 for name, sd in squared.items())]
    squares = np.stack(columns, axis=1)[None] if columns else np.zeros((1, len(data), 0))
    return balancing.matching_adjusted(
        measured(data, outcome)[None],
        np.concatenate((plain, squares), axis=2),
        all_present(len(data)),
        np.array(target),
        other,
        None if arm is None else arms(data, arm, control)[None],
        measure=measure,
        known_weights=known_weights,
    ).row(0)
