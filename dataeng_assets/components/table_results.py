"""What an extract tells Dagster of each table: rows, versions, and the checks on what it has committed."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from deltalake import DeltaTable

from dataeng_assets.components.bronze_specs import shown_columns
from dataeng_assets.extract.plan import SourceTable
from dataeng_assets.extract.run import TableReport
from dataeng_assets.extract.versions import bronze_schema
from dataeng_assets.lake.counts import null_counts
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.strict import differences, table_schema
from dataeng_assets.orchestration.metrics import anomaly_check, anomaly_of_table
from dataeng_assets.orchestration.outcomes import not_evaluated
from dataeng_assets.orchestration.preview import preview

DELIVERED = "delivered"
KEYS = "keys_not_null"
SCHEMA = "schema_equals_contract"
MATCHES = "source_matches_contract"


def table_checks(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of a bronze table that is copied from Postgres."""
    return [
        dg.AssetCheckSpec(
            DELIVERED,
            asset=key,
            blocking=True,
            description="As many rows were read, staged and counted in the source, all in one snapshot; each is good "
            "or was set aside; where the table is read whole, as many keys are living in bronze.",
        ),
        dg.AssetCheckSpec(KEYS, asset=key, blocking=True, description="Every stored version has its whole key."),
        dg.AssetCheckSpec(
            SCHEMA, asset=key, blocking=True, description="The columns of bronze are the contract's and our own."
        ),
        dg.AssetCheckSpec(MATCHES, asset=key, description="The source has the columns of the contract, and no others."),
        anomaly_check(key),
    ]


def table_results(report: TableReport, table: SourceTable, lake: Lake, run_id: str) -> Iterator[Any]:
    """Result of one table's extract and of its checks.

    Args:
        report: what the extract says it did.
        table: what was copied.
        lake: where its bronze stands.
        run_id: of the run that copied it.
    """
    key = dg.AssetKey(report.key)
    stored = lake.open(report.key, report.version)
    rows = stored.to_pyarrow_dataset().count_rows()
    yield dg.MaterializeResult(asset_key=key, metadata=_metadata(report, table, lake, rows))
    yield _delivered(key, report)
    yield _keys(key, stored, table, rows)
    problems = differences(table_schema(stored), bronze_schema(table))
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name=SCHEMA,
        passed=not problems,
        metadata={
            "columns": len(stored.schema().fields),
            "differences": "\n".join(f"{p.column}: {p.found}, expected {p.expected}" for p in problems) or "none",
        },
    )
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name=MATCHES,
        passed=not report.drift,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "columns_in_source": report.columns_in_source,
            "columns_in_contract": len(table.contract.columns),
            "notes": "\n".join(report.drift) or "nothing to note",
        },
    )
    yield anomaly_of_table(
        stored,
        lake,
        report.key,
        run_id,
        columns=[column.name for column in table.contract.columns],
        personal={column.name for column in table.contract.columns if column.personal},
        fresh_by=table.watermark or "_extracted_at",
        where="_op <> 'delete'",
        contract_version=table.contract.version,
    )


def sentence(report: TableReport) -> str:
    """A table's extract in words."""
    told = f"{report.rows_read:,} rows read, {report.rows_appended:,} appended"
    if report.rows_quarantined:
        told += f", {report.rows_quarantined:,} set aside"
    if report.rows_deleted or report.rows_returned:
        told += f" ({report.rows_deleted:,} deleted, {report.rows_returned:,} returned)"
    return f"{'.'.join(report.key)}: {told}, {report.seconds:.1f} s"


def _metadata(report: TableReport, table: SourceTable, lake: Lake, rows: int) -> Mapping[str, Any]:
    return {
        "dagster/row_count": rows,
        "rows_read": report.rows_read,
        "rows_appended": report.rows_appended,
        "rows_deleted": report.rows_deleted,
        "rows_returned": report.rows_returned,
        "rows_in_source": report.rows_in_source,
        "rows_quarantined": report.rows_quarantined,
        "window": f"{report.window.start or 'the beginning'} to {report.window.end or 'now'}",
        "next_lower_bound": report.lower_bound.isoformat() if report.lower_bound else "the beginning",
        "lower_bound_by": report.method,
        "notes": "\n".join(report.notes) or "nothing to note",
        "table_version": report.version,
        "uri": lake.at(report.key),
        "seconds": round(report.seconds, 2),
        "preview": preview(lake, report.key, shown_columns(table.contract)),
    }


def _delivered(key: dg.AssetKey, report: TableReport) -> dg.AssetCheckResult:
    """What was read is proved before it is committed; what became of a whole table can be counted afterwards."""
    counts = {"rows_read": report.rows_read, "rows_in_source": report.rows_in_source}
    if report.rows_living is not None:
        counts["rows_living_in_bronze"] = report.rows_living
    if report.quarantine_version is not None:
        counts |= {"rows_good": report.rows_good, "rows_quarantined": report.rows_quarantined}
    divided = report.rows_good + report.rows_quarantined == report.rows_read
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=DELIVERED,
        passed=divided and report.rows_living in (None, report.rows_in_source),
        metadata=counts,
    )


def _keys(key: dg.AssetKey, stored: DeltaTable, table: SourceTable, rows: int) -> dg.AssetCheckResult:
    if not rows:
        return not_evaluated("bronze holds no row yet", asset_key=key, check_name=KEYS)
    nulls = null_counts(stored, table.contract.key)
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=KEYS,
        passed=not any(nulls.values()),
        metadata={"rows": rows, **{f"without_{name}": count for name, count in nulls.items()}},
    )
