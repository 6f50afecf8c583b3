"""What a run tells Dagster of a stream's deduplicated and enriched tables: rows, versions and their check."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from dataeng_assets.orchestration.preview import preview
from dataeng_assets.streams.derived.account import account
from dataeng_assets.streams.derived.enrich import Enriched
from dataeng_assets.streams.derived.tables import Definition, TableReport
from dataeng_assets.streams.stream import Stream

ONE_ROW_PER_EVENT = "one_row_per_event"


def table_check(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """The check of such a table."""
    return dg.AssetCheckSpec(
        ONE_ROW_PER_EVENT,
        asset=key,
        description="In the time that this run has computed, every event stands in one row, or was left out as a "
        "repeat of one that does.",
    )


def table_results(stream: Stream, reports: Sequence[TableReport], definition: Definition) -> Iterator[Any]:
    """Result of publications of one table, by one run, and of their check.

    Args:
        stream: whose events.
        reports: what each of them did, in order; each is judged at the versions that it tells.
        definition: what was published.
    """
    report, repeats = reports[-1], sum(one.repeats for one in reports)
    key, stored = dg.AssetKey(report.key), stream.lake.open(report.key).to_pyarrow_dataset()
    found = [(one, account(stream, definition, one)) for one in reports]
    yield dg.MaterializeResult(
        asset_key=key,
        metadata={
            "dagster/row_count": stored.count_rows(),
            "table_version": report.version,
            "uri": stream.lake.at(report.key),
            "published_to": report.published_to.isoformat() if report.published_to else "no event is final yet",
            "rows_computed": sum(one.rows for one in reports),
            "spans_replaced": sum(len(one.replaced) for one in reports),
            "repeats_left_out": repeats,
            "held_back_by": ", ".join(map(str, report.held_back_by)) or "none",
            **{f"{name}_version": version for name, version in report.covered.items()},
            "seconds": round(sum(one.seconds for one in reports), 2),
            "preview": preview(stream.lake, report.key, _shown(stream, definition, stored.schema.names)),
        },
    )
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name=ONE_ROW_PER_EVENT,
        passed=all(not of.repeated and of.events == of.rows + one.repeats for one, of in found),
        metadata={
            "events": sum(of.events for _, of in found),
            "rows": sum(of.rows for _, of in found),
            "repeats_left_out": repeats,
            "repeated": sum(of.repeated for _, of in found),
        },
    )


def _shown(stream: Stream, definition: Definition, names: Sequence[str]) -> list[str]:
    """The columns that a preview may show: none that holds a personal value, of the event or of the dimension."""
    hidden = {column.name for column in stream.contract.columns if column.personal} | {"_rescued"}
    if isinstance(definition, Enriched):
        personal = {column.name for column in definition.dimension.contract.columns if column.personal}
        hidden |= {name for name, of in definition.columns if of in personal}
    return [name for name in names if name not in hidden]
