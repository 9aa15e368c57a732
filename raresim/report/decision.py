"""The picture of a decision: under each hypothesis, and over all that is uncertain, what comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raresim.questions.deciding import NAME, Decision
from raresim.report.pictures import room
from raresim.report.svg import CONTROL, INK, TREATED, drawn, short
from raresim.report.words import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RIGHT, WRONG = TREATED, CONTROL
WIDE, ROW, HEAD = 4.2, 0.42, 1.05
"""Inches of the panel, of a row and of what stands about them."""
Bar = tuple[float, str]


def picture(found: Decision) -> str:
    """Return the text of an SVG file, with what is seen in words."""
    title = f"{found.scenario}: how often it is right to go, and to stop"
    told = [f"{name}: {', '.join(_words(bars))}" for name, bars in _rows(found).items()]
    return drawn(lambda: _figure(found), NAME, title, f"{title}. {'; '.join(told)}.")


def _words(bars: list[tuple[str, float, bool]]) -> list[str]:
    return [f"{what} {percent(share)}" for what, share, _ in bars]


def _rows(found: Decision) -> dict[str, list[tuple[str, float, bool]]]:
    """Return by row what comes, how often, and whether it is right: the right ones first."""
    rows: dict[str, list[tuple[str, float, bool]]] = {}
    for one in found.outcomes:
        go = one.go.value or 0.0
        if one.is_null:
            rows[one.hypothesis] = [("no go", 1 - go, True), ("false go", go, False)]
        else:
            rows[one.hypothesis] = [("go", go, True), ("missed drug", 1 - go, False)]
    if (drawn := found.drawn) is not None:
        rows["all drawn"] = [
            ("go", drawn.right_go.value or 0.0, True),
            ("no go", drawn.right_stop.value or 0.0, True),
            ("false go", drawn.false_go.value or 0.0, False),
            ("missed drug", drawn.missed.value or 0.0, False),
        ]
    return rows


def _figure(found: Decision) -> Figure:
    from matplotlib.figure import Figure

    rows = _rows(found)
    labels = [short(name, 40) for name in rows]
    left, height = room(labels), ROW * len(rows)
    whole = (left + WIDE + 0.3, height + HEAD)
    figure = Figure(figsize=whole)
    axes = figure.add_axes((left / whole[0], 0.55 / whole[1], WIDE / whole[0], height / whole[1]))
    for row, bars in enumerate(rows.values()):
        begin = 0.0
        for what, share, right in bars:
            colour = RIGHT if right else WRONG
            axes.barh([row], [100 * share], left=begin, color=colour, edgecolor="white", height=0.6)
            if share > 0.2:
                middle = begin + 50 * share
                axes.text(middle, row, what, ha="center", va="center", color="white", fontsize=8.5)
            begin += 100 * share
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xlim(0, 100)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("% of trials (blue: right; orange: wrong)", color=INK)
    return figure
