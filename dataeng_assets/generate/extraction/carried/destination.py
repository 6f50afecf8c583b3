"""What a destination can do, and how a load through SQL is proven before it counts.

The statements are files of the project, in `sql/<table>/`; what differs between systems is in their `to_*` modules.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from .config import Config, Table
from .errors import NotProven, Refused, Superseded
from .progress import Progress, Staged

_PLACEHOLDER = re.compile(r"(?<![:\w]):(file|extracted_at|position|row_count)\b")


@dataclass(frozen=True)
class Loaded:
    """What a load did.

    Attributes:
        rows: how many were staged and are in the table now, each as it was read.
        removed: how many had vanished from the source and were removed.
    """

    rows: int
    removed: int


class Destination(Protocol):
    """Where rows go, and where the progress that they mean is kept."""

    def prepare(self, config: Config) -> None:
        """Make schema and tables that are not there yet."""

    def progress(self, tables: Sequence[str]) -> dict[str, Progress | None]:
        """How far each table has come."""

    def load(self, table: Table, staged: Staged) -> Loaded:
        """Merge staged rows, prove that they are there, then store the progress.

        Raises:
            NotProven: something arrived otherwise than it was read; no progress was stored.
            Superseded: another run has loaded this table since it was read.
        """

    def count(self, statement: str) -> int:
        """The number that a statement gives."""

    def build(self, name: str, select: str, kind: str) -> None:
        """Make a model, a `view` or a `table`, from its SELECT."""

    def close(self) -> None:
        """Let go of the connection."""


class SqlDestination(ABC):
    """A destination that is loaded through the statements in `sql/<table>/`."""

    BEGIN: ClassVar[str | None] = "BEGIN"
    COMMIT: ClassVar[str | None] = "COMMIT"
    ROLLBACK: ClassVar[str | None] = "ROLLBACK"
    # whether the staging table lives in the transaction; elsewhere making a table would end it
    STAGES_INSIDE: ClassVar[bool] = False
    REPLACES: ClassVar[bool] = True
    ESCAPES: ClassVar[bool] = False

    def __init__(self, project: Path, schema: str) -> None:
        self._sql = project / "sql"
        self._schema = schema

    @abstractmethod
    def execute(self, statement: str) -> Sequence[Sequence[Any]]:
        """Run one statement; gives its rows."""

    @abstractmethod
    def fill(self, table: Table, file: str, statements: Mapping[str, str]) -> None:
        """Bring a staged file into the staging table."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the connection."""

    def prepare(self, config: Config) -> None:
        """Make schema and tables that are not there yet."""
        for table in config.tables:
            for statement in self.statements(table.name)["create"].split(";\n"):
                self.execute(statement)

    def progress(self, tables: Sequence[str]) -> dict[str, Progress | None]:
        """How far each table has come."""
        found: dict[str, Progress | None] = {}
        for table in tables:
            extracted_at, position = self.execute(self.statements(table)["position"])[0]
            found[table] = Progress(int(extracted_at), json.loads(position)) if int(extracted_at) else None
        return found

    def load(self, table: Table, staged: Staged) -> Loaded:
        """Merge staged rows, prove that they are there, then store the progress: all in one transaction."""
        statements = self.statements(table.name)
        if not self.STAGES_INSIDE:
            self._stage(table, staged, statements)
        self._say(self.BEGIN)
        try:
            if self.STAGES_INSIDE:
                self._stage(table, staged, statements)
            self._claim(table, staged, statements)
            for statement in statements["merge"].split(";\n"):
                self.execute(statement)
            removed = self._remove_vanished(table, statements) if staged.whole else 0
            self._prove(table, staged, statements)
            self.execute(
                self.filled(
                    statements["progress"],
                    extracted_at=staged.after.extracted_at,
                    position=staged.after.position_text(),
                    row_count=staged.rows,
                )
            )
        except BaseException:
            self._say(self.ROLLBACK)
            raise
        self._say(self.COMMIT)
        return Loaded(staged.rows, removed)

    def count(self, statement: str) -> int:
        """The number that a statement gives."""
        return int(self.execute(statement)[0][0])

    def build(self, name: str, select: str, kind: str) -> None:
        """Make a model from its SELECT; readers see the former one until the new one is whole."""
        place = f"{self._schema}.{name}"
        if kind == "view" or self.REPLACES:
            self.execute(f"CREATE OR REPLACE {kind.upper()} {place} AS\n{select}")
            return
        self._say(self.BEGIN)
        try:
            self.execute(f"DROP TABLE IF EXISTS {place}")
            self.execute(f"CREATE TABLE {place} AS\n{select}")
        except BaseException:
            self._say(self.ROLLBACK)
            raise
        self._say(self.COMMIT)

    def statements(self, table: str) -> dict[str, str]:
        """The statements of a table, by name."""
        return {path.stem: path.read_text("utf-8").strip().removesuffix(";") for path in self._sql.glob(f"{table}/*")}

    def filled(self, statement: str, **values: str | int) -> str:
        """A statement with its placeholders filled in."""

        def value(found: re.Match[str]) -> str:
            given = values[found[1]]
            if isinstance(given, int):
                return str(given)
            text = given.replace("\\", "\\\\") if self.ESCAPES else given
            return "'" + text.replace("'", "\\'" if self.ESCAPES else "''") + "'"

        return _PLACEHOLDER.sub(value, statement)

    def _stage(self, table: Table, staged: Staged, statements: Mapping[str, str]) -> None:
        for statement in statements["stage"].split(";\n"):
            self.execute(statement)
        self.fill(table, staged.file, statements)
        arrived = self.count(statements["staged"])
        if arrived != staged.rows:
            raise NotProven(
                f"Of {table.name} {staged.rows} rows were read and {arrived} staged in the destination. Nothing was "
                "merged. Run again."
            )
        doubled = self.count(statements["doubled"])
        if doubled:
            raise Refused(
                f"{doubled} keys ({', '.join(table.key)}) of {table.name} stand in several rows of the source, so a "
                "merge by key would drop rows. Nothing was merged. Make the key unique in the source, or name the "
                "right one in the contract and generate again."
            )

    def _claim(self, table: Table, staged: Staged, statements: Mapping[str, str]) -> None:
        """Take the table's row of progress, so that another run waits or fails, and see that nobody came between."""
        self.execute(statements["claim"])
        stored = self.count(statements["claimed"])
        # an attempt that was cut off after its commit left the very progress that this one would store
        if stored not in (staged.before or 0, staged.after.extracted_at):
            raise Superseded(
                f"Another run has loaded {table.name} since this one read it. Nothing of this run was written; the "
                "other's rows are safe. Run again from the extraction."
            )

    def _remove_vanished(self, table: Table, statements: Mapping[str, str]) -> int:
        vanished, held = self.count(statements["vanished"]), self.count(statements["held"])
        if vanished > table.max_vanished * held:
            raise Refused(
                f"{vanished} of {held} rows of {table.name} would vanish, more than {table.max_vanished:.0%}, which is "
                "taken for a mistake. Nothing was written. If it is right, raise max_vanished in extraction.yaml."
            )
        if vanished:
            self.execute(statements["remove_vanished"])
        return vanished

    def _prove(self, table: Table, staged: Staged, statements: Mapping[str, str]) -> None:
        differing = self.count(statements["differing"])
        if differing:
            raise NotProven(
                f"After the merge {differing} of {staged.rows} rows of {table.name} are not in the target as they were "
                "read. Nothing was committed. Look for a trigger or a rule on the target."
            )
        if staged.whole and self.count(statements["held"]) != staged.rows:
            raise NotProven(f"{table.name} does not hold as many rows as the source has. Nothing was committed.")

    def _say(self, statement: str | None) -> None:
        if statement:
            self.execute(statement)
