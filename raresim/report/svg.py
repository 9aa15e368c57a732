"""From a matplotlib figure to SVG that may stand inside an HTML page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONTROL, TREATED, INK, PALE = "#a8480f", "#0b629e", "#222222", "#6a6a6a"
"""Orange and blue stay apart in any colour vision; both have contrast above 5 on white."""

DOTS_AN_INCH = 72
LOOK: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "raresim",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": PALE,
    "axes.labelcolor": INK,
    "axes.unicode_minus": True,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.dpi": DOTS_AN_INCH,
}
FONTS = "'DejaVu Sans', Verdana, sans-serif"
_LONG = re.compile(r"-?\d+\.\d{2,}")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@contextmanager
def look() -> Iterator[None]:
    """Draw with the report's style, whatever the reader's own matplotlib settings are."""
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        settings: Any = LOOK  # the stubs of matplotlib list every key
        matplotlib.rcParams.update(settings)
        # browsers bring their own fonts: a sign that DejaVu lacks is no fault
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield


def printable(text: str) -> str:
    """Replace characters that neither XML nor HTML may hold."""
    return _UNPRINTABLE.sub("\ufffd", text)


def short(name: str, most: int = 26) -> str:
    """Return a name as words for a picture, cut where it is too long for one."""
    text = printable(name.replace("_", " "))
    return text if len(text) <= most else text[: most - 1] + "…"


def inline(figure: Figure, name: str, label: str) -> str:
    """Return a figure as an `svg` element with a text alternative and names of its own.

    Namespaces, dates, comments and the global style of matplotlib are left out; every id carries
    `name`, so that several pictures can stand on one page.
    """
    buffer = io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=nothing, transparent=True)
    root = ElementTree.fromstring(buffer.getvalue())
    _plain(root)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in ("metadata", "style"):
                parent.remove(child)
    for element in root.iter():
        _rename(element, name)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.attrib |= {"role": "img", "aria-label": printable(label)}
    return ElementTree.tostring(root, encoding="unicode")


def _plain(root: ElementTree.Element) -> None:
    """Strip the namespaces: inside HTML the parser knows them."""
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        attributes = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
        element.attrib.clear()
        element.attrib.update(attributes)


def _rename(element: ElementTree.Element, name: str) -> None:
    for key, value in element.attrib.items():
        if key == "id":
            element.attrib[key] = f"{name}-{value}"
        elif key == "href" and value.startswith("#"):
            element.attrib[key] = f"#{name}-{value[1:]}"
        elif "url(#" in value:
            element.attrib[key] = value.replace("url(#", f"url(#{name}-")


def standing_alone(text: str, name: str, label: str, width: int) -> str:
    """Return a picture that is a file of its own: white behind it, a title, short numbers."""
    root = ElementTree.fromstring(text)
    root.attrib |= {"xmlns": "http://www.w3.org/2000/svg", "width": str(width)}
    for parent in root.iter():
        _gather_style(parent)
    for element in root.iter():
        for key, value in element.attrib.items():
            if key in ("d", "x", "y", "transform", "width", "height"):
                element.attrib[key] = " ".join(_LONG.sub(_rounded, value).split())
            elif key == "style":
                element.attrib[key] = value.replace("'DejaVu Sans'", FONTS)
    behind = ElementTree.Element("rect", {"width": "100%", "height": "100%", "fill": "white"})
    title, desc = ElementTree.Element("title"), ElementTree.Element("desc")
    title.text, desc.text = printable(name), printable(label)
    for place, element in enumerate((title, desc, behind)):
        root.insert(place, element)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def drawn(draw: Callable[[], Figure], name: str, title: str, label: str) -> str:
    """Draw a figure with the report's style; return it as a file of its own, of the same size."""
    with look():
        figure = draw()
        text = inline(figure, name, label)
        return standing_alone(text, title, label, round(figure.get_figwidth() * DOTS_AN_INCH))


def _rounded(found: re.Match[str]) -> str:
    return f"{float(found[0]):.1f}".removesuffix(".0")


def _gather_style(parent: ElementTree.Element) -> None:
    """Move the style that all markers of a group have to the group."""
    marks = parent.findall("use")
    styles = {mark.get("style") for mark in marks}
    style = styles.pop() if len(styles) == 1 else None
    if style is not None and parent.get("style") is None and len(marks) > 1:
        parent.set("style", style)
        for mark in marks:
            del mark.attrib["style"]
