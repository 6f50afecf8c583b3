"""What a run that joins two streams tells Dagster: rows, versions, and the checks on what it has committed."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from dataeng_assets.orchestration.preview import preview
from dataeng_assets.streams.derived.interval_join.audit import audit
from dataeng_assets.streams.derived.interval_join.definition import IntervalJoin
from dataeng_assets.streams.derived.interval_join.publish import JoinReport
from dataeng_assets.streams.stream import Stream

ONE_ROW_PER_PAIR = "one_row_per_pair"
LEFT_EVENTS_ACCOUNTED = "left_events_accounted_for"


def join_checks(key: dg.AssetKey, join: IntervalJoin) -> list[dg.AssetCheckSpec]:
    """The checks of a join; whether every event on the left has a row is asked where the join keeps them."""
    pairs = dg.AssetCheckSpec(
        ONE_ROW_PER_PAIR,
        asset=key,
        description="Of the rows that this run has computed, no two show the same two events.",
    )
    accounted = dg.AssetCheckSpec(
        LEFT_EVENTS_ACCOUNTED,
        asset=key,
        description="In the time that this run has computed, every event on the left that takes part has a row.",
    )
    return [pairs, accounted] if join.keeps == "left" else [pairs]


def join_results(join: IntervalJoin, streams: tuple[Stream, Stream], report: JoinReport) -> Iterator[Any]:
    """Result of a publication of a join and of its checks.

    Args:
        join: what was published.
        streams: the left and the right one.
        report: what the publication did.
    """
    key, lake = dg.AssetKey(report.key), streams[0].lake
    stored, counts = lake.open(report.key).to_pyarrow_dataset(), audit(join, streams[0], report)
    yield dg.MaterializeResult(
        asset_key=key,
        metadata={
            "dagster/row_count": stored.count_rows(),
            "table_version": report.version,
            "uri": lake.at(report.key),
            "published_to": report.published_to.isoformat() if report.published_to else "nothing is closed yet",
            "rows_computed": report.rows,
            "left_version": report.covered["left"],
            "right_version": report.covered["right"],
            "held_back_by": "; ".join(f"{name}: {_numbers(of)}" for name, of in report.held_back_by.items()) or "none",
            "events_read_at_once": report.most_events,
            "seconds": round(report.seconds, 2),
            "preview": preview(lake, report.key, _shown(join, streams, stored.schema.names)),
        },
    )
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name=ONE_ROW_PER_PAIR,
        passed=not counts.repeated,
        metadata={"rows_computed": counts.rows, "repeated": counts.repeated},
    )
    if join.keeps == "left":
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=LEFT_EVENTS_ACCOUNTED,
            passed=counts.events == counts.shown,
            metadata={"events": counts.events, "with_a_row": counts.shown},
        )


def _numbers(partitions: Sequence[int]) -> str:
    return f"partition{'s' if len(partitions) > 1 else ''} {', '.join(map(str, partitions))}"


def _shown(join: IntervalJoin, streams: tuple[Stream, Stream], names: Sequence[str]) -> list[str]:
    """The columns that a preview may show: none that holds a personal value."""
    hidden = {
        name
        for side, stream in zip((join.left, join.right), streams, strict=True)
        for name, column in side.columns
        if stream.contract.column(column).personal
    }
    return [name for name in names if name not in hidden]
