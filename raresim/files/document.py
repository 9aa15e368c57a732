"""YAML as plain data with a position for every key and value.

The tree is built from the parser's events, without recursion and without constructing objects:
there is no tag that runs code, no alias that multiplies itself, and no key that silently replaces
another.
"""

from __future__ import annotations

import copy
import functools
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from raresim import limits
from raresim.errors import InputError, Problem

MAX_PROBLEMS = 100

Step = str | int
Position = tuple[int, int]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]"
)
"""Characters that nobody sees: control characters, halves of characters, turns of direction."""

_WORDS: dict[str, bool | None] = {
    "true": True, "True": True, "false": False, "False": False,
    "null": None, "~": None, "": None,
}  # fmt: skip


@dataclass
class Document:
    """A file as plain data, with the line and column at which each part of it stands."""

    path: str
    data: Any
    positions: dict[tuple[Step, ...], Position] = field(default_factory=dict)
    text: str = ""

    def position(self, steps: tuple[Step, ...]) -> Position:
        """Return the place of the nearest part at or above `steps`, counted from 1."""
        while steps and steps not in self.positions:
            steps = steps[:-1]
        return self.positions.get(steps, (1, 1))

    def changed(self, changes: Mapping[str, Any]) -> Document:
        """Return the document with values changed, given by their dotted paths."""
        data = copy.deepcopy(self.data)
        for path, value in changes.items():
            *above, last = path.split(".")
            place = data
            for step in above:
                place = place[int(step) if isinstance(place, list) else step]
            place[int(last) if isinstance(place, list) else last] = copy.deepcopy(value)
        return Document(self.path, data, self.positions, write(data))

    def with_values(self, values: Mapping[str, Any]) -> Document:
        """Return the document with values at dotted paths; keys that are not there are made.

        It has no text: it is there to be checked and run, not to be written.

        Raises
        ------
        LookupError
            When a path leads through something that has no such part.
        """
        data = copy.deepcopy(self.data)
        for path, value in values.items():
            *above, last = path.split(".")
            place = data
            for step in above:
                place = _inside(place, step)
            _put(place, last, value)
        return Document(self.path, data, self.positions)

    def problem(self, steps: tuple[Step, ...], message: str, **details: str) -> Problem:
        """Return a problem that points at the part of the file under `steps`."""
        line, column = self.position(steps)
        name = ".".join(str(step) for step in steps)
        return Problem(message, self.path, line, column, name, **details)

    def placed(self, problem: Problem) -> Problem:
        """Return a problem that names its field at the field's line, if the file has the field."""
        fields = {".".join(map(str, steps)): steps for steps in self.positions}
        line, column = self.position(fields.get(problem.field, ()))
        return replace(problem, file=self.path, line=line, column=column)


def _inside(place: Any, step: str) -> Any:
    """Return a part of a mapping, made if it is not there, or an item of a list."""
    if isinstance(place, dict):
        return place.setdefault(step, {})
    if isinstance(place, list) and step.isdecimal() and int(step) < len(place):
        return place[int(step)]
    raise LookupError(step)


def _put(place: Any, step: str, value: Any) -> None:
    """Set a part of a mapping or an item of a list."""
    if isinstance(place, dict):
        place[step] = value
    elif isinstance(place, list) and step.isdecimal() and int(step) < len(place):
        place[int(step)] = value
    else:
        raise LookupError(step)


def read(path: str | Path) -> Document:
    """Read one YAML file.

    Raises
    ------
    InputError
        When the file is missing, too large, not text, not YAML, or uses what strangers may not:
        tags, anchors, aliases, duplicate keys, nesting beyond 30 levels.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(limits.BYTES.value + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        mend = "check the path; `raresim models` lists what is shipped"
        raise InputError(Problem(f"cannot be read: {reason}", str(path), mend=mend)) from error
    if len(raw) > limits.BYTES.value:
        mend = f"name a model or a scenario file, {limits.BYTES.mend}"
        expected = f"at most {limits.BYTES.value:,} bytes"
        raise InputError(Problem("file is too large", str(path), expected=expected, mend=mend))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = "file is not UTF-8 text"
        mend = "name a model or a scenario file, and save it as UTF-8"
        raise InputError(Problem(message, str(path), expected="a YAML file", mend=mend)) from error
    known = _known(text, str(path))
    return Document(known.path, copy.deepcopy(known.data), known.positions, text)


@functools.lru_cache(maxsize=32)
def _known(text: str, path: str) -> Document:
    """Parse a file once, though it is read twice, to tell its kind and to load it, or by many."""
    return parse(text, path)


def write(data: Any) -> str:
    """Return plain data as YAML text; what is in it twice is written twice, without an alias."""
    from ruamel.yaml import YAML

    out = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.representer.ignore_aliases = lambda _: True
    yaml.dump(data, out)
    return out.getvalue()


def parse(text: str, path: str = "text") -> Document:
    """Build a document from YAML text (see `read`)."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    builder = _Builder(Document(path, None, text=text))
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            builder.take(event)
    except MarkedYAMLError as error:
        raise InputError(_marked(error, path)) from error
    except ReaderError as error:
        before = text[: error.position]
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise InputError(
            Problem(f"not valid YAML: {_HIDDEN}", path, place[0], place[1], mend=_PLAIN)
        ) from error
    except (YAMLError, AssertionError, ArithmeticError, RuntimeError, ValueError) as error:
        message = f"not valid YAML: {str(error) or 'it cannot be read'}".split("\n")[0]
        raise InputError(Problem(message, path, mend=_QUOTES)) from error
    if builder.problems:
        raise InputError(builder.problems)
    return builder.document


