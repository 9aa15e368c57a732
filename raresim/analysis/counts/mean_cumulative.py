"""The mean number of recurrent events over time, also where death ends the counting.

Every quantity of an arm is a function of the weights of its patients; its variance is the sum of
the squares of what each patient adds to it (its influence: the derivative by that weight).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray, NumberArray
from raresim.analysis.notes import Note
from raresim.analysis.result import Results, wald_results
from raresim.errors import InputError

SMALL_ARM = 100  # patients; see the sizes in `mean_cumulative_test`


@dataclass(frozen=True)
class MeanCumulativeFunction:
    """Mean numbers of events in one trial.

    Attributes
    ----------
    times
        As asked for.
    control_mean, control_se, treated_mean, treated_se
        At each of these times; NaN where nobody was followed as long.
    notes
        Sentences to read with the numbers.
    """

    times: tuple[float, ...]
    control_mean: tuple[float, ...]
    control_se: tuple[float, ...]
    treated_mean: tuple[float, ...]
    treated_se: tuple[float, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class MeanCumulativeFunctions:
    """Mean numbers of events in B trials.

    Attributes
    ----------
    times
        (T,) as asked for.
    mean, se
        (B, 2, T) of the control and the treated arm; NaN where nobody was followed as long.
    notes
        (B,) `Note` flags.
    """

    times: FloatArray
    mean: FloatArray
    se: FloatArray
    notes: IntArray

    def __len__(self) -> int:
        return len(self.mean)

    def row(self, b: int) -> MeanCumulativeFunction:
        """Give the functions of row b alone."""
        return MeanCumulativeFunction(
            times=tuple(self.times.tolist()),
            control_mean=tuple(self.mean[b, 0].tolist()),
            control_se=tuple(self.se[b, 0].tolist()),
            treated_mean=tuple(self.mean[b, 1].tolist()),
            treated_se=tuple(self.se[b, 1].tolist()),
            notes=Note(int(self.notes[b])).sentences(),
        )


@dataclass(frozen=True)
class _Arm:
    """One arm of one trial: the jumps of its mean function.

    Attributes
    ----------
    follow_up
        (m,) of its patients.
    time
        (G,) times of events or deaths, rising.
    jump
        (G,) of the mean function.
    influence
        (m, G) of each patient on each jump.
    """

    follow_up: FloatArray
    time: FloatArray
    jump: FloatArray
    influence: FloatArray

    def at(self, time: float) -> tuple[float, FloatArray]:
        """Give the mean function at a time and each patient's influence on it."""
        through = int(np.searchsorted(self.time, time, side="right"))
        if through == 0:
            return 0.0, np.zeros(self.follow_up.size)
        mean = float(np.cumsum(self.jump)[through - 1])
        return mean, np.cumsum(self.influence, axis=1)[:, through - 1]

    def reaches(self, time: float) -> bool:
        return self.follow_up.size > 0 and float(np.max(self.follow_up)) >= time


