"""From complaints about data to lines of the file."""

from typing import Annotated, Literal

import pytest
from pydantic import Field

from raresim.errors import InputError
from raresim.files import Spec, parse, validate
from raresim.files.schema import Bounds, Condition, Duration, Rate


class Arm(Spec):
    give: str
    every: Duration = 1.0


class Stop(Spec):
    kind: Literal["stop"]
    rate: Rate


class Go(Spec):
    kind: Literal["go"]
    delay: Duration


class Plan(Spec):
    title: str = Field(min_length=3)
    number: int = Field(gt=0)
    share: float = 0.5
    range_: Bounds = Field((0.0, 1.0), alias="range")
    eligible: Condition = None
    arms: dict[str, Arm] = Field(default_factory=dict)
    steps: list[Annotated[Stop | Go, Field(discriminator="kind")]] = Field(default_factory=list)


def faults(text):
    with pytest.raises(InputError) as error:
        validate(parse(text, "plan.yaml"), Plan)
    assert all(problem.file == "plan.yaml" for problem in error.value.problems)
    return list(error.value.problems)


GOOD = """\
title: a plan
number: 3
range: 1 to 2
eligible: age > 3
arms:
  drug: {give: a drug, every: 2 days}
steps:
  - {kind: stop, rate: 1 per year}
"""


def test_a_sound_file_becomes_its_specification():
    plan = validate(parse(GOOD), Plan)
    assert (plan.number, plan.range_, plan.arms["drug"].every) == (3, (1.0, 2.0), 2.0)
    assert plan.eligible.tree[0] in ("and", ">=", ">", "<", "<=")
    assert plan.steps[0].rate == pytest.approx(1 / 365.25)


def test_what_was_read_cannot_be_changed():
    plan = validate(parse(GOOD), Plan)
    with pytest.raises(ValueError, match="frozen"):
        plan.number = 4


@pytest.mark.parametrize(
    ("old", "new", "place", "field", "message", "mend"),
    [
        pytest.param(
            "number: 3",
            "numbr: 3\nnumber: 3",
            (2, 8),
            "numbr",
            "unknown key",
            "did you mean 'number'?",
            id="unknown key",
        ),
        pytest.param(
            "every: 2 days",
            "evry: 2 days",
            (6, 30),
            "arms.drug.evry",
            "unknown key",
            "did you mean 'every'?",
            id="unknown key below a name",
        ),
        pytest.param(
            "rate: 1 per year",
            "rate: 1 per year, rat: 2",
            (8, 41),
            "steps.0.rat",
            "unknown key",
            "did you mean 'rate'?",
            id="unknown key in a list",
        ),
        pytest.param(
            "range: 1 to 2",
            "rnge: 1 to 2",
            (3, 7),
            "rnge",
            "unknown key",
            "did you mean 'range'?",
            id="unknown key near an alias",
        ),
        pytest.param(
            "number: 3\n",
            "",
            (1, 1),
            "",
            "'number' is missing",
            "add 'number:'",
            id="missing at the top",
        ),
        pytest.param(
            "{give: a drug, every: 2 days}",
            "{every: 2 days}",
            (6, 3),
            "arms.drug",
            "'give' is missing",
            "add 'give:'",
            id="missing below a name",
        ),
        pytest.param(
            "number: 3",
            "number: '3'",
            (2, 9),
            "number",
            "expected a whole number",
            "write digits without quotes, such as 12",
            id="text for a number",
        ),
        pytest.param(
            "number: 3",
            "number: 3.0",
            (2, 9),
            "number",
            "expected a whole number",
            "write digits without quotes, such as 12",
            id="a float for a whole number",
        ),
        pytest.param(
            "number: 3",
            "number: true",
            (2, 9),
            "number",
            "expected a whole number",
            "write digits without quotes, such as 12",
            id="a truth for a number",
        ),
        pytest.param(
            "title: a plan",
            "title: NO",
            (1, 8),
            "title",
            "expected at least 3 characters",
            "write it out",
            id="too short",
        ),
        pytest.param(
            "title: a plan",
            "title: 1789",
            (1, 8),
            "title",
            "expected text",
            "put it between quotes",
            id="a number for text",
        ),
        pytest.param(
            "number: 3",
            "number: 0",
            (2, 9),
            "number",
            "expected a number above 0",
            "write a number above 0",
            id="out of range",
        ),
        pytest.param(
            "number: 3",
            "number: 3\nshare: 1e999",
            (3, 8),
            "share",
            "expected a number of ordinary size",
            "write digits, such as 0.5",
            id="infinite",
        ),
        pytest.param(
            "every: 2 days",
            "every: 2",
            (6, 31),
            "arms.drug.every",
            "expected a duration with its unit",
            "add the unit: '2 days', '2 weeks', '2 months' ...",
            id="no unit",
        ),
        pytest.param(
            "eligible: age > 3",
            "eligible: age >",
            (4, 11),
            "eligible",
            "unexpected 'end' in the expression",
            "finish it, such as 'age >= 16'",
            id="half a condition",
        ),
        pytest.param(
            "arms:\n  drug: {give: a drug, every: 2 days}",
            "arms: drug",
            (5, 7),
            "arms",
            "expected a mapping",
            "write 'name: ...' lines below it, or {name: ...}",
            id="text for a mapping",
        ),
        pytest.param(
            "rate: 1 per year",
            "rate: 1 a year",
            (8, 24),
            "steps.0.rate",
            "expected a rate with its unit",
            "did you mean '1 per year'?",
            id="inside a union",
        ),
    ],
)
def test_each_fault_stands_at_its_line_with_a_way_to_mend_it(old, new, place, field, message, mend):
    assert GOOD.count(old) == 1
    (problem,) = faults(GOOD.replace(old, new))
    assert (problem.line, problem.column) == place
    assert problem.field == field
    assert message in problem.message
    assert problem.mend == mend


def test_the_value_found_is_shown_and_cut_where_it_is_long():
    (problem,) = faults(GOOD.replace("number: 3", "number: three"))
    assert problem.found == "'three'"
    (problem,) = faults(GOOD.replace("number: 3", f"number: {'x' * 200}"))
    assert len(problem.found) == 80
    assert problem.found.endswith("...")


def test_all_faults_come_together_in_the_order_of_their_lines():
    text = GOOD.replace("a plan", "1").replace("number: 3", "number: -3\nnumbre: 3")
    text = text.replace("every: 2 days", "every: soon").replace("1 per year", "-1 per year")
    problems = faults(text)
    assert [problem.line for problem in problems] == [1, 2, 3, 7, 9]
    assert [problem.field for problem in problems] == [
        "title",
        "number",
        "numbre",
        "arms.drug.every",
        "steps.0.rate",
    ]


def test_an_empty_file_and_a_list_are_refused_at_the_top():
    for text in ("", "- a\n- b\n"):
        (problem,) = faults(text)
        assert (problem.line, problem.column) == (1, 1)
