"""dbt models as assets: how they are named, and how they are built and tested.

The project and its manifest belong in `dbt`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, DbtCliInvocation, DbtCliResource, DbtProject, dbt_assets
from dagster_dbt.errors import DagsterDbtCliRuntimeError

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.views import read_lake, register_datasets
from dataeng_assets.orchestration import warehouse
from dataeng_assets.orchestration.dbt import dbt_project, environment, manifest, owners, targets
from dataeng_assets.orchestration.failures import RETRY, PermanentFailure
from dataeng_assets.orchestration.ledger.entries import mark_handled
from dataeng_assets.orchestration.ledger.hold import HELD, bad_days, hold
from dataeng_assets.orchestration.ledger.targets import is_daily, is_view, model_key
from dataeng_assets.orchestration.model_results import model_results, tested, versions_judged
from dataeng_assets.orchestration.partitions import daily, days_of
from dataeng_assets.orchestration.pins import pinned
from dataeng_assets.quality.results import TableResult
from dataeng_assets.quality.results_store import record
from dataeng_assets.settings import Settings

ROW_COUNT = "dagster/row_count"
# unit tests judge the code and no data; the project's own tests run them
_BUILD = ["build", "--exclude-resource-type", "unit_test"]


class ChecksFailed(Exception):
    """Tests of the models have failed; says which, and what is held back."""


class Translator(DagsterDbtTranslator):
    """A model's key is its layer and name, a source's the key of its lake table; the group of a mart is `marts`."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """The asset of a dbt model or source."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        if node["resource_type"] == "source":
            return spec
        layer = node["fqn"][1]
        return spec.replace_attributes(
            group_name=layer if layer == "marts" else node["name"].partition("_")[2].split("__")[0],
            owners=owners(node),
            tags={**spec.tags, "layer": layer},
            kinds={"dbt", "duckdb"},
        )

    def get_partitions_def(self, dbt_resource_props: Mapping[str, Any]) -> dg.PartitionsDefinition[str] | None:
        """The days of a daily model."""
        return daily() if is_daily(dbt_resource_props) else None

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """The key of a model or source."""
        return dg.AssetKey(model_key(dbt_resource_props))


