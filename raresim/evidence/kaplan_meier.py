"""A printed Kaplan-Meier curve back into individual times and events.

After Guyot, Ades, Ouwens and Welton, BMC Med Res Methodol 2012;12:9. Between two numbers at risk
the censored patients are spread evenly, and there are as many of them as meet the next number.
`impute` gives many data sets instead of one, to carry on what the figure does not say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.special import ndtri

from raresim.errors import InputError, Problem
from raresim.evidence.km_curve import CleanCurve, DigitisedCurve, clean, level
from raresim.evidence.km_data import Counts, Flags, IndividualData
from raresim.evidence.km_follow import (
    NEAR,
    Drawn,
    Even,
    Interval,
    Spread,
    Trial,
    best,
    follow,
    near,
)
from raresim.evidence.statistics import Floats

CLICK_SD = 0.002
"""Standard deviation of a click's survival: half a pixel of a figure 250 pixels high."""


@dataclass(frozen=True)
class Reconstruction:
    """Individual data and how near they come to the figure.

    `fitted` is the Kaplan-Meier curve of the data at the clicks of `curve`; `at_risk` are the
    numbers that the data have where numbers are printed. The distances are those between `fitted`
    and the clicks. `notes` say what was mended and where the figure contradicts itself.
    """

    data: IndividualData
    curve: CleanCurve
    fitted: Floats
    at_risk: Counts
    notes: tuple[str, ...]

    @property
    def largest_distance(self) -> float:
        """Largest absolute distance to the clicks."""
        return float(np.max(np.abs(self.fitted - self.curve.survival)))

    @property
    def rmse(self) -> float:
        """Root of the mean squared distance to the clicks."""
        return float(np.sqrt(np.mean((self.fitted - self.curve.survival) ** 2)))


def reconstruct(curve: DigitisedCurve | CleanCurve) -> Reconstruction:
    """Return individual data that have the curve and the numbers at risk.

    Clicks between two numbers at risk share n patients. For every possible number c of censored
    ones, spread evenly, the events d_k = n_k (1 - S_k / S) follow; taken is the c that leads to
    the next number at risk (Guyot et al. 2012), among several the one nearest to the clicks. After
    the last number at risk, c is what gives the total of events where that is known, else the rate
    of censoring so far times the time left (none without any earlier number); they are spread in
    proportion to the curve, as fewer are left to be censored where it is low, and whoever is still
    there is censored at the end.

    Where the clicks ask for more events than the numbers at risk allow, the numbers are kept if
    the curve stays within 0.01 of the clicks or a single event is at stake; else the clicks are.
    A note says so.

    Parameters
    ----------
    curve
        The clicks and what is printed below the figure.

    Raises
    ------
    InputError
        With every fault found in the curve.

    Examples
    --------
    >>> curve = DigitisedCurve([2, 5, 7, 9], [0.9, 0.75, 0.675, 0.6], [0, 6], [20, 14])
    >>> found = reconstruct(curve)
    >>> found.data.patients, found.data.events, found.at_risk.tolist()
    (20, 7, [20, 14])
    >>> round(found.largest_distance, 3)
    0.009
    """
    cleaned = clean(curve)
    spreads = [Even() for _ in cleaned.at_risk]
    data, notes = _Walk(cleaned, spreads, None).run()
    fitted = data.survival(cleaned.time)
    at_risk = data.at_risk(cleaned.risk_time)
    return Reconstruction(data, cleaned, fitted, at_risk, (*cleaned.notes, *notes))


def uniforms_needed(curve: DigitisedCurve | CleanCurve) -> int:
    """Return how many uniforms one imputed data set takes: clicks + patients + 1.

    Clicks are those of the cleaned curve, its start at time 0 included.

    >>> uniforms_needed(DigitisedCurve([2, 5, 9], [0.9, 0.75, 0.6], [0, 6], [20, 14]))
    25
    """
    cleaned = clean(curve)
    return cleaned.time.size + cleaned.patients + 1


