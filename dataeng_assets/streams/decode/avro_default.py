"""The default of a field, as an Avro schema writes it in JSON, as a value."""

from typing import Any

from dataeng_assets.streams.decode.avro_record import read_value
from dataeng_assets.streams.decode.avro_schema import Node, SchemaUnusable
from dataeng_assets.streams.decode.document import Unreadable
from dataeng_assets.streams.decode.values import Value

_JSON: dict[str, type | tuple[type, ...]] = {
    "boolean": bool, "int": int, "long": int, "float": (int, float), "double": (int, float), "string": str,
    "enum": str, "bytes": str, "fixed": str, "array": list, "map": dict, "record": dict,
}  # fmt: skip


def default_value(node: Node, said: Any) -> Value:
    """The value.

    Args:
        node: type of the field.
        said: what stands in the schema.

    Raises:
        SchemaUnusable: it is no value of the type.
    """
    if said is None:
        return Value("null", None)
    for branch in node.parts if node.kind == "union" else (node,):
        kinds = _JSON.get(branch.kind)
        if kinds is None or not isinstance(said, kinds) or (isinstance(said, bool) and branch.kind != "boolean"):
            continue
        if branch.kind in ("float", "double"):
            return Value(branch.means, float(said))
        return _bytes(branch, said) if branch.kind in ("bytes", "fixed") else Value(branch.means, said)
    raise SchemaUnusable("a default is no value of its field's type")


def _bytes(node: Node, said: str) -> Value:
    """Bytes stand in JSON as the characters of these numbers."""
    try:
        data = said.encode("latin-1")
        fixed = Node("fixed", node.means, len(data), node.precision, node.scale)
        return read_value(fixed, data, 0)[0]
    except (UnicodeEncodeError, Unreadable, ValueError):
        raise SchemaUnusable("a default is no value of its field's type") from None
