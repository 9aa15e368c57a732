"""The design and the scenario's assumptions as rows of words, so that the report stands alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from raresim.report.folder import RunFolder
from raresim.report.milestones import milestone_words
from raresim.report.words import duration, number, percent, plain
from raresim.trial.analysis_block import Estimand
from raresim.trial.intercurrent_block import words
from raresim.trial.kit_block import Kits
from raresim.trial.randomise_block import CHANCES, Randomise
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
        ("Randomisation", f"{_method_of(spec.randomise)}; strata: {strata}"),
        ("Sites", f"{spec.sites.number}, planned to open {_opening(scenario)}"),
        (
            "Recruitment ends",
            f"at {spec.randomise.n} patients or after {duration(spec.recruit_for)}",
        ),
        *([("Drug kits", _kits(spec.kits))] if spec.kits else []),
        *([("Run-in", duration(spec.run_in))] if spec.run_in else []),
        ("Visits", f"weeks {weeks}{window}"),
        ("Treatment", f"for {duration(spec.treat_for)}; after stopping: {_after(scenario)}"),
        *((f"Milestone: {name}", milestone_words(m)) for name, m in spec.milestones.items()),
        ("Success", f"the test of {scenario.spec.analysis.success} rejects"),
        ("Order of tests", ", then ".join(scenario.spec.analysis.order) or "no fixed sequence"),
        ("Null hypotheses declared", ", ".join(spec.nulls) or "none"),
    ]


def _method_of(randomise: Randomise) -> str:
    words: list[str] = [randomise.method]
    if randomise.block is not None:
        words.append(f"of {randomise.block}")
    if randomise.method in CHANCES:
        words.append(f"with chance {randomise.bias:.3g}")
    caps = [f"{plain(name)} {cap}" for name, cap in randomise.at_most.items()]
    return " ".join(words) + (f"; at most: {', '.join(caps)}" if caps else "")


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


def _kits(kits: Kits) -> str:
    return (
        f"{kits.first} of each arm when a site opens; {kits.order} more ordered at "
        f"{kits.order_at}, there after {duration(kits.arrives_after)}"
    )


def estimands(scenario: Scenario) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the five attributes of each estimand, as ICH E9(R1) names them, and its estimator."""
    spec = scenario.spec
    found = []
    for name, estimand in spec.analysis.estimands.items():
        treated = scenario.arms[scenario.compared(name)]
        arms = f"{treated} ({_give(spec.design.arms[treated])}) against {scenario.arms[0]}"
        events = [f"{plain(event)}: {words(how)}" for event, how in estimand.intercurrent.items()]
        rows = [
            ("Population", _population(scenario, estimand)),
            ("Treatments", arms),
            ("Variable", plain(estimand.variable)),
            ("Intercurrent events", "; ".join(events) or "none stated"),
            ("Summary", estimand.summary),
            ("Test and estimator", _method(spec.analysis.methods[name])),
        ]
        found.append((name, rows))
    return found


def _population(scenario: Scenario, estimand: Estimand) -> str:
    """Return who the question is about: the eligible, or a principal stratum of them."""
    found = f"{scenario.model.spec.name}, {scenario.spec.design.eligible.text}"
    without = [plain(event) for event in estimand.having("principal stratum")]
    if not without:
        return found
    return f"{found}; of these, who would have no '{', '.join(without)}' under either arm"


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
    stream = truth.candidates.rates
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
