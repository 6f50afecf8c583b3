"""Putting a schema together with those that it uses, so that it can be compared and decoded as one."""

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from dataeng_assets.contracts.compatibility.json_schema.document import step
from dataeng_assets.kafka.registry.errors import RegistryRefused
from dataeng_assets.kafka.registry.schemas import Kind, Reference, RegisteredSchema, Schema, SchemaRegistry

_MOST = 200
_NAMED = ("record", "error", "enum", "fixed")


def used_by(registry: SchemaRegistry, schema: Schema) -> Mapping[str, RegisteredSchema]:
    """All schemas that a schema uses, also by way of others, by the name it calls them; what is used comes first.

    Raises:
        SchemaUnknown: a reference leads nowhere.
        RegistryRefused: one name means two schemas, a name leads out of a folder, or there is no end of them.
        RegistryUnreachable: no answer; trying again later is safe.
    """
    found: dict[str, RegisteredSchema] = {}
    _collect(registry, schema.references, found, ())
    return found


def _collect(
    registry: SchemaRegistry,
    references: tuple[Reference, ...],
    found: dict[str, RegisteredSchema],
    way: tuple[Reference, ...],
) -> None:
    for reference in references:
        if reference in way or len(found) >= _MOST:
            raise RegistryRefused(f"The references of {reference.subject} have no end. Nothing was compared or read.")
        _check_name(reference)
        one = registry.version(reference.subject, reference.version)
        known = found.get(reference.name)
        if known is not None and known != one:
            raise RegistryRefused(
                f"{reference.name} means two schemas among those that are used here, one of them version "
                f"{reference.version} of {reference.subject}. Nothing was compared or read. Refer to one of them."
            )
        if known is None:
            _collect(registry, one.references, found, (*way, reference))
            found[reference.name] = one


def _check_name(reference: Reference) -> None:
    """A name may become the path of a file: it does not lead out of its folder."""
    path = PurePosixPath(reference.name)
    if not reference.name or path.is_absolute() or ".." in path.parts or "\0" in reference.name:
        raise RegistryRefused(f"{reference.name!r}, a reference to {reference.subject}, is no name for an import.")


def whole_text(schema: Schema, used: Mapping[str, RegisteredSchema]) -> str:
    """A schema's text with those that it uses written into it; a `.proto` file as it is, for it imports them.

    Raises:
        RegistryRefused: a text is no JSON.
    """
    if not used or schema.kind is Kind.PROTOBUF:
        return schema.text
    parts = {name: _parsed(name, one.text) for name, one in used.items()}
    document = _parsed("the schema", schema.text)
    whole = _avro(document, parts) if schema.kind is Kind.AVRO else _json_schema(document, parts)
    return json.dumps(whole)


def _parsed(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise RegistryRefused(f"{name} is no JSON, or too deep. Nothing was compared or registered.") from None


def _avro(document: Any, parts: Mapping[str, Any]) -> Any:
    """Avro defines a name where it first stands: there the definition is put."""
    waiting = dict(parts)

    def filled(value: Any, namespace: str) -> Any:
        if isinstance(value, str):
            full = value if "." in value or not namespace else f"{namespace}.{value}"
            name = full if full in waiting else value
            return filled(waiting.pop(name), "") if name in waiting else value
        if isinstance(value, list):
            return [filled(one, namespace) for one in value]
        if not isinstance(value, dict):
            return value
        inside = _namespace(value, namespace)
        done = dict(value)
        for key in ("type", "items", "values"):
            if key in done:
                done[key] = done[key] if done[key] in _NAMED else filled(done[key], inside)
        if isinstance(done.get("fields"), list):
            done["fields"] = [filled(field, inside) for field in done["fields"]]
        return done

    return filled(document, "")


def _namespace(value: Mapping[str, Any], outer: str) -> str:
    """The namespace in which a named type's fields are read."""
    if value.get("type") not in _NAMED:
        return outer
    name = str(value.get("name", ""))
    return name.rpartition(".")[0] if "." in name else str(value.get("namespace", outer))


def _json_schema(document: Any, parts: Mapping[str, Any]) -> Any:
    """A document that is used becomes a definition of the one that uses it."""
    if not isinstance(document, dict):
        return document
    taken = document.get("$defs", {})
    keys = {name: f"{number}:{name}" if name in taken else name for number, name in enumerate(parts)}
    at = {name: f"#/$defs{step(key)}" for name, key in keys.items()}

    def pointed(value: Any, own: str) -> Any:
        if isinstance(value, list):
            return [pointed(one, own) for one in value]
        if not isinstance(value, dict):
            return value
        done = {key: pointed(one, own) for key, one in value.items()}
        if isinstance(value.get("$ref"), str):
            target, _, pointer = value["$ref"].partition("#")
            if target in at or (not target and own):
                done["$ref"] = (at[target] if target else own) + pointer
        return done

    whole = pointed(document, "")
    defined = {keys[name]: _without_name(pointed(part, at[name])) for name, part in parts.items()}
    return {**whole, "$defs": {**whole.get("$defs", {}), **defined}}


def _without_name(part: Any) -> Any:
    """What says that a document stands for itself is not true of a definition."""
    return {key: one for key, one in part.items() if key not in ("$id", "$schema")} if isinstance(part, dict) else part
