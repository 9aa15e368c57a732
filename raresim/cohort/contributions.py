"""Which statistic makes an output of a model uncertain: one number at a time at its two ends.

With everything else as printed, a published number stands at the 2.5 and 97.5 % points of what its
evidence allows, an unpublished one at the ends of its interval. The output's variance that it makes
is ((y_high - y_low) / 3.92)² for a published number, as of a normal, and (y_high - y_low)² / 12 for
an interval, as of a uniform: the delta method, by finite differences on the same luck. Shares of
the sum leave out what two numbers do only together.
Source: Saltelli & Annoni, Environmental Modelling & Software 2010;25:1508-1517 (and its limits).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raresim.cohort.population import Population, population
from raresim.disease import DiseaseModel
from raresim.disease.outcome_block import AnyOutcome, Recurrent
from raresim.disease.score_block import Longitudinal, ReadAtVisits
from raresim.disease.uncertain import UncertainNumber, uncertain_numbers

YEAR = 365.25


@dataclass(frozen=True)
class Contribution:
    """What one number does to one output.

    `share` is its part of the variance that all numbers make one by one; `kind` is published or
    unpublished.
    """

    output: str
    number: UncertainNumber
    kind: str
    at_lower: float
    at_upper: float
    share: float


def contributions(model: DiseaseModel) -> list[Contribution]:
    """Return what each uncertain number does to each outcome's output, the largest share first.

    The outputs are untreated: events in a year, share free after a year, mean change.

    Examples
    --------
    >>> from raresim.disease import load_model
    >>> first = contributions(load_model("sma-type-1"))[0]
    >>> first.output, first.number.name
    ('event: share free after a year', 'event: time where smn2_copies is two, 14 months')
    """
    by_kind = uncertain_numbers(model.spec)
    numbers = [(kind, number) for kind, found in by_kind.items() for number in found]
    moved = [
        (
            kind,
            number,
            _outputs(model, f"lower: {number.name}"),
            _outputs(model, f"upper: {number.name}"),
        )
        for kind, number in numbers
    ]
    found = []
    for output in _outputs(model, "centre"):
        variances = [_variance(kind, low[output], high[output]) for kind, _, low, high in moved]
        total = sum(variances)
        found += [
            Contribution(
                output, number, kind, low[output], high[output], variance / total if total else 0.0
            )
            for variance, (kind, number, low, high) in zip(variances, moved, strict=True)
        ]
    return sorted(found, key=lambda c: (c.output, -c.share))


def _variance(kind: str, low: float, high: float) -> float:
    width = high - low
    return (width / 3.92) ** 2 if kind == "published" else width**2 / 12


def _outputs(model: DiseaseModel, place: str) -> dict[str, float]:
    """Return each outcome's output, untreated, at a place."""
    times = {name: [_day(o)] for name, o in model.spec.outcomes.items()}
    people = population(model, 1, times, model.parameters(place=place))
    return dict(_output(people, name) for name in model.spec.outcomes)


def _day(outcome: AnyOutcome) -> float:
    """Return the day of an outcome's output."""
    return outcome.change_after if isinstance(outcome, Longitudinal) else YEAR


def _output(people: Population, name: str) -> tuple[str, float]:
    outcome = people.model.spec.outcomes[name]
    if isinstance(outcome, ReadAtVisits):
        chosen = people.among(getattr(outcome, "among", None))
        change = people.changes[name, _day(outcome)][chosen]
        return f"{name}: change after {_day(outcome):g} days", float(np.mean(change))
    if isinstance(outcome, Recurrent):
        return f"{name}: events in a year", float(np.mean(people.counts[name, YEAR]))
    return f"{name}: share free after a year", float(np.mean(people.firsts[name] > YEAR))
