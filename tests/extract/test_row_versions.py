"""Bronze holds the versions that were seen: each once, in order, whatever is read again (promise 4; T4, T5)."""

import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_source import AHEAD, contract, source_table

from dataeng_assets.extract.plan import Window
from dataeng_assets.lake.location import Lake

pytestmark = pytest.mark.server

DAY = timedelta(days=1)


def test_reading_everything_again_appends_nothing(shop):
    shop.do("INSERT INTO shop.items SELECT i, 'v' || i, now() - i * interval '1 hour' FROM generate_series(1, 500) i")
    assert shop.first().rows_appended == 500
    assert shop.first().rows_appended == 0
    assert shop.reread(None, AHEAD).rows_appended == 0
    assert shop.follow(AHEAD - 30 * DAY).rows_appended == 0
    assert len(shop.bronze()) == 500


def test_a_backfill_day_by_day_equals_one_read_of_all(shop, tmp_path):
    shop.do("INSERT INTO shop.items SELECT i, 'v' || i, now() - i * interval '7 hours' FROM generate_series(1, 100) i")
    whole, shop.lake = shop.lake, Lake(str(tmp_path / "by_day"))
    start = datetime.now(UTC) - 40 * DAY
    for day in range(42):
        shop.reread(start + day * DAY, start + (day + 1) * DAY)
    by_day = shop.newest()
    assert len(shop.bronze()) == 100
    shop.lake = whole
    shop.first()
    assert by_day == shop.newest() == shop.in_source()


def test_a_window_read_again_takes_its_start_and_leaves_its_end(shop):
    shop.do("INSERT INTO shop.items VALUES (1, 'a', '2026-01-01'), (2, 'b', '2026-01-02'), (3, 'c', '2026-01-03')")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert shop.reread(start, start + DAY).rows_read == 1
    assert shop.reread(start, start + 2 * DAY).rows_appended == 1
    assert shop.values() == [(1, "a"), (2, "b")]


def test_a_window_read_again_moves_nothing_and_commits_nothing_when_nothing_is_new(shop):
    shop.do("INSERT INTO shop.items VALUES (1, 'a')")
    first = shop.first()
    again = shop.reread(None, AHEAD)
    assert (again.version, again.lower_bound, again.method) == (first.version, first.lower_bound, "window")
    followed = shop.follow()
    assert followed.version == first.version + 1, "an empty commit moves progress"
    assert followed.lower_bound > first.lower_bound


def test_a_window_read_before_any_run_followed_leaves_no_progress(shop):
    shop.do("INSERT INTO shop.items VALUES (1, 'a', '2020-01-01'), (2, 'b', '2021-01-01')")
    report = shop.reread(None, datetime(2020, 6, 1, tzinfo=UTC))
    assert (report.rows_appended, report.lower_bound) == (1, None)
    shop.first()
    assert shop.values() == [(1, "a"), (2, "b")]


def test_a_value_that_goes_there_and_back_under_one_watermark_arrives_three_times(shop):
    shop.do("INSERT INTO shop.items VALUES (1, 'a', '2026-01-01')")
    for value in ("a", "b", "a"):
        shop.do("UPDATE shop.items SET value = %s", value)
        shop.reread(None, AHEAD)
    assert shop.values() == [(1, "a"), (1, "b"), (1, "a")]


def test_null_and_an_empty_text_are_two_versions(shop):
    shop.do("INSERT INTO shop.items VALUES (1, NULL, '2026-01-01')")
    for value in ("", "NULL", None):
        shop.reread(None, AHEAD)
        shop.do("UPDATE shop.items SET value = %s", value)
    shop.reread(None, AHEAD)
    assert [value for _, value in shop.values()] == [None, "", "NULL", None]


def test_many_rows_that_share_the_newest_watermark_arrive_once(shop):
    shop.do("INSERT INTO shop.items SELECT i, 'tie', now() FROM generate_series(1, 100000) i")
    shop.first()
    shop.do(
        "INSERT INTO shop.items SELECT i, 'tie', max(updated_at) FROM shop.items, generate_series(-9, 0) i GROUP BY i"
    )
    assert shop.follow(AHEAD - 2 * DAY).rows_appended == 10
    assert shop.follow(AHEAD - 2 * DAY).rows_appended == 0
    assert len(shop.bronze()) == 100_010


def test_watermarks_keep_their_microseconds_whatever_the_sessions_time_zone(shop):
    shop.do(f"ALTER DATABASE {psycopg.conninfo.conninfo_to_dict(shop.url)['dbname']} SET TimeZone = 'America/New_York'")
    # the hour that New York has twice
    shop.do(
        "INSERT INTO shop.items VALUES (1, 'a', '2026-11-01 05:59:59.999999+00'), (2, 'b', '2026-11-01 06:00:00+00')"
    )
    edge = datetime(2026, 11, 1, 6, tzinfo=UTC)
    shop.reread(edge - timedelta(microseconds=1), edge)
    assert shop.newest() == {1: ("a", edge - timedelta(microseconds=1))}
    shop.reread(edge, edge + timedelta(microseconds=1))
    assert shop.newest() == shop.in_source()