def mean_cumulative_function(
    event_time: NumberArray,
    follow_up: NumberArray,
    arm: CodeArray,
    present: BoolArray,
    times: FloatArray,
    *,
    death: BoolArray | None = None,
) -> MeanCumulativeFunctions:
    """Estimate the mean number of events of a patient by some times, for each arm.

    Without deaths it is the Nelson-Aalen sum of events over patients at risk; it needs no model
    of how the events of a patient hang together. The variance is the robust one of Lawless and
    Nadeau: the sum over the patients of [sum over u of (dN_i - Y_i dN/Y)/Y]^2 (as R's
    ``survfit`` with ``id``).

    With deaths it is the marginal mean of Ghosh and Lin, the sum of S(u-) dN/Y with S the
    Kaplan-Meier estimate of survival: the dead have no more events, and count on in the mean.
    (Taking deaths for censoring would answer for a world without death.) An event at the time
    of death counts. A patient's influence on S is its exact derivative, with 1/(Y - d) in the
    place of Ghosh and Lin's 1/Y, as R's infinitesimal jackknife; they agree but for ties of deaths
    and the last few at risk.

    Parameters
    ----------
    event_time, follow_up, arm, present
        As in `andersen_gill`.
    times
        (T,) times asked for.
    death
        (B, n) whether the patient died at the end of follow-up; None if death plays no part.

    References
    ----------
    Nelson WB. J Qual Technol 1988;20:24-35. Lawless JF, Nadeau C. Technometrics
    1995;37:158-168. Ghosh D, Lin DY. Biometrics 2000;56:554-562.

    Examples
    --------
    >>> import numpy as np
    >>> never = np.inf
    >>> event_time = np.array([[[10, 20], [15, never], [30, never], [never, never]]])
    >>> follow_up = np.full((1, 4), 50.0)
    >>> arm, present = np.array([[0, 0, 1, 1]]), np.ones((1, 4), dtype=bool)
    >>> mcf = mean_cumulative_function(event_time, follow_up, arm, present, np.array([25.0, 40.0]))
    >>> mcf.mean
    array([[[1.5, 1.5],
            [0. , 0.5]]])
    >>> mcf.se.round(4)
    array([[[0.3536, 0.3536],
            [0.    , 0.3536]]])
    """
    for time in times:
        _check_time(float(time))
    shape = (present.shape[0], 2, len(times))
    mean, se = np.full(shape, np.nan), np.full(shape, np.nan)
    notes = np.zeros(present.shape[0], dtype=np.int64)
    for b in range(present.shape[0]):
        arms = _arms(event_time[b], follow_up[b], arm[b], present[b], _row(death, b))
        notes[b] = int(Note.ONE_ARM_EMPTY) * any(side.follow_up.size == 0 for side in arms)
        for k, side in enumerate(arms):
            for j, time in enumerate(times):
                if side.reaches(float(time)):
                    mean[b, k, j], influence = side.at(float(time))
                    se[b, k, j] = np.sqrt(np.cumsum(influence**2)[-1])
                else:
                    notes[b] |= int(Note.NOT_DEFINED_AT_TIME)
    return MeanCumulativeFunctions(np.asarray(times, dtype=np.float64), mean, se, notes)


def mean_cumulative_difference(
    event_time: NumberArray,
    follow_up: NumberArray,
    arm: CodeArray,
    present: BoolArray,
    time: float,
    *,
    death: BoolArray | None = None,
) -> Results:
    """Estimate the difference in the mean number of events by a time, treated minus control.

    The variances of the arms' `mean_cumulative_function` add up; compared with the normal. The
    sizes and the note are those of `mean_cumulative_test`.

    Parameters
    ----------
    event_time, follow_up, arm, present, death
        As in `mean_cumulative_function`.
    time
        When; somebody in each arm must have been followed as long.

    References
    ----------
    Lawless JF, Nadeau C. Technometrics 1995;37:158-168. Ghosh D, Lin DY. Biometrics
    2000;56:554-562.

    Examples
    --------
    >>> import numpy as np
    >>> never = np.inf
    >>> event_time = np.array([[[10, 20], [15, never], [30, never], [never, never]]])
    >>> follow_up = np.full((1, 4), 50.0)
    >>> arm, present = np.array([[0, 0, 1, 1]]), np.ones((1, 4), dtype=bool)
    >>> mean_cumulative_difference(event_time, follow_up, arm, present, 40.0).row(0)
    mean cumulative functions: difference in mean events -1 (95 % CI -1.98 to -0.02002)
      se 0.5, z = -2, p = 0.0455, 4 patients
      Small trial: the size may not be the nominal; re-randomising the same statistic keeps it.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 5.8 to 10.8 %.
    """
    _check_time(time)

    def difference(control: _Arm, treated: _Arm) -> tuple[float, list[FloatArray], int]:
        if not (control.reaches(time) and treated.reaches(time)):
            return np.nan, [], int(Note.NOT_DEFINED_AT_TIME)
        sides = [side.at(time) for side in (control, treated)]
        return sides[1][0] - sides[0][0], [influence for _, influence in sides], 0

    return _compared(
        difference,
        "mean cumulative functions",
        "difference in mean events",
        (event_time, follow_up, arm, present, death),
    )


