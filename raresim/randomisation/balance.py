"""How even a list of arms is on its way, and how well its next arm can be guessed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from raresim.randomisation.schemes import Bools, Floats, Ints, least, per_part


def imbalance(arm: npt.NDArray[np.integer], ratio: tuple[int, ...] = (1, 1)) -> Floats:
    """Return the imbalance after each place, shape of `arm` (rows, places).

    max_k N_k / r_k - min_k N_k / r_k: for two arms 1:1, the difference of their numbers.

    Parameters
    ----------
    arm
        Arm at each place, -1 where there is nobody.
    ratio
        Whole parts of each arm, all above 0.

    Examples
    --------
    >>> imbalance(np.array([[0, 0, 1, -1]])).tolist()
    [[1.0, 2.0, 1.0, 1.0]]
    >>> imbalance(np.array([[0, 0, 1]]), ratio=(2, 1)).tolist()
    [[0.5, 1.0, 0.0]]
    """
    factor = per_part(np.array([ratio]))[0]
    level = (_before(arm, len(ratio)) + _here(arm, len(ratio))) * factor
    spread: Floats = (np.max(level, axis=2) - np.min(level, axis=2)) / (factor[0] * ratio[0])
    return spread


def correct_guesses(arm: npt.NDArray[np.integer], ratio: tuple[int, ...] = (1, 1)) -> Floats:
    """Return how many arms somebody guesses who knows all before, shape (rows,).

    The convergence strategy: guess the arm with the fewest patients per part so far; among arms
    that tie, guess in ratio. What is returned is expected over those guesses, so half a guess for
    each place at which two arms 1:1 tie. Divided by the places it is the share of correct guesses:
    1/2 for two arms by simple randomisation, 3/4 in permuted blocks of two.

    Source: Blackwell & Hodges, Ann Math Stat 1957;28:449-460 (two arms 1:1).

    Parameters
    ----------
    arm
        Arm at each place (rows, places), -1 where there is nobody.
    ratio
        Whole parts of each arm, all above 0.

    Examples
    --------
    >>> correct_guesses(np.array([[0, 1, 1, 0], [0, 0, 1, 1]])).tolist()
    [3.0, 2.5]
    """
    rows, places = arm.shape
    parts = np.array([ratio])
    level = (_before(arm, len(ratio)) * per_part(parts)).reshape(rows * places, len(ratio))
    guessed = np.where(least(level, parts), parts, 0)
    share = guessed / np.sum(guessed, axis=1, keepdims=True)
    right = np.where(_here(arm, len(ratio)), share.reshape(rows, places, len(ratio)), 0.0)
    running: Floats = np.cumsum(np.max(right, axis=2), axis=1)
    return running[:, -1] if places else np.zeros(rows)


def _here(arm: npt.NDArray[np.integer], arms: int) -> Bools:
    """Return whether each place holds each arm, shape (rows, places, arms)."""
    here: Bools = arm[:, :, None] == np.arange(arms)
    return here


def _before(arm: npt.NDArray[np.integer], arms: int) -> Ints:
    """Return the patients of each arm before each place, shape (rows, places, arms)."""
    here = _here(arm, arms)
    return np.cumsum(here, axis=1, dtype=np.int64) - here
