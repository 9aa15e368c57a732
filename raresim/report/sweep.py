"""The picture of a sweep: a surface over two numbers, or lines over one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from raresim.questions.characteristics import Characteristic
from raresim.questions.sweeping import Sweep, SweptPoint
from raresim.report.pictures import Z95, look
from raresim.report.svg import INK, drawn, short
from raresim.report.words import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, HIGH, COLUMNS = 3.6, 2.7, 3
"""Inches of a panel, and panels beside each other."""
MOST_PANELS, MOST_LINES = 9, 8
LEVELS = (10, 20, 30, 40, 50, 60, 70, 80, 90)
"""Per cent at which a contour is drawn; the one at 80 is thick."""
Points = list[SweptPoint]


def picture(found: Sweep) -> str:
    """Return the text of an SVG file, with what is seen in words."""
    moved = " and ".join(each.label for each in found.axes)
    title = f"{found.scenario}, hypothesis {found.hypothesis}: {moved}"
    rates = [point.figures["success"].value or 0.0 for point in found.points]
    label = (
        f"{title}. {len(rates)} points, {found.characteristics[0].label} from "
        f"{percent(min(rates))} to {percent(max(rates))}."
    )
    return drawn(lambda: _figure(found), "sweep", title, label)


def _figure(found: Sweep) -> Figure:
    if len(found.axes) > 1 and all(_is_surface(each.values) for each in found.axes[:2]):
        return _surfaces(found)
    return _lines(found)


def _is_surface(values: Sequence[Any]) -> bool:
    """Return whether values are numbers, and so many that what is between them can be drawn."""
    return len(set(values)) == len(values) > 2 and _are_numbers(values)


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)


def _groups(found: Sweep, first: int) -> dict[tuple[Any, ...], Points]:
    """Return the points by their values on the axes from one on."""
    groups: dict[tuple[Any, ...], Points] = {}
    for point in found.points:
        groups.setdefault(tuple(map(str, point.values[first:])), []).append(point)
    return groups


def _named(found: Sweep, first: int, values: tuple[Any, ...]) -> str:
    """Return what tells a group of points from others."""
    parts = zip(found.axes[first:], values, strict=True)
    return short(", ".join(f"{each.label} {value}" for each, value in parts), 48)


def _panels(number: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    columns = min(number, COLUMNS)
    rows = -(-number // columns)
    size = (columns * WIDE, rows * HIGH)
    figure = Figure(figsize=size)
    found = []
    for k in range(number):
        row, column = divmod(k, columns)
        x, y = column * WIDE + 0.65, size[1] - (row + 1) * HIGH + 0.55
        inside = (x / size[0], y / size[1], (WIDE - 0.85) / size[0], (HIGH - 0.95) / size[1])
        found.append(figure.add_axes(inside))
    return figure, found


def _surfaces(found: Sweep) -> Figure:
    """Draw contours of the rate of success over the first two axes, a panel for each other one."""
    groups = dict(list(_groups(found, 2).items())[:MOST_PANELS])
    figure, panels = _panels(len(groups))
    across, up = found.axes[:2]
    x, y = np.argsort(across.values), np.argsort(up.values)
    for axes, (values, points) in zip(panels, groups.items(), strict=True):
        rates = np.array([100 * (point.figures["success"].value or 0.0) for point in points])
        rates = rates.reshape(len(across.values), len(up.values))[np.ix_(x, y)].T
        grid = (np.array(across.values)[x], np.array(up.values)[y])
        axes.contourf(*grid, rates, levels=(0, *LEVELS, 100), cmap="Blues", alpha=0.7)
        if np.ptp(rates) > 0:
            thick = [1.8 if level == 80 else 0.8 for level in LEVELS]
            lines = axes.contour(*grid, rates, levels=LEVELS, colors=INK, linewidths=thick)
            axes.clabel(lines, fmt="%d %%", fontsize=7.5)
        axes.set_xlabel(across.label)
        axes.set_ylabel(up.label)
        title = _named(found, 2, values) if values else found.characteristics[0].label
        axes.set_title(title)
    return figure


def _lines(found: Sweep) -> Figure:
    """Draw each characteristic over the first axis, a line for each value of the others."""
    groups = dict(list(_groups(found, 1).items())[:MOST_LINES])
    told = [each for each in found.characteristics if _varies(found, each)]
    figure, panels = _panels(len(told))
    for axes, each in zip(panels, told, strict=True):
        for number, (values, points) in enumerate(groups.items()):
            _line(axes, found, each, points, number, _named(found, 1, values))
        _along(axes, found)
        axes.set_title(each.label + (", %" if each.is_share else ""))
    if len(found.axes) > 1:
        panels[0].legend(fontsize=7.5)
    return figure


def _varies(found: Sweep, each: Characteristic) -> bool:
    """Return whether a characteristic is the rate of success, or is not the same everywhere."""
    values = {point.figures[each.name].value for point in found.points}
    return each.is_share or len(values) > 1


def _line(
    axes: Axes, found: Sweep, each: Characteristic, points: Points, number: int, name: str
) -> None:
    values = found.axes[0].values
    places = list(values) if _are_numbers(values) else list(range(len(values)))
    scale = 100.0 if each.is_share else 1.0
    own = [point.figures[each.name] for point in points]
    rates = [scale * (figure.value or 0.0) for figure in own]
    errors = [scale * Z95 * (figure.mcse or 0.0) for figure in own]
    style: dict[str, Any] = {"label": name, **look(number)}
    axes.errorbar(places, rates, yerr=errors, capsize=2, linewidth=1.2, **style)


def _along(axes: Axes, found: Sweep) -> None:
    values = found.axes[0].values
    if not _are_numbers(values):
        labels = [short(str(value), 14) for value in values]
        axes.set_xticks(range(len(values)), labels, rotation=15 if len(values) > 3 else 0)
    axes.set_xlabel(found.axes[0].label)
    axes.set_ylim(bottom=0)
