"""Arrow and Avro as inputs: types and values as the format has them, or a refusal that says what was found."""

import gzip
import io
import json
import random
import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.inputs import avro
from dataeng_assets.quality.inputs.open import open_input
from dataeng_assets.quality.inputs.opened import Held, InputUnreadable


def read(path: Path) -> tuple[dict[str, tuple[str, Held, str]], list[tuple]]:
    """Type, kind and native name by column, and the rows in their order."""
    with connect() as connection, open_input(str(path), connection) as opened:
        columns = {column.name: (column.duckdb_type, column.held, column.native) for column in opened.columns}
        names = ", ".join(map(quoted, columns))
        order = ", ".join(opened.position)
        rows = connection.execute(f"select {names} from {opened.relation} order by {order}").fetchall()
        assert opened.rows == len(rows)
        return columns, rows


def refused(path: Path) -> str:
    with connect() as connection, pytest.raises(InputUnreadable) as error:
        open_input(str(path), connection)
    assert "Nothing was judged" in str(error.value)
    return str(error.value)


def arrow_bytes(table: pa.Table, *, stream: bool, **options) -> bytes:
    sink = io.BytesIO()
    make = pa.ipc.new_stream if stream else pa.ipc.new_file
    with make(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=1_000)
    return sink.getvalue()


def avro_bytes(schema: object, records: list, codec: str = "null") -> bytes:
    sink = io.BytesIO()
    fastavro.writer(sink, schema, records, codec=codec, sync_interval=200)
    return sink.getvalue()


def record(**fields: object) -> dict:
    return {"type": "record", "name": "r", "fields": [{"name": n, "type": t} for n, t in fields.items()]}


NUMBERS = pa.table({"n": range(10_000), "text": [f"secret {n}" for n in range(10_000)]})


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("packed", [True, False])
def test_arrow_is_read_whole_in_every_wrapping(tmp_path, stream, compression, packed):
    content = arrow_bytes(NUMBERS, stream=stream, compression=compression)
    path = tmp_path / ("data.arrow.gz" if packed else "data.arrow")
    path.write_bytes(gzip.compress(content) if packed else content)
    columns, rows = read(path)
    assert columns == {"n": ("BIGINT", Held.TYPED, ""), "text": ("VARCHAR", Held.TYPED, "")}
    assert rows == [(n, f"secret {n}") for n in range(10_000)]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("cut", [1, 8, 9, 400, 0.5, 0.9])
def test_arrow_that_is_cut_is_refused(tmp_path, stream, cut):
    content = arrow_bytes(NUMBERS, stream=stream)
    path = tmp_path / "data.arrow"
    path.write_bytes(content[: -cut if isinstance(cut, int) else int(len(content) * cut)])
    message = refused(path)
    assert "cut or damaged" in message
    assert "secret" not in message


def test_a_stream_cut_between_two_batches_is_refused(tmp_path):
    sink = io.BytesIO()
    writer = pa.ipc.new_stream(sink, NUMBERS.schema)
    writer.write_table(NUMBERS)
    (tmp_path / "data.arrows").write_bytes(sink.getvalue())
    assert "end mark is missing" in refused(tmp_path / "data.arrows")


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1], pa.duration("s")),
        pa.array([pa.MonthDayNano([1, 2, 3])]),
        pa.array([[1]], pa.list_(pa.duration("s"))),
        pa.array([Decimal(1)], pa.decimal256(50, 1)),
        pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]),
        pa.RunEndEncodedArray.from_arrays([1], [5]),
    ],
)
def test_a_type_without_a_counterpart_is_refused_by_column(tmp_path, column):
    (tmp_path / "data.arrow").write_bytes(arrow_bytes(pa.table({"odd": column}), stream=False))
    assert "the column 'odd' is " in refused(tmp_path / "data.arrow")


