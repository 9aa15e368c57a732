"""Weights of the log-rank family: how much the difference at each event time counts.

A weight at a time may depend on the pooled data before that time only, so that it is the same
whichever arm a patient is in. In a stratified test each stratum has its own curve and weights.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from raresim.alike import pick
from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, NumberArray
from raresim.analysis.survival.risk_sets import RiskSets
from raresim.errors import InputError


@dataclass(frozen=True)
class Pooled:
    """What weights may look at, for each event of each row (B, E).

    Attributes
    ----------
    sets
        The risk sets.
    time
        When the event happened.
    stratum
        Its stratum, None without strata.
    """

    sets: RiskSets
    time: FloatArray
    stratum: CodeArray | None

    def survival(self, added: float = 0.0) -> tuple[FloatArray, FloatArray]:
        """Give the pooled curve just before and just after each event's time.

        The product of 1 - d/(n + added): the Kaplan-Meier estimate with 0, that of Peto and
        Peto with 1.
        """
        at_risk = np.where(self.sets.real, self.sets.at_risk + added, 1.0)
        factor = np.where(self.sets.real, 1.0 - self.sets.events / at_risk, 1.0)
        # a curve that has come down to 0 has no later event to weigh in its stratum
        step = np.where(self.sets.closes & (factor > 0.0), factor, 1.0)
        before = np.ones_like(step)
        if self.stratum is None:
            np.cumprod(step[:, :-1], axis=1, out=before[:, 1:])
            return before, before * factor
        fresh = self.fresh()
        for e in range(1, step.shape[1]):
            before[:, e] = np.where(fresh[:, e], 1.0, before[:, e - 1] * step[:, e - 1])
        return before, before * factor

    def fresh(self) -> BoolArray:
        """Say of each event whether a stratum begins with it."""
        begins = np.zeros_like(self.sets.real)
        begins[:, :1] = True
        if self.stratum is not None:
            begins[:, 1:] = self.stratum[:, 1:] != self.stratum[:, :-1]
        return begins


class Weight(Protocol):
    """A weight function of the log-rank family."""

    def __call__(self, pooled: Pooled) -> FloatArray:
        """Give the weight of each event, (B, E)."""
        ...


def pooled(sets: RiskSets, time: NumberArray, stratum: CodeArray | None) -> Pooled:
    """Gather what weights may look at."""
    of_event = None if stratum is None else pick(stratum, sets.record)
    return Pooled(sets, pick(time, sets.record).astype(np.float64), of_event)


@dataclass(frozen=True)
class FlemingHarrington:
    """S(t-)^rho (1 - S(t-))^gamma, S being the pooled Kaplan-Meier curve.

    (0, 0) is the log-rank test, (1, 0) the Prentice-Wilcoxon test (``rho = 1`` of R's survdiff),
    (0, 1) looks for late differences.

    References
    ----------
    Fleming TR, Harrington DP. Counting Processes and Survival Analysis. Wiley 1991, chapter 7.
    """

    rho: float = 0.0
    gamma: float = 0.0

    def __post_init__(self) -> None:
        if not (0.0 <= self.rho < np.inf and 0.0 <= self.gamma < np.inf):
            raise InputError(
                f"FlemingHarrington: found ({self.rho}, {self.gamma}); expected two finite "
                "numbers of 0 or more."
            )

    def __call__(self, pooled: Pooled) -> FloatArray:
        """Give the weight of each event, (B, E)."""
        before, _ = pooled.survival()
        weight = np.ones_like(before)
        if self.rho:
            weight = weight * before**self.rho
        if self.gamma:
            weight = weight * (1.0 - before) ** self.gamma
        return weight


@dataclass(frozen=True)
class TaroneWare:
    """n^power, n being the number at risk: power 1/2 is Tarone and Ware's, 1 Gehan's and Breslow's.

    References
    ----------
    Tarone RE, Ware J. Biometrika 1977;64:156-160. Gehan EA. Biometrika 1965;52:203-223.
    """

    power: float = 0.5

    def __call__(self, pooled: Pooled) -> FloatArray:
        """Give the weight of each event, (B, E)."""
        at_risk: FloatArray = np.where(pooled.sets.real, pooled.sets.at_risk, 1.0) ** self.power
        return at_risk


GEHAN = TaroneWare(1.0)


@dataclass(frozen=True)
class PetoPeto:
    """The curve prod(1 - d/(n + 1)) at the event's own time, as Klein and Moeschberger give it.

    References
    ----------
    Peto R, Peto J. J R Stat Soc A 1972;135:185-207. Klein JP, Moeschberger ML. Survival
    Analysis, 2nd ed, Springer 2003, section 7.3.
    """

    def __call__(self, pooled: Pooled) -> FloatArray:
        """Give the weight of each event, (B, E)."""
        return pooled.survival(added=1.0)[1]


@dataclass(frozen=True)
class ModestlyWeighted:
    """1/S(t-) until a delay and level from there on, never above ``largest``.

    Magirr and Burman's weight is 1/max(S(t-), S(delay)); S(delay) is taken after the events at
    the delay itself. With ``last_event_before`` the level is instead the weight of the last
    event up to the delay, as the R package simtrial has it (``mb_weight``): one step lower.

    Parameters
    ----------
    delay
        Time until which weights rise, in the unit of the times.
    largest
        Cap on the weights: 2 with an infinite delay is Magirr's 2021 recommendation (the same
        as ``s_star = 0.5``).
    last_event_before
        Take the level as simtrial does.

    References
    ----------
    Magirr D, Burman CF. Stat Med 2019;38:3782-3790. Magirr D. Pharm Stat 2021;20:512-527.
    """

    delay: float = np.inf
    largest: float = np.inf
    last_event_before: bool = False

    def __post_init__(self) -> None:
        if not (self.delay >= 0.0 and self.largest >= 1.0):
            raise InputError(
                f"ModestlyWeighted: found delay {self.delay} and largest {self.largest}; expected "
                "a delay of 0 or more and a largest weight of 1 or more."
            )

    def __call__(self, pooled: Pooled) -> FloatArray:
        """Give the weight of each event, (B, E)."""
        before, after = pooled.survival()
        early = pooled.sets.real & (pooled.time <= self.delay)
        # once a curve is down at 0 no later event is left for its level to matter
        seen = np.where(self.last_event_before | (after <= 0.0), before, after)
        level = np.where(early, seen, 1.0)
        fresh = pooled.fresh()
        for e in range(1, level.shape[1]):  # the lowest up to the delay, stratum by stratum
            so_far = np.where(fresh[:, e], 1.0, level[:, e - 1])
            level[:, e] = np.minimum(level[:, e], so_far)
        rising = np.minimum(1.0 / before, self.largest)
        weight: FloatArray = np.where(early, rising, np.minimum(rising, 1.0 / level))
        return weight
