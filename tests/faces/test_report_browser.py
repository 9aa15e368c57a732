"""The report in a real browser: quiet, offline, by keyboard, narrow, on paper, accessible."""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from raresim.report import write_report
from tests.faces import browser
from tests.worlds import whole_run

SCENARIOS = ("cgd-interferon-gamma", "friedreich-48-weeks")
SECTIONS = (
    "The question and the answer",
    "Operating characteristics",
    "What drives the answer",
    "How long and how many",
    "Enrolment",
    "Outcomes by arm",
    "A few patients of one trial",
    "The design",
    "What is estimated, and how",
    "Evidence and assumptions",
    "How it was computed, and its limits",
)
HEADINGS = ["In plain words", *(f"{k}. {title}" for k, title in enumerate(SECTIONS, 1))]
WIDE, NARROW = 1100, 360
A4, LETTER = 687, 710
"""CSS pixels between the margins of 14 mm that the style sheet asks for."""

STICKING_OUT = """() => {
  const width = document.documentElement.clientWidth, found = [];
  const scrolls = e => ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
  for (const element of document.querySelectorAll("body *")) {
    const right = element.getBoundingClientRect().right;
    if (right <= width + 1) continue;
    let parent = element.parentElement;
    while (parent && !scrolls(parent)) parent = parent.parentElement;
    if (!parent) found.push(`${element.tagName} ${element.textContent.slice(0, 40)}: ${right}`);
  }
  if (document.documentElement.scrollWidth > width) found.push("the page itself");
  return found;
}"""
SCROLLERS = """() => [...document.querySelectorAll("body *")]
  .filter(e => e.scrollWidth > e.clientWidth && e.clientWidth > 0)
  .filter(e => ["auto", "scroll", "hidden"].includes(getComputedStyle(e).overflowX))
  .filter(e => !(e instanceof SVGElement))
  .map(e => [e.tagName, e.getAttribute("aria-label"), e.tabIndex])"""
FOCUSED = """() => {
  const e = document.activeElement, style = getComputedStyle(e);
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  return [e.getAttribute("href") || e.getAttribute("aria-label"), seen];
}"""
CUT_LETTERING = """() => [...document.querySelectorAll("svg text")].filter(text => {
  const inner = text.getBoundingClientRect(), outer = text.ownerSVGElement.getBoundingClientRect();
  return inner.left < outer.left - 2 || inner.right > outer.right + 2
    || inner.top < outer.top - 2 || inner.bottom > outer.bottom + 2;
}).map(text => text.textContent)"""
PALE_LETTERING = """() => [...document.querySelectorAll("svg text")].filter(text => {
  const [r, g, b] = getComputedStyle(text).fill.match(/[\\d.]+/g).map(part => {
    const c = part / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) < 4.5;
}).map(text => text.textContent)"""


@dataclass
class View:
    """A page that was opened, everything that it asked for and everything that it complained of."""

    page: Any
    url: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def at(self, width: int, media: str = "screen") -> Any:
        """Show the page at a width, on a screen or as print."""
        self.page.emulate_media(media=media)
        self.page.set_viewport_size({"width": width, "height": 900})
        return self.page


@pytest.fixture(scope="module", params=SCENARIOS)
def report(request, chromium, tmp_path_factory):
    return write_report(
        whole_run(request.param, tmp_path_factory.mktemp("browser") / request.param)
    )


@pytest.fixture(scope="module")
def chromium():
    with browser.chromium() as opened:
        yield opened


@pytest.fixture
def view(chromium, report):
    context = chromium.new_context(offline=True, viewport={"width": WIDE, "height": 900})
    context.set_default_timeout(10_000)
    seen = View(context.new_page(), report.as_uri())
    context.on("request", lambda request: seen.requests.append(request.url))
    context.on("console", lambda message: seen.complaints.append(message.text))
    context.on("weberror", lambda error: seen.complaints.append(str(error.error)))
    seen.page.goto(seen.url)
    yield seen
    context.close()


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    return browser.axe(tmp_path_factory.mktemp("axe"))


def test_complains_of_nothing_and_asks_for_nothing_but_itself(view):
    page = view.page
    assert page.evaluate("navigator.onLine") is False
    page.keyboard.press("End")
    view.at(NARROW)
    view.at(A4, "print")
    page.wait_for_load_state("networkidle")
    assert view.requests == [view.url]
    assert view.complaints == []


