"""The table of rows set aside as an asset: its declaration, what an extract tells of it, and its check."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from dataeng_assets.components.bronze_specs import bronze_spec, shown_columns
from dataeng_assets.extract.plan import SourceTable
from dataeng_assets.extract.quarantine import quarantine_key, quarantine_schema
from dataeng_assets.extract.run import TableReport
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.outcomes import not_evaluated
from dataeng_assets.orchestration.preview import preview

FEW_QUARANTINED = "few_quarantined"
QUARANTINE_LIMIT = 0.01


def asset_keys(table: SourceTable) -> list[dg.AssetKey]:
    """The assets of one source table: bronze, and the quarantine if its contract sets rows aside."""
    return [dg.AssetKey(key) for key in (table.key, *([quarantine_key(table)] if table.contract.quarantine else []))]


def quarantine_spec(table: SourceTable, outside: tuple[str, ...]) -> dg.AssetSpec:
    """The asset of the rows set aside."""
    return bronze_spec(
        quarantine_key(table),
        table.contract,
        deps=[outside],
        kinds={"postgres", "deltalake"},
        description=f"Rows of {table.name} that break rules of their contract, each with all that it breaks.",
        columns=quarantine_schema(table),
        skippable=True,
    )


def quarantine_check(table: SourceTable) -> dg.AssetCheckSpec:
    """The check of the rows set aside."""
    return dg.AssetCheckSpec(
        FEW_QUARANTINED,
        asset=dg.AssetKey(quarantine_key(table)),
        description=f"At most {QUARANTINE_LIMIT:.0%} of the rows that were read. More than the contract's limit, "
        f"{table.contract.quarantine.limit if table.contract.quarantine else 'none'}, and the run fails.",
    )


def quarantine_results(report: TableReport, table: SourceTable, lake: Lake) -> Iterator[Any]:
    """Result of what one extract has set aside, and of its check."""
    key = quarantine_key(table)
    stored = lake.open(key, report.quarantine_version)
    by_rule = {f"breaks_{rule}": count for rule, count in report.broken_rules.items()}
    yield dg.MaterializeResult(
        asset_key=dg.AssetKey(key),
        metadata={
            "dagster/row_count": stored.to_pyarrow_dataset().count_rows(),
            "rows_quarantined": report.rows_quarantined,
            "rows_read": report.rows_read,
            **by_rule,
            "table_version": report.quarantine_version,
            "uri": lake.at(key),
            "preview": preview(lake, key, [*shown_columns(table.contract), "_op", "_broken"]),
        },
    )
    yield _few(dg.AssetKey(key), report)


def _few(key: dg.AssetKey, report: TableReport) -> dg.AssetCheckResult:
    if not report.rows_read:
        return not_evaluated("no row was read", asset_key=key, check_name=FEW_QUARANTINED)
    share = report.rows_quarantined / report.rows_read
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=FEW_QUARANTINED,
        passed=share <= QUARANTINE_LIMIT,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"share": share, "limit": QUARANTINE_LIMIT, "rows_quarantined": report.rows_quarantined},
    )
