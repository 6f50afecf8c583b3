"""Sessions: what one is, and that days built by themselves and in any order hold what one build holds."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count, groupby
from pathlib import Path
from random import Random
from typing import Any

import pytest
from compiled import Compiled, compile_daily
from dbt.contracts.graph.manifest import Manifest
from dbt_runs import Warehouse, days, messages
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_shop import Bronze, at, customer

START = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = [START.date() + timedelta(days=day) for day in range(-1, 6)]
SILENCE = timedelta(minutes=30)
LONGEST = timedelta(hours=24)
TYPES = ("page_view", "click", "add_to_cart", "purchase")
MAIN, LATE, CUSTOMERS = "bronze.events.user_events", "bronze.events.user_events_late", "bronze.shop.customers"
SESSIONS = "select session_day::varchar, customer_id, events, seconds from marts.fct_user_sessions order by started_at"

pytestmark = pytest.mark.warehouse


OFFSETS = count(1)


def event(event_id: str, timestamp: str, **changes: Any) -> dict[str, Any]:
    """One delivery, at the next offset."""
    return {"event_id": event_id, "_kafka_offset": next(OFFSETS), "timestamp": at(timestamp), **changes}


@pytest.fixture
def clicks(bronze: Bronze) -> Bronze:
    """A visit over midnight, and one that ends within its day."""
    bronze.everything()
    bronze.events(
        [
            event("b", "2026-01-10T23:50:00", event_type="page_view"),
            event("c", "2026-01-11T00:10:00", event_type="add_to_cart"),
            event("d", "2026-01-11T00:39:59.999999", event_type="purchase"),
            event("e", "2026-01-11T01:09:59.999999"),
            event("f", "2026-01-11T12:00:00", user_id=None),
        ]
    )
    return bronze


def run(warehouse: Warehouse, first: str = "", last: str = "") -> None:
    warehouse.run(first, last, select="+agg_conversion_funnel")


def test_a_session_is_on_the_day_it_started_and_ends_with_half_an_hour_of_silence(
    clicks: Bronze, warehouse: Warehouse
) -> None:
    run(warehouse)
    assert warehouse.query(SESSIONS) == [
        ("2026-01-05", 1, 1, 0),
        ("2026-01-10", 1, 3, 2999),
        ("2026-01-11", 1, 1, 0),  # exactly 30 minutes after the one before
    ]


def test_a_late_event_joins_two_sessions_when_their_days_are_built_again(clicks: Bronze, warehouse: Warehouse) -> None:
    run(warehouse)
    clicks.events([event("late", "2026-01-11T01:00:00")], "user_events_late")
    run(warehouse, "2026-01-10", "2026-01-11")
    assert warehouse.query(SESSIONS)[1:] == [("2026-01-10", 1, 5, 4799)]
    assert warehouse.query("select max(late_events) from marts.fct_user_sessions") == [(1,)]


def test_an_event_that_came_in_time_and_late_counts_once(clicks: Bronze, warehouse: Warehouse) -> None:
    clicks.events([event("b", "2026-01-10T23:50:00"), event("x", "2026-01-10T23:51:00")], "user_events_late")
    run(warehouse)
    found = (
        "select events, page_views, clicks, late_events from marts.fct_user_sessions where session_day = '2026-01-10'"
    )
    assert warehouse.query(found) == [(4, 1, 1, 1)]


def test_a_session_has_the_version_of_the_customer_at_its_start(clicks: Bronze, warehouse: Warehouse) -> None:
    clicks.shop("customers", [customer(1, "2026-01-11T00:00:00", city="Ulm")])
    clicks.events([event("z", "2026-01-11T09:00:00", user_id=404)])
    run(warehouse)
    cities = """
        select versions.city
        from marts.fct_user_sessions inner join marts.dim_customers as versions using (customer_key)
        order by started_at
    """
    assert warehouse.query(cities) == [("Bonn",), ("Bonn",), ("Ulm",), ("unknown",)]


def test_a_session_without_a_pause_is_cut_after_24_hours_and_that_is_told(clicks: Bronze, warehouse: Warehouse) -> None:
    never_tired = (START + timedelta(days=10, minutes=20 * n) for n in range(80))
    clicks.events([event(f"n{n}", moment.isoformat()[:19], user_id=7) for n, moment in enumerate(never_tired)])
    result = warehouse.dbt("build", "--select", "+fct_user_sessions", *days("2026-01-01", "2026-01-20"))
    assert result.success, messages(result)
    assert "fct_user_sessions_may_be_cut_after_24_hours: Got 1 result" in messages(result)
    assert ("2026-01-15", 7, 72, 85200) in warehouse.query(SESSIONS)
    assert len(warehouse.query("from marts.fct_user_sessions where customer_id = 7")) == 1


def test_the_funnel_says_how_far_sessions_came(clicks: Bronze, warehouse: Warehouse) -> None:
    clicks.events([event(f"u{user}", "2026-01-10T08:00:00", user_id=user, event_type="page_view") for user in (2, 3)])
    run(warehouse)
    funnel = warehouse.query("select * exclude (session_day) from marts.agg_conversion_funnel order by session_day")
    assert [tuple(map(str, row)) for row in funnel] == [
        ("1", "0", "0", "0", "0.000000", "0.000000", "0.000000"),
        ("3", "3", "1", "1", "1.000000", "0.333333", "0.333333"),
        ("1", "0", "0", "0", "0.000000", "0.000000", "0.000000"),
    ]


def test_a_day_is_built_from_the_files_of_its_neighbours_alone(clicks: Bronze, warehouse: Warehouse) -> None:
    run(warehouse)
    for folder in Path(clicks.lake.at(("bronze", "events", "user_events"))).glob("event_date=2026-01-05"):
        for file in folder.iterdir():
            content = file.read_bytes()
            file.write_bytes(content[:4] + bytes(100) + content[104:])  # its columns can no longer be read
    run(warehouse, "2026-01-10", "2026-01-10")
    assert warehouse.query(SESSIONS)[1] == ("2026-01-10", 1, 3, 2999)
    assert not warehouse.dbt("run", "--select", "fct_user_sessions", *days("2026-01-05", "2026-01-05")).success


@dataclass(frozen=True)
class Delivery:
    """One record of the topic: when, in minutes after START, and whether it came late."""

    minute: float
    name: int
    user: int | None
    kind: str
    is_late: bool

    @property
    def moment(self) -> datetime:
        return START + timedelta(minutes=self.minute)


def expected(deliveries: Sequence[Delivery]) -> list[tuple[Any, ...]]:
    """Sessions worked out event by event; what does not come from the events is left out."""
    first: dict[tuple[date, int], Delivery] = {}
    for delivery in deliveries:
        first.setdefault((delivery.moment.date(), delivery.name), delivery)
    signed_in = sorted((d for d in first.values() if d.user), key=lambda d: (d.user, d.moment))
    found = []
    for user, group in groupby(signed_in, key=lambda d: d.user):
        sessions: list[list[Delivery]] = []
        before: datetime | None = None
        for delivery in group:
            if before is None or delivery.moment - before >= SILENCE:
                sessions.append([])
            before = delivery.moment
            if not sessions[-1] or delivery.moment < sessions[-1][0].moment + LONGEST:
                sessions[-1].append(delivery)
        for session in sessions:
            start, end = session[0].moment, session[-1].moment
            kinds = Counter(d.kind for d in session)
            late = sum(d.is_late for d in session)
            seconds = (end - start) // timedelta(seconds=1)
            found.append((start.date(), user, start, end, seconds, len(session), *(kinds[k] for k in TYPES), late))
    return sorted(found)


@pytest.fixture(scope="session")
def model(parsed: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compiled]:
    with compile_daily(parsed, tmp_path_factory.mktemp("sessions"), "fct_user_sessions", DAYS) as compiled:
        yield compiled


# a walk through the pages: when it starts, how long between two events, and how many there are
WALK = st.tuples(
    st.integers(0, 4 * 24 * 2).map(lambda half_hour: 30 * half_hour),
    st.sampled_from([0.0, 7.0, 29.0, 30.0 - 1e-7, 30.0, 45.0, 600.0]),
    st.sampled_from([1, 2, 3, 5, 60]),
    st.sampled_from([1, 1, 2, None]),
)
NAMES = st.integers(0, 40)


@st.composite
def batches(draw: st.DrawFn) -> list[list[Delivery]]:
    """Deliveries in the order of their offsets, in the batches that bronze gets them in."""
    random = Random(draw(st.integers(0, 10_000)))
    shared = draw(st.booleans())  # few names: many events are sent again, or mean something else the second time
    made = []
    for start, step, many, user in draw(st.lists(WALK, min_size=1, max_size=5)):
        for n in range(many):
            minute = start + n * step
            if minute < 4 * 24 * 60:
                name = random.randrange(40) if shared else len(made)
                made.append(Delivery(minute, name, user, random.choice(TYPES), random.random() < 0.2))
    made += [d for d in made if random.random() < 0.1]
    random.shuffle(made)
    size = draw(st.integers(1, max(1, len(made))))
    return [made[n : n + size] for n in range(0, len(made), size)][:4]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arriving=batches(), seed=st.integers(0, 1000))
def test_building_the_days_touched_equals_a_rebuild_and_the_sessions_worked_out_by_hand(
    model: Compiled, arriving: list[list[Delivery]], seed: int
) -> None:
    model.begin()
    seen: list[Delivery] = []
    for batch in arriving:
        touched = _append(model, batch, len(seen))
        seen += batch
        order = [day for day in DAYS if day in touched]
        Random(seed).shuffle(order)
        incremental = model.replace(order, "session_day")
        assert incremental == model.rebuild()
        assert sorted((row[1], *row[3:]) for row in incremental) == expected(seen)


def test_each_event_of_a_session_of_24_hours_touches_the_day_on_which_it_started(model: Compiled) -> None:
    session = [Delivery(23 * 60 + 45 + n * 29.75, n, 1, "click", is_late=n % 2 == 0) for n in range(50)]
    for missing in (*session[::9], *session[-3:]):
        model.begin()
        _append(model, [delivery for delivery in session if delivery != missing], 0)
        model.replace(DAYS, "session_day")
        touched = _append(model, [missing], len(session))
        assert model.replace([day for day in DAYS if day in touched], "session_day") == model.rebuild()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    arriving=batches(),
    changes=st.lists(
        st.tuples(st.integers(1, 2), st.integers(0, 5), st.sampled_from(["Bonn", "Ulm"]), st.booleans()), min_size=1,
        max_size=4,
    ),
)  # fmt: skip
def test_a_change_of_a_customer_touches_every_day_whose_sessions_find_another_version(
    model: Compiled, arriving: list[list[Delivery]], changes: list[tuple[int, int, str, bool]]
) -> None:
    model.begin()
    seen = 0
    for batch in arriving:
        touched = _append(model, batch, seen)
        seen += len(batch)
        model.replace([day for day in DAYS if day in touched], "session_day")
    for number, (key, day, city, is_deleted) in enumerate(changes):
        touched = model.append(CUSTOMERS, [_customer_version(number, key, day, city, is_deleted=is_deleted)])
        model.build_above()
        assert model.replace([day for day in DAYS if day in touched], "session_day") == model.rebuild()


def _append(model: Compiled, batch: Sequence[Delivery], offset: int) -> set[date]:
    touched: set[date] = set()
    for table in (MAIN, LATE):
        rows = [
            {
                "event_id": f"event {delivery.name}",
                "user_id": delivery.user,
                "event_type": delivery.kind,
                "timestamp": delivery.moment,
                "event_date": delivery.moment.date(),
                "_kafka_partition": 0,
                "_kafka_offset": offset + n,
            }
            for n, delivery in enumerate(batch)
            if delivery.is_late == (table == LATE)
        ]
        touched |= model.append(table, rows)
    return touched


def _customer_version(number: int, key: int, day: int, city: str, *, is_deleted: bool) -> dict[str, Any]:
    changed = START + timedelta(days=day)
    row = {"customer_id": key} if is_deleted else {**customer(key, "2026-01-01", city=city), "updated_at": changed}
    extracted = START + timedelta(days=2 * number)
    return {**row, "_op": "delete" if is_deleted else "upsert", "_row_hash": number, "_extracted_at": extracted}
