"""What is proposed from data holds for that data, reads back as it was, and shows nothing of a person."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.checks.kinds import Between, Check, Format, Length, NotNull, OfType, OneOf, Unique
from dataeng_assets.contracts.checks.rule import Suite
from dataeng_assets.contracts.convert.odcs_read import read_odcs
from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.infer import table_name
from dataeng_assets.quality.inputs.open import open_input
from dataeng_assets.quality.profile import Profile, profile
from dataeng_assets.quality.propose import proposal_text, propose
from dataeng_assets.quality.results import Status, TableResult
from dataeng_assets.quality.scan.judge import judge

Write = Callable[[Path, Sequence[str], Sequence[Sequence[Any]]], Path]


def as_csv(folder: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    path, text = folder / "rows.csv", io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([["" if value is None else value for value in row] for row in rows])
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def as_ndjson(folder: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    path = folder / "rows.ndjson"
    text = "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return path


def as_parquet(folder: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    path = folder / "rows.parquet"
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    arrays = {name: pa.array(values, None if any(v is not None for v in values) else pa.string()) for name, values in columns.items()}  # fmt: skip  # noqa: E501
    pq.write_table(pa.table(arrays), path)
    return path


def looked_at(path: Path) -> tuple[Profile, TableResult]:
    with connect() as connection, open_input(str(path), connection) as opened:
        found = profile(connection, opened, "rows")
        return found, judge(connection, opened, propose(found), now=datetime(2026, 3, 1, tzinfo=UTC))


def profiled(folder: Path, columns: dict[str, Sequence[Any]], write: Write = as_csv) -> Profile:
    return looked_at(write(folder, list(columns), list(zip(*columns.values(), strict=True))))[0]


def checks(folder: Path, columns: dict[str, Sequence[Any]], write: Write = as_csv) -> set[Check]:
    return {rule.check for rule in propose(profiled(folder, columns, write)).rules}


def settled(suite: Suite) -> Suite:
    """Without places, and with rules in the order of their names."""
    left = tuple(sorted((replace(one, place="") for one in suite.not_executed), key=lambda one: one.said))
    return replace(suite, rules=tuple(sorted(suite.rules, key=lambda one: one.name)), not_executed=left)


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=8)
VALUES: list[st.SearchStrategy[Any]] = [
    st.integers(-(10**18), 10**18), st.integers(0, 5), st.sampled_from(["007", "012", "7"]), st.booleans(),
    st.sampled_from(["12.50", "3.00", "-0.10"]), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["true", "False", "TRUE"]), st.dates(date(1, 1, 1)).map(str), st.times().map(str),
    st.datetimes().map(str), st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    st.sampled_from(["2026-01-02 03:04", "2026-01-02T03:04:05.1234567", "2026-01-02"]),
    st.uuids().map(str), st.emails(), st.ip_addresses(v=4).map(str), st.sampled_from(["https://a.example/x", "ftp://b"]),
    st.sampled_from(["placed", "paid", "sent"]), st.sampled_from(["DE", "FR", "GB", "US", "IT", "ES", "PT"]),
    st.sampled_from(["+49 30 1234567", "030/7654321"]), st.sampled_from(["01/02/2026", "28/02/2026", "30/02/2026"]),
    st.sampled_from(["1e400", "1e5", "0.1"]), st.sampled_from(["99999999999999999999999999999999999999999", "1"]),
    st.sampled_from(["0.12345678901234567890", "5"]), st.sampled_from(["-0", "+5", " 1", "1 ", "NaN", "inf"]), TEXT,
    st.sampled_from(["", None]), st.none(),
]  # fmt: skip
NAMES = st.sampled_from(
    [
        "id",
        "a",
        "a b",
        "a_b",
        "name",
        "email",
        "created_at",
        "price",
        "Größe",
        "latitude",
        'x"y',
        "note's",
        "#1",
        "on",
        " c",
    ]
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[Any]]]:
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    kinds = [draw(st.sampled_from(VALUES)) for _ in names]
    gaps = [draw(st.booleans()) for _ in names]
    size = draw(st.sampled_from([0, 1, 5, 12, 45]))
    rows = [
        [draw(st.none() | kind if gap else kind) for kind, gap in zip(kinds, gaps, strict=True)] for _ in range(size)
    ]
    return names, rows


def keeps_and_reads_back(path: Path) -> None:
    found, result = looked_at(path)
    suite = propose(found)
    wrong = [(one.rule.name, one.reason) for one in result.results if one.status in (Status.VIOLATED, Status.UNDECIDED)]
    assert wrong == []
    document = path.with_suffix(".yaml")
    document.write_text(proposal_text(found, suite), encoding="utf-8")
    (read,) = read_odcs(document)
    assert settled(read) == settled(suite)


slowly = settings(max_examples=25, suppress_health_check=list(HealthCheck))


@given(table=tables())
@slowly
def test_what_is_proposed_from_text_holds_for_it_and_reads_back(
    table: tuple[list[str], list[list[Any]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    keeps_and_reads_back(as_csv(tmp_path_factory.mktemp("csv"), *table))


@given(table=tables())
@slowly
def test_what_is_proposed_from_json_holds_for_it_and_reads_back(
    table: tuple[list[str], list[list[Any]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    names, rows = table
    if rows:
        keeps_and_reads_back(as_ndjson(tmp_path_factory.mktemp("json"), names, rows))


TYPED: list[pa.Array] = [
    pa.array([1, None, -3], pa.int8()), pa.array([1, 2, 3], pa.uint16()), pa.array([1, 2, 3], pa.uint64()),
    pa.array([1.5, float("nan"), -1], pa.float32()), pa.array([1.5, None, 2], pa.float64()),
    pa.array([Decimal("1.25"), None, Decimal("2.00")], pa.decimal128(9, 2)), pa.array([True, None, False]),
    pa.array([date(2026, 1, 1)] * 3), pa.array([1, 2, None], pa.timestamp("us")),
    pa.array([1, 2, 3], pa.timestamp("us", "UTC")), pa.array([1, 2, 3], pa.timestamp("ns")),
    pa.array([1, 2, 3], pa.timestamp("ns", "UTC")), pa.array([1, 2, 3], pa.timestamp("ms")),
    pa.array([1, 2, 3], pa.time64("us")), pa.array([b"a", None, b"c"]), pa.array(["a", "b", None]),
    pa.array(["a", "b", "a"]).dictionary_encode(), pa.array([[1], None, [2, 3]]), pa.array([["x"], [], None]),
    pa.array([{"a": 1}, None, {"a": 2}]), pa.array([None, None, None], pa.string()),
    pa.array([[(1, "x")], None, []], pa.map_(pa.int32(), pa.string())),
]  # fmt: skip


@pytest.mark.parametrize("times", [0, 1, 20])
def test_every_type_of_parquet_is_proposed_as_what_it_is(tmp_path: Path, times: int) -> None:
    columns = {f"c{place}": pa.chunked_array([array] * times, array.type) for place, array in enumerate(TYPED)}
    path = tmp_path / "typed.parquet"
    pq.write_table(pa.table(columns), path)
    keeps_and_reads_back(path)
    types = {c.name: c.physical for c in propose(looked_at(path)[0]).columns}
    assert types["c5"] == "numeric(9,2)"
    assert types["c9"] == "timestamp with time zone"


@pytest.mark.parametrize(
    ("values", "logical", "physical"),
    [
        (["1", "-20", "0"], "integer", None),
        (["007", "1"], "string", None),
        (["+49", "1"], "string", None),
        (["1", "2.5"], "number", None),
        (["1.20", "2.50"], "number", "numeric(18,2)"),
        (["0.1234567890123456789", "1"], "string", None),
        (["12345678901234567890.5", "1"], "number", "numeric(38,10)"),
        (["true", "FALSE"], "boolean", None),
        (["yes", "no"], "string", None),
        (["2026-02-28", "2026-03-01"], "date", None),
        (["2026-02-28", "2026-02-30"], "string", None),
        (["2026-02-28", "2026-02-28 10:00"], "timestamp", "timestamp without time zone"),
        (["2026-02-28T10:00:00Z", "2026-02-28 10:00:00+02"], "timestamp", "timestamp with time zone"),
        (["2026-02-28T10:00:00Z", "2026-02-28 10:00"], "timestamp", None),
        (["10:00:00", "23:59:59"], "time", None),
        (["2026-02-28T10:00:00.123456789", "2026-02-28"], "string", None),
    ],
)
def test_text_gets_the_narrowest_type_that_loses_nothing(
    tmp_path: Path, values: Sequence[str], logical: str, physical: str | None
) -> None:
    assert OfType("v", logical, physical) in checks(tmp_path, {"v": values, "w": ["x"] * len(values)})


def test_json_keeps_numbers_and_their_texts_apart(tmp_path: Path) -> None:
    columns = {"n": [1, 2], "t": ["1", "2"], "mixed": [1, "1"], "o": [{"a": 1}, {}], "l": [[1], []]}
    types = {shape.name: shape.logical for shape in profiled(tmp_path, columns, as_ndjson).columns}
    assert types == {"n": "integer", "t": "string", "mixed": "", "o": "object", "l": "array"}


def test_a_column_is_required_when_it_is_full_in_enough_rows(tmp_path: Path) -> None:
    assert NotNull("a") in checks(tmp_path, {"a": range(10)})
    assert NotNull("a") not in checks(tmp_path, {"a": range(9)})
    assert NotNull("a") not in checks(tmp_path, {"a": [*range(10), None], "b": range(11)})


def test_one_column_is_the_key_else_two_together(tmp_path: Path) -> None:
    assert propose(profiled(tmp_path, {"value": [5] * 12, "order_id": range(12)})).key == ("order_id",)
    both = {"code": [f"c{n}" for n in range(12)], "order_id": range(12), "id": range(12)}
    assert propose(profiled(tmp_path, both)).key == ("id",)
    pairs = {"order_id": [n // 3 for n in range(12)], "line_no": [n % 3 for n in range(12)], "value": [7] * 12}
    assert propose(profiled(tmp_path, pairs)).key == ("order_id", "line_no")
    assert propose(profiled(tmp_path, {**pairs, "line_no": [1] * 12})).key == ()


def test_a_measured_value_is_no_key_though_all_are_different(tmp_path: Path) -> None:
    assert propose(profiled(tmp_path, {"kind": ["a"] * 12, "amount": [n + 0.5 for n in range(12)]})).key == ()


def test_few_values_that_return_often_are_accepted_values(tmp_path: Path) -> None:
    assert OneOf("status", ("paid", "sent")) in checks(tmp_path, {"status": ["paid", "sent"] * 20})
    assert OneOf("status", ("paid", "sent")) not in checks(tmp_path, {"status": ["paid", "sent"] * 19})
    rare = ["paid"] * 100 + ["sent"] * 4
    assert not any(isinstance(check, OneOf) for check in checks(tmp_path, {"status": rare}))
    assert not any(isinstance(check, OneOf) for check in checks(tmp_path, {"currency": ["EUR"] * 100}))


def test_a_range_is_proposed_where_nothing_is_negative_and_nothing_could_well_be(tmp_path: Path) -> None:
    numbers = list(range(12))
    found = checks(
        tmp_path,
        {
            "price": numbers,
            "balance": numbers,
            "lat": numbers,
            "loss": numbers,
            "moved": [-1, *numbers[1:]],
            "lon": [181, *numbers[1:]],
        },
    )
    assert {check for check in found if isinstance(check, Between)} == {Between("price", 0), Between("lat", -90, 90)}


def test_forms_and_lengths_of_codes_are_proposed(tmp_path: Path) -> None:
    codes = [f"{place % 7:04}" for place in range(30)]
    days = [f"{day:02}.01.2026" for day in range(1, 31)]
    unclear = [f"{day % 12 + 1:02}/{day % 12 + 1:02}/2026" for day in range(30)]
    names = [f"n{'x' * (place % 5)}" for place in range(30)]
    found = checks(tmp_path, {"code": codes, "day": days, "unclear": unclear, "text": names})
    assert {check for check in found if isinstance(check, Format)} == {Format("day", "%d.%m.%Y")}
    assert {check for check in found if isinstance(check, Length)} == {Length("code", 4, 4), Length("unclear", 10, 10)}


def test_what_tells_who_a_person_is_is_marked_and_none_of_its_values_is_kept(tmp_path: Path) -> None:
    people = {
        "id": list(range(100)),
        "customer_name": ["Ada Lovelace", "Alan Turing"] * 50,
        "contact": ["ada@mail.example", "n/a"] * 50,
        "reach": ["+49 30 1234567", "(030) 765 43 21"] * 50,
        "account": ["DE89 3704 0044 0532 0130 00"] * 100,
        "from": ["10.0.0.1", "::1"] * 50,
        "zip": [10115, 80331] * 50,
        "product_name": ["tea", "milk"] * 50,
    }
    found = profiled(tmp_path, people)
    personal = {column.name for column in propose(found).columns if column.personal}
    assert personal == {"customer_name", "contact", "reach", "account", "from", "zip"}
    told = proposal_text(found, propose(found)) + repr(found)
    for value in ("Ada", "Turing", "ada@", "1234567", "0532", "10.0.0.1", "10115", "80331"):
        assert value not in told
    assert "milk" in told
    assert Unique(("id",)) in {rule.check for rule in propose(found).rules}


def test_a_column_that_a_contract_cannot_name_is_told_and_left_out(tmp_path: Path) -> None:
    found = propose(profiled(tmp_path, {" a": range(12), "b": range(12)}))
    assert [column.name for column in found.columns] == ["b"]
    assert found.not_executed[0].said == "column ' a'"


def test_the_freshest_column_is_named_without_a_limit(tmp_path: Path) -> None:
    times = [f"2026-01-{day:02} 10:00:00" for day in range(1, 13)]
    found = propose(profiled(tmp_path, {"birth_date": times, "created_at": times, "updated_at": times, "seen": times}))
    assert [one.said for one in found.not_executed] == ["freshness by updated_at"]


def test_a_hostile_name_stays_inside_of_its_comment(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('"mail\nkind: Other"\n' + "a@b.example\n" * 12)
    keeps_and_reads_back(path)


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("data/raw_orders.csv.gz", "raw_orders"),
        ("data/2026/*.parquet", "2026"),
        ("/lake/bronze/shop/orders/", "orders"),
        ("postgresql://a@b/crm#sales.customers", "customers"),
        ("duckdb:w.duckdb#orders", "orders"),
        ("fct_orders", "fct_orders"),
        ("über uns.csv", "ber_uns"),
        ("*.csv", "table"),
    ],
)
def test_a_table_is_named_after_where_it_lies(where: str, name: str) -> None:
    assert table_name(where) == name