_HIDDEN = "a character that nobody sees stands here"
_PLAIN = "remove it; write plain text"
_QUOTES = "check quotes, brackets and indentation here and in the line before"


def _marked(error: Any, path: str) -> Problem:
    """Return ruamel's complaint as a problem, with what usually mends it."""
    mark, start = error.problem_mark or error.context_mark, error.context_mark
    place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    reason, within = str(error.problem or "it cannot be read"), str(error.context or "")
    reason = reason.replace("'<stream end>'", "the end of the file")
    reason = reason.replace("found unexpected end of stream", "the file ends too soon")
    mend = _QUOTES
    if "'\\t'" in reason:
        mend = "indent with spaces, never with tabs"
    elif "mapping values" in reason:
        mend = "put text that holds ': ' between quotes, and check the indentation"
    elif start and "flow" in within:
        kind = "'['" if "sequence" in within else "'{'"
        mend = f"close the {kind} opened in line {start.line + 1}, or add the comma"
    elif start and "quoted scalar" in within:
        mend = f"close the quote opened in line {start.line + 1}"
    elif "expected ':'" in reason:
        mend = "write 'key: value'"
    return Problem(f"not valid YAML: {reason}", path, place[0], place[1], mend=mend)


class _Builder:
    """Builds the tree from events; a stack of open containers takes the place of recursion."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.stack: list[tuple[Any, tuple[Step, ...]]] = []
        self.key: list[Step | None] = []
        self.nodes = 0

    def take(self, event: Any) -> None:
        name = type(event).__name__
        if name == "DocumentStartEvent" and self.nodes:
            self.stop(event, "holds more than one document", "one document in a file")
        if name == "AliasEvent" or getattr(event, "anchor", None):
            self.stop(event, "anchors and aliases are not allowed", "write the value out")
        if getattr(event, "tag", None) is not None:
            self.stop(event, "tags are not allowed", "write the plain value, without '!'")
        if name in ("MappingStartEvent", "SequenceStartEvent"):
            self.open(event, {} if name[0] == "M" else [])
        elif name in ("MappingEndEvent", "SequenceEndEvent"):
            self.stack.pop()
            self.key.pop()
        elif name == "ScalarEvent":
            self.scalar(event)

    def stop(self, event: Any, message: str, mend: str) -> None:
        place = (event.start_mark.line + 1, event.start_mark.column + 1)
        raise InputError(Problem(message, self.document.path, place[0], place[1], mend=mend))

    def open(self, event: Any, container: Any) -> None:
        if len(self.stack) >= limits.DEPTH.value:
            message = f"nested deeper than {limits.DEPTH.value} levels"
            self.stop(event, message, f"flatten the file, {limits.DEPTH.mend}")
        if self.stack and isinstance(self.stack[-1][0], dict) and self.key[-1] is None:
            self.stop(event, "a key must be a plain word", "give the mapping a name")
        steps = self.place(event, container)
        self.stack.append((container, steps))
        self.key.append(None)

    def scalar(self, event: Any) -> None:
        if _UNSEEN.search(event.value):
            self.stop(event, _HIDDEN, _PLAIN)
        if self.stack and isinstance(self.stack[-1][0], dict) and self.key[-1] is None:
            if len(event.value) > limits.KEY.value:
                message = f"a key of more than {limits.KEY.value} characters"
                self.stop(event, message, f"shorten it, {limits.KEY.mend}")
            container, steps = self.stack[-1]
            self.key[-1] = str(event.value)
            place = (event.start_mark.line + 1, event.start_mark.column + 1)
            if event.value in container:
                name = ".".join(str(step) for step in (*steps, event.value))
                mend = "keep one of the two"
                problem = Problem(
                    "this key stands here twice", self.document.path, *place, name, mend=mend
                )
                self.problems.append(problem)
                if len(self.problems) >= MAX_PROBLEMS:
                    raise InputError(self.problems)
            self.document.positions.setdefault((*steps, event.value), place)
            return
        plain = event.implicit[0] and event.style is None
        self.place(event, _plain(event.value) if plain else event.value)

    def place(self, event: Any, value: Any) -> tuple[Step, ...]:
        self.nodes += 1
        if self.nodes > limits.VALUES.value:
            message = f"more than {limits.VALUES.value:,} values"
            self.stop(event, message, f"split the file, {limits.VALUES.mend}")
        position = (event.start_mark.line + 1, event.start_mark.column + 1)
        if not self.stack:
            self.document.data = value
            self.document.positions[()] = position
            return ()
        container, above = self.stack[-1]
        if isinstance(container, list):
            steps = (*above, len(container))
            container.append(value)
        else:
            key = self.key[-1]
            assert key is not None
            steps = (*above, key)
            container[key] = value
            self.key[-1] = None
        if isinstance(container, list) or not isinstance(value, (dict, list)):
            self.document.positions[steps] = position
        return steps


def _plain(text: str) -> Any:
    """Return the value of an unquoted scalar after YAML 1.2's core schema (no octal, no dates)."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) < 25 and _INTEGER.fullmatch(text):
        return int(text)
    if len(text) < 40 and _FLOAT.fullmatch(text):
        return float(text)
    return text
