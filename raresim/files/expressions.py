"""The safe expression language of eligibility, rules and populations. No Python is ever evaluated.

    expression = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation    = "not" negation | comparison
    comparison  = sum [ ( "<" | "<=" | ">" | ">=" | "==" | "!=" ) sum ]
    sum         = product { ( "+" | "-" ) product }
    product     = factor { ( "*" | "/" ) factor }
    factor      = number | name | function "(" expression { "," expression } ")"
                | "-" factor | "(" expression ")"

A name is a variable, or a state of the categorical variable on the other side of `==` or `!=`. In a
formula, which is a number, a condition counts 1 where it holds and 0 where it does not. Size and
depth are bounded, because files come from strangers.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from raresim import limits
from raresim.errors import Fault, did_you_mean

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<sign><=|>=|==|!=|[-<>+*/(),]))",
    re.ASCII,
)
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": np.true_divide,
}
FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "exp": (1, np.exp),
    "log": (1, np.log),
    "sqrt": (1, np.sqrt),
    "min": (2, np.minimum),
    "max": (2, np.maximum),
    "pow": (2, np.power),
}
"""The functions of the language: how many numbers each takes, and what it is."""


_LANGUAGE = "write variables, states and numbers with < <= > >= == != + - * / and, or, not, ( )"
_MENDS = {
    "=": "compare with '=='",
    "!": "write 'not', or '!=' for different",
    "&": "write 'and'",
    "|": "write 'or'",
    "'": "write states without quotes",
    '"': "write states without quotes",
    ".": "attributes are not in the language; write numbers as 0.5",
    "*": "powers are not in the language; multiply",
    ",": "write decimals with a point; write 'a == x or a == y' for a list",
    "[": "write 'a == x or a == y' for a list",
}
_CHAINED = "write 'low <= x and x <= high' in place of 'low <= x <= high'"
_SHORTER = "shorten it, or put the parts into variables of the model"
_KINDS = "compare numbers with numbers, and a variable that has states with one of them"


class ExpressionError(Fault):
    """The text is not an expression of the language, or names something `unknown`."""

    def __init__(self, message: str, mend: str = "", unknown: str = "") -> None:
        self.unknown = unknown
        super().__init__(message, mend)


def _unexpected(token: str) -> ExpressionError:
    mend = _CHAINED if token in _COMPARE else _MENDS.get(token[:1], _LANGUAGE)
    return ExpressionError(f"unexpected {token!r} in the expression", mend)


@dataclass(frozen=True)
class Expression:
    """A parsed expression: nested tuples of operator and operands, never code."""

    text: str
    tree: tuple[Any, ...]

    def check(self, states: Mapping[str, tuple[str, ...]], numeric: frozenset[str]) -> None:
        """Raise ExpressionError unless it is a condition on variables and states."""
        kind = _kind(self.tree, states, numeric, ("number",))
        if kind != "truth":
            mend = "compare it with something, such as 'age >= 16' or 'sex == male'"
            raise ExpressionError("expected a condition, such as 'age >= 16'", mend)

    def check_number(self, states: Mapping[str, tuple[str, ...]], numeric: frozenset[str]) -> None:
        """Raise ExpressionError unless it is a number made of variables and conditions."""
        if _kind(self.tree, states, numeric, ("number", "truth")) != "number":
            mend = "write a number made of variables, such as '100 * walk / height'"
            raise ExpressionError("expected a number, such as 'level + slope * t'", mend)

    @property
    def names(self) -> set[str]:
        """The names that stand in it: variables and states."""
        return set(_names(self.tree))

    def evaluate(
        self, values: Mapping[str, Any], states: Mapping[str, tuple[str, ...]]
    ) -> np.ndarray[Any, Any]:
        """Return the condition for arrays of values; categorical values are state numbers."""
        return np.asarray(_evaluate(self.tree, values, states))


def parse(text: object) -> Expression:
    """Parse a condition.

    >>> parse("age >= 1").tree
    ('>=', ('name', 'age'), ('number', 1.0))
    """
    if not isinstance(text, str):
        raise ExpressionError("expected a condition, such as 'age >= 16'", _LANGUAGE)
    _within(limits.EXPRESSION_LENGTH, len(text))
    parser = _Parser(text)
    tree = parser.expression(0)
    if parser.token:
        raise _unexpected(parser.token)
    return Expression(text, tree)


def parse_formula(text: object) -> Expression:
    """Parse a number made of variables.

    >>> parse_formula("max(level, 0) * 2").names
    {'level'}
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        text = str(text)
    if not isinstance(text, str):
        raise ExpressionError("expected a number, such as 'level + slope * t'", _LANGUAGE)
    return parse(text)


