"""The pictures of a report: rejection rates, enrolment, outcome curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from raresim.report.curves import Curve
from raresim.report.svg import CONTROL, INK, PALE, TREATED, inline, short
from raresim.report.words import fixed, percent

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (CONTROL, TREATED, "#3d6b21", "#7b3f8c", "#6d5a00", "#8c2f39", "#2f5f5b", "#444a8a")
STYLES = ("--", "-", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 3)), (0, (8, 2)))
MARKERS = ("o", "s", "^", "v", "D", "P", "X", "*")
Z95 = 1.96


def look(number: int) -> dict[str, str]:
    """Return colour and marker of an arm; beyond eight, colours come with other markers.

    >>> look(0)["color"] == look(8)["color"], look(0)["marker"] == look(8)["marker"]
    (True, False)
    """
    return {"color": COLOURS[number % 8], "marker": MARKERS[(number + number // 8) % 8]}


def canvas(
    width: float, height: float, left: float, bottom: float = 0.5, above: float = 0.2
) -> tuple[Figure, Axes]:
    """Return a figure and its axes, with margins in inches (a layout engine would draw twice)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    inside = (
        left / width,
        bottom / height,
        1 - (left + 0.15) / width,
        1 - (bottom + above) / height,
    )
    return figure, figure.add_axes(inside)


def room(labels: list[str]) -> float:
    """Return the inches that labels beside an axis need."""
    return 0.25 + 0.085 * max(map(len, labels), default=0)


def rejection(summary: dict[str, Any], names: list[str]) -> str:
    """Draw how often each estimand's test rejects, with 1.96 Monte Carlo errors about it."""
    estimands = {name: summary["estimands"][name] for name in names}
    labels = [short(name) for name in estimands]
    figure, axes = canvas(5.6, 1.15 + 0.5 * len(estimands), room(labels))
    told = []
    for row, (name, found) in enumerate(estimands.items()):
        value, mcse = 100 * found["rejected"]["value"], 100 * (found["rejected"]["mcse"] or 0.0)
        low, high = max(value - Z95 * mcse, 0.0), min(value + Z95 * mcse, 100.0)
        bar = [[value - low], [high - value]]
        axes.errorbar([value], [row], xerr=bar, fmt="o", color=TREATED, capsize=4, markersize=6)
        axes.annotate(
            f"{fixed(value, 1)} %", (value, row), (0, 7), textcoords="offset points", ha="center"
        )
        told.append(f"{short(name)} {percent(value / 100)}")
    _alpha_lines(axes, summary)
    axes.set_yticks(range(len(estimands)), labels)
    axes.set_ylim(len(estimands) - 0.5, -0.7)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("trials that reject, %")
    label = "Share of simulated trials that reject, with 1.96 Monte Carlo standard errors: "
    return inline(figure, "rejection", label + "; ".join(told) + ".")


