"""The picture of a size: a row for each cell, the nominal level, the worst cell on fresh seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raresim.questions.design_size import Size
from raresim.report.pictures import Z95, room
from raresim.report.svg import CONTROL, INK, PALE, TREATED, drawn, short
from raresim.report.words import percent
from raresim.trial.nuisance import told

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "size"
WIDE, ROW, HEAD, LONGEST = 4.0, 0.26, 1.0, 70
"""Inches of the panel, of a row and of what stands about them; letters of a row's label."""


def picture(found: Size) -> str:
    """Return the text of an SVG file, with what is seen in words."""
    title = f"Size of {found.scenario}, {len(found.cells)} cells"
    worst = percent(found.again.value or 0.0)
    label = f"{title}. Worst cell on fresh seeds {worst}, nominal {percent(found.level)}."
    return drawn(lambda: _figure(found), NAME, title, label)


def _figure(found: Size) -> Figure:
    from matplotlib.figure import Figure

    labels = [short(f"{c.hypothesis}: {told(c.values)}", LONGEST) for c in found.cells]
    left, height = room(labels), ROW * len(labels)
    whole = (left + WIDE + 0.3, height + HEAD)
    figure = Figure(figsize=whole)
    inside = (left / whole[0], 0.55 / whole[1], WIDE / whole[0], height / whole[1])
    axes = figure.add_axes(inside)
    _draw(axes, found)
    axes.set_yticks(range(len(labels)), labels)
    return figure


def _draw(axes: Axes, found: Size) -> None:
    """Draw each cell with 1.96 Monte Carlo errors, and the worst one's fresh seeds beside it."""
    for row, cell in enumerate(found.cells):
        rate, error = 100 * (cell.rejected.value or 0.0), 100 * Z95 * (cell.rejected.mcse or 0.0)
        if cell.nulls:
            axes.errorbar([rate], [row], xerr=[[error], [error]], fmt="o", color=CONTROL, capsize=2)
    again, error = 100 * (found.again.value or 0.0), 100 * Z95 * (found.again.mcse or 0.0)
    axes.errorbar(
        [again], [found.worst + 0.3], xerr=[[error], [error]], fmt="s", color=TREATED, capsize=2
    )
    axes.axvline(100 * found.level, color=PALE, linewidth=1, linestyle="--")
    axes.set_ylim(len(found.cells) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("rejected, % (square: worst cell on fresh seeds; dashed: nominal)", color=INK)