def _within(limit: limits.Limit, value: int) -> None:
    if value > limit.value:
        message = f"more than {limit.value:,} {limit.what}"
        raise ExpressionError(message, f"{_SHORTER}, {limit.mend}")


def _names(tree: tuple[Any, ...]) -> Iterator[str]:
    if tree[0] == "name":
        yield tree[1]
    elif tree[0] != "number":
        for part in tree[2:] if tree[0] == "call" else tree[1:]:
            yield from _names(part)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self.at = self.tokens = 0
        self.token = self.kind = ""
        self.advance()

    def advance(self) -> str:
        before = self.token
        if self.at >= len(self.text):
            self.token = self.kind = ""
            return before
        found = _TOKEN.match(self.text, self.at)
        if found is None:
            raise _unexpected(self.text[self.at :].strip()[:1])
        self.tokens += 1
        _within(limits.EXPRESSION_WORDS, self.tokens)
        self.at = found.end()
        self.kind = str(found.lastgroup)
        self.token = found[self.kind]
        return before

    def expression(self, depth: int) -> tuple[Any, ...]:
        _within(limits.EXPRESSION_DEPTH, depth)
        tree = self.conjunction(depth)
        while self.token == "or":
            self.advance()
            tree = ("or", tree, self.conjunction(depth))
        return tree

    def conjunction(self, depth: int) -> tuple[Any, ...]:
        tree = self.negation(depth)
        while self.token == "and":
            self.advance()
            tree = ("and", tree, self.negation(depth))
        return tree

    def negation(self, depth: int) -> tuple[Any, ...]:
        if self.token != "not":
            return self.comparison(depth)
        _within(limits.EXPRESSION_DEPTH, depth)
        self.advance()
        return ("not", self.negation(depth + 1))

    def comparison(self, depth: int) -> tuple[Any, ...]:
        left = self.sum(depth)
        if self.token in _COMPARE:
            sign = self.advance()
            return (sign, left, self.sum(depth))
        return left

    def sum(self, depth: int) -> tuple[Any, ...]:
        tree = self.product(depth)
        while self.token in ("+", "-"):
            sign = self.advance()
            tree = (sign, tree, self.product(depth))
        return tree

    def product(self, depth: int) -> tuple[Any, ...]:
        tree = self.factor(depth)
        while self.token in ("*", "/"):
            sign = self.advance()
            tree = (sign, tree, self.factor(depth))
        return tree

    def factor(self, depth: int) -> tuple[Any, ...]:
        _within(limits.EXPRESSION_DEPTH, depth)
        if self.token == "-":
            self.advance()
            return ("-", ("number", 0.0), self.factor(depth + 1))
        if self.token == "(":
            return self.brackets(depth)[0]
        if self.kind == "number":
            return ("number", float(self.advance()))
        if self.kind == "name" and self.token not in ("and", "or", "not"):
            name = self.advance()
            return self.call(name, depth) if self.token == "(" else ("name", name)
        if not self.token:
            mend = "finish it, such as 'age >= 16'"
            raise ExpressionError("unexpected 'end' in the expression", mend)
        raise _unexpected(self.token)

    def call(self, name: str, depth: int) -> tuple[Any, ...]:
        """Read the arguments of a function."""
        if name not in FUNCTIONS:
            mend = did_you_mean(name, FUNCTIONS)
            raise ExpressionError(f"unknown function {name!r}", mend)
        parts = self.brackets(depth, FUNCTIONS[name][0])
        return ("call", name, *parts)

    def brackets(self, depth: int, count: int = 1) -> list[tuple[Any, ...]]:
        """Read so many expressions in brackets, with commas between."""
        parts = []
        for number in range(count):
            wanted = "," if number else "("
            if self.token != wanted:
                message = f"the function takes {count} numbers"
                raise ExpressionError(message, "write them with a comma between")
            self.advance()
            parts.append(self.expression(depth + 1))
        if self.token != ")":
            raise ExpressionError("a bracket is not closed", "add ')'")
        self.advance()
        return parts


