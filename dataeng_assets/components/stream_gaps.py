"""The table of accepted gaps as an asset, and telling Dagster when a person has accepted one.

No run writes it: it stands in the graph as an external asset whose events are acceptances. Finding and accepting gaps
belongs in `streams.accept`.
"""

import dagster as dg

from dataeng_assets.components.bronze_specs import bronze_spec
from dataeng_assets.contracts.model import Contract
from dataeng_assets.orchestration.preview import preview
from dataeng_assets.streams.accept import Found
from dataeng_assets.streams.gaps import GAPS_SCHEMA, Decision, accepted_gaps
from dataeng_assets.streams.stream import Stream

_SHOWN = ("state", "table", "partition", "first_offset", "end_offset", "accepted_at", "reason")


def gaps_spec(key: tuple[str, ...], topic: str, contract: Contract) -> dg.AssetSpec:
    """The asset of the table of gaps, which is never late: nothing comes as long as nothing is lost."""
    return bronze_spec(
        key,
        contract,
        deps=[("kafka", topic)],
        kinds={"deltalake"},
        description=f"Offsets of {topic} that were lost, and that a person has accepted as lost: what, who, when, why. "
        "Written by `dataeng stream accept-gap`; empty as long as nothing was lost.",
        columns=GAPS_SCHEMA,
        is_awaited=False,
    )


def tell_of_gaps(instance: dg.DagsterInstance, stream: Stream, decision: Decision, found: Found) -> None:
    """Report an acceptance as a materialization of the table of gaps."""
    key = stream.gaps
    table = stream.lake.open(key)
    counted = [gap.offsets for gap in found.gaps]
    known = sum(offsets for offsets in counted if offsets is not None)
    metadata: dict[str, dg.MetadataValue | str | int] = {
        "dagster/row_count": len(accepted_gaps(stream)),
        "table_version": table.version(),
        "uri": stream.lake.at(key),
        "gap_id": decision.gap_id,
        "reason": decision.reason,
        "accepted_by": decision.accepted_by,
        "what_happened": ", ".join(sorted({str(gap.state) for gap in found.gaps})) or "written down before",
        "partitions": ", ".join(map(str, sorted({gap.partition for gap in found.gaps}))),
        "offsets": f"{known:,}{', and some that nobody knows' if None in counted else ''}",
        "preview": preview(stream.lake, key, _SHOWN),
    }
    instance.report_runless_asset_event(
        dg.AssetMaterialization(
            dg.AssetKey(key), description=f"A gap was accepted: {decision.reason}", metadata=metadata
        )
    )
