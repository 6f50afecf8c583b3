"""Maintenance of lake, instance and disk. When it runs stands in `automation`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from dataeng_assets.components.kafka_topic import find_topics
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration import maintenance as upkeep
from dataeng_assets.orchestration.failures import RETRY, named_failures
from dataeng_assets.orchestration.lake_io import column_schema
from dataeng_assets.orchestration.lake_upkeep import (
    FILES_KEY,
    FILES_SCHEMA,
    Tended,
    figures,
    note_files,
    orphan_budget,
    tend_lake,
)
from dataeng_assets.orchestration.maintenance import Removed

LAKE_FILES = dg.AssetKey(FILES_KEY)
WITHIN_BUDGET, MERGED = "orphans_within_budget", "closed_days_are_merged"


@dg.asset(
    key=LAKE_FILES,
    description="How each table of the lake lies on the disk: a row for each table and night, after its upkeep.",
    group_name="operations",
    owners=["team:data"],
    kinds={"deltalake"},
    tags={"layer": "operations"},
    metadata={"dagster/column_schema": column_schema(FILES_SCHEMA)},
    check_specs=[
        dg.AssetCheckSpec(
            WITHIN_BUDGET,
            asset=LAKE_FILES,
            description="Files in no version take at most 256 MB, or a tenth of the lake.",
        ),
        dg.AssetCheckSpec(
            MERGED, asset=LAKE_FILES, description="No closed day of a stream is left in many small files."
        ),
    ],
    retry_policy=RETRY,
)
def lake_files(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """Small files of closed days merged, checkpoints, files that no version within retention needs removed."""
    lake, run_id = Lake.current(), context.run.run_id
    with named_failures():
        streams = [component.stream(contract) for component, contract in find_topics()]
        done = tend_lake(lake, streams, run_id)
        version = note_files(lake, done, run_id)
    yield dg.MaterializeResult(asset_key=LAKE_FILES, metadata=_told(done, version))
    orphans, budget = sum(one.files.orphan_bytes for one in done), orphan_budget(done)
    yield dg.AssetCheckResult(
        check_name=WITHIN_BUDGET,
        passed=orphans <= budget,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"orphan_bytes": orphans, "budget_bytes": budget, "orphans": sum(one.files.orphans for one in done)},
    )
    unmerged = {".".join(one.key): one.unmerged for one in done if one.unmerged}
    yield dg.AssetCheckResult(
        check_name=MERGED, passed=not unmerged, severity=dg.AssetCheckSeverity.WARN, metadata={"unmerged": unmerged}
    )


lake_upkeep = dg.define_asset_job(
    "lake_upkeep",
    selection=dg.AssetSelection.assets(LAKE_FILES),
    description="Merges small files of closed days, writes checkpoints, and removes files that nobody needs any more.",
    executor_def=dg.in_process_executor,
    tags={"dagster/max_runtime": "14400"},
)


@dg.op(out=dg.Out(dg.Nothing), retry_policy=RETRY)
def tend_instance(context: dg.OpExecutionContext) -> None:
    """Runs that no asset's newest state rests on, and ticks; what the last month needs is kept."""
    context.add_output_metadata(
        _numbers({"runs": upkeep.remove_runs(context.instance), "ticks": upkeep.purge_ticks(context.instance)})
    )


@dg.op(ins={"after": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing), retry_policy=RETRY)
def tend_disk(context: dg.OpExecutionContext) -> None:
    """What dbt commands, killed extracts and readers of the warehouse have left on this machine."""
    context.add_output_metadata(
        _numbers(
            {
                "dbt_targets": upkeep.remove_dbt_targets(context.instance),
                "staged": upkeep.remove_staged(),
                "readable_copy": upkeep.remove_readable_copy(),
            }
        )
    )


@dg.job(
    description="Removes what nobody needs any more from the instance and this machine's disk.",
    tags={"dagster/max_runtime": "3600"},
    # its steps are short: processes of their own would only start slowly
    executor_def=dg.in_process_executor,
)
def maintenance() -> None:
    """One after the other; a step that fails leaves the others of the next night to do their part."""
    tend_disk(after=tend_instance())


def _numbers(removed: Mapping[str, Removed]) -> dict[str, int]:
    counts = {f"{name}_removed": what.count for name, what in removed.items()}
    return {**counts, **{f"{name}_bytes": what.bytes for name, what in removed.items()}}


def _told(done: Sequence[Tended], version: int) -> dict[str, Any]:
    """Sums for the graphs of the UI, and a line for each table."""
    by_table = {".".join(one.key): figures(one) for one in done}
    names = ("files", "small", "bytes", "merged", "removed", "removed_bytes", "orphans", "orphan_bytes", "checkpointed")
    shown = ("files", "small", "median_bytes", "orphans", "merged", "removed", "checkpointed")
    lines = [f"| table | {' | '.join(shown)} |", f"|{' --- |' * (len(shown) + 1)}"]
    lines += [f"| {table} | {' | '.join(str(one[name]) for name in shown)} |" for table, one in by_table.items()]
    return {
        "dagster/row_count": len(done),
        "table_version": version,
        "tables": len(done),
        **{name: sum(int(one[name]) for one in by_table.values()) for name in names},
        "by_table": dg.MetadataValue.md("\n".join(lines)),
    }
