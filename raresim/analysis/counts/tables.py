"""Event counts of one table of patients: a batch of one given to its kernel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.columns import (
    all_present,
    arms,
    covariates_of,
    numbers,
    require,
    several,
    unreadable,
)
from raresim.analysis.counts import count_regression
from raresim.analysis.counts import poisson_exact as exact_kernel
from raresim.analysis.counts import poisson_one_sample as one_sample_kernel
from raresim.analysis.counts import poisson_regression as poisson_kernels
from raresim.analysis.counts.count_regression import NegativeBinomialFit
from raresim.analysis.counts.poisson_regression import Test
from raresim.analysis.result import Result
from raresim.analysis.tail_result import TailResult

if TYPE_CHECKING:
    import pandas as pd

MOST_EVENTS = 1_000_000  # the likelihoods add up one term for each event


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
      Small trial: this asymptotic test can exceed its nominal size; re-randomisation keeps it.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 0.9 to 5.7 %.
    """
    return count_regression.negative_binomial(*_counted(data, count, exposure, arm, control)).row(0)


def negative_binomial_fit(
    data: "pd.DataFrame", *, count: str, exposure: str, arm: str, control: object
) -> NegativeBinomialFit:
    """Give rates, theta and log-likelihood of the model; see `batch.negative_binomial_fit`.

    Takes the arguments of `negative_binomial`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Venables WN, Ripley BD. Modern Applied Statistics with S, Springer 2002, section 7.4.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"attacks": [0, 3, 1, 6, 0, 1, 1, 0], "years": [1.0] * 8, "arm": list("ppppaaaa")}
    ... )
    >>> fit = negative_binomial_fit(
    ...     data, count="attacks", exposure="years", arm="arm", control="p"
    ... )
    >>> round(fit.theta, 3), fit.log_rate.round(3)
    (2.298, array([ 0.916, -0.693]))
    """
    arrays = _counted(data, count, exposure, arm, control)
    return count_regression.negative_binomial_fit(*arrays).row(0)


def poisson_regression(
    data: "pd.DataFrame",
    *,
    count: str,
    exposure: str,
    arm: str,
    control: object,
    adjust_for: Sequence[str] = (),
    test: Test = "wald",
) -> Result:
    """Estimate the log rate ratio of Poisson counts; see `batch.poisson_regression`.

    Parameters
    ----------
    data, count, exposure, arm, control
        As in `negative_binomial`.
    adjust_for
        Columns of numbers to adjust for; may be missing.
    test
        "wald", "likelihood_ratio" or "score".

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    McCullagh P, Nelder JA. Generalized Linear Models, 2nd ed 1989, chapter 6.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"attacks": [0, 3, 1, 6, 0, 1, 1, 0], "years": [1.0] * 8, "arm": list("ppppaaaa")}
    ... )
    >>> poisson_regression(data, count="attacks", exposure="years", arm="arm", control="p")
    Poisson regression (wald test): log rate ratio -1.609 (95 % CI -3.128 to -0.09126)
      se 0.7746, z = -2.078, p = 0.03773, 8 patients
      Sized for Poisson counts: where patients differ, quasi_poisson_regression or re-randomising.
      Small trial: the exact conditional test (for Poisson counts) or re-randomising keeps the size.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 1.0 to 11.6 %.
    """
    return poisson_kernels.poisson_regression(
        *_counted(data, count, exposure, arm, control, several(adjust_for)),
        baseline=covariates_of(data, adjust_for),
        test=test,
    ).row(0)


