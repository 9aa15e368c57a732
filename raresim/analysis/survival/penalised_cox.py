"""Cox regression with Firth's penalty: a finite hazard ratio even without events in an arm."""

import numpy as np
from scipy.special import chdtrc, chdtri

from raresim.analysis.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    IntArray,
    NumberArray,
    patients_per_arm,
)
from raresim.analysis.left_out import flags_of
from raresim.analysis.notes import Note
from raresim.analysis.result import CONFIDENCE, Results
from raresim.analysis.small_matrices import inverse
from raresim.analysis.survival.climbing import climb
from raresim.analysis.survival.cox_covariates import Prepared, Ties, prepare

SMALL_ARM = 20  # patients; see the sizes in `firth_cox`
MOST_STEPS = 80
NARROW = 1e-10  # of a limit, the arm having unit spread


def firth_cox(
    time: NumberArray,
    event: BoolArray,
    arm: CodeArray,
    present: BoolArray,
    stratum: CodeArray | None = None,
    covariates: FloatArray | None = None,
    *,
    ties: Ties = "efron",
) -> Results:
    """Estimate the log hazard ratio, treated to control, by penalised partial likelihood.

    log L(b) + log |I(b)| / 2 is maximised; it has a maximum even when an arm had no events. The
    p-value is that of the penalised likelihood ratio test (chi-square, 1 df) and the limits are
    those of the profile penalised likelihood; for both the other coefficients are maximised
    again while the penalty keeps the information of all, as the R package coxphf does it.
    ``statistic`` is the signed root of the likelihood ratio; ``se`` the root of the inverse
    information at the estimate. coxphf takes Breslow's treatment of ties, SAS PHREG either.

    Simulated two-sided size in per cent at the nominal 5 %, total n in two equal arms, gamma
    frailty with theta 1.1, follow-up 0.7 to 1 year, times in whole days (1,000 trials,
    Monte Carlo se 0.7):

        total n                  12    20    40    60
        0.8 events per year     4.9   5.0   4.9   4.8
        3 events per year       6.5   5.9   5.5   5.7

    With fewer than 20 patients in an arm SIZE_ABOVE_NOMINAL and PERMUTATION_INSTEAD are
    attached.

    Parameters
    ----------
    time, event, arm, present, stratum
        As in `logrank`.
    covariates
        (B, n, p), NaN if missing: such patients are left out.
    ties
        "efron" or "breslow".

    Raises
    ------
    InputError
        If ``ties`` is neither of the two.

    References
    ----------
    Heinze G, Schemper M. Biometrics 2001;57:114-119. Firth D. Biometrika 1993;80:27-38.

    Examples
    --------
    >>> time = np.array([[1, 2, 3, 4, 5, 6]])
    >>> event = np.array([[True, True, False, True, False, False]])
    >>> arm = np.array([[0, 0, 1, 0, 1, 1]])
    >>> firth_cox(time, event, arm, np.ones((1, 6), dtype=bool)).row(0)
    Cox regression, Firth's penalty: log hazard ratio -2.356 (95 % CI -7.264 to 0.003579)
      se 1.762, z = -1.957, p = 0.0504, 6 patients
      Small trial: this asymptotic test can exceed its nominal size; re-randomisation keeps it.
      The permutation log-rank test keeps its level however few the patients.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 0.9 to 5.3 %.
    """
    design = (arm == 1).astype(np.float64)[:, :, None]
    if covariates is not None:
        design = np.concatenate((design, covariates), axis=2)
    ready = prepare(time, event, design, present, stratum, ties)
    batch, size = ready.spread.shape
    profile = _Profile(ready, size)
    rows = np.flatnonzero(ready.able)
    beta, height = np.zeros((batch, size)), np.zeros(batch)
    converged = np.zeros(batch, dtype=np.bool_)
    top = climb(
        ready.likelihood, beta[rows], rows, free=np.ones(size, dtype=np.bool_), penalised=True
    )
    beta[rows], height[rows], converged[rows] = top.beta, top.height, top.converged
    value = ready.likelihood.at(np.arange(batch)).value(beta)
    covariance, definite = inverse(value.information)
    converged &= definite
    se = np.sqrt(np.where(converged, covariance[:, 0, 0], 1.0))
    rows = np.flatnonzero(converged)
    at_zero, settled = profile.height(np.zeros(rows.size), beta[rows], rows)
    ratio = np.zeros(batch)
    ratio[rows] = np.maximum(2.0 * (height[rows] - at_zero), 0.0)
    converged[rows] &= settled
    low, high = np.zeros(batch), np.zeros(batch)
    for limit, side in ((low, -1.0), (high, 1.0)):
        rows = np.flatnonzero(converged)
        limit[rows], settled = _limit(profile, beta[rows], height[rows], se[rows], rows, side)
        converged[rows] &= settled
    return _results(ready, converged, beta[:, 0], se, low, high, ratio, arm)


