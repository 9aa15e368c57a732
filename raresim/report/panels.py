"""The panels of a model's picture: numbers that are drawn, with titles and what they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raresim.evidence.statistics import Floats
from raresim.report.words import MINUS, fixed

FEW = 12
"""Counts up to this one have a bar each; beyond, each bar holds twice as many as the last."""


@dataclass(frozen=True)
class Panel:
    """One panel; `told` says in words what is seen."""

    title: str
    x_label: str
    y_label: str
    told: str


@dataclass(frozen=True)
class Courses(Panel):
    """Courses of a score at the times `x`.

    `patients` are the true courses of some, one in a row; `middle` the quantiles 10 %, 50 % and
    90 % of all; `readings` times and values as written down. NaN is not drawn.
    """

    x: Floats
    patients: Floats
    middle: Floats
    readings: Floats


@dataclass(frozen=True)
class Bars(Panel):
    """Per cent of the patients, stacked by the states of the category `by`.

    `ticks` name the bars where they stand for no numbers.
    """

    edges: Floats
    stacks: dict[str, Floats]
    ticks: tuple[str, ...] = ()
    by: str = ""


@dataclass(frozen=True)
class Free(Panel):
    """Per cent of the patients still free of an event at `x`, by the states of `by`."""

    x: Floats
    curves: dict[str, Floats]
    by: str = ""


def number(value: float) -> str:
    """Return a number for people, with three digits or as a whole number.

    >>> number(0.12345), number(-12.34), number(1234.5)
    ('0.123', '−12.3', '1,234')
    """
    text = fixed(value, 0) if abs(value) >= 100 else f"{value:.3g}"
    return text.replace("-", MINUS)


def shares(title: str, x_label: str, counts: Floats) -> Bars:
    """Return the distribution of counts.

    >>> found = shares("Attacks", "in a year", np.array([0.0, 1.0, 1.0, 40.0]))
    >>> found.ticks, found.stacks[""].tolist()
    (('0', '1', '2–3', '4–7', '8–15', '16–31', '32+'), [25.0, 50.0, 0.0, 0.0, 0.0, 0.0, 25.0])
    """
    top = float(np.quantile(counts, 0.99))
    starts = [*range(int(np.ceil(top)) + 1)]
    if top > FEW:
        starts = [0, *(2**k for k in range(int(np.log2(top)) + 1))]
    ends = [*starts[1:], np.inf]
    ticks = [
        f"{a}+" if np.isinf(b) else f"{a}" if b == a + 1 else f"{a}–{b - 1:g}"
        for a, b in zip(starts, ends, strict=True)
    ]
    found = 100 * np.histogram(counts, [*starts, np.inf])[0] / len(counts)
    low, half, high = (number(float(q)) for q in np.quantile(counts, [0.1, 0.5, 0.9]))
    said = f"{title}: median {half}, middle 80 % from {low} to {high} {x_label}"
    edges = np.arange(len(starts) + 1.0) - 0.5
    return Bars(title, x_label, "% of patients", said, edges, {"": found}, tuple(ticks))


def steps(title: str, states: tuple[str, ...], found: Floats) -> Bars:
    """Return the shares of the states of a category."""
    parts = ", ".join(f"{state} {share:.0f} %" for state, share in zip(states, found, strict=True))
    edges = np.arange(len(states) + 1.0) - 0.5
    said = f"{title}: {parts}"
    return Bars(title, "", "% of patients", said, edges, {"": found}, states)
