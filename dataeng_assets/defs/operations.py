"""Maintenance of lake, instance and disk. When it runs stands in `automation`."""

from collections.abc import Mapping

import dagster as dg

from dataeng_assets.orchestration import maintenance as upkeep
from dataeng_assets.orchestration.failures import RETRY, named_failures
from dataeng_assets.orchestration.maintenance import Removed


@dg.op(out=dg.Out(dg.Nothing), retry_policy=RETRY)
def tend_lake(context: dg.OpExecutionContext) -> None:
    """Checkpoints, and files that no version within retention needs, table by table."""
    with named_failures():
        done = upkeep.tend_lake(context.run_id)
    lines = ["| table | files removed | bytes | checkpoint |", "| --- | --- | --- | --- |"]
    lines += [f"| {'.'.join(t.key)} | {t.removed} | {t.bytes} | {'written' if t.checkpointed else ''} |" for t in done]
    context.add_output_metadata(
        {
            "tables": len(done),
            "files_expired": sum(table.expired for table in done),
            "files_removed": sum(table.removed for table in done),
            "bytes_removed": sum(table.bytes for table in done),
            "checkpoints": sum(table.checkpointed for table in done),
            "by_table": dg.MetadataValue.md("\n".join(lines)),
        }
    )


@dg.op(ins={"after": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing), retry_policy=RETRY)
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
    description="Removes what nobody needs any more from the lake, the instance and this machine's disk.",
    tags={"dagster/max_runtime": "3600"},
    # its steps are short: processes of their own would only start slowly
    executor_def=dg.in_process_executor,
)
def maintenance() -> None:
    """One after the other; a step that fails leaves the others of the next night to do their part."""
    tend_instance(after=tend_lake())
    tend_disk()


def _numbers(removed: Mapping[str, Removed]) -> dict[str, int]:
    counts = {f"{name}_removed": what.count for name, what in removed.items()}
    return {**counts, **{f"{name}_bytes": what.bytes for name, what in removed.items()}}
