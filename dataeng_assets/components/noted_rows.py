"""Telling Dagster of rows that no run writes, but people, drains and workers: one event for each of them."""

from collections.abc import Mapping

import dagster as dg

Told = Mapping[str, str | int | float | dg.MetadataValue]
"""Metadata of an event."""
_COUNT = "dagster/row_count"


def tell_of_rows(
    instance: dg.DagsterInstance,
    key: tuple[str, ...],
    rows: Mapping[int, tuple[str, Told]],
) -> None:
    """Report the rows that are new as materializations of their table, which only grows.

    Args:
        instance: which knows of the rows up to some number, by the newest report that it has.
        key: of the table.
        rows: a sentence and metadata of each, by how many rows the table had with it.
    """
    known = _known(instance, key)
    for number, (sentence, metadata) in sorted(rows.items()):
        if number > known:
            told = {**metadata, _COUNT: number}
            instance.report_runless_asset_event(
                dg.AssetMaterialization(dg.AssetKey(key), description=sentence, metadata=told)
            )


def _known(instance: dg.DagsterInstance, key: tuple[str, ...]) -> int:
    event = instance.get_latest_materialization_event(dg.AssetKey(key))
    materialization = event.asset_materialization if event else None
    count = materialization.metadata.get(_COUNT) if materialization else None
    return int(count.value) if isinstance(count, dg.IntMetadataValue) and count.value else 0
