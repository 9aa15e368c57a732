"""A few patients of one simulated trial: what happened to each, day by day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from raresim.report.folder import RunFolder
from raresim.report.pictures import COLOURS, MARKERS, canvas
from raresim.report.svg import INK, PALE, inline, short
from raresim.trial.engine import run_block, with_registry
from raresim.trial.ledger import Ledger
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Exit, days

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

PATIENTS = 12
EVENTS = ("D", "v", "P", "*", "^")
ENDS = {
    "none": "in follow-up when the trial ended",
    "completed": "completed",
    "left": "left the study",
    "died": "died",
}
SIGNS = {"none": ">", "completed": "s", "left": "x", "died": "X"}


@dataclass(frozen=True)
class Timeline:
    """One patient; days count from randomisation. `onto` is the arm whose treatment came later."""

    number: int
    arm: int
    randomised: float
    visits: tuple[float, ...]
    events: dict[str, tuple[float, ...]]
    stopped: float | None
    crossed: float | None
    onto: int
    end: float
    reason: str

    @property
    def ending(self) -> str:
        """Why follow-up ended, in words."""
        return ENDS.get(self.reason, self.reason)


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
        "auto",
        1,
        int(settings["resolution"]),
        str(settings["place"]),
    )
    own = int(block.ledger.present.sum())
    ledger = with_registry(block).ledger
    chosen: list[int] = []
    for arm in range(len(run.scenario.arms)):
        mine = np.flatnonzero(ledger.present[0] & (ledger.arm[0] == arm))
        chosen += [int(k) for k in mine[: of_each(run.scenario)]]
    crossings = {c.cross_over: c.to for c in run.scenario.crossings}
    onto = [run.scenario.arms.index(crossings.get(arm, arm)) for arm in run.scenario.arms]
    patients = tuple(_timeline(ledger, k, onto) for k in chosen)
    return OneTrial(patients, own, float(days(ledger.end)[0]))


def of_each(scenario: Scenario) -> int:
    """Return how many patients of each arm are shown, at most."""
    return max(2, PATIENTS // len(scenario.arms))


def _timeline(ledger: Ledger, k: int, onto: list[int]) -> Timeline:
    start = int(ledger.randomised[0, k])

    def since(ticks: npt.NDArray[np.int64]) -> tuple[float, ...]:
        return tuple(float(days(int(t) - start)) for t in sorted(ticks[ticks < NEVER].tolist()))

    stopped, crossed = int(ledger.stop[0, k]), int(ledger.crossed[0, k])
    end = min(int(ledger.exit[0, k]), int(ledger.end[0]))
    return Timeline(
        number=k + 1,
        arm=int(ledger.arm[0, k]),
        randomised=float(days(start)),
        visits=since(ledger.visits[0, k]),
        events={name: since(times[0, k]) for name, times in ledger.events.items()},
        stopped=float(days(stopped - start)) if stopped < NEVER else None,
        crossed=float(days(crossed - start)) if crossed < NEVER else None,
        onto=onto[int(ledger.arm[0, k])],
        end=float(days(end - start)),
        reason=Exit(int(ledger.reason[0, k])).name.lower(),
    )


def shown(scenario: Scenario) -> list[str]:
    """Return what is drawn as an event, side effects too; death is drawn as the end."""
    return [name for name in scenario.event_names if name not in scenario.model.spec.fatal]


def picture(trial: OneTrial, scenario: Scenario) -> str:
    """Draw a line for each patient, with visits, events, end of treatment and end of follow-up."""
    figure, axes = canvas(7.4, 1.7 + 0.27 * len(trial.patients), 0.75, 1.15)
    outcomes = [name for name in shown(scenario) if any(p.events.get(name) for p in trial.patients)]
    for row, patient in enumerate(trial.patients):
        _draw(axes, row, patient, outcomes)
    axes.set_yticks(range(len(trial.patients)), [f"no. {p.number}" for p in trial.patients])
    axes.set_ylim(len(trial.patients) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("days since randomisation")
    handles = _legend(trial, scenario.arms, outcomes)
    figure.legend(handles=handles, loc="lower center", ncols=3)
    return inline(figure, "timelines", label(trial, scenario))


def _draw(axes: Axes, row: int, patient: Timeline, outcomes: list[str]) -> None:
    colour, marker = COLOURS[patient.arm], MARKERS[patient.arm]
    treated = patient.end if patient.stopped is None else min(patient.stopped, patient.end)
    axes.plot([0, treated], [row, row], color=colour, linewidth=3, solid_capstyle="butt")
    axes.plot([treated, patient.end], [row, row], color=colour, linewidth=1)
    if patient.crossed is not None:
        later = [min(patient.crossed, treated), treated]
        axes.plot(later, [row, row], color=COLOURS[patient.onto], linewidth=3, zorder=2.5)
    axes.plot([0], [row], marker, color=colour, markersize=6)
    axes.plot(patient.visits, [row] * len(patient.visits), "|", color=colour, markersize=10)
    for number, name in enumerate(outcomes):
        times = patient.events[name]
        axes.plot(times, [row] * len(times), _event(number), color=INK, markersize=5.5, zorder=3)
    if patient.stopped is not None:
        axes.plot([patient.stopped], [row], "o", color=INK, markerfacecolor="white", zorder=3)
    end = [patient.end]
    axes.plot(end, [row], SIGNS.get(patient.reason, "d"), color=INK, markersize=5, zorder=4)


def _event(number: int) -> str:
    return EVENTS[number % len(EVENTS)]


def _legend(trial: OneTrial, arms: tuple[str, ...], outcomes: list[str]) -> list[Line2D]:
    """Return a sign for everything that the picture holds, and for nothing else."""
    from matplotlib.lines import Line2D

    found = [
        Line2D([0], [0], color=COLOURS[k], marker=MARKERS[k], linewidth=3, label=short(arm))
        for k, arm in enumerate(arms)
    ]
    found.append(_sign("|", "visit", PALE))
    found += [_sign(_event(k), short(name)) for k, name in enumerate(outcomes)]
    if any(patient.stopped is not None for patient in trial.patients):
        stop = _sign("o", "treatment stopped (thin line after)")
        stop.set_markerfacecolor("white")
        found.append(stop)
    reasons = sorted({patient.reason for patient in trial.patients})
    return found + [_sign(SIGNS.get(reason, "d"), ENDS.get(reason, reason)) for reason in reasons]


def _sign(marker: str, text: str, colour: str = INK) -> Line2D:
    from matplotlib.lines import Line2D

    return Line2D([0], [0], color=colour, marker=marker, linestyle="none", label=text)


def label(trial: OneTrial, scenario: Scenario) -> str:
    """Return the text alternative of the picture."""
    numbers = [patient.arm for patient in trial.patients]
    arms = " and ".join(f"{numbers.count(k)} on {arm}" for k, arm in enumerate(scenario.arms))
    return (
        f"Timelines of {len(trial.patients)} simulated patients of one trial, {arms}; "
        "the table that follows says the same in numbers."
    )
