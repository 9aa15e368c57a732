"""Borrowing from external patients: their mean becomes a prior of the randomised control's.

Three arms of one table: treated, randomised control, external patients. Means are taken as normal
with the standard errors of their own arms; the treated have a flat prior. The p-value is the
posterior probability that the treatment does not do better, so that a level of 0.025 asks for a
posterior probability of 0.975 (`raresim.analysis.external` has the priors and their sources).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from raresim.analysis.arrays import ordered_sum
from raresim.analysis.bayesian import BetweenTrials, NormalData, NormalMixture, posterior
from raresim.analysis.bayesian.comparing import probability_above
from raresim.analysis.bayesian.effects import effect_moments, effect_quantile
from raresim.analysis.external import self_adapting_posterior
from raresim.analysis.notes import Note
from raresim.analysis.tail_result import TailResults, tail_results
from raresim.evidence.statistics import Floats
from raresim.trial.cut.tables import Booleans, ChangeTable
from raresim.trial.grammar.analysis import Borrowing, MethodSpec

LEAST = 2
"""Patients of an arm without whom it has no standard error."""


@dataclass(frozen=True)
class _Arm:
    """Mean, SD and number of an arm's values, (replicates,)."""

    mean: Floats
    sd: Floats
    number: Floats

    @classmethod
    def of(cls, values: Floats, who: Booleans) -> _Arm:
        """Return those of whom there are values; where there are too few, of no account."""
        known = who & ~np.isnan(values)
        number = np.count_nonzero(known, axis=1).astype(np.float64)
        mean = ordered_sum(np.where(known, values, 0.0)) / np.maximum(number, 1)
        away = np.where(known, values - mean[:, None], 0.0)
        sd = np.sqrt(ordered_sum(away * away) / np.maximum(number - 1, 1))
        return cls(mean, sd, number)

    @property
    def told(self) -> Booleans:
        """Where there are a mean and its standard error."""
        return (self.number >= LEAST) & (self.sd > 0)

    def data(self, told: Booleans) -> NormalData:
        """Return mean and standard error; any where they are not told."""
        se = self.sd / np.sqrt(np.maximum(self.number, 1))
        return NormalData(np.where(told, self.mean, 0.0), np.where(told, se, 1.0))


def borrowed(table: ChangeTable, method: MethodSpec) -> TailResults:
    """Return the difference, treated - control, with the control's mean told by others too."""
    who, how = table.who, method.borrowing
    assert how is not None  # the references were checked
    others = who.external
    inside = who.present & ~others
    arms = [
        _Arm.of(table.change, own)
        for own in (inside & (who.arm == 1), inside & (who.arm == 0), others)
    ]
    told = np.logical_and.reduce([arm.told for arm in arms])
    treated, control, external = (arm.data(told) for arm in arms)
    after = NormalMixture(
        np.ones((len(told), 1)), treated.mean[:, None], np.asarray(treated.se)[:, None]
    )
    before = _control(method.test, how, control, external, np.where(told, arms[2].sd, 1.0))
    less, greater = probability_above(after, before), probability_above(before, after)
    statistic = ndtri(np.clip(less, 1e-300, 1 - 1e-16))
    numbers = {
        "estimate": effect_moments(after, before)[0],
        "ci_low": effect_quantile(after, before, 0.025),
        "ci_high": effect_quantile(after, before, 0.975),
        "statistic": statistic,
        "p": 2 * np.minimum(less, greater),
        "p_less": less,
        "p_greater": greater,
    }
    used = np.sum([arm.number for arm in arms], axis=0).astype(np.int64)
    notes = Note.TOO_FEW_PATIENTS * ~told
    return tail_results(
        method=method.test,
        measure="difference in means",
        null=0.0,
        numbers=numbers,
        converged=told,
        used=used,
        notes=np.asarray(notes),
    )


def _control(
    test: str, how: Borrowing, control: NormalData, external: NormalData, sd: Floats
) -> NormalMixture:
    """Return the posterior of the control's mean.

    What is vague is worth one external patient (the unit-information prior of Kass & Wasserman,
    J Am Stat Assoc 1995;90:928-934).
    """
    informative = _mixture(external.mean, np.asarray(external.se)[:, None])
    vague = _mixture(external.mean, sd[:, None])
    if test == "power prior":  # on a flat one: se / sqrt(power)
        root = np.sqrt(how.power or 1.0)
        return posterior(_mixture(external.mean, np.asarray(external.se)[:, None] / root), control)
    if test == "self-adapting prior":
        found = self_adapting_posterior(informative, vague, control, how.difference or 1.0)
        assert isinstance(found, NormalMixture)
        return found
    tau, weight = BetweenTrials(how.between or 1.0).nodes()
    spread = np.hypot(np.asarray(external.se)[:, None], tau)
    share = 1.0 if how.share is None else how.share
    prior = _mixture(external.mean, np.concatenate([spread, sd[:, None]], axis=1))
    weights = np.broadcast_to(np.append(share * weight, 1 - share), prior.first.shape)
    return posterior(NormalMixture(weights, prior.first, prior.second), control)


def _mixture(mean: Floats, sd: Floats) -> NormalMixture:
    """Return components about one mean, (replicates, components), of even weight."""
    even = np.full(sd.shape, 1 / sd.shape[1])
    return NormalMixture(even, np.broadcast_to(np.asarray(mean)[:, None], sd.shape), sd)
