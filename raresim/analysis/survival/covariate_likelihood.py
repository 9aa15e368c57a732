"""Cox's partial likelihood of several covariates, with its score, information and residuals.

Event number l = 0..d-1 of d tied events sees the risk set with the fraction l/d of the d patients
who have them taken out (Efron), or whole (Breslow). With c the weights of patients in that set,
w = c e^(x'b), S0 = sum w, mean m = sum w x / S0,

    log likelihood   sum x'b - log S0          score          sum x - m
    information      sum of the weighted covariances of x in the sets

Source: Therneau T, Grambsch P. Modeling Survival Data, Springer 2000, sections 3.1 to 3.3.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raresim.alike import pick
from raresim.analysis.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    IntArray,
    NumberArray,
    ordered_sum,
)
from raresim.analysis.survival.risk_sets import RiskSets, risk_sets

FARTHEST = 200.0  # linear predictors beyond this are held there: e^200 is still a number


@dataclass(frozen=True)
class Value:
    """The likelihood of R rows at their coefficients.

    Attributes
    ----------
    loglik
        (R,) logarithm of the partial likelihood.
    score
        (R, p) its gradient.
    information
        (R, p, p) minus its second derivative.
    skewness
        (R, p, p, p) derivative of the information, if it was asked for.
    """

    loglik: FloatArray
    score: FloatArray
    information: FloatArray
    skewness: FloatArray | None = None


@dataclass(frozen=True)
class CovariateLikelihood:
    """The partial likelihood of B rows as a function of the coefficients (B, p).

    Attributes
    ----------
    sets
        Risk sets of the events.
    design
        (B, n, p) covariates, finite, 0 for the absent.
    present
        (B, n) whose weight is not 0.
    efron
        Whether ties are Efron's; else Breslow's.
    """

    sets: RiskSets
    design: FloatArray
    present: BoolArray
    efron: bool

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return int(self.design.shape[2])

    @cached_property
    def out(self) -> FloatArray:
        """Fraction of those who have the tied events that is taken out, (B, E)."""
        return self.sets.rank / self.sets.events * float(self.efron)

    def at(self, rows: IntArray) -> "Rows":
        """Give the likelihood of some rows."""
        return Rows(self, rows)


@dataclass(frozen=True)
class Rows:
    """Some rows of a likelihood, to be evaluated at their coefficients."""

    whole: CovariateLikelihood
    rows: IntArray

    @cached_property
    def design(self) -> FloatArray:
        """Covariates of the rows, (R, n, p)."""
        return self.whole.design[self.rows]

    def predictor(self, beta: FloatArray) -> FloatArray:
        """Give x'b of each patient, (R, n), held within +-200 of 0."""
        total = np.zeros(self.design.shape[:2])
        for j in range(self.whole.size):
            total = total + self.design[:, :, j] * beta[:, j, None]
        held: FloatArray = np.clip(total, -FARTHEST, FARTHEST)
        return held

    def sum_at_risk(self, values: FloatArray) -> FloatArray:
        """Add the patients' values (R, n) in the set that each event sees, (R, E)."""
        sets = self.whole.sets
        in_order = pick(values, sets.order[self.rows])
        behind = np.zeros((values.shape[0], values.shape[1] + 1))
        behind[:, :-1] = np.cumsum(in_order[:, ::-1], axis=1)[:, ::-1]
        total: FloatArray = pick(behind, sets.first[self.rows]) - pick(
            behind, sets.close[self.rows]
        )
        if self.whole.efron:
            total = total - self.whole.out[self.rows] * self.sum_tied(self.of_event(values))
        return total

    def of_event(self, values: FloatArray) -> FloatArray:
        """Give the value of the patient who has each event, (R, E), 0 in padding."""
        sets = self.whole.sets
        return np.where(sets.real[self.rows], pick(values, sets.record[self.rows]), 0.0)

    def sum_tied(self, values: FloatArray) -> FloatArray:
        """Give each event the sum of the values (R, E) over the events tied with it."""
        sets = self.whole.sets
        running: FloatArray = np.zeros((values.shape[0], values.shape[1] + 1))
        np.cumsum(values, axis=1, out=running[:, 1:])
        real = sets.real[self.rows]
        first = np.where(real, np.arange(values.shape[1]) - sets.rank[self.rows], 0.0)
        last = np.where(real, first + sets.events[self.rows], 0.0)
        return pick(running, last.astype(np.int64)) - pick(running, first.astype(np.int64))

    def value(self, beta: FloatArray, *, third: bool = False) -> Value:
        """Evaluate the likelihood, with ``third`` also the derivative of the information."""
        size, number = self.whole.size, self.rows.size
        real = self.whole.sets.real[self.rows]
        predictor = self.predictor(beta)
        weight = np.where(self.whole.present[self.rows], np.exp(predictor), 0.0)
        total = np.where(real, self.sum_at_risk(weight), 1.0)
        total = np.where(total > 0.0, total, 1.0)
        score = np.empty((number, size))
        information = np.empty((number, size, size))
        x = [self.design[:, :, j] for j in range(size)]
        mean = [np.where(real, self.sum_at_risk(weight * a), 0.0) / total for a in x]
        square: dict[tuple[int, int], FloatArray] = {}
        for a in range(size):
            score[:, a] = ordered_sum(self.of_event(x[a]) - mean[a])
            for b in range(a, size):
                moment = np.where(real, self.sum_at_risk(weight * x[a] * x[b]), 0.0) / total
                square[a, b] = square[b, a] = moment
                part = ordered_sum(moment - mean[a] * mean[b])
                information[:, a, b] = information[:, b, a] = part
        skewness = self._skewness(x, weight, total, mean, square) if third else None
        loglik = ordered_sum(self.of_event(predictor) - np.log(total))
        return Value(loglik, score, information, skewness)

    def _skewness(
        self,
        x: list[FloatArray],
        weight: FloatArray,
        total: FloatArray,
        mean: list[FloatArray],
        square: dict[tuple[int, int], FloatArray],
    ) -> FloatArray:
        """Give the sums of the third central moments of the covariates in the risk sets."""
        size = len(x)
        real = self.whole.sets.real[self.rows]
        found = np.empty((self.rows.size, size, size, size))
        for a in range(size):
            for b in range(a, size):
                for c in range(b, size):
                    cube = (
                        np.where(real, self.sum_at_risk(weight * x[a] * x[b] * x[c]), 0.0) / total
                    )
                    central = (
                        cube
                        - square[a, b] * mean[c]
                        - square[a, c] * mean[b]
                        - square[b, c] * mean[a]
                        + 2.0 * mean[a] * mean[b] * mean[c]
                    )
                    part = ordered_sum(central)
                    for i, j, k in {
                        (a, b, c),
                        (a, c, b),
                        (b, a, c),
                        (b, c, a),
                        (c, a, b),
                        (c, b, a),
                    }:
                        found[:, i, j, k] = part
        return found

    def score_residuals(self, beta: FloatArray) -> FloatArray:
        """Give each patient's part in the score, (R, n, p).

        Patient i with weight w = e^(x'b): every event until the end of follow-up takes away
        w (x - m_l)/S0_l, the own event adds x - (mean of m over its ties). Under Efron's treatment
        a patient whose event is tied at place l counts in that set by 1 - l/d only.
        """
        sets, rows = self.whole.sets, self.rows
        real, events = sets.real[rows], sets.events[rows]
        out = self.whole.out[rows]
        present = self.whole.present[rows]
        weight = np.where(present, np.exp(self.predictor(beta)), 0.0)
        total = self.sum_at_risk(weight)
        hazard = np.where(real, 1.0 / np.where(real & (total > 0.0), total, 1.0), 0.0)
        found = np.zeros_like(self.design)
        own_weight = self.of_event(weight)
        lost, kept = self._until_own_time(hazard), self.sum_tied(out * hazard)
        for j in range(self.whole.size):
            x = self.design[:, :, j]
            mean = np.where(real, self.sum_at_risk(weight * x), 0.0) * hazard
            found[:, :, j] = -weight * (x * lost - self._until_own_time(hazard * mean))
            own_x = self.of_event(x)
            own = own_x - self.sum_tied(mean) / events
            own = own + own_weight * (own_x * kept - self.sum_tied(out * hazard * mean))
            placed = np.zeros((rows.size, x.shape[1] + 1))
            column = np.where(real, sets.record[rows], x.shape[1])
            np.put_along_axis(placed, column, own, axis=1)
            found[:, :, j] += placed[:, :-1]
        return np.where(present[:, :, None], found, 0.0)

    def _until_own_time(self, values: FloatArray) -> FloatArray:
        """Give each patient the sum of the events' values in its stratum until its time, (R, n)."""
        sets, rows = self.whole.sets, self.rows
        running: FloatArray = np.zeros((values.shape[0], values.shape[1] + 1))
        np.cumsum(values, axis=1, out=running[:, 1:])
        earlier = pick(sets.counted[rows], sets.opening[rows])
        in_order = pick(running, sets.events_through[rows]) - pick(running, earlier)
        found: FloatArray = np.empty_like(in_order)
        np.put_along_axis(found, sets.order[rows], in_order, axis=1)
        return found


def covariate_likelihood(
    time: NumberArray,
    event: BoolArray,
    design: FloatArray,
    present: BoolArray,
    stratum: CodeArray | None,
    ties: str,
) -> CovariateLikelihood:
    """Set the likelihood up; ``ties`` is "efron" or "breslow"."""
    sets = risk_sets(time, event & present, np.zeros_like(present), present, stratum)
    return CovariateLikelihood(sets, design, present, ties == "efron")
