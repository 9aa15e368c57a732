"""The uniforms of one table's draws, from the house's luck."""

import numpy as np

from raresim.analysis.arrays import FloatArray
from raresim.errors import InputError
from raresim.streams import LUCK_BLOCK, Luck


def uniforms(seed: int, point: str, draws: int, units: int) -> FloatArray:
    """Return uniforms (draws, units) inside (0, 1); more draws or units leave these as they are.

    Draw d is replicate d of the luck of ``seed``, as trials are.

    Raises
    ------
    InputError
        If ``seed`` or ``draws`` is below 0.

    Examples
    --------
    >>> uniforms(1, "example", 2000, 3).shape
    (2000, 3)
    """
    if seed < 0 or draws < 0:
        raise InputError(f"seed, draws: found {seed} and {draws}; expected 0 or more.")
    blocks = [Luck(seed, block).uniform(point, units) for block in range(-(-draws // LUCK_BLOCK))]
    return np.concatenate(blocks)[:draws] if blocks else np.zeros((0, units))
