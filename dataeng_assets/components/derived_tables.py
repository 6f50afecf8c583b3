"""Assets of a stream's deduplicated and enriched tables, and asking for enriched ones when the database has changed."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dagster as dg

from dataeng_assets.components.bronze_specs import bronze_spec
from dataeng_assets.components.declared_tables import in_words
from dataeng_assets.components.derived_results import table_check, table_results
from dataeng_assets.components.own_checks import with_own_checks
from dataeng_assets.components.run_sensors import run_sensor, unless_known
from dataeng_assets.components.stream_days import asked_days, filled_days
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.lake.location import TableMissing
from dataeng_assets.orchestration.failures import RETRY, named_failures
from dataeng_assets.orchestration.partitions import daily
from dataeng_assets.streams.derived.dimension import Versions
from dataeng_assets.streams.derived.enrich import Enriched
from dataeng_assets.streams.derived.spans import ranges
from dataeng_assets.streams.derived.tables import Definition, publish_table, publish_table_again
from dataeng_assets.streams.stream import Stream

ENRICH = "dataeng/enrich"
_TICK_SECONDS = 60


def table_assets(
    stream: Callable[[], Stream], cluster: Callable[[], Cluster], definitions: Sequence[Definition]
) -> list[dg.AssetsDefinition]:
    """One asset for each table; it has days, so that a person can ask for some of them, and the stream goes on.

    Args:
        stream: the stream, on the lake of the current environment.
        cluster: where its topic is, its address and secrets read now.
        definitions: of the tables.
    """
    return [_asset(stream, cluster, definition) for definition in definitions]


def _asset(stream: Callable[[], Stream], cluster: Callable[[], Cluster], definition: Definition) -> dg.AssetsDefinition:
    of = stream()
    versions = [definition.dimension.key] if isinstance(definition, Enriched) else []
    spec = bronze_spec(
        of.window_table(definition.name), of.contract, deps=[of.main, *versions], kinds={"duckdb", "deltalake"},
        description=in_words(definition, of.topic), columns=definition.schema(of),
    )  # fmt: skip

    @dg.multi_asset(
        name=f"table_{of.name}_{definition.name}",
        specs=[spec],
        check_specs=[table_check(spec.key)],
        partitions_def=daily(),
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=RETRY,
    )
    def publish(context: dg.AssetExecutionContext) -> Iterator[Any]:
        now, run_id, days = stream(), context.run.run_id, asked_days(context)
        with named_failures():
            if days:
                reports = publish_table_again(now, definition, days, run_id=run_id)
            else:
                reports = [publish_table(now, cluster(), definition, run_id=run_id)]
                yield from filled_days(context.instance, spec.key, ranges(reports[0].replaced))
        yield from table_results(now, reports, definition)

    return publish


def following_versions(
    stream: Callable[[], Stream], assets: Sequence[dg.AssetsDefinition], definitions: Sequence[Definition]
) -> dg.Definitions:
    """The job that computes enriched tables and the sensor that asks for it when row versions came, if there are any.

    The stream's own runs publish these tables too; this is for corrections while the topic is silent.

    Args:
        stream: the stream, on the lake of the current environment.
        assets: of its tables, in the order of the definitions.
        definitions: of the tables.
    """
    pairs = [(asset, one) for asset, one in zip(assets, definitions, strict=True) if isinstance(one, Enriched)]
    if not pairs:
        return dg.Definitions()
    name = stream().name
    job = dg.define_asset_job(
        f"enrich_{name}",
        selection=with_own_checks(*(asset for asset, _ in pairs)),
        description=f"Corrects the events of {name} whose row versions came after them.",
        executor_def=dg.in_process_executor,
        tags={ENRICH: name, "dagster/max_runtime": "3600"},
    )
    return dg.Definitions(jobs=[job], sensors=[_sensor(stream, job, [one for _, one in pairs])])


def _sensor(stream: Callable[[], Stream], job: Any, definitions: Sequence[Enriched]) -> dg.SensorDefinition:
    name = stream().name
    kind = ENRICH, name

    def versions() -> list[int]:
        lake = stream().lake
        if not all(lake.exists(stream().window_table(one.name)) for one in definitions):
            raise TableMissing(f"The stream's own run makes the tables of {name}; there is nothing to correct yet.")
        return [Versions.opened(one.dimension, lake).version for one in definitions]

    return run_sensor(
        job,
        f"{name}_row_versions",
        unless_known(kind, versions, f"The tables of {name} know the row versions as they are"),
        kind=kind,
        doing=f"correcting the tables of {name}",
        seconds=_TICK_SECONDS,
        description=f"Asks for a run when the tables that {name} is enriched from have grown since the last one.",
    )
