"""The rows of the tables of results: operating characteristics, duration and numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from raresim.report import words
from raresim.report.folder import RunFolder
from raresim.report.words import NOTHING, Cell, percent
from raresim.study import trial_numbers
from raresim.study.trial_numbers import TrialNumber


@dataclass(frozen=True)
class Row:
    """A line of a table: what, its cells, and a remark for people."""

    label: str
    cells: tuple[Cell, ...]
    remark: str = ""


@dataclass(frozen=True)
class EstimandTable:
    """The operating characteristics of one estimand."""

    name: str
    variable: str
    summary: str
    method: str
    is_ratio: bool
    rows: tuple[Row, ...]
    naive: tuple[str, ...]
    notes: tuple[tuple[str, Cell], ...]


def estimand_tables(run: RunFolder) -> list[EstimandTable]:
    """Return a table for each estimand, in the order of the scenario."""
    spec = run.scenario.spec.analysis
    found = []
    for name, estimand in spec.estimands.items():
        result = run.summary["estimands"][name]
        method = spec.methods[name]
        test = method.test + (f", estimated by {method.estimate}" if method.estimate else "")
        is_ratio = result["measure"].startswith("log ")
        rows = _chances(run, name, result) + _estimates(run, result, is_ratio)
        found.append(
            EstimandTable(
                name,
                estimand.variable,
                estimand.summary,
                test,
                is_ratio,
                tuple(rows),
                tuple(result["naive"]),
                _notes(result["notes"]),
            )
        )
    return found


def _chances(run: RunFolder, name: str, result: dict[str, Any]) -> list[Row]:
    """Return how often the test rejects, and how sure that is."""
    order = run.scenario.spec.analysis.order
    sequence = name in order and order.index(name) > 0
    first = "Rejects, overall" + (" (in the fixed sequence)" if sequence else "")
    remark = f"after a rejection of {order[order.index(name) - 1]}" if sequence else ""
    rows = [Row(first, (words.share(result["rejected"]), NOTHING), remark)]
    for milestone in run.scenario.milestones:
        figure = result["rejected_at"].get(milestone)
        if figure is None:
            continue
        remark = "this test alone, not in sequence" if sequence else "of all trials"
        rows.append(Row(f"Rejects at {milestone}", (words.share(figure), NOTHING), remark))
    low, high = result["rejected_bounds"]
    mcse = words.share(result["rejected"]).error
    rows.append(
        Row(
            "Bounds for fits that did not converge",
            (Cell(f"{percent(low)} to {percent(high)}", mcse), NOTHING),
            "all counted as not rejecting, then all as rejecting; error of each bound about that "
            "of the rate",
        )
    )
    between = result["between_truths"]
    if between is not None:
        rows.append(
            Row(
                "SD of this chance between possible truths",
                (words.share(between), NOTHING),
                f"estimated from {run.summary['draws']:,} draws",
            )
        )
    rows.append(Row("Trials in which it was analysed", (words.share(result["analysed"]), NOTHING)))
    failed = words.share(result["not_converged"])
    return [*rows, Row("Fits that did not converge", (failed, NOTHING), "of all trials")]


def _estimates(run: RunFolder, result: dict[str, Any], is_ratio: bool) -> list[Row]:
    """Return how the estimates lie about the true value, on the scale of the measure."""

    def also(figure: dict[str, Any]) -> Cell:
        return words.ratio(figure) if is_ratio else NOTHING

    measure = result["measure"]
    drawn = run.summary["uncertainty"] != "fixed"
    mean = "mean of the possible truths" if drawn else "of full follow-up without drop-out"
    truth, estimate, bias = result["truth"], result["estimate"], result["bias"]
    remarks = ["as a factor on the ratio"] if is_ratio else []
    remarks += ["of a naive analysis, see below"] if result["naive"] else []
    return [
        Row(f"True value ({measure})", (words.amount(truth), also(truth)), mean),
        Row(f"Mean estimate ({measure})", (words.amount(estimate), also(estimate)), "last look"),
        Row("SD of the estimates", (words.amount(result["estimate_sd"]), NOTHING)),
        Row("Mean standard error of the fits", (words.amount(result["mean_se"]), NOTHING)),
        Row("Bias (estimate − true value)", (words.amount(bias), also(bias)), "; ".join(remarks)),
        Row("Coverage of the 95 % confidence interval", (words.share(result["coverage"]), NOTHING)),
        *_if_rejected(result["if_rejected"], also),
    ]


def _if_rejected(found: dict[str, Any], also: Callable[[Any], Cell]) -> list[Row]:
    """Return what a rejection would be worth (Gelman and Carlin 2014)."""
    least = found["least_significant"]
    rows = [
        Row(
            "Least estimate that rejects",
            (words.amount(least), also(least)),
            "median over trials: critical value times standard error",
        )
    ]
    if found["exaggeration"]["value"] is not None:
        text = "type M: mean size of estimates that reject over the mean true size"
        size = words.amount(found["exaggeration"])
        rows.append(Row("Exaggeration, if it rejects", (size, NOTHING), text))
        wrong = words.share(found["wrong_sign"])
        text = "type S: the truth lies on the other side"
        rows.append(Row("Wrong sign, if it rejects", (wrong, NOTHING), text))
    return rows


def _notes(notes: dict[str, Any]) -> tuple[tuple[str, Cell], ...]:
    """Return each note of the fits with the share of replicates that carry it."""
    ordered = sorted(notes.items(), key=lambda item: (-item[1]["value"], item[0]))
    return tuple((text, words.share(figure)) for text, figure in ordered)


@dataclass(frozen=True)
class Group:
    """Rows of the table of numbers that belong together: the trial, or one arm."""

    title: str
    rows: tuple[Row, ...]


LEVELS = ("mean", "q10", "q50", "q90")


def numbers(run: RunFolder) -> list[Group]:
    """Return duration and numbers of the trial, then those of each arm."""
    scenario = run.scenario
    groups = [("The trial", trial_numbers.of_trial(scenario))]
    groups += [(f"Arm: {arm}", trial_numbers.of_arm(scenario, arm)) for arm in scenario.arms]
    return [Group(title, tuple(_spread(run, item) for item in items)) for title, items in groups]


def _spread(run: RunFolder, item: TrialNumber) -> Row:
    found = run.summary["trial"].get(item.column, {})
    most = 4 if item.unit == 1 else 2
    cells = tuple(words.amount(found.get(level), item.unit, most) for level in LEVELS)
    return Row(item.label[0].upper() + item.label[1:], cells)


def endings(run: RunFolder) -> list[Row]:
    """Return at which milestone trials ended."""
    trial = run.summary["trial"]
    return [
        Row(milestone, (words.share(trial[key]["mean"]),))
        for milestone in run.scenario.milestones
        if (key := f"ended_at.{milestone}") in trial
    ]
