"""All assignments that a procedure can make, with their probabilities."""

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray
from raresim.analysis.rerandomisation.assignment import Arms
from raresim.analysis.rerandomisation.procedure import Counts, Procedure


def enumerated_arms(
    procedure: Procedure,
    present: BoolArray,
    stratum: CodeArray | None = None,
    level: CodeArray | None = None,
    *,
    most: int,
) -> tuple[Arms, FloatArray] | None:
    """List every assignment of one trial's patients in their order, if there are few enough.

    A tree that grows patient by patient, from the same chances by which the trial randomised; so
    the last block of a stratum may be incomplete, and assignments need not be as likely.

    Parameters
    ----------
    procedure, present, stratum, level
        As in `rerandomised_arms`.
    most
        Return None where there are more assignments than this.

    Returns
    -------
    arms
        (n, D), -1 where nobody is present.
    probability
        (D,) of each, adding up to 1.

    Examples
    --------
    >>> arms, probability = enumerated_arms(Procedure(block=4), np.ones(4, bool), most=100)
    >>> arms.shape, np.round(probability, 4)
    ((4, 6), array([0.1667, 0.1667, 0.1667, 0.1667, 0.1667, 0.1667]))
    """
    patients = len(present)
    here = np.zeros(patients, np.int64) if stratum is None else np.where(present, stratum, 0)
    levels = np.zeros((patients, 0), dtype=np.int64) if level is None else level
    levels = np.where(present[:, None], levels, 0)
    sizes = tuple(int(levels[:, i].max(initial=0)) + 1 for i in range(levels.shape[1]))
    counts = Counts(procedure, 1, int(here.max(initial=0)) + 1, sizes)
    arms = np.full((1, patients), -1, dtype=np.int8)
    probability = np.ones(1)
    for k in np.flatnonzero(present):
        rows = np.arange(len(arms))
        chances = counts.chances(
            rows, np.full(len(arms), here[k]), np.tile(levels[k], (len(arms), 1))
        )
        parent, arm = np.nonzero(chances > 0.0)
        if len(parent) > most:
            return None
        arms, probability = arms[parent], probability[parent] * chances[parent, arm]
        arms[:, k] = arm
        counts.twice(parent)
        rows = np.arange(len(arms))
        counts.add(rows, np.full(len(arms), here[k]), np.tile(levels[k], (len(arms), 1)), arm)
    return np.ascontiguousarray(arms.T), probability
