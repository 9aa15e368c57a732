"""The safe expression language: what it means and what it refuses."""

import numpy as np
import pytest

from raresim import limits
from raresim.files.expressions import ExpressionError, parse

STATES = {"sex": ("male", "female"), "form": ("x_linked", "autosomal")}
NUMERIC = frozenset({"age", "score", "duration"})
VALUES = {
    "age": np.array([10.0, 20.0, 30.0]),
    "score": np.array([5.0, 20.0, 0.0]),
    "duration": np.array([1.0, 2.0, 3.0]),
    "sex": np.array([0, 1, 0]),
    "form": np.array([1, 1, 0]),
}


def holds(text):
    expression = parse(text)
    expression.check(STATES, NUMERIC)
    return expression.evaluate(VALUES, STATES).tolist()


def refusal(text):
    with pytest.raises(ExpressionError) as error:
        parse(text).check(STATES, NUMERIC)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("age < 20", [True, False, False], id="less"),
        pytest.param("age <= 20", [True, True, False], id="at most"),
        pytest.param("age > 20", [False, False, True], id="more"),
        pytest.param("age >= 20", [False, True, True], id="at least"),
        pytest.param("age == 20", [False, True, False], id="equal"),
        pytest.param("age != 20", [True, False, True], id="unequal"),
        pytest.param("20 > age", [True, False, False], id="number first"),
        pytest.param("sex == male", [True, False, True], id="state"),
        pytest.param("male == sex", [True, False, True], id="state first"),
        pytest.param("sex != male", [False, True, False], id="not the state"),
        pytest.param("not age < 20", [False, True, True], id="not binds below comparison"),
        pytest.param("not sex == male and age > 5", [False, True, False], id="not before and"),
        pytest.param(
            "age < 15 or age > 25 and sex == female", [True, False, False], id="and first"
        ),
        pytest.param(
            "(age < 15 or age > 5) and sex == female", [False, True, False], id="brackets"
        ),
        pytest.param("age - 5 - 5 > 5", [False, True, True], id="minus from the left"),
        pytest.param("age / 2 / 5 >= 2", [False, True, True], id="division from the left"),
        pytest.param("age + 2 * duration == 24", [False, True, False], id="product before sum"),
        pytest.param("-age + 25 > 0", [True, True, False], id="sign before sum"),
        pytest.param("--age > 15", [False, True, True], id="two signs"),
        pytest.param("2 * -age < -50", [False, False, True], id="sign in a product"),
        pytest.param("not not (age > 15)", [False, True, True], id="not twice"),
        pytest.param("age / score > 1", [True, False, True], id="division by zero is infinite"),
        pytest.param("score / score > 0", [True, True, False], id="0/0 holds nowhere"),
        pytest.param("1 < 2", True, id="constants alone"),
    ],
)
def test_conditions_hold_where_they_say(text, expected):
    assert holds(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("size > 3", "unknown name 'size'", id="unknown variable"),
        pytest.param("age > yes", "unknown name 'yes'", id="a state against a number"),
        pytest.param("sex == woman", "no state 'woman'; its states are male, female", id="state"),
        pytest.param("sex == autosomal", "no state 'autosomal'", id="a state of another variable"),
        pytest.param("sex == form", "no state 'form'", id="two variables"),
        pytest.param("sex > 0", "wrong kind", id="order of states"),
        pytest.param("sex == 1", "wrong kind", id="a state by its number"),
        pytest.param("sex + 1 > 1", "wrong kind", id="sum of a state"),
        pytest.param("age and sex == male", "wrong kind", id="a number as truth"),
        pytest.param("not age", "wrong kind", id="not a number"),
        pytest.param("(age > 1) + 1 > 1", "wrong kind", id="a truth as number"),
        pytest.param("(age > 1) == (score > 1)", "wrong kind", id="two truths compared"),
        pytest.param("age", "expected a condition", id="a number alone"),
        pytest.param("age + 1", "expected a condition", id="a sum alone"),
        pytest.param("sex", "expected a condition", id="a variable alone"),
    ],
)
def test_names_and_kinds_are_checked_with_a_reason(text, reason):
    assert reason in refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "age.real > 1",
        "age.__class__ > 1",
        "age[0] > 1",
        "abs(age) > 1",
        "age() > 1",
        "__import__('os') > 1",
        "(age)(1) > 1",
        "age ** 2 > 1",
        "age // 2 > 1",
        "age % 2 > 1",
        "age ^ 2 > 1",
        "age & 1 > 0",
        "~age > 1",
        "age > 1 > 0",
        "age = 1",
        "age := 1",
        "lambda: 1",
        "[age]",
        "{age}",
        "'x' == 'x'",
        '"x" == sex',
        "age > 1; age > 2",
        "age > 1 # 2",
        "age > 1 if age else 2",
        "age in age",
        "age is age",
        "@age > 1",
        "age > 1e3",
        "age > 0x10",
        "age > .5",
        "age > 5.",
        "age > 1_000",
        "+age > 1",
        "age <> 1",
        "age > not 1",
        "age => 1",
        "age < = 1",
        "",
        " ",
        "()",
        "(age > 1",
        "age > 1)",
        "age >",
        "> 1",
        "age > 1 and",
        "or age > 1",
        "not",
        "age age",
        "1 2",
        "age > 1 age",
        "a\x00 > 1",
        "\\u0061ge > 1",
    ],
)
def test_what_is_not_in_the_grammar_is_refused(text):
    with pytest.raises(ExpressionError):
        parse(text)


@pytest.mark.parametrize(
    "text", ["__class__ > 1", "__builtins__ > 1", "age > __age__", "None > 1", "True"]
)
def test_words_of_python_are_only_unknown_names(text):
    assert "unknown name" in refusal(text)


@pytest.mark.parametrize("value", [None, 3, True, ["age > 1"], b"age > 1"])
def test_what_is_not_text_is_refused(value):
    with pytest.raises(ExpressionError, match="expected a condition"):
        parse(value)


def test_length_is_bounded():
    fits = "age > 1" + " " * (limits.EXPRESSION_LENGTH.value - 7)
    assert parse(fits).tree == parse("age > 1").tree
    with pytest.raises(ExpressionError, match="more than 2,000 characters"):
        parse(fits + " ")


@pytest.mark.parametrize(
    ("open_", "close"),
    [("(", ")"), ("not ", ""), ("not (", ")"), ("-(", ")"), ("(not ", ")")],
)
def test_depth_is_bounded(open_, close):
    inner = "age" if "-" in open_ else "age > 1"
    outer = " > 1" if "-" in open_ else ""
    shallow, deep = 13, 45  # 'not (' and '-(' take two levels each
    parse(open_ * shallow + inner + close * shallow + outer).check(STATES, NUMERIC)
    with pytest.raises(ExpressionError, match="more than 40 levels of nesting"):
        parse(open_ * deep + inner + close * deep + outer)


def test_a_long_row_of_conditions_as_people_write_them_is_read():
    text = " or ".join(["age == 10"] * 70)
    assert holds(text) == [True, False, False]
    with pytest.raises(ExpressionError, match="more than 300 words and signs"):
        parse(" or ".join(["age == 10"] * 100))


def test_a_long_chain_is_refused_before_it_can_exhaust_the_stack():
    with pytest.raises(ExpressionError, match="more than 300 words and signs"):
        parse("age*" * 400 + "age > 1")
