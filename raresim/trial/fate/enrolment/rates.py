"""The rate at which candidates come to each site, over time.

Rates are gamma between sites and sites open later than planned by exponential delays: the
Poisson-gamma model of Anisimov & Fedorov, Modelling, prediction and adaptive adjustment of
recruitment in multicentre trials, Stat Med 2007;26:4958-75. Rates that move in time multiply each
site's own, as in Anisimov & Oliver, arXiv:2411.17393 (2024).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

from raresim.either import either
from raresim.evidence.statistics import Floats
from raresim.files.units import days_in
from raresim.streams import Luck, point_name
from raresim.trial.fate.enrolment.intensity import Intensity, Ints
from raresim.trial.grammar.candidate import Candidates
from raresim.trial.grammar.site import Sites
from raresim.trial.grammar.truth import Truth
from raresim.trial.ticks import LONGEST

MONTH = days_in("month")


@dataclass(frozen=True)
class SiteRates:
    """The rates of sites over time, in candidates per day.

    Site k has r_k ramp((t - o_k) / L) m_k(t) on day t: its own rate, `full`; a ramp from 0 to 1
    within the L days after it opened; a multiple that is constant between days of the calendar,
    the same in every replicate.

    Parameters
    ----------
    full
        Rates r of the sites, (replicates, sites).
    opens
        Days of opening o, (replicates, sites).
    ramp_up
        Days L until a site's rate is full.
    starts
        Days on which multiples change, ascending from day 0, (calendar,).
    multiples
        Multiples m from those days on, (sites, calendar).
    home
        The number of each site's country, (sites,).
    """

    full: Floats
    opens: Floats
    ramp_up: float
    starts: Floats
    multiples: Floats
    home: Ints

    def of(self, country: int) -> SiteRates:
        """Return the rates of a country's sites."""
        here = self.home == country
        full, opens, home = self.full[:, here], self.opens[:, here], self.home[here]
        return SiteRates(full, opens, self.ramp_up, self.starts, self.multiples[here], home)

    def total(self) -> Intensity:
        """Return the sum of the sites' rates, in straight pieces.

        Sites are added in the order in which they open.
        """
        calendar = np.broadcast_to(self.starts, (len(self.full), len(self.starts)))
        ends = [self.opens + self.ramp_up] if self.ramp_up else []
        knots = np.sort(np.concatenate([calendar, self.opens, *ends], axis=1), axis=1)
        season = np.searchsorted(self.starts, knots, "right") - 1
        order = np.argsort(self.opens, axis=1, kind="stable")
        level, slope = np.zeros_like(knots), np.zeros_like(knots)
        for k in range(self.full.shape[1]):
            site = order[:, k, None]
            opens = np.take_along_axis(self.opens, site, 1)
            usual = np.take_along_axis(self.full, site, 1) * self.multiples[site, season]
            level = level + usual * self._ramp(opens, knots)
            if self.ramp_up:
                growing = (knots >= opens) & (knots < opens + self.ramp_up)
                slope = slope + usual * growing / self.ramp_up
        return Intensity(knots, level, slope)

    def on(self, day: Floats) -> Iterator[Floats]:
        """Yield the rate of each site on days, (replicates, units)."""
        steady = len(self.starts) == 1
        season = 0 if steady else np.searchsorted(self.starts, day, "right") - 1
        for k in range(self.full.shape[1]):
            usual = self.full[:, k, None] * self.multiples[k, season]
            yield usual * self._ramp(self.opens[:, k, None], day)

    def pick(self, day: Floats, u: Floats, country: Ints | None = None) -> Ints:
        """Return a site for each candidate, by inverse CDF in proportion to the rates on that day.

        With the number of each candidate's country: one of its sites.
        """
        total, below, site = np.zeros_like(day), np.zeros_like(day), np.zeros(day.shape, np.int64)
        for weight in self._weights(day, country):
            total = total + weight
        for weight in self._weights(day, country):
            below = below + weight
            site += u * total >= below
        return np.asarray(np.minimum(site, self.full.shape[1] - 1))

    def _weights(self, day: Floats, country: Ints | None) -> Iterator[Floats]:
        for home, rate in zip(self.home, self.on(day), strict=True):
            yield rate if country is None else rate * (country == home)

    def _ramp(self, opens: Floats, day: Floats) -> Floats:
        """Return which part of its full rate a site has reached."""
        if not self.ramp_up:
            return (opens <= day).astype(np.float64)
        grown = np.clip((day - opens) / self.ramp_up, 0, 1)
        return either(day >= opens + self.ramp_up, 1.0, grown)  # full where the last slope ends


def site_rates(
    truth: Truth, sites: Sites, luck: Luck, until: float = LONGEST, countries: tuple[str, ...] = ()
) -> SiteRates:
    """Draw the sites' rates and days of opening; the calendar is laid out up to day `until`.

    With names of `countries`: each site has the number of its own, the first where the design does
    not say it.
    """
    usual = truth.candidates.rates
    delay = truth.site_opening_delay.mean if truth.site_opening_delay else 0.0
    full, opens = [], []
    for name, planned in zip(sites.labels(), sites.planned(), strict=True):
        u = luck.once(point_name("site", "rate", labels=[name]))
        full.append(usual.per_site * gammaincinv(usual.gamma_shape, u) / usual.gamma_shape)
        late = luck.once(point_name("site", "opening", labels=[name]))
        opens.append(planned - delay * np.log(late))
    starts, multiples = _calendar(truth.candidates, sites.labels(), min(until, LONGEST))
    placed = sites.homes() if countries else None
    home = np.array([0 if placed is None else countries.index(placed[k]) for k in range(len(full))])
    ramp_up = truth.candidates.ramp_up
    return SiteRates(np.stack(full, 1), np.stack(opens, 1), ramp_up, starts, multiples, home)


def _calendar(candidates: Candidates, sites: list[str], until: float) -> tuple[Floats, Floats]:
    """Return the days on which rates change and each site's multiples, (sites, days).

    Beyond `until`, where recruitment has closed, the last multiples go on.
    """
    seasons = candidates.seasons
    months = MONTH * np.arange(int(until / MONTH) + 1 if seasons else 1)
    ends = [change.until for change in candidates.changes if change.until is not None]
    starts = np.unique([*months, *(change.start for change in candidates.changes), *ends])
    multiples = np.ones((len(sites), len(starts)))
    if seasons is not None:
        month = np.searchsorted(months, starts, "right") - 1
        multiples = multiples * np.array(seasons.factors())[month % 12]
    for change in candidates.changes:
        inside = (starts >= change.start) & (starts < (change.until or np.inf))
        here = np.array([change.sites is None or name in change.sites for name in sites])
        multiples = either(here[:, None] & inside, multiples * change.by, multiples)
    return starts, multiples
