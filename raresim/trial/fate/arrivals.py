"""Who presents at which site and when: an endless stream, a finite pool, or evenly in a time.

Source: Anisimov & Fedorov, Modelling, prediction and adaptive adjustment of recruitment in
multicentre trials, Stat Med 2007;26:4958-75 (the Poisson-gamma model).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from raresim.streams import Luck
from raresim.trial.fate.enrolment import Presenting, Survival, members, present, site_rates
from raresim.trial.grammar.candidate import Uniform
from raresim.trial.grammar.site import Sites
from raresim.trial.grammar.truth import Truth
from raresim.trial.ticks import LONGEST


def presenting(
    truth: Truth,
    sites: Sites,
    luck: Luck,
    units: int,
    until: float,
    survival: Survival | None = None,
) -> Presenting:
    """Return the first `units` candidates, (replicates, units); recruitment closes on day `until`.

    A pool's end shows as candidates who never present, within its size and one more; of a pool of
    survivors `survival` tells who lives to present.
    """
    if truth.candidates.pool is not None:
        return present(truth, sites, luck, units, until, survival)
    if truth.candidates.uniform is not None:
        return evenly(truth.candidates.uniform, sites, luck, units)
    return arrivals(truth, sites, luck, units, until)


def arrivals(
    truth: Truth, sites: Sites, luck: Luck, candidates: int, until: float = LONGEST
) -> Presenting:
    """Return the first candidates of an endless stream, (1024, units).

    The sites' streams are one stream whose intensity is the sum of the sites' rates; sums of unit
    exponentials are sent through the inverse of its cumulative intensity. Candidate by candidate
    the draws stay what they are when a site is added; the calendar moves.
    """
    rates = site_rates(truth, sites, luck, until)
    need = np.cumsum(-np.log(luck.uniform("enrolment.gap", candidates)), axis=1)
    day = rates.total().inverse(need)
    site = rates.pick(day, luck.uniform("enrolment.site", candidates))
    order = np.broadcast_to(np.arange(candidates), day.shape)
    return Presenting(day, site, order, rates.opens, luck)


def evenly(spec: Uniform, sites: Sites, luck: Luck, units: int) -> Presenting:
    """Return the first of so many candidates, each on a day that is uniform within the time.

    Whoever would come after the last of them never presents.
    """
    days = np.sort(spec.over * luck.uniform("enrolment.day", spec.number), axis=1)[:, :units]
    day = days
    if units > days.shape[1]:
        day = np.pad(days, [(0, 0), (0, units - days.shape[1])], constant_values=np.inf)
    site: npt.NDArray[np.int64] = np.broadcast_to(np.int64(0), day.shape)
    if sites.number > 1:
        site = (sites.number * luck.uniform("enrolment.site", units)).astype(np.int64)
    order = np.broadcast_to(np.arange(units), day.shape)
    return Presenting(day, site, order, np.zeros((len(day), sites.number)), luck)


def most_candidates(truth: Truth, until: float) -> float:
    """Return how many candidates there can be, and one more who never presents."""
    pool, uniform = truth.candidates.pool, truth.candidates.uniform
    if uniform is not None:
        return float(uniform.number + 1)
    return np.inf if pool is None else float(sum(members(pool, until).values()) + 1)