def mean_cumulative_test(
    event_time: NumberArray,
    follow_up: NumberArray,
    arm: CodeArray,
    present: BoolArray,
    *,
    death: BoolArray | None = None,
) -> Results:
    """Test whether the mean numbers of events run alike, with the weights of the log-rank test.

    Q is the sum of K (dmu_1 - dmu_0) over all times, mu the arms' `mean_cumulative_function` and
    K = Y1 Y0/(Y1 + Y0); its variance is the sum of the squares of the patients' influences, as in
    Ghosh and Lin's tests; without deaths it is the robust log-rank test of recurrent events of
    Lawless and Nadeau. The estimate is Q, whose sign is the direction.

    Simulated two-sided size in per cent at the nominal 5 %, total n in two equal arms, gamma
    frailty with theta 1.1, follow-up 0.7 to 1 year (4,000 trials, Monte Carlo se 0.34; the
    difference at 250 days):

        total n                     12    20    40    60    80   100   120   200
        test, 0.8 per year        10.4   7.7   5.9   6.2   5.6   5.9   5.5   4.5
        test, 3 per year           9.8   7.6   6.1   6.2   5.3   6.0   5.1   4.7
        difference, 0.8 per year   9.3   7.3   5.8   6.0   5.7   5.7   5.5   4.9
        difference, 3 per year     8.9   7.0   5.8   5.9   5.2   6.1   5.2   5.1

    With fewer than 100 patients in an arm the note RERANDOMISE is attached.

    Parameters
    ----------
    event_time, follow_up, arm, present, death
        As in `mean_cumulative_function`.

    References
    ----------
    Lawless JF, Nadeau C. Technometrics 1995;37:158-168. Ghosh D, Lin DY. Biometrics
    2000;56:554-562.

    Examples
    --------
    >>> import numpy as np
    >>> never = np.inf
    >>> event_time = np.array([[[10, 20], [15, never], [30, never], [never, never]]])
    >>> follow_up = np.full((1, 4), 50.0)
    >>> arm, present = np.array([[0, 0, 1, 1]]), np.ones((1, 4), dtype=bool)
    >>> mean_cumulative_test(event_time, follow_up, arm, present).row(0)
    test of mean cumulative functions: weighted difference -1 (95 % CI -1.98 to -0.02002)
      se 0.5, z = -2, p = 0.0455, 4 patients
      Small trial: the size may not be the nominal; re-randomising the same statistic keeps it.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 5.6 to 11.4 %.
    """

    def difference(control: _Arm, treated: _Arm) -> tuple[float, list[FloatArray], int]:
        total, influences = 0.0, []
        for sign, own, other in ((-1.0, control, treated), (1.0, treated, control)):
            mine, theirs = (_at_risk(side.follow_up, own.time) for side in (own, other))
            weight = sign * mine * theirs / np.maximum(mine + theirs, 1.0)
            total += _last(np.cumsum(weight * own.jump))
            influences.append(_last(np.cumsum(weight * own.influence, axis=1)))
        return total, influences, 0

    return _compared(
        difference,
        "test of mean cumulative functions",
        "weighted difference",
        (event_time, follow_up, arm, present, death),
    )


Difference = Callable[[_Arm, _Arm], tuple[float, list[FloatArray], int]]
Tables = tuple[NumberArray, NumberArray, CodeArray, BoolArray, BoolArray | None]


