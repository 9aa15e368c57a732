"""The commands that ask questions: compare, sweep, search, size, calibrate, decide."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from raresim.cli.options import (
    Engine,
    EngineOption,
    Hypothesis,
    Json,
    Quiet,
    Resume,
    Scenario,
    Seed,
    Verbose,
    Workers,
    examples,
)
from raresim.errors import InputError

asked = typer.Typer()


@asked.command(
    epilog=examples(
        "raresim compare cgd-interferon-gamma my-design.yaml -r 2000 -o comparison",
    )
)
def compare(
    scenarios: Annotated[
        list[str], typer.Argument(help="Two scenarios or more: files, or names of shipped ones.")
    ],
    replicates: Annotated[
        int, typer.Option("-r", "--replicates", help="Trials to run of each design.")
    ] = 2000,
    seed: Seed = 1,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the table and its picture.")
    ] = None,
    resume: Resume = False,
    hypothesis: Hypothesis = None,
    engine: EngineOption = Engine.AUTO,
    workers: Workers = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Run designs side by side on the same patients: what each gains, costs, and how sure."""
    from raresim.cli import comparing
    from raresim.cli.output import manner

    options: dict[str, Any] = {"hypothesis": hypothesis, "engine": engine.value}
    options |= {"workers": workers}
    how = manner(json, quiet, verbose)
    comparing.compare(scenarios, replicates, seed, options, output, how, resume=resume)


@asked.command(
    epilog=examples(
        "raresim sweep friedreich-48-weeks --set design.randomise.n=40,60,80 -o sweep",
        "raresim sweep my-trial.yaml --set 'design.randomise.n=20..100 by 20' "
        "--set truth.leaves_study.rate='0.1 per year, 0.2 per year'",
    )
)
def sweep(
    scenario: Scenario,
    set_: Annotated[
        list[str],
        typer.Option(
            "--set",
            help="PATH=VALUES: a place of the scenario, or with 'model.' of its model, and the "
            "values to stand there (may be given again).",
        ),
    ],
    replicates: Annotated[
        int, typer.Option("-r", "--replicates", help="Trials at each point.")
    ] = 1024,
    seed: Seed = 1,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the table and its picture.")
    ] = None,
    resume: Resume = False,
    hypothesis: Hypothesis = None,
    engine: EngineOption = Engine.AUTO,
    workers: Workers = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Run a design at every combination of some values: a table, and a picture of its power."""
    from raresim.cli import asking
    from raresim.cli.output import manner

    options: dict[str, Any] = {"hypothesis": hypothesis, "engine": engine.value}
    options |= {"workers": workers}
    how = manner(json, quiet, verbose)
    asking.sweep(scenario, set_, replicates, seed, options, output, how, resume=resume)


@asked.command(
    epilog=examples(
        "raresim search friedreich-48-weeks --over design.randomise.n=40..160 --power 0.8",
        "raresim search my-trial.yaml --over design.sites.number=2..12 --assurance 0.6 "
        "--limit duration=36 -o search",
    )
)
def search(
    scenario: Scenario,
    over: Annotated[
        str,
        typer.Option(
            help="PATH=LOWEST..HIGHEST: the whole number that is looked for, and where. "
            "PATH+OTHER=... moves other numbers in proportion."
        ),
    ],
    power: Annotated[
        float | None, typer.Option(help="The rate of success that is asked for; 0.8 if not given.")
    ] = None,
    assurance: Annotated[
        float | None,
        typer.Option(help="In its place: the rate with all drawn that is uncertain."),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(help="NAME=MOST: what duration (months) or cost is to be on average."),
    ] = None,
    budget: Annotated[int, typer.Option(help="Trials at most.")] = 40_960,
    within: Annotated[
        float, typer.Option(help="Stop when the interval is this narrow, as a share of the number.")
    ] = 0.01,
    seed: Seed = 1,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the answer and its picture.")
    ] = None,
    resume: Resume = False,
    hypothesis: Hypothesis = None,
    engine: EngineOption = Engine.AUTO,
    workers: Workers = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find the smallest number with which a design succeeds as often as is asked for."""
    from raresim.cli import asking
    from raresim.cli.output import manner

    if power is not None and assurance is not None:
        raise InputError("--power and --assurance cannot go together; leave one out")
    target = assurance if assurance is not None else 0.8 if power is None else power
    options: dict[str, Any] = {"hypothesis": hypothesis, "engine": engine.value}
    options |= {"workers": workers, "seed": seed, "budget": budget, "within": within}
    options |= {"assurance": assurance is not None}
    how = manner(json, quiet, verbose)
    asking.search(scenario, over, target, limit or [], options, output, how, resume=resume)


@asked.command(epilog=examples("raresim size friedreich-48-weeks -r 2000 -o size"))
def size(
    scenario: Scenario,
    replicates: Annotated[
        int, typer.Option("-r", "--replicates", help="Trials of each cell that may be the worst.")
    ] = 20_000,
    seed: Seed = 1,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the table and its picture.")
    ] = None,
    resume: Resume = False,
    engine: EngineOption = Engine.AUTO,
    workers: Workers = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Say how often a design errs at most, over its null hypotheses and its nuisance grid."""
    from raresim.cli import sizing
    from raresim.cli.output import manner

    options: dict[str, Any] = {"engine": engine.value, "workers": workers}
    how = manner(json, quiet, verbose)
    sizing.size(scenario, replicates, seed, options, output, how, resume=resume)


@asked.command(
    epilog=examples("raresim calibrate friedreich-48-weeks --level 0.025 -o calibration")
)
def calibrate(
    scenario: Scenario,
    level: Annotated[
        float, typer.Option("--level", help="The family-wise error that is allowed.")
    ] = 0.025,
    replicates: Annotated[
        int, typer.Option("-r", "--replicates", help="Trials of each cell that may be the worst.")
    ] = 20_480,
    seed: Seed = 1,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the answer and its picture.")
    ] = None,
    resume: Resume = False,
    engine: EngineOption = Engine.AUTO,
    workers: Workers = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find the thresholds with which a design errs no more often than is allowed."""
    from raresim.cli import sizing
    from raresim.cli.output import manner

    options: dict[str, Any] = {"engine": engine.value, "workers": workers}
    how = manner(json, quiet, verbose)
    sizing.calibrate(scenario, level, replicates, seed, options, output, how, resume=resume)


@asked.command(epilog=examples("raresim decide cgd-interferon-gamma --worth 0.6 -o decision"))
def decide(
    scenario: Scenario,
    worth: Annotated[
        float | None,
        typer.Option(
            help="From which true value on a drug is worth having, on the scale of what decides: "
            "a hazard ratio of 0.7, a difference of 3 points. Any benefit if not given."
        ),
    ] = None,
    replicates: Annotated[
        int, typer.Option("-r", "--replicates", help="Trials under each hypothesis.")
    ] = 4096,
    seed: Seed = 1,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the answer and its picture.")
    ] = None,
    resume: Resume = False,
    engine: EngineOption = Engine.AUTO,
    workers: Workers = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Say how often a design goes for nothing and how often it misses a drug that works."""
    from raresim.cli import asking
    from raresim.cli.output import manner

    options: dict[str, Any] = {"engine": engine.value, "workers": workers, "worth": worth}
    how = manner(json, quiet, verbose)
    asking.decide(scenario, replicates, seed, options, output, how, resume=resume)
