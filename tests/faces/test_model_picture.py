"""The picture of each model: there, on its page, and what the model says today."""

import json
from dataclasses import fields
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from raresim import catalogue
from raresim.cli.listing import show
from raresim.disease import load_model
from raresim.errors import InputError
from raresim.report.model_panels import DRAWN, panels, told
from raresim.report.model_picture import picture
from raresim.report.panels import Bars, Courses, Free
from tests.faces.test_cli import ROOT, raresim

PAGES = ROOT / "docs" / "models"
MODELS = sorted(catalogue.shipped("models"))
SVG = "{http://www.w3.org/2000/svg}"


def same(one, other):
    """Whether two values of a panel are equal to the last bit."""
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=True)
    return one == other


@pytest.mark.parametrize("name", MODELS)
def test_each_model_has_its_picture_on_its_page(name):
    """Mend with: raresim show NAME --picture docs/models/NAME.svg, and NAME.md with --page."""
    model = load_model(name)
    shown = panels(model)
    said = told(model, shown)
    file = PAGES / f"{name}.svg"
    root = ElementTree.fromstring(file.read_text("utf-8"))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert {panel.title for panel in shown} <= set(texts)
    assert root.find(f"{SVG}title").text == model.spec.name
    assert root.find(f"{SVG}desc").text == root.get("aria-label") == said
    lines = (PAGES / f"{name}.md").read_text("utf-8").splitlines()
    assert lines[6] == f"![{said}]({name}.svg)"
    assert file.stat().st_size < 80_000
    again = panels(load_model(name))
    for one, other in zip(shown, again, strict=True):
        assert all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))


@pytest.mark.parametrize("name", MODELS)
def test_panels_hold_what_they_say(name):
    shown = panels(load_model(name))
    assert 2 <= len(shown) <= 4
    assert isinstance(shown[-1], Bars)
    for panel in shown:
        if isinstance(panel, Courses):
            assert panel.patients.shape == (DRAWN, len(panel.x))
            assert panel.middle.shape == (3, len(panel.x))
            low, half, high = panel.middle
            assert (low <= half).all()
            assert (half <= high).all()
        elif isinstance(panel, Bars):
            total = sum(share.sum() for share in panel.stacks.values())
            assert total == pytest.approx(100)
            assert all(len(share) == len(panel.edges) - 1 for share in panel.stacks.values())
        else:
            assert isinstance(panel, Free)
            for share in panel.curves.values():
                assert share[0] == 100
                assert (np.diff(share) <= 0).all()


def test_the_picture_shows_the_numbers_of_the_model():
    walk, nsaa, free, age = panels(load_model("duchenne"))
    assert (walk.x[0], walk.x[-1], free.x[-1]) == (4, 16, 16)
    assert walk.middle[1][-1] == nsaa.middle[1][-1] == 0  # most have lost ambulation by then
    assert np.interp(50, free.curves[""][::-1], free.x[::-1]) == pytest.approx(13.5, abs=0.2)
    assert age.edges[0] == 4
    event, infants = panels(load_model("sma-type-1"))
    at = np.interp(10.5, event.x, event.curves["two"])
    assert at == pytest.approx(50, abs=4)  # as its source has it
    assert list(event.curves) == list(infants.stacks) == ["two", "three"]
    death = panels(load_model("primary-biliary-cholangitis"))[1]
    published = {1: 92.9, 2: 89.4, 3: 80.9, 5: 71.1, 7: 61.9, 10: 43.9}
    for year, share in published.items():
        assert np.interp(year, death.x, death.curves[""]) == pytest.approx(share, abs=1.5)


def test_a_name_that_xml_cannot_hold_is_written_as_text():
    model = load_model("sma-type-1")
    text = picture("<b> & \x0b", panels(model), "a < b")
    root = ElementTree.fromstring(text)
    assert root.find(f"{SVG}title").text == "<b> & \ufffd"
    assert root.find(f"{SVG}desc").text == "a < b"


def test_the_command_writes_the_picture_whole_or_not_at_all(tmp_path: Path) -> None:
    name, file = "sma-type-1", tmp_path / "sma.svg"
    said = raresim("show", name, "--picture", "sma.svg", "--json", cwd=tmp_path)
    first = file.read_bytes()
    assert json.loads(said)["seen"] in first.decode()
    show(name, ["picture"], as_json=True, picture=file)
    assert file.read_bytes() == first
    said = raresim("show", "cgd-interferon-gamma", "--picture", "x.svg", cwd=tmp_path, code=2)
    assert "is a scenario; --picture is for models" in said
    for wrong, mend in {"sma.png": "end the name in .svg", "no/sma.svg": "make it first"}.items():
        with pytest.raises(InputError, match=mend):
            show(name, ["picture"], as_json=False, picture=tmp_path / wrong)
    with pytest.raises(InputError, match="cannot go together"):
        show(name, ["page", "picture"], as_json=False, picture=file)
    assert list(tmp_path.iterdir()) == [file]