def quasi_poisson_regression(
    data: "pd.DataFrame",
    *,
    count: str,
    exposure: str,
    arm: str,
    control: object,
    adjust_for: Sequence[str] = (),
) -> Result:
    """Estimate the log rate ratio of overdispersed counts; see `batch.quasi_poisson_regression`.

    Takes the arguments of `poisson_regression` but ``test``.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Wedderburn RWM. Biometrika 1974;61:439-447.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"attacks": [0, 3, 1, 6, 0, 1, 1, 0], "years": [1.0] * 8, "arm": list("ppppaaaa")}
    ... )
    >>> quasi_poisson_regression(data, count="attacks", exposure="years", arm="arm", control="p")
    quasi-Poisson regression: log rate ratio -1.609 (95 % CI -4.105 to 0.8859)
      se 1.02, t(6) = -1.578, p = 0.1656, 8 patients
      Small trial: the exact conditional test (for Poisson counts) or re-randomising keeps the size.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 0.7 to 4.6 %.
    """
    return poisson_kernels.quasi_poisson_regression(
        *_counted(data, count, exposure, arm, control, several(adjust_for)),
        baseline=covariates_of(data, adjust_for),
    ).row(0)


def poisson_exact(
    data: "pd.DataFrame",
    *,
    count: str,
    exposure: str,
    arm: str,
    control: object,
    two_sided: Literal["likely", "central"] = "likely",
) -> TailResult:
    """Compare two rates by the exact conditional test; see `batch.poisson_exact`.

    Parameters
    ----------
    data, count, exposure, arm, control
        As in `negative_binomial`; one row for each patient, or one for each arm.
    two_sided
        "likely" (R's ``poisson.test``) or "central".

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Przyborowski J, Wilenski H. Biometrika 1940;31:313-323.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"attacks": [10, 2], "years": [4.0, 4.0], "arm": ["p", "a"]})
    >>> poisson_exact(data, count="attacks", exposure="years", arm="arm", control="p")
    exact conditional test of Poisson rates: rate ratio 0.2 (95 % CI 0.02131 to 0.9385)
      statistic 2, p = 0.03857 (less 0.01929, greater 0.9968) against 1, 2 patients
      Sized for Poisson counts: where patients differ, quasi_poisson_regression or re-randomising.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 2.8 to 11.0 %.
    """
    return exact_kernel.poisson_exact(
        *_counted(data, count, exposure, arm, control), two_sided=two_sided
    ).row(0)


def poisson_test(data: "pd.DataFrame", *, count: str, exposure: str, goal: float) -> TailResult:
    """Test one arm's event rate against a performance goal; see `batch.poisson_test`.

    Parameters
    ----------
    data, count, exposure
        As in `negative_binomial`, of one arm.
    goal
        Rate under the null hypothesis, in events per unit of exposure.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit, or the goal is not above zero.

    References
    ----------
    Garwood F. Biometrika 1936;28:437-442.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"attacks": [2, 0, 1, 3], "years": [0.5, 0.5, 0.5, 0.5]})
    >>> poisson_test(data, count="attacks", exposure="years", goal=6)
    exact test of a Poisson rate: rate 3 (95 % CI 1.101 to 6.53)
      statistic 6, p = 0.08324 (less 0.04582, greater 0.9797) against 6, 4 patients
      Sized for Poisson counts: where patients differ, quasi_poisson_regression or re-randomising.
    """
    require(data, (count, exposure))
    events, time = _whole(data, count)[None], numbers(data, exposure)[None]
    return one_sample_kernel.poisson_test(events, time, all_present(len(data)), goal=goal).row(0)


def _counted(
    data: "pd.DataFrame",
    count: str,
    exposure: str,
    arm: str,
    control: object,
    others: Sequence[str] = (),
) -> tuple[IntArray, FloatArray, IntArray, BoolArray]:
    """Read counts, follow-up and arm as a batch of one."""
    require(data, (count, exposure, arm, *others))
    return (
        _whole(data, count)[None],
        numbers(data, exposure)[None],
        arms(data, arm, control)[None],
        all_present(len(data)),
    )


def _whole(data: "pd.DataFrame", count: str) -> IntArray:
    """Read whole numbers of events."""
    counts = numbers(data, count)
    whole = (counts == np.floor(counts)) & (counts <= MOST_EVENTS)
    if not np.all(whole):
        found = f"{counts[np.argmin(whole)]:g}"
        raise unreadable(
            count,
            found,
            f"whole numbers of events, at most {MOST_EVENTS:g} of a patient",
            "give counts, not rates; the follow-up goes into exposure",
        )
    return np.asarray(counts.astype(np.int64))
