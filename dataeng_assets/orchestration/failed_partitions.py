"""The inventory of failed partitions: a standing result for each partitioned asset, beside the events of its runs.

A failed run is an event that scrolls out of sight, and a failed check is followed by the passes of other days. Whether
any partition is still left failed, or held back, is a fact about the asset, so it is a check of the asset: it names
them, and passes again when they have been mended.
"""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
from dagster._core.storage.partition_status_cache import AssetPartitionStatus

from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.ledger.entries import waiting
from dataeng_assets.orchestration.outcomes import not_evaluated

NONE_FAILED = "no_partition_is_left_failed"
_NAMED = 50


def inventory(definitions: dg.Definitions) -> dg.Definitions:
    """A check for each partitioned asset of these definitions, and the job `inventory` that executes them all.

    A run that materializes an asset executes its check, too, so that a mended partition is seen at once.
    """
    made = (found for found in definitions.assets or () if isinstance(found, dg.AssetsDefinition))
    calendars = {spec.key: spec.partitions_def for assets in made for spec in assets.specs if spec.partitions_def}
    job = dg.define_asset_job(
        "inventory",
        selection=dg.AssetSelection.checks(*(dg.AssetCheckKey(key, NONE_FAILED) for key in sorted(calendars))),
        description="Looks for partitions that are left failed.",
        executor_def=dg.in_process_executor,
        tags={"dagster/max_runtime": "1800"},
    )
    return dg.Definitions(asset_checks=[_checks(calendars)] if calendars else [], jobs=[job])


def _checks(calendars: Mapping[dg.AssetKey, dg.PartitionsDefinition]) -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(
            NONE_FAILED,
            asset=key,
            description="No partition's newest attempt has failed without a success after it, and none is held back.",
        )
        for key in sorted(calendars)
    ]

    @dg.multi_asset_check(specs=specs, name=NONE_FAILED, can_subset=True)
    def look_for_failed_partitions(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        held = waiting(Lake.current()).held
        for check in sorted(context.selected_asset_check_keys):
            name = ".".join(check.asset_key.path)
            days = sorted({str(touch.day) for touch in held if touch.target == name})
            yield judge(context.instance, check.asset_key, calendars[check.asset_key], days)

    return look_for_failed_partitions


def judge(
    instance: dg.DagsterInstance, key: dg.AssetKey, calendar: dg.PartitionsDefinition, held: Sequence[str] = ()
) -> dg.AssetCheckResult:
    """Whether a partition of an asset is left failed, or is one of those held back by a failed check.

    Not evaluated while none has ever been asked for.
    """
    days = calendar.get_partition_keys()
    statuses = instance.get_status_by_partition(key, days, calendar)
    if not statuses or not any(statuses.values()):
        return not_evaluated(
            "no partition has been materialized or attempted yet", asset_key=key, check_name=NONE_FAILED
        )
    failed = [day for day, status in statuses.items() if status == AssetPartitionStatus.FAILED]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=NONE_FAILED,
        passed=not failed and not held,
        description=" ".join([*_failed(key, failed), *_held(key, held)]) or "No partition is left failed.",
        metadata={
            "held_back": ", ".join(held[:_NAMED]) or "none",
            "failed": len(failed),
            "failed_partitions": ", ".join(failed[:_NAMED]) or "none",
            "materialized": sum(status == AssetPartitionStatus.MATERIALIZED for status in statuses.values()),
            "partitions": len(days),
        },
    )


def _failed(key: dg.AssetKey, failed: Sequence[str]) -> Iterator[str]:
    if failed:
        yield (
            f"{len(failed)} partitions of {key.to_user_string()} are left failed, {failed[0]} to {failed[-1]}. What "
            "they held before is untouched. Look at the newest run of one, mend what it says, and materialize them "
            "again."
        )


def _held(key: dg.AssetKey, held: Sequence[str]) -> Iterator[str]:
    if held:
        yield (
            f"{len(held)} partitions of {key.to_user_string()} are held back, {held[0]} to {held[-1]}, because a check "
            "found them bad: what was published of them stays as it is. Correct the source, and they are built again."
        )
