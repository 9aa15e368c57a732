"""A digitised Kaplan-Meier curve as the evidence of a time: from clicks to shares free of an event.

The clicks become individual data (`kaplan_meier`), these the shares still free at the ends of a few
pieces, in each of which the hazard is constant. Two things are not known: what the figure hides
(where patients were censored, where a click should have been), and what so few patients say. Both
are drawn: one of 64 data sets that the figure may have been made of, and in it, piece by piece, the
share that stays free, from the beta posterior of as many patients as Greenwood's error is worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from pydantic import Field, InstanceOf, model_validator
from scipy.special import betaincinv

from raresim.errors import Fault, InputError
from raresim.evidence.kaplan_meier import impute, reconstruct, uniforms_needed
from raresim.evidence.km_curve import DigitisedCurve
from raresim.evidence.km_data import IndividualData, landmarks
from raresim.evidence.statistics import Floats, Origin, Uniform
from raresim.evidence.survival import EventFree
from raresim.files.schema import Spec
from raresim.streams import Luck

SETS = 64
"""Data sets that the figure may have been made of."""
FIGURE_SEED = 20_000_103
"""Seed of those data sets: part of the luck contract, the same for every run."""
EVENTS_A_PIECE, PIECES = 5, 10

Point = list[float]


class Curve(Spec):
    """A Kaplan-Meier curve read off a figure, with what is printed below it."""

    unit: Literal["days", "weeks", "months", "years"] = Field(description="unit of all times here")
    clicks: list[Point] = Field(
        min_length=2,
        max_length=500,
        description="time and share still free, one pair for the foot of each step; a share or %",
        examples=[[[2.5, 0.96], [4, 0.87]]],
    )
    at_risk: list[Point] = Field(
        min_length=1,
        max_length=50,
        description="time and number at risk, as printed below the figure, from time 0 on",
        examples=[[[0, 34], [6, 21]]],
    )
    events: int | None = Field(None, ge=1, description="patients with the event", examples=[22])

    @model_validator(mode="after")
    def _pairs(self) -> Curve:
        for key in ("clicks", "at_risk"):
            if any(len(pair) != 2 for pair in getattr(self, key)):
                raise Fault(f"expected pairs in '{key}'", "write [time, number] for each")
        return self

    @property
    def digitised(self) -> DigitisedCurve:
        """The curve as `kaplan_meier` takes it."""
        time, survival = zip(*self.clicks, strict=True)
        when, numbers = zip(*self.at_risk, strict=True)
        return DigitisedCurve(time, survival, when, numbers, self.events)


class CurveForm(Origin):
    """Shares free of an event as a digitised Kaplan-Meier curve, in place of some printed ones."""

    curve: Curve = Field(description="clicks on the curve, and what is printed below it")

    @model_validator(mode="after")
    def _readable(self) -> CurveForm:
        patients = self.curve.at_risk[0][1]
        if self.n is not None and self.n != patients:
            message = f"'n' is {self.n}, but {patients:g} are at risk at time 0"
            raise Fault(message, "remove 'n': the first number at risk is the number of patients")
        self.statistic()
        return self

    def statistic(self) -> CurveFree:
        """Return the shares free of the event at the ends of the pieces."""
        try:
            data = reconstruct(self.curve.digitised).data
        except InputError as error:
            problem = error.problems[0]
            told = ": ".join(filter(None, (problem.message, problem.found)))
            raise Fault(f"the curve cannot be: {told}", problem.mend) from error
        free = shares_free(data, self.curve.unit) if data.events else {}
        if not free:
            raise Fault("expected a curve that falls, but not to 0 at once", "add its other steps")
        origin = {name: getattr(self, name) for name in Origin.model_fields}
        return CurveFree.model_construct(
            **origin | {"n": data.patients}, free=free, curve=self.curve
        )


def shares_free(data: IndividualData, unit: str) -> dict[str, float]:
    """Return Kaplan and Meier's share free at the ends of pieces with events alike in number.

    There are five events or more in a piece and ten pieces at most; the last one ends with the
    follow-up, or with the last event but one where nobody was left.

    >>> data = IndividualData(np.arange(1.0, 13.0), np.arange(12) % 2 == 0)
    >>> {time: round(share, 3) for time, share in shares_free(data, "days").items()}
    {'12 days': 0.226}
    """
    steps = data.steps
    there = np.append(0.0, steps.time[steps.survival > 0])
    happened = np.sort(data.time[data.event])
    pieces = int(np.clip(happened.size // EVENTS_A_PIECE, 1, PIECES))
    ends = [float(happened[k * happened.size // pieces - 1]) for k in range(1, pieces)]
    ends.append(float(data.time.max()) if there.size > steps.time.size else float(there[-1]))
    found: dict[str, float] = {}
    for end in filter(None, ends):
        label = _rounded_up(end)
        share = float(data.survival(min(label, data.time.max())))
        if 0 < share < min(found.values(), default=1.0):
            found[f"{label:.6g} {unit}"] = share
    return found


def _rounded_up(value: float) -> float:
    """Return a time with six digits that is not before it: an event at its end is in a piece.

    >>> _rounded_up(10.500000000000002), _rounded_up(3.1234561)
    (10.5, 3.12346)
    """
    near = float(f"{value:.6g}")
    step = 10.0 ** (np.floor(np.log10(value)) - 5)
    return near if near >= value * (1 - 1e-9) else float(f"{near + step:.6g}")


@dataclass(frozen=True)
class _Pieces:
    """Each data set's share that stays free in each piece, and how many patients it is worth.

    Both have shape (data sets, pieces).
    """

    stays: Floats
    patients: Floats


class CurveFree(EventFree):
    """Shares free of an event as read off a curve, with the error of the figure and of its size."""

    curve: InstanceOf[Curve]

    def text(self) -> str:
        """Return the shares, and that they were read off a curve."""
        return f"{super().text()}, off a curve of {len(self.curve.clicks)} clicks"

    def errors(self) -> dict[str, float | None]:
        """Return Greenwood's errors and the spread between data sets, by Rubin's rules."""
        _, errors = landmarks(self._sets, self._ends).pooled()
        return dict(zip(self.free, map(float, errors), strict=True))

    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Draw a data set and, piece by piece, the share that stays free.

        The half patient of Jeffreys' prior is shared out among the pieces: in each of them it would
        add up to events that nobody had.
        """
        u = uniform("figure")
        prior = 0.5 / len(self.free)
        chosen = (u * len(self._sets)).astype(np.int64)
        free = np.ones(u.shape)
        found: dict[str, Floats] = {}
        for k, name in enumerate(self.free):
            patients, stays = self._pieces.patients[chosen, k], self._pieces.stays[chosen, k]
            stayed, gone = patients * stays + prior, patients * (1 - stays) + prior
            free = free * betaincinv(stayed, gone, uniform(name))
            found[name] = free
        return found

    @cached_property
    def _ends(self) -> Floats:
        """The ends of the pieces in the curve's unit, none of them after the last patient left."""
        last = min(float(data.time.max()) for data in self._sets)
        return np.minimum([float(name.split()[0]) for name in self.free], last)

    @cached_property
    def _sets(self) -> tuple[IndividualData, ...]:
        """The data sets, in the order of their mean time free of the event."""
        curve = self.curve.digitised
        luck = Luck(FIGURE_SEED, 0).uniform("figure", uniforms_needed(curve))[:SETS]
        return tuple(sorted(impute(curve, luck), key=_time_free))

    @cached_property
    def _pieces(self) -> _Pieces:
        """Worth in patients of each piece: p (1 - p) over Greenwood's variance of the share p.

        Where nobody has the event it is the mean number at risk, where all have it those who were.
        """
        edges = np.concatenate([[0.0], self._ends])
        rows = [_piece_by_piece(data, edges) for data in self._sets]
        stays, patients = (np.stack(part) for part in zip(*rows, strict=True))
        return _Pieces(stays, patients)


def _piece_by_piece(data: IndividualData, edges: Floats) -> tuple[Floats, Floats]:
    """Return the share that stays free in each piece, and the patients that it is worth."""
    steps = data.steps
    free = np.nan_to_num(data.survival(edges))
    before, after = free[:-1], free[1:]
    stays = np.divide(after, before, out=np.zeros(before.size), where=before > 0)
    sums = np.concatenate([[0.0], steps.greenwood])
    at = sums[np.searchsorted(steps.time, edges, side="right")]
    with np.errstate(invalid="ignore", divide="ignore"):
        worth = (1 - stays) / (stays * np.diff(at))
    exposure = np.diff(np.minimum(data.time[:, None], edges), axis=1).sum(axis=0)
    start = data.at_risk(edges[:-1] * (1 + 1e-12))
    worth = np.where(stays == 1, exposure / np.diff(edges), np.where(stays > 0, worth, start))
    return stays, worth


def _time_free(data: IndividualData) -> float:
    """Return the area under the Kaplan-Meier curve until its end."""
    times = np.concatenate([[0.0], data.steps.time, [data.time.max()]])
    return float(np.sum(np.diff(times) * np.concatenate([[1.0], data.steps.survival])))
