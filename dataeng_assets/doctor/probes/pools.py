"""Places in pools that nobody can give back any more."""

from collections.abc import Iterator

from dataeng_assets.doctor.finding import Finding, Looked, Said
from dataeng_assets.doctor.scope import Scope
from dataeng_assets.orchestration.pools import pools, taken_places


def leaked_places(scope: Scope) -> Iterator[Said]:
    """Every place that is taken; of an asset's, those in its pools."""
    for place in taken_places(scope.instance):
        if not place.is_leaked or (scope.only is not None and place.pool not in scope.pools):
            continue
        state = f"which is {place.run_status}" if place.run_status else "which the instance does not know"
        proof = (
            f"step {place.step} of run {place.run_id} holds one of {place.places} places, {state}",
            f"{place.waiting} steps wait for a place",
        )
        yield Finding("stuck-pool", f"pool {place.pool}", proof, scope.now, {"RUN": place.run_id, "POOL": place.pool})
    yield Looked(len(pools(scope.instance)), "pools")