def test_each_version_says_when_and_by_which_run_it_was_extracted(shop):
    shop.do("INSERT INTO shop.items VALUES (1, 'a')")
    shop.first()
    shop.do("UPDATE shop.items SET value = 'b', updated_at = now()")
    shop.follow()
    old, new = shop.bronze()
    assert (old["_run_id"], new["_run_id"]) == ("run-1", "run-2")
    assert old["_op"] == new["_op"] == "upsert"
    assert old["_extracted_at"] < new["_extracted_at"]


def test_times_of_extraction_grow_even_when_the_servers_clock_went_back(shop, monkeypatch):
    from dataclasses import replace

    from dataeng_assets.postgres import snapshot

    shop.do("INSERT INTO shop.items VALUES (1, 'a')")
    shop.first()
    export = snapshot._export

    def an_hour_ago(*given):
        name, taken = export(*given)
        return name, replace(taken, taken_at=taken.taken_at - timedelta(hours=1))

    monkeypatch.setattr(snapshot, "_export", an_hour_ago)
    shop.do("UPDATE shop.items SET value = 'b', updated_at = now()")
    shop.follow()
    old, new = shop.bronze()
    assert new["_extracted_at"] == old["_extracted_at"] + timedelta(microseconds=1)


def test_a_key_of_several_columns_is_compared_as_a_whole(shop):
    shop.do(
        "CREATE TABLE shop.pairs (a text, b text, updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (a, b))"
    )
    columns = (("a", "text", False), ("b", "text", False), ("updated_at", "timestamp with time zone", False))
    shop.tables = [source_table(contract("pairs", columns, ("a", "b")))]
    shop.do("INSERT INTO shop.pairs VALUES ('a|b', 'c'), ('a', 'b|c')")
    assert shop.first().rows_appended == 2
    shop.do("UPDATE shop.pairs SET updated_at = now() WHERE a = 'a'")
    assert shop.follow().rows_appended == 1


KEYS = st.integers(1, 4)
VALUES = st.sampled_from(["a", "b", "", None])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), KEYS, VALUES),
        st.tuples(st.just("write silently"), KEYS, VALUES),
        st.tuples(st.just("begin"), st.integers(5, 8), VALUES),
        st.tuples(st.just("commit"), st.none(), st.none()),
        st.tuples(st.just("roll back"), st.none(), st.none()),
        st.tuples(st.just("follow"), st.none(), st.none()),
        st.tuples(st.just("read again"), st.integers(0, 5), st.integers(0, 5)),
    ),
    min_size=4,
    max_size=14,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_after_any_sequence_of_changes_and_reads_bronze_is_what_was_seen(shop, tmp_path, steps):
    shop.do("TRUNCATE shop.items")
    shop.lake = Lake(str(tmp_path / uuid.uuid4().hex))
    history = History(shop)
    for step, one, other in [*steps, ("commit", None, None), ("follow", None, None)]:
        history.apply(step, one, other)
    assert {key: row for key, row in history.last.items() if key in history.touched} == {
        key: row for key, row in shop.in_source().items() if key in history.touched
    }


class History:
    """What bronze has to hold: of each row that a run read, the version, if it was another one than the last."""

    def __init__(self, shop) -> None:
        self.shop, self.late, self.late_key = shop, None, 0
        self.start = None
        self.last: dict[int, tuple] = {}
        self.appended: list[tuple] = []
        self.instants = [datetime.now(UTC)]
        self.touched: set[int] = set()

    def apply(self, step, one, other) -> None:
        do = self.shop.do
        if step == "write":
            do(
                "INSERT INTO shop.items VALUES (%s, %s) ON CONFLICT (item_id)"
                " DO UPDATE SET value = excluded.value, updated_at = now()",
                one,
                other,
            )
            self.touched.add(one)
        elif step == "write silently":
            do("UPDATE shop.items SET value = %s WHERE item_id = %s", other, one)
            self.touched.discard(one)
        elif step == "begin" and self.late is None:
            self.late, self.late_key = self.shop.session(), one
            self.late.execute(
                "INSERT INTO shop.items VALUES (%s, %s) ON CONFLICT (item_id)"
                " DO UPDATE SET value = excluded.value, updated_at = now()",
                (one, other),
            )
        elif step in ("commit", "roll back") and self.late is not None:
            if step == "commit":
                self.late.commit()
                self.touched.add(self.late_key)
            else:
                self.late.rollback()
            self.late.close()
            self.late = None
        elif step == "follow":
            self.read(Window(self.start, None))
            self.start = AHEAD
        elif step == "read again":
            first, last = sorted((one % len(self.instants), other % len(self.instants)))
            self.read(Window(self.instants[first], self.instants[last]))
        self.instants.append(datetime.now(UTC))

    def read(self, window: Window) -> None:
        (report,) = self.shop.run_all(window)
        since, until = report.window.start, report.window.end
        new = [
            (key, *row)
            for key, row in sorted(self.shop.in_source().items())
            if (since is None or row[1] >= since) and (until is None or row[1] < until) and self.last.get(key) != row
        ]
        self.last |= {key: (value, at) for key, value, at in new}
        self.appended += new
        assert report.rows_appended == len(new)
        stored = [(row["item_id"], row["value"], row["updated_at"]) for row in self.shop.bronze()]
        assert stored == self.appended
