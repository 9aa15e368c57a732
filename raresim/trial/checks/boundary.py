"""What boundaries, futility and unblinded changes of n must not contradict."""

from __future__ import annotations

from raresim.disease.checker import Checker, Steps
from raresim.trial.grammar.analysis import MethodSpec
from raresim.trial.grammar.boundary import BetaSpending, ConditionalPower, PredictivePower
from raresim.trial.grammar.milestone import Milestone, ReEstimateUnblinded
from raresim.trial.grammar.spec import ScenarioSpec


def check_boundary(check: Checker, spec: ScenarioSpec, name: str) -> None:
    """Check the boundary and the futility rule of an estimand's method against its looks."""
    steps: Steps = ("analysis", "methods", name)
    method = spec.analysis.methods[name]
    milestones = spec.design.milestones
    looks = [key for key, milestone in milestones.items() if name in milestone.analyses]
    boundary = method.boundary
    estimand = spec.analysis.estimands.get(name)
    if boundary is not None and estimand and (estimand.stages or estimand.within_patients):
        message = "patients are compared with themselves once, when all is over"
        check.add((*steps, "boundary"), message, "remove 'boundary'")
    if boundary is not None and boundary.number not in (None, len(looks)):
        message = f"plans {boundary.number} looks, and {len(looks)} milestones analyse {name!r}"
        key = "critical" if boundary.critical else "looks"
        check.add((*steps, "boundary", key), message, "plan a look for each of them")
    _futility(check, steps, method)
    if isinstance(method.futility, BetaSpending) and method.futility.binding:
        binds = [_stops(milestones[key]) and spec.analysis.primary == name for key in looks[:-1]]
        if not all(binds):
            message = "binding futility must stop the trial at every look before the last"
            mend = "add 'stop if futility' to those milestones, or write 'binding: false'"
            check.add((*steps, "futility", "binding"), message, mend)


def _stops(milestone: Milestone) -> bool:
    return "futility" in milestone.stops


def _futility(check: Checker, steps: Steps, method: MethodSpec) -> None:
    """Check that a futility rule has the plan that it is reckoned from."""
    rule, boundary = method.futility, method.boundary
    where: Steps = (*steps, "futility")
    if isinstance(rule, BetaSpending):
        if boundary is None or not boundary.timing or boundary.critical:
            message = "a lower boundary needs planned looks and an upper one that is reckoned"
            mend = "add 'boundary: {looks: [0.5, 1], planned_information: ...}'"
            check.add(where, message, mend)
        elif rule.power <= method.level:
            check.add((*where, "power"), "the power is not above the level", "ask for more")
    elif isinstance(rule, ConditionalPower | PredictivePower):
        plans = [source for source in (rule, boundary) if source and source.planned_information]
        if len(plans) != 1:
            message = "the information of the last look is planned in one place"
            mend = "add 'planned_information:'" if not plans else "keep that of the boundary"
            check.add(where, message, mend)


def check_unblinded(
    check: Checker, steps: Steps, spec: ScenarioSpec, action: ReEstimateUnblinded
) -> None:
    """Check that n may follow a trend: stages are combined, and this look sees it."""
    method = spec.analysis.methods.get(action.re_estimate)
    if method is None:
        return
    if method.boundary is None or method.boundary.combine is None:
        message = "n that follows the trend inflates the level of a plain test"
        mend = f"add 'combine: inverse normal' to the boundary of {action.re_estimate!r}"
        check.add(steps, message, mend)
    here = [m for m in spec.design.milestones.values() if action in m.do]
    if not all(action.re_estimate in milestone.analyses for milestone in here):
        message = f"{action.re_estimate!r} is not analysed here"
        check.add(steps, message, f"add 'analyse {action.re_estimate}'")
    if action.unblinded.promising_from >= action.unblinded.conditional_power:
        message = "the promising zone ends where conditional power is what is wanted"
        check.add((*steps, "unblinded"), message, "lower 'promising_from'")
    if action.at_most < spec.design.randomise.n:
        check.add(steps, "n never falls below the planned n", "raise 'at_most'")
