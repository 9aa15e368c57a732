"""The number of patients estimated again while a trial goes on: blinded, or not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from raresim.analysis.arrays import ordered_sum
from raresim.analysis.sequential import chances_at_last_look, information_for_power
from raresim.evidence.statistics import Floats
from raresim.trial.cut.tables import ChangeTable
from raresim.trial.looks.boundary import Stand
from raresim.trial.plan import Zone

Ints = npt.NDArray[np.int64]


def blinded_size(table: ChangeTable, n: int, planned_sd: float, most: int) -> Ints:
    """Return n (s / planned SD)^2 rounded up, held between n and `most`; s over all arms."""
    known = table.who.present & ~np.isnan(table.change)
    count = known.sum(axis=1)
    value = np.where(known, table.change, 0.0)
    mean = ordered_sum(value) / np.maximum(count, 1)
    square = ordered_sum(np.where(known, (value - mean[:, None]) ** 2, 0.0))
    variance = square / np.maximum(count - 1, 1)
    size = np.ceil(n * variance / planned_sd**2 - 1e-9)
    return np.where(count > 1, np.clip(size, n, most), n).astype(np.int64)


def promising_size(
    stand: Stand, information: Ints, planned: float, n: int, zone: Zone, most: int
) -> Ints:
    """Return n, or more where the trend is promising: conditional power from `zone.low` to `high`.

    There n grows in proportion to the information that brings conditional power under the current
    trend to `zone.high`, up to `most` (Mehta and Pocock, Stat Med 2011;30:3267-3284). With what is
    lower there is little to be saved, and with what is higher nothing to be mended.
    """
    args: tuple[Floats, Floats, float, Floats]
    args = (stand.z, information.astype(np.float64), planned, stand.last)
    chance, _ = chances_at_last_look(*args, stand.share)
    needed = information_for_power(*args, zone.high, stand.share)
    promising = (chance >= zone.low) & (chance < zone.high)
    wanted = np.where(promising, needed, planned) / planned
    return np.clip(np.ceil(n * np.minimum(wanted, most) - 1e-9), n, most).astype(np.int64)
