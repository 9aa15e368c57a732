"""Shares of arms that follow the data, held above a floor (response-adaptive randomisation)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
PARTS = 10_000
"""Whole parts into which the shares of all arms are cut."""


def adaptive_parts(
    best: Floats, floor: float, power: float = 0.5, control_share: float | None = None
) -> npt.NDArray[np.int64]:
    """Return the parts of each arm, of 10,000, shape (rows, arms).

    Shares are in proportion to each arm's probability to be the best, to a power (1/2 damps it, 1
    is Thompson's). An arm below the floor gets the floor, and the others share the rest in the same
    proportion, until none is below. Where the control's share is fixed, the other arms share what
    is left.

    Source: Thall & Wathen, Eur J Cancer 2007;43:859-866 (the power); Thompson, Biometrika
    1933;25:285-294.

    Parameters
    ----------
    best
        Probability of each arm to be the best (rows, arms), the control first; NaN for an arm that
        is closed, which gets nothing.
    floor
        Least share of an open arm.
    power
        From above 0 to 1.
    control_share
        Share of the control, if it is fixed.

    Raises
    ------
    ValueError
        If the floors of the arms add up to more than there is.

    Examples
    --------
    >>> adaptive_parts(np.array([[0.25, 0.01, 0.74]]), floor=0.15, power=1).tolist()
    [[2146, 1500, 6354]]
    >>> adaptive_parts(np.array([[0.2, 0.1, 0.7]]), 0.2, 1, control_share=0.4).tolist()
    [[4000, 2000, 4000]]
    """
    weight = np.where(np.isnan(best), 0.0, best) ** power
    share = np.zeros(best.shape)
    free = ~np.isnan(best)
    if control_share is not None:
        share[:, 0] = control_share
        free[:, 0] = False
        alone = ~free.any(axis=1)
        share[alone, 0] = 1.0
    left = 1.0 - share.sum(axis=1)
    if np.any(floor * free.sum(axis=1) > left + 1e-9):
        raise ValueError(f"a floor of {floor} for each arm is more than there is to share")
    for _ in range(best.shape[1]):
        total = np.where(free, weight, 0.0).sum(axis=1)
        each = np.where(total > 0, total, np.maximum(free.sum(axis=1), 1))
        own = np.where(total[:, None] > 0, weight, 1.0)
        found = np.where(free, left[:, None] * own / each[:, None], 0.0)
        low = free & (found < floor)
        share = np.where(low, floor, np.where(free, found, share))
        free = free & ~low
        left = left - floor * low.sum(axis=1)
    return np.rint(PARTS * share).astype(np.int64)
