"""How appended rows are encoded changes what they cost, and nothing else."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake

KEY = ("bronze", "shop", "visits")
COUNT = 20_000
START = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = pa.table(
    {
        "id": [f"visit-{n * 7919 % COUNT}" for n in range(COUNT)],
        "at": pa.array([START + timedelta(seconds=n) for n in range(COUNT)], pa.timestamp("us", tz="UTC")),
        "a.price": pa.array([Decimal(n) / 100 for n in range(COUNT)], pa.decimal128(12, 2)),
        "country": [("DE", "FR", "IT")[n % 3] for n in range(COUNT)],
        "is_new": [n % 2 == 0 for n in range(COUNT)],
        "referrer": pa.nulls(COUNT, pa.string()),
        "codes": [[str(n)] for n in range(COUNT)],
    }
)
DIFFERENT, REPEATING = {"id", "at", "a.price"}, {"country", "referrer"}


@pytest.fixture
def lake(tmp_path):
    lake = Lake(str(tmp_path))
    lake.create(KEY, ROWS.schema)
    return lake


def written(lake: Lake) -> pq.FileMetaData:
    (uri,) = lake.open(KEY).file_uris()
    return pq.read_metadata(Path(uri))


def with_dictionary(file: pq.FileMetaData) -> set[str]:
    columns = [file.row_group(0).column(n) for n in range(file.num_columns)]
    return {column.path_in_schema for column in columns if column.has_dictionary_page}


def test_only_columns_that_repeat_get_a_dictionary_and_the_rows_come_back(lake):
    append(lake.open(KEY), ROWS, transactions={})
    assert lake.open(KEY).to_pyarrow_table().equals(ROWS)
    assert with_dictionary(written(lake)) & (DIFFERENT | REPEATING) == REPEATING


def test_every_column_keeps_the_statistics_that_readers_skip_files_by(lake):
    append(lake.open(KEY), ROWS, transactions={})
    (added,) = pa.table(lake.open(KEY).get_add_actions(flatten=True)).to_pylist()
    assert (added["num_records"], added["min.at"], added["max.at"]) == (COUNT, START, ROWS["at"][-1].as_py())
    assert (added["min.country"], added["max.country"], added["null_count.referrer"]) == ("DE", "IT", COUNT)


def test_the_layout_that_arrow_gives_a_type_does_not_matter(lake):
    viewed = pl.DataFrame(ROWS.select(["id", "country"])).to_arrow(compat_level=pl.CompatLevel.newest())
    rows = ROWS.set_column(0, "id", viewed["id"]).set_column(3, "country", viewed["country"])
    assert pa.types.is_string_view(rows.schema.field("id").type)
    append(lake.open(KEY), rows, transactions={})
    assert lake.open(KEY).to_pyarrow_table().equals(ROWS)
    assert with_dictionary(written(lake)) & (DIFFERENT | REPEATING) == REPEATING


def test_rows_that_come_one_batch_after_another_are_written_too(lake):
    append(lake.open(KEY), ROWS.to_reader(1_000), transactions={})
    assert lake.open(KEY).to_pyarrow_table().sort_by("at").equals(ROWS)
