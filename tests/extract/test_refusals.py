"""What cannot be copied is refused by name, before anything is committed (promise 12; T11, T14, T17)."""

import re
import threading
import time

import psycopg
import pytest
from made_source import AHEAD, ITEMS, contract, source_table

from dataeng_assets.extract import staging
from dataeng_assets.extract.plan import Window
from dataeng_assets.extract.run import SomeTablesFailed
from dataeng_assets.extract.staging import DeliveryDiffers
from dataeng_assets.lake.strict import SchemaDiffers
from dataeng_assets.postgres import connect
from dataeng_assets.postgres.errors import SourceAway, SourceBusy, SourceError, SourceRefused

pytestmark = pytest.mark.server


@pytest.fixture
def filled(shop):
    shop.do("INSERT INTO shop.items SELECT i, 'secret value ' || i FROM generate_series(1, 10) i")
    shop.first()
    return shop


def refused(shop, kind: type[SourceError] = SourceRefused) -> str:
    """The message with which a run is refused, after which bronze is what it was."""
    table = shop.tables[0]
    before = shop.lake.open(table.key).version() if shop.lake.exists(table.key) else 0
    with pytest.raises(kind) as raised:
        shop.first()
    assert shop.lake.open(table.key).version() == before
    assert raised.value.retryable == (kind is not SourceRefused)
    said = str(raised.value)
    assert "secret value" not in said
    return said


DRIFTS = {
    "a column dropped": ("ALTER TABLE shop.items DROP COLUMN value", "value is missing"),
    "a column renamed": ("ALTER TABLE shop.items RENAME COLUMN value TO worth", "value is missing.*worth.*renamed"),
    "a column of another type": (
        "ALTER TABLE shop.items ALTER COLUMN item_id TYPE integer",
        "item_id is integer, the contract says bigint",
    ),
    "a table dropped": ("DROP TABLE shop.items", r"no table shop\.items in the source.*if it is gone"),
    "a table renamed": ("ALTER TABLE shop.items RENAME TO things", r"no table shop\.items in the source.*renamed"),
    "a required column with NULL": (
        """ALTER TABLE shop.items DROP CONSTRAINT items_pkey, ALTER COLUMN item_id DROP NOT NULL;
        UPDATE shop.items SET item_id = NULL WHERE item_id < 3""",
        r"item_id \(2 rows\)",
    ),
    "a watermark with NULL": (
        "ALTER TABLE shop.items ALTER COLUMN updated_at DROP NOT NULL; UPDATE shop.items SET updated_at = NULL",
        "10 rows of shop.items have no updated_at",
    ),
    "a key that repeats": (
        "ALTER TABLE shop.items DROP CONSTRAINT items_pkey; UPDATE shop.items SET item_id = 1 WHERE item_id < 4",
        r"1 keys \(item_id\)",
    ),
    "an infinite watermark": ("UPDATE shop.items SET updated_at = 'infinity' WHERE item_id = 1", "updated_at"),
    "a date before Christ": ("UPDATE shop.items SET updated_at = '0044-03-15 BC' WHERE item_id = 1", "updated_at"),
}


@pytest.mark.parametrize(("change", "message"), DRIFTS.values(), ids=DRIFTS.keys())
def test_a_source_that_is_not_what_the_contract_says_is_refused_by_name(filled, change, message):
    for statement in change.split(";"):
        filled.do(statement)
    said = refused(filled)
    assert re.search(message, said), said


def test_what_loses_nothing_is_taken_up_and_reported(filled):
    filled.do("ALTER TABLE shop.items ADD COLUMN extra integer, ALTER COLUMN item_id TYPE bigint")
    filled.do("ALTER TABLE shop.items ALTER COLUMN value SET NOT NULL")
    filled.do("UPDATE shop.items SET value = 'new', updated_at = now() WHERE item_id = 1")
    report = filled.follow()
    assert report.rows_appended == 1
    assert any("extra (integer)" in said for said in report.drift)


def test_columns_in_another_order_and_a_dropped_one_before_them_are_read_by_name(filled):
    filled.do("ALTER TABLE shop.items ADD COLUMN v text")
    filled.do("UPDATE shop.items SET v = value")
    filled.do("ALTER TABLE shop.items DROP COLUMN value")
    filled.do("ALTER TABLE shop.items RENAME COLUMN v TO value")
    assert filled.first().rows_appended == 0


def test_a_required_column_that_the_source_lets_be_null_is_fine_while_no_value_is(shop):
    shop.tables = [source_table(contract("items", [*ITEMS[:1], ("value", "text", False), *ITEMS[2:]]))]
    shop.do("INSERT INTO shop.items VALUES (1, 'a')")
    assert shop.first().rows_appended == 1
    shop.do("INSERT INTO shop.items VALUES (2, NULL)")
    assert "value (1 rows)" in refused(shop)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (("updated_at", "timestamp with time zone", True), "or NULL"),
        (("changed_at", "timestamp with time zone", False), "not in the contract"),
    ],
)
def test_a_watermark_that_could_lose_rows_is_refused(shop, column, message):
    shop.do("ALTER TABLE shop.items ADD COLUMN changed_at timestamptz")
    shop.tables = [source_table(contract("items", [*ITEMS[:2], column]))]
    assert message in refused(shop)


