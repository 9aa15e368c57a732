"""Everything that can go wrong, said so that it can be mended.

RaresimError
├── InputError      somebody's file, table or argument is wrong (exit code 2)
├── RefusedError    a sound request that this engine or version does not carry out (exit code 2)
└── CheckError      a gate or check failed (exit code 1)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One fault: where it stands, what was found, what was expected and how to mend it."""

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    field: str = ""
    found: str = ""
    expected: str = ""
    mend: str = ""

    def __str__(self) -> str:
        """Render as `file:line:column: field: message`, one indented line for each detail."""
        place = self.file
        if self.line:
            place += f":{self.line}:{self.column}"
        head = ": ".join(part for part in (place, self.field, self.message) if part)
        details = (("found", self.found), ("expected", self.expected), ("mend", self.mend))
        return "\n".join([head, *(f"    {name}: {text}" for name, text in details if text)])


class RaresimError(Exception):
    """Root of every error that raresim raises on purpose."""


class InputError(RaresimError):
    """A file, table or argument is wrong; carries every problem found, not only the first."""

    def __init__(self, problems: str | Problem | Sequence[Problem]) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RefusedError(RaresimError):
    """The request is sound, but this engine or this version does not carry it out."""


class CheckError(RaresimError):
    """A gate or a check failed."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a mending hint that names the known word nearest to `word`, or lists them all.

    >>> did_you_mean("inheritence", ["age", "inheritance"])
    "did you mean 'inheritance'?"
    """
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return "known: " + ", ".join(known) if known else ""
