"""Asking for days of assets again: one backfill of Dagster's, as a person requests it on the page of the assets.

The daemon turns it into runs; nothing is executed or written here. What changes have made necessary is asked for by
the ledger, without anybody's doing.
"""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg
from dagster._core.execution.backfill import (
    BULK_ACTION_TERMINAL_STATUSES,
    BulkActionsFilter,
    BulkActionStatus,
    PartitionBackfill,
)
from dagster._core.utils import make_new_backfill_id

from dataeng_assets.orchestration.run_facts import recent_runs

Instance = dg.DagsterInstance
Definitions = dg.Definitions
_DAEMON = "BACKFILL"
_UNFINISHED = [status for status in BulkActionStatus if status not in BULK_ACTION_TERMINAL_STATUSES]
_UNDER_WAY_ONLY = timedelta(0)


@dataclass(frozen=True)
class AskedDays:
    """What was asked for.

    Attributes:
        backfill: its id.
        first: the first day, as its partition is called.
        last: likewise.
        is_seen: whether the daemon runs that turns it into runs.
    """

    backfill: str
    first: str
    last: str
    is_seen: bool


def made_by(instance: Instance, key: str) -> str:
    """What is about to make an asset, in words; empty when nothing is."""
    return next(_makers(instance, key), "")


def ask_for_days(
    definitions: Definitions, instance: Instance, keys: Collection[str], since: date, title: str
) -> AskedDays | None:
    """Ask for all days of assets from one on, as one backfill.

    Args:
        definitions: where the assets are declared.
        instance: where the backfill is recorded.
        keys: dotted keys of assets with the same daily partitions.
        since: the first day.
        title: what people read about it.

    Returns:
        What was asked for; None where no day has a partition.
    """
    graph = definitions.resolve_asset_graph()
    assets = [dg.AssetKey(key.split(".")) for key in sorted(keys)]
    calendar = graph.get(assets[0]).partitions_def
    days = [day for day in calendar.get_partition_keys() if day >= since.isoformat()] if calendar else []
    if not days:
        return None
    backfill = PartitionBackfill.from_asset_partitions(
        backfill_id=make_new_backfill_id(),
        asset_graph=graph,
        partition_names=days,
        asset_selection=assets,
        backfill_timestamp=time.time(),
        tags={},
        dynamic_partitions_store=instance,
        all_partitions=False,
        title=title,
        description=None,
        run_config=None,
    )
    instance.add_backfill(backfill)
    is_seen = bool(instance.get_daemon_statuses([_DAEMON])[_DAEMON].healthy)
    return AskedDays(backfill.backfill_id, days[0], days[-1], is_seen)


def _makers(instance: Instance, key: str) -> Iterator[str]:
    asset = dg.AssetKey(key.split("."))
    for backfill in instance.get_backfills(filters=BulkActionsFilter(statuses=_UNFINISHED)):
        if asset in (backfill.asset_selection or ()):
            yield f"backfill {backfill.backfill_id}"
    for run in recent_runs(instance, since=_UNDER_WAY_ONLY):
        if run.ended is None and key in run.assets:
            yield f"run {run.run_id}"
