"""What the checkers of model and scenario files share: names that lead somewhere, in words."""

from __future__ import annotations

from collections.abc import Iterable

from raresim.disease.outcome_block import Recurrent, TimeToEvent
from raresim.disease.score_block import Diary, Longitudinal, States, Trajectory
from raresim.disease.spec import ModelSpec
from raresim.disease.variable_block import Category, Computed, LookedUp, Number, Sum
from raresim.errors import Problem, did_you_mean
from raresim.files.document import MAX_PROBLEMS, Document, Step

Steps = tuple[Step, ...]
_KINDS: dict[type, str] = {
    Category: "a category",
    Number: "a number",
    Sum: "a sum of numbers",
    Computed: "a computed number",
    LookedUp: "a number of a table",
    Recurrent: "an outcome that may come again",
    TimeToEvent: "an outcome that comes once",
    Longitudinal: "a score",
    Trajectory: "a score that follows a curve",
    Diary: "a diary",
    States: "a course through states",
}


class Checker:
    """Collects the problems of a file; `model` is what its names refer to."""

    def __init__(self, document: Document, model: ModelSpec) -> None:
        self.document = document
        self.kinds = kinds(model)
        self.problems: list[Problem] = []

    def add(self, steps: Steps, message: str, mend: str = "") -> None:
        """Add a problem at its line."""
        self.problems.append(self.document.problem(steps, message, mend=mend))

    def known(self, steps: Steps, what: str, name: str, known: Iterable[str]) -> bool:
        """Check that a name leads somewhere."""
        known = list(known)
        if name not in known and len(self.problems) < MAX_PROBLEMS:
            self.add(steps, f"unknown {what} {name!r}", did_you_mean(name, known))
        return name in known

    def named(
        self, steps: Steps, what: str, name: str | None, known: Iterable[str], wanted: str = ""
    ) -> bool:
        """Check the name of a variable or outcome, where stated: known, and of the kind wanted."""
        known = list(known)
        kind = self.kinds.get(name or "")
        if name is None or name in known:
            return True
        if kind is None:
            return self.known(steps, what, name, known)
        if len(self.problems) < MAX_PROBLEMS:
            wanted = wanted or f"a {what}"
            listed = ", ".join(known[:30]) + (", ..." if len(known) > 30 else "")
            mend = (
                f"write one of: {listed}" if known else f"add {wanted} to the model, or remove it"
            )
            self.add(steps, f"{name!r} is {kind}; expected {wanted}", mend)
        return False


def kinds(spec: ModelSpec) -> dict[str, str]:
    """Return what each variable and each outcome is, in words."""
    found = {name: _KINDS[type(outcome)] for name, outcome in spec.outcomes.items()}
    for name, variable in spec.patients.items():
        rows = isinstance(variable, Number) and variable.rows is not None
        found[name] = "a number with rows" if rows else _KINDS[type(variable)]
        if isinstance(variable, Category) and variable.ordered:
            found[name] = "an ordered category"
    return found