def _kind(
    tree: tuple[Any, ...],
    states: Mapping[str, tuple[str, ...]],
    numeric: frozenset[str],
    countable: tuple[str, ...],
) -> str:
    """Return 'truth', 'number' or the name of the categorical variable that the tree is.

    `countable` are the kinds with which one may calculate.
    """
    head = tree[0]
    if head == "number":
        return "number"
    if head == "name":
        if tree[1] in numeric:
            return "number"
        if tree[1] in states:
            return str(tree[1])
        raise ExpressionError(f"unknown name {tree[1]!r}", unknown=tree[1])
    if head in ("==", "!=") and (pair := _state_test(tree, states)):
        variable, state = pair
        if state not in states[variable]:
            known = ", ".join(states[variable])
            message = f"{variable!r} has no state {state!r}; its states are {known}"
            raise ExpressionError(message, did_you_mean(state, states[variable]))
        return "truth"
    wanted = ("truth",) if head in ("and", "or", "not") else ("number",)
    calculates = head in _ARITHMETIC or head == "call"
    for part in tree[2:] if head == "call" else tree[1:]:
        if _kind(part, states, numeric, countable) not in (countable if calculates else wanted):
            what = tree[1] if head == "call" else head
            raise ExpressionError(f"{what!r} stands between things of the wrong kind", _KINDS)
    return "number" if calculates else "truth"


def _state_test(
    tree: tuple[Any, ...], states: Mapping[str, tuple[str, ...]]
) -> tuple[str, str] | None:
    """Return (variable, state) where a comparison holds a categorical variable to a name."""
    left, right = tree[1], tree[2]
    if left[0] == right[0] == "name":
        if left[1] in states:
            return left[1], right[1]
        if right[1] in states:
            return right[1], left[1]
    return None


def _evaluate(
    tree: tuple[Any, ...], values: Mapping[str, Any], states: Mapping[str, tuple[str, ...]]
) -> Any:
    head = tree[0]
    if head == "number":
        return tree[1]
    if head == "name":
        return values[tree[1]]
    if head in ("==", "!=") and (pair := _state_test(tree, states)):
        variable, state = pair
        return _COMPARE[head](values[variable], states[variable].index(state))
    operands = tree[2:] if head == "call" else tree[1:]
    parts = [_evaluate(part, values, states) for part in operands]
    if head == "not":
        return np.logical_not(parts[0])
    if head in ("and", "or"):
        return np.logical_and(*parts) if head == "and" else np.logical_or(*parts)
    if head in _COMPARE:
        return _COMPARE[head](*parts)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if head == "call":
            return FUNCTIONS[tree[1]][1](*(np.asarray(part, np.float64) for part in parts))
        # x/0 compares as infinite or false; conditions count 1 or 0
        return _ARITHMETIC[head](*(part * 1.0 if _is_truth(part) else part for part in parts))


def _is_truth(value: Any) -> bool:
    return getattr(value, "dtype", None) == np.bool_