def _compared(difference: Difference, method: str, measure: str, tables: Tables) -> Results:
    """Take a difference of each row, with its variance from the patients' influences."""
    event_time, follow_up, arm, present, death = tables
    batch = present.shape[0]
    estimate, variance = np.full(batch, np.nan), np.zeros(batch)
    notes = np.zeros(batch, dtype=np.int64)
    for b in range(batch):
        sides = _arms(event_time[b], follow_up[b], arm[b], present[b], _row(death, b))
        smaller = min(side.follow_up.size for side in sides)
        notes[b] = int(Note.RERANDOMISE) * (smaller < SMALL_ARM)
        if smaller == 0:
            notes[b] |= int(Note.ONE_ARM_EMPTY)
        elif not any(np.any(side.jump > 0.0) for side in sides):
            notes[b] |= int(Note.NO_EVENTS)
        else:
            estimate[b], influences, note = difference(*sides)
            notes[b] |= note
            variance[b] = sum(np.cumsum(part**2)[-1] for part in influences)
            rounding = 1e-20 * estimate[b] ** 2
            if note == 0 and not variance[b] > rounding:
                variance[b] = 0.0
                notes[b] |= int(Note.VARIANCE_NOT_ESTIMABLE)
    return wald_results(
        method=method,
        measure=measure,
        estimate=estimate,
        se=np.sqrt(variance),
        converged=variance > 0.0,
        used=np.count_nonzero(present, axis=1),
        notes=notes,
    )


def _row(death: BoolArray | None, b: int) -> BoolArray | None:
    return None if death is None else death[b]


def _arms(
    event_time: NumberArray,
    follow_up: NumberArray,
    arm: CodeArray,
    present: BoolArray,
    death: BoolArray | None,
) -> tuple[_Arm, _Arm]:
    sides = []
    for code in (0, 1):
        here = present & (arm == code)
        died = np.zeros(np.count_nonzero(here), dtype=np.bool_) if death is None else death[here]
        until = follow_up[here].astype(np.float64)
        sides.append(_one_arm(event_time[here].astype(np.float64), until, died))
    return sides[0], sides[1]


def _one_arm(event_time: FloatArray, follow_up: FloatArray, died: BoolArray) -> _Arm:
    who, which = np.nonzero(event_time <= follow_up[:, None])
    when = event_time[who, which]
    time = np.unique(np.concatenate((when, follow_up[died])))
    events = np.zeros((follow_up.size, time.size))
    np.add.at(events, (who, np.searchsorted(time, when)), 1.0)
    deaths = np.zeros_like(events)
    deaths[np.flatnonzero(died), np.searchsorted(time, follow_up[died])] = 1.0
    risk = (follow_up[:, None] >= time).astype(np.float64)
    at_risk = _at_risk(follow_up, time)
    hazard = np.add.reduce(deaths, axis=0) / at_risk  # whole numbers: exact in any order
    survival = np.cumprod(np.concatenate((np.ones(1), 1.0 - hazard)))[:-1]
    rate = np.add.reduce(events, axis=0) / at_risk
    # the derivative of log S just before each time, by the weight of each patient
    surviving = at_risk * (1.0 - hazard)
    spared = np.where(surviving > 0.5, 1.0 / np.maximum(surviving, 0.5), 0.0)
    fall = np.cumsum((deaths - risk * hazard) * spared, axis=1)
    before = np.concatenate((np.zeros((follow_up.size, 1)), fall), axis=1)[:, :-1]
    jump = survival * rate
    influence = survival * (events - risk * rate) / at_risk - jump * before
    return _Arm(follow_up, time, jump, influence)


def _at_risk(follow_up: FloatArray, time: FloatArray) -> FloatArray:
    before = np.searchsorted(np.sort(follow_up), time, side="left")
    return (follow_up.size - before).astype(np.float64)


def _last(sums: FloatArray) -> Any:
    """Give the last of running sums, 0 without any."""
    return sums[..., -1] if sums.shape[-1] else np.zeros(sums.shape[:-1])


def _check_time(time: float) -> None:
    if not 0.0 <= time < np.inf:
        raise InputError(f"time: found {time}; expected a number of 0 or more.")
