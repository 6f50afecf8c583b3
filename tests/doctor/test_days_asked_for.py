"""Stale tables of a source: their days are asked for once, as a backfill that Dagster's own daemon understands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus
from doctor_kit import ScopeOf, causes

from dataeng_assets.doctor.finding import reported
from dataeng_assets.doctor.fixes import fix
from dataeng_assets.doctor.probes.assets import stale_assets
from dataeng_assets.doctor.scope import Scope

NOW = datetime.now(UTC)
DAYS = dg.DailyPartitionsDefinition(f"{NOW - timedelta(days=3):%Y-%m-%d}", end_offset=1)
TODAY = f"{NOW:%Y-%m-%d}"


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            ["bronze", "shop", name], freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=1))
        )
        for name in ("orders", "items")
    ],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    can_subset=True,
)
def extract(context: dg.AssetExecutionContext):
    for key in context.selected_asset_keys:
        yield dg.MaterializeResult(asset_key=key)


DEFINITIONS = dg.Definitions(assets=[extract])


@dataclass(frozen=True)
class Table:
    key: Sequence[str]


@dataclass(frozen=True)
class Source:
    """What is asked of a declared source here."""

    name: str
    tables: Sequence[Table]


@pytest.fixture
def scope(scope_of: ScopeOf, instance: dg.DagsterInstance) -> Scope:
    assert dg.materialize([extract], instance=instance, partition_key=TODAY).success
    tables = [Table(("bronze", "shop", "orders")), Table(("bronze", "shop", "items"))]
    return scope_of(DEFINITIONS, sources=[Source("shop", tables)])


def test_stale_days_are_asked_for_once_and_fresh_ones_never(scope: Scope, instance: dg.DagsterInstance) -> None:
    assert list(fix(scope, reported(stale_assets(scope)).findings)) == [], "it was made just now"
    later = replace(scope, now=scope.now + timedelta(hours=3))
    findings = reported(stale_assets(later)).findings
    assert causes(findings) == {"stale-data"}
    [said] = fix(later, findings)
    assert "as backfill" in said, said
    [backfill] = instance.get_backfills()
    assert said.startswith(f"source shop: asked for {TODAY} to {TODAY} of bronze.shop.")
    assert said.endswith(f"as backfill {backfill.backfill_id}. It begins when the daemon runs: make dev")
    assert backfill.status == BulkActionStatus.REQUESTED
    asked = backfill.get_asset_backfill_data(DEFINITIONS.resolve_asset_graph()).target_subset
    assert {(key.asset_key.to_user_string(), key.partition_key) for key in asked.iterate_asset_partitions()} == {
        ("bronze/shop/orders", TODAY),
        ("bronze/shop/items", TODAY),
    }
    [again] = fix(later, findings)
    assert again.count(f"backfill {backfill.backfill_id} is about to make it") == 2
    assert len(instance.get_backfills()) == 1


def test_a_table_that_was_made_meanwhile_is_left_alone(scope: Scope, instance: dg.DagsterInstance) -> None:
    later = replace(scope, now=scope.now + timedelta(hours=3))
    findings = reported(stale_assets(later)).findings
    assert dg.materialize([extract], instance=instance, partition_key=TODAY).success
    [said] = fix(later, findings)
    assert said.count("it was made meanwhile") == 2
    assert instance.get_backfills() == []
