"""How many are at risk and how many have events in the course of a survival trial.

Everything is an integral over the time x since entry of smooth functions between a few breaks:
a patient is at risk at x when he has entered early enough (by the analysis less x), has had no
event and has not left. Gauss-Legendre quadrature on short panels gives 14 digits.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq

from raresim.analysis.arrays import FloatArray
from raresim.analysis.sizing.asked import positive, wrong
from raresim.analysis.sizing.hazards import SurvivalTrial

NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)
WIDEST = 2.0  # a panel's width in mean times to whatever comes first
MOST_PANELS = 400


def _integration_matrix() -> FloatArray:
    """Integrals from -1 to each node of the polynomials that are 1 at one node, 0 at the others."""
    degrees = len(NODES)
    to_series = np.linalg.inv(np.polynomial.legendre.legvander(NODES, degrees - 1))
    rows = [
        np.polynomial.legendre.legval(
            NODES, np.polynomial.legendre.legint(np.eye(degrees)[k], lbnd=-1)
        )
        for k in range(degrees)
    ]
    matrix: FloatArray = np.array(rows).T @ to_series
    return matrix


TO_NODES = _integration_matrix()


@dataclass(frozen=True)
class Course:
    """Nodes over the time since entry, for one patient of the trial (arms in their shares).

    All arrays have shape (panels, 16).

    Attributes
    ----------
    time, weight
        Nodes and quadrature weights.
    at_risk_0, at_risk_1
        Probability that a patient is in the arm and at risk.
    hazard_0, hazard_1
        Hazard of the event in the arm.
    half
        (panels,) half the width of each panel.
    """

    time: FloatArray
    weight: FloatArray
    at_risk_0: FloatArray
    at_risk_1: FloatArray
    hazard_0: FloatArray
    hazard_1: FloatArray
    half: FloatArray

    @property
    def events(self) -> tuple[float, float]:
        """Expected events in the control and in the treated arm, of one patient in all."""
        return (
            self.integral(self.at_risk_0 * self.hazard_0),
            self.integral(self.at_risk_1 * self.hazard_1),
        )

    @property
    def treated_share(self) -> FloatArray:
        """Share of the treated among those at risk."""
        at_risk = self.at_risk_0 + self.at_risk_1
        return self.at_risk_1 / np.where(at_risk > 0.0, at_risk, 1.0)

    @property
    def pooled_hazard(self) -> FloatArray:
        """Hazard of all who are at risk."""
        share = self.treated_share
        return self.hazard_1 * share + self.hazard_0 * (1.0 - share)

    def integral(self, values: FloatArray) -> float:
        """Integrate over all times."""
        return math.fsum((values * self.weight).ravel().tolist())

    def running(self, values: FloatArray) -> FloatArray:
        """Integrate up to each node."""
        within = self.half[:, None] * (values @ TO_NODES.T)
        whole = np.sum(values * self.weight, axis=1)
        before = np.concatenate(([0.0], np.cumsum(whole)[:-1]))
        return within + before[:, None]


@lru_cache(maxsize=4096)
def course(trial: SurvivalTrial, until: float = math.inf) -> Course:
    """Lay out the course of a trial, up to a time since entry if one is given."""
    end = min(trial.duration, trial.longest, until)
    edges = _edges(trial, end)
    half, middle = np.diff(edges) / 2.0, (edges[:-1] + edges[1:]) / 2.0
    time = middle[:, None] + half[:, None] * NODES
    entered = trial.accrual.entered(trial.duration - time)
    left_0, left_1 = trial.drop_out, trial.drop_out_treated or trial.drop_out
    staying_0 = np.exp(-trial.control.cumulative(time) - left_0.cumulative(time))
    staying_1 = np.exp(-trial.treated.cumulative(time) - left_1.cumulative(time))
    return Course(
        time=time,
        weight=half[:, None] * WEIGHTS,
        at_risk_0=(1.0 - trial.share) * entered * staying_0,
        at_risk_1=trial.share * entered * staying_1,
        hazard_0=trial.control.at(time),
        hazard_1=trial.treated.at(time),
        half=half,
    )


def _edges(trial: SurvivalTrial, end: float) -> FloatArray:
    """Panels between which nothing has a corner and in which no hazard runs far."""
    hazards = [trial.control, trial.treated, trial.drop_out, trial.drop_out_treated]
    breaks = {s for h in hazards if h is not None for s in h.starts}
    breaks |= {trial.duration - knot for knot in trial.accrual.knots}
    corners = np.array([0.0, *sorted(b for b in breaks if 0.0 < b < end), end])
    edges = [np.zeros(1)]
    for left, right in pairwise(corners):
        middle = (left + right) / 2.0
        fastest = max(float(h.at(middle)) for h in hazards if h is not None)
        pieces = min(max(1, math.ceil(fastest * (right - left) / WIDEST)), MOST_PANELS)
        edges.append(np.linspace(left, right, pieces + 1)[1:])
    return np.concatenate(edges)


def expected_events(trial: SurvivalTrial, n: float) -> tuple[float, float]:
    """Give the events expected by the analysis in the control and in the treated arm.

    Parameters
    ----------
    trial
        Hazards, accrual, drop-out and time of the analysis.
    n
        Patients in all, at the end of accrual.

    Raises
    ------
    InputError
        If n is not positive.

    References
    ----------
    Lachin JM, Foulkes MA. Biometrics 1986;42:507-519.

    Examples
    --------
    >>> from raresim.analysis.sizing import Accrual, Hazard, SurvivalTrial
    >>> trial = SurvivalTrial(
    ...     Hazard.share(0.4, 12), Hazard.share(0.2, 12), Accrual((12.0,)), 13.63
    ... )
    >>> control, treated = expected_events(trial, 200)
    >>> round(control, 3), round(treated, 3)
    (26.945, 13.048)
    """
    positive("n", n)
    control, treated = course(trial).events
    return n * control, n * treated


def time_of_events(trial: SurvivalTrial, n: float, events: float) -> float:
    """Find the calendar time at which a number of events is expected, with n patients in all.

    Parameters
    ----------
    trial
        As in `expected_events`; its own `duration` plays no part.
    n, events
        Patients in all at the end of accrual, and the events waited for.

    Raises
    ------
    InputError
        If so many events are never expected, or a number is not positive.

    References
    ----------
    See `expected_events`.

    Examples
    --------
    >>> from raresim.analysis.sizing import Accrual, Hazard, SurvivalTrial
    >>> trial = SurvivalTrial(Hazard.share(0.4, 12), Hazard.share(0.2, 12), Accrual((12.0,)), 24)
    >>> round(time_of_events(trial, 200, 40), 2)
    13.63
    """
    positive("n", n)
    positive("events", events)

    def missing(duration: float) -> float:
        return sum(expected_events(trial.with_duration(duration), n)) - events

    high = trial.accrual.duration
    while missing(high) < 0.0:
        high *= 2.0
        if high > 1e9 * trial.accrual.duration or (
            high > trial.accrual.duration + trial.longest and missing(high) < 0.0
        ):
            raise wrong("events", events, "events that so many patients have at some time")
    low = high * 1e-9
    if missing(low) > 0.0:
        raise wrong("events", events, "events that take longer to come")
    return float(brentq(missing, low, high, xtol=1e-13, rtol=1e-14))
