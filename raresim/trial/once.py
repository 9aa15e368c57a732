"""What is worked out from a scenario once, and then kept with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from raresim.trial.scenario import Scenario

P = ParamSpec("P")
T = TypeVar("T")


def once(find: Callable[Concatenate[Scenario, P], T]) -> Callable[Concatenate[Scenario, P], T]:
    """Return a function of a scenario, and maybe of more, that is called once for each.

    What it finds must hang on nothing else; nobody may change it.
    """
    name = f"{find.__module__}.{find.__qualname__}"  # a scenario travels to workers, with it this

    @wraps(find)
    def found(scenario: Scenario, /, *others: P.args, **named: P.kwargs) -> T:
        known: dict[tuple[Any, ...], T] = scenario.__dict__.setdefault("_found_once", {})
        key = (name, *others, *sorted(named.items()))
        if key not in known:
            known[key] = find(scenario, *others, **named)
        return known[key]

    return found
