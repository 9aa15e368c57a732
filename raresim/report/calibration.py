"""The picture of a calibration: the error along the shift, the level, and what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raresim.questions.calibrating import NAME, Calibration
from raresim.report.pictures import Z95, canvas
from raresim.report.svg import CONTROL, INK, PALE, TREATED, drawn
from raresim.report.words import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def picture(found: Calibration) -> str:
    """Return the text of an SVG file, with what is seen in words."""
    title = f"{found.scenario}: thresholds for a family-wise error of {percent(found.level)}"
    again = percent(found.size.again.value or 0.0)
    before = percent(found.before.value or 0.0)
    label = f"{title}. As written {before}; moved by {found.shift:.3f} probits {again}."
    return drawn(lambda: _figure(found), NAME, title, label)


def _figure(found: Calibration) -> Figure:
    figure, axes = canvas(6.2, 3.6, 0.75, 0.6, 0.35)
    axes.axhline(100 * found.level, color=PALE, linewidth=1, linestyle="--")
    for shift, rate in [*found.tried, (0.0, found.before)]:
        value, error = 100 * (rate.value or 0.0), 100 * Z95 * (rate.mcse or 0.0)
        axes.errorbar([shift], [value], yerr=[[error], [error]], fmt="o", color=CONTROL, capsize=2)
    again = found.size.again
    value, error = 100 * (again.value or 0.0), 100 * Z95 * (again.mcse or 0.0)
    axes.errorbar(
        [found.shift], [value], yerr=[[error], [error]], fmt="s", color=TREATED, capsize=3
    )
    axes.set_xlabel("thresholds moved by, probits")
    axes.set_ylim(bottom=0)
    axes.set_title("worst cell errs, % (square: fresh seeds; dashed: level)", color=INK)
    return figure
