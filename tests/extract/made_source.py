"""A small source and its bronze, as values that tests of the extract share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg

from dataeng_assets.contracts.checks.kinds import Holds, Length
from dataeng_assets.contracts.checks.rule import Bounds, Quarantine, Rule, Unit
from dataeng_assets.contracts.model import Column, Contract
from dataeng_assets.contracts.types import postgres_type
from dataeng_assets.extract.plan import SourceTable, Window
from dataeng_assets.extract.run import TableReport, extract
from dataeng_assets.lake.location import Lake

# Far ahead, so that a run that follows is bounded by what the last one left, and by nothing else.
AHEAD = datetime.now(UTC) + timedelta(days=1)

ITEMS = (("item_id", "bigint", False), ("value", "text", True), ("updated_at", "timestamp with time zone", False))


def contract(
    name: str,
    columns: Sequence[tuple[str, str, bool]] = ITEMS,
    key: Sequence[str] = ("item_id",),
    enums: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Contract:
    """A contract from names, types and whether NULL is allowed; the labels of its enums by column."""
    return Contract(
        path=Path(f"{name}.yaml"),
        id=name,
        name=name,
        version="1.0.0",
        description=f"{name} of the test",
        owner="team:test",
        domain="shop",
        tags=(),
        columns=tuple(
            Column(c, postgres_type(kind, enums.get(c, ())), kind, nullable, False, c) for c, kind, nullable in columns
        ),
        key=tuple(key),
    )


TREE = (("item_id", "bigint", False), ("value", "text", True))
"""The columns of a table that keeps no clock."""


ANY_NUMBER = Bounds(upper=100, unit=Unit.PERCENT)


def quarantining(described: Contract, *rules: Rule, limit: Bounds = ANY_NUMBER) -> Contract:
    """The contract with rules that set rows aside, any number of them unless a limit is given."""
    return replace(described, rules=rules, quarantine=Quarantine(limit))


SHORT = Rule(Length("value", maximum=1), "short")
LOWER = Rule(Holds("value = lower(value)"), "lower")


def broken_values(count: int) -> list[str]:
    """Texts of which some are too long, or have capitals, or both."""
    return [("a", "bb", "C", "DD", "e")[number % 5] for number in range(count)]


def source_table(described: Contract) -> SourceTable:
    return SourceTable(described, "shop", "updated_at", ("bronze", "shop", described.name))


def whole_table(described: Contract, **rules: Any) -> SourceTable:
    """A table that every run reads whole."""
    return SourceTable(described, "shop", None, ("bronze", "shop", described.name), **rules)


@dataclass
class Shop:
    """A source with a table `items`, and its bronze."""

    url: str
    lake: Lake
    admin: psycopg.Connection
    tables: list[SourceTable]
    run_url: str = ""
    runs: int = 0
    opened: list[psycopg.Connection] = field(default_factory=list)

    def do(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        cursor = self.admin.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []

    def session(self, **settings: Any) -> psycopg.Connection:
        """Another session, in which a transaction begins with the first statement."""
        connection = psycopg.connect(self.url, **settings)
        self.opened.append(connection)
        return connection

    def run_all(
        self, window: Window, on_table: Callable[[TableReport], None] = lambda _: None
    ) -> tuple[TableReport, ...]:
        self.runs += 1
        return extract(
            self.run_url or self.url, self.tables, self.lake, window, run_id=f"run-{self.runs}", on_table=on_table
        )

    def first(self) -> TableReport:
        """Read from the beginning, and follow."""
        return self.run_all(Window(None, None))[0]

    def follow(self, start: datetime = AHEAD) -> TableReport:
        return self.run_all(Window(start, None))[0]

    def reread(self, start: datetime | None, end: datetime) -> TableReport:
        return self.run_all(Window(start, end))[0]

    def bronze(self, name: str = "items") -> list[dict[str, Any]]:
        """All versions, in the order in which they arrived."""
        rows = self.lake.open(("bronze", "shop", name)).to_pyarrow_table().to_pylist()
        return sorted(rows, key=lambda row: (row["_extracted_at"], row.get("item_id")))

    def values(self) -> list[tuple[int, str]]:
        return [(row["item_id"], row["value"]) for row in self.bronze()]

    def newest(self) -> dict[int, tuple[str, datetime]]:
        return {row["item_id"]: (row["value"], row["updated_at"]) for row in self.bronze()}

    def in_source(self) -> dict[int, tuple[str, datetime]]:
        return {key: (value, at) for key, value, at in self.do("SELECT item_id, value, updated_at FROM shop.items")}


KEY, ASIDE = ("bronze", "shop", "items"), ("bronze", "shop", "items_quarantine")


def put(shop: Shop, key: int, value: str | None) -> None:
    """Write a row of `items`, new or not."""
    shop.do(
        "INSERT INTO shop.items (item_id, value) VALUES (%s, %s)"
        " ON CONFLICT (item_id) DO UPDATE SET value = EXCLUDED.value"
        + (", updated_at = clock_timestamp()" if shop.tables[0].watermark else ""),
        key,
        value,
    )


def versions(shop: Shop) -> tuple[int, int]:
    """Of bronze and of its quarantine."""
    return shop.lake.open(KEY).version(), shop.lake.open(ASIDE).version()
