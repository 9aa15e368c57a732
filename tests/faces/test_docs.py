"""Every snippet of the documentation runs, and what it shows is what comes out.

A page is one session in a folder of its own. In `console` blocks, lines after `$` are commands and
the others their output; `python` blocks are doctests, or plain code that must run. Where output
differs from one machine or version to the next, pages write `...`. `docs/new-model.md` and its
`sh` blocks belong to `test_starting.py`.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

from raresim.limits import LIMITS
from tests.faces.test_cli import ROOT, Done, run_here

DOCS = ROOT / "docs"
PAGES = sorted(
    path
    for path in DOCS.rglob("*.md")
    if not {"_build", "_generated"} & set(path.relative_to(DOCS).parts)
)
INSTALLS = {"python3 -m venv .venv && .venv/bin/pip install ."}
"""Commands that install something: the only ones that are shown and not run."""
SHELL = re.compile(r"[|&;<>$`*?~(){}\[\]#\n]")
"""Signs that a shell would act on."""
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Console:
    """A terminal of 80 columns in the page's folder, in which `raresim` is this raresim."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.status = folder / "session", 0
        self.folder.mkdir()
        command = folder / "bin" / "raresim"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m raresim "$@"\n')
        command.chmod(0o755)
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "LC_ALL": "C"}
        self.environment["PATH"] = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
        self.environment["PYTHONUTF8"] = "1"

    def run(self, command: str) -> str:
        """Run a command of the session; `$?` is the status of the one before."""
        if command in INSTALLS:
            return ""
        assert self.status == 0 or "$?" in command, f"exit code {self.status} before {command!r}"
        alone = SHELL.search(command) or not command.startswith("raresim ")
        done = self.in_bash(command) if alone else self.here(command)
        assert "Traceback" not in done.stdout, done.stdout
        self.status = done.returncode
        return done.stdout + (done.stderr or "")

    def here(self, command: str) -> Done:
        """Run raresim without a process of its own, where no shell is needed."""
        return run_here(*shlex.split(command)[1:], cwd=self.folder, columns=80)

    def in_bash(self, command: str) -> Done:
        """Run a command as the shell does, what it says in the order in which it says it."""
        return subprocess.run(
            ["bash", "-c", f"(exit {self.status})\n{command}"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    def console(self, example: Example) -> str | None:
        """Run the commands of a block; return what differs from the output that it shows."""
        for command, wanted in commands(str(example.parsed)):
            found = self.run(command)
            loose = re.sub(r"^ *\.\.\.\n *", "...", wanted, flags=re.MULTILINE)  # or none
            if wanted and not doctest.OutputChecker().check_output(loose, found, FLAGS):
                return f"$ {command}\nthe page shows:\n{wanted}\nwhat came out:\n{found}"
        return f"exit code {self.status}" if self.status else None

    def bash(self, example: Example) -> str | None:
        """Run a block without output, line by line."""
        for command in str(example.parsed).replace("\\\n", " ").splitlines():
            self.run(command)
        return f"exit code {self.status}" if self.status else None


def commands(block: str) -> list[tuple[str, str]]:
    """Return the commands of a console block, each with the output below it."""
    found: list[tuple[str, str]] = []
    for line in block.replace("\\\n", " ").splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((line[2:].strip(), ""))
        else:
            assert found, "a console block begins with a command"
            found[-1] = (found[-1][0], found[-1][1] + line)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_what_the_page_shows_happens(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Console(tmp_path)
    monkeypatch.chdir(session.folder)
    parsers = [
        CodeBlockParser("console", session.console),
        CodeBlockParser("bash", session.bash),
        PythonCodeBlockParser(doctest_optionflags=FLAGS),
    ]
    for example in Sybil(parsers=parsers).parse(page).examples():
        example.evaluate()


def test_only_installations_are_not_run() -> None:
    assert all("install" in command for command in INSTALLS)
    shown = "\n".join(page.read_text("utf-8") for page in PAGES)
    assert all(f"$ {command}\n" in shown for command in INSTALLS)


def test_every_limit_is_in_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    import generated

    page = generated.limits()
    for limit in LIMITS:
        assert f"| {limit.value:,} | {limit.what} |" in page
        assert limit.variable in page


def test_pages_speak_of_the_project_alone() -> None:
    for page in PAGES:
        text = page.read_text("utf-8")
        for word in ("/home/", "/work/", "/opt/", "/tmp/", "/root/"):
            assert word not in text, f"{page}: {word}"
