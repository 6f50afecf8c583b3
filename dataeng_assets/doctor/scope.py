"""What is looked at: the instance, the lake, the declared streams and sources, and which assets are of interest."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from dataeng_assets.components.declared import PostgresSource, find_sources
from dataeng_assets.components.kafka_topic import KafkaTopicComponent, find_topics
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.model import Contract
from dataeng_assets.definitions import defs
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.asset_facts import AssetFacts, Definitions, asset_facts
from dataeng_assets.orchestration.run_facts import Instance
from dataeng_assets.orchestration.runs import open_instance

LATELY = timedelta(days=1)
"""How far back failures are of interest: what nobody has mended for longer, checks and freshness tell."""


@dataclass(frozen=True)
class Scope:
    """Where to look.

    Attributes:
        instance: Dagster's.
        definitions: what Dagster loads.
        lake: all tables.
        assets: every asset by its dotted key.
        topics: the declared streams.
        sources: the declared Postgres sources.
        only: dotted keys of the assets of interest; None for all.
        now: the moment by which ages are told.
    """

    instance: Instance
    definitions: Definitions
    lake: Lake
    assets: Mapping[str, AssetFacts]
    topics: Sequence[tuple[KafkaTopicComponent, Contract]]
    sources: Sequence[PostgresSource]
    only: frozenset[str] | None = None
    now: datetime = datetime.min.replace(tzinfo=UTC)

    def concerns(self, keys: Collection[str]) -> bool:
        """Whether any of these assets is of interest; what is said of no asset is always."""
        return self.only is None or not keys or not self.only.isdisjoint(keys)

    @cached_property
    def pools(self) -> frozenset[str]:
        """That the assets of interest need."""
        return frozenset(pool for key in self.only or () for pool in self.assets[key].pools)


class AssetUnknown(Exception):
    """No asset has that name; says which come near."""


def open_scope(asset: str = "") -> Scope:
    """Everything that is declared, and the instance that the UI shows.

    Args:
        asset: dotted or slashed key, or its last parts; empty for all. With it goes all that it hangs on.

    Raises:
        AssetUnknown: with the nearest.
    """
    definitions = defs()
    assets = asset_facts(definitions)
    only = upstream_of(assets, find_asset(assets, asset)) if asset else None
    return Scope(
        open_instance(), definitions, Lake.current(), assets, find_topics(), find_sources(), only, datetime.now(UTC)
    )


def find_asset(assets: Mapping[str, AssetFacts], name: str) -> str:
    """The key of the asset that is meant.

    Raises:
        AssetUnknown: none is, or several are.
    """
    dotted = name.strip("/").replace("/", ".")
    fitting = [key for key in assets if key == dotted] or [key for key in assets if key.endswith(f".{dotted}")]
    made = [key for key in fitting if assets[key].is_made] or fitting
    if len(made) == 1:
        return made[0]
    if made:
        raise AssetUnknown(f"Several assets are called {name!r}: {', '.join(sorted(made))}. Name one of them in full.")
    words = {key: key for key in assets} | {key.rpartition(".")[2]: key for key in assets}
    raise AssetUnknown(f"There is no asset {name!r}{did_you_mean(dotted, sorted(words)) or '.'}")


def upstream_of(assets: Mapping[str, AssetFacts], key: str) -> frozenset[str]:
    """An asset and everything that it is made from, at any distance."""
    found: set[str] = set()
    waiting = [key]
    while waiting:
        one = waiting.pop()
        if one in assets and one not in found:
            found.add(one)
            waiting.extend(assets[one].upstream)
    return frozenset(found)
