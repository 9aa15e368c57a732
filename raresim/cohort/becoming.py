"""What a statistic became: the law or the number that is sampled from, in words.

The words come from the parameters and processes themselves, not from the rules by which they were
chosen.
"""

from __future__ import annotations

import numpy as np

from raresim.disease import DiseaseModel, Parameters
from raresim.disease.outcomes import ScoreProcess
from raresim.disease.outcomes.following import BASELINE
from raresim.disease.uncertain import (
    BETWEEN_SITES,
    CONVERSION,
    of_outcome,
    parts_of,
    subject,
)
from raresim.evidence.statistics import Floats

SOLVED = "; a law of the population, for which the hazard at scores of zero is solved"
LABELS = {"faster": "a year for one unit", "follows": "log hazard ratio", "numbers": ""}
"""What numbers are called that have no name of their own, by the first part of their key."""


def becoming(model: DiseaseModel, numbers: Parameters, owner: str, what: str) -> str:
    """Return what the number `what` of a variable or outcome became.

    Parameters
    ----------
    model, numbers
        The model, and the parameters that are sampled from.
    owner
        The variable or outcome that it belongs to.
    what
        The name of the number, as `disease.uncertain` has it.

    Examples
    --------
    >>> from raresim.disease import load_model
    >>> model = load_model("friedreich-ataxia")
    >>> becoming(model, model.published, "gaa1", "gaa1")
    'normal(648.3, 226.2) on 60 to 1300'
    """
    found = _tie(model, numbers, owner, what) or _law(model, numbers, owner, what)
    return found or _numbers(model, numbers, owner, what)


def _first(values: Floats) -> Floats:
    """Return the numbers of the first replicate."""
    return np.asarray(np.atleast_1d(values)[0])


def _tie(model: DiseaseModel, numbers: Parameters, owner: str, what: str) -> str:
    for (first, second), rho in numbers.dependence.items():
        if what == f"{first} and {second}" and second == owner:
            linked = any(link.between == [first, second] for link in model.spec.links)
            linked = linked and not {first, second} & set(model.states)
            why = ", which gives Pearson's as stated" if linked else ""
            return f"correlation {float(_first(rho)):.4g} of normal scores{why}"
    return ""


def _law(model: DiseaseModel, numbers: Parameters, owner: str, what: str) -> str:
    """Return the shares, the distribution or the law of a time that a statement became."""
    variable, outcome = model.spec.patients.get(owner), model.spec.outcomes.get(owner)
    given = getattr(variable, "given", None)
    for (name, when), shares in numbers.shares.items():
        if name == owner and what == subject(owner, given, when):
            cells = zip(model.states[owner], _first(shares), strict=True)
            return ", ".join(f"{state} {share:.4g}" for state, share in cells)
    for (name, when), law in numbers.distributions.items():
        if name == owner and what == subject(owner, given, when):
            named = getattr(variable, "family", None)
            return law.describe() + (", the family that the file names" if named else "")
    block = getattr(outcome, "time", None)
    for (name, when), time in numbers.times.items():
        given = getattr(block, "given", None)
        if name == owner and what == subject(of_outcome(owner, "time"), given, when):
            joint = (owner, BASELINE) in numbers.times
            return time.describe() + (SOLVED if joint else "")
    return ""


def _numbers(model: DiseaseModel, numbers: Parameters, owner: str, what: str) -> str:
    """Return the numbers of an outcome that a statement or an interval became."""
    names = _names(model, owner)
    found = []
    for (name, key), value in numbers.numbers.items():
        stem, _, part = key.partition(".")
        if name == owner and what in names.get(key, [of_outcome(owner, stem)]):
            label = LABELS.get(stem, part)
            found.append(f"{label} {float(_first(value)):.4g}".strip())
    return "; ".join(filter(None, (", ".join(found), _score(model, numbers, owner, what))))


def _names(model: DiseaseModel, owner: str) -> dict[str, list[str]]:
    """Return what the numbers are called that do not bear the name of their key."""
    found = {"site_log_sd": [f"{owner}: {BETWEEN_SITES}"]}
    for key, value in model.spec.outcomes.get(owner, ()):
        for part in parts_of(owner, key, value):
            behind = f"{owner}: {CONVERSION} {part.key.partition('.')[2]}"
            found[part.key] = [part.what, behind]
    return found


def _score(model: DiseaseModel, numbers: Parameters, owner: str, what: str) -> str:
    """Return what the published spreads of a score's readings became."""
    process = model.processes.get(owner)
    if not isinstance(process, ScoreProcess):
        return ""
    noise, slopes = process.split(numbers)
    if what == of_outcome(owner, "at_screening"):
        return (
            f"less noise and rounding: level {process.starting_levels(numbers, noise).describe()}"
        )
    if what == of_outcome(owner, "spread_of_change"):
        told = f"noise of SD {float(_first(noise)):.3g} a reading"
        return f"{told}, slopes of SD {365.25 * float(_first(slopes)):.3g} a year"
    return ""
