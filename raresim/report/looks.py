"""Boundaries, futility and harm of a method in words, for the report."""

from __future__ import annotations

from raresim.report.words import number, percent
from raresim.trial.grammar.analysis import MethodSpec
from raresim.trial.grammar.boundary import (
    BetaSpending,
    Boundary,
    ConditionalPower,
    FewResponders,
    Futility,
    LowZ,
    Spending,
    Threshold,
)


def look_words(method: MethodSpec) -> list[str]:
    """Return what the looks of a method reject by, and what they call futile or harmful."""
    found = [_boundary(method.boundary)] if method.boundary else []
    if method.responders_above is not None:
        found.append(f"rejects with more than {method.responders_above} responders")
    if method.futility is not None:
        found.append(f"futility: {_futility(method.futility)}")
    if method.harm is not None:
        found.append(f"harm: one-sided p above {number(method.harm.p_above)}")
    return found


def _boundary(boundary: Boundary) -> str:
    if boundary.critical:
        how = f"looks reject with z of {', '.join(number(z) for z in boundary.critical)}"
    elif boundary.shape:
        delta = "" if boundary.delta is None else f" with delta {number(boundary.delta)}"
        how = f"looks reject by the boundary of {boundary.shape}{delta}"
    else:
        how = f"alpha spent over looks {_spent(boundary)}"
    planned = f"{boundary.planned_information} planned at the last look"
    found = [how, f"information (patients with an event, events, or patients): {planned}"]
    if boundary.looks is not None:
        found.append(f"looks planned at {', '.join(percent(t) for t in boundary.timing)} of it")
    if boundary.combine:
        found.append(f"stages combined by the {boundary.combine} method")
    return ", ".join(found)


def _spent(spending: Spending) -> str:
    gamma = "" if spending.gamma is None else f" with gamma {number(spending.gamma)}"
    rho = "" if spending.rho is None else f" with rho {number(spending.rho)}"
    return f"as {spending.spend}{gamma}{rho}"


def _futility(rule: Futility) -> str:
    if isinstance(rule, Threshold):
        return f"one-sided p above {number(rule.p_above)}"
    if isinstance(rule, LowZ):
        return f"z of {number(rule.z_below)} or below"
    if isinstance(rule, FewResponders):
        return f"{rule.responders_at_most} responders or fewer"
    if isinstance(rule, BetaSpending):
        binds = "binding" if rule.binding else "not binding"
        power = f"for a power of {percent(rule.power)}"
        return f"type II error spent over looks {_spent(rule)}, {power}, {binds}"
    if isinstance(rule, ConditionalPower):
        said = f"conditional power below {percent(rule.conditional_power_below)}"
    else:
        said = f"predictive power below {percent(rule.predictive_power_below)}"
    if rule.planned_information is not None:
        said += f" (information planned at the last look: {rule.planned_information})"
    return said
