"""The design and the estimands as rows of words, so that the report stands alone."""

from __future__ import annotations

from typing import Any

from raresim.report.arms import gets, regimen_words
from raresim.report.assumption import line_words
from raresim.report.looks import look_words
from raresim.report.milestones import milestone_words
from raresim.report.published import units
from raresim.report.stages import compared_in_stages, prior_words, stage_rows
from raresim.report.words import duration, number, plain
from raresim.trial.grammar.analysis import Analysis, MethodSpec
from raresim.trial.grammar.claim import Graph
from raresim.trial.grammar.cost import Costs
from raresim.trial.grammar.design import Again, Design
from raresim.trial.grammar.estimand import Estimand
from raresim.trial.grammar.intercurrent import words
from raresim.trial.grammar.kit import Kits
from raresim.trial.grammar.randomise import CHANCES, Randomise
from raresim.trial.grammar.site import Sites
from raresim.trial.grammar.stage import StagePrior
from raresim.trial.scenario import Scenario


def design(scenario: Scenario) -> list[tuple[str, str]]:
    """Return what the sponsor chooses, a line for each choice."""
    spec = scenario.spec.design
    weeks = ", ".join(str(week) for week in spec.visits.weeks)
    window = f", within {duration(spec.visits.window)} each way" if spec.visits.window else ""
    after = f"for {duration(spec.treat_for)}; after stopping: {spec.after_stopping_treatment}"
    return [
        ("Eligible", spec.eligible.text),
        *((f"Treatment: {name}", regimen_words(r)) for name, r in spec.treatments.items()),
        *((_arm(scenario, arm), gets(scenario, arm)) for arm in scenario.arms),
        *_randomised(spec.randomise),
        *_sites(spec.sites),
        ("Recruitment ends", _recruitment(spec)),
        *([("Drug kits", _kits(spec.kits))] if spec.kits else []),
        *([("Screening again", _again(spec.screen_again))] if spec.screen_again else []),
        *([("Run-in", run_in_words(spec))] if spec.run_in else []),
        ("Visits", f"weeks {weeks}{window}"),
        ("Treatment", after),
        ("Follow-up", f"{duration(scenario.follow_days)} from randomisation"),
        *((f"Milestone: {name}", milestone_words(m)) for name, m in spec.milestones.items()),
        ("Success", f"the test of {' or '.join(scenario.spec.analysis.successes)} rejects"),
        ("Order of tests", ", then ".join(scenario.spec.analysis.order) or "no fixed sequence"),
        *_multiplicity(scenario.spec.analysis),
        ("Null hypotheses declared", ", ".join(spec.nulls) or "none"),
        *([("Claims that they make false", _false(spec))] if spec.false_claims else []),
        *([("Nuisance grid of the size", _nuisance(spec.nuisance))] if spec.nuisance else []),
        *([("Prices", _prices(spec.costs))] if spec.costs else []),
    ]


def _multiplicity(analysis: Analysis) -> list[tuple[str, str]]:
    """Return how several tests share one level."""
    chosen = analysis.multiplicity
    if chosen is None:
        return []
    if not isinstance(chosen, Graph):
        procedure = chosen if isinstance(chosen, str) else chosen.procedure
        return [("Multiplicity", f"{procedure.capitalize()}: {', '.join(analysis.together)}")]
    shares = [f"{name} {number(share)}" for name, share in chosen.graph.weights.items()]
    passed = [
        f"{name} passes {number(share)} to {to}"
        for name, own in chosen.graph.passes.items()
        for to, share in own.items()
    ]
    return [("Multiplicity", f"shares of the level: {', '.join(shares)}; {'; '.join(passed)}")]


def _numbers(value: float | list[float]) -> str:
    return " and ".join(number(one) for one in (value if isinstance(value, list) else [value]))


def _false(spec: Design) -> str:
    return "; ".join(f"{name}: {', '.join(own)}" for name, own in spec.false_claims.items())


def _nuisance(nuisance: dict[str, list[Any]]) -> str:
    parts = (f"{path}: {', '.join(map(str, values))}" for path, values in nuisance.items())
    return "; ".join(parts)


def _arm(scenario: Scenario, arm: str) -> str:
    control = scenario.spec.design.control
    return f"Arm: {arm}" + (" (control)" if arm == control else "")


