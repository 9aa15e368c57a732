"""What a ratio that follows the data, and the choice of arms, must not contradict."""

from __future__ import annotations

from raresim.disease.checker import Checker, Steps
from raresim.trial.grammar.milestone import Adaptive, KeepBest
from raresim.trial.grammar.spec import ScenarioSpec


def check_adaptive(check: Checker, steps: Steps, spec: ScenarioSpec, rule: Adaptive) -> None:
    """Check that the ratio can follow an outcome: by the patients' own coins, above the floor."""
    design, where = spec.design, (*steps, "adapt_ratio")
    if check.known((*where, "of"), "estimand", rule.of, spec.analysis.estimands):
        estimand = spec.analysis.estimands[rule.of]
        if estimand.stages or not (estimand.is_share or estimand.is_change):
            message = f"{rule.of!r} is no share and no change"
            check.add((*where, "of"), message, "name an estimand that is read at a visit")
    if design.randomise.method != "simple":
        message = f"{design.randomise.method} cannot follow a ratio that the data decide"
        check.add(where, message, "write 'method: simple' in 'randomise'")
    arms = len(design.arms)
    if arms < 2 or design.control is None:
        check.add(where, "there are no arms to choose between", "remove 'adapt_ratio'")
        return
    opens = any(str(c).startswith("add ") for c in design.changes)
    if opens or not all(design.randomise.ratio.get(arm) for arm in design.arms):
        message = "a ratio that follows the data has a part for every arm from the start"
        check.add(where, message, "give each arm a part of 'randomise', and remove 'add'")
    fixed = rule.control_fixed
    share, others = (1.0, arms) if fixed is None else (1.0 - fixed, arms - 1)
    if rule.floor * others > share + 1e-9:
        message = f"a floor of {rule.floor:g} for {others} arms is more than {share:g}"
        check.add((*where, "floor"), message, f"write {share / others:.3g} or less")


def check_keeping(check: Checker, steps: Steps, spec: ScenarioSpec, action: KeepBest) -> None:
    """Check that each estimand of a choice compares an arm of its own, and is analysed here."""
    estimands = spec.analysis.estimands
    where = (*steps, "of")
    known = [check.known(where, "estimand", name, estimands) for name in action.of]
    if not all(known):
        return
    arms = [estimands[name].arm for name in action.of]
    if "" in arms or len(set(arms)) < len(arms):
        message = "each of these estimands compares another arm with the control"
        check.add(where, message, "write 'arm:' at each of them, all different")
    here = [m for m in spec.design.milestones.values() if action in m.do]
    for name in action.of:
        if not all(name in milestone.analyses for milestone in here):
            check.add(where, f"{name!r} is not analysed here", f"add 'analyse {name}'")
    if action.keep_best >= len(action.of):
        check.add((*steps, "keep_best"), "all of these arms are kept", "keep fewer")
