"""JSON Schema of the files that people write: for editors, and for programs that write them.

It is generated from the specifications themselves, so it cannot fall behind them. What a schema
cannot say (shares that sum to 1, names that lead somewhere) is left to `raresim validate`:
a file that `validate` takes is valid here too, but not the other way round.
"""

from __future__ import annotations

import json
from typing import Any, get_args

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from raresim.files.schema import Spec

__all__ = ["json_schema", "text"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(spec: type[Spec]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a kind of file.

    Parameters
    ----------
    spec
        The specification of a whole file, whose `schema` key names kind and version.
    """
    (mark,) = get_args(spec.model_fields["schema_"].annotation)
    house, kind, version = mark.split("/")
    found = spec.model_json_schema(by_alias=True, schema_generator=_Generator)
    head = {
        "$schema": DIALECT,
        "$id": f"urn:{house}:{kind}:{version}",
        "title": f"{house} {kind} file, version {version}",
    }
    return head | found


def text(spec: type[Spec]) -> str:
    """Return the JSON Schema of a kind of file as text, the same on every call."""
    return json.dumps(json_schema(spec), indent=2, ensure_ascii=False) + "\n"


class _Generator(GenerateJsonSchema):
    """Leaves out what is noise in an editor, adds which keys need each other."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """No titles: they would only repeat the keys."""
        return False

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        """Say which keys a part needs beyond those that it always needs."""
        found = super().model_schema(schema)
        found.pop("title", None)
        choices = _choices(schema["cls"], found["properties"])
        if choices:
            found["allOf"] = [{"anyOf": [{"required": keys} for keys in way]} for way in choices]
        bare = getattr(schema["cls"], "bare", None)
        if bare is None:
            return found
        plain = [part for part in found["properties"][bare]["anyOf"] if "$ref" in part]
        return {"description": found.pop("description", ""), "anyOf": [found, *plain]}

    def tagged_union_schema(self, schema: Any) -> JsonSchemaValue:
        """Drop OpenAPI's `discriminator`, which JSON Schema does not know."""
        found = super().tagged_union_schema(schema)
        found.pop("discriminator", None)
        return found

    def nullable_schema(self, schema: Any) -> JsonSchemaValue:
        """Write `type: [x, "null"]` where that says it: editors explain it better than anyOf."""
        inner = self.generate_inner(schema["schema"])
        if set(inner) == {"anyOf"}:
            return {"anyOf": [*inner["anyOf"], {"type": "null"}]}
        types = inner.get("type")
        if types is None or {"const", "enum"} & set(inner):
            return {"anyOf": [inner, {"type": "null"}]}
        return inner | {"type": [*([types] if isinstance(types, str) else types), "null"]}

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        """Keep a default that a person could have written there: a word, a number."""
        found = super().default_schema(schema)
        default, types = found.get("default"), found.get("type", "string")
        wanted = (str,) if types == "string" else (int, float)
        if not isinstance(default, wanted) or default == "":
            found.pop("default", None)
        return found


def _choices(spec: type[Spec], properties: dict[str, Any]) -> list[list[list[str]]]:
    """Return the keys of which one set is needed, for each such choice of a specification."""
    found: list[list[list[str]]] = []
    keys = getattr(spec, "keys", ())
    if len(keys) > 1:
        found.append([[key] for key in keys])
    if {"evidence", "assumed"} <= set(properties):
        rows = [["given", "rows"]] if "rows" in properties else []
        found.append([["evidence"], ["assumed", "why"], *rows])
    if {"alpha", "posterior_above"} <= set(properties):
        found.append([["alpha"], ["posterior_above"]])
    if {"states", "kind"} <= set(properties):
        found.append([["states"], ["kind"]])
    return found
