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


def in_block(
    own: npt.NDArray[np.int64], ratio: npt.NDArray[np.int64], block: int
) -> npt.NDArray[np.float64]:
    """Return each arm's chance of the next place in permuted blocks, shape (rows, arms).

    The chance is the arm's share of the places left in the block: places drawn so one after the
    other make a block of which every order is as likely. It serves where a list cannot be made
    beforehand, as the ratio changes while patients come. The block is the multiple of the ratio's
    sum that is nearest to `block`.

    Parameters
    ----------
    own
        Patients so far in the stratum since the ratio holds, by arm (rows, arms).
    ratio
        Whole parts of each arm (rows, arms), 0 where it is closed.
    block
        Length of a block.

    Examples
    --------
    >>> in_block(np.array([[3, 2], [2, 2]]), np.array([[1, 1], [1, 1]]), 4).tolist()
    [[0.3333333333333333, 0.6666666666666666], [0.5, 0.5]]
    """
    total = ratio.sum(axis=1, keepdims=True)
    times = np.maximum(1, (2 * block + total) // (2 * total))
    whole = own.sum(axis=1, keepdims=True) // (times * total)
    left = (whole + 1) * times * ratio - own
    return np.asarray(left / left.sum(axis=1, keepdims=True))
