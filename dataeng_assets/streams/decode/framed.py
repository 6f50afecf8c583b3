"""Records that say which schema they were written with: sorted by schema, each schema's decoded together.

What a header looks like belongs in `framing`, reading with a schema to each format.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NoReturn
from uuid import UUID

import numpy as np
import pyarrow as pa
from typing_extensions import TypeVar

from dataeng_assets.contracts.model import Column
from dataeng_assets.kafka.registry.errors import SchemaUnknown
from dataeng_assets.kafka.registry.references import used_by
from dataeng_assets.kafka.registry.schemas import Kind, RegisteredSchema, SchemaRegistry
from dataeng_assets.streams.decode.decoder import Decoder
from dataeng_assets.streams.decode.document import Unreadable
from dataeng_assets.streams.decode.framing import Framing
from dataeng_assets.streams.decode.rows import decode_each, in_order, schema_of
from dataeng_assets.streams.errors import StreamStopped

SchemaId = int | UUID | bytes | None
Read = TypeVar("Read", default=Any)
_Group = tuple[SchemaId, list[int], Any]
"""A schema, the rows written with it, and their bodies."""
_HEADER = 5
_NEVER_ASKED = Unreadable("unknown_schema", "nobody has asked for it")


class RegistryMissing(StreamStopped):
    """Records carry the numbers of schemas, and no registry was named that knows them."""


class NoSchema(Exception):
    """A schema cannot be used. Its text is the detail of a dead letter, and holds no value of a record."""


class Schemas(Generic[Read]):
    """Schemas by what a record carries. Each is asked for once, one that there is not once in a batch.

    Args:
        kind: the language that a schema must be in.
        registry: knows the numbers.
        prepare: makes of a schema what reading takes; raises `NoSchema`.
    """

    def __init__(
        self,
        kind: Kind,
        registry: SchemaRegistry | None,
        prepare: Callable[[RegisteredSchema], Read],
    ) -> None:
        self._kind, self._registry, self._prepare = kind, registry, prepare
        self._known: dict[int | UUID, Read | Unreadable] = {}

    def of(self, key: int | UUID) -> Read:
        """What a number means.

        Raises:
            Unreadable: the registry has no such schema, or it cannot be used.
            RegistryUnreachable: the registry did not answer; nothing is known of the record.
        """
        if key not in self._known:
            self._known[key] = self._ask(key)
        found = self._known[key]
        if isinstance(found, Unreadable):
            raise found
        return found

    def has(self, key: SchemaId) -> bool:
        """Whether a number was looked up, and records of it can be read."""
        return isinstance(key, int | UUID) and not isinstance(self._known.get(key, _NEVER_ASKED), Unreadable)

    def ask_again(self) -> None:
        """Forget which schemas there are not: they may have come since."""
        missing = [key for key, found in self._known.items() if _is_unknown(found)]
        for key in missing:
            del self._known[key]

    def _ask(self, key: int | UUID) -> "Read | Unreadable":
        if self._registry is None:
            raise RegistryMissing(
                f"Records carry the numbers of schemas, such as {key}, and no schema registry is named. Nothing of "
                "this batch was committed. Name the registry in the stream's defs.yaml."
            )
        try:
            schema = self._registry.by_id(key)
        except SchemaUnknown:
            return Unreadable("unknown_schema", f"the registry has no schema {key}")
        if schema.kind != self._kind:
            return Unreadable("unsupported_schema", f"schema {key} is {schema.kind}, not {self._kind}")
        try:
            return self._prepare(schema)
        except NoSchema as unusable:
            return Unreadable("unsupported_schema", f"schema {key} cannot be used: {unusable}")


def _is_unknown(found: object) -> bool:
    return isinstance(found, Unreadable) and found.reason == "unknown_schema"


def referenced(schema: RegisteredSchema, registry: SchemaRegistry | None) -> Mapping[str, RegisteredSchema]:
    """All schemas that a schema uses, by the name it calls them, each after those that it uses itself.

    Raises:
        NoSchema: the registry lacks one.
        RegistryRefused: its references have no end, or one name means two schemas.
    """
    if registry is None or not schema.references:
        return {}
    try:
        return used_by(registry, schema.schema)
    except SchemaUnknown as lacking:
        raise NoSchema(f"the registry lacks what it uses: {lacking}") from None


class FramedDecoder(Decoder):
    """Decodes records that begin with a header, or with none.

    Args:
        columns: of the result.
        wire: which header.
    """

    def __init__(self, columns: Sequence[Column], wire: str) -> None:
        self._columns = tuple(columns)
        self._framing = Framing(wire)
        self._schema = schema_of(columns)
        self._met: set[SchemaId] = set()

    def close(self) -> None:
        """Nothing is held."""

    @abstractmethod
    def is_registered(self, schema: SchemaId) -> bool:
        """Whether a registry has said what this schema is: others may be any number that a broken record holds."""

    @abstractmethod
    def decode_bodies(self, schema: SchemaId, bodies: "pa.Array[Any]") -> pa.Table:
        """Decode the values of one schema, as `decode` does.

        Args:
            schema: as the header says it.
            bodies: without headers, large binary, none null.

        Raises:
            Unreadable: the schema is unknown, or cannot be used: no record of it can be read.
        """

    def decode(self, values: "pa.ChunkedArray[Any]") -> pa.Table:
        """As promised, with the reasons of headers and schemas."""
        array: Any = pa.concat_arrays([pa.array([], pa.large_binary()), *values.cast(pa.large_binary()).chunks])
        parts: list[tuple[Sequence[int], pa.Table]] = []
        groups, rest = self._sort(array)
        new: dict[str, Sequence[int]] = {}
        for schema, rows, bodies in groups:
            parts.append((rows, self._decoded(schema, bodies)))
            if schema not in self._met and self.is_registered(schema):
                self._met.add(schema)
                new[str(schema)] = rows
        self.new_schemas = new
        if rest:
            broken = array.take(pa.array(rest, pa.int64())).to_pylist()
            parts.append((rest, decode_each(self._columns, broken, self._refuse)))
        return in_order(parts, self._schema)

    def _refuse(self, value: bytes | None) -> NoReturn:
        self._framing.take_off(value)
        raise ValueError("a value with a sound header was sorted with the broken ones")

    def _decoded(self, schema: SchemaId, bodies: "pa.Array[Any]") -> pa.Table:
        try:
            return self.decode_bodies(schema, bodies)
        except Unreadable as error:
            return _all_broken(self._columns, len(bodies), error)

    def _sort(self, array: Any) -> tuple[list[_Group], list[int]]:
        """Rows and bodies of each schema, and the rows whose header is none."""
        if self._framing.wire == "plain":
            return _sort_plain(array)
        return _sort_confluent(array) if self._framing.wire == "confluent" else self._sort_each(array)

    def _sort_each(self, array: Any) -> tuple[list[_Group], list[int]]:
        found: dict[SchemaId, tuple[list[int], list[bytes]]] = {}
        rest: list[int] = []
        for row, value in enumerate(array.to_pylist()):
            try:
                schema, body = self._framing.take_off(value)
            except Unreadable:
                rest.append(row)
                continue
            rows, bodies = found.setdefault(schema, ([], []))
            rows.append(row)
            bodies.append(body)
        return [(key, rows, pa.array(bodies, pa.large_binary())) for key, (rows, bodies) in found.items()], rest


def _sort_plain(array: Any) -> tuple[list[_Group], list[int]]:
    is_full = _lengths(array) > 0
    rows, rest = np.flatnonzero(is_full).tolist(), np.flatnonzero(~is_full).tolist()
    return [(None, rows, array.take(pa.array(rows)))] if rows else [], rest


def _sort_confluent(array: Any) -> tuple[list[_Group], list[int]]:
    rows = np.flatnonzero(_lengths(array) >= _HEADER)
    offsets, data = _buffers(array)
    heads = data[offsets[rows][:, None] + np.arange(_HEADER)]
    is_ours = heads[:, 0] == 0
    rows, ids = rows[is_ours], np.ascontiguousarray(heads[is_ours, 1:]).view(">u4").ravel()
    rest = np.setdiff1d(np.arange(len(array)), rows)
    groups: list[_Group] = []
    for number in np.unique(ids).tolist():
        mine = rows[ids == number]
        groups.append((number, mine.tolist(), _without_header(array.take(pa.array(mine)))))
    return groups, rest.tolist()


def _buffers(array: Any) -> tuple[Any, Any]:
    """Where values begin, and the bytes."""
    _, offsets, data = array.buffers()
    bounds = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return bounds, np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8)


def _lengths(array: Any) -> Any:
    """In bytes; -1 for none."""
    return np.where(array.is_valid().to_numpy(zero_copy_only=False), np.diff(_buffers(array)[0]), -1)


def _without_header(array: Any) -> Any:
    """The values less their first bytes; `binary_slice` of pyarrow 26 fails on some of them."""
    offsets, data = _buffers(array)
    lengths = np.diff(offsets) - _HEADER
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    picked = np.arange(ends[-1]) + np.repeat(offsets[:-1] + _HEADER - ends[:-1], lengths)
    return pa.Array.from_buffers(pa.large_binary(), len(array), [None, _buffer(ends), _buffer(data[picked])])


def _buffer(numbers: Any) -> pa.Buffer:
    return pa.py_buffer(numbers)


def _all_broken(columns: Sequence[Column], count: int, error: Unreadable) -> pa.Table:
    def refuse(_: Any) -> Any:
        raise error

    return decode_each(columns, range(count), refuse)


def repaired(
    fast: pa.Table, ok: "np.typing.NDArray[np.bool_]", slow: Callable[["pa.Array[Any]"], pa.Table]
) -> pa.Table:
    """Rows that were read by columns, and the others read one by one, in order.

    Args:
        fast: all rows.
        ok: which of them count.
        slow: reads the rows of the given numbers.
    """
    good, rest = np.flatnonzero(ok), np.flatnonzero(~ok)
    if not len(rest):
        return fast
    parts = [(good.tolist(), fast.filter(pa.array(ok))), (rest.tolist(), slow(pa.array(rest, pa.int64())))]
    return in_order(parts, fast.schema)
