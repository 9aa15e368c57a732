"""The commands. Each imports what it needs when it runs: `--help` answers at once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from raresim import __version__

app = typer.Typer(
    name="raresim",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Published numbers about a rare disease in, operating characteristics of trials out.",
)


class Engine(StrEnum):
    """Which of the two conducts runs the trials; both give the same numbers."""

    AUTO = "auto"
    SIMPY = "simpy"
    BLOCK = "block"


class Place(StrEnum):
    """Where in its interval each number that nobody published is taken."""

    LOWER = "lower"
    CENTRE = "centre"
    UPPER = "upper"
    EACH = "each"


class Kind(StrEnum):
    """The two kinds of file that people write."""

    MODEL = "model"
    SCENARIO = "scenario"


Scenario = Annotated[str, typer.Argument(help="A scenario file, or the name of a shipped one.")]
Seed = Annotated[int, typer.Option(help="Same seed, same numbers.", min=0)]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Hypothesis = Annotated[
    str | None, typer.Option(help="A hypothesis of the scenario; the first one if not given.")
]
Unpublished = Annotated[
    Place,
    typer.Option(
        help="Where in its interval each unpublished number is taken; `each` (of simulate) tells "
        "how far one after the other moves the answer."
    ),
]
NewName = Annotated[
    str, typer.Argument(help="Lower-case letters, digits and hyphens, such as my-disease.")
]
NewFile = Annotated[
    Path | None, typer.Option("-o", "--output", help="The file to write; NAME.yaml if not given.")
]
SchemaFile = Annotated[
    bool, typer.Option(help="Write the JSON Schema beside it, by which an editor completes it.")
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"raresim {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Turn published numbers about a rare disease into operating characteristics of trials."""


@app.command()
def models(json: Json = False) -> None:
    """List the shipped disease models and scenarios."""
    from raresim.cli import listing

    listing.models(json)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A model or scenario: shipped name or file.")],
    check: Annotated[
        bool, typer.Option("--check", help="Hold a model to its published statistics.")
    ] = False,
    luck: Annotated[
        bool, typer.Option("--luck", help="List the decision points of a scenario.")
    ] = False,
    page: Annotated[bool, typer.Option("--page", help="Print a model's page as Markdown.")] = False,
    json: Json = False,
) -> None:
    """Show what a model or scenario says, and where each number comes from."""
    from raresim.cli import listing

    listing.show(name, check=check, luck=luck, page=page, as_json=json)


@app.command()
def validate(
    files: Annotated[list[str], typer.Argument(help="Model and scenario files.")],
    json: Json = False,
) -> None:
    """Check model and scenario files before anything runs."""
    from raresim.cli import listing

    listing.validate(files, json)


@app.command()
def cohort(
    model: Annotated[str, typer.Argument(help="A model file, or the name of a shipped one.")],
    n: Annotated[int, typer.Option("-n", help="Number of patients.")] = 40,
    seed: Seed = 1,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A .csv or .parquet file.")
    ] = None,
    draw: Annotated[
        bool, typer.Option("--draw", help="Draw the model's numbers from their uncertainty.")
    ] = False,
) -> None:
    """Sample virtual patients of a disease; without -o they are printed as CSV."""
    from raresim.cohort import sample_cohort
    from raresim.disease import load_model

    found = sample_cohort(load_model(model), n, seed, draw=draw)
    if output is None:
        typer.echo(found.patients.to_csv(index=False, lineterminator="\n"), nl=False)
        return
    found.write(output)
    typer.echo(f"{n} artificial patients of {found.model.spec.name} written to {output}")


@app.command()
def trial(
    scenario: Scenario,
    seed: Seed = 1,
    replicate: Annotated[int, typer.Option(help="Which replicate, from 0.", min=0)] = 0,
    hypothesis: Hypothesis = None,
    unpublished: Unpublished = Place.CENTRE,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the tables (CSV).")
    ] = None,
    json: Json = False,
) -> None:
    """Run one trial, event by event; with -o write its log, patients, visits and outcomes."""
    from raresim.cli import running

    running.trial(scenario, seed, replicate, hypothesis, unpublished.value, output, json)


@app.command()
def simulate(
    scenario: Scenario,
    replicates: Annotated[int, typer.Option("-r", "--replicates", help="Trials to run.")] = 2000,
    seed: Seed = 1,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Run folder: tables, summary, report.")
    ] = None,
    hypothesis: Hypothesis = None,
    engine: Annotated[Engine, typer.Option(help="How trials are run.")] = Engine.AUTO,
    workers: Annotated[
        int | None, typer.Option(help="Processes; one for each processor if not given.", min=1)
    ] = None,
    unpublished: Unpublished = Place.CENTRE,
    report: Annotated[bool, typer.Option(help="Write report.html into the run folder.")] = True,
    json: Json = False,
) -> None:
    """Run a scenario's trial many times: how often it succeeds, how long it takes, how sure."""
    from raresim.cli import running

    options: dict[str, Any] = {"hypothesis": hypothesis, "engine": engine.value}
    options |= {"workers": workers}
    if unpublished is Place.EACH:
        running.tornado(scenario, replicates, seed, options, output, as_json=json)
        return
    options |= {"place": unpublished.value, "folder": output}
    running.simulate(scenario, replicates, seed, options, write_report=report, as_json=json)


@app.command()
def report(folder: Annotated[Path, typer.Argument(help="A run folder.")]) -> None:
    """Write report.html of a run folder."""
    from raresim.report import write_report

    typer.echo(f"report written to {write_report(folder)}")


@app.command()
def schema(
    kind: Annotated[Kind, typer.Argument(help="Which kind of file.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A .json file; printed if not given.")
    ] = None,
) -> None:
    """Print the JSON Schema of model or scenario files, for editors and other programs."""
    from raresim.cli import starting

    starting.schema(kind.value, output)


@app.command("new-model")
def new_model(name: NewName, output: NewFile = None, schema_file: SchemaFile = True) -> None:
    """Write a commented model file to start from; it is valid at once."""
    from raresim.cli import starting

    starting.new_model(name, output, schema_file=schema_file)


@app.command("new-scenario")
def new_scenario(
    name: NewName,
    model: Annotated[str, typer.Option(help="A model file, or the name of a shipped one.")],
    output: NewFile = None,
    schema_file: SchemaFile = True,
) -> None:
    """Write a commented scenario file to start from, on a model; it is valid at once."""
    from raresim.cli import starting

    starting.new_scenario(name, output, model, schema_file=schema_file)
