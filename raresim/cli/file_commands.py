"""The commands that write files to start from: schemas, models, scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from raresim.cli.options import Json, Kind, NewFile, NewName, SchemaFile, examples

files = typer.Typer()


@files.command(
    epilog=examples(
        "raresim schema scenario -o scenario.schema.json",
    )
)
def schema(
    kind: Annotated[Kind, typer.Argument(help="Which kind of file.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A .json file; printed if not given.")
    ] = None,
) -> None:
    """Print the JSON Schema of model or scenario files, for editors and other programs."""
    from raresim.cli import starting

    starting.schema(kind.value, output)


@files.command("new-model", epilog=examples("raresim new-model marsh-fever"))
def new_model(
    name: NewName, output: NewFile = None, schema_file: SchemaFile = True, json: Json = False
) -> None:
    """Write a commented model file to start from; it is valid at once."""
    from raresim.cli import starting

    starting.new_model(name, output, schema_file=schema_file, as_json=json)


@files.command(
    "new-scenario", epilog=examples("raresim new-scenario my-trial --model friedreich-ataxia")
)
def new_scenario(
    name: NewName,
    model: Annotated[str, typer.Option(help="A model file, or the name of a shipped one.")],
    output: NewFile = None,
    schema_file: SchemaFile = True,
    json: Json = False,
) -> None:
    """Write a commented scenario file to start from, on a model; it is valid at once."""
    from raresim.cli import starting

    starting.new_scenario(name, output, model, schema_file=schema_file, as_json=json)
