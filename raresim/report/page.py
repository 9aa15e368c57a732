"""Put the parts of a report together into one HTML page."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from raresim.report import (
    answer,
    characteristics,
    curves,
    design,
    drives,
    pictures,
    published,
    timelines,
)
from raresim.report.assumption import Assumption
from raresim.report.assumptions import assumptions
from raresim.report.folder import RunFolder, table
from raresim.report.plain_words import icons, plain_words
from raresim.report.svg import look, printable
from raresim.report.words import DAYS_A_MONTH, Cell, fixed, plain, share

TEMPLATE = "report.html.j2"


def page(run: RunFolder) -> str:
    """Return the report of a run as HTML."""
    return printable(_environment().get_template(TEMPLATE).render(content(run)))


def _environment() -> Any:
    """Return jinja with autoescape on: a scenario's text comes from strangers."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"cell": show, "plain": plain, "share": share}
    return environment


def show(cell: Cell) -> str:
    """Return a figure with its Monte Carlo standard error in brackets."""
    return f"{cell.value} ({cell.error})" if cell.error else cell.value


def content(run: RunFolder) -> dict[str, Any]:
    """Return everything that the template shows."""
    drawn = curves.curves(run)
    trial = timelines.one_trial(run)
    told = plain_words(run)
    return {
        "run": run,
        "spec": run.scenario.spec,
        "model": run.scenario.model.spec,
        "summary": run.summary,
        "settings": run.settings,
        "manifest": run.manifest,
        "caveats": answer.caveats(run, trial.duration, trial.randomised),
        "answer": answer.answer(run),
        "estimands": characteristics.estimand_tables(run),
        "numbers": characteristics.numbers(run),
        "endings": characteristics.endings(run),
        "enrolled": answer.enrolment(run),
        "curves": drawn,
        "trial": trial,
        "trial_each": timelines.of_each(run.scenario),
        "patients": [patient_row(run, patient) for patient in trial.patients],
        "events_shown": [plain(name) for name in timelines.shown(run.scenario)],
        "pictures": _pictures(run, drawn, trial, told.hits),
        "design": design.design(run.scenario),
        "estimands_stated": design.estimands(run.scenario),
        "plain_words": told,
        "modes": drives.mode_rows(run),
        "moves": drives.move_rows(run),
        "drives": run.sensitivity,
        "assumptions": _assumptions(run),
        "commands": commands(run),
    } | _evidence(run)


def _pictures(
    run: RunFolder, drawn: list[curves.Curve], trial: timelines.OneTrial, hits: int
) -> dict[str, Any]:
    from markupsafe import Markup

    scenario, planned = run.scenario, run.scenario.spec.design.randomise.n
    with look():
        outcomes = [pictures.outcome_curve(c, scenario.arms, k) for k, c in enumerate(drawn)]
        found = {
            "rejection": pictures.rejection(run.summary, list(scenario.spec.analysis.estimands)),
            "enrolment": pictures.enrolment(run.summary["enrolment"], planned),
            "timelines": timelines.picture(trial, scenario),
            "durations": pictures.durations(_months(run)),
            "icons": icons(hits),
        }
        if run.sensitivity is not None:
            found |= {"modes": drives.modes_picture(run), "tornado": drives.tornado(run)}
    # the only text that is not escaped here: made by ElementTree, which has escaped it
    return {name: Markup(svg) for name, svg in found.items()} | {
        "curves": [Markup(svg) for svg in outcomes]
    }


def _months(run: RunFolder) -> Any:
    """Return how long each trial lasted."""
    return (
        table(run, "replicates/trials.parquet", ["duration_days"])["duration_days"] / DAYS_A_MONTH
    )


def _external(run: RunFolder, patient: timelines.Timeline) -> bool:
    """Whether a patient is of an external control: nobody randomised him."""
    return patient.arm == 0 and run.scenario.externally_controlled


def patient_row(run: RunFolder, patient: timelines.Timeline) -> dict[str, Any]:
    """Return one patient's line of the table that says what the timelines show."""

    def listed(times: tuple[float, ...]) -> str:
        return ", ".join(fixed(time, 0) for time in times) or "none"

    stopped = "no" if patient.stopped is None else f"day {fixed(patient.stopped, 0)}"
    return {
        "number": patient.number,
        "arm": run.scenario.arms[patient.arm],
        "randomised": "" if _external(run, patient) else fixed(patient.randomised, 0),
        "visits": listed(patient.visits),
        "events": [listed(patient.events[name]) for name in timelines.shown(run.scenario)],
        "had": ", ".join(f"{name} from day {fixed(since, 0)}" for name, since in patient.had),
        "stopped": stopped,
        "end": f"day {fixed(patient.end, 0)}, {patient.ending}",
    }


def _assumptions(run: RunFolder) -> list[tuple[Assumption, str]]:
    known = published.sources(run)
    return [
        (item, published.cited(known, item.source) if item.source else "assumed")
        for item in assumptions(run.scenario)
    ]


def _evidence(run: RunFolder) -> dict[str, Any]:
    inputs, effects = published.inputs(run), published.effects(run)
    targets = published.targets(run)
    return {
        "evidence": [
            ("What the model takes in: natural history without study treatment", inputs),
            (f"Effects under the hypothesis {run.hypothesis}", effects),
            ("Held back: published values to which nothing was fitted", targets),
        ],
        "gaps": published.unpublished(run),
        "left_out": published.left_out(run),
        "sources": {
            key: (source.text(), source.note) for key, source in published.sources(run).items()
        },
    }


def commands(run: RunFolder) -> dict[str, str]:
    """Return how to run the whole again, and the one trial of the timelines."""
    settings = run.settings
    stem, name, seed = shlex.quote(run.stem), shlex.quote(run.hypothesis), settings["seed"]
    other = "" if run.hypothesis == run.scenario.hypotheses[0] else f" --hypothesis {name}"
    until = "" if settings.get("mcse") is None else f" --mcse {settings['mcse']!r}"
    less = "".join(f" --without {shlex.quote(source)}" for source in run.without)
    arguments = [
        f"raresim.load_scenario({run.stem!r}{f', without={run.without}' if less else ''})",
        *(
            f"{key}={settings[key]!r}"
            for key in ("replicates", "seed", "hypothesis", "engine", "place", "resolution")
        ),
        *([f"mcse={settings['mcse']!r}"] if until else []),
    ]
    return {
        "simulate": f"raresim simulate {stem} -r {settings['replicates']}{until} --seed {seed} "
        f"--hypothesis {name}{less} -o DIR",
        "python": f"raresim.simulate({', '.join(arguments)})",
        "sensitivity": f"raresim sensitivity {stem} --seed {seed}{other}",
        "trial": f"raresim trial {stem} --replicate 0 --seed {seed}{other}",
    }
