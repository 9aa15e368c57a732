"""Arms that open and close while patients are recruited: whose controls count, and the periods.

A control is concurrent to an arm if the patient could have been allotted to that arm. A period goes
from one opening or closing of an arm to the next, as patients see it: it changes with the arms that
are open (Bofill Roig, Krotka, et al., BMC Medical Research Methodology 2022;22:228).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from raresim.alike import alike, both, everywhere, of_each
from raresim.either import either
from raresim.trial.cut.tables import Booleans
from raresim.trial.grammar.analysis import PERIOD, MethodSpec
from raresim.trial.grammar.estimand import Estimand
from raresim.trial.ledger import Ledger
from raresim.trial.scenario import Scenario


def analysed(scenario: Scenario, name: str, ledger: Ledger) -> Booleans:
    """Return who an estimand's analysis reads, by the arm alone (replicates, n).

    Those are the patients of the pair. Of the control's, where they are to be concurrent, only who
    could have been allotted to the compared arm. Where all controls count and the period is
    adjusted for, the patients of all other arms as well: they tell how the periods differ.
    """
    estimand = scenario.spec.analysis.estimands[name]
    method, compared = scenario.spec.analysis.methods[name], scenario.compared(name)
    if compared is None or estimand.stages:  # patients are compared with themselves
        return _of(scenario, name, ledger)
    if estimand.controls == "all":
        everybody = PERIOD in method.adjust_for
        return _everybody(ledger) if everybody else _of(scenario, name, ledger)
    concurrent = of_each(ledger.open, lambda which: which & (1 << compared) > 0)
    if not (alike(concurrent) and concurrent.flat[0]):
        concurrent = concurrent | (ledger.arm == compared)
    return both(_of(scenario, name, ledger), concurrent)


def _of(scenario: Scenario, name: str, ledger: Ledger) -> Booleans:
    pair = scenario.pair(name)
    if len(pair) == len(scenario.arms):
        return _everybody(ledger)
    return np.asarray(np.logical_or.reduce([ledger.arm == arm for arm in pair]))


def _everybody(ledger: Ledger) -> Booleans:
    return everywhere(np.True_, ledger.arm.shape)


def factors(
    estimand: Estimand, method: MethodSpec, compared: int | None, ledger: Ledger
) -> npt.NDArray[np.int64]:
    """Return the factors that a method adjusts for by its period, (replicates, n, factors).

    Without a period there are none. Else the period, and the other arms where they are read.
    """
    if PERIOD not in method.adjust_for:
        return np.zeros((*ledger.arm.shape, 0), np.int64)
    others = either(ledger.arm == compared, 0, ledger.arm).astype(np.int64)
    found = [periods(ledger), others] if estimand.controls == "all" else [periods(ledger)]
    return np.stack(found, axis=-1)


def periods(ledger: Ledger) -> npt.NDArray[np.int64]:
    """Return the number of each patient's period, from 0 in the order of randomisation."""
    later = ledger.present[:, 1:] & (ledger.open[:, 1:] != ledger.open[:, :-1])
    first = np.zeros((ledger.replicates, min(1, ledger.open.shape[1])), np.int64)
    return np.concatenate([first, np.cumsum(later, axis=1)], axis=1)
