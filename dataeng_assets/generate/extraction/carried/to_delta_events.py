"""Records of topics into Delta tables: appended in the commit that says, per partition, how far the table has come.

Dead letters are a table of their own and are committed first. A run that ends between the two commits is repeated from
the progress of the main table, and leaves out the dead letters that are there already.
"""

import base64
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError

from .config import Config, Table
from .destination import Loaded
from .errors import NotProven, Refused, Superseded
from .from_kafka import dead_schema, main_schema
from .progress import Progress, Staged
from .staging import read_batches
from .to_delta import DeltaDestination, _compared, _number

_HALVES = ("kafka/topic-id/0", "kafka/topic-id/1")
_PLACE = "_kafka_partition, _kafka_offset"


class DeltaEvents(DeltaDestination):
    """A folder of Delta tables that records are appended to."""

    def prepare(self, config: Config) -> None:
        """Make the tables that are not there yet."""
        for table in config.tables:
            required = {one.name for one in table.columns if one.required}
            fields = [one.with_nullable(one.nullable and one.name not in required) for one in main_schema(table)]
            DeltaTable.create(self._uri(table.name), pa.schema(fields), mode="ignore")
            fields = [one.with_nullable(one.nullable and one.name != "_reason") for one in dead_schema()]
            DeltaTable.create(self._uri(dead_name(table)), pa.schema(fields), mode="ignore")

    def progress(self, tables: Sequence[str]) -> dict[str, Progress | None]:
        """How far each table has come, as its newest commit says."""
        found: dict[str, Progress | None] = {}
        for name in tables:
            table = DeltaTable(self._uri(name))
            topic_id = _topic_id(table)
            position = {"topic_id": topic_id, "next": {str(p): offset for p, offset in _next(table).items()}}
            found[name] = Progress(table.version(), position) if topic_id else None
        return found

    def load(self, table: Table, staged: Staged) -> Loaded:
        """Append dead letters, then records, each with its progress; the handles that looked are those that commit."""
        main, dead = DeltaTable(self._uri(table.name)), DeltaTable(self._uri(dead_name(table)))
        first, end = _offsets(staged, "first"), _offsets(staged, "next")
        dead_stored = _next(dead)
        if not self._already_there(table, main, staged):
            ahead = {p: dead_stored.get(p, start) for p, start in first.items() if dead_stored.get(p, start) > start}
            if ahead:
                _same_route(dead, staged, ahead)
            _append(
                dead,
                _rows(staged, dead_schema(), ~pc.field("_reason").is_null(), ahead),
                staged,
                {**end, **_larger(ahead, end)},
            )
            _append(main, _rows(staged, main_schema(table), pc.field("_reason").is_null(), {}), staged, end)
        self._prove_records(table, staged)
        return Loaded(staged.rows, 0)

    def _already_there(self, table: Table, main: DeltaTable, staged: Staged) -> bool:
        """Whether an attempt that was cut off after its commit had loaded this; another run's progress is refused."""
        stored, topic_id = _next(main), _topic_id(main)
        if topic_id in (None, staged.after.position["topic_id"]):
            if stored == _offsets(staged, "next"):
                return True
            if stored == _offsets(staged, "follows"):
                return False
        raise Superseded(
            f"Another run has loaded {table.name} since this one read it. Nothing of this run was written; the "
            "other's records are safe. Run again from the extraction."
        )

    def _prove_records(self, table: Table, staged: Staged) -> None:
        """Every record that was read is in one of the two tables, once, as it was read."""
        wrong = 0
        # files of which Delta says that all their offsets are older are not read
        since = f"_kafka_offset >= {min(_offsets(staged, 'first').values())}"
        for name, condition, schema in (
            (table.name, "IS NULL", main_schema(table)),
            (dead_name(table), "IS NOT NULL", dead_schema()),
        ):
            shown = ", ".join(f'"{column}"' for column in schema.names)
            with _compared(DeltaTable(self._uri(name)), staged) as connection:
                routed, target = f"(FROM staged WHERE _reason {condition})", f"(FROM target WHERE {since})"
                wrong += _number(connection, f"FROM (SELECT {shown} FROM {routed} EXCEPT SELECT {shown} FROM {target})")
                held = _number(connection, f"FROM {target} SEMI JOIN staged USING ({_PLACE})")
                wrong += abs(held - _number(connection, f"FROM {routed}"))
        if wrong:
            raise NotProven(
                f"{wrong} of {staged.rows} records of {table.name} are not there once, as they were read. They are "
                "committed with their progress: look for another writer, and compare with the topic."
            )


