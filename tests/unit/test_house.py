"""The house plan: who may import whom, who may hold which tool, how long a file may be."""

import ast
import functools
import shutil
import subprocess
from pathlib import Path

import pytest

import raresim

PACKAGE = Path(raresim.__file__).parent
ROOT = PACKAGE.parent
FILES = sorted(PACKAGE.rglob("*.py"))

GROUND = {
    "alike",
    "compiled",
    "either",
    "errors",
    "limits",
    "streams",
    "files",
    "tables",
    "randomisation",
}
ROAD = [
    "evidence",
    "disease",
    "cohort",
    "trial",
    "study",
    "questions",
    "assess",
    "share",
    "report",
    "app",
]
ANALYSTS = {*ROAD, "cli"} - {"disease"}
LATER = {  # rooms of a trial that each of its rooms may not read
    "grammar": {"checks", "fate", "conduct", "cut", "methods", "looks", "engine", "scenario"},
    "fate": {"checks", "conduct", "cut", "methods", "looks", "engine"},
    "conduct": {"checks", "cut", "methods", "looks", "engine"},
    "cut": {"checks", "conduct", "looks", "engine"},
    "methods": {"checks", "conduct", "looks", "engine"},
    "looks": {"checks", "conduct", "engine"},
    "checks": {"conduct", "looks", "engine"},
}
LIMIT = 400
LONGER = {"raresim/evidence/statistics.py": 450}  # to be split; the list may only shrink


def allowed(room):
    """Return the rooms that a room may import from, itself included."""
    if room == "analysis":
        return {
            "alike",
            "compiled",
            "either",
            "errors",
            "streams",
            "tables",
            "randomisation",
            "analysis",
        }
    if room == "catalogue":
        return {"errors", "files", "catalogue"}
    if room in GROUND:
        under = {"streams": {"alike", "compiled"}, "alike": {"either"}, "either": {"compiled"}}
        own = under.get(room, set())
        return {"errors", room, *own} | (
            GROUND if room in ("files", "tables", "randomisation") else set()
        )
    if room in ("raresim", "__main__"):  # the front door may open every room, lazily
        return {*GROUND, *ROAD, "cli", "catalogue", "analysis"}
    left = ROAD[: ROAD.index(room) + 1] if room in ROAD else [*ROAD, "cli"]
    found = {*GROUND, *left}
    if room != "evidence":
        found.add("catalogue")
    return found | ({"analysis"} if room in ANALYSTS else set())


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def room_of(path):
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "raresim" if first == "__init__" else first


@functools.cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree):
    """Yield every imported name in full, `from a import b` as a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            yield from (f"{start}.{alias.name}" for alias in node.names)


def users_of(module):
    return {
        name_of(path)
        for path in FILES
        if any(f"{name}.".startswith(f"{module}.") for name in imported(tree_of(path)))
    }


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_left(path):
    room = room_of(path)
    for name in imported(tree_of(path)):
        assert not name.startswith("."), f"{name}: rooms are imported by their full name"
        if name.startswith("raresim.") and name != "raresim.__version__":
            other = name.split(".")[1]
            assert other in allowed(room), f"{room} may not import from {other} ({name})"


@pytest.mark.parametrize("room", LATER)
def test_the_rooms_of_a_trial_read_what_comes_before(room):
    files = sorted((PACKAGE / "trial" / room).rglob("*.py"))
    assert len(files) > 3
    for path in files:
        for name in imported(tree_of(path)):
            other = name.removeprefix("raresim.trial.").split(".")[0]
            assert other not in LATER[room], f"{name_of(path)} may not read {name}"


def test_every_room_is_on_the_plan():
    rooms = {room_of(path) for path in FILES}
    assert rooms <= {*GROUND, *ROAD, "analysis", "catalogue", "cli", "raresim", "__main__"}


def test_the_plan_itself_points_left():
    assert "disease" not in allowed("evidence")
    assert "analysis" not in allowed("disease")
    assert not {"evidence", "disease", "trial", "study", "files"} & allowed("analysis")
    assert {"evidence", "disease", "cohort", "trial", "analysis"} < allowed("study")
    assert "cli" not in allowed("app")


def test_simpy_stays_behind_its_door():
    inside = {"raresim/trial/conduct/events.py", "raresim/trial/conduct/moment.py"}
    assert users_of("simpy") <= inside


def test_pgmpy_stays_behind_its_door():
    assert users_of("pgmpy") <= {"raresim/disease/exact.py"}


def test_only_streams_makes_random_numbers():
    assert users_of("numpy.random") == {"raresim/streams.py"}
    assert users_of("random") == users_of("secrets") == set()
    for path in FILES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                of_numpy = node.value.id in ("np", "numpy") and node.attr == "random"
                assert not of_numpy, f"{name_of(path)}:{node.lineno}"
            if isinstance(node, ast.Attribute):
                assert node.attr != "rvs", f"{name_of(path)}:{node.lineno}: draws of its own"


def test_no_file_runs_code_or_opens_pickles():
    for module in ("pickle", "marshal", "shelve", "dill", "cloudpickle", "yaml"):
        assert users_of(module) == set(), module
    for path in FILES:
        for node in ast.walk(tree_of(path)):
            place = f"{name_of(path)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec", "compile", "__import__"), place
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                of = ast.unparse(node.func.value).lower()
                assert not ("yaml" in of and node.func.attr.startswith("load")), place
                assert node.func.attr not in ("read_pickle", "to_pickle"), place
            if isinstance(node, ast.keyword):
                assert node.arg != "allow_pickle" or ast.unparse(node.value) == "False", place
                assert node.arg != "shell" or ast.unparse(node.value) == "False", place


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_file_is_too_long(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGER.get(name_of(path), LIMIT)


def test_the_top_level_holds_what_the_plan_names():
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    top = {name.split("/")[0] for name in listed}
    planned = {"raresim", "models", "scenarios", "tests", "notebooks", "docs"}
    planned |= {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"}
    assert {name for name in top if not name.startswith(".")} <= planned
    assert {"raresim", "pyproject.toml"} <= top
