"""A few patients of one simulated trial: what happened to each, day by day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raresim.report.folder import RunFolder
from raresim.report.pictures import COLOURS, canvas
from raresim.report.svg import INK, inline
from raresim.trial.engine import run_block
from raresim.trial.ledger import Ledger
from raresim.trial.ticks import NEVER, Exit, days

PATIENTS = 12
EVENTS = ("D", "X", "P", "v", "*")
ENDS = {
    Exit.NONE: "in follow-up when the trial ended",
    Exit.COMPLETED: "completed",
    Exit.LEFT: "left the study",
    Exit.DIED: "died",
    Exit.CLOSED: "follow-up closed",
}
END_SIGNS = {
    Exit.NONE: "$>$", Exit.COMPLETED: "|", Exit.LEFT: "4", Exit.DIED: "x", Exit.CLOSED: "|",
}  # fmt: skip


@dataclass(frozen=True)
class Timeline:
    """One patient; days count from randomisation."""

    number: int
    arm: int
    randomised: float
    visits: tuple[float, ...]
    events: dict[str, tuple[float, ...]]
    stopped: float | None
    end: float
    reason: Exit


@dataclass(frozen=True)
class OneTrial:
    """Replicate 0 and a few of its patients."""

    patients: tuple[Timeline, ...]
    randomised: int
    duration: float


def one_trial(run: RunFolder) -> OneTrial:
    """Run replicate 0 again, alone, and take the first patients randomised to each arm."""
    settings = run.settings
    block = run_block(
        run.scenario,
        run.hypothesis,
        int(settings["seed"]),
        0,
        "block",
        1,
        int(settings["resolution"]),
        str(settings["place"]),
    )
    ledger = block.ledger
    chosen: list[int] = []
    for arm in (0, 1):
        mine = np.flatnonzero(ledger.present[0] & (ledger.arm[0] == arm))
        chosen += [int(k) for k in mine[: PATIENTS // 2]]
    patients = tuple(_timeline(ledger, k) for k in chosen)
    return OneTrial(patients, int(ledger.present.sum()), float(days(ledger.end)[0]))


def _timeline(ledger: Ledger, k: int) -> Timeline:
    start = int(ledger.randomised[0, k])

    def since(ticks: np.ndarray) -> tuple[float, ...]:  # type: ignore[type-arg]
        return tuple(float(days(int(t) - start)) for t in sorted(ticks[ticks < NEVER].tolist()))

    stopped = int(ledger.stop[0, k])
    end = min(int(ledger.exit[0, k]), int(ledger.end[0]))
    return Timeline(
        number=k + 1,
        arm=int(ledger.arm[0, k]),
        randomised=float(days(start)),
        visits=since(ledger.visits[0, k]),
        events={name: since(times[0, k]) for name, times in ledger.events.items()},
        stopped=float(days(stopped - start)) if stopped < NEVER else None,
        end=float(days(end - start)),
        reason=Exit(int(ledger.reason[0, k])),
    )


def picture(trial: OneTrial, arms: tuple[str, str]) -> str:
    """Draw a line for each patient, with visits, events, end of treatment and end of follow-up."""
    figure, axes = canvas(7.4, 1.9 + 0.27 * len(trial.patients))
    outcomes = list(trial.patients[0].events) if trial.patients else []
    for row, patient in enumerate(trial.patients):
        colour = COLOURS[patient.arm]
        treated = patient.end if patient.stopped is None else min(patient.stopped, patient.end)
        axes.plot([0, treated], [row, row], color=colour, linewidth=3, solid_capstyle="butt")
        axes.plot([treated, patient.end], [row, row], color=colour, linewidth=1)
        axes.plot(patient.visits, [row] * len(patient.visits), "|", color=colour, markersize=9)
        for number, name in enumerate(outcomes):
            times = patient.events[name]
            sign = EVENTS[number % len(EVENTS)]
            axes.plot(times, [row] * len(times), sign, color=INK, markersize=6, zorder=3)
        if patient.stopped is not None:
            axes.plot([patient.stopped], [row], "o", color=INK, fillstyle="none", zorder=3)
        sign = _END_MARKERS[patient.reason]
        axes.plot([patient.end], [row], sign, color=INK, markersize=8, zorder=4)
    axes.set_yticks(range(len(trial.patients)), [f"no. {p.number}" for p in trial.patients])
    axes.set_ylim(len(trial.patients) - 0.4, -0.6)
    axes.set_xlim(-4, None)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("days since randomisation")
    figure.legend(handles=_legend(trial, arms, outcomes), loc="outside lower center", ncols=3)
    return inline(figure, "timelines", _label(trial, arms))