TYPED = {
    "i8": (pa.int8(), st.integers(-128, 127)),
    "u64": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "f32": (pa.float32(), st.floats(width=32, allow_nan=False)),
    "f64": (pa.float64(), st.floats(allow_nan=False)),
    "d": (pa.decimal128(20, 3), st.integers(-(10**19), 10**19).map(lambda n: Decimal(n).scaleb(-3))),
    "text": (pa.string(), st.text()),
    "large": (pa.large_string(), st.text()),
    "kind": (pa.dictionary(pa.int32(), pa.string()), st.sampled_from(["a", "b", ""])),
    "raw": (pa.binary(), st.binary()),
    "yes": (pa.bool_(), st.booleans()),
    "day": (pa.date32(), st.dates()),
    "at": (pa.timestamp("us", tz="UTC"), st.datetimes(timezones=st.just(UTC))),
    "local": (pa.timestamp("us"), st.datetimes()),
    "list": (pa.list_(pa.int64()), st.lists(st.none() | st.integers(-5, 5), max_size=3)),
    "deep": (pa.struct([("x", pa.int64())]), st.fixed_dictionaries({"x": st.none() | st.integers(-5, 5)})),
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.data(), st.sampled_from(["parquet", "arrow", "arrows"]))
def test_any_table_of_types_is_read_as_it_was_written(tmp_path, data, form):
    names = data.draw(st.lists(st.sampled_from(sorted(TYPED)), min_size=1, unique=True))
    size = data.draw(st.integers(0, 5))
    values = {n: data.draw(st.lists(st.none() | TYPED[n][1], min_size=size, max_size=size)) for n in names}
    table = pa.table({name: pa.array(values[name], TYPED[name][0]) for name in names})
    path = tmp_path / f"data.{form}"
    if form == "parquet":
        pq.write_table(table, path)
    else:
        path.write_bytes(arrow_bytes(table, stream=form == "arrows"))
    with connect() as connection, open_input(str(path), connection) as opened:
        assert [column.name for column in opened.columns] == names
        listed = ", ".join(map(quoted, names))
        relation = f"select {listed} from {opened.relation} order by {', '.join(opened.position)}"
        found = connection.sql(relation).to_arrow_table()
    for name in names:
        assert found.column(name).to_pylist() == table.column(name).to_pylist()


AT = datetime(2026, 2, 3, 4, 5, 6, 789_000, UTC)
ID = uuid.UUID("12345678123456781234567812345678")
AVRO = {
    "yes": ("boolean", True, ("BOOLEAN", True)),
    "i": ("int", -(2**31), ("INTEGER", -(2**31))),
    "l": ("long", 2**63 - 1, ("BIGINT", 2**63 - 1)),
    "f": ("float", 0.5, ("FLOAT", 0.5)),
    "d": ("double", 0.1, ("DOUBLE", 0.1)),
    "b": ("bytes", b"\x00\xff", ("BLOB", b"\x00\xff")),
    "s": ("string", "ä\0", ("VARCHAR", "ä\0")),
    "e": ({"type": "enum", "name": "e", "symbols": ["A", "B"]}, "B", ("VARCHAR", "B")),
    "again": ("e", "A", ("VARCHAR", "A")),
    "x": ({"type": "fixed", "name": "x", "size": 2}, b"ab", ("BLOB", b"ab")),
    "amount": (
        {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2},
        Decimal("-10.50"),
        ("DECIMAL(12,2)", Decimal("-10.50")),
    ),
    "huge": (
        {"type": "bytes", "logicalType": "decimal", "precision": 45, "scale": 2},
        Decimal("1" * 43 + ".20"),
        ("VARCHAR", "1" * 43 + ".20"),
    ),
    "day": ({"type": "int", "logicalType": "date"}, date(2026, 2, 3), ("DATE", date(2026, 2, 3))),
    "clock": ({"type": "int", "logicalType": "time-millis"}, time(1, 2, 3, 4000), ("TIME", time(1, 2, 3, 4000))),
    "fine": ({"type": "long", "logicalType": "time-micros"}, time(1, 2, 3, 4), ("TIME", time(1, 2, 3, 4))),
    "at": ({"type": "long", "logicalType": "timestamp-millis"}, AT, ("TIMESTAMP WITH TIME ZONE", AT)),
    "us": ({"type": "long", "logicalType": "timestamp-micros"}, AT, ("TIMESTAMP WITH TIME ZONE", AT)),
    "local": (
        {"type": "long", "logicalType": "local-timestamp-micros"},
        AT.replace(tzinfo=None),
        ("TIMESTAMP", AT.replace(tzinfo=None)),
    ),
    "id": ({"type": "string", "logicalType": "uuid"}, ID, ("VARCHAR", str(ID))),
    "maybe": (["null", "long"], None, ("BIGINT", None)),
    "other": (["string", "null"], "x", ("VARCHAR", "x")),
    "either": (["null", "string", "long"], "1", ("JSON", '"1"')),
    "number": (["null", "string", "long"], 1, ("JSON", "1")),
    "list": ({"type": "array", "items": "double"}, [0.5, float("nan")], ("JSON", '[0.5,"NaN"]')),
    "map": ({"type": "map", "values": "bytes"}, {"k": b"\xff"}, ("JSON", '{"k":"ÿ"}')),
    "deep": (record(x="int") | {"name": "deep"}, {"x": 1}, ("JSON", '{"x":1}')),
    "tree": (
        {"type": "record", "name": "tree", "fields": [{"name": "up", "type": ["null", "tree"]}]},
        {"up": {"up": None}},
        ("JSON", '{"up":{"up":null}}'),
    ),
    "nothing": ("null", None, ('"NULL"', None)),
}


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "zstandard"])
def test_every_type_of_avro_arrives_with_its_value(tmp_path, codec):
    schema = record(**{name: kind for name, (kind, _, _) in AVRO.items()})
    values = {name: value for name, (_, value, _) in AVRO.items()}
    (tmp_path / "data.avro").write_bytes(avro_bytes(schema, [values] * 3, codec))
    columns, rows = read(tmp_path / "data.avro")
    assert {name: kind for name, (kind, _, _) in columns.items()} == {n: e[0] for n, (_, _, e) in AVRO.items()}
    assert rows == [tuple(expected for _, _, (_, expected) in AVRO.values())] * 3
    assert {name for name, (_, held, _) in columns.items() if held is Held.JSON} == {
        "either", "number", "list", "map", "deep", "tree",
    }  # fmt: skip
    assert columns["huge"][1:] == (Held.TEXT, "decimal(45,2)")
    assert columns["id"][2] == "uuid"


