"""A small platform to look at: an instance of the test's own, an empty lake, and whatever a test declares."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from doctor_kit import ScopeOf

from dataeng_assets.doctor.scope import Scope, upstream_of
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.asset_facts import asset_facts
from dataeng_assets.settings import ROOT


@pytest.fixture
def instance(state: Path) -> Iterator[dg.DagsterInstance]:
    """With the project's own settings, in an empty state folder."""
    with dg.DagsterInstance.from_config(str(ROOT)) as found:
        yield found


@pytest.fixture
def scope_of(instance: dg.DagsterInstance, lake: Lake) -> ScopeOf:
    """A function that gives the scope of definitions, streams and sources; by an asset's key only what it hangs on."""

    def made(
        definitions: dg.Definitions | None = None,
        *,
        topics: Sequence[Any] = (),
        sources: Sequence[Any] = (),
        asset: str = "",
    ) -> Scope:
        declared = definitions or dg.Definitions()
        assets = asset_facts(declared)
        only = upstream_of(assets, asset) if asset else None
        return Scope(instance, declared, lake, assets, topics, sources, only, datetime.now(UTC))

    return made
