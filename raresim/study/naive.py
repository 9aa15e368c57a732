"""Which estimands have an analysis that does not give what they ask: said beside their bias.

Treatment policy, composite and while on treatment ask for what a trial can see. A hypothetical
strategy and a principal stratum ask for what it cannot: the analyses of this house then leave out
what comes after the event, or who had it, as if that were by chance. That follows from estimand and
method alone, whatever the data; how far off it is, the bias against the true value tells.
"""

from __future__ import annotations

from raresim.trial.grammar.analysis import MethodSpec
from raresim.trial.grammar.estimand import Estimand

RIGHT_IF = "right only if having it has nothing to do with the outcome"


def naive(estimand: Estimand, method: MethodSpec, external: str = "") -> list[str]:
    """Return what is naive about the analysis of an estimand, a sentence for each strategy.

    `external` names the patients who stand in for, or beside, a randomised control.

    >>> asked = {"variable": "events of attack", "summary": "rate ratio"}
    >>> asked |= {"intercurrent": {"stops_treatment": "hypothetical"}}
    >>> method = {"test": "negative binomial", "alpha": "0.025 one-sided"}
    >>> naive(Estimand.model_validate(asked), MethodSpec.model_validate(method))
    ["naive about 'stops treatment' (hypothetical): follow-up ends at it; right only if having it \
has nothing to do with the outcome"]
    """
    within = ", among patients alike in what is adjusted for"
    adjusted = within if method.adjust_for or method.strata else ""
    done = {
        "hypothetical": _not_used(estimand),
        "principal stratum": "patients who had it under their own arm are left out, as if the "
        "others would have it under neither",
    }
    found = [
        f"naive about {_listed(events)} ({strategy}): {what}; {RIGHT_IF}{adjusted}"
        for strategy, what in done.items()
        if (events := estimand.having(strategy))
    ]
    if external:
        alike = f" given {', '.join(method.adjust_for)}" if method.adjust_for else ""
        found.append(
            f"naive about '{external.replace('_', ' ')}': nobody was randomised to it; right only "
            f"if its patients would have fared as the trial's would without treatment{alike}"
        )
    return found


def _not_used(estimand: Estimand) -> str:
    if estimand.variable.startswith("time to first"):
        return "times are censored at it"
    if estimand.variable.startswith("events of"):
        return "follow-up ends at it"
    return "a patient who had it before the visit is left out"


def _listed(events: list[str]) -> str:
    return ", ".join(f"'{event.replace('_', ' ')}'" for event in events)
