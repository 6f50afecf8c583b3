"""Whatever arrives when, events or versions: each event stands with the version that was valid at its time."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bronze_kit import EPOCH, MINUTE, SECOND, Committed, Event, stream_of
from enrich_kit import KEY, Extracted, Row, valid
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.derived import enrich as enriching
from dataeng_assets.streams.derived import pieces
from dataeng_assets.streams.derived.enrich import Enriched
from dataeng_assets.streams.derived.tables import TableReport, publish
from dataeng_assets.streams.derived.whole import DerivedRefused

LONG_AGO = -(10**15)


def enriched(of: Extracted, first_from: int | None = None) -> Enriched:
    columns = (("customer_tier", "tier"), ("score", "score"))
    return Enriched("with_customer", of.dimension, (("who", "customer_id"),), columns, first_from)


def reference(
    definition: Enriched, events: Committed, versions: Extracted, closed: int
) -> list[tuple[int, int, str | None, int | None, int | None]]:
    return sorted(
        (
            event.partition,
            event.offset,
            *valid(versions.rows, event.who, event.moment, versions.clock, definition.first_from),
        )
        for event in events.main
        if event.moment < closed
    )


def published(of: Committed, definition: Enriched) -> list[tuple[Any, ...]]:
    stored = of.stream.lake.open(of.stream.window_table(definition.name)).to_pyarrow_dataset().to_table()
    names = ["_kafka_partition", "_kafka_offset", "customer_tier", "score", "customers_valid_from"]
    rows = [tuple(row[name] for name in names) for row in stored.select(names).to_pylist()]
    return sorted((*row[:4], None if row[4] is None else (row[4] - EPOCH) // EPOCH.resolution) for row in rows)


def told(report: TableReport) -> int:
    return -(1 << 62) if report.published_to is None else (report.published_to - EPOCH) // EPOCH.resolution


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[list[Event], list[Row], tuple[int, ...]]]:
    """What comes between two publications: events, row versions, and which partitions have unread records."""
    now, batches = draw(st.sampled_from([0, -30, 10_000])) * MINUTE, []
    whos = st.sampled_from(["a", "a", "b", None])
    for _ in range(draw(st.integers(1, 4))):
        events, rows = [], []
        for _ in range(draw(st.integers(0, 7))):
            now += draw(st.sampled_from([0, 0, 1, 60, 120, 400])) * SECOND
            moment = now - draw(st.sampled_from([0, 0, 0, 1, 60 * SECOND, 2 * MINUTE, 10 * MINUTE]))
            if draw(st.booleans()):
                events.append(Event(draw(st.integers(0, 2)), moment, draw(whos)))
                continue
            op, updated = draw(st.sampled_from(["upsert", "upsert", "upsert", "delete", "return"])), moment
            updated = draw(st.sampled_from([moment, moment - 5 * MINUTE, None, now + MINUTE]))
            values = draw(st.sampled_from([("gold", 1), ("gold", 1), ("none", None), (None, 2)]))
            rows.append(Row(draw(whos) or "b", op, updated, now + len(rows), *values))
        batches.append((events, rows, draw(st.sampled_from([(), (), (0,), (1, 2)]))))
    return batches


@given(data=st.data())
@settings(max_examples=15)
def test_versions_are_those_of_the_events_time_whatever_came_when(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    of = Committed(stream_of("clicks", lake), allowed=data.draw(st.sampled_from([0, 8 * MINUTE])))
    versions = Extracted(lake, data.draw(st.sampled_from(["updated_at", "updated_at", None])))
    definition = enriched(versions, data.draw(st.sampled_from([None, LONG_AGO])))
    for events, rows, behind in data.draw(histories()):
        of.drain(events)
        if rows:
            versions.extract(rows)
        report = publish(of.stream, definition, of.topic(behind), "run")
        assert published(of, definition) == reference(definition, of, versions, told(report))
    report = publish(of.stream, definition, of.topic(), "run")
    assert published(of, definition) == reference(definition, of, versions, told(report))
    shutil.rmtree(Path(lake.at(report.key)))
    again = publish(of.stream, definition, of.topic(), "rebuild")
    assert published(of, definition) == reference(definition, of, versions, told(again))
    assert again.published_to == report.published_to


@pytest.fixture
def clicks(tmp_path: Path) -> Committed:
    return Committed(stream_of("clicks", Lake(str(tmp_path / "lake"))))


@pytest.fixture
def customers(clicks: Committed) -> Extracted:
    return Extracted(clicks.stream.lake)


def enrich(of: Committed, versions: Extracted, first_from: int | None = None) -> tuple[TableReport, list[Any]]:
    """What a publication did, and tier and beginning by event."""
    report = publish(of.stream, enriched(versions, first_from), of.topic(), "run")
    return report, [(row[2], row[4]) for row in published(of, enriched(versions)) if row[0] != 9]


def at(*minutes: int) -> list[Event]:
    """Events of `a` at some minutes, and one of another partition long after them, which closes them."""
    return [*(Event(0, minute * MINUTE) for minute in minutes), Event(9, 600 * MINUTE, "z")]


def test_a_version_is_valid_from_its_first_to_before_the_next_ones_microsecond(
    clicks: Committed, customers: Extracted
) -> None:
    rows = [Row("a", "upsert", moment * MINUTE, moment * MINUTE, tier) for moment, tier in ((2, "new"), (4, "gold"))]
    customers.extract(rows)
    clicks.drain(
        [Event(0, 2 * MINUTE - 1), Event(0, 2 * MINUTE), Event(0, 4 * MINUTE - 1), Event(0, 4 * MINUTE), *at()]
    )
    new, gold = ("new", 2 * MINUTE), ("gold", 4 * MINUTE)
    assert enrich(clicks, customers)[1] == [(None, None), new, new, gold]


def test_events_appear_before_anything_was_extracted_and_are_corrected(clicks: Committed, customers: Extracted) -> None:
    clicks.drain(at(1, 5, 9))
    assert enrich(clicks, customers)[1] == [(None, None)] * 3
    customers.extract([Row("a", "upsert", 4 * MINUTE, 700 * MINUTE, "gold")])
    report, rows = enrich(clicks, customers)
    assert rows == [(None, None), ("gold", 4 * MINUTE), ("gold", 4 * MINUTE)]
    assert report.covered == {"main": clicks.commits, "versions": 1}


def test_a_late_version_touches_the_events_of_its_key_and_time_only(clicks: Committed, customers: Extracted) -> None:
    customers.extract([Row("a", "upsert", 0, 0, "new"), Row("a", "upsert", 300 * MINUTE, 300 * MINUTE, "gold")])
    clicks.drain([Event(1, 150 * MINUTE, "b"), Event(1, 299 * MINUTE, "b"), *at(1, 200, 301, 400)])
    enrich(clicks, customers)
    customers.extract([Row("a", "upsert", 100 * MINUTE, 500 * MINUTE, "silver")])
    report, _ = enrich(clicks, customers)
    assert [lo // MINUTE for lo, _ in report.replaced] == [200]
    assert report.rows == 1
    nothing, _ = enrich(clicks, customers)
    assert nothing.replaced == ()
    assert nothing.version == report.version


def test_a_deleted_row_is_nobodys_until_it_returns(clicks: Committed, customers: Extracted) -> None:
    customers.extract([Row("a", "upsert", 0, 0, "new"), Row("a", "delete", None, 5 * MINUTE)])
    customers.extract([Row("a", "return", 0, 8 * MINUTE, "back")])
    clicks.drain(at(4, 5, 7, 8))
    assert enrich(clicks, customers)[1] == [("new", 0), (None, None), (None, None), ("back", 8 * MINUTE)]


def test_events_before_the_first_version_find_it_where_that_is_declared(
    clicks: Committed, customers: Extracted
) -> None:
    customers.extract([Row("a", "upsert", 5 * MINUTE, 5 * MINUTE, "new")])
    clicks.drain(at(1, 6))
    assert enrich(clicks, customers, first_from=LONG_AGO)[1] == [("new", LONG_AGO), ("new", LONG_AGO)]


def test_a_table_that_is_made_in_many_pieces_is_the_same(
    clicks: Committed, customers: Extracted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "ROWS_AT_ONCE", 3)
    customers.extract([Row("a", "upsert", 90 * number * MINUTE, 0, str(number)) for number in range(6)])
    clicks.drain(at(*range(0, 500, 17)))
    report, rows = enrich(clicks, customers)
    assert len(report.replaced) > 3
    assert [tier for tier, _ in rows] == [str(minute // 90) for minute in range(0, 500, 17)]


def test_events_of_many_small_files_are_joined_together_and_each_keeps_its_own_version(
    clicks: Committed, customers: Extracted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enriching, "_JOINED", 5)
    customers.extract([Row("a", "upsert", 60 * number * MINUTE, 0, str(number)) for number in range(6)])
    minutes = range(0, 350, 17)
    for first in range(0, len(minutes), 2):
        clicks.drain(at(*minutes[first : first + 2]))
    _, rows = enrich(clicks, customers)
    assert [tier for tier, _ in rows] == [str(minute // 60) for minute in minutes]


def test_rows_keep_every_column_of_the_event(clicks: Committed, customers: Extracted) -> None:
    clicks.drain([Event(0, 0, "a", 2**62, -0.0), Event(1, 5, "b", None, None), *at()])
    report, _ = enrich(clicks, customers)
    lake = clicks.stream.lake
    main = lake.open(clicks.stream.main).to_pyarrow_dataset().to_table()
    stored = lake.open(report.key).to_pyarrow_dataset().to_table().select(main.column_names)
    assert stored.sort_by("event_id").to_pylist() == main.sort_by("event_id").to_pylist()[:2]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"on": (("whom", "customer_id"),)}, "no column 'whom'; did you mean 'who'"),
        ({"on": (("n", "customer_id"),)}, "n is bigint, and customer_id is string"),
        ({"on": (("who", "tier"),)}, "a row of it is told by customer_id"),
        ({"columns": (("tier", "tir"),)}, "no column 'tir'; did you mean 'tier'"),
        ({"columns": (("who", "tier"),)}, "the name who is taken"),
        ({"columns": ()}, "no column of customers is asked for"),
    ],
)
def test_what_cannot_be_joined_is_refused_by_name(
    clicks: Committed, customers: Extracted, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(DerivedRefused, match=says):
        replace(enriched(customers), **wrong).check(clicks.stream)


def test_events_forget_row_versions_that_were_removed(clicks: Committed, customers: Extracted) -> None:
    customers.extract([Row("a", "upsert", 0, 0, "new")])
    customers.extract([Row("a", "upsert", 3 * MINUTE, 3 * MINUTE, "gold")])
    clicks.drain(at(1, 5))
    assert enrich(clicks, customers)[1] == [("new", 0), ("gold", 3 * MINUTE)]
    customers.lake.open(KEY).restore(1)
    assert enrich(clicks, customers)[1] == [("new", 0), ("new", 0)]