class _Profile:
    """The penalised log likelihood, maximised over all coefficients but the arm's."""

    def __init__(self, ready: Prepared, size: int) -> None:
        self.likelihood = ready.likelihood
        self.free = np.arange(size) > 0

    def height(
        self, arm: FloatArray, beta: FloatArray, rows: IntArray
    ) -> tuple[FloatArray, BoolArray]:
        """Give the profile at a value of the arm's coefficient of each row."""
        start = beta.copy()
        start[:, 0] = arm
        top = climb(self.likelihood, start, rows, free=self.free, penalised=True)
        return top.height, top.converged


def _limit(
    profile: _Profile,
    beta: FloatArray,
    height: FloatArray,
    se: FloatArray,
    rows: IntArray,
    side: float,
) -> tuple[FloatArray, BoolArray]:
    """Find where the profile has fallen by half the chi-square quantile, on one side.

    The distance is doubled until the profile is low enough, then the bracket is narrowed by
    the Illinois form of false position. Each row goes its own way.
    """
    drop = float(chdtri(1, 1.0 - CONFIDENCE)) / 2.0
    number = rows.size
    near, near_gap = beta[:, 0].copy(), np.full(number, drop)
    far, far_gap = beta[:, 0] + side * 2.0 * se, np.full(number, np.nan)
    last_side = np.zeros(number)
    found, done = np.full(number, np.nan), np.zeros(number, dtype=np.bool_)
    good = np.ones(number, dtype=np.bool_)
    for _ in range(MOST_STEPS):
        active = np.flatnonzero(~done & good)
        if active.size == 0:
            break
        bracketed = far_gap[active] < 0.0
        weight = np.where(bracketed, near_gap[active] - far_gap[active], 1.0)
        between = near[active] + (far[active] - near[active]) * near_gap[active] / weight
        trial = np.where(bracketed, between, far[active])
        level, settled = profile.height(trial, beta[active], rows[active])
        gap = level - (height[active] - drop)
        good[active] &= settled
        inside = gap >= 0.0
        again = np.where(inside, 1.0, -1.0) == last_side[active]
        # Illinois: the end that stays twice counts half, so that both ends move
        far_gap[active] = np.where(
            inside, np.where(again & bracketed, far_gap[active] / 2.0, far_gap[active]), gap
        )
        near_gap[active] = np.where(
            inside, gap, np.where(again, near_gap[active] / 2.0, near_gap[active])
        )
        old = np.where(inside, near[active], far[active])
        near[active] = np.where(inside, trial, near[active])
        doubled = beta[active, 0] + 2.0 * (trial - beta[active, 0])
        far[active] = np.where(inside, np.where(bracketed, far[active], doubled), trial)
        last_side[active] = np.where(bracketed, np.where(inside, 1.0, -1.0), 0.0)
        width = np.minimum(np.abs(far[active] - near[active]), np.abs(trial - old))
        narrow = bracketed & (width <= NARROW * (1.0 + np.abs(trial)))
        done[active] = narrow | (gap == 0.0)
        found[active] = trial
    return found, done & good


def _results(
    ready: Prepared,
    converged: BoolArray,
    beta: FloatArray,
    se: FloatArray,
    low: FloatArray,
    high: FloatArray,
    ratio: FloatArray,
    arm: CodeArray,
) -> Results:
    blank = np.where(converged, 0.0, np.nan)
    unit = ready.spread[:, 0]
    empty = np.minimum(*patients_per_arm(arm, ready.used)) == 0
    notes = np.where(empty, ready.notes & ~int(Note.SINGULAR_DESIGN), ready.notes)
    notes = notes + Note.ONE_ARM_EMPTY * empty
    notes = notes + Note.NOT_CONVERGED * (ready.able & ~converged)
    small = np.minimum(*patients_per_arm(arm, ready.used)) < SMALL_ARM
    notes = notes + (Note.SIZE_ABOVE_NOMINAL | Note.PERMUTATION_INSTEAD) * small
    return Results(
        method="Cox regression, Firth's penalty",
        measure="log hazard ratio",
        estimate=beta / unit + blank,
        se=se / unit + blank,
        ci_low=low / unit + blank,
        ci_high=high / unit + blank,
        df=np.full(beta.shape, np.inf),
        statistic=np.sign(beta) * np.sqrt(ratio) + blank,
        p=np.where(converged, chdtrc(1, ratio), np.nan),
        converged=converged,
        used=np.count_nonzero(ready.used, axis=1),
        notes=notes.astype(np.int64) | flags_of(ready.left_out),
        left_out=ready.left_out,
    )
