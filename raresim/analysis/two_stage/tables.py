"""Trials of two stages in one table, a row for each patient: a batch of one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray
from raresim.analysis.columns import all_present, arms, flags, numbers, require, several, unreadable
from raresim.analysis.result import Result
from raresim.analysis.two_stage import (
    estimating_equations,
    joint_stage_bayes,
    parallel_comparison,
)
from raresim.analysis.two_stage.estimating_equations import Linkage
from raresim.analysis.two_stage.joint_stage_bayes import JointStagePosterior, JointStagePrior
from raresim.analysis.two_stage.joint_stage_result import JointStageFit
from raresim.analysis.two_stage.parallel_comparison import StageVariance
from raresim.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def spcd_means(
    data: "pd.DataFrame",
    *,
    outcome_1: str,
    arm_1: str,
    outcome_2: str,
    arm_2: str,
    second: str,
    control: object,
    weight: float = 0.5,
    variances: Literal["unequal", "equal"] = "unequal",
) -> Result:
    """Compare means in a sequential parallel comparison design; see `batch.spcd_means`.

    Parameters
    ----------
    data
        One row for each patient.
    outcome_1, outcome_2
        Columns of the outcome of each stage; may be missing.
    arm_1, arm_2
        Columns of the arm in each stage; the second is read only of those in stage 2.
    second
        Column of 1 (counts in stage 2: did not respond to placebo, randomised anew) or 0.
    control
        The value of the arms that is placebo.
    weight, variances
        As in `batch.spcd_means`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Fava M, Evins AE, Dorer DJ, Schoenfeld DA. Psychother Psychosom 2003;72:115-127.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "one": [1.0, 1.5, 1.4, 0.8, 2.0, 2.6, 2.8],
    ...         "rx": list("ppppddd"),
    ...         "two": [0.4, 0.6, 1.4, 1.0, None, None, None],
    ...         "again": ["p", "p", "d", "d", None, None, None],
    ...         "on": [1, 1, 1, 1, 0, 0, 0],
    ...     }
    ... )
    >>> columns = {"outcome_1": "one", "arm_1": "rx", "outcome_2": "two", "arm_2": "again"}
    >>> round(spcd_means(data, **columns, second="on", control="p").estimate, 4)
    0.9958
    """
    stages = _stages(data, outcome_1, arm_1, outcome_2, arm_2, second, control)
    return parallel_comparison.spcd_means(*stages, weight=weight, variances=variances).row(0)


def spcd_responses(
    data: "pd.DataFrame",
    *,
    response_1: str,
    arm_1: str,
    response_2: str,
    arm_2: str,
    second: str,
    control: object,
    weight: float = 0.5,
    variance: StageVariance = "pooled",
) -> Result:
    """Compare responses in a sequential parallel comparison design; see `batch.spcd_responses`.

    Takes the columns of `spcd_means`, outcomes being 1 or 0.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Fava M, Evins AE, Dorer DJ, Schoenfeld DA. Psychother Psychosom 2003;72:115-127.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "one": [1, 0, 0, 0, 0, 1, 0],
    ...         "rx": list("pppppdd"),
    ...         "two": [None, 0, 1, 1, 1, None, None],
    ...         "again": [None, "p", "p", "d", "d", None, None],
    ...         "on": [0, 1, 1, 1, 1, 0, 0],
    ...     }
    ... )
    >>> columns = {"response_1": "one", "arm_1": "rx", "response_2": "two", "arm_2": "again"}
    >>> round(spcd_responses(data, **columns, second="on", control="p").estimate, 4)
    0.4
    """
    stages = _stages(data, response_1, arm_1, response_2, arm_2, second, control)
    for name, values in ((response_1, stages[0]), (response_2, stages[2])):
        _answers(name, values)
    return parallel_comparison.spcd_responses(*stages, weight=weight, variance=variance).row(0)


def joint_stage_regression(
    data: "pd.DataFrame",
    *,
    treatment_1: str,
    response_1: str,
    treatment_2: str,
    response_2: str,
    treatments: Sequence[object],
    linkage: Linkage = "each treatment",
) -> JointStageFit:
    """Estimate response rates of an snSMART; see `batch.joint_stage_regression`.

    Parameters
    ----------
    data
        One row for each patient.
    treatment_1, treatment_2
        Columns of the treatment in each stage; in stage 2 missing where there was none.
    response_1, response_2
        Columns of 1 and 0; may be missing.
    treatments
        The values of the treatments, in the order of the answer.
    linkage
        As in `batch.joint_stage_regression`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Wei B, Braun TM, Tamura RN, Kidwell KM. Stat Med 2018;37:3723-3732.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "t1": list("aaabbbccc"),
    ...         "y1": [1, 1, 0] * 3,
    ...         "t2": list("aabbbccca"),
    ...         "y2": [1, 0, 1] * 3,
    ...     }
    ... )
    >>> columns = dict(treatment_1="t1", response_1="y1", treatment_2="t2", response_2="y2")
    >>> joint_stage_regression(data, **columns, treatments="abc", linkage="shared").rates.round(3)
    array([0.667, 0.667, 0.667])
    """
    stages = _courses(data, treatment_1, response_1, treatment_2, response_2, treatments)
    here = all_present(len(data))
    return estimating_equations.joint_stage_regression(
        *stages, here, treatments=len(treatments), linkage=linkage
    ).row(0)


def bayesian_joint_stage(
    data: "pd.DataFrame",
    *,
    treatment_1: str,
    response_1: str,
    treatment_2: str,
    response_2: str,
    treatments: Sequence[object],
    prior: JointStagePrior,
    linkage: Linkage = "shared",
) -> JointStagePosterior:
    """Give the posterior of response rates of an snSMART; see `batch.bayesian_joint_stage`.

    Takes the columns of `joint_stage_regression`, and a prior with the rates of the treatments
    in the same order.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Wei B, Braun TM, Tamura RN, Kidwell KM. Stat Med 2018;37:3723-3732.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame(
    ...     {
    ...         "t1": list("aaabbbccc"),
    ...         "y1": [1, 1, 0] * 3,
    ...         "t2": list("aabbbccca"),
    ...         "y2": [1, 0, 1] * 3,
    ...     }
    ... )
    >>> columns = dict(treatment_1="t1", response_1="y1", treatment_2="t2", response_2="y2")
    >>> prior = JointStagePrior(((1.0, 1.0),) * 3)
    >>> found = bayesian_joint_stage(data, **columns, treatments="abc", prior=prior)
    >>> found.mean.round(3)
    array([0.587, 0.587, 0.587])
    """
    if len(prior.rates) != len(treatments):
        raise InputError(
            f"prior.rates: found {len(prior.rates)} treatments; expected {len(treatments)}."
        )
    stages = _courses(data, treatment_1, response_1, treatment_2, response_2, treatments)
    here = all_present(len(data))
    return joint_stage_bayes.bayesian_joint_stage(*stages, here, prior=prior, linkage=linkage).row(
        0
    )


class _Courses(NamedTuple):
    treatment_1: CodeArray
    response_1: FloatArray
    treatment_2: CodeArray
    response_2: FloatArray


def _courses(
    data: "pd.DataFrame",
    treatment_1: str,
    response_1: str,
    treatment_2: str,
    response_2: str,
    treatments: Sequence[object],
) -> _Courses:
    require(data, (treatment_1, response_1, treatment_2, response_2))
    codes, answers = [], []
    for name, missing in ((treatment_1, False), (treatment_2, True)):
        known = data[name].map({label: i for i, label in enumerate(treatments)})
        wrong = known.isna() & (~data[name].isna() if missing else True)
        if wrong.any():
            expected = "one of " + ", ".join(map(repr, treatments))
            raise unreadable(name, repr(data[name][wrong].iloc[0]), expected, "name all treatments")
        codes.append(known.fillna(-1).to_numpy().astype(np.int64)[None])
    for name in (response_1, response_2):
        answers.append(numbers(data, name, missing=True)[None])
        _answers(name, answers[-1])
    return _Courses(codes[0], answers[0], codes[1], answers[1])


def _stages(
    data: "pd.DataFrame",
    outcome_1: str,
    arm_1: str,
    outcome_2: str,
    arm_2: str,
    second: str,
    control: object,
) -> tuple[FloatArray, CodeArray, FloatArray, CodeArray, BoolArray, BoolArray]:
    require(data, several((outcome_1, arm_1, outcome_2, arm_2, second)))
    on = flags(data, second)
    values = [numbers(data, name, missing=True, least=-np.inf) for name in (outcome_1, outcome_2)]
    later = np.zeros(len(data), dtype=np.int64)
    if np.any(on):
        later[on] = arms(data[on], arm_2, control)
    here = all_present(len(data))
    first = arms(data, arm_1, control)
    return values[0][None], first[None], values[1][None], later[None], on[None], here


def _answers(name: str, values: FloatArray) -> None:
    bad = ~np.isnan(values) & (values != 0.0) & (values != 1.0)
    if np.any(bad):
        raise unreadable(name, f"{values[bad][0]:g}", "0 or 1", "code 1 for a response, 0 for none")
