"""From custom properties of a topic to how its records are written. Decoding them belongs in the streams."""

from collections.abc import Mapping, Sequence
from typing import Any

from open_data_contract_standard.model import SchemaObject

from dataeng_assets.contracts.document import Document
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.plain import Place
from dataeng_assets.contracts.record_format import FORMATS, KEY_FORMATS, WIRES, RecordFormat, RecordKey, Records
from dataeng_assets.contracts.types import ColumnType

_SETTINGS = {
    "avro": {"schema", "wire"},
    "protobuf": {"message", "schema", "wire"},
    "json": {"wire"},
    "csv": {"delimiter", "header", "quote"},
    "raw": set[str](),
    "string": set[str](),
}
_LARGEST_SCHEMA = 10_000_000
_NOT_IN_TEXT = {"json": ("bytes", "date", "decimal"), "csv": ("bytes",), "string": ("bytes",)}


def records_of(document: Document, table: SchemaObject, columns: Mapping[str, ColumnType]) -> Records:
    """How the records of a topic are written; the default for everything that is no topic.

    Args:
        document: the contract.
        table: the schema object.
        columns: types by name, in order.

    Raises:
        ContractError: a setting that is unknown or does not fit the others, or a schema file that is not there.
    """
    if table.physicalType != "topic":
        return Records()
    given = {
        str(custom.property): (("schema", 0, "customProperties", position, "value"), custom.value)
        for position, custom in enumerate(table.customProperties or [])
    }
    key = _key(document, *given["key"], columns) if "key" in given else None
    time = _time(document, *given["recordTime"], columns) if "recordTime" in given else None
    value = _format(document, *given["format"], FORMATS) if "format" in given else RecordFormat()
    place = given["format"][0] if "format" in given else ("schema", 0)
    records = Records(value, key, time)
    if key and key.column == time:
        raise document.error(given["recordTime"][0], time, "another column than the key's")
    _refuse_types(document, place, value, {n: t for n, t in columns.items() if n not in records.carried})
    return records


def _format(document: Document, place: Place, said: Any, kinds: Sequence[str]) -> RecordFormat:
    settings: Any = {"type": said} if isinstance(said, str) else said
    if not isinstance(settings, dict) or not isinstance(settings.get("type"), str):
        raise document.error(place, said, f"one of {', '.join(kinds)}, or a mapping with `type` and its settings")
    kind = settings["type"]
    if kind not in kinds:
        raise document.error(place, kind, f"one of {', '.join(kinds)}{did_you_mean(kind, list(kinds))}")
    for name, value in settings.items():
        known = sorted({"type", *_SETTINGS[kind]})
        if name not in known:
            raise document.error((*place, name), name, f"one of {', '.join(known)} for {kind}")
        if not isinstance(value, bool if name == "header" else str) or value == "":
            raise document.error((*place, name), value, "true or false" if name == "header" else "a text")
    wire, wires = settings.get("wire", "plain"), WIRES.get(kind, ("plain",))
    if wire not in wires:
        raise document.error((*place, "wire"), wire, f"one of {', '.join(wires)}{did_you_mean(wire, list(wires))}")
    needs_file = kind in ("avro", "protobuf") and wire in ("plain", "single-object")
    if needs_file and "schema" not in settings:
        raise document.error(place, "no schema", f"`schema`, a file beside the contract, as {wire} {kind} names none")
    _refuse_csv(document, place, settings)
    text = _text(document, (*place, "schema"), settings["schema"]) if "schema" in settings else ""
    return RecordFormat(kind, text=text, **{name: value for name, value in settings.items() if name != "type"})


def _refuse_csv(document: Document, place: Place, settings: Mapping[str, Any]) -> None:
    marks = [settings.get("delimiter", ","), settings.get("quote", '"')]
    for name, mark in zip(("delimiter", "quote"), marks, strict=True):
        if len(mark) != 1 or mark in "\r\n\0":
            raise document.error((*place, name), mark, "one character that ends no line")
    if marks[0] == marks[1]:
        raise document.error((*place, "quote"), marks[1], "another character than the delimiter")


def _text(document: Document, place: Place, name: str) -> str:
    path = document.path.parent / name
    if not path.resolve().is_relative_to(document.path.parent.resolve()):
        raise document.error(place, name, "a file beside the contract or below its folder")
    try:
        if path.stat().st_size > _LARGEST_SCHEMA:
            raise document.error(place, name, f"a file of at most {_LARGEST_SCHEMA:,} bytes")
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise document.error(place, f"{name}, which is not there", "a file beside the contract") from None
    except (OSError, UnicodeDecodeError) as broken:
        raise document.error(place, f"{name} ({type(broken).__name__})", "a file of text in UTF-8") from None


def _key(document: Document, place: Place, said: Any, columns: Mapping[str, ColumnType]) -> RecordKey:
    if not isinstance(said, dict) or set(said) != {"column", "format"}:
        raise document.error(place, said, "a mapping with `column` and `format`, and nothing else")
    _known(document, (*place, "column"), said["column"], columns)
    format_ = _format(document, (*place, "format"), said["format"], KEY_FORMATS)
    _refuse_types(document, (*place, "format"), format_, {said["column"]: columns[said["column"]]})
    return RecordKey(said["column"], format_)


def _time(document: Document, place: Place, column: Any, columns: Mapping[str, ColumnType]) -> str:
    _known(document, place, column, columns)
    if columns[column].family != "timestamp":
        raise document.error(place, column, "a column of type timestamp")
    return str(column)


def _known(document: Document, place: Place, column: Any, columns: Mapping[str, ColumnType]) -> None:
    if column not in columns:
        raise document.error(place, column, f"a column of this contract: {', '.join(columns)}")


def _refuse_types(document: Document, place: Place, said: RecordFormat, columns: Mapping[str, ColumnType]) -> None:
    for name, kind in columns.items():
        refused = _NOT_IN_TEXT.get(said.kind, ())
        if kind.kind.partition("(")[0] in refused:
            raise document.error(
                place, f"{said.kind} for column {name} of type {kind.kind}", f"none of the types {', '.join(refused)}"
            )
    if said.kind == "raw" and [kind.kind for kind in columns.values()] != ["bytes"]:
        raise document.error(
            place,
            f"raw for {', '.join(columns) or 'no column'}",
            "one column of type bytes beside those of key and time",
        )
