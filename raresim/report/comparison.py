"""The picture of a comparison: a panel for each characteristic, a row for each design."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raresim.questions.characteristics import Characteristic
from raresim.questions.comparison import Comparison
from raresim.report.pictures import Z95, room
from raresim.report.svg import CONTROL, INK, PALE, TREATED, drawn, short
from raresim.report.words import fixed, percent
from raresim.study.montecarlo import NOTHING
from raresim.study.montecarlo import Figure as Simulated

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "comparison"
COLUMNS, WIDE, ROW, HEAD, GAP = 3, 2.5, 0.34, 0.75, 0.3
"""Panels beside each other; inches of a panel, a row, what stands about the rows, and between."""


def picture(found: Comparison) -> str:
    """Return the text of an SVG file, with what is seen in words."""
    title = f"{len(found.designs)} designs on the same patients, hypothesis {found.hypothesis}"
    label = f"{title}. {_told(found)}"
    return drawn(lambda: _figure(found), NAME, title, label)


def _told(found: Comparison) -> str:
    parts = []
    for design in found.designs:
        rate = design.figures["success"].value or 0.0
        parts.append(f"{design.name}: {found.characteristics[0].label} {percent(rate)}")
    return "; ".join(parts) + "."


def _figure(found: Comparison) -> Figure:
    from matplotlib.figure import Figure

    panels, rows = found.characteristics, len(found.designs)
    labels = [short(design.name, 34) for design in found.designs]
    left, height = room(labels), ROW * rows
    lines = -(-len(panels) // COLUMNS)
    whole = (left + COLUMNS * (WIDE + GAP), lines * (height + HEAD) + 0.1)
    figure = Figure(figsize=whole)
    for number, panel in enumerate(panels):
        line, column = divmod(number, COLUMNS)
        x = left + column * (WIDE + GAP)
        y = whole[1] - (line + 1) * (height + HEAD) + 0.4
        inside = (x / whole[0], y / whole[1], WIDE / whole[0], height / whole[1])
        axes = figure.add_axes(inside)
        _draw(axes, found, panel)
        axes.set_yticks(range(rows), labels if column == 0 else [""] * rows)
    return figure


def _draw(axes: Axes, found: Comparison, panel: Characteristic) -> None:
    """Draw each design's figure with 1.96 Monte Carlo errors; the best one is filled."""
    scale = 100.0 if panel.is_share else 1.0
    highest = 0.0
    for row, design in enumerate(found.designs):
        figure: Simulated = design.figures.get(panel.name, NOTHING)
        if figure.value is None:
            continue
        value, error = scale * figure.value, scale * Z95 * (figure.mcse or 0.0)
        best = design.name == found.best
        axes.errorbar(
            [value],
            [row],
            xerr=[[error], [error]],
            fmt="s" if best else "o",
            color=TREATED if best else CONTROL,
            markerfacecolor=TREATED if best else "white",
            capsize=3,
        )
        text = fixed(value, 1 if value < 1000 else 0)
        axes.annotate(
            text, (value, row), (0, 5), textcoords="offset points", ha="center", color=INK
        )
        highest = max(highest, value + error)
    first = found.designs[0].figures.get(panel.name, NOTHING).value
    if first is not None:
        axes.axvline(scale * first, color=PALE, linewidth=0.8, linestyle=":")
    axes.set_ylim(len(found.designs) - 0.5, -0.75)
    axes.set_xlim(0, 104 if panel.is_share and highest > 30 else 1.15 * highest or 1)
    axes.grid(visible=False, axis="y")
    axes.set_title(panel.label + (", %" if panel.is_share else ""))
