"""Permuted blocks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def permuted_blocks(
    u: npt.NDArray[np.float64], ratio: tuple[int, ...], block: int
) -> npt.NDArray[np.int8]:
    """Return lists of arms in permuted blocks, shape of `u` (replicates, places).

    Each block of `block` places holds every arm in the exact ratio; its order is that of the
    uniforms. Source: Rosenberger & Lachin, Randomization in Clinical Trials, 2nd ed. 2016.

    Parameters
    ----------
    u
        Uniforms, places a multiple of `block`.
    ratio
        Whole parts of each arm; their sum divides `block`.

    Examples
    --------
    >>> permuted_blocks(np.array([[0.9, 0.1, 0.5, 0.3]]), (1, 1), 4).tolist()
    [[1, 0, 1, 0]]
    """
    replicates, places = u.shape
    if block % sum(ratio) or places % block:
        raise ValueError("the block is a multiple of the ratio's sum and divides the places")
    arms = np.repeat(np.arange(len(ratio), dtype=np.int8), np.array(ratio) * (block // sum(ratio)))
    blocks = u.reshape(replicates, places // block, block)
    rank = np.argsort(np.argsort(blocks, axis=-1, kind="stable"), axis=-1, kind="stable")
    return np.ascontiguousarray(arms[rank].reshape(replicates, places))
