"""An event whose hazard follows the true value of scores: a joint model.

    hazard(t) = h0(t) exp(sum over scores of log(ratio) score(t) or slope(t))

The published curve is that of a population, in which those with high scores go first. So h0 is not
its hazard: it is solved for, interval by interval, such that the population has the curve
(`solved`). h0 is constant on intervals of about a month, the score is taken at their middle, and
the part of an interval that is spent under treatment counts with the treatment's own ratio, evenly
over the interval: a course that begins or ends inside one moves the event anywhere in it, and none
before it. What treatment does to the score moves the hazard by itself.
Source of joint models: Rizopoulos, Journal of Statistical Software 2010;35(9):1-33.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from raresim.disease.network import Patients, tied
from raresim.disease.outcome_block import Follows
from raresim.disease.outcomes.events import EventPath
from raresim.disease.outcomes.exposure import Exposure
from raresim.disease.outcomes.process import Horizon
from raresim.disease.parameters import Parameters
from raresim.either import either
from raresim.evidence.statistics import Floats, rows_of
from raresim.evidence.survival import PiecewiseExponential, TimeLaw
from raresim.streams import Luck

MONTH = 365.25 / 12
PIECES = 120
"""Most intervals on which the hazard is constant."""
Level = Callable[[Floats], Floats]
BASELINE = "baseline"
"""The key under which the parameters hold the hazard of a patient whose scores are zero."""


@dataclass(frozen=True)
class FollowingLatent:
    """A unit exponential for each patient, h0, log ratios of the scores, days asked for."""

    threshold: Floats
    law: PiecewiseExponential
    log_ratios: tuple[Floats, ...]
    days: float

    def rows(self, chosen: slice) -> FollowingLatent:
        """Return some replicates only."""
        ratios = tuple(rows_of(ratio, chosen) for ratio in self.log_ratios)
        threshold = rows_of(self.threshold, chosen)
        return FollowingLatent(threshold, self.law.rows(chosen), ratios, self.days)


@dataclass(frozen=True)
class FollowingProcess:
    """One event that reads scores."""

    name: str
    terms: tuple[Follows, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The scores, each once."""
        return tuple(dict.fromkeys(term.score for term in self.terms))

    def latent(
        self,
        luck: Luck,
        patients: Patients,
        parameters: Parameters,
        linked: Mapping[str, Any],
        horizon: Horizon,
    ) -> FollowingLatent:
        """Draw each patient's exponential; a high uniform is a late event."""
        u = luck.uniform(f"outcome.{self.name}.time", patients.units)
        u = tied(parameters, self.name, u, patients.scores)
        law = parameters.times[self.name, BASELINE]
        assert isinstance(law, PiecewiseExponential)
        ratios = log_ratios(parameters, self.name, self.terms)
        return FollowingLatent(-np.log1p(-u), law, ratios, horizon.days)

    def path(
        self, latent: FollowingLatent, exposure: Exposure, linked: Mapping[str, Any]
    ) -> EventPath:
        """Add up the hazard along the scores' paths until it reaches the patient's exponential."""
        knots = grid(latent.law.knots, latent.days)
        at_knots = latent.law.hazard(
            np.broadcast_to(knots, (latent.law.at_knots.shape[0], len(knots)))
        )
        steps = np.diff(at_knots, axis=1)
        left = latent.threshold.copy()
        found = np.full(left.shape, np.inf)
        levels = [followed(term, linked[term.score]) for term in self.terms]
        for k, (first, last) in enumerate(pairwise(knots)):
            risk = _risk(levels, latent.log_ratios, np.full((1, 1), (first + last) / 2))
            hazard = steps[:, k : k + 1] * risk * _treated(exposure, first, last)
            new = (hazard >= left) & np.isinf(found)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                found = either(new, first + left / hazard * (last - first), found)
            left = left - hazard
        return EventPath(found[..., None])


def log_ratios(parameters: Parameters, name: str, terms: tuple[Follows, ...]) -> tuple[Floats, ...]:
    """Return the log hazard ratio of each term, shape (replicates,) or (1,)."""
    return tuple(parameters.numbers[name, f"follows.{term.key}"] for term in terms)


def followed(term: Follows, path: Any) -> Level:
    """Return what of a score is followed at a time: its value, or its change a year.

    The slope is the difference quotient over a month.
    """
    if term.by == "value":
        level: Level = path.level
        return level

    def slope(day: Floats) -> Floats:
        return np.asarray((path.level(day + MONTH / 2) - path.level(day - MONTH / 2)) * 12)

    return slope


def grid(knots: Floats, days: float) -> Floats:
    """Return the knots up to a day, and as many more as it takes, a month apart."""
    more = np.arange(knots[-1] + MONTH, days + MONTH, MONTH)
    whole = np.concatenate([knots, more])
    return np.asarray(whole[: int(np.searchsorted(whole, days)) + 1])


def _risk(levels: list[Level], ratios: tuple[Floats, ...], day: Floats) -> Floats:
    """Return what the scores multiply the hazard by on a day, shape (replicates, units)."""
    total: Floats = np.zeros((1, 1))
    for level, ratio in zip(levels, ratios, strict=True):
        total = total + ratio[:, None] * level(day)
    return np.exp(total)


def _treated(exposure: Exposure, first: float, last: float) -> Floats:
    """Return what treatment itself multiplies the hazard by between two days, on average."""
    ratio: Floats = np.ones((1, 1))
    for stage in exposure.stages:
        ratio = ratio + (stage.ratio - 1) * (stage.days(first, last) / (last - first))
    return ratio


def solved(
    law: TimeLaw, levels: list[Level], ratios: tuple[Floats, ...], last: float
) -> PiecewiseExponential:
    """Return h0 such that people with these scores have the law, up to the day `last`.

    In each interval the hazard h solves mean(w exp(-h risk)) = S(end) / S(start) over those still
    free of the event (weights w): the mean falls and is convex in h, so Newton's method from
    h = -log(ratio) / mean(w risk), which is never too large, rises to the root.
    """
    pieces = min(PIECES, max(1, int(np.ceil(last / MONTH))))
    knots = np.linspace(0.0, last, pieces + 1)
    cumulative = law.hazard(knots[None, :])
    weights: Floats = np.ones((1, 1))
    steps = []
    for k in range(pieces):
        risk = _risk(levels, ratios, np.full((1, 1), (knots[k] + knots[k + 1]) / 2))
        kept = np.exp(-(cumulative[:, k + 1] - cumulative[:, k]))[:, None]
        h = _root(weights / weights.mean(1, keepdims=True), risk, kept)
        steps.append(h[:, 0])
        weights = weights * np.exp(-h * risk)
    at_knots = np.cumsum(np.stack([np.zeros_like(steps[0]), *steps], axis=1), axis=1)
    return PiecewiseExponential(knots, at_knots)


def _root(weights: Floats, risk: Floats, kept: Floats) -> Floats:
    h = -np.log(kept) / np.mean(weights * risk, axis=1, keepdims=True)
    for _ in range(20):
        free = weights * np.exp(-h * risk)
        gap = np.mean(free, axis=1, keepdims=True) - kept
        slope = np.mean(free * risk, axis=1, keepdims=True)
        h = h + gap / slope
        if float(np.max(np.abs(gap))) < 1e-12:
            break
    return np.asarray(h)
