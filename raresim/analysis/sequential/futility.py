"""Beta spending: both boundaries of a trial with looks for the information really observed.

Alpha is spent as in `spending`; the type II error is spent by a second function, on the path of
the statistic under the effect that the trial was planned for. A look finds futility for Z_k <= l_k.

Source: Pampallona S, Tsiatis AA, Kim K. Drug Information Journal 2001;35:1113-1121; Jennison C,
Turnbull BW. Group Sequential Methods, Chapman & Hall 2000, chapters 4 and 19.
"""

from functools import lru_cache

import numpy as np

from raresim.analysis.sequential.path import Path
from raresim.analysis.sequential.spending import Spending, check_information, spent
from raresim.errors import InputError

Function = tuple[Spending, float | None]
"""A spending function and its parameter, see `spent`."""


@lru_cache(maxsize=65536)
def spending_bounds(
    information: tuple[float, ...],
    planned: float,
    alpha: float,
    beta: float,
    drift: float,
    *,
    efficacy: Function = ("obrien-fleming", None),
    futility: Function = ("obrien-fleming", None),
    binding: bool = False,
    final: bool = True,
) -> tuple[float, float]:
    """Give the upper and the lower z boundary of the last look so far.

    Where futility does not bind, the upper boundary is that of `boundaries`. The lower one is never
    above the upper one, and is equal to it at the final look.

    Parameters
    ----------
    information
        Information observed at each look so far, never falling; a look that adds none counts
        together with the one before.
    planned
        Information at which both errors are spent.
    alpha, beta
        One-sided level, and type II error under ``drift``.
    drift
        Mean of the statistic at the planned information under the effect that was planned for:
        `GroupSequentialDesign.drift`.
    efficacy, futility
        Spending functions of the two errors.
    binding
        Whether alpha counts on futility being obeyed.
    final
        Whether the last look given is the last of the trial.

    Raises
    ------
    InputError
        If information is empty, not positive or falling, or an error or the drift out of range.

    Examples
    --------
    >>> from raresim.analysis.sequential import group_sequential
    >>> design = group_sequential((0.5, 1), futility="spending obrien-fleming")
    >>> high, low = spending_bounds((30,), 60, 0.025, 0.1, design.drift, final=False)
    >>> (round(high, 4), round(low, 4)) == (design.upper[0].round(4), design.lower[0].round(4))
    True
    """
    check_information(information, planned, alpha)
    if not 0.0 < beta < 1.0 - alpha or not drift > 0.0:
        raise InputError(f"beta, drift: found {beta}, {drift}; expected a power and an effect.")
    levels = tuple(dict.fromkeys(information))
    null, truth = Path.at_start(), Path.at_start(drift / float(np.sqrt(planned)))
    gone, lost = 0.0, 0.0
    for k, level in enumerate(levels):
        ends = final and k == len(levels) - 1
        goal = alpha if ends else spent(level / planned, alpha, *efficacy)
        loss = spent(level / planned, beta, *futility)
        high = null.boundary(level, goal - gone)
        low = high if ends else min(high, truth.lower_boundary(level, loss - lost))
        gone, lost = max(goal, gone), max(loss, lost)
        if k < len(levels) - 1:
            null = null.onward(level, levels[k + 1], (low if binding else -np.inf, high))
            truth = truth.onward(level, levels[k + 1], (low, high))
    return float(high), float(low)
