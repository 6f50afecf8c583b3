"""Bronze on an object store: the same tables as in a local folder, and the same guards against another writer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier

import duckdb
import pyarrow as pa
import pytest
from programs import bucket_server

from dataeng_assets.contracts.load import load_contract, load_contracts
from dataeng_assets.extract.plan import SourceTable, Window
from dataeng_assets.extract.run import TableReport, extract
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.lake.append import Superseded, append, progress
from dataeng_assets.lake.changes import changes
from dataeng_assets.lake.location import Lake, TableMissing
from dataeng_assets.lake.replace import replace_range
from dataeng_assets.lake.views import create_views
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.local.postgres import Postgres
from dataeng_assets.sample import schema
from dataeng_assets.sample.fill import fill
from dataeng_assets.sample.tick import tick
from dataeng_assets.settings import ROOT
from dataeng_assets.streams.drain import DrainReport, drain
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.verify import verify
from dataeng_assets.streams.windows import publish_windows
from dataeng_assets.testing.servers import new_database

pytestmark = [pytest.mark.interop, pytest.mark.server]

DEFS = ROOT / "dataeng_assets" / "defs"
SCALE = 0.02
# what no two runs have in common
OF_THE_RUN = {"_ingested_at", "_run_id", "_extracted_at", "at", "told_by"}
TABLES = {
    **{("bronze", "shop", table): (*schema.key_of(table), "_row_hash") for table in schema.TABLES},
    ("bronze", "events", "user_events"): ("_kafka_partition", "_kafka_offset"),
    ("bronze", "events", "user_events_late"): ("_kafka_partition", "_kafka_offset"),
    ("bronze", "events", "user_events_dead_letters"): ("_kafka_partition", "_kafka_offset"),
    ("bronze", "events", "user_events_changes"): ("number",),
    ("silver", "events", "user_events_5m"): ("window_start", "event_type"),
}


@dataclass(frozen=True)
class Shop:
    """The sample shop on the real servers, in a database and a topic of the module's own."""

    url: str
    bootstrap: str
    topic: str
    truth: Path


@dataclass(frozen=True)
class Copied:
    """What one pass into a lake said."""

    tables: tuple[TableReport, ...]
    events: DrainReport


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake in a new bucket of a real S3 server."""
    with bucket_server(tmp_path_factory.mktemp("s3")) as options:
        yield Lake("s3://bucket/lake", options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(str(tmp_path_factory.mktemp("folder") / "lake"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres, kafka_broker: Kafka) -> Iterator[Shop]:
    state = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch, new_database(postgres_server) as url:
        patch.setenv("DATAENG_STATE", str(state))
        made = Shop(url, kafka_broker.bootstrap, "user_events_on_s3", state / "truth")
        fill(url, made.bootstrap, truth=made.truth, days=20, scale=SCALE, topic=made.topic)
        yield made


def stream(shop: Shop, lake: Lake) -> Stream:
    contract = load_contract(DEFS / "events" / "contracts" / "user_events.yaml")
    return Stream("user_events", shop.topic, "events", contract, lake)


def copy(shop: Shop, lake: Lake, window: Window, run_id: str) -> Copied:
    tables = [
        SourceTable(contract, "shop", "updated_at" if schema.has_clock(name) else None, ("bronze", "shop", name))
        for name, contract in load_contracts(DEFS / "shop" / "contracts").items()
    ]
    cluster = Cluster(shop.bootstrap, allow_plaintext=True)
    reports = extract(shop.url, tables, lake, window, run_id=run_id)
    drained = drain(stream(shop, lake), cluster, run_id=run_id, budget=timedelta(minutes=5), batch_records=3_000)
    publish_windows(stream(shop, lake), cluster, run_id=run_id)
    return Copied(reports, drained)


def content(lake: Lake, key: tuple[str, ...]) -> pa.Table:
    rows = lake.open(key).to_pyarrow_table()
    kept = rows.select([name for name in rows.column_names if name not in OF_THE_RUN])
    return kept.sort_by([(name, "ascending") for name in TABLES[key]])


def assert_same_content(one: Lake, other: Lake) -> None:
    for layer in ("bronze", "silver"):
        assert one.tables((layer,)) == other.tables((layer,)) == sorted(key for key in TABLES if key[0] == layer)
    for key in TABLES:
        expected = content(other, key)
        assert expected.num_rows > 0, key
        assert content(one, key).equals(expected), key


@pytest.fixture(scope="module")
def copied(shop: Shop, bucket: Lake, folder: Lake) -> tuple[Copied, Copied]:
    """The shop's past in both lakes."""
    everything = Window(None, None)
    return copy(shop, bucket, everything, "to the bucket"), copy(shop, folder, everything, "to the folder")


@pytest.mark.usefixtures("copied")
def test_a_bucket_holds_what_a_folder_holds(bucket: Lake, folder: Lake) -> None:
    assert_same_content(bucket, folder)


def test_what_the_topic_holds_stands_in_the_bucket_offset_by_offset(
    shop: Shop, bucket: Lake, copied: tuple[Copied, Copied]
) -> None:
    assert copied[0].events.caught_up
    assert len(copied[0].events.batches) > 1
    proof = verify(stream(shop, bucket), Cluster(shop.bootstrap, allow_plaintext=True))
    assert proof.holds
    assert proof.decided
    assert sum(part.main + part.late + part.dead_letters for part in proof.partitions) > 0