def impute(
    curve: DigitisedCurve | CleanCurve, uniforms: Floats, click_sd: float = CLICK_SD
) -> tuple[IndividualData, ...]:
    """Return data sets that the figure may have been drawn from, one for each row of uniforms.

    In each, (a) the survival of every click is off by a normal error, then levelled; clicks on 0
    or 1 lie on the frame and stay; (b) censored patients leave at uniform times inside their
    interval; (c) where the total of events is not known, the number censored after the last number
    at risk is drawn evenly from those with which the curve can be followed within 0.01. This is
    uncertainty about the figure only: that of a study of so many patients is Greenwood's error of
    each data set; `Landmarks.pooled` adds the two (Rubin 1987).

    Parameters
    ----------
    curve
        The clicks and what is printed below the figure.
    uniforms
        Numbers inside (0, 1), shape (data sets, `uniforms_needed(curve)`): one for each click, one
        for each patient, one for the number censored last. A draw of its own for each use, so that
        one more data set leaves the others as they were.
    click_sd
        Standard deviation of a click's survival.

    Raises
    ------
    InputError
        When the curve is at fault, the uniforms have another shape or lie outside (0, 1).

    Examples
    --------
    >>> from raresim.streams import Luck
    >>> curve = DigitisedCurve([2, 5, 9], [0.9, 0.75, 0.6], [0, 6], [20, 14])
    >>> uniforms = Luck(1, 0).uniform("figure 2", uniforms_needed(curve))[:3]
    >>> [data.events for data in impute(curve, uniforms)]
    [7, 7, 6]
    """
    cleaned = clean(curve)
    clicks, patients = cleaned.time.size, cleaned.patients
    _check_draws(uniforms, clicks + patients + 1, click_sd)
    framed = (cleaned.survival <= 0) | (cleaned.survival >= 1)
    bounds = patients - np.array([*cleaned.at_risk, 0])
    sets = []
    for row in uniforms:
        error = np.where(framed, 0.0, click_sd * ndtri(row[:clicks]))
        moved = replace(cleaned, survival=level(cleaned.survival + error))
        leaving = row[clicks : clicks + patients]
        spreads = [Drawn(leaving[a:b]) for a, b in pairwise(bounds)]
        sets.append(_Walk(moved, spreads, float(row[-1])).run()[0])
    return tuple(sets)


def _check_draws(uniforms: Floats, needed: int, click_sd: float) -> None:
    if uniforms.ndim != 2 or uniforms.shape[1] != needed:
        found, expected = f"shape {uniforms.shape}", f"shape (data sets, {needed})"
        mend = "make them with as many units as uniforms_needed says"
        what = "uniforms do not fit the curve"
        raise InputError(Problem(what, found=found, expected=expected, mend=mend))
    if not np.all((uniforms > 0) & (uniforms < 1)):
        raise InputError(Problem("uniforms lie inside (0, 1)", mend="take them from Luck.uniform"))
    if not 0 <= click_sd <= 0.1:
        mend = "write it as a share, 0.002 for 0.2 %"
        raise InputError(Problem("not an error of clicks", found=f"{click_sd}", mend=mend))


