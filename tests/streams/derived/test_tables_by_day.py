"""Days of deduplicated and enriched tables are computed anew for a person, and nothing else changes by it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.compute as pc
import pytest
from bronze_kit import EPOCH, MINUTE, Committed, Event, stream_of
from enrich_kit import Extracted, Row

from dataeng_assets.components.derived_results import table_results
from dataeng_assets.components.derived_tables import table_assets
from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.replace import replace_range
from dataeng_assets.orchestration.partitions import range_tags
from dataeng_assets.streams.derived import pieces
from dataeng_assets.streams.derived import publish as publish_module
from dataeng_assets.streams.derived.deduplicate import Deduplicated
from dataeng_assets.streams.derived.enrich import Enriched
from dataeng_assets.streams.derived.spans import DAY
from dataeng_assets.streams.derived.tables import Definition, TableReport, publish, publish_table_again

BASE = 20_000 * DAY
FIRST = EPOCH.date() + timedelta(days=20_000)
HORIZON = 2 * 60 * MINUTE


@dataclass
class Shop:
    """Four days of events, most of them repeats, and a version of their customer for each of the days."""

    clicks: Committed
    customers: Extracted

    def fill(self) -> None:
        moments = range(BASE, BASE + 4 * DAY, 40 * MINUTE)
        pauses = [at for number, at in enumerate(moments) if number % 12 < 9]
        closing = [Event(partition, BASE + 7 * DAY, "z") for partition in range(2)]
        self.clicks.drain([*(Event(number % 2, at) for number, at in enumerate(pauses)), *closing])
        since = [BASE + day * DAY for day in range(4)]
        self.customers.extract([Row("a", "upsert", at, at, f"tier {number}") for number, at in enumerate(since)])

    def definition(self, of: str) -> Definition:
        if of == "deduplicated":
            return Deduplicated(("who",), HORIZON)
        return Enriched(of, self.customers.dimension, (("who", "customer_id"),), (("tier", "tier"),))

    def publish(self, of: str) -> TableReport:
        return publish(self.clicks.stream, self.definition(of), self.clicks.topic(), "run")

    def again(self, of: str, first: int, last: int) -> list[TableReport]:
        days = FIRST + timedelta(days=first), FIRST + timedelta(days=last)
        return publish_table_again(self.clicks.stream, self.definition(of), days, run_id="again")

    def rows(self, of: str) -> list[dict[str, Any]]:
        """What stands in the table, in an order."""
        stored = self.clicks.stream.lake.open(self.clicks.stream.window_table(of)).to_pyarrow_dataset().to_table()
        return sorted(stored.to_pylist(), key=lambda row: (row["timestamp"], row["event_id"]))

    def of_day(self, of: str, day: int) -> list[dict[str, Any]]:
        return [row for row in self.rows(of) if row["event_date"] == FIRST + timedelta(days=day)]

    def break_by_hand(self, of: str, day: int, how: str = "changed") -> None:
        """What a person might do to the rows of a day: nothing of it carries progress of ours."""
        table, when = self.clicks.stream.lake.open(self.clicks.stream.window_table(of)), FIRST + timedelta(days=day)
        if how == "removed":
            table.delete(f"event_date = '{when}'")
        elif how == "changed":
            table.update({"n": "n + 1000"}, predicate=f"event_date = '{when}'")
        else:
            rows = table.to_pyarrow_dataset().to_table(filter=pc.field("event_date") == when)
            append(table, rows, transactions={})

    def passed(self, of: str, reports: list[TableReport]) -> bool:
        """What the check says of publications."""
        told = table_results(self.clicks.stream, reports, self.definition(of))
        [check] = [one for one in told if isinstance(one, dg.AssetCheckResult)]
        return check.passed


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    lake = Lake(str(tmp_path / "lake"))
    made = Shop(Committed(stream_of("clicks", lake), allowed=30 * DAY), Extracted(lake))
    made.fill()
    return made


BOTH = pytest.mark.parametrize("of", ["deduplicated", "with_tier"])


@BOTH
@pytest.mark.parametrize("how", ["removed", "changed", "doubled"])
def test_a_day_that_was_broken_by_hand_is_put_right_and_no_other_row_changes(shop: Shop, of: str, how: str) -> None:
    published = shop.publish(of).published_to
    right, before = shop.rows(of), shop.of_day(of, 3)
    shop.break_by_hand(of, 1, how)
    shop.break_by_hand(of, 3)
    assert shop.of_day(of, 1) != [row for row in right if row["event_date"] == FIRST + timedelta(days=1)]
    broken = shop.of_day(of, 3)
    reports = shop.again(of, 1, 1)
    assert reports[-1].published_to == published
    assert shop.passed(of, reports)
    assert shop.of_day(of, 3) == broken != before, "the day that nobody asked for stays as it is"
    shop.again(of, 3, 3)
    assert shop.rows(of) == right
    assert not shop.publish(of).replaced


@BOTH
def test_what_has_not_appeared_yet_does_not_appear_by_it(shop: Shop, of: str) -> None:
    [first] = shop.again(of, 0, 3)
    assert (first.published_to, shop.rows(of)) == (None, [])
    published = shop.publish(of).published_to
    before = shop.rows(of)
    shop.clicks.drain([Event(0, BASE + 7 * DAY + MINUTE, "y"), Event(0, BASE + 20 * DAY, "y")])
    assert {report.published_to for report in shop.again(of, 0, 20)} == {published}
    assert shop.rows(of) == before


@BOTH
def test_drains_and_publications_meanwhile_cost_another_attempt_and_each_piece_is_judged_as_it_was(
    shop: Shop, of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "ROWS_AT_ONCE", 20)
    shop.publish(of)
    for day in range(4):
        shop.break_by_hand(of, day)
    overtaken = late_events(shop, of, monkeypatch)
    reports = shop.again(of, 0, 3)
    monkeypatch.undo()
    assert next(overtaken) > 2
    assert len(reports) > 2
    assert shop.passed(of, reports)
    shop.publish(of)
    stood = shop.rows(of)
    shop.clicks.stream.lake.open(shop.clicks.stream.window_table(of)).delete()
    shop.again(of, 0, 30)
    assert shop.rows(of) == stood


def late_events(shop: Shop, of: str, patch: pytest.MonkeyPatch) -> Iterator[int]:
    """Before each second commit of a backfill a repeat comes into the first day; every other one is published, too."""
    calls = [0]

    def replace_later(*given: Any, **named: Any) -> int:
        calls[0] += 1
        if calls[0] % 2 == 0:
            shop.clicks.drain([Event(0, BASE + calls[0] * MINUTE)])
            if calls[0] % 4 == 0:
                patch.setattr(publish_module, "replace_range", replace_range)
                shop.publish(of)
                patch.setattr(publish_module, "replace_range", replace_later)
        return replace_range(*given, **named)

    patch.setattr(publish_module, "replace_range", replace_later)
    return iter(calls)


@BOTH
def test_a_run_with_days_computes_them_and_asks_no_broker(shop: Shop, of: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAENG_FIRST_DAY", FIRST.isoformat())
    shop.publish(of)
    right = shop.rows(of)
    for day in (1, 2):
        shop.break_by_hand(of, day)

    def no_broker() -> None:
        pytest.fail("days are computed anew from bronze alone")

    definitions = [shop.definition(of)]
    assets = table_assets(lambda: shop.clicks.stream, no_broker, definitions)  # type: ignore[arg-type]  # never called
    days = FIRST + timedelta(days=1), FIRST + timedelta(days=2)
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(assets, instance=instance, tags=range_tags(*days))
        filled = instance.get_materialized_partitions(dg.AssetKey(shop.clicks.stream.window_table(of)))
    assert filled == {day.isoformat() for day in days}
    assert [check.passed for check in result.get_asset_check_evaluations()] == [True]
    assert shop.rows(of) == right
