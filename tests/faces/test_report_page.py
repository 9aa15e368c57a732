"""The report as a page: valid, self-contained, accessible, escaped, the same bytes every time."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from raresim.report import write_report
from raresim.report.folder import load
from raresim.study import simulate
from raresim.trial.scenario import load_scenario
from tests.worlds import whole_run

SCENARIOS = ("cgd-interferon-gamma", "friedreich-48-weeks")
VOID = {"meta", "br", "hr", "img", "link", "input", "col"}
HOSTILE = "<script>alert(1)</script>"
MILESTONE = "</svg><script>alert(2)</script>"
HYPOTHESIS = "<img src=x onerror=alert(3)>"
MATHS = "$\\frac{1}$ & drug"


class Page(HTMLParser):
    """Collect elements in order; fail on a tag that is not closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs), f"attribute twice in {tag}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert "svg" in self.open or tag in VOID, f"<{tag}/> outside of a picture"
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, *tags):
        return [(tag, attributes) for tag, attributes in self.elements if tag in tags]


@pytest.fixture(scope="module", params=SCENARIOS)
def folder(request, tmp_path_factory):
    return whole_run(request.param, tmp_path_factory.mktemp("run") / request.param)


@pytest.fixture(scope="module")
def text(folder):
    return write_report(folder).read_text("utf-8")


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_is_one_balanced_page_with_headings_in_order(text, page):
    assert text.startswith("<!DOCTYPE html>\n")
    assert page.all("html")[0][1]["lang"] == "en"
    levels = [int(tag[1]) for tag, _ in page.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert levels.count(2) == 12
    assert all(b <= a + 1 for a, b in pairwise(levels))


def test_is_under_three_megabytes(text):
    assert len(text.encode()) < 3_000_000


def test_every_id_is_its_own_and_every_reference_leads_somewhere(text, page):
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    wanted = {a["href"].removeprefix("#") for _, a in page.elements if "href" in a}
    wanted |= {a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", text))
    assert wanted <= set(ids)


def test_asks_nothing_of_any_network(text, page):
    for _, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "data", "action", "poster", "srcset"):
            assert (attributes.get(name) or "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    assert not page.all("script", "link", "iframe", "img", "object", "embed", "image", "base")
    assert re.findall(r"url\((?!#)", text) == []
    assert "@import" not in text
    assert len(text.encode()) < 3_000_000
    assert "\ufffd" not in text


def test_pictures_have_text_and_tables_have_captions(page):
    pictures = page.all("svg")
    assert len(pictures) >= 4
    for _, attributes in pictures:
        assert attributes["role"] == "img"
        assert len(attributes["aria-label"]) > 30
        assert attributes["viewbox"]
    assert len(page.all("table")) == len(page.all("caption")) >= 10
    scopes = {a.get("scope") for _, a in page.all("th")}
    assert scopes == {"col", "row", "rowgroup"}


def test_same_run_gives_the_same_bytes_wherever_it_lies(folder, text, tmp_path):
    assert write_report(folder).read_text("utf-8") == text
    other = shutil.copytree(folder, tmp_path / "elsewhere" / "x")
    assert write_report(other).read_text("utf-8") == text
    names = {path.name for path in other.iterdir()}
    assert names == {path.name for path in folder.iterdir()}
    assert str(folder.parent) not in text


def test_the_readers_own_matplotlib_settings_change_nothing(folder, text):
    import matplotlib

    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "svg.fonttype": "path"}):
        assert write_report(folder).read_text("utf-8") == text


def test_import_is_light():
    heavy = "{'matplotlib', 'jinja2', 'pandas', 'numpy', 'scipy', 'pyarrow', 'pydantic'}"
    code = f"import sys, raresim.report; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _hostile(source: str) -> str:
    """Return the scenario with names and a question that nobody well-meaning would choose."""
    text = re.sub(r"question: .*", f'question: "{HOSTILE} Does it &amp; show?"', source)
    text = text.replace("control: placebo", f'control: "{HOSTILE}"')
    text = re.sub(r"\bplacebo: ", f'"{HOSTILE}": ', text)
    text = text.replace("final: {", f'"{MILESTONE}": {{')
    text = re.sub(r"^    effect:$", f'    "{HYPOTHESIS}":', text, flags=re.MULTILINE)
    maths = MATHS.replace("\\f", "\\\\f")
    return re.sub(r"\bdrug: ?(?=[\n{1])", lambda _: f'"{maths}": ', text)


def test_text_of_strangers_is_escaped(tmp_path):
    source = load_scenario("friedreich-48-weeks").document.path
    path = tmp_path / "strange.yaml"
    path.write_text(_hostile(Path(source).read_text("utf-8")), "utf-8")
    scenario = load_scenario(path)
    assert HOSTILE in scenario.arms
    simulate(scenario, 16, 1, workers=1, folder=tmp_path / "run")
    text = write_report(tmp_path / "run").read_text("utf-8")
    page = Page(text)
    assert not page.all("script", "img")
    assert text.count("<svg") == text.count("</svg>") == len(page.all("svg"))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    told = " ".join(page.words)
    for hostile in (HOSTILE, MILESTONE, HYPOTHESIS, "$\\frac{1}$ & drug", "&amp; show?"):
        assert hostile in told
    labels = [a["aria-label"] for _, a in page.all("svg")]
    assert any(HOSTILE in label for label in labels)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", text)


def test_load_keeps_what_the_page_needs(folder):
    run = load(folder)
    assert run.changed == ()
    assert run.hypothesis == "effect"
    assert run.stem == run.summary["scenario"]
