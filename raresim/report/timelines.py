"""A few patients of one simulated trial: what happened to each, day by day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from raresim.report.folder import RunFolder
from raresim.report.pictures import canvas, look
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
    """One patient; days count from randomisation. `had` are treatments, and since when each."""

    number: int
    arm: int
    randomised: float
    visits: tuple[float, ...]
    events: dict[str, tuple[float, ...]]
    stopped: float | None
    had: tuple[tuple[str, float], ...]
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
    patients = tuple(_timeline(run.scenario, ledger, k) for k in chosen)
    return OneTrial(patients, own, float(days(ledger.end)[0]))


def of_each(scenario: Scenario) -> int:
    """Return how many patients of each arm are shown, at most."""
    return max(2, PATIENTS // len(scenario.arms))


def _timeline(scenario: Scenario, ledger: Ledger, k: int) -> Timeline:
    start = int(ledger.randomised[0, k])

    def since(ticks: npt.NDArray[np.int64]) -> tuple[float, ...]:
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
        had=_had(scenario, ledger, k),
        end=float(days(end - start)),
        reason=Exit(int(ledger.reason[0, k])).name.lower(),
    )


def _had(scenario: Scenario, ledger: Ledger, k: int) -> tuple[tuple[str, float], ...]:
    """Return the treatments of a patient, each with the day since when, as they changed."""
    arm, start = int(ledger.arm[0, k]), int(ledger.randomised[0, k])
    first, *later = scenario.periods(arm)
    begun = list(zip([period.give for period in later], ledger.periods[0, k], strict=False))
    onto = [c.to for c in scenario.crossings if c.cross_over == scenario.arms[arm]]
    found = [(first.give, 0.0)]
    for name, tick in [*begun, *((to, ledger.crossed[0, k]) for to in onto)]:
        if tick < NEVER and name != found[-1][0]:
            found.append((name, float(days(int(tick) - start))))
    return tuple(found)


def given(scenario: Scenario) -> tuple[str, ...]:
    """Return the treatments that patients may have, in the order of their colours."""
    arms = range(len(scenario.arms))
    return tuple(dict.fromkeys(p.give for arm in arms for p in scenario.periods(arm)))


def shown(scenario: Scenario) -> list[str]:
    """Return what is drawn as an event, side effects too; death is drawn as the end."""
    return [name for name in scenario.event_names if name not in scenario.model.spec.fatal]


def picture(trial: OneTrial, scenario: Scenario) -> str:
    """Draw a line for each patient, with visits, events, end of treatment and end of follow-up."""
    figure, axes = canvas(7.4, 1.7 + 0.27 * len(trial.patients), 0.75, 1.15)
    outcomes = [name for name in shown(scenario) if any(p.events.get(name) for p in trial.patients)]
    for row, patient in enumerate(trial.patients):
        _draw(axes, row, patient, outcomes, given(scenario))
    axes.set_yticks(range(len(trial.patients)), [f"no. {p.number}" for p in trial.patients])
    axes.set_ylim(len(trial.patients) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("days since randomisation")
    handles = _legend(trial, scenario, outcomes)
    figure.legend(handles=handles, loc="lower center", ncols=3)
    return inline(figure, "timelines", label(trial, scenario))


def _draw(
    axes: Axes, row: int, patient: Timeline, outcomes: list[str], treatments: tuple[str, ...]
) -> None:
    colours = [look(treatments.index(name))["color"] for name, _ in patient.had]
    colour, marker = colours[0], look(patient.arm)["marker"]
    treated = patient.end if patient.stopped is None else min(patient.stopped, patient.end)
    for number, (own, (_, since)) in enumerate(zip(colours, patient.had, strict=True)):
        later = [min(since, treated), treated]
        (line,) = axes.plot(later, [row, row], color=own, linewidth=3, solid_capstyle="butt")
        line.set_zorder(2 + number / 100)
    axes.plot([treated, patient.end], [row, row], color=colours[-1], linewidth=1)
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


def _legend(trial: OneTrial, scenario: Scenario, outcomes: list[str]) -> list[Line2D]:
    """Return a sign for everything that the picture holds, and for nothing else."""
    if scenario.spec.design.has_periods:  # an arm has a sign, a treatment its colour
        found = [
            _sign(look(k)["marker"], short(f"arm {arm}")) for k, arm in enumerate(scenario.arms)
        ]
        found += [_line(look(k)["color"], f"on {name}") for k, name in enumerate(given(scenario))]
    else:
        found = [_line(**look(k), label=short(arm)) for k, arm in enumerate(scenario.arms)]
    found.append(_sign("|", "visit", PALE))
    found += [_sign(_event(k), short(name)) for k, name in enumerate(outcomes)]
    if any(patient.stopped is not None for patient in trial.patients):
        stop = _sign("o", "treatment stopped (thin line after)")
        stop.set_markerfacecolor("white")
        found.append(stop)
    reasons = sorted({patient.reason for patient in trial.patients})
    return found + [_sign(SIGNS.get(reason, "d"), ENDS.get(reason, reason)) for reason in reasons]


def _line(color: str, label: str, marker: str = "") -> Line2D:
    from matplotlib.lines import Line2D

    return Line2D([0], [0], color=color, marker=marker, linewidth=3, label=label)


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
