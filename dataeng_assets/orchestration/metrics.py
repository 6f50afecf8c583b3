"""The check that watches a table's metrics over time: measured and kept after each materialization, judged by the past.

It warns and holds nothing back: an unusual number may be right. What is measured and how it is judged belongs in
`quality.anomalies`.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import duckdb
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from dataeng_assets.lake.append import Superseded
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.strict import table_schema
from dataeng_assets.orchestration.outcomes import not_evaluated
from dataeng_assets.orchestration.partitions import newest_day
from dataeng_assets.quality.anomalies.detect import WINDOW, Finding, Outcome
from dataeng_assets.quality.anomalies.history import Taken, moment, record, series
from dataeng_assets.quality.anomalies.measure import Measurement
from dataeng_assets.quality.anomalies.tables import days_held, measure_days, measure_table, measure_values
from dataeng_assets.quality.anomalies.watch import judge_series, most_unusual

NO_ANOMALY = "no_anomaly"
DAYS_JUDGED = 7
"""Of a run over many days the newest are judged: what lies before has been judged by the runs of its time."""
DAYS_MEASURED = WINDOW.days + DAYS_JUDGED
_TROUBLE = (DeltaError, Superseded, duckdb.Error, pa.ArrowException, OSError)


def anomaly_check(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """The check of one table."""
    return dg.AssetCheckSpec(
        NO_ANOMALY,
        asset=key,
        description="Rows, freshness, columns, missing and distinct values and means are as they usually were.",
    )


def anomaly_of_table(
    table: DeltaTable,
    lake: Lake,
    key: Sequence[str],
    run_id: str,
    *,
    columns: Sequence[str],
    personal: Collection[str] = (),
    fresh_by: str | None = None,
    where: str = "true",
    contract_version: str | None = None,
) -> dg.AssetCheckResult:
    """Measure a table as it is, keep what was found, and judge it.

    Args:
        table: the handle, on the version that the run has made.
        lake: where the metrics lie.
        key: of the table and asset.
        run_id: a retry of it measures nothing twice.
        columns: those whose values are measured.
        personal: of these no mean is taken.
        fresh_by: the column with the times that tell how old the newest row is.
        where: which rows count for the columns, in DuckDB's SQL.
        contract_version: that the table was made by.
    """

    def measured() -> list[Measurement]:
        return measure_table(table, columns, personal=personal, fresh_by=fresh_by, where=where)

    return _result(lake, key, run_id, measured, int(table.version()), contract_version)


def anomaly_of_days(
    table: DeltaTable, lake: Lake, key: Sequence[str], run_id: str, *, partition: str, days: tuple[date, date]
) -> dg.AssetCheckResult:
    """Measure the days of a run of a table that lies by day, keep what was found, and judge the newest of them.

    A day that has not ended yet is no day to compare with.

    Args:
        table: the handle, on the version that the run has made.
        lake: where the metrics lie.
        key: of the table and asset.
        run_id: a retry of it measures nothing twice.
        partition: the column that holds the day.
        days: the first and the last day that the run has made.
    """
    yesterday = newest_day() - timedelta(days=1)
    last = min(days[1], yesterday)
    first = max(days[0], last - timedelta(days=DAYS_MEASURED - 1))
    columns = [name for name in table_schema(table).names if name != partition] if last == yesterday >= first else []

    def measured() -> list[Measurement]:
        return measure_days(table, partition, first, last, columns)

    return _result(lake, key, run_id, measured, int(table.version()))


def anomaly_of_stream(
    table: DeltaTable,
    lake: Lake,
    key: Sequence[str],
    run_id: str,
    *,
    partition: str,
    last: date,
    fresh_by: str,
    columns: Sequence[str] = (),
    personal: Collection[str] = (),
    contract_version: str | None = None,
) -> dg.AssetCheckResult:
    """Measure all days of a table that a stream fills by day, keep what was found, and judge the newest of them.

    Days are measured again, because what is late or was released is added to them.

    Args:
        table: the handle.
        lake: where the metrics lie.
        key: of the table and asset.
        run_id: a retry of it measures nothing twice.
        partition: the column that holds the day.
        last: the newest day that has ended.
        fresh_by: the column with the times that tell how old the newest row is.
        columns: those whose values are measured, of the last day.
        personal: of these no mean is taken.
        contract_version: that the table was made by.
    """

    def measured() -> list[Measurement]:
        oldest = last - timedelta(days=DAYS_MEASURED)
        held = [day for day in days_held(table, partition) if oldest < day <= last]
        if not held:
            return measure_days(table, partition, last, oldest, (), fresh_by=fresh_by)
        by_day = measure_days(table, partition, held[0], last, columns, fresh_by=fresh_by)
        return by_day + measure_values(table, partition, last, columns, personal=personal)

    return _result(lake, key, run_id, measured, int(table.version()), contract_version)


def _result(
    lake: Lake,
    key: Sequence[str],
    run_id: str,
    measure: Callable[[], list[Measurement]],
    table_version: int,
    contract_version: str | None = None,
) -> dg.AssetCheckResult:
    asset, at = dg.AssetKey(key), datetime.now(UTC)
    try:
        taken = Taken(".".join(key), measure(), at, table_version, contract_version)
        days = sorted({one.day for one in taken.measurements if one.day})[-DAYS_JUDGED:]
        since = min([at, *map(moment, days)]) - WINDOW - timedelta(days=1)
        kept = record(lake, taken, run_id=run_id, since=since)
        past = series(lake, taken.table_key, since=since, rows=kept)
    except _TROUBLE as error:
        return not_evaluated(str(error).splitlines()[0], asset_key=asset, check_name=NO_ANOMALY)
    # of a retry, what the first attempt has measured
    newest = past["schema", None].points[-1].at
    findings = judge_series(past, {newest, *map(moment, days)})
    return _verdict(asset, findings, most_unusual(past, findings), table_version)


def _verdict(
    asset: dg.AssetKey, findings: Sequence[Finding], unusual: Sequence[Finding], table_version: int
) -> dg.AssetCheckResult:
    judged = [finding for finding in findings if finding.outcome is not Outcome.NOT_ENOUGH_HISTORY]
    counts = {
        "judged": len(judged),
        "without_enough_history": len(findings) - len(judged),
        "table_version": table_version,
    }
    if not unusual and not any(finding.value is not None for finding in judged):
        points = max((finding.points for finding in findings if finding.value is not None), default=0)
        why = f"not enough history: {points} earlier measurements"
        return not_evaluated(why, asset_key=asset, check_name=NO_ANOMALY, metadata=counts)
    told = "\n".join(f"- {line}" for line in map(_line, unusual))
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=NO_ANOMALY,
        passed=not unusual,
        severity=dg.AssetCheckSeverity.WARN,
        description=_line(unusual[0]) if unusual else None,
        metadata={
            **counts,
            "unusual": len(unusual),
            "findings": dg.MetadataValue.md(told or "nothing unusual"),
            **({"days": ", ".join(sorted({f"{one.at:%Y-%m-%d}" for one in unusual}))} if unusual else {}),
        },
    )


def _line(finding: Finding) -> str:
    rate = finding.false_alarms
    known = rate and rate.per_100 is not None and f" ({rate.per_100:.1f} false alarms per 100 so far)"
    return f"{finding.at:%Y-%m-%d}: {finding.sentence}{known or ''}"
