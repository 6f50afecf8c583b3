"""What the source's catalog says about a table: its columns, their types, what is unique.

Whether that agrees with a contract belongs in `extract.agreement`.
"""

from dataclasses import dataclass
from typing import cast

import psycopg

from dataeng_assets.postgres.errors import TableGone, translated

_KINDS = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}


@dataclass(frozen=True)
class TableColumn:
    """A column as the catalog has it.

    Attributes:
        name: its name.
        type: as `format_type` prints it; of a domain the type below it, of an extension's type without the schema.
        nullable: whether NULL may be stored.
    """

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True)
class TableFacts:
    """A table, view or the like as the catalog has it.

    Attributes:
        kind: table, partitioned table, view, materialized view, foreign table.
        columns: in the catalog's order.
        unique: sets of columns that are unique whatever is inserted.
    """

    schema: str
    name: str
    kind: str
    columns: tuple[TableColumn, ...]
    unique: tuple[frozenset[str], ...]

    @property
    def has_row_xmin(self) -> bool:
        """Whether each row tells the transaction that wrote it."""
        return self.kind in ("table", "partitioned table", "materialized view")

    def column(self, name: str) -> TableColumn | None:
        """The column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)


_COLUMNS = """
WITH RECURSIVE based AS (
  SELECT a.attnum, a.attname, a.attnotnull, a.atttypid AS type, a.atttypmod AS typmod
  FROM pg_attribute a WHERE a.attrelid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT b.attnum, b.attname, b.attnotnull OR t.typnotnull, t.typbasetype, t.typtypmod
  FROM based b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd'
)
SELECT b.attname,
  CASE WHEN EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.deptype = 'e'
      AND d.objid IN (t.oid, nullif(t.typelem, 0))
  ) THEN replace(format_type(b.type, b.typmod), quote_ident(n.nspname) || '.', '')
  ELSE format_type(b.type, b.typmod) END,
  NOT bool_or(b.attnotnull) OVER (PARTITION BY b.attnum),
  t.typtype = 'd'
FROM based b JOIN pg_type t ON t.oid = b.type JOIN pg_namespace n ON n.oid = t.typnamespace
ORDER BY b.attnum
"""

# Valid, immediate, over plain columns of the whole table; a nullable column does not keep NULLs apart, which the
# check of required columns sees to.
_UNIQUE = """
SELECT array_agg(a.attname::text)
FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::smallint[])
WHERE i.indrelid = %(oid)s AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL
  AND i.indexprs IS NULL
GROUP BY i.indexrelid, i.indkey, i.indnkeyatts HAVING i.indnkeyatts = count(*)
"""


def table_facts(connection: psycopg.Connection, schema: str, name: str) -> TableFacts:
    """Look a table up in the catalog; nothing of the table itself is read.

    Raises:
        TableGone: there is no such table, or it is something that has no rows.
    """
    with translated(f"looking up {schema}.{name} in the catalog"):
        found = connection.execute(
            "SELECT c.oid, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relname = %s",
            (schema, name),
        ).fetchone()
        if found is None or found[1] not in _KINDS:
            raise TableGone(schema, name)
        parameters = {"oid": found[0]}
        columns = connection.execute(_COLUMNS, parameters).fetchall()
        unique = connection.execute(_UNIQUE, parameters).fetchall()
    return TableFacts(
        schema,
        name,
        _KINDS[found[1]],
        tuple(TableColumn(column, kind, nullable) for column, kind, nullable, is_domain in columns if not is_domain),
        tuple(frozenset(cast("list[str]", names)) for (names,) in unique),
    )