def run_in_words(spec: Design) -> str:
    """Return how long the run-in lasts, and on what."""
    gives = spec.run_in_gives
    return duration(spec.run_in_days) + (f" on {gives}, before randomisation" if gives else "")


def _randomised(randomise: Randomise) -> list[tuple[str, str]]:
    shares = " : ".join(f"{arm} {part}" for arm, part in randomise.ratio.items())
    parts: list[str] = [randomise.method]
    if randomise.block is not None:
        parts.append(f"of {randomise.block}")
    if randomise.method in CHANCES:
        parts.append(f"with chance {number(randomise.bias)}")
    strata = ", ".join(plain(name) for name in randomise.strata) or "none"
    found = [
        ("Patients planned", f"{randomise.n:,}, {shares}"),
        ("Randomisation", f"{' '.join(parts)}; strata: {strata}"),
    ]
    caps = [_cap(name, cap) for name, cap in randomise.at_most.items()]
    return [*found, ("Patients at most", "; ".join(caps))] if caps else found


def _cap(name: str, cap: int | dict[str, int]) -> str:
    """Return the most patients of each level of a factor, or of some levels."""
    if isinstance(cap, int):
        return f"{cap} of each {plain(name)}"
    return f"{plain(name)} " + ", ".join(f"{plain(state)} {most}" for state, most in cap.items())


def _sites(sites: Sites) -> list[tuple[str, str]]:
    planned = sites.planned()
    together = planned.count(planned[0])
    when = f"{together} on day {number(planned[0])}"
    if planned[0] != planned[-1]:
        every = planned[-1] - planned[-2]
        when += f", then one every {duration(every)}"
        when += f" to day {number(planned[-1])}"
    found = [("Sites", f"{sites.number}, planned to open {when}")]
    if sites.names is not None:
        found.append(("Names of sites", ", ".join(sites.names)))
    if sites.countries is not None:
        listed = (f"{plain(name)} {count}" for name, count in sites.countries.items())
        found.append(("Sites by country", ", ".join(listed)))
    return found


def _recruitment(spec: Design) -> str:
    found = f"at {spec.randomise.n:,} patients or after {duration(spec.recruit_for)}"
    if spec.give_up_after is None:
        return found
    return f"{found}, or when nobody has been randomised for {duration(spec.give_up_after)}"


def _again(again: Again) -> str:
    times = "once" if again.times == 1 else f"{again.times} times"
    return f"who is not eligible may come {times} more, {duration(again.after)} later"


def _prices(costs: Costs) -> str:
    """Return the prices that are not zero, and where they come from."""
    shares = {
        "start": "once",
        "month": "each month of the trial",
        "site": "each site that opens",
        "site_month": "each month of an open site",
        "screening": "each screening",
        "patient": "each patient randomised",
        "visit": "each visit",
        "kit": "each drug kit",
    }
    listed = [f"{getattr(costs, key):,.10g} {words}" for key, words in shares.items()]
    listed = [text for text in listed if not text.startswith("0 ")]
    told = [costs.why, f"source: {costs.source}" if costs.source else ""]
    return "; ".join([f"{costs.currency}: {', '.join(listed)}", *filter(None, told)])


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
        events = [f"{plain(event)}: {words(how)}" for event, how in estimand.intercurrent.items()]
        rows = [
            ("Population", _population(scenario, estimand)),
            ("Treatments", _treatments(scenario, name)),
            ("Variable", _variable(scenario, estimand)),
            *stage_rows(scenario, estimand),
            *_endpoint(scenario, estimand),
            ("Intercurrent events", "; ".join(events) or "none stated"),
            ("Summary", estimand.summary),
            ("Test and estimator", _method(spec.analysis.methods[name])),
        ]
        found.append((name, rows))
    return found


