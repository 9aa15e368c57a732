"""Whether a partial likelihood rises without end, decided by linear programming."""

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.survival.risk_sets import RiskSets

RIGHT = 1e-6  # of a covariate's spread: a direction wrong by less is taken as right, as a maximum
# that rests on it would put the hazards of patients apart by some e^1,000,000
STRICT = 1e-5


def endless(sets: RiskSets, design: FloatArray, present: BoolArray, row: int) -> bool:
    """Say whether some direction puts each event's patient at or above all others at risk.

    If it also puts one above, the likelihood of Cox regression rises along it for ever; without
    such a direction it has a maximum, as it is concave.

    Parameters
    ----------
    sets
        Risk sets of the events.
    design
        (B, n, p) covariates of spread 1.
    present
        (B, n) who counts.
    row
        Which row; one with an event.

    Examples
    --------
    >>> from raresim.analysis.survival.risk_sets import risk_sets
    >>> time, here = np.array([[1, 2, 3, 4]]), np.ones((1, 4), dtype=bool)
    >>> sets = risk_sets(time, here, ~here, here)
    >>> endless(sets, np.array([[[1.0], [0.0], [0.0], [0.0]]]), here, 0)
    True
    >>> endless(sets, np.array([[[1.0], [0.0], [2.0], [0.0]]]), here, 0)
    False
    """
    at_risk = [
        sets.order[row, first:close][present[row, sets.order[row, first:close]]]
        for first, close in zip(
            *(part[row, sets.real[row]].tolist() for part in (sets.first, sets.close)), strict=True
        )
    ]
    own, x = sets.record[row, sets.real[row]], design[row]
    direction = _best(x, own, at_risk)
    if direction is None:
        return False
    value = x @ direction
    least = min(value[i] - np.max(value[there]) for i, there in zip(own, at_risk, strict=True))
    most = max(value[i] - np.min(value[there]) for i, there in zip(own, at_risk, strict=True))
    return bool(least >= -RIGHT and most > STRICT)


def _best(x: FloatArray, own: IntArray, at_risk: list[IntArray]) -> FloatArray | None:
    """Find the direction, of elements up to 1, in which events stand highest above those at risk.

    The highest of a risk set is a variable too. Risk sets of a stratum lie within each other, so
    each is held up by those who leave it next and by the next set: few inequalities.
    """
    from scipy.optimize import linprog

    size, tops = x.shape[1], len(at_risk)
    above: list[FloatArray] = []  # each row times (direction, tops) is not above 0
    unit = np.eye(tops)
    for k, there in enumerate(at_risk):
        after = at_risk[k + 1] if k + 1 < tops else np.zeros(0, dtype=np.int64)
        within = after.size > 0 and bool(np.all(np.isin(after, there)))
        leaving = there[~np.isin(there, after)] if within else there
        above += [np.concatenate((x[patient], -unit[k])) for patient in leaving]
        if within:
            above.append(np.concatenate((np.zeros(size), unit[k + 1] - unit[k])))
        above.append(np.concatenate((-x[own[k]], unit[k])))
    gain = np.sum([x[i] * j.size - x[j].sum(axis=0) for i, j in zip(own, at_risk, strict=True)], 0)
    found = linprog(
        np.concatenate((-gain, np.zeros(tops))),
        A_ub=np.array(above),
        b_ub=np.zeros(len(above)),
        bounds=[(-1.0, 1.0)] * size + [(None, None)] * tops,
    )
    return None if found.x is None else np.asarray(found.x[:size])
