"""The Andersen-Gill model of recurrent events with a robust standard error."""

import numpy as np

from raresim.alike import pick
from raresim.analysis.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    IntArray,
    NumberArray,
    flagged_first,
    ordered_sum,
    patients_per_arm,
)
from raresim.analysis.notes import Note
from raresim.analysis.result import Results, wald_results
from raresim.analysis.survival.log_rank import comparison_notes
from raresim.analysis.survival.partial_likelihood import PartialLikelihood, maximise
from raresim.analysis.survival.risk_sets import RiskSets, risk_sets

SMALL_ARM = 100  # patients; see the sizes in `andersen_gill`


def andersen_gill(
    event_time: NumberArray,
    follow_up: NumberArray,
    arm: CodeArray,
    present: BoolArray,
) -> Results:
    """Estimate the log ratio of event intensities from all events of each patient.

    Cox's partial likelihood in which a patient stays at risk after an event (Andersen and Gill)
    with Efron's treatment of ties. As the events of a patient are dependent, the standard error
    is the sandwich of Lin and Wei clustered by patient: the variance is sum_i r_i^2 / I^2, with
    r_i the score residual of patient i, as ``survival::coxph(... + cluster(id))`` gives it. With
    this standard error it is also the fit of the proportional means model of Lin, Wei, Yang and
    Ying (LWYY), which asks nothing of how the events of a patient depend on each other; then the
    estimate is the log ratio of mean numbers of events.

    Simulated two-sided size in per cent at the nominal 5 %, total n in two equal arms, gamma
    frailty with theta 1.1, follow-up 0.7 to 1 year, times in whole days (100,000 trials, Monte
    Carlo se 0.07; second row 40,000, se 0.12; a fit that did not converge does not reject):

        total n                  12    20    40    60    80   120   200
        0.8 events per year     5.2   7.3   7.0   6.4   6.0   5.7   5.4
        3 events per year      13.2  10.1   7.6   6.5   6.2   5.8   5.6

    The sandwich is too small in small samples. With fewer than 100 patients in an arm the
    note SIZE_ABOVE_NOMINAL is attached: from there on the simulated size was at most 5.6 %.

    Parameters
    ----------
    event_time
        (B, n, K) times of the events of each patient, in any order; times after the patient's
        follow-up (2**62, infinity) are no events. Events of one patient at the same time all
        count, tied with each other.
    follow_up
        (B, n) how long the patient was followed; at risk up to and including this time.
    arm
        (B, n) 0 control, 1 treated.
    present
        (B, n) False for padding.

    References
    ----------
    Andersen PK, Gill RD. Ann Stat 1982;10:1100-1120. Lin DY, Wei LJ. J Am Stat Assoc
    1989;84:1074-1078. Lin DY, Wei LJ, Yang I, Ying Z. J R Stat Soc B 2000;62:711-730.
    Therneau T, Grambsch P. Modeling Survival Data, Springer 2000, chapter 7.

    Examples
    --------
    >>> import numpy as np
    >>> never = 2**62
    >>> event_time = np.array([[[10, 20], [15, never], [30, never], [never, never]]])
    >>> follow_up = np.full((1, 4), 50)
    >>> arm, present = np.array([[0, 0, 1, 1]]), np.ones((1, 4), dtype=bool)
    >>> andersen_gill(event_time, follow_up, arm, present).row(0)
    Andersen-Gill model, robust variance: log intensity ratio -1.099 (95 % CI -2.559 to 0.3623)
      se 0.7454, z = -1.474, p = 0.1405, 4 patients
      Small trial: this asymptotic test can exceed its nominal size; re-randomisation keeps it.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 4.4 to 7.4 %.
    """
    batch, n, most = event_time.shape
    observed = present[:, :, None] & (event_time <= follow_up[:, :, None])
    place, real = flagged_first(observed.reshape(batch, n * most))
    owner = place // max(most, 1)
    times = pick(event_time.reshape(batch, n * most), place)
    treated = arm == 1
    sets = risk_sets(
        time=np.concatenate((follow_up, times), axis=1),
        event=np.concatenate((np.zeros_like(present), real), axis=1),
        treated=np.concatenate((treated, pick(treated, owner)), axis=1),
        at_risk=np.concatenate((present, np.zeros_like(real)), axis=1),
        patient=np.concatenate((np.broadcast_to(np.arange(n), arm.shape), owner), axis=1),
    )
    events_per_patient = np.count_nonzero(observed, axis=2)
    fit = maximise(sets, np.add.reduce(events_per_patient * treated, axis=1))
    residual = _score_residuals(sets, fit, treated & present, present, place, most)
    spread = np.sqrt(ordered_sum(residual * residual))
    return wald_results(
        method="Andersen-Gill model, robust variance",
        measure="log intensity ratio",
        estimate=fit.beta,
        se=spread / np.where(fit.information > 0.0, fit.information, 1.0),
        converged=fit.converged,
        used=np.count_nonzero(present, axis=1),
        notes=_notes(events_per_patient > 0, arm, present, sets, fit),
    )


