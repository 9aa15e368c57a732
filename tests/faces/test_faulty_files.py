"""Faulty files, as strangers send them: each fault named at its line, with a way to mend it.

The messages are kept in `faulty/messages.txt` for people to read. After a change of wording, write
it anew with RARESIM_UPDATE_SNAPSHOTS=1 and read the difference.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from raresim.cli.listing import validate
from raresim.errors import InputError

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "faulty"
SNAPSHOT = FOLDER / "messages.txt"
UPDATE = "RARESIM_UPDATE_SNAPSHOTS"
FILES = sorted(path for path in FOLDER.glob("*.yaml") if not path.name.startswith("minimal"))
BY_HAND = ["model-circle-of-variables", "scenario-condition-call", "scenario-tags", "file-bomb"]
BY_HAND += ["scenario-nobody-eligible", "scenario-surrogate", "scenario-duration-misspelt"]
SECONDS, MEGABYTES = 2.0, 500
"""Of the processor's time, so that a busy machine fails no test."""

PLACE = re.compile(r"^(?P<file>[\w-]+\.yaml):(?P<line>\d+):(?P<column>\d+): \S")
RAW = re.compile(
    r"input should|field required|value error|pydantic|ruamel|traceback|<class|ctx|nonetype",
    re.IGNORECASE,
)
OF_ITS_MODEL = {"scenario-model-is-faulty.yaml": "model-unknown-source.yaml"}
"""Faults that stand in the model file which the scenario names."""


def message_of(path: Path) -> str:
    """Return what `raresim validate` says about a file, without the folder."""
    with pytest.raises(InputError) as error:
        validate([str(path)], as_json=False)
    return str(error.value).replace(f"{FOLDER}{os.sep}", "")


def snapshot() -> dict[str, str]:
    """Return the kept messages by the name of the file."""
    parts = re.split(r"^=== (.+)\n", SNAPSHOT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def raresim(path: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Validate a file as a person does, in a process that may hold 500 MB of its own data."""
    code = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_DATA, ({MEGABYTES} << 20,) * 2)\n"
        "from raresim.cli import main\n"
        f"sys.argv = ['raresim', 'validate', {str(path)!r}]\n"
        "main()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-B", "-c", code],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_minimal_files_are_sound() -> None:
    names = ("minimal-model.yaml", "minimal-scenario.yaml")
    validate([str(FOLDER / name) for name in names], as_json=False)


def test_there_are_sixty_faulty_files_and_each_says_what_is_wrong_with_it() -> None:
    assert len(FILES) >= 60
    for path in FILES:
        if not path.name.startswith("file-"):
            assert path.read_text(encoding="utf-8").startswith("# "), path.name


@pytest.mark.skipif(UPDATE not in os.environ, reason=f"only with {UPDATE}=1")
def test_write_the_snapshot_anew() -> None:
    text = "".join(f"=== {path.name}\n{message_of(path)}\n\n" for path in FILES)
    SNAPSHOT.write_text(text.rstrip() + "\n", encoding="utf-8")


def test_the_snapshot_holds_every_file_and_nothing_else() -> None:
    assert list(snapshot()) == [path.name for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_message_is_the_one_that_was_read_by_a_person(path: Path) -> None:
    start = time.process_time()
    said = message_of(path)
    assert time.process_time() - start < SECONDS
    assert said == snapshot()[path.name]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_message_says_where_and_how_to_mend_it_in_plain_words(path: Path) -> None:
    said = snapshot()[path.name]
    assert not RAW.search(said)
    lines = path.read_text(encoding="utf-8").count("\n") + 1
    heads = [line for line in said.splitlines() if not line.startswith("    ")]
    for head in heads:
        place = PLACE.match(head)
        assert place is not None, head
        assert place["file"] == OF_ITS_MODEL.get(path.name, path.name)
        assert 1 <= int(place["line"]) <= lines
    assert said.count("    mend: ") + said.count("; write ") >= len(heads)


@pytest.mark.parametrize("name", BY_HAND)
def test_the_command_line_says_the_same_and_exits_with_2(tmp_path: Path, name: str) -> None:
    done = raresim(FOLDER / f"{name}.yaml", tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    said = done.stderr.replace(f"{FOLDER}{os.sep}", "").removeprefix("raresim: ").strip()
    assert said == snapshot()[f"{name}.yaml"]
    assert not list(tmp_path.iterdir())


def _deep(opening: str, closing: str) -> bytes:
    return (f"schema: raresim/model/1\na: {opening * 10_000}x{closing * 10_000}\n").encode()


def _unknown_sources() -> bytes:
    """Return the minimal model with thousands of sources, and as many that lead nowhere."""
    text = (FOLDER / "minimal-model.yaml").read_text(encoding="utf-8")
    known = "".join(f"  source_of_number_{k}: {{cite: a citation}}\n" for k in range(900))
    gone = "".join(
        f"  - {{what: a, printed: b, source: saurce_{k}, why: other}}\n" for k in range(900)
    )
    text = text.replace("patients:\n", f"{known}patients:\n", 1)
    return f"{text}left_out:\n{gone}".encode()


MONSTERS = {
    "nest-of-lists": (_deep("[", "]"), "nested deeper than 30 levels"),
    "nest-of-mappings": (_deep("{a: ", "}"), "nested deeper than 30 levels"),
    "nest-of-dashes": (b"- " * 10_000 + b"x\n", "nested deeper than 30 levels"),
    "file-over-the-limit": (b"a: 1\n" * 4_000_000, "file is too large"),
    "many-values": (b"a: [" + b"1," * 100_000 + b"]\n", "more than 10,000 values"),
    "binary-junk": (bytes(range(256)) * 500, "not UTF-8 text"),
    "zeros": (b"\0" * 200_000, "a character that nobody sees"),
    "long-line": (b"schema: raresim/model/1\nname: " + b"x" * 200_000 + b"\n", "is missing"),
    "many-keys-twice": (b"a: 1\n" * 19_000, "stands here twice"),
    "many-unknown-keys": (
        b"schema: raresim/model/1\n" + b"".join(b"k%d: 1\n" % k for k in range(9_000)),
        "unknown key",
    ),
    "laughs": (
        b"a: &a [x,x]\n" + b"".join(b"a%d: &a%d [*a,*a]\n" % (k, k) for k in range(5_000)),
        "anchors and aliases are not allowed",
    ),
    "surrogates-as-bytes": (b"name: '\xed\xa0\x80'\n", "not UTF-8 text"),
    "colons": (b": " * 100_000, "nested deeper than 30 levels"),
    "long-keys": (b"".join(b"%s: 1\n" % (c * 500) for c in (b"x", b"y")), "a key of more than"),
    "unknown-sources": (_unknown_sources(), "unknown source"),
    "question-marks": (b"? " * 100_000, "a key must be a plain word"),
    "open-quote": (b'a: "' + b"x " * 100_000, "not valid YAML"),
}


@pytest.mark.parametrize("name", MONSTERS)
def test_monsters_are_refused_soon_and_in_little_memory(tmp_path: Path, name: str) -> None:
    """Made here and not kept: the limits hold for the whole process, its start included."""
    content, message = MONSTERS[name]
    path = tmp_path / f"{name}.yaml"
    path.write_bytes(content)
    start = time.process_time()
    with pytest.raises(InputError, match=re.escape(message)) as error:
        validate([str(path)], as_json=False)
    assert time.process_time() - start < SECONDS
    assert all(problem.file == str(path) for problem in error.value.problems)
    done = raresim(path, tmp_path)
    assert done.returncode == 2, done.stderr[-2000:]
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 100_000
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
