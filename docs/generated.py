"""Pages that the program writes about itself, into `reference/_generated`, before Sphinx reads.

Nothing here is a copy by hand: commands come from `--help`, keys of files from the JSON Schemas,
limits from `raresim.limits`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from raresim.disease.spec import ModelSpec
from raresim.files import expressions, json_schema
from raresim.trial.grammar.spec import ScenarioSpec

FOLDER = Path(__file__).parent / "reference" / "_generated"
SPECS = {"model": ModelSpec, "scenario": ScenarioSpec}
WIDTH = "80"


def commands() -> str:
    """Return the help of every command, as it is printed at 80 columns."""
    os.environ.update(COLUMNS=WIDTH, TERMINAL_WIDTH=WIDTH, NO_COLOR="1", TERM="dumb")
    import typer.main
    from typer.testing import CliRunner

    from raresim.cli.commands import app

    def pages(command: Any, words: tuple[str, ...]) -> Iterator[str]:
        said = CliRunner().invoke(app, [*words, "--help"], prog_name="raresim")
        assert said.exit_code == 0, said.output
        text = "\n".join(line.rstrip() for line in said.output.splitlines()).strip("\n")
        yield f"## raresim {' '.join(words)}".rstrip() + f"\n\n```text\n{text}\n```\n"
        for name, inner in getattr(command, "commands", {}).items():
            if not inner.hidden:
                yield from pages(inner, (*words, name))

    return "\n".join(pages(typer.main.get_command(app), ()))


def keys(kind: str) -> str:
    """Return a table of keys for a whole file and for each of its parts, the outer ones first."""
    schema = json_schema.json_schema(SPECS[kind])
    defined = schema["$defs"]
    found, queue = ["## The file\n\n" + _table(schema, kind)], list(_refers_to(schema, defined))
    for name in queue:
        part = defined[name]
        about = part.get("description", "").replace("*", r"\*")
        inner = next((p for p in part.get("anyOf", []) if "properties" in p), part)
        found.append(f"({kind}-{_anchor(name)})=\n## {_title(name)}\n\n{about}\n\n")
        found[-1] += _table(inner, kind)
        queue += [other for other in _refers_to(part, defined) if other not in queue]
    return "\n".join(found)


def _refers_to(part: Any, defined: dict[str, Any]) -> list[str]:
    text = json.dumps({key: value for key, value in part.items() if key != "$defs"})
    names = dict.fromkeys(re.findall(r'"#/\$defs/(\w+)"', text))
    return [name for name in names if name in defined]


def _anchor(name: str) -> str:
    return name.lower().strip("_").replace("_", "-")


def _title(name: str) -> str:
    """Return the name of a part: Stated_Mean_ is a mean that is evidence or assumed."""
    first, _, rest = name.strip("_").partition("_")
    return f"{first} {rest}".strip() if rest else first


def _table(part: dict[str, Any], kind: str) -> str:
    rows = ["| key | what | write | example |", "|---|---|---|---|"]
    required = part.get("required", [])
    for name, found in part.get("properties", {}).items():
        mark = " (needed)" if name in required else ""
        examples = [f"`{_flow(example)}`" for example in found.get("examples", [])[:2]]
        default = f"; `{_flow(found['default'])}` if left out" if "default" in found else ""
        cells = (f"`{name}`{mark}", _escaped(found.get("description", "")) + default)
        rows.append("| " + " | ".join((*cells, _kind(found, kind), ", ".join(examples))) + " |")
    return "\n".join(rows) + "\n"


def _escaped(text: str) -> str:
    return text.replace("|", r"\|").replace("*", r"\*")


def _flow(value: Any) -> str:
    """Return a value as people write it in YAML, in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _kind(found: dict[str, Any], kind: str) -> str:
    """Return what is written there: words to choose from, a number, a part described below."""
    if "$ref" in found:
        name = found["$ref"].rsplit("/", 1)[1]
        return f"[{_title(name)}](#{kind}-{_anchor(name)})"
    if "const" in found or "enum" in found:
        words = found.get("enum", [found.get("const")])
        return " or ".join(f"`{_flow(word)}`" for word in words)
    if "anyOf" in found or "oneOf" in found:
        parts = (_kind(part, kind) for part in found.get("anyOf", found.get("oneOf")))
        return " or ".join(dict.fromkeys(part for part in parts if part))
    types = found.get("type", "")
    types = [types] if isinstance(types, str) else [word for word in types if word != "null"]
    if types == ["array"]:
        inner = _kind(found.get("items", {}), kind)
        return f"list of {inner}" if inner else "list"
    if types == ["object"]:
        rest = found.get("additionalProperties")
        inner = _kind(rest, kind) if isinstance(rest, dict) else ""
        inner = f"{{{inner}}}" if inner.startswith("name: ") else inner
        return f"name: {inner}" if inner else "mapping"
    words = {"string": "text", "number": "number", "integer": "whole number"}
    words |= {"boolean": "`true` or `false`", "null": "", "array": "list", "object": "mapping"}
    return " or ".join(filter(None, (words.get(word, word) for word in types)))


def grammar() -> str:
    """Return the written grammar of the expression language."""
    assert expressions.__doc__ is not None
    lines = [line for line in expressions.__doc__.splitlines() if line.startswith("    ")]
    return "```text\n" + "\n".join(line[4:] for line in lines) + "\n```\n"


def limits() -> str:
    """Return every limit with its value, the reason, and the variable that raises it."""
    from raresim.limits import LIMITS

    rows = ["| at most | of | why | raised by |", "|---:|---|---|---|"]
    rows += [f"| {k.value:,} | {k.what} | {k.why} | `{k.variable}` |" for k in LIMITS]
    return "\n".join(rows) + "\n"


def counts() -> str:
    """Return how many entries each list and mapping of a file may have, from the schemas."""
    rows = ["| file | part | key | at least | at most |", "|---|---|---|---:|---:|"]
    for kind, spec in SPECS.items():
        schema = json_schema.json_schema(spec)
        for title, part in {"the file": schema, **schema["$defs"]}.items():
            for inner in (part, *part.get("anyOf", [])):
                for key, found in inner.get("properties", {}).items():
                    least, most = _bounds(found)
                    if most is not None:
                        name = title if title == "the file" else _title(title)
                        few = "" if least is None else f"{least:g}"
                        rows.append(f"| {kind} | {name} | `{key}` | {few} | {most:,} |")
    return "\n".join(rows) + "\n"


def _bounds(found: dict[str, Any]) -> tuple[Any, Any]:
    """Return the least and the greatest size of a list, a mapping or a whole number."""
    for few, many in (("minItems", "maxItems"), ("minProperties", "maxProperties")):
        if many in found:
            return found.get(few), found[many]
    if found.get("type") == "integer" and "maximum" in found:
        return found.get("minimum", found.get("exclusiveMinimum", 0) + 1), found["maximum"]
    return None, None


PAGES = {
    "commands.md": commands,
    "model-keys.md": lambda: keys("model"),
    "scenario-keys.md": lambda: keys("scenario"),
    "grammar.md": grammar,
    "limits.md": limits,
    "counts.md": counts,
}


def write(*_: Any) -> None:
    """Write every page whose text has changed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        path, text = FOLDER / name, page()
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Write the pages when Sphinx begins."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
