"""What rules counted in responders (Simon's two stages) must not contradict."""

from __future__ import annotations

from raresim.analysis.binary import SimonDesign
from raresim.analysis.binary.one_sample import upper_tail
from raresim.disease.checker import Checker, Steps
from raresim.trial.grammar.analysis import MethodSpec
from raresim.trial.grammar.boundary import FewResponders
from raresim.trial.grammar.milestone import Completed, Milestone, Seen
from raresim.trial.grammar.spec import ScenarioSpec

ROUNDING = 1e-9
"""By which a size may pass its level: those that equal it in exact arithmetic are let through."""


def check_responders(check: Checker, spec: ScenarioSpec, name: str) -> None:
    """Check the rules in responders of an estimand's method, and that they hold its level."""
    steps: Steps = ("analysis", "methods", name)
    method, estimand = spec.analysis.methods[name], spec.analysis.estimands[name]
    if not method.in_responders:
        return
    few = isinstance(method.futility, FewResponders)
    key = "responders_above" if method.responders_above is not None else "futility"
    if method.test != "exact binomial":
        if few:  # that the test takes no 'responders_above' is said elsewhere
            message = f"{method.test!r} counts no responders"
            check.add((*steps, "futility"), message, "use 'exact binomial', or {p_above: 0.5}")
        return
    endpoint = spec.analysis.endpoints.get(estimand.outcome)
    if endpoint is not None and endpoint.better != "earlier":
        message = f"to have {estimand.outcome!r} is no response: later is better"
        check.add((*steps, key), message, "write 'better: earlier' at the endpoint")
    if method.boundary is not None:
        message = "a boundary on z and a rule in responders are two rules"
        check.add((*steps, "boundary"), message, "remove 'boundary'")
    if method.responders_above is None or method.goal is None or not 0 < method.goal < 1:
        return
    most = spec.design.randomise.n
    if method.responders_above >= most:
        message = f"{most} patients cannot give more than {method.responders_above} responders"
        check.add((*steps, key), message, f"write less than {most}")
    elif (size := _size(spec, name, method)) > method.level + ROUNDING:
        message = f"the rule rejects {size:.4g} at the goal, more than {method.level:g}"
        check.add((*steps, key), message, "ask for more responders, or raise 'alpha'")


def _size(spec: ScenarioSpec, name: str, method: MethodSpec) -> float:
    """Return how often the rule rejects at the goal where everybody's answer is known."""
    assert method.goal is not None and method.responders_above is not None
    n, above = spec.design.randomise.n, method.responders_above
    looks = [m for m in spec.design.milestones.values() if name in m.analyses]
    first = _first_stage(looks[0]) if len(looks) == 2 else 0
    rule = method.futility
    if first and isinstance(rule, FewResponders) and rule.responders_at_most < first < n:
        stop = rule.responders_at_most
        if stop <= above:
            return SimonDesign(stop, first, above, n).reject(method.goal)
    return float(upper_tail(above + 1.0, float(n), method.goal))


def _first_stage(look: Milestone) -> int:
    """Return after how many patients a look stops for futility, 0 if nobody knows."""
    if "futility" not in look.stops or len(look.conditions) != 1:
        return 0
    part = look.conditions[0]
    if isinstance(part, Seen):
        return part.patients
    return part.completed if isinstance(part, Completed) else 0
