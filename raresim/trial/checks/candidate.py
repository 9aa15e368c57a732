"""What a scenario says of candidates and of sites must go together."""

from __future__ import annotations

from raresim import limits
from raresim.disease.checker import Checker, Steps
from raresim.errors import Fault, did_you_mean
from raresim.trial.fate.enrolment import members
from raresim.trial.grammar.spec import ScenarioSpec

WHERE: Steps = ("truth", "candidates")


def check_candidates(check: Checker, spec: ScenarioSpec) -> None:
    """Add a problem for each contradiction between candidates and sites."""
    candidates, labels = spec.truth.candidates, spec.design.sites.labels()
    if candidates.uniform is not None:
        _check_evenly(check, spec)
    elif candidates.rates.per_site == 0:
        steps = (*WHERE, "pool" if candidates.stream is None else "stream", "per_site")
        check.add(steps, "nobody ever presents", "write a rate such as '1.5 per month'")
    for index, change in enumerate(candidates.changes):
        for name in change.sites or []:
            check.known((*WHERE, "changes", index, "sites"), "site", name, labels)
    _check_size(check, spec)
    _check_countries(check, spec)


def _check_evenly(check: Checker, spec: ScenarioSpec) -> None:
    """Check that all sites are open when the first candidates come."""
    message = "candidates who come evenly need sites that are all open on day 0"
    if max(spec.design.sites.planned()) > 0:
        number = spec.design.sites.number
        mend = f"write 'open: [{{first: {number}, at: day 0}}]', or a 'stream' of candidates"
        check.add(("design", "sites", "open"), message, mend)
    if spec.truth.site_opening_delay is not None:
        check.add(("truth", "site_opening_delay"), message, "remove it, or write a 'stream'")


def _check_size(check: Checker, spec: ScenarioSpec) -> None:
    """Check that a pool with all who are diagnosed while recruitment is open is within bounds."""
    pool = spec.truth.candidates.pool
    if pool is None:
        return
    try:
        limits.POOL.check(sum(members(pool, spec.design.recruit_for).values()))
    except Fault as fault:
        found = "with those who are diagnosed while recruitment is open"
        check.add((*WHERE, "pool", "countries"), f"{fault}, {found}", fault.mend)


def _check_countries(check: Checker, spec: ScenarioSpec) -> None:
    """Check that the sites' countries are those of the pool."""
    pool, placed = spec.truth.candidates.pool, spec.design.sites.countries
    if pool is None or (placed is None and len(pool.countries) == 1):
        return
    if placed is None:
        mend = f"add 'countries: {{{', '.join(f'{name}: 1' for name in pool.countries)}}}'"
        check.add(("design", "sites"), "the pool's countries need to know their sites", mend)
        return
    for name in placed:
        check.known(("design", "sites", "countries"), "country", name, pool.countries)
    for name in pool.countries:
        if name not in placed:
            message = f"no site is in {name!r}: nobody there can present"
            known = did_you_mean(name, placed)
            mend = known if known.startswith("did") else f"add '{name}: 1' to the sites' countries"
            check.add((*WHERE, "pool", "countries", name), message, mend)
