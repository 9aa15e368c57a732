"""YAML read with positions, and what strangers may not do with it."""

import time
from dataclasses import replace

import pytest

from raresim import limits
from raresim.errors import InputError
from raresim.files import parse, read

LIMIT = 2.0  # seconds in which any bad file must be refused


def refusal(text):
    """Return the problems for which a text is refused, which must come soon."""
    start = time.perf_counter()
    with pytest.raises(InputError) as error:
        parse(text, "stranger.yaml")
    assert time.perf_counter() - start < LIMIT
    assert all(problem.file == "stranger.yaml" for problem in error.value.problems)
    return error.value.problems


def places(problems):
    return [(problem.line, problem.column) for problem in problems]


BLOCK = """\
# a comment
name: ataxia
patients:
  age:
    range: 1 to 60
  rows:
    - when: yes
      share: 0.5

    -   deep
"""


@pytest.mark.parametrize(
    ("steps", "place"),
    [
        pytest.param(("name",), (2, 7), id="value of a key"),
        pytest.param(("patients",), (3, 1), id="key of a mapping"),
        pytest.param(("patients", "age"), (4, 3), id="nested key"),
        pytest.param(("patients", "age", "range"), (5, 12), id="nested value"),
        pytest.param(("patients", "rows"), (6, 3), id="key of a list"),
        pytest.param(("patients", "rows", 0), (7, 7), id="first item"),
        pytest.param(("patients", "rows", 0, "when"), (7, 13), id="value in an item"),
        pytest.param(("patients", "rows", 0, "share"), (8, 14), id="second value in an item"),
        pytest.param(("patients", "rows", 1), (10, 9), id="item after an empty line"),
    ],
)
def test_block_style_positions_count_lines_and_columns_from_one(steps, place):
    found = parse(BLOCK)
    assert found.positions[steps] == place
    assert found.position(steps) == place


@pytest.mark.parametrize(
    ("steps", "place"),
    [
        (("a",), (1, 1)),
        (("a", "b"), (1, 8)),
        (("a", "c"), (1, 12)),
        (("a", "c", 0), (1, 16)),
        (("a", "c", 1), (2, 3)),
        (("a", "c", 1, "d"), (2, 7)),
        (("e",), (3, 4)),
    ],
)
def test_flow_style_positions_count_lines_and_columns_from_one(steps, place):
    assert parse("a: {b: 12, c: [x,\n  {d: 'q'}]}\ne: f\n").positions[steps] == place


def test_a_part_that_is_not_there_is_placed_at_what_would_hold_it():
    found = parse(BLOCK)
    assert found.position(("patients", "age", "unit")) == (4, 3)
    assert found.position(("nowhere",)) == (2, 1)
    problem = found.problem(("patients", "age", "unit"), "missing", mend="add it")
    assert str(problem) == "text:4:3: patients.age.unit: missing\n    mend: add it"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"), ("yes", "yes"), ("off", "off"), ("Null", "Null"), ("TRUE", "TRUE"),
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("1e3", 1000.0), ("1E-2", 0.01), (".5", 0.5), ("5.", 5.0), ("-2.40", -2.4),
        ("+3", 3), ("-0", 0), ("0", 0), ("0.25", 0.25), ("0e1", 0.0),
        ("012", "012"), ("-08", "-08"), ("00.5", "00.5"), ("0x10", "0x10"), ("0o7", "0o7"),
        ("1_000", "1_000"), ("12:30", "12:30"), ("2020-01-01", "2020-01-01"),
        (".inf", ".inf"), (".nan", ".nan"), ("1e", "1e"), ("1 2", "1 2"),
        ("'5'", "5"), ('"true"', "true"), ("'~'", "~"), ("|-\n  7", "7"),
        ("12 months", "12 months"), ("٣", "٣"),
    ],
)  # fmt: skip
def test_scalars_follow_the_core_schema_of_yaml_1_2(text, value):
    found = parse(f"key: {text}\n").data["key"]
    assert found == value
    assert type(found) is type(value)


def test_old_yaml_declared_in_the_file_brings_no_old_rules_back():
    assert parse("%YAML 1.1\n---\na: no\nb: 012\n").data == {"a": "no", "b": "012"}


def test_keys_are_text_and_a_merge_key_merges_nothing():
    assert parse("1: a\ntrue: b\n<<: {c: d}\n").data == {"1": "a", "true": "b", "<<": {"c": "d"}}


def test_a_byte_order_mark_moves_nothing(tmp_path):
    path = tmp_path / "marked.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    found = read(path)
    assert (found.data, found.positions["a",]) == ({"a": 1}, (1, 4))


