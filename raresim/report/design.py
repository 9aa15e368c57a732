"""The design and the scenario's assumptions as rows of words, so that the report stands alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from raresim.report.folder import RunFolder
from raresim.report.words import duration, number, percent, plain
from raresim.trial.design_block import AnyOf, Calendar, FirstEvents, Milestone
from raresim.trial.references import conditions
from raresim.trial.scenario import Scenario

DAYS_A_YEAR = 365.25


def design(scenario: Scenario) -> list[tuple[str, str]]:
    """Return what the sponsor chooses, a line for each choice."""
    spec = scenario.spec.design
    shares = " : ".join(f"{arm} {part}" for arm, part in spec.randomise.ratio.items())
    strata = ", ".join(plain(name) for name in spec.randomise.strata) or "none"
    weeks = ", ".join(str(week) for week in spec.visits.weeks)
    arms = [
        (f"Arm: {arm}" + (" (control)" if arm == spec.control else ""), _give(spec.arms[arm]))
        for arm in scenario.arms
    ]
    window = f", within {duration(spec.visits.window)} each way" if spec.visits.window else ""
    return [
        ("Eligible", spec.eligible.text),
        *arms,
        ("Patients planned", f"{spec.randomise.n}, {shares}"),
        ("Randomisation", f"{spec.randomise.method} of {spec.randomise.block}; strata: {strata}"),
        ("Sites", f"{spec.sites.number}, planned to open {_opening(scenario)}"),
        (
            "Recruitment ends",
            f"at {spec.randomise.n} patients or after {duration(spec.recruit_for)}",
        ),
        *([("Run-in", duration(spec.run_in))] if spec.run_in else []),
        ("Visits", f"weeks {weeks}{window}"),
        ("Treatment", f"for {duration(spec.treat_for)}; after stopping: {_after(scenario)}"),
        *((f"Milestone: {name}", _milestone(m)) for name, m in spec.milestones.items()),
        ("Success", f"the test of {scenario.spec.analysis.success} rejects"),
        ("Order of tests", ", then ".join(scenario.spec.analysis.order) or "no fixed sequence"),
        ("Null hypotheses declared", ", ".join(spec.nulls) or "none"),
    ]


def _give(arm: Any) -> str:
    return f"{arm.give}, {arm.every}" if arm.every else str(arm.give)


def _after(scenario: Scenario) -> str:
    return scenario.spec.design.after_stopping_treatment


def _opening(scenario: Scenario) -> str:
    planned = scenario.spec.design.sites.planned()
    first, last = planned[0], planned[-1]
    if first == last:
        return f"all on day {number(first)}"
    return f"from day {number(first)} to day {number(last)}"


def _milestone(milestone: Milestone) -> str:
    parts = []
    for part in conditions(milestone):
        if isinstance(part, Calendar):
            parts.append(f"{duration(part.calendar)} since the trial's start")
        elif isinstance(part, FirstEvents):
            parts.append(f"{part.patients} patients with a first {plain(part.first)}")
        else:
            parts.append("everybody has left or completed")
    word = " or " if isinstance(milestone.when, AnyOf) else " and "
    return f"when {word.join(parts)}: {', '.join(milestone.do)}"


def estimands(scenario: Scenario) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the five attributes of each estimand, as ICH E9(R1) names them, and its estimator."""
    spec = scenario.spec
    control, treated = scenario.arms
    arms = f"{treated} ({_give(spec.design.arms[treated])}) against {control}"
    found = []
    for name, estimand in spec.analysis.estimands.items():
        events = [f"{plain(event)}: {how}" for event, how in estimand.intercurrent.items()]
        rows = [
            ("Population", f"{scenario.model.spec.name}, {spec.design.eligible.text}"),
            ("Treatments", arms),
            ("Variable", plain(estimand.variable)),
            ("Intercurrent events", "; ".join(events) or "none stated"),
            ("Summary", estimand.summary),
            ("Test and estimator", _method(spec.analysis.methods[name])),
        ]
        found.append((name, rows))
    return found


def _method(method: Any) -> str:
    parts = [f"{method.test}, one-sided at {method.alpha:g}"]
    if method.estimate:
        parts.append(f"estimate: {method.estimate}")
    if method.strata:
        parts.append(f"stratified by {', '.join(plain(s) for s in method.strata)}")
    if method.adjust_for:
        parts.append(f"adjusted for {', '.join(method.adjust_for)}")
    if method.boundary:
        parts.append(
            f"alpha spent over looks as {method.boundary.spend}, "
            f"{method.boundary.planned_information} patients with an event planned at the last look"
        )
    return "; ".join(parts)


@dataclass(frozen=True)
class Assumption:
    """Something that the scenario takes for granted, with where it comes from."""

    what: str
    value: str
    source: str
    why: str


def assumptions(run: RunFolder) -> list[Assumption]:
    """Return what the scenario says of candidates, visits and patients who stop or leave."""
    truth = run.scenario.spec.truth
    stream = truth.candidates.stream
    alike = f"gamma of shape {number(stream.gamma_shape)} between sites"
    found = [
        Assumption(
            "Candidates at each site",
            f"{number(stream.per_site * DAYS_A_YEAR / 12)} per month, {alike}",
            stream.source,
            stream.why,
        )
    ]
    delay = truth.site_opening_delay
    if delay is None:
        found.append(Assumption("Delay of a site's opening", "none", "", ""))
    else:
        value = f"{duration(delay.mean)} on average"
        found.append(Assumption("Delay of a site's opening", value, delay.source, delay.why))
    low, high = truth.screening_lasts
    lasts = f"{duration(low)} to {duration(high)}"
    found.append(Assumption("Screening lasts", lasts, "", "no reason is stated in the scenario"))
    missed, share = truth.missed_visits, percent(truth.missed_visits.share)
    found.append(Assumption("Visits missed", share, missed.source, missed.why))
    for what, hazard in (
        ("Stops treatment", truth.stops_treatment),
        ("Leaves the study", truth.leaves_study),
    ):
        value = f"{number(hazard.rate * DAYS_A_YEAR)} per patient-year"
        found.append(Assumption(what, value, hazard.source, hazard.why))
    return found + _followed(run)


def _followed(run: RunFolder) -> list[Assumption]:
    """Return the administrative follow-up of a trial that is replayed."""
    found = []
    for arm, stated in (run.scenario.spec.truth.followed_for or {}).items():
        text = stated.statistic.text() + " days"
        found.append(Assumption(f"Followed for: {arm}", text, stated.statistic.source, stated.why))
    return found
