"""What each trial claims: estimands that reject after what the analysis does about several tests.

A fixed sequence (`order`) takes the rejections of whatever look. A procedure by p-values
(`multiplicity`) is applied once, to the p-values of each estimand's last look: who was not analysed
there has none, and cannot be claimed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from raresim.analysis.multiplicity import batch
from raresim.study.columns import Columns, LastRows
from raresim.trial.grammar.analysis import Analysis
from raresim.trial.grammar.claim import Graph
from raresim.trial.scenario import Scenario

Booleans = npt.NDArray[np.bool_]


def claims(scenario: Scenario, trials: Columns, analyses: Columns) -> dict[str, Booleans]:
    """Return by estimand whether each trial claims it."""
    analysis = scenario.spec.analysis
    of, replicate = np.asarray(analyses["estimand"]), np.asarray(analyses["replicate"])
    rejected, everybody = np.asarray(analyses["rejected"], bool), np.asarray(trials["replicate"])
    found = {
        name: np.isin(everybody, replicate[(of == name) & rejected]) for name in analysis.estimands
    }
    allowed = np.ones(len(trials), bool)
    for name in analysis.order:
        found[name] = found[name] & allowed
        allowed = found[name]
    together = analysis.together
    if together:
        p = np.stack([_last_p(scenario, trials, analyses, name) for name in together], axis=1)
        level = analysis.methods[together[0]].level
        adjusted = adjusted_p(analysis, p)
        for place, name in enumerate(together):
            found[name] = adjusted[:, place] <= level
    return found


def success(scenario: Scenario, claimed: Mapping[str, Booleans]) -> Booleans:
    """Return whether each trial is a success: it claims one of those that make it one."""
    own = [claimed[name] for name in scenario.spec.analysis.successes]
    return np.asarray(np.logical_or.reduce(own))


def adjusted_p(analysis: Analysis, p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return p-values (trials, estimands) adjusted by the procedure of an analysis."""
    chosen = analysis.multiplicity
    if isinstance(chosen, Graph):
        names, passes = analysis.together, chosen.graph.passes
        weights = np.array([chosen.graph.weights[name] for name in names])
        shares = [[passes.get(a, {}).get(b, 0.0) for b in names] for a in names]
        return batch.graphical(p, weights, np.array(shares))
    procedure = chosen if isinstance(chosen, str) else chosen.procedure if chosen else "holm"
    return (batch.holm if procedure == "holm" else batch.hochberg)(p)


def _last_p(
    scenario: Scenario, trials: Columns, analyses: Columns, name: str
) -> npt.NDArray[np.float64]:
    """Return the p-values of an estimand's last look, NaN where it may not be claimed there."""
    milestones = scenario.spec.design.milestones
    last = [m for m, spec in milestones.items() if name in spec.analyses][-1]
    of, at = np.asarray(analyses["estimand"]), np.asarray(analyses["milestone"])
    mine = (of == name) & (at == last)
    found = LastRows(trials, analyses, mine)
    p = found["p"]
    may = found.flag("converged") & (found.flag("rejected") | (p > scenario.level(name)))
    return np.where(may, p, np.nan)
