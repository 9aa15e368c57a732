"""Models of binary and ordered outcomes of one table: a batch of one given to its kernel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from raresim.analysis.binary import (
    cumulative_logit,
    goal_scaling,
    logistic_regression,
    standardised,
)
from raresim.analysis.binary.reading import two_arms
from raresim.analysis.binary.standardised import Variance
from raresim.analysis.columns import all_present, arms, measured, require, several, side_by_side
from raresim.analysis.result import Result
from raresim.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def logistic(
    data: "pd.DataFrame",
    *,
    outcome: str,
    arm: str,
    control: object,
    covariates: Sequence[str] = (),
) -> Result:
    """Estimate the log odds ratio by logistic regression; see `batch.logistic`.

    Parameters
    ----------
    data
        One row for each patient.
    outcome
        Column of 1 (event) or 0 (none); rows with a missing value are left out with a note.
    arm
        Column of the arm; exactly two arms.
    control
        The value of ``arm`` that is the control.
    covariates
        Columns of numbers to adjust for; rows with a missing value are left out with a note.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Agresti A. Categorical Data Analysis, 3rd ed 2013, chapter 5.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"well": [1, 1, 1, 1, 0, 0, 0, 0, 0, 1], "arm": list("aaaaappppp")})
    >>> round(logistic(data, outcome="well", arm="arm", control="p").estimate, 4)
    2.7726
    """
    values, codes, present = two_arms(data, outcome, arm, control)
    x = side_by_side(data, covariates)
    return logistic_regression.logistic(values, x, codes, present).row(0)


def firth(
    data: "pd.DataFrame",
    *,
    outcome: str,
    arm: str,
    control: object,
    covariates: Sequence[str] = (),
) -> Result:
    """Estimate the log odds ratio by Firth's penalised regression; see `batch.firth`.

    Takes the arguments of `logistic`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Firth D. Biometrika 1993;80:27-38. Heinze G, Schemper M. Stat Med 2002;21:2409-2419.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"well": [1, 1, 1, 1, 0, 0, 0, 0, 0, 1], "arm": list("aaaaappppp")})
    >>> round(firth(data, outcome="well", arm="arm", control="p").estimate, 4)
    2.1972
    """
    values, codes, present = two_arms(data, outcome, arm, control)
    x = side_by_side(data, covariates)
    return logistic_regression.firth(values, x, codes, present).row(0)


def standardised_risk_difference(
    data: "pd.DataFrame",
    *,
    outcome: str,
    arm: str,
    control: object,
    covariates: Sequence[str] = (),
    variance: Variance = "robust",
) -> Result:
    """Estimate the marginal difference; see `batch.standardised_risk_difference`.

    Takes the arguments of `logistic`, and:

    Parameters
    ----------
    variance
        "model", "robust" or "ye".

    Raises
    ------
    InputError
        If a column does not fit or the variance is unknown.

    References
    ----------
    Ge M, Durham LK, Meyer RD, Xie W, Thomas N. Drug Inf J 2011;45:481-493.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"well": [1, 1, 1, 1, 0, 0, 0, 0, 0, 1], "arm": list("aaaaappppp")})
    >>> found = standardised_risk_difference(data, outcome="well", arm="arm", control="p")
    >>> round(found.estimate, 4)
    0.6
    """
    values, codes, present = two_arms(data, outcome, arm, control)
    x = side_by_side(data, covariates)
    return standardised.standardised_risk_difference(
        values, x, codes, present, variance=variance
    ).row(0)


def proportional_odds(
    data: "pd.DataFrame",
    *,
    outcome: str,
    arm: str,
    control: object,
    covariates: Sequence[str] = (),
) -> Result:
    """Estimate a common log odds ratio of ordered categories; see `batch.proportional_odds`.

    Parameters
    ----------
    data
        One row for each patient.
    outcome
        Column of ordered numbers; rows with a missing value are left out with a note.
    arm
        Column of the arm; exactly two arms.
    control
        The value of ``arm`` that is the control.
    covariates
        Columns of numbers to adjust for; rows with a missing value are left out with a note.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    McCullagh P. J R Stat Soc B 1980;42:109-142.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"grade": [2, 3, 3, 1, 2, 1, 1, 2, 2, 3], "arm": list("aaaaappppp")})
    >>> round(proportional_odds(data, outcome="grade", arm="arm", control="p").estimate, 4)
    0.9808
    """
    require(data, (outcome, arm))
    return cumulative_logit.proportional_odds(
        measured(data, outcome)[None],
        side_by_side(data, covariates),
        arms(data, arm, control)[None],
        all_present(len(data)),
    ).row(0)


def proportional_odds_score(
    data: "pd.DataFrame",
    *,
    outcome: str,
    arm: str,
    control: object,
) -> Result:
    """Test ordered categories (Wilcoxon with ties); see `batch.proportional_odds_score`.

    Takes the arguments of `proportional_odds` without ``covariates``.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Whitehead J. Stat Med 1993;12:2257-2271.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"grade": [2, 3, 3, 1, 2, 1, 1, 2, 2, 3], "arm": list("aaaaappppp")})
    >>> round(proportional_odds_score(data, outcome="grade", arm="arm", control="p").p, 4)
    0.4386
    """
    require(data, (outcome, arm))
    return cumulative_logit.proportional_odds_score(
        measured(data, outcome)[None],
        arms(data, arm, control)[None],
        all_present(len(data)),
    ).row(0)


def goal_attainment(
    data: "pd.DataFrame",
    *,
    goals: Sequence[str],
    arm: str,
    control: object,
    weights: Sequence[str] = (),
    covariates: Sequence[str] = (),
    correlation: float = goal_scaling.CORRELATION,
) -> Result:
    """Compare goal attainment T-scores; see `batch.goal_attainment`.

    Parameters
    ----------
    data
        One row for each patient.
    goals
        Columns of attainment, -2 to 2; missing where a patient has no such goal.
    arm
        Column of the arm; exactly two arms.
    control
        The value of ``arm`` that is the control.
    weights
        Columns of the goals' weights, one for each of ``goals``; all 1 unless given.
    covariates
        Columns of numbers to adjust for.
    correlation
        Assumed correlation between goals.

    Raises
    ------
    InputError
        If a column does not fit, an attainment is not within -2 to 2, or the weights do not fit.

    References
    ----------
    Kiresuk TJ, Sherman RE. Community Ment Health J 1968;4:443-453.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"g1": [0, -1, 0, 1, 2, 1], "g2": [-1, -1, 1, 1, 0, 0], "arm": list("pppaaa")}
    ... )
    >>> found = goal_attainment(data, goals=["g1", "g2"], arm="arm", control="p")
    >>> round(found.estimate, 3)
    14.471
    """
    columns, own = several(goals), several(weights)
    if not columns:
        raise InputError("goals: found none; expected one column or more.")
    require(data, (*columns, *own, arm))
    if own and len(own) != len(columns):
        raise InputError(
            f"weights: found {len(own)} columns; expected {len(columns)}, one for each goal."
        )
    return goal_scaling.goal_attainment(
        side_by_side(data, columns),
        side_by_side(data, covariates),
        arms(data, arm, control)[None],
        all_present(len(data)),
        side_by_side(data, own) if own else None,
        correlation=correlation,
    ).row(0)
