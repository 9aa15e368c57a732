"""The commands. Each imports what it needs when it runs: `--help` answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from raresim import __version__
from raresim.cli.file_commands import files
from raresim.cli.options import (
    Dask,
    Engine,
    EngineOption,
    Hypothesis,
    Json,
    Mcse,
    Place,
    Quiet,
    Resume,
    Scenario,
    Seed,
    Unpublished,
    Verbose,
    Without,
    Workers,
    examples,
)
from raresim.cli.question_commands import asked
from raresim.errors import StoppedError


class Commands(TyperGroup):
    """Tells people who stop a command what is left of its work; typer would say nothing."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            raise StoppedError(str(stop) or "interrupted; nothing was written") from stop


app = typer.Typer(
    name="raresim",
    cls=Commands,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Published numbers about a rare disease in, operating characteristics of trials out.",
)


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


@app.command(
    epilog=examples(
        "raresim models",
        "raresim models --json",
    )
)
def models(
    grades: Annotated[
        bool, typer.Option("--grades", help="Work the grades out anew (as JSON, for maintainers).")
    ] = False,
    json: Json = False,
) -> None:
    """List the shipped disease models, with the grade of their evidence, and scenarios."""
    from raresim.cli import listing

    listing.models(json, grades)


@app.command(
    epilog=examples(
        "raresim show friedreich-ataxia --check",
        "raresim show friedreich-ataxia mfars --lineage",
        "raresim show friedreich-ataxia --picture friedreich-ataxia.svg",
        "raresim show cgd-interferon-gamma --luck",
    )
)
def show(
    name: Annotated[str, typer.Argument(help="A model or scenario: shipped name or file.")],
    column: Annotated[
        str, typer.Argument(help="With --lineage: one variable, outcome or column of a cohort.")
    ] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Hold a model to its published statistics.")
    ] = False,
    luck: Annotated[
        bool, typer.Option("--luck", help="List the decision points of a scenario.")
    ] = False,
    uncertainty: Annotated[
        bool, typer.Option("--uncertainty", help="Which statistic makes a model's outputs unsure.")
    ] = False,
    lineage: Annotated[
        bool, typer.Option("--lineage", help="What each number is made of, down to its sources.")
    ] = False,
    page: Annotated[bool, typer.Option("--page", help="Print a model's page as Markdown.")] = False,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Draw a model's patients into an .svg file.")
    ] = None,
    without: Without = None,
    branch: Annotated[
        str | None, typer.Option(help="A branch of the model's evidence, by its name.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what a model or scenario says, and where each number comes from."""
    from raresim.cli import listing

    asked = {"check": check, "luck": luck, "uncertainty": uncertainty, "page": page}
    asked |= {"lineage": lineage, "picture": picture is not None}
    wanted = [key for key, is_wanted in asked.items() if is_wanted]
    listing.show(name, wanted, json, column, without or (), branch, picture)


@app.command(
    epilog=examples(
        "raresim validate my-disease.yaml my-trial.yaml",
    )
)
def validate(
    files: Annotated[list[str], typer.Argument(help="Model and scenario files.")],
    json: Json = False,
) -> None:
    """Check model and scenario files before anything runs."""
    from raresim.cli import listing

    listing.validate(files, json)


@app.command(
    epilog=examples(
        "raresim cohort friedreich-ataxia -n 40 --seed 1 -o patients.parquet",
        "raresim cohort chronic-granulomatous-disease -n 12 --draw",
    )
)
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
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Sample virtual patients of a disease; without -o they are printed as CSV."""
    from raresim.cli import running
    from raresim.cli.output import manner

    running.cohort(model, n, seed, draw, output, manner(json, quiet, verbose=False))


@app.command(
    epilog=examples(
        "raresim trial cgd-interferon-gamma --replicate 7",
        "raresim trial friedreich-48-weeks -o one-trial",
    )
)
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
    quiet: Quiet = False,
) -> None:
    """Run one trial, event by event; with -o write its log, patients, visits and outcomes."""
    from raresim.cli import running
    from raresim.cli.output import manner

    options = {"hypothesis": hypothesis, "place": unpublished.value}
    running.trial(scenario, seed, replicate, options, output, manner(json, quiet, verbose=False))


@app.command(
    epilog=examples(
        "raresim simulate cgd-interferon-gamma -r 2000 -o run-cgd",
        "raresim simulate friedreich-48-weeks --hypothesis no_effect -r 10000",
        "raresim simulate my-trial.yaml --json > answer.json",
        "raresim simulate my-trial.yaml --mcse 0.002 -o run --resume",
    )
)
def simulate(
    scenario: Scenario,
    replicates: Annotated[
        int | None,
        typer.Option("-r", "--replicates", help="Trials to run; 2,000 if not given."),
    ] = None,
    seed: Seed = 1,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Run folder: tables, summary, report.")
    ] = None,
    resume: Resume = False,
    mcse: Mcse = None,
    hypothesis: Hypothesis = None,
    engine: EngineOption = Engine.AUTO,
    workers: Workers = None,
    dask: Dask = None,
    unpublished: Unpublished = Place.CENTRE,
    report: Annotated[bool, typer.Option(help="Write report.html into the run folder.")] = True,
    sensitivity: Annotated[
        bool, typer.Option(help="Find out for the report what drives the answer.")
    ] = True,
    without: Without = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Run a scenario's trial many times: how often it succeeds, how long it takes, how sure."""
    from raresim.cli import running
    from raresim.cli.output import manner

    options: dict[str, Any] = {"hypothesis": hypothesis, "engine": engine.value}
    options |= {"workers": workers, "place": unpublished.value, "mcse": mcse}
    asked = running.Asked(
        scenario, tuple(without or ()), replicates, seed, options, dask, report, sensitivity
    )
    running.simulate(asked, output, manner(json, quiet, verbose), resume=resume)


@app.command(epilog=examples("raresim sensitivity friedreich-48-weeks"))
def sensitivity(
    scenario: Scenario,
    replicates: Annotated[
        int, typer.Option("-r", "--replicates", help="Trials for each end of each number.")
    ] = 512,
    seed: Seed = 1,
    hypothesis: Hypothesis = None,
    engine: EngineOption = Engine.AUTO,
    workers: Workers = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Say what drives the answer: power beside assurance, and one number moved at a time."""
    from raresim.cli import running
    from raresim.cli.output import manner

    options: dict[str, Any] = {"hypothesis": hypothesis, "engine": engine.value}
    options |= {"workers": workers}
    running.sensitivity(scenario, replicates, seed, options, manner(json, quiet, verbose))


@app.command(epilog=examples("raresim backtest endear", "raresim backtest all -o predictions"))
def backtest(
    name: Annotated[
        str, typer.Argument(help="A back-test file, the name of a shipped one, or 'all'.")
    ] = "all",
    replicates: Annotated[int, typer.Option("-r", "--replicates", help="Trials to run.")] = 2000,
    seed: Seed = 1,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder for the predictions, written before scoring."),
    ] = None,
    workers: Workers = None,
    without: Without = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Foretell trials that really happened from other evidence, and score the predictions."""
    from raresim.cli import foretelling
    from raresim.cli.output import manner

    options = {"workers": workers, "without": tuple(without or ())}
    foretelling.backtest(name, replicates, seed, options, output, manner(json, quiet, verbose))


@app.command(epilog=examples("raresim report run-cgd"))
def report(
    folder: Annotated[Path, typer.Argument(help="A run folder.")],
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write report.html of a run folder."""
    from raresim.cli import running
    from raresim.cli.output import manner

    running.report(folder, manner(json, quiet, verbose=False))


app.add_typer(asked)
app.add_typer(files)