def models() -> list[dg.AssetsDefinition]:
    """The assets of all models, built by one dbt invocation per run: starting dbt costs as much as fifty tests.

    None where the project has no model yet.
    """
    if not any(node["resource_type"] == "model" for node in manifest()["nodes"].values()):
        return []

    @dbt_assets(
        manifest=dbt_project().manifest_path,
        project=dbt_project(),
        select="resource_type:model",  # tests of bronze are the contracts', and judged as bronze is written
        name="dbt_models",
        dagster_dbt_translator=Translator(),
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=RETRY,
        pool=warehouse.POOL,
    )
    def build_models(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        yield from build(context, dbt)

    return [build_models]


def build(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Build the selected models from bronze as this run has pinned it, test them, and tell the ledger.

    The days of the run travel as event-time flags: a variable that changes would make dbt parse everything again.
    """
    lake = Lake.current()
    pins = pinned(context, lake)
    names = {".".join(key.path) for key in context.selected_asset_keys}
    has_days = any(targets().by_name[name].daily for name in names)
    days = days_of(context.partition_time_window) if has_days else None
    with warehouse.exclusively(Settings.load().warehouse_file):
        with environment(pins):
            invocation = dbt.cli([*_BUILD, *_flags(days)], context=context)
        rows: dict[str, int] = {}
        events, failed = _ended(invocation)
        moment = datetime.now(UTC)
        yield from _counted(_results(events, lake, pins, moment), rows)
        failure = (_failure(context, invocation, days) or failed) if failed else None
        if failed:
            names &= _sound(invocation)
    _record(lake, model_results(manifest(), _told(invocation), rows, pins, moment=moment), context, days)
    handled = mark_handled(lake, targets(), names, days, pins, context.run.run_id)
    context.log.info("%s entries of the change ledger are handled", handled)
    if failure:
        raise failure


def _flags(days: tuple[date, date] | None) -> list[str]:
    if days is None:
        return []
    return ["--event-time-start", f"{days[0]} 00:00:00", "--event-time-end", f"{days[1] + timedelta(days=1)} 00:00:00"]


def _record(
    lake: Lake, found: Mapping[str, TableResult], context: dg.AssetExecutionContext, days: tuple[date, date] | None
) -> None:
    """Keep what the tests found, for the days of the run of a daily model, and else for the whole."""
    daily_ones = {name: result for name, result in found.items() if targets().by_name[name].daily}
    whole = {name: result for name, result in found.items() if name not in daily_ones}
    record(lake, daily_ones, run_id=context.run.run_id, partition="/".join(map(str, days or ())))
    record(lake, whole, run_id=context.run.run_id)


def _ended(invocation: DbtCliInvocation) -> tuple[list[Any], DagsterDbtCliRuntimeError | None]:
    """What dbt did, when it has ended, and how it failed if it did."""
    told = list[Any]()
    try:
        told.extend(invocation.stream())  # what was told before a failure stays in the list
    except DagsterDbtCliRuntimeError as error:
        return told, error
    return told, None


def _results(events: Iterable[Any], lake: Lake, pins: Mapping[str, int], moment: datetime) -> Iterator[Any]:
    """What dbt did, each model with its rows, each check with the versions that it has judged.

    Told when dbt has ended: before, nobody else can read its file. dagster-dbt's own `fetch_row_counts` waits for dbt
    in a loop that never sleeps, and takes a whole core from it.
    """
    nodes = manifest()["nodes"]
    models = {model_key(node): unique for unique, node in nodes.items() if node["resource_type"] == "model"}
    counted = {tested(node, nodes) for node in nodes.values()}
    with duckdb.connect(str(Settings.load().warehouse_file), read_only=True) as connection:
        layers = {key.partition(".")[0] for key in pins}
        register_datasets(connection, () if lake.folder else read_lake(lake, pins, layers=layers))
        for event in events:
            if isinstance(event, dg.Output):
                yield event.with_metadata(_with_rows(connection, event, counted))
            elif isinstance(event, dg.AssetCheckResult) and event.asset_key:
                judged = versions_judged(manifest(), models[tuple(event.asset_key.path)], pins, moment=moment)
                yield event.with_metadata({**(event.metadata or {}), **judged})
            else:
                yield event


def _counted(events: Iterator[Any], rows: dict[str, int]) -> Iterator[Any]:
    """Pass the events on, and note the rows of each model by its unique id."""
    for event in events:
        if isinstance(event, dg.Output) and ROW_COUNT in event.metadata:
            model, count = event.metadata["unique_id"].value, event.metadata[ROW_COUNT].value
            rows[str(model)] = int(str(count))
        yield event


def _with_rows(connection: duckdb.DuckDBPyConnection, event: dg.Output[Any], counted: Collection[str]) -> Any:
    """The metadata of a model's result, with its rows.

    Those of a view are counted by reading what it shows, so only where a test needs to know that there are any.
    """
    unique = event.metadata["unique_id"].value
    node = manifest()["nodes"][unique]
    if is_view(node) and unique not in counted:
        return event.metadata
    relation = f"{quoted(node['schema'])}.{quoted(node['alias'])}"
    rows = connection.execute(f"select count(*) from {relation}").fetchall()[0][0]
    return {**event.metadata, ROW_COUNT: rows}


def _failure(
    context: dg.AssetExecutionContext, invocation: DbtCliInvocation, days: tuple[date, date] | None
) -> PermanentFailure | None:
    """What failed tests mean for the run: their bad days are held back, and no retry mends them.

    Returns:
        None when something else went wrong.
    """
    results = _told(invocation)
    failed = [result["unique_id"].split(".")[2] for result in results if result["status"] == "fail"]
    if not failed or any(result["status"] == "error" for result in results):
        return None
    bad = bad_days(Settings.load().warehouse_file, manifest(), results, days) if days else {}
    if bad:
        hold(Lake.current(), targets(), bad, context.run.run_id)
        context.instance.add_run_tags(context.run.run_id, {HELD: str(sum(len(found) for found in bad.values()))})
    said = "; ".join(f"{name} on {', '.join(map(str, found))}" for name, found in bad.items())
    return PermanentFailure(
        ChecksFailed(
            f"{', '.join(failed)} failed. "
            + (
                f"Held back: {said}, and what is made from it. What was published of these days stays as it is; the "
                "other days are asked for without them. Correct the source, or the check, and materialize these days."
                if bad
                else "Nothing below was built, and what was published stays as it is. Correct the source, or the check."
            )
        )
    )


def _sound(invocation: DbtCliInvocation) -> set[str]:
    """Dotted keys of the models that were built in a failed run and whose tests have all passed."""
    nodes, results = manifest()["nodes"], _told(invocation)
    built = {result["unique_id"] for result in results if result["status"] == "success"}
    failed = [nodes[result["unique_id"]] for result in results if result["status"] in ("fail", "error", "skipped")]
    doubted = {parent for node in failed if node["resource_type"] == "test" for parent in node["depends_on"]["nodes"]}
    return {".".join(model_key(nodes[unique])) for unique in built - doubted}


def _told(invocation: DbtCliInvocation) -> list[Mapping[str, Any]]:
    """What became of each model and test; nothing when dbt was killed."""
    try:
        results: list[Mapping[str, Any]] = invocation.get_artifact("run_results.json")["results"]
    except FileNotFoundError:
        return []
    return results
