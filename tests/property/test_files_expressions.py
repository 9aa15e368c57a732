"""Random expressions: tree -> text -> parse -> evaluate agrees with an evaluation of our own."""

import contextlib
import math
import operator

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.files.expressions import ExpressionError, parse

STATES = {"sex": ("male", "female", "other")}
NUMERIC = frozenset({"age", "score"})
RANK = {"or": 1, "and": 2, "not": 3, "compare": 4, "+": 5, "-": 5, "*": 6, "/": 6, "sign": 7}
PIECES = [*"()<>=!+-*/.x1 ", "and", "or", "not", "<=", "sex", "=="]
COMPARE = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip

number = st.recursive(
    st.integers(0, 9).map(lambda n: ("number", f"{n}"))
    | st.sampled_from(["0.5", "2.25", "10"]).map(lambda text: ("number", text))
    | st.sampled_from(sorted(NUMERIC)).map(lambda name: ("name", name)),
    lambda inner: (
        st.tuples(st.sampled_from("+-*/"), inner, inner) | st.tuples(st.just("sign"), inner)
    ),
    max_leaves=6,
)
comparison = st.tuples(
    st.just("compare"), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), number, number
)
state = st.tuples(
    st.just("state"), st.sampled_from(["==", "!="]), st.sampled_from(STATES["sex"]), st.booleans()
)
truth = st.recursive(
    comparison | state,
    lambda inner: (
        st.tuples(st.sampled_from(["and", "or"]), inner, inner) | st.tuples(st.just("not"), inner)
    ),
    max_leaves=6,
)


def text_of(tree, space, above=0):
    """Write a tree with only the brackets that the grammar needs."""
    head = tree[0]
    if head in ("number", "name"):
        return tree[1]
    if head == "state":
        _, sign, name, turned = tree
        text = f"{name} {sign} sex" if turned else f"sex {sign} {name}"
        return f"({text})" if above > RANK["compare"] else text
    rank = RANK[head]
    if head == "compare":
        left, right = (text_of(part, space, rank + 1) for part in tree[2:])
        text = f"{left}{space}{tree[1]}{space}{right}"
    elif head in ("not", "sign"):
        word = "not " if head == "not" else "-"
        text = word + text_of(tree[1], space, rank)
    else:
        gap = " " if head in ("and", "or") else space
        text = f"{text_of(tree[1], space, rank)}{gap}{head}{gap}{text_of(tree[2], space, rank + 1)}"
    return f"({text})" if rank < above else text


def divide(a, b):
    if b == 0:
        lost = a == 0 or math.isnan(a)
        return math.nan if lost else math.copysign(math.inf, a) * math.copysign(1, b)
    return a / b


def value_of(tree, row):
    """Evaluate a tree for one patient in plain Python."""
    head = tree[0]
    if head == "number":
        return float(tree[1])
    if head == "name":
        return row[tree[1]]
    if head == "sign":
        return 0.0 - value_of(tree[1], row)
    if head == "state":
        return (row["sex"] == tree[2]) == (tree[1] == "==")
    if head == "not":
        return not value_of(tree[1], row)
    if head == "compare":
        a, b = value_of(tree[2], row), value_of(tree[3], row)
        return COMPARE[tree[1]](a, b)
    a, b = value_of(tree[1], row), value_of(tree[2], row)
    if head == "and":
        return a and b
    if head == "or":
        return a or b
    if head == "/":
        return divide(a, b)
    return {"+": a + b, "-": a - b, "*": a * b}[head]


rows = st.lists(
    st.fixed_dictionaries(
        {
            "age": st.sampled_from([0.0, 1.0, 2.5, 40.0]),
            "score": st.sampled_from([0.0, 0.5, 7.0]),
            "sex": st.sampled_from(STATES["sex"]),
        }
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=400, deadline=None)
@given(truth, rows, st.sampled_from(["", " ", "  ", "\n"]))
def test_random_conditions_hold_exactly_where_python_says(tree, table, space):
    expression = parse(text_of(tree, space))
    expression.check(STATES, NUMERIC)
    arrays = {name: np.array([row[name] for row in table]) for name in NUMERIC}
    arrays["sex"] = np.array([STATES["sex"].index(row["sex"]) for row in table])
    with np.errstate(invalid="ignore", over="ignore"):
        found = np.broadcast_to(expression.evaluate(arrays, STATES), len(table))
    assert found.dtype == bool
    assert found.tolist() == [value_of(tree, row) for row in table]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from([*"()<>=!+-*/.x1 ", "and", "or", "not", "<=", "sex", "=="]), max_size=20
    )
)
def test_any_text_is_parsed_or_refused(parts):
    with contextlib.suppress(ExpressionError):
        parse("".join(parts)).check(STATES, NUMERIC)
