"""The table of a stream's changes as an asset, and telling Dagster of each: who drains it, how its records are read.

No run writes it: it stands in the graph as an external asset whose events are changes. None of them is a trouble, so no
check looks at them. Seeing changes belongs in `streams.health.notice`.
"""

import dagster as dg

from dataeng_assets.components.bronze_specs import bronze_spec
from dataeng_assets.components.noted_rows import Told, tell_of_rows
from dataeng_assets.contracts.model import Contract
from dataeng_assets.orchestration.outcomes import INFO, TIER
from dataeng_assets.streams.health.changes import CHANGES_SCHEMA, Change, changes
from dataeng_assets.streams.stream import Stream


def changes_spec(key: tuple[str, ...], topic: str, contract: Contract) -> dg.AssetSpec:
    """The asset of the table of changes, which is never late: nothing comes as long as nothing changes."""
    spec = bronze_spec(
        key,
        contract,
        deps=[("kafka", topic)],
        kinds={"deltalake"},
        description=f"Who drains {topic}, and by which contract and schemas its records are read, from when on. Each "
        "change is an event here. None asks for anything to be done.",
        columns=CHANGES_SCHEMA,
        is_awaited=False,
    )
    return spec.merge_attributes(tags={TIER: INFO})


def tell_of_changes(instance: dg.DagsterInstance, stream: Stream) -> None:
    """Report every change that the instance does not know yet as a materialization of the table of changes."""
    found = {change.number: (change.says, _metadata(stream, change)) for change in changes(stream)}
    tell_of_rows(instance, stream.changes, found)


def _metadata(stream: Stream, change: Change) -> Told:
    parts = change.parts
    return {
        TIER: INFO,
        "kind": change.kind.value,
        "at": dg.MetadataValue.timestamp(change.at),
        "told_by": change.told_by,
        "changed": ", ".join(parts),
        "before": ", ".join(f"{part}: {change.before[part]}" for part in parts if part in change.before),
        "after": ", ".join(f"{part}: {change.after[part]}" for part in parts if part in change.after),
        "first_offsets": ", ".join(f"{partition}: {offset}" for partition, offset in sorted(change.offsets.items())),
        "uri": stream.lake.at(stream.changes),
    }