def _notes(
    any_event: BoolArray,
    arm: CodeArray,
    present: BoolArray,
    sets: RiskSets,
    fit: PartialLikelihood,
) -> IntArray:
    both = np.any((sets.at_risk_0 > 0.0) & (sets.at_risk_1 > 0.0), axis=1)
    notes = comparison_notes(any_event, arm, present, both)
    notes += Note.MONOTONE_LIKELIHOOD * (~fit.finite & (notes == 0))
    smaller = np.minimum(*patients_per_arm(arm, present))
    notes += Note.SIZE_ABOVE_NOMINAL * (smaller < SMALL_ARM)
    return notes


def _score_residuals(
    sets: RiskSets,
    fit: PartialLikelihood,
    treated: BoolArray,
    present: BoolArray,
    place: IntArray,
    most: int,
) -> FloatArray:
    """Give the score residual of each patient, (B, n), zero for the absent.

    Patient i with arm x, relative hazard w = e^(beta x), hazard increments h_l = 1/S0_l and mean
    covariates p_l, l over the events: every event until the end of follow-up takes away
    w (x - p_l) h_l, every own event adds x - (mean p of its ties). Under Efron's treatment a
    patient whose own event is tied at place l counts in that risk set by 1 - l/d only.
    """
    p = fit.probability()
    total = fit.controls + fit.treated * np.exp(fit.beta)[:, None]
    hazard = np.where(sets.real, 1.0 / np.where(sets.real, total, 1.0), 0.0)
    out = np.where(sets.real, sets.rank / sets.events, 0.0)
    arm = treated.astype(np.float64)
    weight = np.where(treated, np.exp(fit.beta)[:, None], 1.0)

    through = np.empty_like(sets.order)
    np.put_along_axis(through, sets.order, sets.events_through, axis=1)
    through = through[:, : arm.shape[1]]
    at_risk = weight * (arm * _until(hazard, through) - _until(hazard * p, through))

    # the record of an event follows the n records of the patients, in the order of `place`
    column = np.where(sets.real, sets.record - arm.shape[1], 0)
    slot = pick(place, column)
    owner = slot // max(most, 1)
    x, w = (pick(values, owner) for values in (arm, weight))
    own = x - _tie_sum(p, sets) / sets.events
    spared = w * (x * _tie_sum(out * hazard, sets) - _tie_sum(out * hazard * p, sets))
    own += np.where(sets.again, 0.0, spared)
    return np.where(present, _by_patient(own, slot, sets.real, arm.shape[1], most) - at_risk, 0.0)


def _by_patient(
    values: FloatArray, slot: IntArray, real: BoolArray, patients: int, most: int
) -> FloatArray:
    """Add the values (B, E) of each patient's events, in the order they were given."""
    laid_out = np.zeros((values.shape[0], patients * most + 1))
    np.put_along_axis(laid_out, np.where(real, slot, patients * most), values, axis=1)
    return ordered_sum(laid_out[:, :-1].reshape(values.shape[0], patients, most))


def _running(values: FloatArray) -> FloatArray:
    sums = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums


def _until(values: FloatArray, number: IntArray) -> FloatArray:
    """Add the first so many of the values (B, E)."""
    return pick(_running(values), number)


def _tie_sum(values: FloatArray, sets: RiskSets) -> FloatArray:
    """Give each event the sum of the values over the events tied with it."""
    sums = _running(values)
    column = np.arange(values.shape[1])
    first = np.where(sets.real, column - sets.rank, 0.0).astype(np.int64)
    last = np.where(sets.real, first + sets.events, 0.0).astype(np.int64)
    return pick(sums, last) - pick(sums, first)
