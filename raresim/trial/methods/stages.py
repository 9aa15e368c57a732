"""Methods of trials of two stages, on their table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from raresim.analysis import batch
from raresim.analysis.result import NORMAL_975, Results
from raresim.analysis.two_stage import JointStagePosteriors, JointStagePrior
from raresim.evidence.statistics import Floats
from raresim.trial.cut.tables import StageTable
from raresim.trial.grammar.analysis import MethodSpec
from raresim.trial.grammar.stage import StagePrior
from raresim.trial.ticks import Ticks


@dataclass(frozen=True)
class Posterior:
    """The posterior of a difference as a test: its p-value is the chance of no benefit.

    `above` is the posterior probability that the treatment's rate is the higher one; who rejects
    at a one-sided level alpha asks for 1 - alpha of it.
    """

    estimate: Floats
    se: Floats
    above: Floats
    converged: npt.NDArray[np.bool_]
    used: npt.NDArray[np.int64]
    notes: npt.NDArray[np.int64]

    @property
    def ci_low(self) -> Floats:
        """The lower credible limit, by the normal law with the posterior's mean and SD."""
        return self.estimate - NORMAL_975 * self.se

    @property
    def ci_high(self) -> Floats:
        """The upper credible limit."""
        return self.estimate + NORMAL_975 * self.se

    @property
    def statistic(self) -> Floats:
        """The posterior probability that the treatment's rate is the higher one."""
        return self.above

    def p_one_sided(self, side: Literal["less", "greater"]) -> Floats:
        """Return the posterior probability that the benefit lies on the other side."""
        return 1.0 - self.above if side == "greater" else self.above


def spcd(table: StageTable, method: MethodSpec) -> Results:
    """Weigh two stages' differences; variances of shares are pooled if not told, else Welch's."""
    assert table.weight is not None  # the references were checked
    (first, second), control = np.moveaxis(table.outcome, -1, 0), table.control
    arms = [(table.treatment[..., k] != control[k]).astype(np.int8) for k in (0, 1)]
    columns = (first, arms[0], second, arms[1], table.counts[..., 1], table.counts[..., 0])
    if table.shares:
        variance = method.variance or "pooled"
        return batch.spcd_responses(*columns, weight=table.weight, variance=variance)
    return batch.spcd_means(*columns, weight=table.weight)


def joint_stage(table: StageTable, method: MethodSpec) -> Results:
    """Compare two treatments' response rates by the log-Poisson joint stage model."""
    linkage = method.linkage or "each treatment"
    columns = _courses(table)
    fits = batch.joint_stage_regression(*columns, treatments=table.treatments, linkage=linkage)
    return fits.difference(*_in_order(table))


def bayesian_joint_stage(table: StageTable, method: MethodSpec) -> Posterior:
    """Compare two treatments' response rates by the Bayesian joint stage model."""
    assert isinstance(method.prior, StagePrior)  # the references were checked
    rates, lower = (tuple(pair) for pair in (method.prior.rates, method.prior.non_responders))
    prior = JointStagePrior(
        ((rates[0], rates[1]),) * table.treatments, (lower[0], lower[1]), method.prior.responders
    )
    linkage = method.linkage or "shared"
    found: JointStagePosteriors = batch.bayesian_joint_stage(
        *_courses(table), prior=prior, linkage=linkage
    )
    rows = (slice(None), *_in_order(table))
    return Posterior(
        found.difference[rows],
        found.difference_sd[rows],
        found.above[rows],
        found.converged,
        found.used,
        found.notes,
    )


def _in_order(table: StageTable) -> tuple[int, int]:
    """Return which response rate is the minuend: of what is bad to have, the other one's."""
    treated, against = table.compared
    return (against, treated) if table.bad else (treated, against)


def _courses(table: StageTable) -> tuple[Ticks, Floats, Ticks, Floats, npt.NDArray[np.bool_]]:
    """Return treatment and response of both stages: to be without, where the outcome is bad.

    Responders stay and the others change: whoever did otherwise, a visit having come late or not at
    all, counts in stage 1 only.
    """
    (first, then), (response, again) = (
        np.moveaxis(values, -1, 0) for values in (table.treatment, table.outcome)
    )
    if table.bad:
        response, again = 1.0 - response, 1.0 - again
    kept = table.counts[..., 1] & ((response == 1.0) == (then == first))
    return first, response, np.where(kept, then, -1), again, table.counts[..., 0]
