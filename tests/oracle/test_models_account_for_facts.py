"""Every published fact at hand is an input, a target or left out with a reason in the model file.

The facts lie beside the project and are not part of it: without them the test skips.
"""

from __future__ import annotations

import json

import pytest

from raresim import catalogue
from raresim.files import read
from tests.worlds import FILES, SHARED

ACCOUNTED = json.loads((FILES / "accounted.json").read_text())
"""For each model: its facts file, and for each fact the texts by which the model file has it."""


def test_every_model_has_an_entry() -> None:
    assert sorted(ACCOUNTED) == sorted(catalogue.shipped("models"))


@pytest.mark.parametrize("name", sorted(ACCOUNTED))
def test_every_fact_that_was_read_has_its_place(name: str) -> None:
    key, places = ACCOUNTED[name]["facts"], ACCOUNTED[name]["found"]
    facts = SHARED / "facts" / f"{key}.yaml"
    if not facts.is_file():
        pytest.skip("the collection of facts is not at hand")
    wanted = {f["id"] for f in read(facts).data["facts"] if f["basis"] in ("read", "ipd")}
    assert wanted == set(places)


@pytest.mark.parametrize("name", sorted(ACCOUNTED))
def test_each_place_stands_in_the_model_file(name: str) -> None:
    text = catalogue.find("models", name).read_text()
    missing = [
        (fact, part)
        for fact, parts in ACCOUNTED[name]["found"].items()
        for part in parts
        if part not in text
    ]
    assert missing == []
