"""A row that becomes visible after a later one was read still arrives (T1, T2)."""

import pytest
from made_source import AHEAD
from psycopg import sql

from dataeng_assets.extract.plan import Plan

pytestmark = pytest.mark.server


def test_a_row_committed_after_the_watermark_passed_still_arrives(shop):
    late = shop.session()
    late.execute("INSERT INTO shop.items VALUES (1, 'late')")
    shop.do("INSERT INTO shop.items VALUES (2, 'on time')")
    first = shop.first()
    assert shop.values() == [(2, "on time")]
    late.commit()
    ((passed,),) = shop.do("SELECT min(updated_at) < max(updated_at) FROM shop.items")
    assert passed, "the late row has the earlier watermark, so a bound taken from the rows would lose it"

    report = shop.follow()

    assert shop.values() == [(2, "on time"), (1, "late")]
    assert (first.method, report.method) == ("open transactions", "open transactions")


def test_a_session_that_has_begun_and_not_written_holds_the_bound(shop):
    idle = shop.session()
    idle.execute("SELECT now()")
    shop.do("INSERT INTO shop.items VALUES (2, 'on time')")
    shop.first()
    idle.execute("INSERT INTO shop.items VALUES (1, 'late')")
    idle.commit()
    shop.follow()
    assert shop.values() == [(2, "on time"), (1, "late")]


def test_a_late_update_that_sets_the_clock_back_is_the_newest_version_all_the_same(shop):
    shop.do("INSERT INTO shop.items VALUES (1, 'first')")
    late = shop.session()
    late.execute("SELECT now()")
    shop.do("UPDATE shop.items SET value = 'second', updated_at = now()")
    shop.first()
    late.execute("UPDATE shop.items SET value = 'third', updated_at = now()")
    late.commit()
    assert shop.follow().rows_appended == 1
    second, third = shop.bronze()
    assert (second["value"], third["value"]) == ("second", "third")
    assert second["updated_at"] > third["updated_at"], "the clock of the late transaction stood still"
    assert {row["_op"] for row in shop.bronze()} == {"upsert"}, "it has never been away"
    assert shop.newest() == shop.in_source(), "the newest is the one that was extracted last"
    assert shop.follow().rows_appended == 0
    assert shop.reread(second["updated_at"], AHEAD).rows_appended == 0
    assert shop.reread(None, AHEAD).rows_appended == 0
    shop.do("UPDATE shop.items SET value = 'fourth', updated_at = now()")
    shop.follow()
    assert shop.newest() == shop.in_source()


def test_a_row_written_in_a_savepoint_arrives(shop):
    late = shop.session()
    late.execute("SELECT now()")
    late.execute("SAVEPOINT here")
    late.execute("INSERT INTO shop.items VALUES (1, 'late')")
    shop.do("INSERT INTO shop.items VALUES (2, 'on time')")
    shop.first()
    late.execute("RELEASE here")
    late.commit()
    shop.follow()
    assert shop.values() == [(2, "on time"), (1, "late")]


def test_a_row_stamped_by_the_wall_clock_inside_a_long_transaction_arrives(shop):
    late = shop.session()
    late.execute("SELECT now()")
    shop.do("INSERT INTO shop.items VALUES (2, 'on time')")
    shop.first()
    late.execute("INSERT INTO shop.items VALUES (1, 'late', clock_timestamp())")
    shop.follow()
    late.commit()
    shop.follow()
    assert shop.values() == [(2, "on time"), (1, "late")]


def test_a_transaction_that_stays_open_over_many_runs_is_not_forgotten(shop):
    late = shop.session()
    late.execute("INSERT INTO shop.items VALUES (1, 'late')")
    shop.first()
    for number in range(2, 6):
        shop.do("INSERT INTO shop.items VALUES (%s, 'on time')", number)
        shop.follow()
    late.commit()
    assert shop.follow().rows_appended == 1
    assert shop.newest() == shop.in_source()
    assert shop.follow().rows_read == 0, "once it has ended, the bound moves on"


def test_a_prepared_transaction_is_found_by_its_number(shop):
    prepared = shop.session()
    prepared.execute("SELECT now()")
    prepared.execute("INSERT INTO shop.items VALUES (1, 'late')")
    shop.do("INSERT INTO shop.items VALUES (2, 'on time')")
    prepared.execute("PREPARE TRANSACTION 'late'")
    shop.do("INSERT INTO shop.items VALUES (3, 'after')")
    first = shop.first()
    shop.do("COMMIT PREPARED 'late'")
    report = shop.follow()
    assert shop.values() == [(2, "on time"), (3, "after"), (1, "late")]
    assert first.lower_bound is None
    assert any("prepared" in note for note in first.notes)
    assert (report.method, report.rows_appended) == ("xmin", 1)
    assert report.lower_bound is not None
    assert shop.follow().method == "open transactions"


