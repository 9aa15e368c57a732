"""Slow ups and downs within a patient: an Ornstein-Uhlenbeck process, seen at any time.

    w(0) ~ N(0, 1),   w(t + d) = r w(t) + sqrt(1 - r²) z,   r = 2^(-d / half life)

A patient is better for a while and worse for a while: readings close in time are alike, those far
apart are not. That makes the change over a run-in larger than noise alone, and selection on it
less lasting. The process is drawn at nodes a twentieth of the half-life apart, forwards and
backwards from randomisation (it is reversible), so that a longer run-in or follow-up leaves every
node as it was; between two nodes it is their weighted mean, scaled to the same variance at all
times, which makes correlations at most 2 % larger than those of the process.
Source: Uhlenbeck & Ornstein, Physical Review 1930;36:823-841; as the serial part of a mixed model,
Taylor, Cumberland & Sy, Journal of the American Statistical Association 1994;89:727-736.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from raresim.disease.outcomes.process import Horizon
from raresim.evidence.statistics import Floats, rows_of
from raresim.streams import Luck

NODES = 20
"""Nodes in a half-life: part of the luck contract."""


@dataclass(frozen=True)
class Wander:
    """Values at the nodes, (replicates, units, nodes), times `sd`; node `zero` is day 0.

    Nodes are `apart` days apart; `r` is the correlation of neighbours.
    """

    nodes: Floats
    zero: int
    apart: float
    r: float
    sd: Floats

    def rows(self, chosen: slice) -> Wander:
        """Return some replicates only."""
        return Wander(self.nodes[chosen], self.zero, self.apart, self.r, rows_of(self.sd, chosen))

    def at(self, days: Floats) -> Floats:
        """Return the deviation at `days`, (replicates, units) or (1, 1)."""
        place = days / self.apart
        before = np.floor(place)
        part = place - before
        first = np.clip(before.astype(np.int64) + self.zero, 0, self.nodes.shape[-1] - 2)
        low, high = self._node(first), self._node(first + 1)
        scale = np.sqrt((1 - part) ** 2 + part**2 + 2 * part * (1 - part) * self.r)
        return np.asarray(self.sd[:, None] * ((1 - part) * low + part * high) / scale)

    def _node(self, number: npt.NDArray[np.int64]) -> Floats:
        if number.size == 1:
            return np.asarray(self.nodes[..., int(number.reshape(-1)[0])])
        whole = np.broadcast_to(number, self.nodes.shape[:2])
        return np.take_along_axis(self.nodes, whole[..., None], axis=-1)[..., 0]


def wander(
    name: str, luck: Luck, units: int, sd: Floats, half_life: float, horizon: Horizon
) -> Wander:
    """Draw the ups and downs of an outcome as far back and ahead as the horizon asks.

    Parameters
    ----------
    sd
        Of the deviations, shape (replicates,) or (1,).
    half_life
        Days after which half of a deviation is left.
    """
    apart = half_life / NODES
    r = float(0.5 ** (1 / NODES))
    ahead = int(np.ceil(horizon.days / apart)) + 1
    back = int(np.ceil(horizon.before / apart))

    def draw(node: int) -> Floats:
        return np.asarray(luck.uniform(f"outcome.{name}.wander[{node}]", units))

    drawn = draw(0)
    rows = slice(1 if drawn.strides[0] == 0 else None)  # of luck that is shared, one row is all
    nodes = np.empty((back + 1 + ahead, *drawn[rows].shape))
    nodes[back] = ndtri(drawn[rows])
    for step, count in ((1, ahead), (-1, back)):
        for node in range(back + step, back + step * (count + 1), step):
            own = ndtri(draw(node - back)[rows])
            nodes[node] = r * nodes[node - step] + np.sqrt(1 - r**2) * own
    whole = np.broadcast_to(nodes, (len(nodes), *drawn.shape))
    return Wander(np.moveaxis(whole, 0, -1), back, apart, r, sd)
