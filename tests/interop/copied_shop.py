"""A small source with many types, and what a destination holds of it, for the tests of generated DAGs and flows."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from deltalake import DeltaTable
from typer.testing import CliRunner

from dataeng_assets.cli import app

TABLES = {
    "people": "person_id, public_id::text, name, balance, rate, is_vip, picture, tags::text, settings::text, "
    "born, seen_at, updated_at",
    "visits": "person_id, number, place, updated_at",
    "places": "code, label",
}
_READ = {
    "people": TABLES["people"].replace("tags::text", "to_json(tags)::text"),
    "visits": TABLES["visits"],
    "places": TABLES["places"],
}
SCHEMA = """
CREATE SCHEMA crm;
CREATE TYPE crm.mood AS ENUM ('glad', 'sad');
CREATE TABLE crm.people (
  person_id bigint PRIMARY KEY, public_id uuid NOT NULL DEFAULT gen_random_uuid(), name text NOT NULL,
  balance numeric(38,10), rate double precision, is_vip boolean, picture bytea, tags text[], settings jsonb,
  born date, seen_at timestamp, updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE crm.visits (
  person_id bigint, number smallint, place text, updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (person_id, number)
);
CREATE TABLE crm.places (code text PRIMARY KEY, label crm.mood);
INSERT INTO crm.people
SELECT n, gen_random_uuid(), 'Zoë "' || n || E'"\\nand\\\\co', n * 1.0000000001, n / 3.0, n % 2 = 0,
  decode(lpad(to_hex(n), 8, '0'), 'hex'), ARRAY['a', NULL, n::text], '{"a": 1.10}', DATE '1900-02-28' + n,
  TIMESTAMP '2026-01-01 00:00:00.000001' + n * INTERVAL '1 s', now() - n * INTERVAL '1 min'
FROM generate_series(1, 300) n;
INSERT INTO crm.people (person_id, name) VALUES (1000, ''), (1001, 'NULL');
INSERT INTO crm.visits SELECT n, m, 'p' || m, now() FROM generate_series(1, 50) n, generate_series(1, 3) m;
INSERT INTO crm.places VALUES ('p1', 'glad'), ('p2', 'sad'), ('p3', NULL),
  ('p4', 'glad'), ('p5', 'glad'), ('p6', 'sad');
"""


@dataclass(frozen=True)
class Target:
    """A destination.

    Attributes:
        kind: as `--destination` names it.
        address: where it is.
    """

    kind: str
    address: str

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """The rows of a table, in the order of their key."""
        columns = TABLES[table].replace("::text", "")
        if self.kind == "postgres":
            with psycopg.connect(self.address) as connection:
                connection.execute("SET TimeZone = 'UTC'")
                found = connection.execute(f"SELECT {columns} FROM crm.{table}").fetchall()
        elif self.kind == "duckdb":
            with duckdb.connect(self.address, read_only=True) as connection:
                connection.execute("SET TimeZone = 'UTC'")
                found = _tuples(connection.sql(f"SELECT {columns} FROM crm.{table}").to_arrow_table().to_pylist())
        else:
            names = columns.split(", ")
            found = _tuples(DeltaTable(f"{self.address}/crm/{table}").to_pyarrow_table(columns=names).to_pylist())
        return sorted(found, key=str)

    def marks(self) -> Mapping[str, Any]:
        """Something that changes with every write to a row, where the destination has such a thing."""
        if self.kind == "postgres":
            with psycopg.connect(self.address) as connection:
                query = "SELECT array_agg((xmin::text, ctid::text) ORDER BY ctid) FROM crm."
                return {table: connection.execute(query + table).fetchall() for table in TABLES}
        if self.kind == "delta":
            return {table: DeltaTable(f"{self.address}/crm/{table}").version() for table in TABLES}
        return {table: self.rows(table) for table in TABLES}


def source_rows(url: str, table: str) -> list[tuple[Any, ...]]:
    """What the source has now; a list as its JSON text."""
    with psycopg.connect(url) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return sorted(connection.execute(f"SELECT {_READ[table]} FROM crm.{table}").fetchall(), key=str)


@contextmanager
def not_committed_yet(url: str, statement: str) -> Iterator[psycopg.Connection]:
    """A statement in a transaction of its own, which is open until the block ends."""
    with psycopg.connect(url) as connection:
        connection.execute(statement)
        yield connection


def generate(monkeypatch: Any, url: str, *options: str, output: Path) -> None:
    """Run `dataeng generate` for the source."""
    monkeypatch.setenv("CRM_URL", url)
    said = ["generate", "--source", "postgres", "--name", "crm", "--schema", "crm", "--variable", "CRM_URL"]
    result = CliRunner().invoke(app, [*said, *options, "--output", str(output)])
    assert result.exit_code == 0, result.output


def _tuples(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in rows]