def open_destination(address: str, project: Path, schema: str) -> DeltaEvents:
    """A folder of tables; the project's statements are not needed."""
    del project
    return DeltaEvents(address, schema)


def dead_name(table: Table) -> str:
    """The table of a topic's dead letters."""
    return f"{table.name}_dead_letters"


def _append(table: DeltaTable, rows: Iterator[pa.RecordBatch], staged: Staged, offsets: Mapping[int, int]) -> None:
    """One commit of rows and progress; nothing where neither moves."""
    topic_id = str(staged.after.position["topic_id"])
    if offsets == _next(table) and topic_id == _topic_id(table):
        return
    halves = struct.unpack(">qq", base64.urlsafe_b64decode(topic_id + "=="))
    noted = [Transaction(name, half) for name, half in zip(_HALVES, halves, strict=True)]
    noted += [Transaction(_app(partition), offset) for partition, offset in offsets.items()]
    schema = table.to_pyarrow_dataset().schema
    reader = pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in rows))
    try:
        write_deltalake(table, reader, mode="append", commit_properties=CommitProperties(app_transactions=noted))
    except CommitFailedError:
        raise Superseded(
            f"Another run has committed to {table.table_uri} at the same time. Nothing was written to it; the other's "
            "records are safe. Run again from the extraction."
        ) from None


def _rows(
    staged: Staged, schema: pa.Schema, wanted: pc.Expression, ahead: Mapping[int, int]
) -> Iterator[pa.RecordBatch]:
    """The staged rows of one table, without those that it has already."""
    for partition, offset in ahead.items():
        wanted &= ~((pc.field("_kafka_partition") == partition) & (pc.field("_kafka_offset") < offset))
    for batch in read_batches(staged.file):
        yield batch.filter(wanted).select(schema.names)


def _same_route(dead: DeltaTable, staged: Staged, ahead: Mapping[int, int]) -> None:
    """Refuse when a run that was cut off has taken a record for a dead letter that this one takes for good."""
    passed = " OR ".join(f"_kafka_partition = {p} AND _kafka_offset < {offset}" for p, offset in ahead.items())
    begun = " OR ".join(
        f"_kafka_partition = {p} AND _kafka_offset >= {_offsets(staged, 'first')[p]} AND _kafka_offset < {end}"
        for p, end in ((p, min(offset, _offsets(staged, "next")[p])) for p, offset in ahead.items())
    )
    with _compared(dead, staged) as connection:
        read = f"SELECT {_PLACE} FROM staged WHERE _reason IS NOT NULL AND ({passed})"
        held = f"SELECT {_PLACE} FROM target WHERE {begun}"
        differing = _number(connection, f"FROM (({read} EXCEPT {held}) UNION ALL ({held} EXCEPT {read}))")
    if differing:
        raise Refused(
            f"{differing} records are judged otherwise than by the run that was cut off before this one: the contract "
            "has changed in between. Nothing was written. Let the former version of this project end that run first."
        )


def _offsets(staged: Staged, which: str) -> dict[int, int]:
    return {int(partition): int(offset) for partition, offset in staged.after.position[which].items()}


def _larger(some: Mapping[int, int], others: Mapping[int, int]) -> dict[int, int]:
    return {partition: max(offset, others[partition]) for partition, offset in some.items()}


def _next(table: DeltaTable) -> dict[int, int]:
    """The next offset of each partition; Kafka numbers them without a gap."""
    found: dict[int, int] = {}
    while (offset := table.transaction_version(_app(len(found)))) is not None:
        found[len(found)] = int(offset)
    return found


def _topic_id(table: DeltaTable) -> str | None:
    """The id of the topic, which is kept as two numbers, because numbers are what a commit can carry with its rows."""
    halves = [table.transaction_version(name) for name in _HALVES]
    if None in halves:
        return None
    return base64.urlsafe_b64encode(struct.pack(">qq", *halves)).decode().rstrip("=")


def _app(partition: int) -> str:
    return f"kafka/partition/{partition}"
