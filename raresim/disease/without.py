"""A model without a source: what would be known if that paper had not been written.

The file's data are changed before they are read: pools lose the studies of the source, targets and
left-out numbers from it go. Assumptions stay, also those to which the source lends support. A
number that rests on the source alone cannot go: a model has no gap in its place. It is refused.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from raresim.errors import InputError, Problem, did_you_mean
from raresim.files import Document
from raresim.files.document import Step, write

Steps = tuple[Step, ...]


def taken_away(document: Document, sources: Collection[str]) -> Document:
    r"""Return a model file without what comes from some sources, every part with its old line.

    Parameters
    ----------
    document
        The file as read.
    sources
        Keys of the file's sources.

    Raises
    ------
    InputError
        When a source is unknown, or numbers rest on it alone: each of them at its line.

    Examples
    --------
    >>> from raresim.files.document import parse
    >>> text = "sources: {a: {}, b: {}}\nx: {pool: [{mean: 1, source: a}, {mean: 2, source: b}]}"
    >>> taken_away(parse(text), ["a"]).data["x"]
    {'pool': [{'mean': 2, 'source': 'b'}]}
    """
    known = document.data.get("sources") if isinstance(document.data, dict) else None
    for source in sources:
        if not isinstance(known, dict) or source not in known:
            message = f"no source {source!r} in {document.path}"
            raise InputError(Problem(message, mend=did_you_mean(source, list(known or ()))))
    taken = _Taken(document, frozenset(sources))
    data = taken.kept(document.data, (), ())
    if taken.problems:
        raise InputError(taken.problems)
    return Document(document.path, data, taken.positions, write(data))


@dataclass
class _Taken:
    """The walk through a file; `positions` are those of what is kept."""

    document: Document
    gone: frozenset[str]
    positions: dict[Steps, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def kept(self, value: Any, old: Steps, new: Steps) -> Any:
        """Return what is left of a value that stood at `old` and will stand at `new`."""
        if old in self.document.positions:
            self.positions[new] = self.document.positions[old]
        if isinstance(value, dict):
            return self.mapping(value, old, new)
        if isinstance(value, list):
            return self.items(value, old, new)
        return value

    def mapping(self, value: dict[str, Any], old: Steps, new: Steps) -> dict[str, Any]:
        """Return a mapping, having refused evidence that has the source alone."""
        if "evidence" in old and value.get("source") in self.gone:
            self.alone(old, str(value["source"]))
        return {key: self.kept(part, (*old, key), (*new, key)) for key, part in value.items()}

    def items(self, value: list[Any], old: Steps, new: Steps) -> list[Any]:
        """Return a list without targets, left-out numbers and studies from the sources."""
        whole = [(index, part) for index, part in enumerate(value)]
        if old in (("targets",), ("left_out",)) or old[-1:] == ("pool",):
            whole = [(index, part) for index, part in whole if self.stays(part)]
            if value and not whole and old[-1] == "pool":
                self.alone(old[:-1], ", ".join(sorted(self.gone)))
        return [
            self.kept(part, (*old, index), (*new, place))
            for place, (index, part) in enumerate(whole)
        ]

    def stays(self, part: Any) -> bool:
        """Return whether a target, a left-out number or a study is from another source."""
        if not isinstance(part, dict):
            return True
        evidence = part.get("evidence")
        said = {part.get("source"), evidence.get("source") if isinstance(evidence, dict) else None}
        return not said & self.gone

    def alone(self, steps: Steps, source: str) -> None:
        """Refuse to take away a number that rests on the source alone."""
        mend = (
            "put it into a 'pool' with another study's, or state it as 'assumed' with 'why' "
            "in a copy of the model"
        )
        message = f"rests on {source!r} alone, which is to be taken away"
        self.problems.append(self.document.problem(steps, message, mend=mend))
