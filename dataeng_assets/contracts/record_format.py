"""How a record of a topic is written, as a contract declares it. Reading the declaration belongs in `load_format`."""

from dataclasses import asdict, dataclass
from typing import Any

FORMATS = ("avro", "csv", "json", "protobuf", "raw")
KEY_FORMATS = ("avro", "json", "raw", "string")
WIRES = {
    "avro": ("plain", "confluent", "glue", "single-object"),
    "protobuf": ("plain", "confluent"),
    "json": ("plain", "confluent", "glue"),
}
"""How a record says which schema it was written with; a format that is not named here is always plain."""


@dataclass(frozen=True)
class RecordFormat:
    """How the bytes of a value or key are to be read.

    Attributes:
        kind: one of `FORMATS`, or of `KEY_FORMATS` for a key.
        wire: what stands before the value.
        schema: file beside the contract with an Avro or Protobuf schema: the writer's for records that name none, for
            others the reader's, whose aliases and defaults count.
        text: what stands in that file.
        message: full name of the Protobuf message, for records that name none.
        delimiter: between the fields of a CSV line.
        quote: around a CSV field that holds a delimiter or a quote.
        header: whether a CSV line that repeats the names of the columns is a header.
    """

    kind: str = "json"
    wire: str = "plain"
    schema: str = ""
    text: str = ""
    message: str = ""
    delimiter: str = ","
    quote: str = '"'
    header: bool = False


@dataclass(frozen=True)
class RecordKey:
    """The record's key, carried into a column."""

    column: str
    format: RecordFormat


@dataclass(frozen=True)
class Records:
    """Where a record's columns come from. The default is a value in JSON, and nothing else.

    Attributes:
        value: how values are written.
        key: where the key goes; it stays out of the table without it.
        time: column that carries the record's own timestamp.
    """

    value: RecordFormat = RecordFormat()
    key: RecordKey | None = None
    time: str | None = None

    @property
    def carried(self) -> frozenset[str]:
        """Columns that do not come from the value."""
        return frozenset(name for name in (self.key.column if self.key else None, self.time) if name)

    @property
    def name_schemas(self) -> bool:
        """Whether a record names its schema by a number."""
        said = [self.value, *([self.key.format] if self.key else [])]
        return any(one.kind in WIRES and one.wire in ("confluent", "glue") for one in said)

    def decides(self) -> dict[str, Any]:
        """What of it decides how a record is read, as plain values: nothing for the default."""
        said: dict[str, Any] = asdict(self)
        for one in (said["value"], (said["key"] or {}).get("format", {})):
            one.pop("schema", None)  # what stands in the file decides, not what it is called
        return said if self != Records() else {}
