"""What a method that reads external patients must not contradict."""

from __future__ import annotations

from raresim.disease.checker import Checker, Steps
from raresim.trial.grammar.analysis import PERIOD, MethodSpec
from raresim.trial.grammar.spec import ScenarioSpec

PRIORS: dict[str, dict[str, float]] = {
    "power prior": {"power": 0.5},
    "robust mixture prior": {"between": 1, "share": 0.8},
    "self-adapting prior": {"difference": 1},
}
"""Tests that make a prior of external patients, with what they state."""


def check_borrowing(check: Checker, spec: ScenarioSpec, steps: Steps, method: MethodSpec) -> None:
    """Check that external patients stand beside a control, and have no site and no period."""
    external = spec.truth.external
    alone = spec.design.control in external
    name = next(iter(external), "registry")
    if method.borrow:
        check.known((*steps, "borrow"), "external", method.borrow, external)
        if alone:
            message = f"{spec.design.control!r} is the control already"
            check.add((*steps, "borrow"), message, "remove 'borrow'")
        elif spec.design.control is None:
            message = "a trial of one arm has no control to put them beside"
            check.add((*steps, "borrow"), message, f"write 'control: {name}' in the design")
    if method.test in PRIORS:
        _prior(check, steps, method, name)
    if not alone and not method.borrow:
        return
    if PERIOD in method.adjust_for:
        message = "external patients were never recruited, in no period"
        check.add((*steps, "adjust_for"), message, f"remove {PERIOD!r}")
    if "site" in method.strata:
        mend = "stratify by variables of the patients"
        check.add((*steps, "strata"), "external patients are at no site", mend)


def _prior(check: Checker, steps: Steps, method: MethodSpec, registry: str) -> None:
    """Check that a prior of external patients states what it needs, and is of some."""
    wanted = PRIORS[method.test]
    if not method.borrow:
        message = f"{method.test!r} borrows from external patients"
        check.add(steps, message, f"add 'borrow: {registry}'")
    if method.borrowing is not None and method.borrowing.model_fields_set != wanted.keys():
        message = f"{method.test!r} states {' and '.join(wanted)}"
        said = ", ".join(f"{key}: {value}" for key, value in wanted.items())
        check.add((*steps, "borrowing"), message, f"write {{{said}}}")
