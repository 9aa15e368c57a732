"""Arms chosen by the data: a ratio that follows them, and which arms are worse than the best."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.analysis.arrays import ordered_sum
from raresim.analysis.bayesian import best_mean, best_share
from raresim.evidence.statistics import Floats
from raresim.randomisation import adaptive_parts
from raresim.trial.cut.table import cut
from raresim.trial.cut.tables import Booleans, ChangeTable
from raresim.trial.grammar.milestone import Adaptive
from raresim.trial.looks.stagewise import Seen
from raresim.trial.plan import Change
from raresim.trial.scenario import Scenario

Ints = npt.NDArray[np.int64]


def ratio_parts(scenario: Scenario, seen: Seen, adaptive: Adaptive, dropped: Booleans) -> Ints:
    """Return the parts of each arm from a look on (rows, arms), -1 where too little is known.

    Patients of all arms whose outcome is known count, arms that were dropped have no part. Shares
    have independent uniform priors; means flat ones, with the SD within the open arms, all taken
    together, as if it were known.
    """
    table = cut(scenario, seen.fate, seen.ledger, seen.at, adaptive.of, blinded=True)
    assert isinstance(table, ChangeTable)  # the references were checked
    known = table.who.present & ~np.isnan(table.change)
    arms = np.arange(len(scenario.arms))
    mine = known[:, None, :] & (seen.ledger.arm[:, None, :] == arms[:, None])
    value = np.where(mine, table.change[:, None, :], 0.0)
    n, total = mine.sum(axis=-1), ordered_sum(value)
    estimand = scenario.spec.analysis.estimands[adaptive.of]
    highest = scenario.better(estimand.outcome) == "greater"
    able, chances = np.ones(len(n), bool), np.zeros(n.shape)
    if estimand.is_share:
        chances = best_share(total, n, highest=highest, among=~dropped)
    else:
        mean = total / np.maximum(n, 1)
        square = ordered_sum(np.where(mine, (value - mean[..., None]) ** 2, 0.0))
        se = _standard_errors(n, square, ~dropped)
        able = np.asarray((se > 0).all(axis=1))
        own = (mean[able], se[able])
        chances[able] = best_mean(*own, highest=highest, among=~dropped[able])
    told = np.where(dropped, np.nan, chances)
    parts = adaptive_parts(told, adaptive.floor, adaptive.power, adaptive.control_fixed)
    return np.where(able[:, None], parts, -1)


def _standard_errors(n: Ints, square: Floats, among: Booleans) -> Floats:
    """Return each arm's standard error by the SD within the arms; 0 where there is none."""
    df = np.where(among, np.maximum(n - 1, 0), 0).sum(axis=1)
    within = ordered_sum(np.where(among, square, 0.0)) / np.maximum(df, 1)
    found = np.sqrt(within[:, None] / np.maximum(n, 1))
    known = (df[:, None] > 0) & (n > 0)
    return np.where(among, np.where(known, found, 0.0), 1.0)


def loses(
    scenario: Scenario, answers: dict[str, dict[str, Any]], change: Change, dropped: Booleans
) -> Booleans:
    """Return where as many arms as are kept have a higher z than the arm of a change.

    Arms that tie are kept in the order of the file; an arm without an answer comes last.
    """
    z, place = [], 0
    for position, name in enumerate(change.among):
        arm = scenario.compared(name)
        found = np.where(np.isnan(answers[name]["z"]), -np.inf, answers[name]["z"])
        z.append(np.where(dropped[:, arm], -np.inf, found))
        place = position if arm == change.arm else place
    better = np.zeros(len(dropped), np.int64)
    for position, other in enumerate(z):
        arm = scenario.compared(change.among[position])
        ahead = (other > z[place]) | ((other == z[place]) & (position < place))
        better += ahead & ~dropped[:, arm]
    return np.asarray(better >= change.keep)