def test_a_policy_that_would_hide_rows_is_an_error(filled, role):
    filled.do("ALTER TABLE shop.items ENABLE ROW LEVEL SECURITY")
    filled.do("CREATE POLICY half ON shop.items USING (item_id < 5)")
    said = refused(filled)
    assert "row-level security" in said
    assert "BYPASSRLS" in said


def test_a_table_or_column_that_may_not_be_read_is_an_error(filled, role):
    filled.do(f"REVOKE SELECT ON shop.items FROM {role}")
    assert "Grant" in refused(filled)
    filled.do(f"GRANT SELECT (item_id, updated_at) ON shop.items TO {role}")
    assert "Grant" in refused(filled)


def test_one_broken_table_does_not_keep_the_others_back(filled):
    filled.do("CREATE TABLE shop.good (LIKE shop.items INCLUDING ALL)")
    filled.do("CREATE TABLE shop.bad (LIKE shop.items INCLUDING ALL)")
    filled.do("INSERT INTO shop.good VALUES (1, 'a')")
    filled.do("ALTER TABLE shop.bad DROP COLUMN value")
    filled.do("ALTER TABLE shop.items DROP COLUMN value")
    filled.tables = [filled.tables[0], source_table(contract("bad")), source_table(contract("good"))]
    reports = []
    with pytest.raises(SomeTablesFailed) as raised:
        filled.run_all(Window(None, None), on_table=reports.append)
    assert [report.key[-1] for report in reports] == ["good"]
    assert len(raised.value.failures) == 2
    assert not raised.value.retryable
    assert len(filled.bronze("good")) == 1


@pytest.mark.parametrize(
    ("name", "breaks", "message"),
    [
        ("gone", "DROP TABLE shop.gone", "There is no table shop.gone"),
        ("hidden", "REVOKE ALL ON shop.hidden FROM {role}", "did not allow locking shop.hidden"),
    ],
)
def test_a_table_that_is_gone_or_hidden_does_not_keep_the_others_back(filled, role, name, breaks, message):
    filled.do(f"CREATE TABLE shop.{name} (LIKE shop.items INCLUDING ALL)")
    filled.do(breaks.format(role=role))
    filled.tables.append(source_table(contract(name)))
    filled.do("INSERT INTO shop.items VALUES (11, 'new')")
    reports = []
    with pytest.raises(SourceRefused, match=re.escape(message)):
        filled.run_all(Window(AHEAD, None), on_table=reports.append)
    assert [(report.key[-1], report.rows_appended) for report in reports] == [("items", 1)]


def test_bronze_that_is_not_the_contracts_does_not_keep_the_other_tables_back(filled):
    filled.do("CREATE TABLE shop.other (LIKE shop.items INCLUDING ALL)")
    filled.do("INSERT INTO shop.other VALUES (1, 'a')")
    changed = contract("items", [ITEMS[0], ("value", "integer", True), ITEMS[2]])
    filled.tables = [source_table(changed), source_table(contract("other"))]
    reports = []
    with pytest.raises(SchemaDiffers, match="value: found string, expected int32") as raised:
        filled.run_all(Window(None, None), on_table=reports.append)
    assert not raised.value.retryable
    assert [report.key[-1] for report in reports] == ["other"]


def test_a_locked_table_is_given_up_on_for_a_while(filled, monkeypatch):
    monkeypatch.setitem(connect._SESSION, "lock_timeout", "200ms")
    migration = filled.session()
    migration.execute("LOCK TABLE shop.items IN ACCESS EXCLUSIVE MODE")
    assert "lock" in refused(filled, SourceBusy)


def test_a_server_that_dies_in_the_middle_of_a_copy_leaves_nothing_behind(filled):
    filled.do("ALTER TABLE shop.items RENAME TO kept")
    filled.do(
        "CREATE VIEW shop.items AS SELECT item_id, value || CASE WHEN pg_sleep(0.02) IS NULL THEN '' END AS value,"
        " updated_at FROM shop.kept"
    )
    filled.do("INSERT INTO shop.kept SELECT i, 'slow' FROM generate_series(11, 200) i")

    def kill() -> None:
        with psycopg.connect(filled.url, autocommit=True) as other:
            for _ in range(500):
                killed = other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND query LIKE 'COPY%' AND state = 'active'"
                ).fetchall()
                if killed:
                    return
                time.sleep(0.02)

    killer = threading.Thread(target=kill)
    killer.start()
    said = refused(filled, SourceAway)
    killer.join()
    assert "Run again" in said


def test_a_row_missing_from_what_was_staged_is_noticed(filled, monkeypatch):
    rows_in = staging._rows_in
    monkeypatch.setattr(staging, "_rows_in", lambda path: rows_in(path) - 1)
    with pytest.raises(DeliveryDiffers, match="counted 10 rows in its snapshot, sent 10, and 9 were staged"):
        filled.reread(None, AHEAD)


def test_nothing_is_left_in_the_staging_folder(filled, state):
    filled.do("ALTER TABLE shop.items DROP COLUMN value")
    refused(filled)
    assert [path.name for path in (state / "staging").iterdir()] == ["in_use"]
