"""Arms in turn, without chance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def alternating(ratio: tuple[int, ...], places: int) -> npt.NDArray[np.int8]:
    """Return a list of arms taken in turn, (places,): each round all that have a part left in it.

    A stand-in for allocation in simulators that have none; a trial that alternates lets everybody
    know the next arm. Source: Rosenberger & Lachin, Randomization in Clinical Trials, 2nd ed. 2016.

    Parameters
    ----------
    ratio
        Whole parts of each arm.
    places
        Length of the list.

    Examples
    --------
    >>> alternating((1, 1), 5).tolist(), alternating((1, 2), 6).tolist()
    ([0, 1, 0, 1, 0], [0, 1, 1, 0, 1, 1])
    """
    rounds = range(max(ratio))
    turn = [arm for k in rounds for arm, parts in enumerate(ratio) if k < parts]
    return np.resize(np.array(turn, np.int8), places)
