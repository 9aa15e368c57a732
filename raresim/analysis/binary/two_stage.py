"""The analysis of one arm after a two-stage design."""

from collections.abc import Callable
from functools import lru_cache
from math import comb

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray
from raresim.analysis.binary.one_sample import upper_tail
from raresim.analysis.binary.simon import SimonDesign
from raresim.analysis.left_out import flags_of, left_out
from raresim.analysis.notes import Note
from raresim.analysis.tail_result import TailResults
from raresim.errors import InputError

TAIL = 0.025
HALVINGS = 60


def simon_analysis(
    outcome: FloatArray, present: BoolArray, *, design: SimonDesign, goal: float
) -> TailResults:
    """Analyse a two-stage trial so that the chance of stopping early is counted.

    Trials are ordered by the stage at which they ended, then by responses (stage-wise ordering,
    Koyama and Chen; R clinfun ``twostage.inference``): p of 'greater' is P(X1 >= x1) at the goal
    after a stop, else the chance to go on and to have at least x responses in all. ``p`` is
    twice the smaller one-sided p-value, at most 1; p of 'less' has the trial seen in its tail
    too. The 95 % limits have 2.5 % in each tail of the same ordering (clinfun's ``alpha`` 0.025).
    The estimate is the uniformly minimum-variance unbiased one (Jung and Kim). ``statistic`` is
    the number of responses.

    Parameters
    ----------
    outcome
        (B, n) 1 for a response, 0 without, in the order of entry: the first n1 are stage 1.
    present
        (B, n) False for padding.
    design
        The design of the trial.
    goal
        Response probability under the null hypothesis.

    Raises
    ------
    InputError
        If the goal is not between 0 and 1.

    References
    ----------
    Koyama T, Chen H. Stat Med 2008;27:3145-3154. Jung SH, Kim KM. Stat Med 2004;23:881-896.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[1, 1, 1] + [0] * 7 + [1] * 5 + [0] * 14])
    >>> design = SimonDesign(stop=1, first=10, fail=5, total=29)
    >>> simon_analysis(outcome, np.ones((1, 29), dtype=bool), design=design, goal=0.1).row(0)
    two-stage exact test: response probability 0.3053 (95 % CI 0.1302 to 0.4913)
      statistic 8, p = 0.01099 (less 0.9986, greater 0.005494) against 0.1, 29 patients
    """
    if not 0.0 < goal < 1.0:
        raise InputError(f"goal: found {goal:g}; expected a proportion between 0 and 1.")
    values = np.asarray(outcome, dtype=np.float64)
    used = present & ~np.isnan(values)
    response = used & (values == 1.0)
    number, lost = np.count_nonzero(used, axis=1), left_out(outcome=present & ~used)
    early = np.count_nonzero(response & (np.cumsum(used, axis=1) <= design.first), axis=1)
    responses = np.count_nonzero(response, axis=1)
    stopped = (number == design.first) & (early <= design.stop)
    ended = (number == design.total) & (early > design.stop)
    answered = stopped | ended
    found = np.full((5, len(answered)), np.nan)
    for b in np.flatnonzero(answered).tolist():
        found[:, b] = _inference(design, bool(stopped[b]), int(responses[b]), goal)
    estimate, less, greater, low, high = found
    return TailResults(
        method="two-stage exact test",
        measure="response probability",
        null=goal,
        estimate=estimate,
        ci_low=low,
        ci_high=high,
        statistic=np.where(answered, responses, np.nan),
        p=np.minimum(1.0, 2.0 * np.minimum(less, greater)),
        p_less=less,
        p_greater=greater,
        converged=answered,
        used=number,
        notes=Note.OFF_DESIGN * ~answered + flags_of(lost),
        left_out=lost,
    )


@lru_cache(maxsize=4096)
def _inference(
    design: SimonDesign, stopped: bool, responses: int, goal: float
) -> tuple[float, float, float, float, float]:
    """Give the estimate, p of 'less' and 'greater', and the limits of one end of a trial."""
    low, high = 0.0, 1.0
    if responses > 0:
        low = _solve(lambda p: _at_least(design, stopped, responses, p), rising=True)
    if responses < (design.first if stopped else design.total):
        high = _solve(lambda p: _at_most(design, stopped, responses, p), rising=False)
    return (
        _unbiased(design, stopped, responses),
        _at_most(design, stopped, responses, goal),
        _at_least(design, stopped, responses, goal),
        low,
        high,
    )


def _at_least(design: SimonDesign, stopped: bool, responses: int, p: float) -> float:
    if stopped:
        return float(upper_tail(float(responses), float(design.first), p))
    return design.reaches(responses, p)


def _at_most(design: SimonDesign, stopped: bool, responses: int, p: float) -> float:
    return 1.0 - _at_least(design, stopped, responses + 1, p)


def _unbiased(design: SimonDesign, stopped: bool, responses: int) -> float:
    """Give the mean of the first patient's response given the end: whole numbers, divided once."""
    if stopped:
        return responses / design.first
    later = design.total - design.first
    top = bottom = 0
    for x in range(max(design.stop + 1, responses - later), min(responses, design.first) + 1):
        ways = comb(later, responses - x)
        top += comb(design.first - 1, x - 1) * ways if x > 0 else 0
        bottom += comb(design.first, x) * ways
    return top / bottom


def _solve(tail: Callable[[float], float], *, rising: bool) -> float:
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        p = 0.5 * (low + high)
        if (tail(p) < TAIL) == rising:
            low = p
        else:
            high = p
    return 0.5 * (low + high)
