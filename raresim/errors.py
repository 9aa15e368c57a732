"""Everything that can go wrong, said so that it can be mended.

RaresimError
├── InputError      somebody's file, table or argument is wrong (exit code 2)
├── RefusedError    a sound request that this engine or version does not carry out (exit code 2)
├── LostError       the machine gave out: a full disk, a worker that vanished (exit code 2)
├── StoppedError    somebody stopped the work (exit code 130)
└── CheckError      a gate or check failed (exit code 1)
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


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


class Fault(ValueError):
    """A value that cannot be, and the way to mend it; becomes a problem at its line."""

    def __init__(self, message: str, mend: str = "") -> None:
        self.mend = mend
        super().__init__(message)


class RefusedError(RaresimError):
    """The request is sound, but this engine or this version does not carry it out."""


class LostError(RaresimError):
    """The machine gave out: a full disk, a worker that vanished; no file is wrong."""


class StoppedError(RaresimError):
    """Somebody stopped the work, as with Ctrl-C; the message says what is left of it."""


class CheckError(RaresimError):
    """A gate or a check failed."""


LONGEST_WORD, MOST_WORDS = 100, 100
"""What is compared with what at most: files come from strangers, and comparing takes its time."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a mending hint that names the known word nearest to `word`, or lists them all.

    >>> did_you_mean("inheritence", ["age", "inheritance"])
    "did you mean 'inheritance'?"
    """
    known = [name for name in known if len(name) <= LONGEST_WORD][:MOST_WORDS]
    near = difflib.get_close_matches(word[: LONGEST_WORD + 1], known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    listed = ", ".join(known[:30]) + (", ..." if len(known) > 30 else "")
    return f"known: {listed}" if known else ""


VALUE_KINDS = {
    "string_type": ("text", "put it between quotes"),
    "int_type": ("a whole number", "write digits without quotes, such as 12"),
    "int_parsing": ("a whole number", "write digits without quotes, such as 12"),
    "int_from_float": ("a whole number", "write digits without quotes, such as 12"),
    "float_type": ("a number", "write digits without quotes, such as 0.5"),
    "finite_number": ("a number of ordinary size", "write digits, such as 0.5"),
    "bool_type": ("true or false", "write true or false, without quotes"),
    "dict_type": ("a mapping", "write 'name: ...' lines below it, or {name: ...}"),
    "model_type": ("a mapping", "write 'name: ...' lines below it, or {name: ...}"),
    "model_attributes_type": ("a mapping", "write 'name: ...' lines below it, or {name: ...}"),
    "list_type": ("a list", "write [a, b], or lines that begin with '- '"),
}
"""What pydantic wanted by the type of its complaint, and how that is written."""

_BOUNDS = {
    "greater_than": ("a number above {gt}", "gt"),
    "greater_than_equal": ("a number of at least {ge}", "ge"),
    "less_than": ("a number below {lt}", "lt"),
    "less_than_equal": ("a number of at most {le}", "le"),
}


def shown(value: Any) -> str:
    """Return a value as it is told back to whoever wrote it, cut where it is long."""
    text = repr(value) if isinstance(value, str) else _flow(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _flow(value: Any) -> str:
    """Return a value as YAML in one line, for people."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(part) for part in value) + "]"
    if value is None:
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else str(value)


def plain_words(item: Any, value: Any) -> tuple[str, str]:
    """Return what one of pydantic's complaints expected, in plain words, and how to mend it."""
    kind, context = item["type"], item.get("ctx") or {}
    if kind == "value_error":
        return str(context["error"]), getattr(context["error"], "mend", "")
    if kind in VALUE_KINDS:
        wanted, mend = VALUE_KINDS[kind]
        if value is None or (kind == "string_type" and isinstance(value, (dict, list))):
            mend = f"write {wanted} after the colon"
        return f"expected {wanted}", mend
    if kind in _BOUNDS:
        wanted = _BOUNDS[kind][0].format(**context)
        return f"expected {wanted}", f"write {wanted}"
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", context["expected"])
        wanted = " or ".join(", ".join(map(repr, known)).rsplit(", ", 1))
        near = did_you_mean(str(value), known)
        mend = near if near.startswith("did") else f"write {' or '.join(known)}"
        return f"expected {wanted}", mend
    if kind in ("too_short", "too_long", "string_too_short"):
        return _sized(kind, context)
    message = str(item["msg"])
    if kind == "statistic":
        return message, "write one of them, as in {mean: 12, sd: 3, n: 40, source: KEY}"
    return message[:1].lower() + message[1:], ""


def _sized(kind: str, context: dict[str, Any]) -> tuple[str, str]:
    if kind == "string_too_short":
        return f"expected at least {context['min_length']} characters", "write it out"
    has = context["actual_length"]
    there = f"there {'is' if has == 1 else 'are'} {has or 'none'}"
    if kind == "too_short":
        few = context["min_length"]
        what = "entry" if few == 1 else "entries"
        return f"expected at least {few} {what}, {there}", f"write at least {few}"
    many = context["max_length"]
    return f"expected at most {many} entries, {there}", f"keep at most {many}"
