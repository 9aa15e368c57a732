"""What every answer to a question has: who asked what, and the command that makes it again.

A folder of an answer holds NAME.json, NAME.parquet and NAME.svg; on the way there also what was
run so far, so that it can be resumed.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from raresim.study import parquet
from raresim.study.columns import ArrayTable
from raresim.study.made_by import made_by
from raresim.study.store import Kind, read_hash, write_json
from raresim.study.unfinished import Unfinished, in_passing, is_finished, kept_in
from raresim.trial.scenario import Scenario

ASKED = "asked"


def kind(name: str) -> Kind:
    """Return the kind of work that a question is, kept in folders that NAME.json marks."""
    files = frozenset(f"{name}.{ending}" for ending in ("json", "parquet", "svg"))
    return Kind(name, f"{name}.json", lambda answer: dict(answer.get(ASKED, {})), files)


@dataclass(frozen=True)
class Asked:
    """A question: its name, its scenarios, and all else that decides the bytes of its answer."""

    name: str
    scenarios: Mapping[str, Scenario]
    settings: Mapping[str, Any]

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the answer's bytes, ready for JSON."""
        inputs = {name: read_hash(scenario) for name, scenario in self.scenarios.items()}
        return {**made_by(), "question": self.name, "inputs": inputs, **self.settings}


def command(name: str, scenarios: Iterable[Scenario], options: Mapping[str, Any]) -> str:
    """Return the command that asks a question again; an option that is None is left out.

    >>> command("sweep", [], {"set": ("a=1,2", "b=x y"), "seed": 3, "hypothesis": None})
    "raresim sweep --set a=1,2 --set 'b=x y' --seed 3"
    """
    words = ["raresim", name, *(_called(scenario) for scenario in scenarios)]
    for option, value in options.items():
        for each in value if isinstance(value, tuple) else (value,):
            if each is not None:
                words += [f"--{option}", str(each)]
    return shlex.join(words)


def _called(scenario: Scenario) -> str:
    """Return the name of a shipped scenario, or the path of another one."""
    from raresim import catalogue

    path = Path(scenario.document.path)
    return scenario.stem if catalogue.shipped("scenarios").get(scenario.stem) == path else str(path)


class Answer(Protocol):
    """What a question finds: plain data, and rows."""

    def dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        ...

    @property
    def table(self) -> ArrayTable:
        """The rows."""
        ...


A = TypeVar("A", bound=Answer)


def given(
    asked: Asked,
    of: type[A],
    find: Callable[[Unfinished], A],
    folder: Path | None,
    picture: Callable[[A], str] | None,
    *,
    resume: bool,
) -> A:
    """Return the answer to a question: that of the folder if it is whole, else what is found.

    With a folder and a picture it is written there.
    """
    if (whole := _finished(asked, of, folder, resume=resume)) is not None:
        return whole
    with _at_work(asked, folder, resume=resume) as work:
        found = find(work)
        if picture is not None and work.folder is not None:
            _complete(work, work.folder, asked, found, picture(found))
    return found


@contextmanager
def _at_work(asked: Asked, folder: Path | None, *, resume: bool) -> Iterator[Unfinished]:
    """Give the place in which a question is worked on: that of the folder, or one in passing."""
    if folder is None:
        with in_passing() as work:
            try:
                yield work
            finally:
                shutil.rmtree(work.place, ignore_errors=True)
        return
    with kept_in(folder, asked.identity, resume=resume, kind=kind(asked.name)) as work:
        yield work


def _finished(asked: Asked, of: type[A], folder: Path | None, *, resume: bool) -> A | None:
    """Return the answer that is to be resumed, if the folder holds the whole of it."""
    own = kind(asked.name)
    if folder is None or not is_finished(folder, asked.identity, resume=resume, kind=own):
        return None
    from pydantic import TypeAdapter

    data = json.loads((folder / own.mark).read_text("utf-8"))
    data.pop(ASKED)
    return TypeAdapter(of).validate_python(data)


def _complete(work: Unfinished, folder: Path, asked: Asked, found: Answer, drawing: str) -> None:
    """Write the answer, its rows and its picture into the folder."""
    whole = work.whole
    whole.mkdir()
    parquet.write(iter([found.table]), whole / f"{asked.name}.parquet")
    (whole / f"{asked.name}.svg").write_text(drawing, "utf-8")
    write_json(found.dict() | {ASKED: asked.identity}, whole / f"{asked.name}.json")
    work.finish(folder)
