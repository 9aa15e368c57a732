"""One arm of patients in one table: a batch of one given to its kernel."""

from typing import TYPE_CHECKING

from raresim.analysis.binary import one_sample, two_stage
from raresim.analysis.binary.one_sample import Interval
from raresim.analysis.binary.reading import outcomes
from raresim.analysis.binary.simon import SimonDesign
from raresim.analysis.columns import all_present, require
from raresim.analysis.tail_result import TailResult

if TYPE_CHECKING:
    import pandas as pd


def binomial_test(
    data: "pd.DataFrame",
    *,
    outcome: str,
    goal: float,
    interval: Interval = "clopper-pearson",
    mid_p: bool = False,
) -> TailResult:
    """Test one arm against a performance goal; see `batch.binomial_test`.

    Parameters
    ----------
    data
        One row for each patient.
    outcome
        Column of 1 (event) or 0 (none); rows with a missing value are left out with a note.
    goal
        Proportion under the null hypothesis.
    interval
        "clopper-pearson", "mid-p" or "wilson".
    mid_p
        Whether the p-values are mid-p-values.

    Raises
    ------
    InputError
        If the column, the goal or the interval does not fit.

    References
    ----------
    Clopper CJ, Pearson ES. Biometrika 1934;26:404-413.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"well": [1] * 6 + [0] * 14})
    >>> binomial_test(data, outcome="well", goal=0.1)
    exact binomial test: proportion 0.3 (95 % CI 0.1189 to 0.5428)
      statistic 6, p = 0.01125 (less 0.9976, greater 0.01125) against 0.1, 20 patients
    """
    require(data, (outcome,))
    values = outcomes(data, outcome)
    return one_sample.binomial_test(
        values, all_present(len(data)), goal=goal, interval=interval, mid_p=mid_p
    ).row(0)


def simon_analysis(
    data: "pd.DataFrame",
    *,
    outcome: str,
    goal: float,
    design: SimonDesign,
) -> TailResult:
    """Analyse one arm after a two-stage design; see `batch.simon_analysis`.

    Parameters
    ----------
    data
        One row for each patient, in the order of entry.
    outcome
        Column of 1 (event) or 0 (none); rows with a missing value are left out with a note.
    goal
        Proportion under the null hypothesis.
    design
        The design of the trial.

    Raises
    ------
    InputError
        If the column or the goal does not fit.

    References
    ----------
    Koyama T, Chen H. Stat Med 2008;27:3145-3154.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"well": [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]})
    >>> design = SimonDesign(stop=1, first=10, fail=5, total=29)
    >>> simon_analysis(data, outcome="well", goal=0.1, design=design)
    two-stage exact test: response probability 0.1 (95 % CI 0.002529 to 0.445)
      statistic 1, p = 1 (less 0.7361, greater 0.6513) against 0.1, 10 patients
    """
    require(data, (outcome,))
    values = outcomes(data, outcome)
    return two_stage.simon_analysis(values, all_present(len(data)), design=design, goal=goal).row(0)
