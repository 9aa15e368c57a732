"""The picture of a search: the rate of success along the number, the target, and the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raresim.questions.searching import NAME, Search
from raresim.report.pictures import Z95, canvas
from raresim.report.svg import CONTROL, INK, PALE, TREATED, drawn
from raresim.report.words import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def picture(found: Search) -> str:
    """Return the text of an SVG file, with what is seen in words."""
    title = f"{found.scenario}: {found.axis.label} for {found.what} {percent(found.target)}"
    return drawn(lambda: _figure(found), NAME, title, f"{title}. {_told(found)}")


def _told(found: Search) -> str:
    if found.found is None:
        return found.remark + "."
    again = percent(found.again["success"].value or 0.0)
    between = "" if found.low is None else f", between {found.low} and {found.high} with 95 %"
    return f"{found.found}{between}; {again} on fresh seeds."


def _figure(found: Search) -> Figure:
    figure, axes = canvas(6.2, 3.6, 0.75, 0.6, 0.35)
    axes.axhline(100 * found.target, color=PALE, linewidth=1, linestyle="--")
    if found.low is not None and found.high is not None:
        axes.axvspan(found.low - 0.5, found.high + 0.5, color=TREATED, alpha=0.12, linewidth=0)
    for at, rate in found.tried:
        value, error = 100 * (rate.value or 0.0), 100 * Z95 * (rate.mcse or 0.0)
        axes.errorbar([at], [value], yerr=[[error], [error]], fmt="o", color=CONTROL, capsize=2)
    if found.found is not None:
        _answer(axes, found, found.found)
    axes.set_xlabel(found.axis.label)
    axes.set_ylim(0, 104)
    axes.set_title(f"{found.what}, % (square: fresh seeds; band: 95 % interval)", color=INK)
    return figure


def _answer(axes: Axes, found: Search, at: int) -> None:
    again = found.again["success"]
    value, error = 100 * (again.value or 0.0), 100 * Z95 * (again.mcse or 0.0)
    axes.errorbar([at], [value], yerr=[[error], [error]], fmt="s", color=TREATED, capsize=3)
    axes.annotate(
        str(at), (at, value), (0, -18), textcoords="offset points", ha="center", color=TREATED
    )
