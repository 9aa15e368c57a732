"""Names in a model file that must lead somewhere: sources, variables, states, outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from raresim.disease import network
from raresim.disease.spec import Category, Longitudinal, ModelSpec, Number, Sum, TimeToEvent
from raresim.errors import InputError, Problem, did_you_mean
from raresim.files.document import Document, Step
from raresim.files.expressions import Expression, ExpressionError

Steps = tuple[Step, ...]


def check_references(document: Document, spec: ModelSpec) -> list[Problem]:
    """Return a problem for every name that leads nowhere, each at its line."""
    check = _Checker(document, spec)
    check.sources()
    for name, variable in spec.patients.items():
        check.variable(name, variable)
    for name, outcome in spec.outcomes.items():
        check.outcome(name, outcome)
    check.pairs()
    check.conditions()
    if not check.problems:
        try:
            network.order(spec)
        except InputError as error:
            check.add(("patients",), str(error).removeprefix("patients: "), "break the circle")
    return check.problems


def source_names(data: Any, steps: Steps = ()) -> Iterator[tuple[Steps, str]]:
    """Yield the place and value of every `source` key below some data."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "source" and isinstance(value, str):
                yield (*steps, key), value
            else:
                yield from source_names(value, (*steps, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from source_names(value, (*steps, index))


class _Checker:
    def __init__(self, document: Document, spec: ModelSpec) -> None:
        self.document = document
        self.spec = spec
        self.problems: list[Problem] = []
        self.states = {n: v.names for n, v in spec.patients.items() if isinstance(v, Category)}
        scores = {n for n, o in spec.outcomes.items() if isinstance(o, Longitudinal)}
        self.numeric = frozenset(set(spec.patients) - set(self.states) | scores)

    def add(self, steps: Steps, message: str, mend: str = "") -> None:
        self.problems.append(self.document.problem(steps, message, mend=mend))

    def known(self, steps: Steps, what: str, name: str | None, known: Iterable[str]) -> None:
        known = list(known)
        if name is not None and name not in known:
            self.add(steps, f"unknown {what} {name!r}", did_you_mean(name, known))

    def sources(self) -> None:
        for steps, name in source_names(self.document.data):
            if name:
                self.known(steps, "source", name, self.spec.sources)

    def variable(self, name: str, variable: Any) -> None:
        steps: Steps = ("patients", name)
        numbers = [n for n, v in self.spec.patients.items() if isinstance(v, (Number, Sum))]
        if isinstance(variable, Sum):
            for part in variable.sum_of:
                self.known((*steps, "sum_of"), "number", part, numbers)
            return
        self.known((*steps, "given"), "categorical variable", variable.given, self.states)
        if variable.given in self.states and variable.rows is not None:
            wanted = self.states[variable.given]
            for index, row in enumerate(variable.rows):
                self.known((*steps, "rows", index, "when"), "state", row.when, wanted)
            whens = [row.when for row in variable.rows]
            if sorted(whens) != sorted(wanted):
                message = f"rows need each state of {variable.given} once: {', '.join(wanted)}"
                self.add((*steps, "rows"), message)
        if isinstance(variable, Category):
            statements: list[Any] = [*variable.rows] if variable.rows else [variable]
            for statement in statements:
                statistic = statement.evidence or statement.assumed
                assert statistic is not None
                for state in statistic.numbers():
                    self.known(steps, f"state of {name}", state, variable.names)

    def outcome(self, name: str, outcome: Any) -> None:
        steps: Steps = ("outcomes", name)
        if isinstance(outcome, TimeToEvent):
            others = [n for n, o in self.spec.outcomes.items() if o.kind == "recurrent"]
            where = (*steps, "shares_frailty_with")
            self.known(where, "recurrent outcome", outcome.shares_frailty_with, others)
        if isinstance(outcome, Longitudinal):
            for index, faster in enumerate(outcome.faster_with):
                numbers = [n for n, v in self.spec.patients.items() if not isinstance(v, Category)]
                where = (*steps, "faster_with", index, "variable")
                self.known(where, "number", faster.variable, numbers)
            if outcome.at_screening.statistic.sd is None:
                self.add((*steps, "at_screening"), "needs the SD beside its mean", "add 'sd'")

    def pairs(self) -> None:
        numbers = [n for n, v in self.spec.patients.items() if isinstance(v, Number)]
        patients = self.spec.patients.items()
        single = [n for n, v in patients if isinstance(v, Number) and v.given is None]
        children: set[str] = set()
        tied: tuple[tuple[str, list[Any]], ...] = (
            ("links", [*self.spec.links]),
            ("unpublished", [*self.spec.unpublished]),
        )
        for kind, items in tied:
            for index, item in enumerate(items):
                first, second = item.between
                steps: Steps = (kind, index, "between")
                allowed = single if kind == "links" else numbers
                self.known(steps, "number", first, allowed)
                ends = single if kind == "links" else [*numbers, *self.spec.outcomes]
                self.known(steps, "number or outcome", second, ends)
                if second in children:
                    self.add(steps, f"{second!r} is tied to two others; one tie is possible yet")
                children.add(second)

    def conditions(self) -> None:
        found: list[tuple[Steps, Expression | None]] = []
        found += [(("rules", i, "always"), rule.always) for i, rule in enumerate(self.spec.rules)]
        found += [(("targets", i, "among"), t.among) for i, t in enumerate(self.spec.targets)]
        for name, outcome in self.spec.outcomes.items():
            if isinstance(outcome, Longitudinal):
                found.append((("outcomes", name, "among"), outcome.among))
        for steps, expression in found:
            if expression is not None:
                check_condition(self, steps, expression)
        for index, target in enumerate(self.spec.targets):
            where: Steps = ("targets", index)
            self.known((*where, "share_of"), "categorical variable", target.share_of, self.states)
            self.known((*where, "number"), "number", target.number, self.numeric)
            for key in ("free_of", "rate_of", "change_of"):
                self.known((*where, key), "outcome", getattr(target, key), self.spec.outcomes)
            for name in target.correlation_of or []:
                self.known((*where, "correlation_of"), "number", name, self.numeric)


def check_condition(check: Any, steps: Steps, expression: Expression) -> None:
    """Add a problem where a condition names something unknown."""
    try:
        expression.check(check.states, check.numeric)
    except ExpressionError as error:
        known = [*check.states, *sorted(check.numeric)]
        check.add(steps, str(error), did_you_mean(error.unknown, known) if error.unknown else "")
