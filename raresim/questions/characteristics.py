"""Operating characteristics of a design from what is known of its trials, each with its error."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raresim.questions.bench import Numbers
from raresim.study import montecarlo
from raresim.study.montecarlo import Figure
from raresim.study.summary import called
from raresim.study.tables import MONTH
from raresim.trial.scenario import Scenario

Floats = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.int64]
COLUMNS = {
    "success": ("success", 1.0),
    "duration": ("duration_days", MONTH),
    "randomised": ("randomised", 1.0),
    "screened": ("screened", 1.0),
    "worse": ("worse", 1.0),
    "cost": ("cost", 1.0),
}
"""Where each characteristic stands among the numbers of a trial, and its unit."""


@dataclass(frozen=True)
class Characteristic:
    """A number of each trial that designs are compared by; a share is told in per cent."""

    name: str
    label: str
    is_share: bool = False


def characteristics(scenarios: Sequence[Scenario], hypothesis: str) -> tuple[Characteristic, ...]:
    """Return what all designs have without more work, in order."""
    priced = all(scenario.spec.design.costs for scenario in scenarios)
    left = {"assurance", "worse"} | (set() if priced else {"cost"})
    return tuple(each for each in known(scenarios, hypothesis) if each.name not in left)


def known(scenarios: Collection[Scenario], hypothesis: str) -> tuple[Characteristic, ...]:
    """Return what designs can have, in order: a cost only where those told are in one currency."""
    nulls = {scenario.is_null(hypothesis) for scenario in scenarios}
    modes = {scenario.spec.truth.uncertainty for scenario in scenarios}
    rate = called(nulls == {True}, modes.pop() if len(modes) == 1 else "nuisance")
    found = [
        Characteristic("success", rate, is_share=True),
        Characteristic("assurance", "assurance", is_share=True),
        Characteristic("duration", "duration (months)"),
        Characteristic("randomised", "patients randomised"),
        Characteristic("screened", "candidates screened"),
        Characteristic("worse", "patients on the truly worse arm"),
    ]
    costs = [scenario.spec.design.costs for scenario in scenarios]
    currencies = {prices.currency for prices in costs if prices}
    if len(currencies) == 1:
        found.append(Characteristic("cost", f"cost ({currencies.pop()})"))
    return tuple(found)


def has(numbers: Numbers, name: str) -> bool:
    """Return whether a characteristic is among the numbers of trials."""
    return COLUMNS[name][0] in numbers


def of_each(numbers: Numbers, name: str) -> Floats:
    """Return a characteristic of each trial."""
    column, unit = COLUMNS[name]
    return np.asarray(numbers[column].astype(np.float64) / unit)


def figures(numbers: Numbers, asked: Iterable[Characteristic]) -> dict[str, Figure]:
    """Return each characteristic over the trials."""
    clusters = numbers["draw"]
    return {each.name: _over(each)(of_each(numbers, each.name), clusters) for each in asked}


def differences(
    numbers: Numbers, others: Numbers, asked: Iterable[Characteristic]
) -> dict[str, Figure]:
    """Return each characteristic less that of others, trial by trial on the same luck."""
    clusters = np.minimum(numbers["draw"], others["draw"])
    found = {}
    for each in asked:
        apart = of_each(numbers, each.name), of_each(others, each.name)
        if each.is_share:
            found[each.name] = montecarlo.difference(*apart, clusters)
        else:
            found[each.name] = montecarlo.mean(apart[0] - apart[1], clusters)
    return found


def _over(each: Characteristic) -> Callable[..., Figure]:
    return montecarlo.proportion if each.is_share else montecarlo.mean
