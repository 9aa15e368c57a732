"""Two proportions of one table of patients: a batch of one given to its kernel."""

from typing import TYPE_CHECKING

from raresim.analysis.binary import fisher, hybrid, score, unconditional
from raresim.analysis.binary.reading import two_arms
from raresim.analysis.binary.restricted import Measure
from raresim.analysis.binary.result import ProportionInterval
from raresim.analysis.binary.unconditional import Order
from raresim.analysis.tail_result import TailResult

if TYPE_CHECKING:
    import pandas as pd


def fisher_exact(
    data: "pd.DataFrame",
    *,
    outcome: str,
    arm: str,
    control: object,
) -> TailResult:
    """Compare two proportions by Fisher's exact test; see `batch.fisher_exact`.

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

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Fisher RA. Statistical Methods for Research Workers, 5th ed 1934.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"well": [1, 1, 1, 1, 0, 0, 0, 0, 0, 1], "arm": list("aaaaappppp")})
    >>> fisher_exact(data, outcome="well", arm="arm", control="p").p
    0.20634920634920634
    """
    return fisher.fisher_exact(*two_arms(data, outcome, arm, control)).row(0)


def fisher_mid_p(
    data: "pd.DataFrame",
    *,
    outcome: str,
    arm: str,
    control: object,
) -> TailResult:
    """Compare two proportions by Fisher's mid-p test; see `batch.fisher_mid_p`.

    Takes the arguments of `fisher_exact`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Lancaster HO. J Am Stat Assoc 1961;56:223-234.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"well": [1, 1, 1, 1, 0, 0, 0, 0, 0, 1], "arm": list("aaaaappppp")})
    >>> fisher_mid_p(data, outcome="well", arm="arm", control="p").p
    0.10714285714285714
    """
    return fisher.fisher_mid_p(*two_arms(data, outcome, arm, control)).row(0)


def barnard(
    data: "pd.DataFrame",
    *,
    outcome: str,
    arm: str,
    control: object,
    variance: Order = "pooled",
) -> TailResult:
    """Compare two proportions by Barnard's exact test; see `batch.barnard`.

    Takes the arguments of `fisher_exact`, and:

    Parameters
    ----------
    variance
        "pooled" or "unpooled": the variance of the Wald statistic that orders the tables.

    Raises
    ------
    InputError
        If a column does not fit, the variance is unknown or the arms are too large.

    References
    ----------
    Barnard GA. Biometrika 1947;34:123-138.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"well": [1, 1, 1, 1, 0, 0, 0, 0, 0, 1], "arm": list("aaaaappppp")})
    >>> barnard(data, outcome="well", arm="arm", control="p")
    Barnard's exact test (pooled): risk difference 0.6
      statistic 1.897, p = 0.1094 (less 1, greater 0.05469) against 0, 10 patients
    """
    return unconditional.barnard(*two_arms(data, outcome, arm, control), variance=variance).row(0)


def boschloo(
    data: "pd.DataFrame",
    *,
    outcome: str,
    arm: str,
    control: object,
) -> TailResult:
    """Compare two proportions by Boschloo's exact test; see `batch.boschloo`.

    Takes the arguments of `fisher_exact`.

    Raises
    ------
    InputError
        If a column does not fit or the arms are too large.

    References
    ----------
    Boschloo RD. Stat Neerl 1970;24:1-9.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"well": [1, 1, 1, 1, 0, 0, 0, 0, 0, 1], "arm": list("aaaaappppp")})
    >>> boschloo(data, outcome="well", arm="arm", control="p").p
    0.109375
    """
    return unconditional.boschloo(*two_arms(data, outcome, arm, control)).row(0)


def miettinen_nurminen(
    data: "pd.DataFrame",
    *,
    outcome: str,
    arm: str,
    control: object,
    measure: Measure = "risk difference",
    null: float | None = None,
    correction: bool = True,
) -> TailResult:
    """Compare two proportions by a score test and interval; see `batch.miettinen_nurminen`.

    Takes the arguments of `fisher_exact`, and:

    Parameters
    ----------
    measure
        "risk difference", "risk ratio", "odds ratio" or "log odds ratio".
    null
        Its value under the null hypothesis; equal proportions unless given.
    correction
        Whether the variance is multiplied by N/(N - 1).

    Raises
    ------
    InputError
        If a column does not fit, or the measure or its null value.

    References
    ----------
    Miettinen O, Nurminen M. Stat Med 1985;4:213-226.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"well": [1, 1, 1, 1, 0, 0, 0, 0, 0, 1], "arm": list("aaaaappppp")})
    >>> found = miettinen_nurminen(data, outcome="well", arm="arm", control="p")
    >>> round(found.ci_low, 4), round(found.ci_high, 4)
    (-0.0524, 0.8934)
    """
    return score.miettinen_nurminen(
        *two_arms(data, outcome, arm, control), measure=measure, null=null, correction=correction
    ).row(0)


def farrington_manning(
    data: "pd.DataFrame",
    *,
    outcome: str,
    arm: str,
    control: object,
    margin: float,
    measure: Measure = "risk difference",
) -> TailResult:
    """Test for (non-)inferiority or superiority by a margin; see `batch.farrington_manning`.

    Takes the arguments of `fisher_exact`, and:

    Parameters
    ----------
    margin
        Value of the measure, treated to control, under the null hypothesis.
    measure
        "risk difference", "risk ratio", "odds ratio" or "log odds ratio".

    Raises
    ------
    InputError
        If a column does not fit, or the measure or the margin.

    References
    ----------
    Farrington CP, Manning G. Stat Med 1990;9:1447-1454.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"well": [1, 1, 1, 1, 0, 0, 0, 0, 0, 1], "arm": list("aaaaappppp")})
    >>> found = farrington_manning(data, outcome="well", arm="arm", control="p", margin=-0.1)
    >>> round(found.p_greater, 4)
    0.013
    """
    return score.farrington_manning(
        *two_arms(data, outcome, arm, control), margin=margin, measure=measure
    ).row(0)


def newcombe(
    data: "pd.DataFrame",
    *,
    outcome: str,
    arm: str,
    control: object,
    correction: bool = False,
) -> ProportionInterval:
    """Give Newcombe's interval of the risk difference; see `batch.newcombe`.

    Takes the arguments of `fisher_exact`, and:

    Parameters
    ----------
    correction
        Whether the Wilson limits are corrected for continuity.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Newcombe RG. Stat Med 1998;17:873-890.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"well": [1, 1, 1, 1, 0, 0, 0, 0, 0, 1], "arm": list("aaaaappppp")})
    >>> newcombe(data, outcome="well", arm="arm", control="p")
    Newcombe interval: risk difference 0.6 (95 % CI -0.0002847 to 0.8316), 10 patients
    """
    return hybrid.newcombe(*two_arms(data, outcome, arm, control), correction=correction).row(0)
