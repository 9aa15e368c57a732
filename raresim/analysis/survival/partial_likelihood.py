"""Cox's partial likelihood for two arms, with Efron's (or Breslow's) treatment of ties.

The one covariate is the arm (0 or 1), so a risk set is two counts. Event number l = 0..d-1 of d
tied events sees the risk set with the fraction l/d of the d events taken out (Efron 1977):
c1 = n1 - (l/d) d1 treated and c0 = n0 - (l/d) d0 controls, d1 and d0 being the patients who have
these events. With beta the log hazard ratio,
that event is a treated one with probability p = c1 e^beta / (c0 + c1 e^beta), and

    score        U(beta) = O1 - sum p        (O1 observed treated events)
    information  I(beta) = sum p (1 - p)

Source: Efron B. J Am Stat Assoc 1977;72:557-565; Therneau T, Grambsch P. Modeling Survival
Data, Springer 2000, section 3.3.
"""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray, ordered_sum
from raresim.analysis.newton import solve_score
from raresim.analysis.survival.risk_sets import RiskSets


@dataclass(frozen=True)
class PartialLikelihood:
    """The terms of the partial likelihood and where it is largest.

    Attributes
    ----------
    controls, treated
        (B, E) c0 and c1 of each event; 1 and 0 in padding.
    beta
        (B,) log hazard ratio; 0 where there is none.
    information
        (B,) I(beta).
    finite
        (B,) whether the likelihood has a maximum.
    converged
        (B,) whether it was found.
    """

    controls: FloatArray
    treated: FloatArray
    beta: FloatArray
    information: FloatArray
    finite: BoolArray
    converged: BoolArray

    def probability(self) -> FloatArray:
        """Give p of each event at beta, (B, E)."""
        return _probability(self.controls, self.treated, self.beta)


def maximise(sets: RiskSets, treated_events: IntArray, *, efron: bool = True) -> PartialLikelihood:
    """Maximise the partial likelihood of each row.

    Parameters
    ----------
    sets
        Risk sets of the events, (B, E).
    treated_events
        (B,) number of events in the treated arm, O1.
    efron
        Take the fraction out of tied risk sets; without, the ties are Breslow's.
    """
    out = sets.rank / sets.events if efron else np.zeros(sets.rank.shape)
    treated = sets.at_risk_1 - out * sets.having_1
    controls = sets.at_risk_0 - out * sets.having_0
    controls = np.where(sets.real, controls, 1.0)
    # U falls from O1 - #{c0 = 0} at minus infinity to O1 - #{c1 > 0} at plus infinity
    finite = (treated_events > np.count_nonzero(controls <= 0.0, axis=1)) & (
        treated_events < np.count_nonzero(treated > 0.0, axis=1)
    )

    def score(beta: FloatArray, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        p = _probability(controls[rows], treated[rows], beta)
        return treated_events[rows] - ordered_sum(p), ordered_sum(p * (1.0 - p))

    rows = np.flatnonzero(finite)
    beta = np.zeros(finite.shape)
    converged = np.zeros(finite.shape, dtype=np.bool_)
    beta[rows], converged[rows] = solve_score(score, beta[rows], rows)
    _, information = score(beta, np.arange(beta.size))
    return PartialLikelihood(controls, treated, beta, information, finite, converged)


def _probability(controls: FloatArray, treated: FloatArray, beta: FloatArray) -> FloatArray:
    weighted = treated * np.exp(beta)[:, None]
    share: FloatArray = weighted / (controls + weighted)
    return share
