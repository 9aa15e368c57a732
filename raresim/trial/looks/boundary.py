"""Boundaries at the looks of one estimand: what is compared with them, and what they say.

Every method's answer is turned into z by its one-sided p-value, z = -Phi^-1(p): a boundary is for
normal statistics, and a t statistic of few patients would cross it too often.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from raresim.analysis.sequential import (
    GroupSequentialDesign,
    boundaries,
    chances_at_last_look,
    group_sequential,
    spending_bounds,
)
from raresim.evidence.statistics import Floats
from raresim.trial.cut.tables import AnalysisTable, Booleans
from raresim.trial.grammar.analysis import MethodSpec
from raresim.trial.grammar.boundary import (
    BetaSpending,
    Boundary,
    ConditionalPower,
    FewResponders,
    LowZ,
    PredictivePower,
    Threshold,
)
from raresim.trial.looks.stagewise import Seen, Stages
from raresim.trial.scenario import Scenario


@dataclass(frozen=True)
class Stand:
    """Where a trial stands at a look, arrays by row.

    `z` is compared with `critical` and, for futility, with `lower`; `share` is the weight, squared,
    of what has been seen in the last statistic, and `last` the boundary there (NaN if not asked).
    """

    z: Floats
    critical: Floats
    lower: Floats
    share: Floats
    last: Floats


class Monitor:
    """The looks at one estimand, remembered by replicate."""

    def __init__(self, scenario: Scenario, estimand: str, replicates: int) -> None:
        milestones = scenario.spec.design.milestones
        self.method: MethodSpec = scenario.spec.analysis.methods[estimand]
        self.looks = [name for name, m in milestones.items() if estimand in m.analyses]
        self.history = np.full((replicates, len(self.looks)), -1.0)  # information so far, then -1
        boundary = self.method.boundary
        combines = boundary is not None and boundary.combine is not None
        self.stages = Stages(scenario, estimand, replicates) if combines else None

    def stand(self, seen: Seen, table: AnalysisTable, z: Floats, milestone: str) -> Stand:
        """Return where the trials stand; what they have seen is remembered."""
        boundary, look = self.method.boundary, self.looks.index(milestone)
        information = table.information
        nothing = np.full(len(z), np.nan)
        if boundary is None:
            share = information / self.planned_information
            return Stand(z, nothing, nothing, share, np.full(len(z), -ndtri(self.method.level)))
        if self.stages is not None:
            z = self.stages.combined(seen, table, z, look)
        if self.stages is not None or boundary.shape or boundary.critical:
            upper, lower = self.planned
            share = np.full(len(z), boundary.timing[look] if boundary.timing else np.nan)
            if self.stages is None:
                share = information / self.planned_information
            bounds = np.where(
                information > 0, [[upper[look]], [lower[look]]], [[np.inf], [-np.inf]]
            )
            return Stand(z, bounds[0], bounds[1], share, np.full(len(z), upper[-1]))
        found = np.full((3, len(z)), [[np.inf], [-np.inf], [np.nan]])
        some = np.flatnonzero(information >= 1)  # else nothing is tested and no alpha is spent
        histories, which = np.unique(
            self._known(seen.rows[some], information[some]), axis=0, return_inverse=True
        )
        for number, history in enumerate(histories):
            known = tuple(history[history >= 0].tolist())
            mine = some[which.reshape(-1) == number]
            found[:, mine] = np.array(self._spent(boundary, known, seen.final))[:, None]
        return Stand(z, found[0], found[1], information / self.planned_information, found[2])

    def _known(self, rows: npt.NDArray[np.int64], information: npt.NDArray[np.int64]) -> Floats:
        """Note the information of a look of some trials, and return that of each look so far."""
        before = self.history[rows]
        now = np.maximum(information, before.max(axis=1))  # it never falls
        self.history[rows, (before >= 0).sum(axis=1)] = now
        return self.history[rows]

    def _spent(
        self, boundary: Boundary, known: tuple[float, ...], final: bool
    ) -> tuple[float, float, float]:
        """Return the boundaries of this look, given the information of each look so far.

        The third is that of the last look, if it came next and as planned.
        """
        planned, alpha = float(boundary.planned_information), self.method.level
        spend, parameter = boundary.spend, boundary.parameter
        futility = self.method.futility
        last = np.nan
        if isinstance(futility, ConditionalPower | PredictivePower) and known[-1] < planned:
            ahead = (*known, planned)
            last = float(boundaries(ahead, planned, alpha, spend, parameter=parameter)[-1])
        if isinstance(futility, BetaSpending):
            own, other = (spend, parameter), (futility.spend, futility.parameter)
            high, low = spending_bounds(
                known, planned, alpha, 1 - futility.power, self.drift, efficacy=own,
                futility=other, binding=futility.binding, final=final,
            )  # fmt: skip
            return high, low, last
        found = boundaries(known, planned, alpha, spend, final=final, parameter=parameter)
        return float(found[-1]), -np.inf, last

    @property
    def planned_information(self) -> float:
        """Information at the last look, NaN where nobody planned it."""
        source = self.method.boundary or self.method.futility
        return float(getattr(source, "planned_information", None) or np.nan)

    @cached_property
    def planned(self) -> tuple[Floats, Floats]:
        """Upper and lower boundaries of the looks as they were planned."""
        boundary = self.method.boundary
        assert boundary is not None
        if boundary.critical:
            values = np.array(boundary.critical)
            return values, np.full(len(values), -np.inf)
        design = planned_design(boundary, self.method)
        return design.upper, design.lower

    @cached_property
    def drift(self) -> float:
        """Mean of z at the planned information under the effect that has the planned power."""
        assert self.method.boundary is not None
        return planned_design(self.method.boundary, self.method).drift

    def futile(
        self, stand: Stand, information: npt.NDArray[np.int64], p: Floats, statistic: Floats
    ) -> Booleans:
        """Return where the look finds futility, by the rule of the method.

        `statistic` is that of the test: of an exact binomial, the responders.
        """
        rule = self.method.futility
        if rule is None:
            return np.zeros(p.shape, bool)
        if isinstance(rule, Threshold):
            return np.asarray(p > rule.p_above)
        if isinstance(rule, BetaSpending):
            return np.asarray(stand.z <= stand.lower)
        if isinstance(rule, LowZ):
            return np.asarray(stand.z <= rule.z_below)
        if isinstance(rule, FewResponders):
            return np.asarray(statistic <= rule.responders_at_most)
        chances = chances_at_last_look(
            stand.z,
            information.astype(np.float64),
            self.planned_information,
            stand.last,
            stand.share,
        )
        if isinstance(rule, ConditionalPower):
            return np.asarray(chances[0] < rule.conditional_power_below)
        return np.asarray(chances[1] < rule.predictive_power_below)


def planned_design(boundary: Boundary, method: MethodSpec) -> GroupSequentialDesign:
    """Return the group-sequential design of looks that come as planned."""
    futility = method.futility if isinstance(method.futility, BetaSpending) else None
    return group_sequential(
        boundary.timing,
        alpha=method.level,
        power=futility.power if futility else 0.9,
        efficacy=boundary.shape or f"spending {boundary.spend}",
        efficacy_parameter=boundary.delta if boundary.shape else boundary.parameter,
        futility=f"spending {futility.spend}" if futility else None,
        futility_parameter=futility.parameter if futility else None,
        binding=futility is not None and futility.binding,
    )
