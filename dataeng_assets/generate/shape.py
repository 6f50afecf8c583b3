"""What becomes of a source table in a warehouse: plain names for its columns, and whether it is a fact or a dimension.

A guess from names and types that a person may correct in what was generated. How it is written belongs to each kind.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from dataeng_assets.contracts.model import Column
from dataeng_assets.generate.pipeline import Table

_EVENT = re.compile(
    r"(order|plac|occur|happen|event|paid|pay|sent|ship|start|receiv|book|post|sold|click|request|sign|measur)"
)
_CREATED = re.compile(r"(creat|insert|added|register)")
_MEASURE = re.compile(r"(^|_)(amount|total|quantity|qty|value|paid|cost|net|gross|duration|seconds|count)(_|$)")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_INSTANT = "timestamp with time zone"
_RESERVED = frozenset(
    (
        "all", "and", "any", "array", "as", "asc", "at", "between", "by", "case", "cast", "check", "column", "cross",
        "current", "date", "day", "default", "desc", "distinct", "do", "else", "end", "except", "exists", "false",
        "fetch", "filter", "for", "foreign", "from", "full", "grant", "group", "having", "hour", "if", "in", "index",
        "inner", "insert", "interval", "into", "is", "join", "key", "language", "left", "level", "like", "limit",
        "location", "minute", "mode", "month", "name", "natural", "not", "null", "number", "of", "offset", "on", "only",
        "option", "or", "order", "outer", "over", "owner", "partition", "position", "primary", "range", "rank", "right",
        "role", "row", "rows", "second", "select", "session", "set", "share", "size", "some", "source", "start",
        "state", "status", "system", "table", "tag", "target", "text", "then", "time", "timestamp", "to", "true",
        "type", "union", "unique", "update", "user", "using", "value", "values", "version", "when", "where", "window",
        "with", "without", "year", "zone",
    )
)  # fmt: skip
"""Names that one of the warehouses reserves, or that say nothing outside of their table."""

_ADDED = frozenset(("delivery", "event_date", "is_current", "valid_from", "valid_to"))
"""Columns that the models add."""


class Role(StrEnum):
    """What a table is to those who read the warehouse."""

    FACT = "fact"
    DIMENSION = "dimension"
    STAGED = "staged only"


@dataclass(frozen=True)
class Shaped:
    """A table with its place in the warehouse.

    Attributes:
        table: as the source has it.
        source: what the source is called.
    """

    table: Table
    source: str

    @cached_property
    def names(self) -> dict[str, str]:
        """The plain name of each column: small letters, digits and underscores, none of them reserved or twice."""
        names: dict[str, str] = {}
        for column in self.table.contract.columns:
            plain = plain_name(column.name, self.entity)
            taken = set(names.values())
            same = (f"{plain}_{count}" for count in range(2, len(self.table.contract.columns) + 2))
            names[column.name] = plain if plain not in taken else next(one for one in same if one not in taken)
        return names

    @property
    def model(self) -> str:
        """The table's own name as a part of a model's: small letters, digits and underscores."""
        return "_".join(part for part in _WORDS.split(self.table.name) if part).lower()

    @property
    def entity(self) -> str:
        """What one row is: customer for customers."""
        if self.model.endswith("ies"):
            return self.model.removesuffix("ies") + "y"
        if self.model.endswith(("sses", "xes", "ches", "shes")):
            return self.model.removesuffix("es")
        is_plural = self.model.endswith("s") and not self.model.endswith("ss") and len(self.model) > 3
        return self.model.removesuffix("s") if is_plural else self.model

    @property
    def key(self) -> tuple[str, ...]:
        """The plain names of the key."""
        return tuple(self.names[name] for name in self.table.contract.key)

    @cached_property
    def instant(self) -> Column | None:
        """The column that says when what a row tells of happened, if there is one that is always there."""
        contract = self.table.contract
        if contract.event_time:
            return contract.column(contract.event_time.column)
        candidates = [
            column
            for column in contract.columns
            if str(column.type.arrow) == "timestamp[us, tz=UTC]"
            and not column.nullable
            and column.name != self.table.watermark
        ]
        events = [column for column in candidates if _EVENT.search(column.name.lower())]
        created = [column for column in candidates if _CREATED.search(column.name.lower())]
        return next(iter([*events, *created]), None)

    @property
    def happened(self) -> Column:
        """The `instant` of a fact.

        Raises:
            LookupError: the table has none.
        """
        if self.instant is None:
            raise LookupError(f"{self.table.name} has no column that says when a row happened")
        return self.instant

    @property
    def day(self) -> str:
        """The plain name of the UTC day of `instant`: ordered_day for ordered_at."""
        day = f"{self.names[self.happened.name].removesuffix('_at')}_day"
        return day if day not in self.names.values() else f"utc_{day}"

    @cached_property
    def role(self) -> Role:
        """A fact has an instant and measures or events; a dimension has a key of one column; else it is staged only."""
        contract = self.table.contract
        if contract.event_time:
            return Role.FACT
        if self.instant is not None:
            is_event = bool(_EVENT.search(self.instant.name.lower()))
            refers = any(one.name.lower().endswith("_id") and one.name not in contract.key for one in contract.columns)
            measured = any(_MEASURE.search(one.name.lower()) for one in contract.columns)
            if is_event or (refers and measured):
                return Role.FACT
        one_key = len(contract.key) == 1 and contract.column(contract.key[0]).type.family != "float"
        return Role.DIMENSION if one_key else Role.STAGED


def plain_name(name: str, entity: str) -> str:
    """A column's name as every warehouse takes it without quotes; a reserved one begins with what a row is."""
    plain = "_".join(part for part in _WORDS.split(name) if part).lower() or "column"
    is_taken = plain in _RESERVED or plain in _ADDED or plain == f"{entity}_key"
    return f"{entity}_{plain}" if is_taken or not plain[0].isalpha() else plain