def _alpha_lines(axes: Axes, summary: dict[str, Any]) -> None:
    """Mark the nominal level where the null hypothesis is true; else show the whole scale."""
    if not summary["is_null"]:
        axes.set_xlim(0, 104)
        return
    levels = sorted({100 * found["alpha"] for found in summary["estimands"].values()})
    for level in levels:
        axes.axvline(level, color=INK, linestyle=":", linewidth=1.2)
        axes.annotate(
            f"nominal {level:g} %",
            (level, 0.02),
            (4, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            color=PALE,
        )
    highest = max(
        found["rejected"]["value"] + Z95 * (found["rejected"]["mcse"] or 0.0)
        for found in summary["estimands"].values()
    )
    axes.set_xlim(0, 1.25 * max(100 * highest, 2 * levels[-1]))


def enrolment(figures: dict[str, list[dict[str, float]]], planned: int) -> str:
    """Draw patients randomised by the end of each month: median and 10-90 % band."""
    band = {name: [cell["value"] for cell in cells] for name, cells in figures.items()}
    figure, axes = canvas(5.6, 3.1, 0.65)
    months = range(len(band["q50"]))
    axes.fill_between(months, band["q10"], band["q90"], color=TREATED, alpha=0.18, linewidth=0)
    axes.plot(months, band["q50"], color=TREATED, linewidth=2)
    axes.axhline(planned, color=PALE, linestyle=":", linewidth=1.2)
    axes.annotate(
        f"planned {planned}", (0, planned), (2, -12), textcoords="offset points", color=PALE
    )
    axes.set_xlim(0, len(band["q50"]) - 1)
    axes.set_ylim(0, None)
    axes.locator_params(axis="x", integer=True)
    axes.set_xlabel("months since the trial's start")
    axes.set_ylabel("patients randomised")
    half = next((k for k, count in enumerate(band["q50"]) if count >= planned / 2), None)
    told = "never reached in the median trial" if half is None else f"by month {half}"
    label = "Patients randomised over time, median and band from 10 to 90 % of simulated trials; "
    return inline(figure, "enrolment", f"{label}half of the planned {planned}: {told}.")


def durations(months: npt.NDArray[np.float64]) -> str:
    """Draw how long the trials lasted, a bar for each month, with median and 10 to 90 %."""
    figure, axes = canvas(5.6, 2.6, 0.65)
    low, half, high = (float(q) for q in np.quantile(months, [0.1, 0.5, 0.9]))
    edges = np.arange(np.floor(months.min()), np.ceil(months.max()) + 1.5)
    shares = 100 * np.histogram(months, edges)[0] / len(months)
    axes.bar(edges[:-1], shares, width=0.92, align="edge", color=TREATED, alpha=0.55)
    axes.axvline(half, color=INK, linewidth=1.4)
    for end in (low, high):
        axes.axvline(end, color=INK, linewidth=1.2, linestyle=":")
    axes.set_xlabel("months from the first site's opening to the last analysis")
    axes.set_ylabel("% of trials")
    axes.grid(visible=False, axis="x")
    told = (
        f"median {fixed(half, 1)} months, the middle 80 % from {fixed(low, 1)} to {fixed(high, 1)}"
    )
    return inline(figure, "durations", f"How long the simulated trials lasted: {told}.")


def outcome_curve(curve: Curve, arms: tuple[str, ...], number: int) -> str:
    """Draw one outcome's pooled curves, each arm with its own colour, dash and name at its end."""
    figure, axes = canvas(5.4, 3.5, 0.75)
    for line in curve.lines:
        arm = arms.index(line.arm)
        x = line.day / 7.0
        y = 100 * line.value if curve.kind == "first" else line.value
        drawn: dict[str, Any] = look(arm) | {"linestyle": STYLES[(arm + arm // 8) % 8]}
        drawn |= {"linewidth": 2, "label": short(line.arm)}
        if curve.kind == "change":
            axes.plot(x, y, clip_on=False, **drawn)
        else:
            axes.step(x, y, where="post", **drawn | {"marker": ""})
    _scale(axes, curve)
    axes.set_xlabel("weeks since randomisation")
    axes.legend(loc="best", handlelength=3)
    return inline(figure, f"curve{number}", curve.label)


def _scale(axes: Axes, curve: Curve) -> None:
    axes.set_xlim(0, None)
    if curve.kind == "change":
        axes.axhline(0, color=PALE, linewidth=0.8)
        axes.set_ylabel(f"change, {short(curve.unit)}")
    elif curve.kind == "all":
        axes.set_ylim(0, None)
        axes.set_ylabel("events per patient")
    else:
        axes.set_ylim(lowest(curve), 100)
        axes.set_ylabel("% free of the event")


def lowest(curve: Curve) -> float:
    """Return where the axis of a share begins, in per cent: at 0 unless events are rare."""
    least = 100 * min(float(line.value.min()) for line in curve.lines)
    return 0.0 if least < 80 else 80.0 if least < 95 else 90.0
