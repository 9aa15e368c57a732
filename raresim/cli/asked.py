"""What every question on the terminal does: ask with a bar, print the answer, say where it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from raresim.cli.output import Manner, print_json
from raresim.cli.running import say_engine
from raresim.questions.answer import Answer
from raresim.trial import Scenario

A = TypeVar("A", bound=Answer)


@dataclass(frozen=True)
class Place:
    """Where an answer is written, under which name, and whether earlier work goes on."""

    name: str
    output: Path | None
    resume: bool


def ask(
    question: Callable[..., A],
    scenarios: Iterable[Scenario],
    options: dict[str, Any],
    place: Place,
    picture: Callable[[A], str],
    tell: Callable[[A, Manner], None],
    manner: Manner,
) -> None:
    """Ask a question with some options; `tell` prints the answer for people."""
    for scenario in scenarios:
        say_engine(scenario, options["engine"], manner)
    began = time.perf_counter()
    with manner.bar("trials") as bar:
        kept = {"folder": place.output, "resume": place.resume, "picture": picture}
        found = question(progress=bar, **options, **kept)
    manner.detail(f"answered in {time.perf_counter() - began:.1f} s")
    if manner.as_json:
        print_json(found.dict())
    else:
        tell(found, manner)
    if place.output is not None:
        files = f"{place.name}.json, {place.name}.parquet and {place.name}.svg"
        manner.remark(f"{files} are in {place.output}")
