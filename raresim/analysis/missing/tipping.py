"""The tipping point: how much worse imputed outcomes must be for the result to be lost."""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray
from raresim.analysis.missing.conditional_mean import Jackknife, jackknife
from raresim.analysis.missing.trial import Plan
from raresim.analysis.result import NORMAL_975, Result, Results


@dataclass(frozen=True)
class TippingPoint:
    """The tipping point of one trial.

    Attributes
    ----------
    delta
        What must be added to the imputed outcomes of the treated for p to reach 5 %; infinite
        where none does (nobody imputed among the treated), NaN where p is 5 % or more without.
    significant
        Whether p is below 5 % at delta 0.
    without
        The comparison at delta 0.
    """

    delta: float
    significant: bool
    without: Result

    def __repr__(self) -> str:
        """Say the tipping point, then the comparison without delta."""
        if not self.without.converged:
            head = "tipping point: none, as there is no comparison"
        elif not self.significant:
            head = "tipping point: none, as p is 5 % or more without delta"
        else:
            head = f"tipping point: delta {self.delta:.4g}"
        return f"{head}\n{self.without!r}"


@dataclass(frozen=True)
class TippingPoints:
    """The same of B trials: ``delta`` and ``significant`` of shape (B,), ``without`` as results."""

    delta: FloatArray
    significant: BoolArray
    without: Results

    def __len__(self) -> int:
        return self.delta.size

    def row(self, b: int) -> TippingPoint:
        """Give the tipping point of row b alone."""
        return TippingPoint(float(self.delta[b]), bool(self.significant[b]), self.without.row(b))


def tipping_point(
    outcome: FloatArray,
    baseline: FloatArray,
    arm: CodeArray,
    present: BoolArray,
    *,
    plan: Plan,
    stop: IntArray | None = None,
    death: IntArray | None = None,
) -> TippingPoints:
    """Find the delta at which conditional mean imputation loses its significance (two-sided 5 %).

    Delta is added to each imputed outcome of the treated at the visit analysed, in the direction
    that moves the estimate to 0. Estimate and jackknife are straight lines in delta, so that
    z² = 1.96² is a quadratic equation; no search is needed. The plan's own delta is not used.

    Takes the arguments of `conditional_mean_imputation`.

    References
    ----------
    Permutt T. Stat Med 2016;35:2876-2879.

    Examples
    --------
    >>> week4, week8 = [1.0, 2, 3, 4, 2, 3, 1, 4], [2.1, 2.4, 4.9, np.nan, 6, 8.1, 5.9, np.nan]
    >>> outcome, arm = np.array([week4, week8]).T[None], np.array([[0, 0, 0, 0, 1, 1, 1, 1]])
    >>> here, nothing = np.ones((1, 8), dtype=bool), np.zeros((1, 8, 0))
    >>> tipping_point(outcome, nothing, arm, here, plan=Plan()).delta.round(3)
    array([-3.939])
    """
    pieces = jackknife(outcome, baseline, arm, present, plan=plan, stop=stop, death=death)
    without = pieces.at(np.zeros(len(outcome)))
    significant = without.converged & (np.abs(without.statistic) > NORMAL_975)
    delta = np.where(significant, _nearest(pieces), np.nan)
    return TippingPoints(delta, significant, without)


def _nearest(pieces: Jackknife) -> FloatArray:
    """Return the root of least size on the side where the estimate moves to 0."""
    squared = NORMAL_975**2
    own, both, of_slope = pieces.variance.T
    a = pieces.slope**2 - squared * of_slope
    b = 2.0 * (pieces.estimate * pieces.slope - squared * both)
    c = pieces.estimate**2 - squared * own
    # without cancellation; there are roots, as z is 0 where the estimate is
    q = -0.5 * (b + np.where(b < 0.0, -1.0, 1.0) * np.sqrt(np.maximum(b * b - 4.0 * a * c, 0.0)))
    side = -np.sign(pieces.estimate * pieces.slope)
    with np.errstate(divide="ignore", invalid="ignore"):
        roots = np.stack((c / q, q / a))
    roots = np.where(np.isfinite(roots), roots, 0.0)
    there = roots * side > 0.0
    size = np.min(np.where(there, np.abs(roots), np.inf), axis=0)
    found: FloatArray = np.where(side < 0.0, -size, size)
    return found
