"""What a scenario's answer rests on: numbers of the model, effects and conduct, with their sources.

The primary estimand rests on its outcome, on the outcomes that end everything, and on the variables
by which patients are chosen, stratified and adjusted; each of these on what its lineage says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from raresim.cohort.lineage import Lineage, lineage, rests_on
from raresim.disease.references import source_names
from raresim.trial.fate.effects import effect_of
from raresim.trial.scenario import Scenario


def resting(scenario: Scenario, hypothesis: str) -> dict[str, Any]:
    """Return what the success criterion rests on under a hypothesis, as plain data.

    `rests_on` names variables and outcomes, `statistics` how many numbers these take in and `seen`
    how many were read in their source; `assumed` and `unpublished` are the others, by name;
    `sources` gives for each key its citation and the numbers that come from it.

    Examples
    --------
    >>> from raresim.trial import load_scenario
    >>> found = resting(load_scenario("friedreich-48-weeks"), "effect")
    >>> found["estimand"], found["rests_on"]
    ('change', ['mfars', 'onset_age', 'gaa1', 'duration', 'age'])
    >>> list(found["sources"])
    ['efacts_onset', 'fachild', 'moxie', 'reetz2016']
    """
    found = lineage(scenario.model)
    names = _names(scenario, found)
    parts = [part for name in names for part in found[name].parts]
    told: dict[str, list[str]] = {}
    for key, what in [
        *((key, part.what) for part in parts for key in part.sources),
        *_of_scenario(scenario, hypothesis, names),
    ]:
        told.setdefault(key, []).append(what)
    cited = {**scenario.model.spec.sources, **scenario.spec.sources}
    return {
        "estimand": scenario.spec.analysis.primary,
        "hypothesis": hypothesis,
        "rests_on": names,
        "statistics": sum(part.role != "unpublished" for part in parts),
        "seen": sum(part.seen for part in parts),
        "assumed": [part.what for part in parts if part.role == "assumed"],
        "unpublished": [part.what for part in parts if part.role == "unpublished"],
        "sources": {
            key: {"citation": cited[key].text(), "numbers": told[key]} for key in sorted(told)
        },
    }


def _names(scenario: Scenario, found: dict[str, Lineage]) -> list[str]:
    """Return the variables and outcomes behind the primary estimand, the outcome's own first."""
    spec, name = scenario.spec, scenario.spec.analysis.primary
    method = spec.analysis.methods[name]
    outcome = spec.analysis.estimands[name].outcome
    endpoint = spec.analysis.endpoints.get(outcome)
    first = [outcome]
    if endpoint is not None:
        first = [*endpoint.events, *(line.score for line in endpoint.scores)]
    first += scenario.model.spec.fatal
    first += sorted(spec.design.eligible.names)
    first += [*spec.design.randomise.strata, *method.strata]
    first += [t.removesuffix(" at baseline").removeprefix("log ") for t in method.adjust_for]
    first = [_run_in_of(scenario, text) for text in first]
    names = [other for one in first if one in found for other in rests_on(found, one)]
    return list(dict.fromkeys(names))


def _run_in_of(scenario: Scenario, name: str) -> str:
    """Return the outcome of which a name of a run-in tells, or the name itself."""
    return scenario.model.run_in_names.get(name, name)


def _of_scenario(
    scenario: Scenario, hypothesis: str, names: list[str]
) -> Iterator[tuple[str, str]]:
    """Yield (source, number) of the effects on what the estimand rests on, and of conduct."""
    for steps, key in source_names(scenario.document.data.get("truth", {})):
        words = [str(step) for step in steps[:-1]]
        if words[0] != "hypotheses":
            yield key, " ".join(words).replace("_", " ")
        elif words[1] == hypothesis and words[2] in names:
            yield key, effect_of(words[3], words[2])
