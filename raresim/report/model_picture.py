"""The picture of a disease model: its untreated virtual patients, as one SVG file."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from raresim.disease import DiseaseModel
from raresim.errors import InputError, Problem
from raresim.evidence.statistics import Floats
from raresim.files.whole import whole_file
from raresim.report.model_panels import DRAWN, panels, told
from raresim.report.model_people import PATIENTS
from raresim.report.panels import Bars, Courses, Free, Panel
from raresim.report.svg import CONTROL, PALE, TREATED, inline, look, short, standing_alone

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, ROW, FOOT, DOTS_AN_INCH = 700, 215, 14, 72
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 28, 44
TWO = (TREATED, CONTROL)
MANY = ("#cfe3f2", "#8cbbdd", "#4a8fc1", TREATED, "#06324f")
LEGEND: dict[str, Any] = {"loc": "upper right", "fontsize": 9, "title_fontsize": 9}


def write_picture(model: DiseaseModel, path: Path) -> str:
    """Write the picture of a model, whole or not at all; return in words what is seen.

    Raises
    ------
    InputError
        When the name does not end in `.svg`, or its folder is missing.
    """
    if path.suffix != ".svg":
        mend = "end the name in .svg"
        raise InputError(Problem("unknown kind of picture", str(path), mend=mend))
    if not path.absolute().parent.is_dir():
        raise InputError(Problem("its folder does not exist", str(path), mend="make it first"))
    shown = panels(model)
    label = told(model, shown)
    text = picture(model.spec.name, shown, label)
    with whole_file(path) as fresh:
        fresh.write_text(text, "utf-8")
    return label


def picture(name: str, shown: tuple[Panel, ...], label: str) -> str:
    """Return panels as the text of an SVG file, with its title and its text alternative."""
    with look():
        text = inline(_figure(shown), "model", label)
    return standing_alone(text, name, label, WIDE)


def _figure(shown: tuple[Panel, ...]) -> Figure:
    """Draw the panels two in a row; the first takes a row of its own where their number is odd."""
    from matplotlib.figure import Figure

    alone = len(shown) % 2
    rows = (len(shown) + alone) // 2
    tall = rows * ROW + FOOT
    figure = Figure(figsize=(WIDE / DOTS_AN_INCH, tall / DOTS_AN_INCH))
    for k, panel in enumerate(shown):
        row, column = divmod(k + alone if k else 0, 2)
        width = WIDE if alone and not k else WIDE / 2
        inside = (
            (column * WIDE / 2 + LEFT) / WIDE,
            1 - ((row + 1) * ROW - BOTTOM) / tall,
            (width - LEFT - RIGHT) / WIDE,
            (ROW - TOP - BOTTOM) / tall,
        )
        axes = figure.add_axes(inside)
        axes.set_title(short(panel.title, 100 if width == WIDE else 52), pad=8)
        axes.set_xlabel(panel.x_label)
        axes.set_ylabel(panel.y_label)
        _draw(axes, panel)
    said = f"{PATIENTS:,} untreated virtual patients."
    if any(isinstance(panel, Courses) for panel in shown):
        said += f" Thick line and band: median, 10 to 90 %. Thin: {DRAWN} true courses; dots: "
        said += "their readings."
    figure.text(LEFT / WIDE, 8 / tall, said, color=PALE, fontsize=9)
    return figure


def _draw(axes: Axes, panel: Panel) -> None:
    if isinstance(panel, Courses):
        _courses(axes, panel)
    elif isinstance(panel, Bars):
        _bars(axes, panel)
    elif isinstance(panel, Free):
        _free(axes, panel)


def _courses(axes: Axes, panel: Courses) -> None:
    """Draw thin lines, all in one path, with dots, and over them the middle of all patients."""
    count = len(panel.patients)
    gap = np.full((count, 1), np.nan)
    x = np.concatenate([np.broadcast_to(panel.x, panel.patients.shape), gap], axis=1)
    y = np.concatenate([panel.patients, gap], axis=1)
    low, half, high = panel.middle
    axes.fill_between(panel.x, low, high, color=TREATED, alpha=0.16, linewidth=0)
    axes.plot(x.ravel(), y.ravel(), color=PALE, linewidth=0.7, alpha=0.75)
    axes.plot(*panel.readings, "o", color=CONTROL, markersize=2.6, markeredgewidth=0)
    axes.plot(panel.x, half, color=TREATED, linewidth=2.2)
    margin = 0.015 * (panel.x[-1] - panel.x[0])
    axes.set_xlim(panel.x[0] - margin, panel.x[-1] + margin)
    axes.locator_params(axis="x", nbins=8, steps=[1, 2, 5, 10])


def _colours(states: int) -> tuple[str, ...]:
    """Return a colour for each state: two that stay apart, or shades from pale to dark."""
    return (TREATED,) if states == 1 else TWO if states == 2 else MANY[-states:]


def _bars(axes: Axes, panel: Bars) -> None:
    base: Floats = np.zeros(len(panel.edges) - 1)
    for (state, share), colour in zip(
        panel.stacks.items(), cycle(_colours(len(panel.stacks))), strict=False
    ):
        shown = short(state) or None
        axes.stairs(
            base + share,
            panel.edges,
            baseline=base,
            fill=True,
            color=colour,
            alpha=0.75,
            label=shown,
        )
        base = base + share
    if panel.ticks:
        axes.set_xticks(range(len(panel.ticks)), panel.ticks)
    if len(panel.stacks) > 1:
        axes.legend(title=short(panel.by), reverse=True, handlelength=1.2, **LEGEND)
    axes.set_xlim(panel.edges[0], panel.edges[-1])
    room = 1.35 if len(panel.stacks) > 1 else 1.08  # for the names
    axes.set_ylim(0, room * float(base.max()))
    axes.grid(visible=False, axis="x")


def _free(axes: Axes, panel: Free) -> None:
    styles = cycle(("-", "--", "-.", ":"))
    for (state, share), colour in zip(
        panel.curves.items(), cycle(_colours(len(panel.curves))), strict=False
    ):
        style = next(styles)
        axes.plot(panel.x, share, color=colour, linewidth=2, linestyle=style, label=short(state))
    if len(panel.curves) > 1:
        axes.legend(title=short(panel.by), handlelength=3, **LEGEND)
    least = min(float(share.min()) for share in panel.curves.values())
    axes.set_xlim(panel.x[0], panel.x[-1])
    axes.locator_params(axis="x", nbins=8, steps=[1, 2, 5, 10])
    axes.set_ylim(0 if least < 80 else 80 if least < 95 else 90, 100.5)
