"""Regressions of times to an event of one table of patients."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from raresim.analysis.columns import (
    all_present,
    covariates_of,
    flags,
    numbers,
    require,
    several,
    strata_codes,
)
from raresim.analysis.result import Result
from raresim.analysis.survival import concordance as concordance_of_scores
from raresim.analysis.survival import cox_covariates, cox_regression, penalised_cox
from raresim.analysis.survival.concordance import Concordance
from raresim.analysis.survival.cox_covariates import CoxFits, Ties
from raresim.analysis.survival.patients import cluster_codes, patients

if TYPE_CHECKING:
    import pandas as pd


def cox(
    data: "pd.DataFrame",
    *,
    time: str,
    event: str,
    arm: str,
    control: object,
    strata: Sequence[str] = (),
    covariates: Sequence[str] = (),
    ties: Ties | Literal["exact"] = "efron",
    robust: bool = False,
    cluster: str | None = None,
) -> Result:
    """Estimate the log hazard ratio of two arms by Cox regression; see `batch.cox`.

    Takes the columns of `logrank`.

    Parameters
    ----------
    covariates
        Columns of numbers; patients without one of them are left out.
    ties
        "efron" or "breslow"; "exact" (Cox's discrete model) without covariates.
    robust
        Whether to give the standard error of Lin and Wei.
    cluster
        Column of the clusters for that standard error.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Cox DR. J R Stat Soc B 1972;34:187-220. Efron B. J Am Stat Assoc 1977;72:557-565.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"days": [9, 13, 18, 28, 31, 45], "relapse": [1, 1, 1, 0, 1, 0], "arm": list("ppapaa")}
    ... )
    >>> cox(data, time="days", event="relapse", arm="arm", control="p")
    Cox regression: log hazard ratio -1.227 (95 % CI -3.684 to 1.23)
      se 1.254, z = -0.979, p = 0.3276, 6 patients
    """
    columns = patients(data, time, event, arm, control, strata, covariates)
    return cox_regression.cox(
        *columns,
        covariates_of(data, covariates),
        ties=ties,
        robust=robust,
        cluster=cluster_codes(data, cluster),
    ).row(0)


def cox_model(
    data: "pd.DataFrame",
    *,
    time: str,
    event: str,
    arm: str,
    control: object,
    strata: Sequence[str] = (),
    covariates: Sequence[str] = (),
    ties: Ties = "efron",
    robust: bool = False,
    cluster: str | None = None,
) -> CoxFits:
    """Fit Cox's model on the arm and covariates and give all of it; see `batch.cox_model`.

    Takes the arguments of `cox`; the arm is the first coefficient.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Cox DR. J R Stat Soc B 1972;34:187-220.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"days": [9, 13, 18, 28, 31, 45], "relapse": [1, 1, 1, 0, 1, 0], "arm": list("ppapaa")}
    ... )
    >>> fit = cox_model(data, time="days", event="relapse", arm="arm", control="p")
    >>> fit.likelihood_ratio_test.round(4), fit.score_test.round(4)
    (array([1.0323]), array([1.0664]))
    """
    columns = patients(data, time, event, arm, control, strata, covariates)
    design = (columns[2] == 1).astype(np.float64)[:, :, None]
    extra = covariates_of(data, covariates)
    return cox_covariates.cox_model(
        columns[0],
        columns[1],
        design if extra is None else np.concatenate((design, extra), axis=2),
        columns[3],
        columns[4],
        ties=ties,
        robust=robust,
        cluster=cluster_codes(data, cluster),
        names=(arm, *several(covariates)),
    )


def firth_cox(
    data: "pd.DataFrame",
    *,
    time: str,
    event: str,
    arm: str,
    control: object,
    strata: Sequence[str] = (),
    covariates: Sequence[str] = (),
    ties: Ties = "efron",
) -> Result:
    """Estimate the log hazard ratio of two arms with Firth's penalty; see `batch.firth_cox`.

    Takes the columns of `cox`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Heinze G, Schemper M. Biometrics 2001;57:114-119.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"days": [9, 13, 18, 28, 31, 45], "relapse": [1, 1, 1, 0, 1, 0], "arm": list("ppapaa")}
    ... )
    >>> firth_cox(data, time="days", event="relapse", arm="arm", control="p")
    Cox regression, Firth's penalty: log hazard ratio -1.048 (95 % CI -3.492 to 1.037)
      se 1.224, z = -0.9986, p = 0.318, 6 patients
      Small trial: this asymptotic test can exceed its nominal size; re-randomisation keeps it.
      The permutation log-rank test keeps its level however few the patients.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 0.9 to 5.3 %.
    """
    columns = patients(data, time, event, arm, control, strata, covariates)
    return penalised_cox.firth_cox(*columns, covariates_of(data, covariates), ties=ties).row(0)


def concordance(
    data: "pd.DataFrame",
    *,
    time: str,
    event: str,
    score: str,
    strata: Sequence[str] = (),
) -> Concordance:
    """Measure how well a score tells who has the event first; see `batch.concordance`.

    Parameters
    ----------
    data, time, event, strata
        As in `logrank`; pairs are compared within strata.
    score
        Column of a score that is higher where events come earlier, such as the linear predictor
        of a Cox model; may be missing.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Harrell FE, Lee KL, Mark DB. Stat Med 1996;15:361-387.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {"days": [9, 13, 18, 28, 31], "died": [1, 1, 0, 1, 0], "risk": [3, 1, 2, 2, 1]}
    ... )
    >>> concordance(data, time="days", event="died", score="risk")
    concordance 0.6875 (95 % CI 0.2317 to 1), se 0.2325, 5 patients
    """
    require(data, (time, event, score, *several(strata)))
    codes = strata_codes(data, strata)
    return concordance_of_scores.concordance(
        numbers(data, time)[None],
        flags(data, event)[None],
        numbers(data, score, missing=True, least=-np.inf)[None],
        all_present(len(data)),
        None if codes is None else codes[None],
    )
