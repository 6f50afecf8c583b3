"""The statements that load one table: made again, staged, merged by key, proven, and noted as progress.

Each may be run again: a row that has not changed is not written. What stands as `:name` is filled in when it runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dataeng_assets.generate.pipeline import Table
from dataeng_assets.generate.request import Destination
from dataeng_assets.generate.warehouse.naming import literal, quoted
from dataeng_assets.generate.warehouse.types import type_name

PROGRESS = "_extraction_progress"
# systems in which a staging table lasts as long as the session
_TEMPORARY = {
    Destination.DUCKDB: "CREATE OR REPLACE TEMPORARY TABLE",
    Destination.POSTGRES: "CREATE TEMPORARY TABLE",
    Destination.SNOWFLAKE: "CREATE OR REPLACE TEMPORARY TABLE",
    Destination.REDSHIFT: "CREATE TEMPORARY TABLE",
}


@dataclass(frozen=True)
class Load:
    """Makes the statements for one table.

    Attributes:
        schema: the schema or dataset in the destination.
    """

    table: Table
    schema: str
    destination: Destination

    def statements(self) -> Mapping[str, str]:
        """All of them, by name; each is one statement but `create` and `stage`, which may be several."""
        made = {
            "create": self.create(),
            "stage": self.stage(),
            "doubled": f"SELECT count(*) FROM (SELECT {self.key()} FROM {self.staged} GROUP BY {self.key()} "
            "HAVING count(*) > 1) AS doubled",
            "staged": f"SELECT count(*) FROM {self.staged}",
            "merge": self.merge(),
            "differing": f"SELECT count(*) FROM (SELECT {self.columns()} FROM {self.staged} "
            f"{self.minus()} SELECT {self.columns()} FROM {self.target}) AS differing",
            "claim": f"UPDATE {self.progress} SET claims = claims + 1 WHERE table_name = {self.literal()}",
            "claimed": f"SELECT extracted_at FROM {self.progress} WHERE table_name = {self.literal()}",
            "position": f"SELECT extracted_at, position FROM {self.progress} WHERE table_name = {self.literal()}",
            "progress": f"UPDATE {self.progress}\nSET extracted_at = :extracted_at, position = :position, "
            f"row_count = :row_count\nWHERE table_name = {self.literal()}",
        }
        if loads := self.load():
            made["load"] = loads
        if self.destination is Destination.SNOWFLAKE:
            made["put"] = f"PUT :file @{self.stage_place()} AUTO_COMPRESS = FALSE OVERWRITE = TRUE"
        if not self.table.watermark:
            vanished = f"FROM {self.target} AS t\nWHERE NOT EXISTS (\n  SELECT 1 FROM {self.staged} AS s WHERE "
            made["vanished"] = f"SELECT count(*) {vanished}{self.same_key('s', 't')}\n)"
            made["held"] = f"SELECT count(*) FROM {self.target}"
            made["remove_vanished"] = self._remove_vanished()
        return {name: f"{text};\n" for name, text in made.items()}

    @property
    def target(self) -> str:
        """The table that is loaded."""
        return f"{self.name(self.schema)}.{self.name(self.table.contract.name)}"

    @property
    def staged(self) -> str:
        """The table that the rows stand in before they are merged."""
        stage = self.name(f"_staged_{self.table.contract.name}")
        return stage if self.destination in _TEMPORARY else f"{self.name(self.schema)}.{stage}"

    @property
    def progress(self) -> str:
        """The table of progress, one row per table."""
        return f"{self.name(self.schema)}.{self.name(PROGRESS)}"

    def name(self, name: str) -> str:
        """An identifier of the destination."""
        return quoted(name, self.destination.value)

    def literal(self) -> str:
        """The table's name as a literal."""
        return literal(self.table.contract.name, self.destination.value)

    def key(self) -> str:
        """The key's columns."""
        return ", ".join(self.name(one) for one in self.table.contract.key)

    def columns(self) -> str:
        """All columns, in the contract's order."""
        return ", ".join(self.name(column.name) for column in self.table.contract.columns)

    def same_key(self, left: str, right: str) -> str:
        """Whether two rows are of one key."""
        names = [self.name(one) for one in self.table.contract.key]
        return " AND ".join(f"{left}.{one} = {right}.{one}" for one in names)

    def create(self) -> str:
        """Schema, target and progress, where they are not there yet."""
        kind = {"bigquery": "INT64", "postgres": "bigint"}.get(self.destination.value, "BIGINT")
        text = {"bigquery": "STRING", "databricks": "STRING", "postgres": "text"}.get(
            self.destination.value, "VARCHAR(65535)" if self.destination is Destination.REDSHIFT else "VARCHAR"
        )
        progress = (
            f"CREATE TABLE IF NOT EXISTS {self.progress} (\n  table_name {text} NOT NULL,\n"
            f"  extracted_at {kind} NOT NULL,\n  position {text} NOT NULL,\n  row_count {kind} NOT NULL,\n"
            f"  claims {kind} NOT NULL{self._primary('table_name')}\n)"
        )
        if self.destination is Destination.POSTGRES:
            first = (
                f"INSERT INTO {self.progress} VALUES ({self.literal()}, 0, '{{}}', 0, 0)\n"
                "ON CONFLICT (table_name) DO NOTHING"
            )
        else:
            first = (
                f"INSERT INTO {self.progress} (table_name, extracted_at, position, row_count, claims)\n"
                f"SELECT {self.literal()}, 0, '{{}}', 0, 0\n"
                f"FROM (SELECT 1 AS one) AS once\n"
                f"WHERE NOT EXISTS (SELECT 1 FROM {self.progress} WHERE table_name = {self.literal()})"
            )
        schema = f"CREATE SCHEMA IF NOT EXISTS {self.name(self.schema)}"
        return f"{schema};\n{self.create_target()};\n{progress};\n{first}"

    def create_target(self) -> str:
        """The table that is loaded, where it is not there yet."""
        return f"CREATE TABLE IF NOT EXISTS {self.target} (\n{self._definitions()}{self._primary(self.key())}\n)"

    def stage(self) -> str:
        """An empty staging table."""
        how = _TEMPORARY.get(self.destination, "CREATE OR REPLACE TABLE")
        begin = ending = ""
        if self.destination is Destination.BIGQUERY:
            # no session holds it, so it ends by itself
            ending = "\nOPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 DAY))"
        elif self.destination is Destination.SNOWFLAKE:
            begin = f"USE SCHEMA {self.name(self.schema)};\n"
            ending = f";\nCREATE OR REPLACE TEMPORARY STAGE {self.stage_place()}"
        return f"{begin}{how} {self.staged} (\n{self._definitions()}\n){ending}"

    def stage_place(self) -> str:
        """Snowflake's stage that takes the file."""
        return f"{self.name(self.schema)}.{self.name(f'_files_{self.table.contract.name}')}"

    def load(self) -> str | None:
        """From the staged file into the staging table; None where the client sends the rows."""
        if self.destination is Destination.DUCKDB:
            return f"INSERT INTO {self.staged} BY NAME SELECT * FROM read_parquet(:file)"
        if self.destination is Destination.SNOWFLAKE:
            return (
                f"COPY INTO {self.staged}\nFROM @{self.stage_place()}\n"
                "FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE BINARY_AS_TEXT = FALSE)\n"
                "MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE\nON_ERROR = ABORT_STATEMENT\nPURGE = TRUE"
            )
        if self.destination is Destination.REDSHIFT:
            return f"COPY {self.staged}\nFROM :file\nIAM_ROLE DEFAULT\nFORMAT AS PARQUET"
        if self.destination is Destination.DATABRICKS:
            return (
                f"INSERT INTO {self.staged} ({self.columns()})\n"
                f"SELECT {self.columns()} FROM read_files(:file, format => 'parquet')"
            )
        return None

    def merge(self) -> str:
        """Insert new keys and update changed rows."""
        if self.destination is Destination.POSTGRES:
            return self._upsert()
        names = [self.name(column.name) for column in self.table.contract.columns]
        rest = [self.name(c.name) for c in self.table.contract.columns if c.name not in self.table.contract.key]
        lines = [f"MERGE INTO {self.target} AS t", f"USING {self.staged} AS s", f"ON {self.same_key('t', 's')}"]
        if self.destination is Destination.REDSHIFT:
            # its MERGE knows neither an alias of the target nor a condition after MATCHED, and wants both branches
            target = self.target
            lines = [f"MERGE INTO {target}", f"USING {self.staged} AS s", f"ON {self.same_key(target, 's')}"]
            sets = ", ".join(f"{one} = s.{one}" for one in rest or names)
            lines.append(f"WHEN MATCHED THEN UPDATE SET {sets}")
        elif rest:
            changed = "\n  OR ".join(f"t.{one} IS DISTINCT FROM s.{one}" for one in rest)
            lines.append(f"WHEN MATCHED AND (\n  {changed}\n) THEN UPDATE SET")
            lines.append("  " + ",\n  ".join(f"{one} = s.{one}" for one in rest))
        values = ", ".join(f"s.{one}" for one in names)
        lines.append(f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)})\n  VALUES ({values})")
        return "\n".join(lines)

    def _upsert(self) -> str:
        rest = [self.name(c.name) for c in self.table.contract.columns if c.name not in self.table.contract.key]
        head = (
            f"INSERT INTO {self.target} AS t ({self.columns()})\nSELECT {self.columns()} FROM {self.staged}\n"
            f"ON CONFLICT ({self.key()}) DO "
        )
        if not rest:
            return f"{head}NOTHING"
        sets = ",\n  ".join(f"{one} = excluded.{one}" for one in rest)
        old, new = ", ".join(f"t.{one}" for one in rest), ", ".join(f"excluded.{one}" for one in rest)
        return f"{head}UPDATE SET\n  {sets}\nWHERE ({old}) IS DISTINCT FROM ({new})"

    def _remove_vanished(self) -> str:
        takes_no_alias = self.destination in (Destination.REDSHIFT, Destination.SNOWFLAKE)
        alias, target = ("", self.target) if takes_no_alias else (" AS t", "t")
        return (
            f"DELETE FROM {self.target}{alias}\nWHERE NOT EXISTS (\n"
            f"  SELECT 1 FROM {self.staged} AS s WHERE {self.same_key('s', target)}\n)"
        )

    def _definitions(self) -> str:
        needed = {column.name for column in self.table.contract.columns if not column.nullable}
        needed |= set(self.table.contract.key)
        return ",\n".join(
            f"  {self.name(column.name)} {type_name(column.type, self.destination)}"
            f"{' NOT NULL' if column.name in needed else ''}"
            for column in self.table.contract.columns
        )

    def _primary(self, columns: str) -> str:
        """A primary key where the system holds to it; DuckDB's is checked too eagerly for a merge."""
        return f",\n  PRIMARY KEY ({columns})" if self.destination is Destination.POSTGRES else ""

    def minus(self) -> str:
        """What takes the rows of one query from those of another."""
        return "EXCEPT DISTINCT" if self.destination is Destination.BIGQUERY else "EXCEPT"
