"""Names in a model file that must lead somewhere: sources, variables, states, outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from raresim.disease import network
from raresim.disease.outcome_block import Longitudinal, TimeToEvent
from raresim.disease.spec import ModelSpec
from raresim.disease.variable_block import Category, Number, Sum
from raresim.errors import InputError, Problem, did_you_mean
from raresim.evidence import fit
from raresim.files.document import MAX_PROBLEMS, Document, Step
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
            mend = "take 'given', 'sum_of' or a tie away from one of them"
            check.add(("patients",), str(error).removeprefix("patients: "), mend)
    return in_order(check.problems)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems by their lines, each once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.line, problem.column))


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
        if name is not None and name not in known and len(self.problems) < MAX_PROBLEMS:
            self.add(steps, f"unknown {what} {name!r}", did_you_mean(name, known))

    def sources(self) -> None:
        for steps, name in source_names(self.document.data):
            if name:
                self.known(steps, "source", name, self.spec.sources)

    def variable(self, name: str, variable: Any) -> None:
        steps: Steps = ("patients", name)
        if name in self.spec.outcomes or name == "site":
            message = "is the name of an outcome too" if name != "site" else "is taken: study sites"
            self.add(steps, message, "choose another name")
        if isinstance(variable, Category) and len(set(variable.names)) < len(variable.names):
            self.add((*steps, "states"), "a state stands here twice", "keep one of the two")
        numbers = [n for n, v in self.spec.patients.items() if isinstance(v, (Number, Sum))]
        if isinstance(variable, Sum):
            for part in variable.sum_of:
                self.known((*steps, "sum_of"), "number", part, numbers)
            return
        self.known((*steps, "given"), "categorical variable", variable.given, self.states)
        if variable.given in self.states and variable.rows is not None:
            self.rows((*steps, "rows"), variable)
        statements: list[tuple[Steps, Any]] = [(steps, variable)]
        if variable.rows:
            statements = [((*steps, "rows", k), row) for k, row in enumerate(variable.rows)]
        for place, statement in statements:
            word = "evidence" if statement.evidence is not None else "assumed"
            statistic = getattr(statement, word)
            if isinstance(variable, Category):
                self.shares((*place, word), name, variable.names, statistic)
            else:
                self.fits((*place, word), variable, statistic)

    def rows(self, steps: Steps, variable: Any) -> None:
        """Check that each state of the parent has one row."""
        wanted = self.states[variable.given]
        for index, row in enumerate(variable.rows):
            self.known((*steps, index, "when"), "state", row.when, wanted)
        whens = [row.when for row in variable.rows]
        if set(whens) <= set(wanted) and sorted(whens) != sorted(set(wanted)):
            message = f"rows need each state of {variable.given} once: {', '.join(wanted)}"
            lacking = [f"add '- {{when: {state}, ...}}'" for state in wanted if state not in whens]
            twice = [f"keep one row of {state}" for state in wanted if whens.count(state) > 1]
            self.add(steps, message, "; ".join([*lacking, *twice]))

    def shares(self, steps: Steps, name: str, states: tuple[str, ...], statistic: Any) -> None:
        """Check that a share is stated for every state, and for nothing else."""
        stated = statistic.numbers()
        for state in stated:
            self.known((*steps, "share", state), f"state of {name}", state, states)
        for state in states:
            if state not in stated and set(stated) <= set(states):
                mend = f"add '{state}: ...' or '{state}: rest'"
                self.add((*steps, "share"), f"no share is stated for the state {state!r}", mend)

    def fits(self, steps: Steps, variable: Number, statistic: Any) -> None:
        """Check that a distribution on the variable's range has the numbers."""
        try:
            fit(statistic, variable.range, None)
        except InputError as error:
            needs = "needs the SD" in str(error)
            self.add(steps, str(error), "add 'sd:'" if needs else "check the numbers and 'range'")

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
            if outcome.change_after < 1:
                self.add((*steps, "change_after"), "expected a day or more", "write '48 weeks'")
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
                    self.add(
                        steps,
                        f"{second!r} is tied to two others; one tie is possible yet",
                        "keep the stronger tie",
                    )
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
        check.add(steps, str(error), unknown_name(check.states, error, known))


def unknown_name(
    states: Mapping[str, tuple[str, ...]], error: ExpressionError, known: Iterable[str]
) -> str:
    """Return how to mend a condition: a state stands beside its variable, a name is known."""
    owner = next((name for name, own in states.items() if error.unknown in own), None)
    if error.unknown and owner:
        return f"a state stands beside its variable: '{owner} == {error.unknown}'"
    return did_you_mean(error.unknown, known) if error.unknown else error.mend
