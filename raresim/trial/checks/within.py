"""What a comparison within patients must not contradict: its treatments, periods and visits."""

from __future__ import annotations

from raresim.disease.checker import Checker, Steps
from raresim.disease.outcome_block import AnyOutcome, TimeToEvent
from raresim.disease.score_block import ReadAtVisits
from raresim.trial.cut.periods_counted import Counted, counted
from raresim.trial.grammar.arm import NOTHING, Planned
from raresim.trial.grammar.estimand import Estimand
from raresim.trial.grammar.spec import ScenarioSpec

Arms = dict[str, tuple[Planned, ...]]


def check_within(check: Checker, spec: ScenarioSpec, name: str) -> None:
    """Check an estimand that compares treatments within patients."""
    design, estimand = spec.design, spec.analysis.estimands[name]
    steps: Steps = ("analysis", "estimands", name)
    fits = "rate ratio" if estimand.counts else "difference in means"
    if estimand.summary != fits:
        what = "what is counted" if estimand.counts else "what is read"
        message = f"a {estimand.summary!r} does not compare {what} in periods"
        check.add((*steps, "summary"), message, f"write 'summary: {fits}'")
    known = [*design.given, NOTHING]
    if not all(check.known((*steps, "compare"), "treatment", t, known) for t in estimand.compare):
        return
    arms = {arm: design.periods(arm) for arm in design.arms}
    given = [{period.give for period in periods} for periods in arms.values()]
    if not any(set(estimand.compare) <= own for own in given):
        message = f"no arm gives both {' and '.join(map(repr, estimand.compare))}"
        check.add((*steps, "compare"), message, "write arms of 'periods' that give both")
        return
    _conditions(check, spec)
    for arm, own in zip(
        arms, counted(estimand, [*arms.values()], design.visits.weeks), strict=True
    ):
        for number, period in enumerate(own):
            if period.code >= 0:
                where: Steps = ("design", "arms", arm, "periods", number)
                _period(check, where if design.arms[arm].periods else where[:3], spec, name, period)
    _shown(check, spec, name, arms)


def check_outcome(check: Checker, spec: ScenarioSpec, name: str, outcome: AnyOutcome) -> None:
    """Check that an outcome is told of each period as it is: read, or counted."""
    estimand = spec.analysis.estimands[name]
    steps: Steps = ("analysis", "estimands", name, "variable")
    score = isinstance(outcome, ReadAtVisits)
    fits = f"{'' if score else 'events of '}{estimand.outcome} in each period"
    if isinstance(outcome, TimeToEvent):
        mend = "compare arms, or name an outcome that comes again"
        check.add(steps, f"{estimand.outcome!r} happens once: not in each period", mend)
    elif estimand.variable != fits:
        message = f"{estimand.variable!r} does not fit an outcome of kind {outcome.kind!r}"
        check.add(steps, message, f"write '{fits}'")


def _once(check: Checker, steps: Steps, message: str, mend: str) -> None:
    """Add a problem of the design, which several estimands may have, if it is new."""
    problem = check.document.problem(steps, message, mend=mend)
    if problem not in check.problems:
        check.problems.append(problem)


def _conditions(check: Checker, spec: ScenarioSpec) -> None:
    """Check that no outcome decides who takes a period: treatments would not be comparable."""
    for arm, found in spec.design.arms.items():
        for number, period in enumerate(found.periods):
            if period.line is not None:
                steps: Steps = ("design", "arms", arm, "periods", number)
                message = "who takes it hangs on what came before, and treatments are compared"
                _once(check, steps, message, "remove its condition, or compare arms")


def _period(check: Checker, steps: Steps, spec: ScenarioSpec, name: str, period: Counted) -> None:
    """Check that a period that counts has a visit, or time, of its own."""
    estimand, visits = spec.analysis.estimands[name], spec.design.visits
    lasts = period.until - period.since
    if estimand.counts:
        if estimand.skip >= lasts:
            where: Steps = ("analysis", "estimands", name, "skip")
            message = f"nothing is left of a period of {lasts:g} days"
            _once(check, where, message, "skip less of it")
        return
    if not period.visits:
        week = int(period.until // 7)
        message = f"no visit is due in this period: {estimand.outcome!r} is not read"
        _once(check, steps, message, f"add week {week} to the visits")
        return
    day = 7 * visits.weeks[period.visits[-1]]
    late = day + visits.window - period.until
    if late > NEAR or day - visits.window < period.since - NEAR:
        message = f"the visit of week {day // 7} may lie outside of this period"
        _once(check, steps, message, "narrow the window, or make the period longer")


NEAR = 1e-6
"""Days by which months may be rounded."""


def _shown(check: Checker, spec: ScenarioSpec, name: str, arms: Arms) -> None:
    """Check that a method with effects of periods can tell them from those of treatments."""
    method, estimand = spec.analysis.methods.get(name), spec.analysis.estimands[name]
    if method is None:
        return
    words = {method.test, method.estimate}
    steps: Steps = ("analysis", "methods", name)
    orders = {tuple(_order(periods, estimand)) for periods in arms.values()}
    if len(orders) == 1 and words & {"crossover anova", "conditional poisson"}:
        message = "every arm gives the same in the same order: a treatment is not told from time"
        mend = "add an arm with another order"
        check.add(steps, message, mend if estimand.counts else f"{mend}, or use 'paired t'")
    if method.carry_over and max(map(len, orders)) < 3:
        message = "with two periods carry-over is not told from the treatment within patients"
        check.add((*steps, "carry_over"), message, "remove it, or add periods")


def _order(periods: tuple[Planned, ...], estimand: Estimand) -> list[str]:
    """Return what is given in the periods that count."""
    return [p.give for p in periods if p.give != NOTHING or NOTHING in estimand.compare]
