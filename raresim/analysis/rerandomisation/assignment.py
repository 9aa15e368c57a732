"""Arms drawn again for the same patients in the same order.

Each patient of each draw has one uniform, whatever the procedure. Arrays are patient-major here,
(n, D), as patients come one after the other and the draws side by side.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray
from raresim.analysis.rerandomisation.procedure import Counts, Procedure
from raresim.randomisation import Minimisation, chosen

Arms = npt.NDArray[np.int8]


def rerandomised_arms(
    procedure: Procedure,
    uniforms: FloatArray,
    present: BoolArray,
    stratum: CodeArray | None = None,
    level: CodeArray | None = None,
) -> Arms:
    """Draw the arms of one trial's patients D times by the trial's own procedure.

    Two arms take short cuts with the same answers as one patient at a time by the scheme's
    chances: where these depend on the counts of the stratum alone (blocks, coin, urn, simple), a
    table of them for all counts; for minimisation 1:1, whose ordering of two arms is the sign of
    sum_i w_i sign(d_i) (range, sd) or sum_i w_i d_i (variance), d_i the differences on the margins.

    Parameters
    ----------
    procedure
        How the trial was randomised.
    uniforms
        (D, n) one for each draw and patient, inside (0, 1).
    present
        (n,) False for padding, which gets no arm and changes nobody's.
    stratum
        (n,) codes from 0; without, there is one stratum.
    level
        (n, F) codes from 0 of each factor of a minimisation.

    Returns
    -------
    Shape (n, D): 0 for the control and so on; -1 where nobody is present.

    Examples
    --------
    >>> u = np.array([[0.9, 0.1, 0.5, 0.3], [0.2, 0.2, 0.2, 0.2]])
    >>> rerandomised_arms(Procedure(block=4), u, np.ones(4, dtype=bool)).T
    array([[1, 0, 1, 0],
           [0, 0, 1, 1]], dtype=int8)
    """
    columns = np.ascontiguousarray(uniforms.T)
    here = (
        np.zeros(len(present), dtype=np.int64) if stratum is None else np.where(present, stratum, 0)
    )
    levels = np.zeros((len(present), 0), dtype=np.int64) if level is None else level
    levels = np.where(present[:, None], levels, 0)
    arms = np.full(columns.shape, -1, dtype=np.int8)
    order = np.flatnonzero(present)
    if len(procedure.ratio) > 2:
        _one_by_one(procedure, columns, order, here, levels, arms)
    elif not procedure.by_margins:
        _from_own(procedure, columns, order, here, arms)
    elif procedure.ratio[0] == procedure.ratio[1]:
        _from_signs(procedure, columns, order, here, levels, arms)
    else:
        _one_by_one(procedure, columns, order, here, levels, arms)
    return arms


def possible(
    procedure: Procedure,
    arm: CodeArray,
    present: BoolArray,
    stratum: CodeArray | None = None,
    level: CodeArray | None = None,
) -> BoolArray:
    """Say of each row (B, n) whether its arms can come from the procedure in this order."""
    rows = np.arange(len(arm))
    here = np.zeros(arm.shape, dtype=np.int64) if stratum is None else np.where(present, stratum, 0)
    levels = np.zeros((*arm.shape, 0), dtype=np.int64) if level is None else level
    levels = np.where(present[:, :, None], levels, 0)
    counts = Counts(procedure, len(arm), _codes(here), tuple(_level_codes(levels)))
    known_arm = (arm >= 0) & (arm < len(procedure.ratio))
    found: BoolArray = np.all(~present | known_arm, axis=1)
    known = np.clip(arm, 0, len(procedure.ratio) - 1)
    for k in range(arm.shape[1]):
        who = rows[present[:, k] & found]
        place = (who, here[who, k], levels[who, k])
        chance = counts.chances(*place)[np.arange(len(who)), known[who, k]]
        found[who] &= chance > 0.0
        counts.add(*place, known[who, k])
    return found


def _one_by_one(
    procedure: Procedure,
    columns: FloatArray,
    order: IntArray,
    stratum: CodeArray,
    levels: CodeArray,
    arms: Arms,
) -> None:
    draws = columns.shape[1]
    rows = np.arange(draws)
    counts = Counts(procedure, draws, _codes(stratum), tuple(_level_codes(levels)))
    for k in order:
        place = (rows, np.full(draws, stratum[k]), np.tile(levels[k], (draws, 1)))
        arms[k] = chosen(counts.chances(*place), columns[k])
        counts.add(*place, arms[k])


def _from_own(
    procedure: Procedure, columns: FloatArray, order: IntArray, stratum: CodeArray, arms: Arms
) -> None:
    most = int(np.bincount(stratum[order]).max(initial=1))
    limits = _limits_by_counts(procedure, most)
    treated = np.zeros((_codes(stratum), columns.shape[1]), dtype=np.intp)
    before = [0] * len(treated)
    for k in order:
        own = stratum[k]
        arm = columns[k] >= limits[before[own]].take(treated[own])
        treated[own] += arm
        before[own] += 1
        arms[k] = arm


@cache
def _limits_by_counts(procedure: Procedure, most: int) -> FloatArray:
    """Return the uniform from which a patient is treated, by patients and treated so far."""
    before, treated = np.meshgrid(np.arange(most), np.arange(most + 1), indexing="ij")
    treated = np.minimum(treated, before)  # others do not happen
    own = np.stack((before - treated, treated), axis=-1).reshape(-1, 2)
    chances = procedure.chances(own, np.zeros((len(own), 0, 2), dtype=np.int64))
    limits: FloatArray = np.where(chances[:, 1] > 0.0, chances[:, 0], np.inf)
    return limits.reshape(most, most + 1)


def _from_signs(
    procedure: Procedure,
    columns: FloatArray,
    order: IntArray,
    stratum: CodeArray,
    levels: CodeArray,
    arms: Arms,
) -> None:
    scheme = procedure.scheme
    assert isinstance(scheme, Minimisation)
    if levels.shape[1] == 0:  # the stratum stands for a factor, as in `Minimisation`
        levels = stratum[:, None]
    weights = scheme.weights or (1,) * levels.shape[1]
    leaning = np.array([[1, 0], [0, 0], [0, 1]])
    toy = np.repeat(leaning[:, None, :], levels.shape[1], axis=1)
    chances = procedure.chances(leaning, toy)
    limits = np.where(chances[:, 1] > 0.0, chances[:, 0], np.inf)
    excess = [
        np.zeros((number, columns.shape[1]), dtype=np.int64) for number in _level_codes(levels)
    ]
    for k in order:
        total = np.zeros(columns.shape[1], dtype=np.int64)
        for weight, margin, code in zip(weights, excess, levels[k], strict=True):
            own = margin[code]
            total += weight * (own if scheme.measure == "variance" else np.sign(own))
        arm = columns[k] >= limits.take(np.sign(total) + 1)
        step = 2 * arm.view(np.int8) - 1
        for margin, code in zip(excess, levels[k], strict=True):
            margin[code] += step
        arms[k] = arm


def _codes(codes: CodeArray) -> int:
    return int(codes.max(initial=0)) + 1


def _level_codes(levels: CodeArray) -> list[int]:
    return [_codes(levels[..., i]) for i in range(levels.shape[-1])]