def test_a_prepared_transaction_keeps_the_bound_where_it_was(shop):
    known = shop.first().lower_bound
    prepared = shop.session()
    prepared.execute("INSERT INTO shop.items VALUES (1, 'late')")
    prepared.execute("PREPARE TRANSACTION 'late'")
    assert shop.follow().lower_bound == known
    assert shop.follow().method == "xmin"
    shop.do("COMMIT PREPARED 'late'")
    shop.follow()
    assert shop.values() == [(1, "late")]


def test_without_the_right_to_see_other_sessions_late_rows_are_found_by_their_number(shop, role):
    late = shop.session()
    late.execute("SELECT now()")
    shop.do("INSERT INTO shop.items VALUES (2, 'on time')")
    first = shop.first()
    late.execute("SAVEPOINT here")
    late.execute("INSERT INTO shop.items VALUES (1, 'late')")
    late.commit()
    report = shop.follow()
    assert shop.values() == [(2, "on time"), (1, "late")]
    assert (first.method, report.method) == ("xmin", "xmin")
    assert report.rows_read == 1
    assert any(f"GRANT pg_read_all_stats TO {role}" in note for note in report.notes)
    assert report.lower_bound is None


def test_found_by_number_even_a_row_dated_back_arrives(shop, role):
    shop.first()
    shop.do("INSERT INTO shop.items VALUES (1, 'dated back', '2001-01-01')")
    assert shop.follow().rows_appended == 1
    assert shop.follow().rows_read == 0


def test_with_the_right_granted_the_next_run_but_one_reads_by_time(shop, role):
    shop.first()
    shop.do(f"GRANT pg_read_all_stats TO {role}")
    assert [shop.follow().method for _ in range(2)] == ["xmin", "open transactions"]


def test_a_session_that_hides_its_transaction_is_noticed(shop):
    hidden = shop.session(options="-c track_activities=off")
    hidden.execute("SELECT now()")
    shop.do("INSERT INTO shop.items VALUES (2, 'on time')")
    assert any("track_activities" in note for note in shop.first().notes)
    hidden.execute("INSERT INTO shop.items VALUES (1, 'late')")
    hidden.commit()
    hidden.close()
    shop.follow()
    assert shop.values() == [(2, "on time"), (1, "late")]


def test_a_view_whose_open_transactions_are_hidden_is_read_whole(shop, role):
    shop.do("ALTER TABLE shop.items RENAME TO kept")
    shop.do("CREATE VIEW shop.items AS SELECT * FROM shop.kept")
    shop.do(f"GRANT SELECT ON shop.items TO {role}")
    late = shop.session()
    late.execute("INSERT INTO shop.items VALUES (1, 'late')")
    shop.do("INSERT INTO shop.items VALUES (2, 'on time')")
    shop.first()
    late.commit()
    report = shop.follow()
    assert shop.values() == [(2, "on time"), (1, "late")]
    assert any("whole table" in note for note in report.notes)


def test_the_start_asked_for_reaches_behind_the_bound(shop):
    shop.first()
    shop.do("INSERT INTO shop.items VALUES (1, 'dated back', '2001-01-01')")
    assert shop.follow(AHEAD).rows_read == 0
    ((start,),) = shop.do("SELECT '2000-01-01'::timestamptz")
    assert shop.follow(start).rows_appended == 1


def test_numbers_of_another_server_are_not_compared(shop, role, monkeypatch):
    from dataeng_assets.postgres import snapshot

    shop.do("INSERT INTO shop.items VALUES (1, 'before')")
    shop.first()
    shop.do("UPDATE shop.items SET updated_at = '2001-01-01', value = 'as restored'")
    identity = snapshot._identity
    monkeypatch.setattr(snapshot, "_identity", lambda observer: identity(observer) + "1")
    report = shop.follow()
    assert shop.values() == [(1, "before"), (1, "as restored")]
    assert any("failed over" in note for note in report.notes)
    assert shop.follow().rows_read == 0


@pytest.mark.parametrize(
    ("first", "span", "found"),
    [
        (5, 10, {5, 14}),
        (2**32 + 5, 10, {5, 14}),
        (2**32 - 6, 12, {4_294_967_290, 3, 5}),
        (7 * 2**32 - 6, 9, {4_294_967_290}),
        (5, 0, set()),
        (2**32 + 4, 2**32 - 1, {5, 14, 15, 2_147_483_648, 4_294_967_290, 3} - {3}),
    ],
)
def test_rows_are_found_by_transaction_number_across_the_end_of_the_numbers(shop, first, span, found):
    predicate = Plan(AHEAD, None, "xmin", (first, span)).predicate("at")
    rows = shop.admin.execute(
        sql.SQL(
            "SELECT xmin::text::bigint FROM (SELECT n::text::xid AS xmin, now() AS at"
            " FROM unnest(ARRAY[5, 14, 15, 2147483648, 4294967290, 3]) n) t WHERE {}"
        ).format(predicate)
    ).fetchall()
    assert {number for (number,) in rows} == found
