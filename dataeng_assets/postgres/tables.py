"""What the catalog says of all tables of a schema: keys, comments, labels of enums, who may read them.

For discovering a source. What one table's columns are belongs in `catalog`, what becomes of it all in
`extract.discover`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg

from dataeng_assets.postgres.catalog import TableFacts, table_facts
from dataeng_assets.postgres.errors import SourceRefused, translated


@dataclass(frozen=True)
class Description:
    """A table with what its owner has said of it.

    Attributes:
        facts: kind, columns, what is unique.
        primary_key: its columns in the order of the key; empty when none is declared.
        comment: of the table; empty when there is none.
        comments: of columns, by name.
        labels: of columns whose type is an enum or a list of one, by name, in order.
        readable: whether the role may SELECT from it.
    """

    facts: TableFacts
    primary_key: tuple[str, ...]
    comment: str
    comments: Mapping[str, str]
    labels: Mapping[str, tuple[str, ...]]
    readable: bool


# Partitions are rows of their parent; what an extension brought along is the extension's.
_TABLES = """
SELECT c.relname::text, c.oid, has_table_privilege(c.oid, 'SELECT'), coalesce(obj_description(c.oid, 'pg_class'), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
  )
ORDER BY c.relname
"""

_PRIMARY_KEY = """
SELECT a.attname::text
FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY k (attnum, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = %(oid)s AND i.indisprimary AND k.place <= i.indnkeyatts
ORDER BY k.place
"""

_COMMENTS = """
SELECT a.attname::text, col_description(a.attrelid, a.attnum)
FROM pg_attribute a
WHERE a.attrelid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped
  AND col_description(a.attrelid, a.attnum) IS NOT NULL
"""

_LABELS = """
WITH RECURSIVE based AS (
  SELECT a.attname::text AS name, a.atttypid AS type
  FROM pg_attribute a WHERE a.attrelid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT b.name, t.typbasetype FROM based b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd'
)
SELECT b.name, array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
FROM based b JOIN pg_type t ON t.oid = b.type JOIN pg_enum e ON e.enumtypid IN (t.oid, nullif(t.typelem, 0))
GROUP BY b.name
"""

_SCHEMAS = """
SELECT nspname::text FROM pg_namespace
WHERE nspname <> 'information_schema' AND nspname !~ '^pg_' AND has_schema_privilege(oid, 'USAGE')
ORDER BY nspname
"""


def describe_tables(connection: psycopg.Connection, schema: str, only: Sequence[str] = ()) -> tuple[Description, ...]:
    """Look up all tables of a schema, or some; no row of them is read. Views are among them, partitions are not.

    Raises:
        SourceRefused: there is no such schema for the role, or one of the tables asked for is not in it.
    """
    with translated(f"looking up the tables of {schema} in the catalog"):
        schemas = [name for (name,) in connection.execute(_SCHEMAS)]
        if schema not in schemas:
            raise SourceRefused(
                f"There is no schema {schema} that this role may use. Nothing was read or written. The schemas it may "
                f"use: {', '.join(schemas) or 'none'}. Name one of them, or grant the role USAGE on {schema}."
            )
        found = connection.execute(_TABLES, {"schema": schema}).fetchall()
        missing = [name for name in only if name not in {row[0] for row in found}]
        if missing:
            raise SourceRefused(
                f"There is no table {', '.join(missing)} in {schema}. Nothing was read or written. Its tables: "
                f"{', '.join(row[0] for row in found) or 'none'}; a partition is copied with its parent."
            )
        return tuple(_described(connection, schema, *row) for row in found if not only or row[0] in only)


def _described(
    connection: psycopg.Connection, schema: str, name: str, oid: int, readable: bool, comment: str
) -> Description:
    parameters = {"oid": oid}
    labels = connection.execute(_LABELS, parameters).fetchall()
    return Description(
        facts=table_facts(connection, schema, name),
        primary_key=tuple(column for (column,) in connection.execute(_PRIMARY_KEY, parameters)),
        comment=comment,
        comments=dict(connection.execute(_COMMENTS, parameters).fetchall()),
        labels={column: tuple(values) for column, values in labels},
        readable=readable,
    )
