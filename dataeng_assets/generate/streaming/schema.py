"""The schema of a topic's events as JSON Schema, draft 2020-12, for whoever writes them and for schema registries."""

import json
from collections.abc import Mapping

from dataeng_assets.generate.streaming.events import Event, Field

_TYPES: Mapping[str, Mapping[str, object]] = {
    "string": {"type": "string"},
    "uuid": {"type": "string", "format": "uuid"},
    "bigint": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "double": {"type": "number"},
    "boolean": {"type": "boolean"},
    "timestamp": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "bytes": {"type": "string", "contentEncoding": "base64"},
}
"""By type of an event's field; `json` may be anything, and a decimal is a number or its text."""


def schema_text(event: Event) -> str:
    """The schema of the records' values, as a text that ends with a line break.

    A field that is not named may be there: consumers keep it apart.
    """
    fields = event.value_fields
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": event.name,
        "description": event.description,
        "type": "object",
        "properties": {one.name: _property(one) for one in fields},
        "required": [one.name for one in fields if not one.nullable],
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _property(one: Field) -> dict[str, object]:
    said: dict[str, object] = {"description": one.description} if one.description else {}
    if one.values:
        said["enum"] = [*one.values, None] if one.nullable else list(one.values)
        return said
    if one.kind.startswith("decimal"):
        kind: dict[str, object] = {"type": ["number", "string"]}
    else:
        kind = dict(_TYPES.get(one.kind, {}))
    if one.nullable and "type" in kind:
        listed = kind["type"]
        kind["type"] = [*(listed if isinstance(listed, list) else [listed]), "null"]
    return kind | said
