"""Whatever the text, reading it gives data or an InputError and nothing else."""

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from raresim.errors import InputError
from raresim.files import parse

FRAGMENTS = [
    *"abc012 \n:-?[]{},#&*!|>'\"%@`\\.~=<", "\t", "\n  ", "\n- ", ": ", " #", "---\n", "...\n",
    "%YAML ", "%TAG ", "\\U", "\\x", "\\u", "FFFFFFFF", "1.", "|2\n", ">-9", "<<: ", "!!", "!<",
    "&a ", "*a", "\u2028", "\ufeff", "\x85", "\r", "\x00", "\ud800",
]  # fmt: skip


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join))
@example('"\\UFFFFFFFF"')
@example("#.\n| #")
def test_any_text_is_read_or_refused(text):
    try:
        parse(text)
    except InputError as error:
        assert error.problems
        assert all(problem.file == "text" and problem.message for problem in error.problems)


words = st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=1, max_size=8)
numbers = st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)
trees = st.recursive(
    st.none() | st.booleans() | numbers | words.map(lambda word: f"q_{word}"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=15,
)


def flow(tree):
    """Return the tree as YAML text in flow style, by a writer of our own."""
    if isinstance(tree, list):
        return "[" + ", ".join(map(flow, tree)) + "]"
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key}: {flow(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, bool) or tree is None:
        return {True: "true", False: "false", None: "null"}[tree]
    return repr(tree) if isinstance(tree, float) else str(tree)


def leaves(tree, steps=()):
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in pairs:
        if isinstance(value, (dict, list)):
            yield from leaves(value, (*steps, key))
        else:
            yield (*steps, key), value


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(words, trees, min_size=1, max_size=4))
def test_data_comes_back_and_every_position_points_at_the_value(tree):
    lines = [f"{key}: {flow(value)}" for key, value in tree.items()]
    found = parse("\n".join(lines))
    assert found.data == tree
    for steps, value in leaves(tree):
        line, column = found.positions[steps]
        assert lines[line - 1][column - 1 :].startswith(flow(value))