def test_title_and_headings(view, report):
    page = view.page
    assert page.title() == f"{report.parent.name}, effect: report of a simulation"
    assert page.get_by_role("heading", level=2).all_inner_texts() == HEADINGS
    heading = page.get_by_role("heading", level=1)
    assert heading.count() == 1
    assert heading.inner_text().endswith("?")
    for name in HEADINGS:
        assert page.get_by_role("region", name=name, exact=True).count() == 1
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert page.get_by_role(landmark).count() == 1


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_pictures_are_seen_named_and_whole(view, width):
    from playwright.sync_api import expect

    page = view.at(width)
    pictures = page.get_by_role("img")
    assert pictures.count() == page.locator("svg").count() >= 4
    for picture in pictures.all():
        expect(picture).to_have_accessible_name(re.compile(r".{30}"))
        assert picture.is_visible()
        box = picture.bounding_box()
        assert box["width"] > 250
        assert box["height"] > 50
    assert page.evaluate(CUT_LETTERING) == []
    assert page.evaluate(PALE_LETTERING) == []


def test_links_lead_to_their_sections_by_keyboard(view):
    page = view.page
    links = page.locator("nav a[href]")
    targets = links.evaluate_all("links => links.map(link => link.getAttribute('href'))")
    for number, (target, heading) in enumerate(zip(targets, HEADINGS, strict=True)):
        assert target.startswith("#")
        page.evaluate("scrollTo(0, 0)")
        links.nth(number).focus()
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == target
        element = page.locator(target)
        assert element.inner_text() == heading
        page.wait_for_function(
            """target => {
              const box = document.querySelector(target).getBoundingClientRect();
              return box.top > -5 && box.bottom <= innerHeight;
            }""",
            arg=target,
        )


def test_tab_reaches_every_link_and_region_in_order_and_shows_where_it_is(view):
    page = view.at(NARROW)
    wanted = page.locator("a[href], [tabindex]").evaluate_all(
        "all => all.map(e => e.getAttribute('href') || e.getAttribute('aria-label'))"
    )
    reached = []
    for _ in wanted:
        page.keyboard.press("Tab")
        name, seen = page.evaluate(FOCUSED)
        assert seen, f"no outline on {name}"
        reached.append(name)
    assert reached == wanted
    assert len(wanted) > len(SECTIONS) + 8


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_nothing_sticks_out_of_the_page(view, width):
    assert view.at(width).evaluate(STICKING_OUT) == []


def test_what_scrolls_has_a_name_and_scrolls_by_keyboard(view):
    page = view.at(NARROW)
    scrollers = page.evaluate(SCROLLERS)
    assert len(scrollers) > 5
    for tag, name, tabindex in scrollers:
        assert name, f"a {tag} scrolls and has no name"
        assert tabindex == 0, f"{name} cannot be reached by keyboard"
        region = page.get_by_role("region", name=name, exact=True)
        assert region.count() == 1
        region.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("() => document.activeElement.scrollLeft > 0")


@pytest.mark.parametrize("width", [A4, LETTER])
def test_paper_cuts_nothing_off(view, width):
    page = view.at(width, "print")
    assert page.evaluate(STICKING_OUT) == []
    assert page.evaluate(SCROLLERS) == []
    wider = "all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.ariaLabel)"
    assert page.locator("[role=region]").evaluate_all(wider) == []
    heads = page.locator("thead").evaluate_all("all => all.map(e => getComputedStyle(e).display)")
    assert set(heads) == {"table-header-group"}


def test_prints(view):
    printed = view.page.pdf(format="A4", prefer_css_page_size=True)
    assert printed.startswith(b"%PDF-")
    pages = len(re.findall(rb"/Type /Page\b", printed))
    assert 5 <= pages <= 40
    sizes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert len(sizes) == pages
    assert all((float(x), float(y)) == pytest.approx((595.3, 841.9), abs=2) for x, y in sizes)


def test_the_plain_words_are_one_page_on_paper(view):
    """A4 leaves 265 mm, that is 1,001 CSS pixels, between the margins of the style sheet."""
    page = view.at(A4, "print")
    height = "section => section.getBoundingClientRect().height"
    assert 400 < page.get_by_role("region", name="In plain words").evaluate(height) < 1001


@pytest.mark.parametrize(("width", "media"), [(WIDE, "screen"), (NARROW, "screen"), (A4, "print")])
def test_axe_finds_no_serious_violation(view, axe, width, media):
    page = view.at(width, media)
    page.evaluate(axe)
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations', 'incomplete']})")
    assert len(found["passes"]) > 20
    grave = [
        (rule["id"], rule["help"], [node["html"][:200] for node in rule["nodes"]])
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
    assert grave == []
    # axe cannot see behind letters in pictures (tested above) nor behind what has scrolled away
    unsure = [
        node["html"]
        for rule in found["incomplete"]
        if rule["id"] == "color-contrast"
        for node in rule["nodes"]
        if not node["html"].startswith("<text")
    ]
    assert width == NARROW or unsure == []
