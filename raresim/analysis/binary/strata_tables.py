"""Two proportions over strata of one table of patients: a batch of one given to its kernel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from raresim.analysis.binary import mantel_haenszel, score_strata
from raresim.analysis.binary.reading import strata as read_strata
from raresim.analysis.binary.reading import two_arms
from raresim.analysis.binary.score_strata import Weights
from raresim.analysis.result import Result
from raresim.analysis.tail_result import TailResult
from raresim.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def cochran_mantel_haenszel(
    data: "pd.DataFrame",
    *,
    outcome: str,
    arm: str,
    control: object,
    strata: Sequence[str] = (),
    correction: bool = True,
) -> TailResult:
    """Compare two proportions over strata; see `batch.cochran_mantel_haenszel`.

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
    strata
        Columns whose combinations are the strata.
    correction
        Whether the test is corrected for continuity.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Mantel N, Haenszel W. J Natl Cancer Inst 1959;22:719-748.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "well": [1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1],
    ...         "arm": list("aaapppaaappp"),
    ...         "site": [1] * 6 + [2] * 6,
    ...     }
    ... )
    >>> found = cochran_mantel_haenszel(
    ...     data, outcome="well", arm="arm", control="p", strata=["site"]
    ... )
    >>> round(found.estimate, 4)
    10.0
    """
    codes = read_strata(data, strata)
    return mantel_haenszel.cochran_mantel_haenszel(
        *two_arms(data, outcome, arm, control), codes, correction=correction
    ).row(0)


def cochran_mantel_haenszel_exact(
    data: "pd.DataFrame",
    *,
    outcome: str,
    arm: str,
    control: object,
    strata: Sequence[str] = (),
) -> TailResult:
    """Test a common odds ratio exactly; see `batch.cochran_mantel_haenszel_exact`.

    Takes the arguments of `cochran_mantel_haenszel` without ``correction``.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Mehta CR, Patel NR, Gray R. J Am Stat Assoc 1985;80:969-973.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "well": [1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1],
    ...         "arm": list("aaapppaaappp"),
    ...         "site": [1] * 6 + [2] * 6,
    ...     }
    ... )
    >>> found = cochran_mantel_haenszel_exact(
    ...     data, outcome="well", arm="arm", control="p", strata=["site"]
    ... )
    >>> round(found.p, 4)
    0.26
    """
    codes = read_strata(data, strata)
    return mantel_haenszel.cochran_mantel_haenszel_exact(
        *two_arms(data, outcome, arm, control), codes
    ).row(0)


def mantel_haenszel_risk_difference(
    data: "pd.DataFrame",
    *,
    outcome: str,
    arm: str,
    control: object,
    strata: Sequence[str] = (),
) -> Result:
    """Estimate a common difference; see `batch.mantel_haenszel_risk_difference`.

    Takes the arguments of `cochran_mantel_haenszel` without ``correction``.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Sato T. Biometrics 1989;45:1323-1324.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "well": [1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1],
    ...         "arm": list("aaapppaaappp"),
    ...         "site": [1] * 6 + [2] * 6,
    ...     }
    ... )
    >>> found = mantel_haenszel_risk_difference(
    ...     data, outcome="well", arm="arm", control="p", strata=["site"]
    ... )
    >>> round(found.estimate, 4)
    0.5
    """
    codes = read_strata(data, strata)
    return mantel_haenszel.mantel_haenszel_risk_difference(
        *two_arms(data, outcome, arm, control), codes
    ).row(0)


def stratified_miettinen_nurminen(
    data: "pd.DataFrame",
    *,
    outcome: str,
    arm: str,
    control: object,
    strata: Sequence[str],
    null: float = 0.0,
    weights: Weights = "mn",
    correction: bool = True,
) -> TailResult:
    """Compare two proportions over strata; see `batch.stratified_miettinen_nurminen`.

    Takes the arguments of `cochran_mantel_haenszel` without ``correction``, and:

    Parameters
    ----------
    null
        Common risk difference under the null hypothesis.
    weights
        "mn" (Miettinen-Nurminen) or "mh" (Mantel-Haenszel).
    correction
        Whether each variance is multiplied by N/(N - 1).

    Raises
    ------
    InputError
        If a column does not fit, there are no strata, or the weights or the null value.

    References
    ----------
    Miettinen O, Nurminen M. Stat Med 1985;4:213-226.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "well": [1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1],
    ...         "arm": list("aaapppaaappp"),
    ...         "site": [1] * 6 + [2] * 6,
    ...     }
    ... )
    >>> found = stratified_miettinen_nurminen(
    ...     data, outcome="well", arm="arm", control="p", strata=["site"]
    ... )
    >>> round(found.estimate, 4)
    0.5
    """
    codes = read_strata(data, strata)
    if codes is None:
        raise InputError("strata: found none; expected at least one column.")
    return score_strata.stratified_miettinen_nurminen(
        *two_arms(data, outcome, arm, control),
        codes,
        null=null,
        weights=weights,
        correction=correction,
    ).row(0)
