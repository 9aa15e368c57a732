"""Shipped files changed at random are loaded or refused in words; no other exception comes out.

RARESIM_MUTATIONS=20000 makes the long run. A failure names its chunk and number: the same numbers
give the same text.
"""

from __future__ import annotations

import functools
import os
import random
import re
import warnings
from pathlib import Path

import pytest

from raresim import catalogue
from raresim.cli.listing import load
from raresim.disease import load_model
from raresim.errors import InputError, RaresimError

MUTATIONS = int(os.environ.get("RARESIM_MUTATIONS", "2000"))
CHUNKS = 8
SEED = 19_910_321

JUNK = [
    "-1", "0", "1e9", "1e999", "null", "true", "[]", "{}", "x", '"', "{a: 1}", "[1, 2]", "-", "nan",
    "9999999999", "0.5", "1 to 0", "every", ".inf", "12 months", "-3 days", "4 moths", "0 per year",
    "1 to 2 weeks", "", "~", "age", "site", "interferon", "mfars", "no", "yes", "*a", "&a b",
    "!!int 3", "rest", "everybody", "age > 3", "age.x", "(", "9" * 400, "é", "\u2028",
    '"\\ud800"', '"\\0"',
]  # fmt: skip
NUMBERS = ["0", "-1", "1", "1e6", "0.0001", "100000", "1.5", "-0.0", "1e308", "00", "2000"]
SIGNS = "{}[]:,\"'#&*!|>%@`-x7 \n\t=<"


def delete(lines: list[str], luck: random.Random) -> None:
    """Take a line away, or a few."""
    at = luck.randrange(len(lines))
    del lines[at : at + luck.choice([1, 1, 1, 4])]


def repeat(lines: list[str], luck: random.Random) -> None:
    """Write a line again in another place."""
    lines.insert(luck.randrange(len(lines)), luck.choice(lines))


def swap(lines: list[str], luck: random.Random) -> None:
    """Exchange two lines, or what stands after their colons."""
    a, b = luck.randrange(len(lines)), luck.randrange(len(lines))
    if luck.random() < 0.5:
        lines[a], lines[b] = lines[b], lines[a]
        return
    first, second = lines[a].partition(": "), lines[b].partition(": ")
    lines[a], lines[b] = first[0] + first[1] + second[2], second[0] + second[1] + first[2]


def reword(lines: list[str], luck: random.Random) -> None:
    """Put junk, or another word of the file, in the place of a word."""
    at = luck.randrange(len(lines))
    words = list(re.finditer(r"[\w.@-]+", lines[at])) or [re.match("", lines[at])]
    word = luck.choice(words)
    others = re.findall(r"[\w.@-]+", luck.choice(lines)) or ["x"]
    new = luck.choice(JUNK if luck.random() < 0.7 else others)
    assert word is not None
    lines[at] = lines[at][: word.start()] + new + lines[at][word.end() :]


def renumber(lines: list[str], luck: random.Random) -> None:
    """Put another number in the place of one."""
    numbered = [k for k, line in enumerate(lines) if re.search(r"\d", line)]
    if numbered:
        at = luck.choice(numbered)
        number = luck.choice(list(re.finditer(r"\d+(\.\d+)?", lines[at])))
        lines[at] = lines[at][: number.start()] + luck.choice(NUMBERS) + lines[at][number.end() :]


def scratch(lines: list[str], luck: random.Random) -> None:
    """Put a sign in, in the place of a letter or between two."""
    at = luck.randrange(len(lines))
    column = luck.randrange(len(lines[at]) + 1)
    lines[at] = lines[at][:column] + luck.choice(SIGNS) + lines[at][column + luck.randrange(2) :]


def indent(lines: list[str], luck: random.Random) -> None:
    """Move a line to the left or to the right."""
    at = luck.randrange(len(lines))
    lines[at] = luck.choice(["", "  ", "    ", "      ", "- "]) + lines[at].lstrip()


OPERATORS = [delete, repeat, swap, reword, reword, renumber, renumber, scratch, indent]


def mutated(text: str, luck: random.Random) -> str:
    """Return the text after one to three changes."""
    lines = text.split("\n")
    for _ in range(luck.choice([1, 1, 2, 3])):
        luck.choice(OPERATORS)(lines, luck)
        lines = lines or [""]
    return "\n".join(lines)


def shipped() -> list[Path]:
    """Return the shipped files, scenarios twice: they are read together with their model."""
    scenarios = list(catalogue.shipped("scenarios").values())
    return [*catalogue.shipped("models").values(), *scenarios, *scenarios]


_once = functools.cache(load_model)


@pytest.fixture
def sound_models_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the shipped model that changed scenarios name once: it is the same file each time."""

    def of_a_scenario(name, *words):
        known = catalogue.split_version(str(name))[0] in catalogue.shipped("models")
        return (_once if known else load_model)(name, *words)

    monkeypatch.setattr("raresim.trial.scenario.load_model", of_a_scenario)


@pytest.mark.usefixtures("sound_models_once")
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_changed_file_is_loaded_or_refused_in_words(tmp_path: Path, chunk: int) -> None:
    texts = [path.read_text(encoding="utf-8") for path in shipped()]
    path = tmp_path / "mutant.yaml"
    loaded = refused = 0
    for number in range(chunk, MUTATIONS, CHUNKS):
        luck = random.Random(SEED + number)
        path.write_text(mutated(luck.choice(texts), luck), encoding="utf-8", newline="")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                load(str(path))
            loaded += 1
        except InputError as error:
            refused += 1
            assert error.problems
            assert all(problem.message for problem in error.problems)
            assert str(error).isprintable() or "\n" in str(error)
        except RaresimError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"mutation {number} of chunk {chunk}: {error!r}") from error
    assert loaded > 0
    assert refused > 0
