"""What the truth block of a scenario takes for granted, as rows: candidates, sites and conduct."""

from __future__ import annotations

from collections.abc import Iterator

from raresim.report.assumption import Assumption, joined, per_year, reasoned, stated
from raresim.report.assumptions_external import external
from raresim.report.assumptions_patients import patients
from raresim.report.published import units
from raresim.report.words import DAYS_A_MONTH, duration, number, percent, plain
from raresim.trial.grammar.candidate import MONTHS, Candidates, Country, FinitePool, Rival, Seasons
from raresim.trial.grammar.truth import Truth
from raresim.trial.scenario import Scenario


def assumptions(scenario: Scenario) -> list[Assumption]:
    """Return a row for each thing that the truth block states, beside model and effects."""
    truth, of = scenario.spec.truth, units(scenario.model.spec)
    branch = [Assumption("Branch of the evidence", truth.branch)] if truth.branch else []
    return [
        *branch,
        *_candidates(truth.candidates),
        *_conduct(truth),
        *patients(truth, of),
        *(row for name, spec in truth.external.items() for row in external(name, spec, of)),
    ]


def _candidates(block: Candidates) -> Iterator[Assumption]:
    if block.uniform is not None:
        evenly = block.uniform
        value = f"{evenly.number:,} within {duration(evenly.over)}, each on a day of their own"
        yield reasoned("Candidates, evenly", value, evenly)
        return
    rates = block.rates
    value = f"{number(rates.per_site * DAYS_A_MONTH)} per month"
    value += ", while the country's pool is full" if block.pool is not None else ""
    value += f", gamma of shape {number(rates.gamma_shape)} between sites"
    yield reasoned("Candidates at each site", value, rates)
    if block.pool is not None:
        yield from _pool(block.pool)
    if block.ramp_up:
        yield Assumption("A site's rate grows from zero to full over", duration(block.ramp_up))
    for change in block.changes:
        until = f" until {duration(change.until)}" if change.until is not None else ""
        where = f" at {', '.join(change.sites)}" if change.sites else ""
        what = f"Rate of candidates from {duration(change.start)}{until}{where}"
        yield reasoned(what, f"{number(change.by)} times the usual", change)
    if block.seasons is not None:
        yield reasoned("Seasons", _seasons(block.seasons), block.seasons)


def _pool(pool: FinitePool) -> Iterator[Assumption]:
    for name, country in pool.countries.items():
        yield reasoned(f"Patients in {plain(name)}", _country(country), country)
    if pool.travel is not None:
        hours, travel = pool.travel.hours, pool.travel
        yield stated("Travel to the nearest site", hours.statistic, hours.why, "hours")
        value = f"halved by every {duration(travel.halves_every)} of travel"
        yield reasoned("Share of the willing", value, travel)
    if pool.survivors is not None:
        value = (
            f"of {plain(pool.survivors.outcome)}, from diagnoses of {duration(pool.survivors.over)}"
        )
        yield reasoned("Patients at the start are survivors", value, pool.survivors)
    for name, rival in pool.competing.items():
        yield reasoned(f"Competing trial: {plain(name)}", _rival(rival), rival)


def _country(country: Country) -> str:
    parts = [f"{country.prevalent:,} at the start"]
    if country.incident:
        parts.append(f"{number(country.incident * 365.25)} diagnosed anew per year")
    shares = f"{percent(country.diagnosed)} diagnosed, {percent(country.reachable)} of them asked"
    return joined([*parts, f"{shares}, {percent(country.willing)} of these willing if near a site"])


def _rival(rival: Rival) -> str:
    parts = [
        f"recruits from {duration(rival.start)} until {duration(rival.until)}",
        f"takes {per_year(rival.takes)} of those who are free, for {duration(rival.keeps_for)}",
    ]
    if rival.fails is not None:
        fails = f"{percent(rival.fails.share)} at {duration(rival.fails.at)}"
        parts.append(f"fails with a chance of {fails} and lets its patients go")
    return joined(parts)


def _seasons(seasons: Seasons) -> str:
    factors = {name: float(getattr(seasons, name)) for name in MONTHS}
    listed = [f"{name.title()} {number(x)}" for name, x in factors.items() if x != 1]
    times = f"times the usual rate in {', '.join(listed)}" if listed else "no month differs"
    return f"the trial starts in {seasons.starts_in.title()}; {times}"


def _conduct(truth: Truth) -> Iterator[Assumption]:
    opening = "Delay of a site's opening"
    if truth.site_opening_delay is None:
        yield Assumption(opening, "none")
    else:
        delay = truth.site_opening_delay
        yield reasoned(opening, f"{duration(delay.mean)} on average", delay)
    lasts = " to ".join(duration(days) for days in truth.screening_lasts)
    yield Assumption("Screening lasts", lasts, why="no reason is stated in the scenario")
    if truth.withdraws_consent.share:
        withdrawn = truth.withdraws_consent
        what = "Eligible, but withdraws before randomisation"
        yield reasoned(what, percent(withdrawn.share), withdrawn)
    yield reasoned("Visits missed", percent(truth.missed_visits.share), truth.missed_visits)
    if truth.data_entry is not None:
        value = f"{duration(truth.data_entry.mean)} on average"
        yield reasoned("Time until the trial knows what happened", value, truth.data_entry)
    for outcome, drift in truth.drift.items():
        by = f"rate ratio {number(drift.rate_ratio)}" if drift.rate_ratio is not None else ""
        if drift.difference is not None:
            by = f"difference {number(drift.difference)} after {duration(drift.after or 0.0)}"
        what = f"Drift of {plain(outcome)} in all arms"
        yield reasoned(what, f"{by} for each year by which a patient is randomised later", drift)
    for arm, closed in (truth.followed_for or {}).items():
        yield stated(f"Followed for: {arm}", closed.statistic, closed.why, "days")
