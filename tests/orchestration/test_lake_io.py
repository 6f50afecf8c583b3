"""The lake as an IO manager: partitions replace themselves only, and a schema is kept."""

from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from dataeng_assets.orchestration.lake_io import LakeIOManager
from dataeng_assets.orchestration.partitions import range_tags

DAYS = dg.DailyPartitionsDefinition("2026-01-01")
RANGE = dg.BackfillPolicy.single_run()


@dg.asset(partitions_def=DAYS, backfill_policy=RANGE, metadata={"partition_column": "day"}, config_schema={"n": int})
def numbers(context: dg.AssetExecutionContext) -> pl.DataFrame:
    window = context.partition_time_window
    days = pl.date_range(window.start.date(), window.end.date(), closed="left", eager=True)
    return pl.DataFrame({"day": days, "n": [context.op_config["n"]] * len(days)})


@dg.asset(partitions_def=DAYS, backfill_policy=RANGE, metadata={"partition_column": "day"})
def doubled(numbers: pl.LazyFrame) -> pl.LazyFrame:
    return numbers.with_columns(n=pl.col("n") * 2)


@dg.asset
def total(numbers: pl.LazyFrame) -> pl.LazyFrame:
    return numbers.select(pl.col("n").sum(), pl.len().alias("days"))


@pytest.fixture
def lake_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATAENG_LAKE", str(tmp_path / "a lake"))
    return tmp_path / "a lake"


def run(lake_folder: Path, assets: list[dg.AssetsDefinition], first: int, last: int, n: int = 1) -> None:
    dg.materialize(
        [numbers, doubled, total],
        selection=assets,
        resources={"io_manager": LakeIOManager()},
        tags=range_tags(date(2026, 1, first), date(2026, 1, last)),
        run_config={"ops": {"numbers": {"config": {"n": n}}}} if numbers in assets else {},
    )


def read(lake_folder: Path, name: str) -> list[tuple[object, ...]]:
    from dataeng_assets.lake.location import Lake

    return pl.from_arrow(Lake(str(lake_folder), {}).open((name,)).to_pyarrow_table()).sort("n", "day").rows()


def test_a_materialized_range_replaces_its_days_and_no_others(lake_folder: Path) -> None:
    run(lake_folder, [numbers], 1, 4)
    run(lake_folder, [numbers], 2, 3, n=9)
    assert read(lake_folder, "numbers") == [
        (date(2026, 1, 1), 1),
        (date(2026, 1, 4), 1),
        (date(2026, 1, 2), 9),
        (date(2026, 1, 3), 9),
    ]


def test_an_input_holds_the_days_of_the_run(lake_folder: Path) -> None:
    run(lake_folder, [numbers], 1, 4)
    run(lake_folder, [doubled], 2, 3)
    assert read(lake_folder, "doubled") == [(date(2026, 1, 2), 2), (date(2026, 1, 3), 2)]


def test_an_asset_without_partitions_reads_all_days(lake_folder: Path) -> None:
    run(lake_folder, [numbers], 1, 4)
    run(lake_folder, [total], 1, 1)
    from dataeng_assets.lake.location import Lake

    assert Lake(str(lake_folder), {}).open(("total",)).to_pyarrow_table().to_pylist() == [{"n": 4, "days": 4}]


def test_a_frame_with_another_type_is_refused_by_column(lake_folder: Path) -> None:
    @dg.asset(name="total")
    def changed() -> pl.DataFrame:
        return pl.DataFrame({"n": ["four"], "days": [4]}, schema_overrides={"days": pl.UInt32})

    run(lake_folder, [numbers, total], 1, 4)
    result = dg.materialize([changed], resources={"io_manager": LakeIOManager()}, raise_on_error=False)
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    error = failure.step_failure_data.error
    assert error
    assert error.cause
    assert "n: found int64, expected string" in error.cause.message


def test_partitions_without_their_column_named_are_refused(lake_folder: Path) -> None:
    @dg.asset(partitions_def=DAYS)
    def nameless() -> pl.DataFrame:
        return pl.DataFrame({"day": [date(2026, 1, 1)]})

    with pytest.raises(dg.Failure, match="does not name the column that holds the day"):
        dg.materialize([nameless], resources={"io_manager": LakeIOManager()}, partition_key="2026-01-01")