class _Walk:
    """One way along the curve, from number at risk to number at risk."""

    def __init__(self, curve: CleanCurve, spreads: Sequence[Spread], last: float | None) -> None:
        self.curve, self.spreads = curve, spreads
        self.last = last  # the uniform for the number censored after the last number at risk
        self.at_risk, self.survival, self.events = curve.patients, 1.0, 0
        self.times: list[Floats] = []
        self.flags: list[Flags] = []
        self.notes: list[str] = []

    def run(self) -> tuple[IndividualData, list[str]]:
        """Return the data in order of time, and notes."""
        for k, target in enumerate(self.curve.at_risk[1:]):
            self._between(k, target)
        self._after_the_last()
        time, event = np.concatenate(self.times), np.concatenate(self.flags)
        order = np.lexsort((~event, time))
        return IndividualData(time[order], event[order]), self.notes

    def _interval(self, k: int) -> Interval:
        starts, time = self.curve.risk_time, self.curve.time
        start = float(starts[k])
        stop = float(starts[k + 1]) if k + 1 < starts.size else np.inf
        here = (time >= start) & (time < stop)
        end = min(stop, self.curve.end)
        clicks = (start, end, time[here], self.curve.survival[here])
        return Interval.of(*clicks, before=None if np.isfinite(stop) else self.survival)

    def _between(self, k: int, target: int) -> None:
        """Find how many are censored before the next number at risk."""
        interval, spread = self._interval(k), self.spreads[k]
        numbers = np.arange(max(self.at_risk - target, 0) + 1)
        trial = follow(interval, self.at_risk, self.survival, spread, numbers)
        left_over = self.at_risk - target - numbers - trial.dead
        if np.any(left_over >= 0):
            ends = interval.survival[-1] if interval.time.size else self.survival
            guess = self.at_risk * ends / max(self.survival, 1e-12) - target
            chosen = best(trial, left_over, float(guess), near(trial, left_over >= 0))
            self._take(interval, trial, chosen, int(left_over[chosen]), spread)
            return
        self._contradiction(interval, trial, target, spread)

    def _contradiction(self, interval: Interval, trial: Trial, target: int, spread: Spread) -> None:
        """Keep the numbers at risk, or the clicks where keeping the numbers leaves them."""
        room = max(self.at_risk - target, 0)
        asked, none = int(trial.dead[0]), np.array([0])
        held = follow(interval, self.at_risk, self.survival, spread, none, room)
        keep = asked - room <= 1 or held.worst[0] <= max(NEAR, trial.worst[0])
        self._take(interval, held if keep else trial, 0, 0, spread)
        kept = "the numbers were kept" if keep else "the clicks were kept"
        where = f"from {interval.start:g} to {interval.stop:g}"
        self.notes.append(f"{where} the clicks ask for {asked} events, {room} may leave: {kept}")

    def _after_the_last(self) -> None:
        """Find how many are censored after the last number at risk, but before the end."""
        interval, spread = self._interval(len(self.spreads) - 1), self.spreads[-1]
        instant = interval.stop <= interval.start
        numbers = np.arange(1 if instant else self.at_risk + 1)
        trial = follow(interval, self.at_risk, self.survival, spread, numbers)
        left = self.at_risk - numbers - trial.dead
        possible = (left > 0) | ((left == 0) & (trial.survival <= 0))  # somebody sees the end
        chosen = self._chosen_last(interval, trial, possible)
        self._take(interval, trial, chosen, 0, spread)
        self._leave(np.full(self.at_risk, self.curve.end), event=False)
        stated = self.curve.events
        if stated is not None and self.events != stated:
            found = f"clicks and numbers at risk ask for {self.events}"
            self.notes.append(f"{stated} events are stated, {found}")

    def _chosen_last(self, interval: Interval, trial: Trial, possible: Flags) -> int:
        before = float(interval.start)
        gone = self.curve.patients - self.at_risk - self.events
        guess = gone / before * (interval.stop - before) if before > 0 else 0.0
        if self.curve.events is not None:
            missing = np.abs(self.curve.events - self.events - trial.dead)
            return best(trial, missing, guess, possible)
        followed = near(trial, possible)
        if self.last is None:
            return best(trial, np.abs(trial.numbers - int(guess + 0.5)), guess, followed)
        places = np.flatnonzero(followed)
        return int(places[int(self.last * places.size)])

    def _take(
        self, interval: Interval, trial: Trial, chosen: int, more: int, spread: Spread
    ) -> None:
        """Write down who had the event and who was censored; `more` leave after the last click."""
        deaths, censored = trial.deaths[:, chosen], int(trial.numbers[chosen])
        places = spread.places(censored + more)[censored:] if more else np.zeros(0)
        shares = spread.places(censored)
        if more:
            since = float(interval.shares[-1]) if interval.time.size else 0.0
            shares = np.concatenate([shares, since + (1 - since) * places])
        self._leave(np.repeat(interval.time, deaths), event=True)
        self._leave(interval.times(shares), event=False)
        self.survival = float(trial.survival[chosen])

    def _leave(self, times: Floats, *, event: bool) -> None:
        self.times.append(times)
        self.flags.append(np.full(times.size, event))
        self.at_risk -= times.size
        self.events += times.size if event else 0
