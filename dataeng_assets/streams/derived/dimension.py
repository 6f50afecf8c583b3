"""The row versions of a dimension, as bronze holds them. From when to when they are valid belongs in `validity`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from dataeng_assets.contracts.checks.sql import listed, quoted
from dataeng_assets.contracts.model import Contract
from dataeng_assets.lake.changes import ChangesGone, changes
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.removals import removals
from dataeng_assets.lake.strict import table_schema
from dataeng_assets.streams.derived.filled import filled
from dataeng_assets.streams.derived.spans import MOMENT

_OWN: "list[pa.Field[Any]]" = [
    pa.field("_op", pa.string()),
    pa.field("_row_hash", pa.int64()),
    pa.field("_extracted_at", MOMENT),
]
_OWN_NAMED = "_op AS op, _row_hash AS hash, epoch_us(_extracted_at) AS extracted"


@dataclass(frozen=True)
class Dimension:
    """A bronze table of row versions that is extracted from a database.

    Attributes:
        key: of the table in the lake.
        contract: of the source's table.
        clock: column that says when the source changed a row; None where it keeps none, so that a version begins when
            it was extracted.
    """

    key: tuple[str, ...]
    contract: Contract
    clock: str | None


@dataclass(frozen=True)
class Versions:
    """The row versions at one version of the table.

    Attributes:
        handle: None where nothing was extracted yet.
    """

    dimension: Dimension
    lake: Lake
    handle: DeltaTable | None

    @classmethod
    def opened(cls, dimension: Dimension, lake: Lake) -> Self:
        """The row versions that there are now."""
        return cls(dimension, lake, lake.open(dimension.key) if lake.exists(dimension.key) else None)

    @property
    def version(self) -> int:
        """The version that is read; -1 where there is none."""
        return -1 if self.handle is None else int(self.handle.version())

    def take(self, connection: duckdb.DuckDBPyConnection, keys: Sequence[str], columns: Sequence[str]) -> None:
        """Make `versions`, as `validity` reads them, of the keys `k0, k1, …` that stand in `wanted`."""
        clock = self.dimension.clock
        told = [f"{quoted(name)} AS v{number}" for number, name in enumerate(columns)]
        told.append(f"epoch_us({quoted(clock)}) AS clock" if clock else "CAST(NULL AS BIGINT) AS clock")
        connection.register("stored", self._read([*keys, *columns, *([clock] if clock else [])]))
        connection.execute(f"""
            CREATE TABLE versions AS
            SELECT * FROM (SELECT {listed([*_named(keys), *told, _OWN_NAMED])} FROM stored)
                SEMI JOIN wanted USING ({numbered(keys)})
            """)
        connection.unregister("stored")

    def take_came(self, connection: duckdb.DuckDBPyConnection, keys: Sequence[str], covered: int) -> None:
        """Make `came`, which row versions came since a version of the table, and `wanted`, their keys.

        Raises:
            ChangesGone: the table no longer tells.
        """
        connection.register("fed", changes(self.lake, self.dimension.key, covered, self.version))
        connection.execute(f"CREATE TABLE came AS SELECT {listed([*_named(keys), _OWN_NAMED])} FROM fed")
        connection.unregister("fed")
        connection.execute(f"CREATE TABLE wanted AS SELECT DISTINCT {numbered(keys)} FROM came")

    def refuse_removed(self, covered: int) -> None:
        """Raise when row versions were removed since a version, so that what came since does not tell all.

        Raises:
            ChangesGone: a person has restored the table, or had rows erased; or its log was cleaned up.
        """
        if self.handle is not None and (found := removals(self.lake, self.handle, covered)):
            raise ChangesGone(
                f"Rows of {'.'.join(self.dimension.key)} were removed in version {found[0].version} "
                f"({found[0].operation}). The rows that are there are right; take every one as changed."
            )

    def _read(self, names: Sequence[str]) -> pa.RecordBatchReader:
        types = {column.name: column.type.arrow for column in self.dimension.contract.columns}
        schema = pa.schema([*(pa.field(name, types[name]) for name in dict.fromkeys(names)), *_OWN])
        if self.handle is None:
            return schema.empty_table().to_reader()
        there = [name for name in table_schema(self.handle).names if name in schema.names]
        return filled(self.handle.to_pyarrow_dataset().scanner(columns=there).to_reader(), schema)


def numbered(keys: Sequence[str]) -> str:
    """The columns of a key, by number."""
    return listed(f"k{number}" for number in range(len(keys)))


def _named(keys: Sequence[str]) -> list[str]:
    return [f"{quoted(name)} AS k{number}" for number, name in enumerate(keys)]
