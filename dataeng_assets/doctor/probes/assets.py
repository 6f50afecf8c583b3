"""Assets that are older than they promise, and checks that hold something back."""

from collections.abc import Iterator

from dataeng_assets.doctor.finding import Finding, Looked, NotLooked, Said
from dataeng_assets.doctor.scope import Scope
from dataeng_assets.orchestration.asset_facts import failed_checks, last_materialized


def stale_assets(scope: Scope) -> Iterator[Said]:
    """Assets that promise freshness, by their last materialization: Dagster's own state needs its daemon to be told."""
    promising = [asset for asset in scope.assets.values() if asset.promise and scope.concerns({asset.key})]
    never = []
    for asset in promising:
        at = last_materialized(scope.instance, asset.key)
        if at is None:
            never.append(asset.key)
        elif asset.promise and scope.now - at > asset.promise:
            late = scope.now - at - asset.promise
            hours = [span.total_seconds() / 3600 for span in (scope.now - at, asset.promise, late)]
            proof = (
                f"last materialized {at:%Y-%m-%d %H:%M} UTC, {hours[0]:,.1f} h ago",
                f"it promises {hours[1]:,.1f} h, and is {hours[2]:,.1f} h late",
            )
            yield Finding("stale-data", asset.key, proof, at, {"ASSET": asset.key}, frozenset({asset.key}))
    if never:
        why = f"{len(never)} were never materialized, so they have no age: {', '.join(sorted(never))}"
        yield NotLooked("the freshness of some assets", why)
    yield Looked(len(promising), "assets that promise freshness")


def failed_blocking_checks(scope: Scope) -> Iterator[Said]:
    """Checks with severity error whose newest result is a failure."""
    failed = [one for one in failed_checks(scope.definitions, scope.instance) if scope.concerns({one.asset})]
    for one in failed:
        proof = (f"check {one.check} failed at {one.at:%Y-%m-%d %H:%M} UTC in run {one.run_id}",)
        yield Finding(
            "failed-check", one.asset, proof, one.at, {"ASSET": one.asset, "RUN": one.run_id}, frozenset({one.asset})
        )
    yield Looked(len(scope.assets), "assets' newest checks")
