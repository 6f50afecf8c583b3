"""A quality report with trends, for its picture: `python days.py FOLDER`, on a platform as `make demo` leaves it.

The demo is judged once, on the day it runs. Here tables of it are delivered again to a lake of their own, a day at a
time, and each delivery is judged and measured by the engine as of the day after. Some are spoilt, as it happens:
amounts come with the wrong sign and are mended the day after, and of the last day half is missing. What the demo itself
found of all other tables is shown beside it.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import write_deltalake

from dataeng_assets.definitions import defs
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.catalogue import catalogue
from dataeng_assets.quality.anomalies import history
from dataeng_assets.quality.anomalies.tables import measure_table
from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.report.gather import stories
from dataeng_assets.quality.report.site import pages, write
from dataeng_assets.quality.results_store import KEY, SCHEMA, record
from dataeng_assets.quality.validate import validate_table

DAYS = 15


@dataclass(frozen=True)
class Delivered:
    """A table that comes by day.

    Attributes:
        by: its column with the day or the moment of a row.
        spoilt: a number that comes with the wrong sign, and how many days ago.
        halved: whether half of the last day is missing.
    """

    name: str
    by: str
    spoilt: tuple[str, tuple[int, ...]] | None = None
    halved: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """Of the table in the lake."""
        return tuple(self.name.split("."))


TABLES = (
    Delivered("bronze.shop.customers", "created_at"),
    Delivered("bronze.shop.orders", "ordered_at", spoilt=("total_amount", (6, 0))),
    Delivered("bronze.shop.payments", "created_at", halved=True),
    Delivered("bronze.shop.shipments", "shipped_at"),
)


def site(folder: Path) -> Path:
    """Deliver, judge and write the pages; the first of them."""
    demo, now = Lake.current(), datetime.now(UTC)
    with TemporaryDirectory() as own:
        os.environ["DATAENG_LAKE"] = own
        lake = Lake.current()
        _keep_what_the_demo_found(demo, lake)
        for table in TABLES:
            for at, rows in _deliveries(table, demo, now):
                _judge(lake, table, rows, at)
        platform = catalogue(defs())
        return write(folder, pages(stories(lake, platform, now=now), platform, made_at=now))


def _keep_what_the_demo_found(demo: Lake, lake: Lake) -> None:
    found = demo.open(KEY).to_pyarrow_dataset().to_table()
    others = found.filter(pc.invert(pc.is_in(found["table_key"], pa.array([table.name for table in TABLES]))))
    lake.create(KEY, SCHEMA)
    write_deltalake(lake.at(KEY), others, mode="append")


def _deliveries(table: Delivered, demo: Lake, now: datetime) -> Iterator[tuple[datetime, pa.Table]]:
    """The moment of each delivery, and all rows that are there by then."""
    rows = demo.open(table.key).to_pyarrow_dataset().to_table()
    days = pc.cast(rows[table.by], pa.date32())
    for ago in range(DAYS - 1, -1, -1):
        day = now.date() - timedelta(days=ago)
        there = rows.filter(pc.less(days, pa.scalar(day)))
        if table.spoilt and ago in table.spoilt[1]:
            there = _with_wrong_signs(there, table.spoilt[0])
        if table.halved and not ago:
            there = there.slice(0, there.num_rows - _on(there, table.by, day - timedelta(days=1)) // 2)
        yield now - timedelta(days=ago), there


def _with_wrong_signs(rows: pa.Table, column: str, most: int = 14) -> pa.Table:
    values = rows[column]
    first = pc.less(pa.array(range(rows.num_rows)), most)
    turned = pc.if_else(first, pc.negate(values), values).cast(values.type)
    return rows.set_column(rows.schema.get_field_index(column), rows.schema.field(column), turned)


def _on(rows: pa.Table, by: str, day: date) -> int:
    return int(pc.sum(pc.equal(pc.cast(rows[by], pa.date32()), pa.scalar(day))).as_py() or 0)


def _judge(lake: Lake, table: Delivered, rows: pa.Table, at: datetime) -> None:
    write_deltalake(lake.at(table.key), rows, mode="overwrite")
    with connect() as connection:
        result = validate_table(connection, table.name, now=at)
    run = f"{at:%Y-%m-%d}"
    record(lake, {table.name: result}, run_id=run)
    found = measure_table(lake.open(table.key), (), fresh_by=table.by, now=at)
    history.record(lake, history.Taken(table.name, found, at), run_id=run)
    print(f"{run} {table.name}: {result.overall}, {result.rows:,} rows", flush=True)


if __name__ == "__main__":
    print(site(Path(sys.argv[1])))
