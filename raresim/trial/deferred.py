"""Data classes whose fields are worked out when somebody asks for them, and then kept.

A look at a trial reads few of the many arrays of its ledger; those that nobody reads are not cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

D = TypeVar("D", bound="Deferred")


class Deferred:
    """What a data class inherits whose fields may be worked out later."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    if not TYPE_CHECKING:  # what has no field of a name is an error to mypy, too

        def __getattr__(self, name: str) -> Any:
            """Return a field that has not been asked for before."""
            later = self.__dict__.get("_later")
            if later is None or name not in getattr(type(self), "__dataclass_fields__", ()):
                raise AttributeError(f"{type(self).__name__!r} has no {name!r}")
            value = self.__dict__[name] = later(name)
            return value


def deferred(kind: type[D], later: Callable[[str], Any]) -> D:
    """Return one of a kind of data class whose fields are what `later` returns of their names.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Pair(Deferred):
    ...     first: int
    ...     second: int
    ...     third: int = 0
    >>> asked = []
    >>> pair = deferred(Pair, lambda name: asked.append(name) or len(name))
    >>> pair.second, pair.second, pair.third, asked
    (6, 6, 5, ['third', 'second'])
    """
    found = object.__new__(kind)
    found.__dict__["_later"] = later
    for field in fields(kind):
        if field.default is not MISSING:  # the class would answer for the object
            found.__dict__[field.name] = later(field.name)
    return found
