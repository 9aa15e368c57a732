"""Candidates arrive at sites: a Poisson stream at each open site, with gamma rates between sites.

Source: Anisimov & Fedorov, Modelling, prediction and adaptive adjustment of recruitment in
multicentre trials, Stat Med 2007;26:4958-75 (the Poisson-gamma model).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from raresim.evidence.statistics import Floats
from raresim.streams import Luck, point_name
from raresim.trial.design_block import Sites
from raresim.trial.truth_block import Truth


def arrivals(
    truth: Truth, sites: Sites, luck: Luck, candidates: int
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return the day on which each candidate presents and the number of the site, (1024, units).

    The sites' streams are one stream whose intensity is the sum of the open sites' rates; sums of
    unit exponentials are sent through the inverse of its cumulative intensity, which is piecewise
    linear. Candidate by candidate the draws stay what they are when a site is added; the calendar
    moves.
    """
    rates, opens = _sites(truth, sites, luck)
    need = np.cumsum(-np.log(luck.uniform("enrolment.gap", candidates)), axis=1)
    day = _invert(need, rates, opens)
    u = luck.uniform("enrolment.site", candidates)
    total = np.zeros_like(day)
    for k in range(rates.shape[1]):
        total = total + rates[:, k, None] * (opens[:, k, None] <= day)
    site = np.zeros(day.shape, np.int64)
    below = np.zeros_like(day)
    for k in range(rates.shape[1]):  # inverse CDF over the sites that are open on that day
        below = below + rates[:, k, None] * (opens[:, k, None] <= day)
        site += u * total >= below
    return day, np.minimum(site, rates.shape[1] - 1)


def _sites(truth: Truth, sites: Sites, luck: Luck) -> tuple[Floats, Floats]:
    """Return each site's rate per day and day of opening, (1024, sites)."""
    stream = truth.candidates.stream
    rates, opens = [], []
    for name, planned in zip(sites.labels(), sites.planned(), strict=True):
        u = luck.once(point_name("site", "rate", labels=[name]))
        rates.append(stream.per_site * gammaincinv(stream.gamma_shape, u) / stream.gamma_shape)
        late = luck.once(point_name("site", "opening", labels=[name]))
        delay = truth.site_opening_delay.mean if truth.site_opening_delay else 0.0
        opens.append(planned - delay * np.log(late))
    return np.stack(rates, axis=1), np.stack(opens, axis=1)


def _invert(need: Floats, rates: Floats, opens: Floats) -> Floats:
    """Return when the sites' cumulative intensity reaches each need."""
    order = np.argsort(opens, axis=1, kind="stable")
    opened = np.take_along_axis(opens, order, 1)
    slope = np.cumsum(np.take_along_axis(rates, order, 1), axis=1)
    day = np.empty_like(need)
    reached = np.zeros(len(need))
    for k in range(opens.shape[1]):
        since = (need - reached[:, None]) / slope[:, k, None]
        day = (
            np.where(need > reached[:, None], opened[:, k, None] + since, day)
            if k
            else (opened[:, :1] + since)
        )
        if k + 1 < opens.shape[1]:
            reached = reached + slope[:, k] * (opened[:, k + 1] - opened[:, k])
    return day
