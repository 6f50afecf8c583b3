"""How assets stand, as plain values: what they hang on, how fresh they promise to be and are, which checks fail."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy

from dataeng_assets.orchestration.outcomes import OUTCOME

Instance = dg.DagsterInstance
Definitions = dg.Definitions


@dataclass(frozen=True)
class AssetFacts:
    """One asset.

    Attributes:
        key: dotted.
        upstream: what it is made from, dotted.
        promise: the longest that it may go without a materialization; None when it promises nothing.
        is_made: whether it can be materialized here.
        pools: that its step needs a place in.
    """

    key: str
    upstream: tuple[str, ...]
    promise: timedelta | None
    is_made: bool
    pools: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FailedCheck:
    """A check whose newest result is a failure that blocks."""

    asset: str
    check: str
    at: datetime
    run_id: str


def asset_facts(definitions: dg.Definitions) -> Mapping[str, AssetFacts]:
    """Every asset of the code location, by its dotted key."""
    graph = definitions.resolve_asset_graph()
    found = {}
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        policy = node.freshness_policy_or_from_metadata
        found[".".join(key.path)] = AssetFacts(
            ".".join(key.path),
            tuple(sorted(".".join(parent.path) for parent in node.parent_keys)),
            policy.fail_window.to_timedelta() if isinstance(policy, TimeWindowFreshnessPolicy) else None,
            node.is_materializable,
            frozenset(node.pools or ()),
        )
    return found


def last_materialized(instance: Instance, key: str) -> datetime | None:
    """When an asset was last materialized; None when never."""
    newest = instance.get_latest_materialization_event(dg.AssetKey(key.split(".")))
    return datetime.fromtimestamp(newest.timestamp, UTC) if newest else None


def failed_checks(definitions: dg.Definitions, instance: Instance) -> Iterator[FailedCheck]:
    """The checks whose newest result is a failure with severity error."""
    keys = list(definitions.resolve_asset_graph().asset_check_keys)
    for key, record in instance.event_log_storage.get_latest_asset_check_execution_by_key(keys).items():
        evaluation = record.event.asset_check_evaluation if record.event else None
        if evaluation is None or evaluation.passed or OUTCOME in evaluation.metadata:
            continue
        if evaluation.severity == dg.AssetCheckSeverity.ERROR:
            at = datetime.fromtimestamp(record.create_timestamp, UTC)
            yield FailedCheck(".".join(key.asset_key.path), key.name, at, record.run_id)
