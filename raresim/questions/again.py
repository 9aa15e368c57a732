"""Whoever is the best of several is so by luck as well: it is tried again on fresh seeds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from raresim.analysis.binary.one_sample import clopper_pearson
from raresim.questions.characteristics import Floats
from raresim.study.montecarlo import Figure

FRESH = 1_000_003
"""What is added to the seed for the trials in which what was chosen is tried again."""
TAIL = 0.1
"""Chance that a rate lies beyond each limit of its interval, at most."""


def best(rates: Mapping[str, Floats]) -> str:
    """Return the name with most successes; of equal ones the first.

    >>> best({"a": np.array([1.0, 0.0]), "b": np.array([1.0, 1.0]), "c": np.array([1.0, 1.0])})
    'b'
    """
    return max(rates, key=lambda name: float(np.mean(rates[name])))


def limits(rate: Figure) -> tuple[float, float]:
    """Return the 80 % interval of a rate: Clopper and Pearson's, of as many trials as it is worth.

    Trials that share a drawn truth are worth fewer: those that alone would have its error.
    Source: Clopper & Pearson, Biometrika 1934;26:404-413.

    >>> low, high = limits(Figure(0.8, (0.16 / 2000) ** 0.5, 2000))
    >>> round(low, 3), round(high, 3)
    (0.788, 0.811)
    """
    if rate.value is None or rate.mcse is None:
        return 0.0, 1.0
    trials = float(rate.replicates)
    if 0 < rate.value < 1:
        trials = min(trials, max(1.0, rate.value * (1 - rate.value) / rate.mcse**2))
    whole = round(trials)
    return exact_limits(round(rate.value * whole), whole, TAIL)


def exact_limits(hits: int, trials: int, tail: float) -> tuple[float, float]:
    """Return Clopper and Pearson's limits of a share.

    >>> exact_limits(0, 20_000, 0.025)[0], exact_limits(20_000, 20_000, 0.025)[1]
    (0.0, 1.0)
    """
    low, high = clopper_pearson(np.array(hits), np.array(trials), tail)
    return float(low), float(high)