@pytest.mark.usefixtures("copied")
def test_reading_again_appends_nothing_and_a_day_later_only_what_is_new(shop: Shop, bucket: Lake, folder: Lake) -> None:
    past = Window(None, datetime.now(UTC) - timedelta(days=1))
    assert not any(report.rows_appended for report in copy(shop, bucket, past, "again").tables)
    versions = {key: bucket.open(key).version() for key in TABLES}
    lived = tick(shop.url, shop.bootstrap, truth=shop.truth)
    later = [copy(shop, lake, Window(None, None), "a day later") for lake in (bucket, folder)]
    appended = [[report.rows_appended for report in pass_.tables] for pass_ in later]
    assert appended[0] == appended[1]
    assert 0 < sum(appended[0]) <= lived.versions
    assert [pass_.events.lag for pass_ in later] == [lived.events, lived.events]
    assert_same_content(bucket, folder)
    for name in ("customers", "products", "orders"):
        key = ("bronze", "shop", name)
        told = changes(bucket, key, versions[key], bucket.open(key).version()).read_all()
        assert set(told["_run_id"].to_pylist()) <= {"a day later"}
        assert len(told) == content(bucket, key).num_rows - bucket.open(key, versions[key]).count()


@pytest.mark.usefixtures("copied")
def test_views_of_a_bucket_show_the_rows_of_the_version_asked_for(bucket: Lake) -> None:
    key = ("bronze", "shop", "orders")
    newest = bucket.open(key)
    with duckdb.connect() as connection:
        versions = create_views(connection, bucket, layers=("bronze", "silver"))
        assert versions == {".".join(key): bucket.open(key).version() for key in TABLES}
        ((count, total),) = connection.execute(
            "select count(*), sum(total_amount) from bronze_shop.orders where ordered_at < now()"
        ).fetchall()
        assert count == newest.count()
        assert total == sum(newest.to_pyarrow_table(columns=["total_amount"])["total_amount"].to_pylist())
        ((days,),) = connection.execute(
            "select count(*) from bronze_events.user_events where event_date = (select max(event_date) "
            "from bronze_events.user_events)"
        ).fetchall()
        assert days > 0
        create_views(connection, bucket, {".".join(key): 0}, layers=("bronze", "silver"))
        assert connection.execute("select count(*) from bronze_shop.orders").fetchall() == [(0,)]


SCHEMA = pa.schema([pa.field("number", pa.int64(), nullable=False), pa.field("day", pa.date32(), nullable=False)])
FIRST = date(2026, 1, 1)


def rows(*numbers: int, day: date = FIRST) -> pa.Table:
    return pa.Table.from_pylist([{"number": number, "day": day} for number in numbers], schema=SCHEMA)


def test_of_writers_that_race_with_one_progress_all_but_one_are_refused(bucket: Lake) -> None:
    key = ("tests", "race")
    bucket.create(key, SCHEMA)
    writers = 4
    start = Barrier(writers)

    def write(number: int) -> bool:
        table = bucket.open(key)
        start.wait()
        try:
            append(table, rows(number), transactions={"source": 1})
        except Superseded:
            return False
        return True

    with ThreadPoolExecutor(writers) as pool:
        committed = [number for number, done in enumerate(pool.map(write, range(writers))) if done]
    assert len(committed) == 1
    assert bucket.open(key).to_pyarrow_table()["number"].to_pylist() == committed
    assert progress(bucket.open(key), "source") == 1


def test_writers_with_progress_of_their_own_all_commit(bucket: Lake) -> None:
    key = ("tests", "side_by_side")
    bucket.create(key, SCHEMA)
    tables = [bucket.open(key) for _ in range(4)]
    for number, table in enumerate(tables):
        append(table, rows(number), transactions={f"source {number}": 1})
    assert sorted(bucket.open(key).to_pyarrow_table()["number"].to_pylist()) == [0, 1, 2, 3]


def test_replacing_a_range_leaves_the_files_of_every_other_one(bucket: Lake) -> None:
    key, second = ("tests", "by_day"), FIRST + timedelta(days=1)
    table = bucket.create(key, SCHEMA, partition_by=["day"], change_feed=True)
    append(table, pa.concat_tables([rows(1, 2), rows(3, 4, day=second)]), transactions={})
    untouched = [uri for uri in bucket.open(key).file_uris() if f"day={FIRST}" in uri]
    version = replace_range(bucket.open(key), rows(5, day=second), "day", second, second + timedelta(days=1))
    after = bucket.open(key)
    assert [uri for uri in after.file_uris() if f"day={FIRST}" in uri] == untouched
    assert sorted(after.to_pyarrow_table()["number"].to_pylist()) == [1, 2, 5]
    assert changes(bucket, key, version - 1, version).read_all()["number"].to_pylist() == [5]


def test_what_is_not_in_the_bucket_is_missing_by_name(bucket: Lake) -> None:
    assert not bucket.exists(("tests", "nothing"))
    assert bucket.tables(("nothing",)) == []
    with pytest.raises(TableMissing, match="lies at s3://bucket/lake/tests/nothing"):
        bucket.open(("tests", "nothing"))


def test_a_bucket_that_is_not_there_is_an_error_and_not_an_empty_lake(bucket: Lake) -> None:
    elsewhere = Lake("s3://no-such-bucket/lake", bucket.options)
    for ask in (elsewhere.tables, lambda: elsewhere.exists(("bronze",)), lambda: elsewhere.open(("bronze",))):
        with pytest.raises(OSError, match="NoSuchBucket") as error:
            ask()
        assert bucket.options["AWS_SECRET_ACCESS_KEY"] not in str(error.value)