def test_all_duplicate_keys_are_reported_at_once_each_at_the_later_place():
    problems = refusal("a: 1\nb: {c: 1, c: 2}\na: 2\nd:\n- x: 1\n  y: 2\n  x: 3\n'a': 3\n")
    assert places(problems) == [(2, 11), (3, 1), (7, 3), (8, 1)]
    assert [problem.field for problem in problems] == ["b.c", "a", "d.0.x", "a"]
    assert all("twice" in problem.message for problem in problems)


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        pytest.param("a: 1\nb: &x 2\n", "anchors", (2, 4), id="anchor"),
        pytest.param("a: 1\nb: *x\n", "anchors", (2, 4), id="alias"),
        pytest.param("a: &x [1]\nb: [*x, *x]\n", "anchors", (1, 4), id="laughs"),
        pytest.param("&x a: 1\n", "anchors", (1, 1), id="anchor on a key"),
        pytest.param("a: !!python/object/apply:os.system [x]", "tags", (1, 4), id="python"),
        pytest.param("a: !!python/object:os.system x", "tags", (1, 4), id="python scalar"),
        pytest.param("a:\n  !!map {}", "tags", (2, 3), id="tag on a mapping"),
        pytest.param("!mine\na: 1", "tags", (1, 1), id="own tag"),
        pytest.param("a: 1\n---\nb: 2\n", "one document", (2, 1), id="two documents"),
        pytest.param("---\na: 1\n---\n", "one document", (3, 1), id="second document empty"),
        pytest.param("? [a]\n: b", "plain word", (1, 3), id="list as key"),
        pytest.param("{{a: 1}: 2}", "plain word", (1, 2), id="mapping as key"),
        pytest.param("a: 1\n b: 2\n", "not valid YAML", (2, 3), id="indentation"),
        pytest.param("a:\n\t- 1\n", "not valid YAML", (2, 1), id="tab"),
        pytest.param("a: 'open\n", "not valid YAML", (2, 1), id="open quote"),
        pytest.param("a: [1, 2\n", "not valid YAML", (2, 1), id="open bracket"),
    ],
)
def test_what_strangers_may_not_write_is_refused_at_its_place(text, message, place):
    (problem,) = refusal(text)
    assert message in problem.message + problem.mend + problem.expected
    assert (problem.line, problem.column) == place


@pytest.mark.parametrize("start", ["[", "- ", "{a: "], ids=["flow list", "block list", "flow map"])
@pytest.mark.parametrize("depth", [31, 10_000])
def test_nesting_beyond_thirty_levels_is_refused_where_it_begins(start, depth):
    (problem,) = refusal(start * depth)
    assert "30 levels" in problem.message
    assert (problem.line, problem.column) == (1, 30 * len(start) + 1)


def test_thirty_levels_are_read():
    found = parse("[" * 30 + "]" * 30).data
    depth = 0
    while isinstance(found, list):
        found, depth = (found[0] if found else None), depth + 1
    assert depth == 30


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('"\\UFFFFFFFF"', id="character beyond Unicode"),
        pytest.param("%YAML 1.99999\n---\na: 1\n", id="version beyond YAML"),
        pytest.param("a\n---\n| # x\n", id="comment after a bar"),
        pytest.param("\x00\x01\x02", id="control characters"),
        pytest.param(": #\u20281.|2\n\n- ", id="odd line ends in comments"),
    ],
)
def test_no_text_brings_out_another_exception(text):
    assert refusal(text)


def test_the_first_value_too_many_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "VALUES", replace(limits.VALUES, value=10))
    assert parse("a: [" + "1," * 8 + "]").data == {"a": [1] * 8}  # a mapping, a list, eight numbers
    (problem,) = refusal("a: [" + "1," * 12 + "]")
    assert "more than 10 values" in problem.message
    assert (problem.line, problem.column) == (1, 21)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"a: 1\n" * 250_000, "too large", id="more than a megabyte"),
        pytest.param(b"\xff\xfe\x00\x9c\x80" * 100, "not UTF-8", id="binary"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00\x00", "not UTF-8", id="picture"),
        pytest.param(b"PK\x03\x04\x00\x00", "not valid YAML", id="archive"),
    ],
)
def test_files_that_are_no_text_files_are_refused_by_name(tmp_path, content, message):
    path = tmp_path / "junk.yaml"
    path.write_bytes(content)
    start = time.perf_counter()
    with pytest.raises(InputError) as error:
        read(path)
    assert time.perf_counter() - start < LIMIT
    (problem,) = error.value.problems
    assert problem.file == str(path)
    assert message in problem.message


def test_missing_files_and_folders_are_refused_by_name(tmp_path):
    for path in (tmp_path / "nothing.yaml", tmp_path):
        with pytest.raises(InputError, match="cannot be read") as error:
            read(path)
        assert error.value.problems[0].file == str(path)


def test_what_a_caller_says_twice_is_written_twice():
    same = {"rate": "1 per year"}
    document = parse("b: 1\na: 2\n").changed({"a": same, "b": [same, same]})
    found = parse(document.text).data
    assert found == {"a": same, "b": [same, same]} and list(found) == ["b", "a"]
