"""What drives the answer: power beside assurance, and numbers moved one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from raresim.report import words
from raresim.report.folder import RunFolder
from raresim.report.pictures import Z95, canvas, room
from raresim.report.svg import CONTROL, INK, PALE, TREATED, inline, short
from raresim.report.words import MINUS, NONE, Cell, fixed, percent, plain
from raresim.study.summary import called

MODES = {
    "fixed": "nothing: every number as published",
    "nuisance": "natural history",
    "effect": "the effect",
    "all": "natural history and effect",
}
SHOWN = 12
"""Numbers in the picture; the table has them all."""


@dataclass(frozen=True)
class ModeRow:
    """The rate of success in one mode of uncertainty, and what it is then called."""

    drawn: str
    called: str
    rate: Cell
    trials: str


@dataclass(frozen=True)
class MoveRow:
    """One number at its two ends, and how far each moves the rate, in points."""

    what: str
    kind: str
    at_lower: str
    at_upper: str
    lower: Cell
    upper: Cell
    why: str


def mode_rows(run: RunFolder) -> list[ModeRow]:
    """Return the rate of success by what is drawn."""
    found = (run.sensitivity or {}).get("by_uncertainty", {})
    return [
        ModeRow(
            MODES[mode],
            _rate(run, mode),
            words.share(figure),
            f"{figure['replicates']:,}",
        )
        for mode in MODES
        if (figure := found.get(mode)) is not None
    ]


def _rate(run: RunFolder, mode: str) -> str:
    return called(run.summary["is_null"], mode)


def move_rows(run: RunFolder) -> list[MoveRow]:
    """Return every number that was moved, the largest move first."""
    return [
        MoveRow(
            plain(move["what"]),
            move["kind"],
            plain(move["at_lower"]),
            plain(move["at_upper"]),
            points(move["lower"]),
            points(move["upper"]),
            move["why"],
        )
        for move in (run.sensitivity or {}).get("moves", [])
    ]


def points(figure: dict[str, Any]) -> Cell:
    """Return a move in percentage points, with its sign.

    >>> points({"value": 0.0312, "mcse": 0.011})
    Cell(value='+3.1', error='1.1')
    """
    if figure["value"] is None:
        return Cell(NONE)
    value = 100 * figure["value"]
    sign = "+" if value >= 0.05 else ""
    error = "" if figure["mcse"] is None else words.error(100 * figure["mcse"], 1)
    return Cell(f"{sign}{fixed(value, 1)}", error)


def modes_picture(run: RunFolder) -> str:
    """Draw the rate of success in each mode, with 1.96 Monte Carlo errors about it."""
    by_mode = (run.sensitivity or {})["by_uncertainty"]
    found = {mode: by_mode[mode] for mode in MODES if mode in by_mode}
    labels = [f"{_rate(run, mode)}; drawn: {_short(mode)}" for mode in found]
    figure, axes = canvas(5.6, 1.15 + 0.42 * len(labels), room(labels))
    told = []
    for row, (mode, rate) in enumerate(found.items()):
        value, mcse = 100 * rate["value"], 100 * (rate["mcse"] or 0.0)
        drawn = mode in ("effect", "all")
        look: dict[str, Any] = {"color": CONTROL if drawn else TREATED}
        low, high = max(value - Z95 * mcse, 0.0), min(value + Z95 * mcse, 100.0)
        axes.errorbar(
            [value],
            [row],
            xerr=[[value - low], [high - value]],
            fmt="s" if drawn else "o",
            capsize=4,
            markersize=6,
            **look,
        )
        axes.annotate(
            f"{fixed(value, 1)} %", (value, row), (0, 6), textcoords="offset points", ha="center"
        )
        told.append(f"{_rate(run, mode)} {percent(rate['value'])} with {MODES[mode]} drawn")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.7)
    axes.grid(visible=False, axis="y")
    axes.set_xlim(0, None if run.summary["is_null"] else 104)
    axes.set_xlabel("trials that succeed, %")
    return inline(figure, "modes", "Rate of success by what is drawn: " + "; ".join(told) + ".")


def _short(mode: str) -> str:
    return {"fixed": "nothing", "nuisance": "history", "effect": "effect", "all": "both"}[mode]


def tornado(run: RunFolder) -> str:
    """Draw how far the largest moves go from the rate with every number as printed."""
    found = run.sensitivity or {}
    moves = found["moves"][:SHOWN]
    centre = 100 * found["centre"]["value"]
    labels = [short(move["what"], 44) for move in moves]
    figure, axes = canvas(7.6, 1.4 + 0.36 * len(moves), room(labels), above=0.4)
    for row, move in enumerate(moves):
        for side, colour, hatch, shift in (
            ("lower", CONTROL, "////", -0.18),
            ("upper", TREATED, "", 0.18),
        ):
            value = 100 * (move[side]["value"] or 0.0)
            error = 100 * (move[side]["mcse"] or 0.0)
            axes.barh(
                row + shift,
                value,
                0.34,
                left=centre,
                facecolor="white" if hatch else colour,
                edgecolor=colour,
                hatch=hatch,
                linewidth=0.8,
                label=f"at the {side} end" if row == 0 else None,
            )
            reach = centre + value
            axes.plot(
                [reach - Z95 * error, reach + Z95 * error],
                [row + shift] * 2,
                color=INK,
                linewidth=1,
            )
    axes.axvline(centre, color=PALE, linewidth=1)
    axes.set_yticks(range(len(moves)), labels)
    axes.set_ylim(len(moves) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlim(*(min(max(edge, 0.0), 101.0) for edge in axes.get_xlim()))
    axes.set_xlabel("trials that succeed, %")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, handlelength=1.6)
    told = "; ".join(
        f"{short(m['what'], 44)} {points(m['lower']).value} to {points(m['upper']).value} points"
        for m in moves[:5]
    )
    head = f"How far single numbers move the rate of success from {fixed(centre, 1)} %: "
    return inline(figure, "tornado", (head + told).replace(MINUS, "minus ") + ".")