def _treatments(scenario: Scenario, name: str) -> str:
    """Return what an estimand compares: arms, or treatments within patients."""
    design, number = scenario.spec.design, scenario.compared(name)
    if scenario.spec.analysis.estimands[name].stages:
        return compared_in_stages(scenario, scenario.spec.analysis.estimands[name])
    if number is None:
        treated, control = scenario.spec.analysis.estimands[name].compare
        return f"{treated} against {control}, within patients"
    arms = f"{scenario.arms[number]} ({gets(scenario, scenario.arms[number])})"
    if design.control is None:
        return f"{arms}, without a control"
    changes = design.control in design.arms and design.arms[design.control].periods
    own = f" ({gets(scenario, design.control)})" if changes else ""
    estimand = scenario.spec.analysis.estimands[name]
    told = design.turns or "controls" in estimand.model_fields_set
    which = f"; {estimand.controls} controls" if told else ""
    return f"{arms} against {design.control}{own}{which}"


def _variable(scenario: Scenario, estimand: Estimand) -> str:
    """Return the variable in words; of a score in periods, with the visits that read it."""
    found = plain(estimand.variable)
    if not estimand.within_patients:
        return found
    if estimand.counts:
        skipped = f", without the first {duration(estimand.skip)} of each"
        return found + (skipped if estimand.skip else "")
    weeks, own = scenario.spec.design.visits.weeks, scenario.periods_counted(estimand)
    read = {weeks[p.visits[-1]] for of_arm in own for p in of_arm if p.visits and p.code >= 0}
    listed = ", ".join(map(str, sorted(read)))
    return f"{found}, at its last visit (weeks {listed})"


def _population(scenario: Scenario, estimand: Estimand) -> str:
    """Return who the question is about: the eligible, a subgroup or a principal stratum of them."""
    found = f"{scenario.model.spec.name}, {scenario.spec.design.eligible.text}"
    if estimand.where is None:
        found += f"; all who were {estimand.population}"
    else:
        found += f"; of these, {estimand.where.text}"
    without = [plain(event) for event in estimand.having("principal stratum")]
    if not without:
        return found
    return f"{found}; of these, who would have no '{', '.join(without)}' under either arm"


def _endpoint(scenario: Scenario, estimand: Estimand) -> list[tuple[str, str]]:
    """Return what an endpoint of the protocol is made of."""
    endpoint = scenario.spec.analysis.endpoints.get(estimand.outcome)
    if endpoint is None:
        return []
    of = units(scenario.model.spec)
    parts = [plain(p) if isinstance(p, str) else line_words(p, of) for p in endpoint.first_of]
    label = f"{endpoint.label}: " if endpoint.label else ""
    text = f"{label}first of {'; '.join(parts)} ({endpoint.better} is better)"
    return [(plain(estimand.outcome).capitalize(), text)]


def _method(method: MethodSpec) -> str:
    rule = f"one-sided at {method.level:g}"
    if method.posterior_above is not None:
        rule = f"rejects where the posterior probability is above {number(method.posterior_above)}"
    parts = [f"{method.test}, {rule}"]
    if method.carry_over:
        parts.append("with carry-over")
    if method.goal is not None:
        parts.append(f"against the goal {number(method.goal)}")
    if isinstance(method.prior, StagePrior):
        parts.append(prior_words(method.prior))
    elif method.prior is not None:
        own = vars(method.prior).items()
        parts.append("prior: " + ", ".join(f"{k} {_numbers(v)}" for k, v in own if v is not None))
    if method.baskets:
        parts.append(f"learns from all states of {plain(method.baskets)}")
    if method.estimate:
        parts.append(f"estimate: {method.estimate}")
    if method.borrow:
        parts.append(f"with the external patients of {plain(method.borrow)} beside the control")
    if method.borrowing:
        told = method.borrowing.model_dump(exclude_none=True)
        parts.append(", ".join(f"{plain(key)} {number(value)}" for key, value in told.items()))
    if method.weight:
        parts.append(f"weight S^{number(method.weight.rho)} (1 - S)^{number(method.weight.gamma)}")
    if method.covariance:
        parts.append(f"covariance of the visits: {method.covariance}")
    if method.df:
        parts.append(f"degrees of freedom: {method.df}")
    if method.strata:
        parts.append(f"stratified by {', '.join(plain(s) for s in method.strata)}")
    if method.adjust_for:
        parts.append(f"adjusted for {', '.join(method.adjust_for)}")
    if method.variance:
        parts.append(f"variance of shares: {method.variance}")
    if method.linkage:
        parts.append(f"linkage: {method.linkage}")
    return "; ".join([*parts, *look_words(method)])
