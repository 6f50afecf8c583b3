"""Postgres tables that are copied to bronze: one subsettable multi-asset, read in one snapshot."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import dagster as dg
from pydantic import Field

from dataeng_assets.components.bronze_specs import bronze_spec, shown_columns, source_spec
from dataeng_assets.contracts.load import load_contracts
from dataeng_assets.contracts.model import Contract
from dataeng_assets.extract.plan import SourceTable, Window
from dataeng_assets.extract.run import TableReport, extract
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.dbt import targets
from dataeng_assets.orchestration.failures import RETRY, named_failures
from dataeng_assets.orchestration.ledger.cover import cover
from dataeng_assets.orchestration.partitions import daily, days_of, newest_day
from dataeng_assets.orchestration.preview import preview
from dataeng_assets.settings import Settings, variable

DELIVERED = "delivered"
MATCHES = "source_matches_contract"


class PostgresTablesComponent(dg.Component, dg.Model, dg.Resolvable):
    """Copies the tables of one Postgres schema to bronze, by the contracts in the folder `contracts` beside it.

    Every version of every row is kept: a run appends the rows whose content differs from the newest stored version.
    """

    source: str = Field(description="name of the source; the second part of the asset keys")
    url_variable: str = Field(description="environment variable that holds the address, read when a run starts")
    db_schema: str = Field("public", description="schema of the tables in Postgres")
    watermark: str = Field("updated_at", description="column that moves whenever a row changes")

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One asset for each contract, the source tables as external assets, and the batch job."""
        contracts = load_contracts(context.path / "contracts")
        job = dg.define_asset_job(
            f"extract_{self.source}",
            selection=dg.AssetSelection.assets(*(dg.AssetKey(self._key(name)) for name in contracts)),
            description=f"Copies all tables of {self.source} to bronze, in one snapshot.",
            tags={"dataeng/source": self.source},
            # one step, parallel inside: a process of its own would only start slowly
            executor_def=dg.in_process_executor,
        )
        outside = [source_spec(self._outside(name), contract, "postgres") for name, contract in contracts.items()]
        return dg.Definitions(assets=[*outside, self._assets(contracts)], jobs=[job])

    def _key(self, name: str) -> tuple[str, ...]:
        return ("bronze", self.source, name)

    def _outside(self, name: str) -> tuple[str, ...]:
        return ("postgres", self.source, name)

    def _assets(self, contracts: dict[str, Contract]) -> dg.AssetsDefinition:
        specs = [
            bronze_spec(
                self._key(name), contract, deps=[self._outside(name)], kinds={"postgres", "deltalake"}, skippable=True
            )
            for name, contract in contracts.items()
        ]

        @dg.multi_asset(
            name=f"{self.source}_tables",
            specs=specs,
            check_specs=[check for spec in specs for check in _checks(spec.key)],
            partitions_def=daily(),
            backfill_policy=dg.BackfillPolicy.single_run(),
            can_subset=True,
            retry_policy=RETRY,
            pool=f"extract_{self.source}",
        )
        def extract_tables(context: dg.AssetExecutionContext) -> Iterator[Any]:
            lake = Lake.current()
            tables = [
                SourceTable(contract, self.db_schema, self.watermark, self._key(name))
                for name, contract in contracts.items()
                if dg.AssetKey(self._key(name)) in context.selected_asset_keys
            ]
            with named_failures():
                reports = extract(
                    variable(self.url_variable),
                    tables,
                    lake,
                    extract_window(context.partition_time_window),
                    run_id=context.run.run_id,
                    on_table=lambda report: context.log.info("%s", _sentence(report)),
                )
            cover(lake, targets(), run_id=context.run.run_id)
            for report in reports:
                yield from _results(report, contracts[report.key[-1]], lake)

        return extract_tables


def extract_window(window: dg.TimeWindow) -> Window:
    """The rows that a range of partitions asks for.

    The first partition reaches back to the beginning. The newest one follows: it has no end, and moves progress.
    """
    first, last = days_of(window)
    return Window(
        start=None if first <= Settings.load().first_day else _midnight(window.start),
        end=None if last >= newest_day() else _midnight(window.end),
    )


def _midnight(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def _checks(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            DELIVERED,
            asset=key,
            blocking=True,
            description="As many rows were read, staged and counted in the source, all in one snapshot.",
        ),
        dg.AssetCheckSpec(MATCHES, asset=key, description="The source has the columns of the contract, and no others."),
    ]


def _results(report: TableReport, contract: Contract, lake: Lake) -> Iterator[Any]:
    key = dg.AssetKey(report.key)
    bound = report.lower_bound.isoformat() if report.lower_bound else "the beginning"
    yield dg.MaterializeResult(
        asset_key=key,
        metadata={
            "dagster/row_count": lake.open(report.key).to_pyarrow_dataset().count_rows(),
            "rows_read": report.rows_read,
            "rows_appended": report.rows_appended,
            "rows_in_source": report.rows_in_source,
            "window": f"{report.window.start or 'the beginning'} to {report.window.end or 'now'}",
            "next_lower_bound": bound,
            "lower_bound_by": report.method,
            "table_version": report.version,
            "uri": lake.at(report.key),
            "seconds": round(report.seconds, 2),
            "preview": preview(lake, report.key, shown_columns(contract)),
        },
    )
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name=DELIVERED,
        passed=True,
        metadata={"rows_read": report.rows_read, "rows_in_source": report.rows_in_source},
    )
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name=MATCHES,
        passed=not report.notes,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"notes": "\n".join(report.notes) or "nothing to note"},
    )


def _sentence(report: TableReport) -> str:
    name = ".".join(report.key)
    return f"{name}: {report.rows_read:,} rows read, {report.rows_appended:,} appended, {report.seconds:.1f} s"