def test_what_may_be_null_in_avro_is_nullable(tmp_path):
    (tmp_path / "data.avro").write_bytes(avro_bytes(record(a="long", b=["null", "long"], c=["long"]), []))
    with connect() as connection, open_input(str(tmp_path / "data.avro"), connection) as opened:
        assert [column.physical.nullable for column in opened.columns] == [False, True, False]
        assert opened.rows == 0


def test_times_that_python_cannot_hold_arrive(tmp_path):
    kind = {"type": "long", "logicalType": "timestamp-micros"}
    (tmp_path / "data.avro").write_bytes(avro_bytes(record(at=kind), [{"at": 400_000_000_000_000_000}]))
    with connect() as connection, open_input(str(tmp_path / "data.avro"), connection) as opened:
        found = connection.execute(f'select year("at"), epoch_us("at") from {opened.relation}').fetchall()
    assert found == [(14645, 400_000_000_000_000_000)]


@pytest.mark.parametrize("schema", ["string", {"type": "array", "items": "int"}])
def test_avro_without_records_has_no_columns(tmp_path, schema):
    (tmp_path / "data.avro").write_bytes(avro_bytes(schema, []))
    assert "no records" in refused(tmp_path / "data.avro")


def test_avro_of_another_schema_is_refused(tmp_path):
    (tmp_path / "1.avro").write_bytes(avro_bytes(record(a="long", b="string"), []))
    (tmp_path / "2.avro").write_bytes(avro_bytes(record(a="int", b="string"), []))
    assert "'a' is int32 instead of int64" in refused(tmp_path)


def test_any_damage_of_avro_is_refused_or_harmless(tmp_path):
    records = [{"a": n, "b": f"secret {n}"} for n in range(300)]
    content = avro_bytes(record(a="long", b=["null", "string"]), records, "deflate")
    path = tmp_path / "data.avro"
    chance = random.Random(7)
    refusals = []
    for _ in range(60):
        broken = bytearray(content[: chance.choice([len(content), chance.randrange(5, len(content))])])
        broken[chance.randrange(4, len(broken))] ^= 1 << chance.randrange(8)
        path.write_bytes(broken)
        try:
            assert len(read(path)[1]) <= 300
        except InputUnreadable as error:
            refusals.append(str(error))
    assert refusals
    assert "secret" not in "".join(refusals)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "i": st.none() | st.integers(-(2**63), 2**63 - 1),
                "t": st.none() | st.text(),
                "d": st.none() | st.integers(-(10**11), 10**11).map(lambda n: Decimal(n).scaleb(-2)),
                "at": st.none() | st.datetimes(timezones=st.just(UTC)),
                "day": st.none() | st.dates(),
                "list": st.lists(st.none() | st.integers(-9, 9) | st.text(), max_size=3),
            }
        ),
        max_size=5,
    ),
    st.sampled_from(["null", "deflate", "snappy"]),
)
def test_any_records_of_avro_are_read_as_they_were_written(tmp_path, monkeypatch, records, codec):
    monkeypatch.setattr(avro, "_BATCH_ROWS", 2)
    schema = record(
        i=["null", "long"],
        t=["null", "string"],
        d=["null", {"type": "bytes", "logicalType": "decimal", "precision": 14, "scale": 2}],
        at=["null", {"type": "long", "logicalType": "timestamp-micros"}],
        day=["null", {"type": "int", "logicalType": "date"}],
        list={"type": "array", "items": ["null", "long", "string"]},
    )
    (tmp_path / "data.avro").write_bytes(avro_bytes(schema, records, codec))
    _, rows = read(tmp_path / "data.avro")
    assert [(*row[:-1], json.loads(row[-1])) for row in rows] == [
        tuple(record[name] for name in ("i", "t", "d", "at", "day", "list")) for record in records
    ]
