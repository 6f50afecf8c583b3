"""What the ledger keeps fresh: every dbt model and everything published, with what touches it.

Read from the dbt manifest alone. Which days are touched is declared by a daily model as SQL (`meta.dataeng.touched`);
everything else follows from lineage.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Key = tuple[str, ...]

DEFINITION = "definition"
"""The source of an entry that says: the definition of a view, or of a table made from nothing, changed. Its version is
always 0."""

CALENDAR = "calendar"
"""The source of an entry that says: a day has begun. Its version is the day's ordinal number."""

RELEASED = "released"
"""The source of an entry that says: days below are free that were doubted. Its version is the moment, in microseconds.
"""


@dataclass(frozen=True)
class Target:
    """One asset that the ledger may ask for.

    Attributes:
        key: its asset key.
        daily: whether it has daily partitions; else it is rebuilt as a whole.
        view: whether it holds no rows; then it runs with what it feeds, and when its definition changes.
        touched: bronze table, dotted -> SQL that yields the touched days in a column `day`; None touches the whole.
        reads: the bronze tables whose rows it reads itself, or through views; of other tables, it reads what is made.
        ancestors: keys of all targets that it is made from.
        checksum: of the definition.
        every_day: whether each day is touched when it begins: a periodic snapshot has rows on days without a change.
    """

    key: Key
    daily: bool
    view: bool
    touched: Mapping[str, str | None] = field(default_factory=dict)
    ancestors: frozenset[Key] = frozenset()
    reads: frozenset[str] = frozenset()
    checksum: str = ""
    every_day: bool = False

    @property
    def by_definition(self) -> bool:
        """Whether its own definition is what touches it."""
        return self.view or not self.touched

    @property
    def name(self) -> str:
        """The dotted key, as entries carry it."""
        return ".".join(self.key)

    def mapping(self, source: str) -> str:
        """Identifies what decides which days a source touches; a changed mapping is another one, and starts anew."""
        said = self.checksum if source == DEFINITION else source if source == CALENDAR else str(self.touched[source])
        return hashlib.sha256(said.encode()).hexdigest()[:12]

    def application(self, source: str) -> str:
        """Application id of what is covered of one source."""
        return f"v1/{self.name}/{self.mapping(source)}/{source}"


@dataclass(frozen=True)
class Targets:
    """All targets of a project, in the order in which they are built."""

    all: tuple[Target, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Target]:
        """Targets by dotted key."""
        return {target.name: target for target in self.all}

    @cached_property
    def sources(self) -> frozenset[str]:
        """Dotted names of all bronze tables that touch a target."""
        return frozenset(source for target in self.all for source in target.touched)


def model_key(node: Mapping[str, Any]) -> Key:
    """Asset key of a model or a source: a source is keyed as its lake table, a model by its layer and name."""
    declared = node.get("meta", {}).get("dagster", {}).get("asset_key")
    return tuple(declared) if declared else (node["fqn"][1], node["name"])


def gold_key(node: Mapping[str, Any]) -> Key:
    """Asset key of what is published of a model."""
    return ("gold", node["name"])


def is_daily(node: Mapping[str, Any]) -> bool:
    """Whether a model has daily partitions."""
    return "daily" in node["tags"]


def is_view(node: Mapping[str, Any]) -> bool:
    """Whether a model holds no rows of its own."""
    return bool(node["config"].get("materialized") == "view")


def declared(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a model says to the platform: `meta.dataeng`."""
    said: Mapping[str, Any] = node.get("config", {}).get("meta", {}).get("dataeng", {})
    return said


def read_targets(manifest: Mapping[str, Any]) -> Targets:
    """Read the targets from a dbt manifest.

    Raises:
        ValueError: a daily model says nothing of which days are touched, and nor does any model it is made from.
    """
    models = {unique: node for unique, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    made: dict[str, Target] = {}
    for unique in _in_order(models):
        made[unique] = _model_target(models[unique], manifest, made)
    published = [_gold_target(models[unique], target) for unique, target in made.items()
                 if declared(models[unique]).get("published")]  # fmt: skip
    return Targets((*made.values(), *published))


def _in_order(models: Mapping[str, Any]) -> Iterable[str]:
    done: set[str] = set()

    def visit(unique: str) -> Iterable[str]:
        if unique in done or unique not in models:
            return
        done.add(unique)
        for parent in models[unique]["depends_on"]["nodes"]:
            yield from visit(parent)
        yield unique

    for unique in sorted(models):
        yield from visit(unique)


def _model_target(node: Mapping[str, Any], manifest: Mapping[str, Any], made: Mapping[str, Target]) -> Target:
    parents = node["depends_on"]["nodes"]
    above = [made[parent] for parent in parents if parent in made]
    sources = {".".join(model_key(manifest["sources"][parent])) for parent in parents if parent in manifest["sources"]}
    return Target(
        key=model_key(node),
        daily=is_daily(node),
        view=is_view(node),
        touched=_touched(node, above, sources),
        ancestors=frozenset(key for target in above for key in (target.key, *target.ancestors)),
        reads=frozenset(sources).union(*(target.reads for target in above if target.view)),
        checksum=node["checksum"]["checksum"],
        every_day=is_daily(node) and _is_every_day(node, above),
    )


def _is_every_day(node: Mapping[str, Any], above: Iterable[Target]) -> bool:
    said: bool | None = declared(node).get("every_day")
    return any(target.every_day for target in above) if said is None else said


def _touched(node: Mapping[str, Any], above: Iterable[Target], sources: Iterable[str]) -> Mapping[str, str | None]:
    said = declared(node).get("touched")
    if said:
        return dict(said)
    if not is_daily(node):
        return dict.fromkeys((*sources, *(source for target in above for source in target.touched)))
    inherited: dict[str, str | None] = {}
    for target in above:
        for source, sql in target.touched.items() if target.daily else ():
            other = inherited.get(source, sql)
            inherited[source] = sql if other == sql else f"({other}) union ({sql})"
    if not inherited:
        raise ValueError(
            f"The daily model {node['name']} does not say which days a change touches, and it is made from no daily "
            f"model. Declare config.meta.dataeng.touched in its YAML: bronze table -> SQL with a column `day`."
        )
    return inherited


def _gold_target(node: Mapping[str, Any], model: Target) -> Target:
    return Target(
        key=gold_key(node),
        daily=model.daily,
        view=False,
        touched=model.touched,
        ancestors=model.ancestors | {model.key},
        checksum=model.checksum,
        every_day=model.every_day,
    )
