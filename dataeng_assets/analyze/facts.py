"""What is known of tables: sizes, files, layout, keys and statistics of columns.

Reading them from the lake, from Postgres or from contracts belongs in `evidence`; a rule that needs a fact that is not
known stays silent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ColumnFacts:
    """What is known of a column; None is not known.

    Attributes:
        type: as the source names it, lower-case.
        distinct: number of different values.
        null_share: share of NULLs, 0 to 1.
        most_common_share: share of rows that hold the most common value, 0 to 1.
    """

    type: str = ""
    nullable: bool | None = None
    distinct: int | None = None
    null_share: float | None = None
    minimum: str | None = None
    maximum: str | None = None
    is_unique: bool | None = None
    most_common_share: float | None = None


@dataclass(frozen=True)
class TableFacts:
    """What is known of a table; None and empty are not known.

    Attributes:
        indexes: the columns of each index, in order.
        keys: sets of columns that are unique together.
        columns: by lower-case name.
        source: where it is known from, such as `Delta log` or `contract`.
    """

    name: str
    rows: int | None = None
    bytes: int | None = None
    files: int | None = None
    partition_columns: tuple[str, ...] = ()
    clustered_by: tuple[str, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    keys: tuple[frozenset[str], ...] = ()
    columns: Mapping[str, ColumnFacts] = field(default_factory=dict)
    source: str = ""

    def column(self, name: str) -> ColumnFacts | None:
        """The column of that name, whatever its case."""
        return self.columns.get(name.lower())

    def is_unique(self, columns: frozenset[str]) -> bool | None:
        """Whether no two rows agree in all of these columns; None when neither keys nor columns tell."""
        lowered = {name.lower() for name in columns}
        if any(key <= lowered for key in self.keys):
            return True
        told = [one.is_unique for name in lowered if (one := self.columns.get(name)) is not None]
        if any(told):
            return True
        return False if self.keys or (told and None not in told) else None


class Facts:
    """Tables by name; looked up by as many last parts of a name as are given."""

    def __init__(self, tables: Mapping[str, TableFacts] | None = None) -> None:
        """Take tables by their dotted lower-case names, such as `bronze.shop.orders`."""
        self.tables = {name.lower(): facts for name, facts in (tables or {}).items()}

    def of(self, name: str) -> TableFacts | None:
        """The one table whose name ends in these parts, or whose last parts end this name; None when not one alone."""
        wanted = name.lower().split(".")
        for length in range(len(wanted), 0, -1):
            last = wanted[-length:]
            found = [facts for known, facts in self.tables.items() if known.split(".")[-length:] == last]
            if len(found) == 1:
                return found[0]
        return None

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return bool(self.tables)
