"""What is extracted, as `extraction.yaml` says. Where servers are and how one logs in never stands there."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Column:
    """A column as its contract has it.

    Attributes:
        name: in the source and in the destination.
        type: as the source's catalog prints it, or as the contract of the topic or file names it.
        required: whether every row must have a value.
        enum: whether the type is an enum of the source, whose labels are carried as text.
    """

    name: str
    type: str
    required: bool = False
    enum: bool = False


@dataclass(frozen=True)
class Table:
    """A table to extract.

    Attributes:
        schema: in the source; empty where the source has none.
        mode: `incremental` reads what may have changed since the last run, `full` reads the whole table.
        watermark: the column that says when a row last changed; None for a table that is read whole.
        key: the columns that identify a row.
        max_vanished: of a table that is read whole, the largest share of its rows that may vanish between two runs.
        options: what only this source knows, such as a topic's or folder's name.
    """

    name: str
    schema: str
    mode: str
    watermark: str | None
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    max_vanished: float = 0.2
    options: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Config:
    """All of `extraction.yaml`.

    Attributes:
        name: of the pipeline.
        target_schema: the schema, dataset or folder in the destination.
    """

    name: str
    target_schema: str
    tables: tuple[Table, ...]

    def table(self, name: str) -> Table:
        """The table of that name.

        Raises:
            KeyError: there is none.
        """
        return {table.name: table for table in self.tables}[name]


def read_config(path: Path) -> Config:
    """Read `extraction.yaml`.

    Raises:
        TypeError: it has a word that is not known, or lacks one that is needed.
    """
    document = yaml.safe_load(path.read_text("utf-8"))
    return Config(
        document["name"],
        document["target_schema"],
        tuple(_table(name, said) for name, said in document["tables"].items()),
    )


def _table(name: str, said: dict[str, Any]) -> Table:
    columns = tuple(Column(**column) for column in said["columns"])
    return Table(name=name, **{**said, "columns": columns, "key": tuple(said["key"])})
