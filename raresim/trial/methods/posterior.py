"""Bayesian methods of one arm against a goal, as scenario files name them.

What decides is the posterior probability P of being better than the goal; p is 1 - P, so that a
method rejects where p is no more than 1 - `posterior_above`. Rates of error are simulated: nothing
in the rule holds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from raresim.analysis import Note
from raresim.analysis.bayesian import (
    BetaMixture,
    BetweenTrials,
    GammaMixture,
    Posteriors,
    basket_exchangeability,
    basket_hierarchical,
    batch,
)
from raresim.evidence.statistics import Floats
from raresim.trial.cut.tables import Booleans, ChangeTable, CountTable
from raresim.trial.grammar.analysis import MethodSpec
from raresim.trial.grammar.prior import BasketPrior, BetaPrior, GammaPrior

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Believed:
    """Posterior of what one arm is held against a goal with, arrays (replicates,).

    `estimate` and `se` are mean and SD, the limits those of the equal-tailed 95 % interval, and
    `statistic` the probability that it is above the goal.
    """

    estimate: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    statistic: Floats
    converged: Booleans
    used: Counts
    notes: Counts

    def p_one_sided(self, side: Literal["less", "greater"]) -> Floats:
        """Return the posterior probability of not being on a side of the goal."""
        return self.statistic if side == "less" else 1 - self.statistic


def beta_binomial(table: ChangeTable, method: MethodSpec) -> Believed:
    """Return the posterior of a share; see `raresim.analysis.bayesian.beta_binomial`."""
    assert isinstance(method.prior, BetaPrior) and method.goal is not None
    a, b = method.prior.beta
    event, known = _events(table)
    prior = BetaMixture.of((1.0, a, b))
    return _told(batch.beta_binomial(event, None, known, prior, margin=method.goal))


def gamma_poisson(table: CountTable, method: MethodSpec) -> Believed:
    """Return the posterior of a rate per year; see `raresim.analysis.bayesian.gamma_poisson`."""
    assert isinstance(method.prior, GammaPrior) and method.goal is not None
    a, b = method.prior.gamma
    prior, who = GammaMixture.of((1.0, a, b)), table.who
    return _told(
        batch.gamma_poisson(
            table.count, table.exposure, None, who.present, prior, margin=method.goal
        )
    )


def baskets(table: ChangeTable, method: MethodSpec) -> Believed:
    """Return the posterior of the share in one basket, which learns from all of them."""
    event, known = _events(table)
    number = np.arange(table.who.baskets)
    mine = known[..., None] & (table.who.stratum[..., None] == number)
    n = mine.sum(axis=1)
    r = (mine & event[..., None]).sum(axis=1)
    own = table.who.basket
    each, place = np.unique(np.concatenate([r, n], axis=1), axis=0, return_inverse=True)
    rows = _believed(each.tobytes(), len(number), _rule(method))
    found = rows[place.reshape(-1), :, own]
    any_ = n[:, own] > 0
    mean, sd, low, high, above = (np.where(any_, column, np.nan) for column in found.T)
    lost = (table.who.present & ~known).any(axis=1)
    notes = Note.PRIOR_ONLY * ~any_ + Note.MISSING_OUTCOME_DROPPED * lost
    return Believed(mean, sd, low, high, above, any_, n[:, own], notes)


Rule = tuple[str, float, tuple[float, ...]]
"""Method, goal and prior."""


def _rule(method: MethodSpec) -> Rule:
    assert method.goal is not None
    prior = method.prior
    if isinstance(prior, BasketPrior):
        return "hierarchical", method.goal, (prior.mean, prior.sd, prior.between)
    assert isinstance(prior, BetaPrior) and prior.exchangeable is not None
    return "exchangeability", method.goal, (*prior.beta, prior.exchangeable)


@lru_cache(maxsize=8)
def _believed(counts: bytes, baskets: int, rule: Rule) -> Floats:
    """Return mean, SD, limits and P(above the goal) of all baskets, (trials, 5, baskets).

    `counts` are events, then patients of each trial, as bytes. Kept, as every basket of a trial
    asks for the same.
    """
    events, patients = np.split(np.frombuffer(counts, np.int64).reshape(-1, 2 * baskets), 2, axis=1)
    kind, goal, (first, second, third) = rule
    if kind == "hierarchical":
        rows = zip(events.tolist(), patients.tolist(), strict=True)
        told = [_shrunk(tuple(r), tuple(n), rule) for r, n in rows]
        return np.array(told, np.float64).reshape(-1, 5, baskets)
    found = basket_exchangeability(
        events.astype(np.float64),
        patients.astype(np.float64),
        goal,
        a=first,
        b=second,
        exchangeable=third,
    )
    return np.stack([found.mean, found.sd, found.low, found.high, found.probability], axis=1)


@lru_cache(maxsize=1 << 14)
def _shrunk(r: tuple[int, ...], n: tuple[int, ...], rule: Rule) -> tuple[Floats, ...]:
    """Return the same of one trial, by quadrature: dear, and many trials have the same counts."""
    _, goal, (mean, sd, between) = rule
    events, patients = np.array(r, np.float64), np.array(n, np.float64)
    found = basket_hierarchical(
        events, patients, goal, between=BetweenTrials(between), mean=mean, sd=sd
    )
    return found.mean[0], found.sd[0], found.low[0], found.high[0], found.probability[0]


def _events(table: ChangeTable) -> tuple[Booleans, Booleans]:
    """Return who had the endpoint, and of whom it is known."""
    known = table.who.present & ~np.isnan(table.change)
    return known & (table.change > 0.5), known


def _told(found: Posteriors) -> Believed:
    return Believed(
        found.mean,
        found.sd,
        found.low,
        found.high,
        found.probability,
        found.converged,
        found.used,
        found.notes,
    )
