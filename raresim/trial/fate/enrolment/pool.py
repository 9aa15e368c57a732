"""A finite pool: each member presents at a hazard, and whoever has presented is gone.

Member j of country c presents on the day t on which (Lambda_c(t) - Lambda_c(a_j)) / N_c reaches a
unit exponential of its own: Lambda_c is the cumulative rate of the country's sites, a_j the day
since which the member is available, N_c the number of prevalent members who are diagnosed,
reachable and willing in expectation. Of N members who are all available from day 0,
N (1 - exp(-Lambda(t) / N_c)) have presented by day t on average, and the count is binomial.
Where members are survivors (`survivors`), whoever has died by the day of presenting never presents.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raresim.either import either
from raresim.evidence.distributions import fit
from raresim.evidence.statistics import Floats, Mean
from raresim.files.units import days_in
from raresim.streams import ChosenLuck, Luck, point_name
from raresim.trial.fate.enrolment.intensity import Ints
from raresim.trial.fate.enrolment.rates import site_rates
from raresim.trial.fate.enrolment.rivals import contests, presenting
from raresim.trial.fate.enrolment.survivors import Survival, Waiting, together
from raresim.trial.grammar.candidate import FinitePool, Travel
from raresim.trial.grammar.site import Sites
from raresim.trial.grammar.truth import Truth

Booleans = npt.NDArray[np.bool_]
Group = tuple[str, ...]
"""A country, and whether its members are prevalent or incident: their luck is of this group."""

_SURE = 36.0  # exp(-36) = 2e-16
_GRID = 4096  # levels of the hours of travel over which willingness is averaged


@dataclass(frozen=True)
class Presenting:
    """The candidates of a trial in the order in which they present, (replicates, units).

    `day` is infinite where nobody presents. `member` is the candidate's unit: its number in the
    pool (0 where nobody presents), or the order of presenting in a stream. `opens` are the days on
    which the sites open, (replicates, sites). `luck` draws whatever belongs to candidates, by that
    unit; a pool's cannot be asked for another number of units. `waiting` tells of survivors how
    long they have lived and will.
    """

    day: Floats
    site: Ints
    member: Ints
    opens: Floats
    luck: Luck
    waiting: Waiting | None = None

    @property
    def dry(self) -> Booleans:
        """Whether nobody presents after the last column, (replicates,)."""
        return np.isinf(self.day[:, -1])


def members(pool: FinitePool, until: float) -> dict[Group, int]:
    """Return how many members each country has: at the start, and diagnosed up to day `until`.

    The incident are a Poisson number with mean m; so many are drawn that more come with a
    probability below 2e-16, by Bernstein's bound P(X >= m + x) <= exp(-x² / (2 m + 2 x / 3)).
    """
    found: dict[Group, int] = {}
    for name, country in pool.countries.items():
        found[name, "prevalent"] = country.prevalent
        if country.incident > 0:
            mean = country.incident * until
            spare = _SURE / 3 + math.sqrt((_SURE / 3) ** 2 + 2 * mean * _SURE)
            found[name, "incident"] = math.ceil(mean + spare)
    return found


def present(
    truth: Truth,
    sites: Sites,
    luck: Luck,
    units: int,
    until: float,
    survival: Survival | None = None,
) -> Presenting:
    """Return the first `units` members who present up to day `until`, ties by number."""
    pool = truth.candidates.pool
    assert pool is not None
    groups = members(pool, until)
    countries = tuple(pool.countries)
    rates = site_rates(truth, sites, luck, until, countries)
    rivals = contests(pool, luck)
    intensities = [rates.of(number).total() for number in range(len(countries))]
    days: list[Floats] = []
    waits: list[Waiting] = []
    for group, size in groups.items():
        own = _GroupLuck(luck, group, size)
        since, there = _available(pool, own)
        need = expected(pool, group[0]) * own.exponential("presents")
        patience = [own.exponential("taken", name) for name in rivals]
        intensity = intensities[countries.index(group[0])]
        day = presenting(intensity, since, need, [*rivals.values()], patience)
        if survival is not None:
            waits.append(_waiting(survival, since, own))
            there &= waits[-1].alive(day)
        days.append(either(there & (day <= until), day, np.inf))
    day, member = _first(np.concatenate(days, axis=1), units)
    home = np.repeat([countries.index(name) for name, _ in groups], list(groups.values()))
    chosen = ChosenLuck(luck, groups, member)
    site = rates.pick(day, chosen.uniform("enrolment.site", units), home[member])
    waiting = together(waits).of(member) if waits else None
    site = either(np.isfinite(day), site, 0)
    return Presenting(day, site, member, rates.opens, chosen, waiting)


@dataclass(frozen=True)
class _GroupLuck:
    """The luck of the members of a group, by the names of what is decided."""

    luck: Luck
    group: Group
    size: int

    def uniform(self, what: str, *labels: str) -> Floats:
        """Return uniforms, (replicates, members)."""
        point = point_name("enrolment", what, labels=[*labels, *self.group])
        return self.luck.uniform(point, self.size)

    def exponential(self, what: str, *labels: str) -> Floats:
        """Return unit exponentials, (replicates, members)."""
        return -np.log(self.uniform(what, *labels))


def _available(pool: FinitePool, own: _GroupLuck) -> tuple[Floats, Booleans]:
    """Return since when each member is diagnosed, and who is ever asked and willing."""
    country = pool.countries[own.group[0]]
    there = own.uniform("reachable") < country.reachable
    there &= own.uniform("willing") < country.willing * _near(pool.travel, own)
    if own.group[1] == "incident":
        since = np.cumsum(own.exponential("diagnosis"), axis=1) / country.incident
        return since, there
    there &= own.uniform("diagnosed") < country.diagnosed
    return np.zeros(there.shape), there


def _waiting(survival: Survival, since: Floats, own: _GroupLuck) -> Waiting:
    """Return how long members have lived by the day since which they are available, and will."""
    lived: Floats = np.zeros(since.shape)
    if own.group[1] == "prevalent":
        lived = survival.lived(own.uniform("survived"))
    return survival.waiting(since, lived, own.exponential("dies"))


def expected(pool: FinitePool, name: str) -> float:
    """Return the expected number of a country's prevalent who are diagnosed, asked and willing.

    >>> country = {"prevalent": 300, "diagnosed": 0.8, "reachable": 0.5, "willing": 0.5}
    >>> rates = {"per_site": "1 per month", "gamma_shape": 2.0}
    >>> expected(FinitePool.model_validate({**rates, "countries": {"malta": country}}), "malta")
    60.0
    """
    country = pool.countries[name]
    near = 1.0
    if pool.travel is not None:
        levels = (np.arange(_GRID) + 0.5) / _GRID
        near = float(np.mean(_kept(pool.travel, levels[None])))
    return country.prevalent * country.diagnosed * country.reachable * country.willing * near


def _near(travel: Travel | None, own: _GroupLuck) -> Floats | float:
    """Return the part of the willing whom travel leaves."""
    return 1.0 if travel is None else _kept(travel, own.uniform("hours"))


def _kept(travel: Travel, u: Floats) -> Floats:
    """Return 2 ** -(hours / halves) at the levels `u` of the hours of travel."""
    statistic = travel.hours.statistic
    if isinstance(statistic, Mean) and statistic.sd is None:
        hours = -statistic.mean * np.log1p(-u)
    else:
        hours = fit(statistic, (0.0, np.inf), None).quantile(u)
    return np.asarray(0.5 ** (hours * days_in("hour") / travel.halves_every))


def _first(day: Floats, units: int) -> tuple[Floats, Ints]:
    """Return the earliest days and whose they are; nobody after all have come."""
    order = np.argsort(day, axis=1, kind="stable")[:, :units]
    earliest = np.take_along_axis(day, order, axis=1)
    beyond = ((0, 0), (0, units - order.shape[1]))
    earliest = np.pad(earliest, beyond, constant_values=np.inf)
    return earliest, either(np.isfinite(earliest), np.pad(order, beyond), 0)
