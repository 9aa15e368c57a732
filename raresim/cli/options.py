"""The options that commands share, and the words that they take."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


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
    typer.Option(help="Where in its interval each unpublished number is taken."),
]
Without = Annotated[
    list[str] | None,
    typer.Option(help="Take a source of the model away (may be given again)."),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print the answer alone.")]
Verbose = Annotated[
    bool, typer.Option("-v", "--verbose", help="Say on standard error what is being done.")
]
EngineOption = Annotated[Engine, typer.Option(help="How trials are run.")]
Workers = Annotated[
    int | None, typer.Option(help="Processes; one for each processor if not given.", min=1)
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the unfinished run in the folder.")
]
Mcse = Annotated[
    float | None,
    typer.Option(
        help="Stop when the Monte Carlo standard error of the rate of success is no larger, such "
        "as 0.002; -r is then the trials at most."
    ),
]
Dask = Annotated[
    str | None,
    typer.Option(help="Address or scheduler file of a Dask cluster that does the work."),
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


def examples(*lines: str) -> str:
    """Return examples for the end of a help page, each on a line of its own."""
    return "\n\n".join(["Examples:", *(f"  {line}" for line in lines)])
