"""Postgres tables that are copied to bronze: one subsettable multi-asset, read in one snapshot."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Self

import dagster as dg
from pydantic import Field, model_validator

from dataeng_assets.components.bronze_specs import bronze_spec, source_spec
from dataeng_assets.components.contract_checks import contract_checks, contract_results
from dataeng_assets.components.quarantine_results import (
    asset_keys,
    quarantine_check,
    quarantine_results,
    quarantine_spec,
)
from dataeng_assets.components.replay_jobs import replay_tables_job
from dataeng_assets.components.scaffold import PostgresTablesScaffolder
from dataeng_assets.components.table_results import sentence, table_checks, table_results
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.load import load_contracts
from dataeng_assets.contracts.model import Contract
from dataeng_assets.extract.plan import SourceTable, Window
from dataeng_assets.extract.run import TableReport, extract
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.dbt import targets
from dataeng_assets.orchestration.failures import RETRY, named_failures
from dataeng_assets.orchestration.ledger.cover import cover
from dataeng_assets.orchestration.ledger.doubt import settled_versions
from dataeng_assets.orchestration.partitions import daily, days_of, newest_day
from dataeng_assets.settings import Settings, variable


class TableOptions(dg.Model, dg.Resolvable):
    """How one table moves, where it differs from the others."""

    mode: Literal["incremental", "full"] = Field(
        "incremental", description="whether rows are found by the watermark, or the table is read whole by every run"
    )
    watermark: str | None = Field(
        None, description="column that moves whenever a row of this table changes; the source's when empty"
    )
    max_vanished: float = Field(
        0.2, ge=0, le=1, description="full: the largest share of known keys that may vanish between two runs"
    )
    may_be_empty: bool = Field(False, description="full: whether a source without any row is believed")

    @model_validator(mode="after")
    def _whole_tables_have_no_watermark(self) -> Self:
        if self.mode == "full" and self.watermark is not None:
            raise ValueError("a table with `mode: full` is read whole and has no use for a `watermark`: leave one out")
        return self


@dg.scaffold_with(PostgresTablesScaffolder)
class PostgresTablesComponent(dg.Component, dg.Model, dg.Resolvable):
    """Copies the tables of one Postgres schema to bronze, by the contracts in the folder `contracts` beside it.

    Every version of every row is kept: a run appends the rows whose content differs from the newest stored version.
    """

    source: str = Field(description="name of the source; the second part of the asset keys")
    url_variable: str = Field(description="environment variable that holds the address, read when a run starts")
    db_schema: str = Field("public", description="schema of the tables in Postgres")
    watermark: str = Field("updated_at", description="column that moves whenever a row changes")
    schedule: str = Field(
        "",
        description="cron of its batch, in UTC; every quarter of an hour locally and daily at 5 elsewhere when empty",
    )
    tables: dict[str, TableOptions] = Field({}, description="what differs by table, by the name in its contract")

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One asset for each contract, the source tables as external assets, and the batch job."""
        contracts = load_contracts(context.path / "contracts")
        tables = self.source_tables(contracts)
        job = dg.define_asset_job(
            f"extract_{self.source}",
            selection=dg.AssetSelection.assets(*(key for table in tables for key in asset_keys(table))),
            description=f"Copies all tables of {self.source} to bronze, in one snapshot.",
            tags={"dataeng/source": self.source},
            # one step, parallel inside: a process of its own would only start slowly
            executor_def=dg.in_process_executor,
        )
        if not contracts:
            return dg.Definitions(assets=[self._nothing_yet()], jobs=[job])
        outside = [source_spec(self._outside(name), contract, "postgres") for name, contract in contracts.items()]
        return dg.Definitions(
            assets=[*outside, self._assets(tables)], jobs=[job, replay_tables_job(self.source, tables)]
        )

    def _nothing_yet(self) -> dg.AssetSpec:
        """What stands for a source without contracts: a hint, where its tables will be."""
        hint = (
            f"No contract yet, so nothing of {self.source} is copied. Write one per table with `dataeng discover "
            f"ADDRESS --schema {self.db_schema} --name {self.source}`, or by hand into the folder `contracts` beside "
            "its defs.yaml."
        )
        dg.get_dagster_logger().warning(hint)
        key = dg.AssetKey(["postgres", self.source])
        return dg.AssetSpec(key, description=hint, group_name=self.source, kinds={"postgres"}, tags={"layer": "source"})

    def source_tables(self, contracts: Mapping[str, Contract]) -> list[SourceTable]:
        """What is copied, and how.

        Raises:
            DagsterInvalidDefinitionError: `tables` names a table that has no contract.
        """
        unknown = sorted(self.tables.keys() - contracts.keys())
        if unknown:
            raise dg.DagsterInvalidDefinitionError(
                f"`tables` of the source {self.source} names {', '.join(unknown)}, and the folder `contracts` has no "
                f"such contract; it has {', '.join(sorted(contracts))}{did_you_mean(unknown[0], [*contracts])}. "
                "Nothing was read. Correct the name in defs.yaml, or add the contract."
            )
        return [self._source_table(name, contract) for name, contract in contracts.items()]

    def _source_table(self, name: str, contract: Contract) -> SourceTable:
        options = self.tables.get(name, TableOptions())
        watermark = None if options.mode == "full" else options.watermark or self.watermark
        return SourceTable(
            contract, self.db_schema, watermark, self._key(name), options.max_vanished, options.may_be_empty
        )

    def _key(self, name: str) -> tuple[str, ...]:
        return ("bronze", self.source, name)

    def _outside(self, name: str) -> tuple[str, ...]:
        return ("postgres", self.source, name)

    def _assets(self, tables: Sequence[SourceTable]) -> dg.AssetsDefinition:
        specs = [
            bronze_spec(
                table.key,
                table.contract,
                deps=[self._outside(table.contract.name)],
                kinds={"postgres", "deltalake"},
                skippable=True,
            )
            for table in tables
        ]
        guarded = [table for table in tables if table.contract.quarantine]
        aside = [quarantine_spec(table, self._outside(table.contract.name)) for table in guarded]
        checks = [check for table in tables for check in self._checks(table)]

        @dg.multi_asset(
            name=f"{self.source}_tables",
            specs=[*specs, *aside],
            check_specs=[*checks, *map(quarantine_check, guarded)],
            partitions_def=daily(),
            backfill_policy=dg.BackfillPolicy.single_run(),
            can_subset=True,
            retry_policy=RETRY,
            pool=f"extract_{self.source}",
        )
        def extract_tables(context: dg.AssetExecutionContext) -> Iterator[Any]:
            selected = [table for table in tables if context.selected_asset_keys & set(asset_keys(table))]
            yield from self._extract(context, selected)

        return extract_tables

    def _checks(self, table: SourceTable) -> list[dg.AssetCheckSpec]:
        key = dg.AssetKey(table.key)
        return [*table_checks(key), *contract_checks(key, table.contract.suite)]

    def _extract(self, context: dg.AssetExecutionContext, tables: Sequence[SourceTable]) -> Iterator[Any]:
        """Copy, cover and report; what was committed before another table failed is reported all the same."""
        lake, done = Lake.current(), list[TableReport]()

        def told(report: TableReport) -> None:
            context.log.info("%s", sentence(report))
            done.append(report)

        def results() -> Iterator[Any]:
            for report in done:
                table = by_key[report.key]
                main, *aside = asset_keys(table)
                if main in context.selected_asset_keys:
                    yield from table_results(report, table, lake, context.run.run_id)
                    yield from contract_results(main, table.contract.suite, lake, context.run.run_id)
                if context.selected_asset_keys.intersection(aside):
                    yield from quarantine_results(report, table, lake)

        by_key = {table.key: table for table in tables}
        try:
            with named_failures():
                extract(
                    variable(self.url_variable),
                    tables,
                    lake,
                    extract_window(context.partition_time_window),
                    run_id=context.run.run_id,
                    on_table=told,
                )
            limits = settled_versions(lake, context.instance, targets().sources)
            cover(lake, targets(), run_id=context.run.run_id, limits=limits)
        except Exception:  # whatever stopped the run, the tables that were done before are committed, and told
            yield from results()
            raise
        yield from results()


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
