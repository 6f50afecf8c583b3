"""Where tables lie, opening them and making them.

A lake is a URI with storage options; a local folder is one kind of URI. A table's path is its key. Writing rows belongs
in `append` and `replace`, comparing schemas in `strict`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.fs as pafs
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.fs import DeltaStorageHandler
from deltalake.schema import Field
from deltalake.schema import Schema as DeltaSchema

from dataeng_assets.lake.evolve import evolution
from dataeng_assets.lake.strict import Difference, SchemaDiffers, table_schema
from dataeng_assets.settings import Settings

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_ATTEMPTS = 5
_FORGETS = "delta.setTransactionRetentionDuration"


class LakeRefused(Exception):
    """An address at which a lake cannot lie."""

    retryable = False


class TableMissing(Exception):
    """No table lies at a key, or it never had the version that was asked for."""


class ForgetfulTable(Exception):
    """A table whose properties let it forget its progress, so that a stream would be written twice."""

    retryable = False


@dataclass(frozen=True)
class Lake:
    """The place of all tables.

    Attributes:
        uri: a folder, or the URI of a bucket and prefix, without a slash at its end.
        options: storage options as delta-rs names them; secrets among them are never shown.

    Raises:
        LakeRefused: the path holds what looks like an escape, such as `%20`.
    """

    uri: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def current(cls) -> Self:
        """The lake that the settings name, as they are now."""
        settings = Settings.load()
        return cls(settings.lake_uri, settings.lake_options)

    def __post_init__(self) -> None:
        # delta-rs decodes such a path twice and then looks for the table in another folder
        if _ESCAPE.search(str(self.folder or self.uri)):
            raise LakeRefused(
                f"The lake {self.uri} has a percent sign before two hex digits in its path, which delta-rs reads as "
                "another path. Nothing was read or written. Rename the folder, or set DATAENG_LAKE to another one."
            )

    def at(self, key: Sequence[str]) -> str:
        """The URI of a table.

        Raises:
            ValueError: a part of the key is not made of letters, digits and underscores.
        """
        for part in key:
            if not _PART.fullmatch(part):
                raise ValueError(f"{part!r} in the key {tuple(key)} is no table name: use letters, digits, underscores")
        if not key:
            raise ValueError("a table needs a key, such as ('bronze', 'shop', 'orders')")
        return "/".join([self.uri.rstrip("/"), *key])

    def exists(self, key: Sequence[str]) -> bool:
        """Whether a table lies at the key."""
        return DeltaTable.is_deltatable(self.at(key), dict(self.options))

    def tables(self, prefix: Sequence[str] = ()) -> list[tuple[str, ...]]:
        """The keys of all tables, or of those below a prefix, in order. Reads the listing only, no table's log."""
        if self.folder is not None and not self.folder.is_dir():
            return []
        listing = pafs.PyFileSystem(DeltaStorageHandler(self.uri.rstrip("/") + "/", dict(self.options)))
        return sorted(_tables_below(listing, tuple(prefix)))

    @property
    def folder(self) -> Path | None:
        """The local folder, or None when the lake is an object store."""
        if self.uri.startswith("file://"):
            return Path(unquote(urlsplit(self.uri).path))
        return None if "://" in self.uri else Path(self.uri)

    def open(self, key: Sequence[str], version: int | None = None) -> DeltaTable:
        """A fresh handle on a table, at its newest version or the one given.

        What is read from this handle and then written through it is guarded against every other writer.

        Raises:
            TableMissing: with the address and the next step.
        """
        uri = self.at(key)
        try:
            return DeltaTable(uri, version=version, storage_options=dict(self.options))
        except (TableNotFoundError, DeltaError) as error:
            if version is not None and self.exists(key):
                raise TableMissing(
                    f"{'.'.join(key)} at {uri} has no version {version} any more, or not yet ({error}). Nothing was "
                    "read. Ask for a version that `dataeng` lists for the table, or for the newest."
                ) from error
            if self.exists(key):
                raise
            raise TableMissing(
                f"No table {'.'.join(key)} lies at {uri}. Nothing was read. "
                "Materialize it first, or correct DATAENG_LAKE."
            ) from error

    def create(
        self,
        key: Sequence[str],
        schema: pa.Schema,
        *,
        partition_by: Sequence[str] = (),
        change_feed: bool = False,
        description: str = "",
    ) -> DeltaTable:
        """A handle on the table with this schema, made when it is not there yet.

        A table that is there gets the nullable columns it lacks, at its end, and lets be empty what the schema does. A
        column that the table lets be empty and the schema does not is fine: the rows to come are stricter.

        Raises:
            SchemaDiffers: it differs in any other way; names each column with what was found and what is expected.
            ForgetfulTable: it has a property that lets it forget its progress.
        """
        if not self.exists(key):
            try:
                return DeltaTable.create(
                    self.at(key),
                    DeltaSchema.from_arrow(schema),
                    partition_by=list(partition_by),
                    name=".".join(key),
                    description=description or None,
                    configuration={"delta.enableChangeDataFeed": "true"} if change_feed else None,
                    storage_options=dict(self.options),
                )
            except DeltaError:
                if not self.exists(key):
                    raise
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._evolved(key, schema, tuple(partition_by), change_feed=change_feed)
            except DeltaError:
                continue  # somebody else has just changed the table, perhaps in the same way
        return self._evolved(key, schema, tuple(partition_by), change_feed=change_feed)

    def _evolved(
        self, key: Sequence[str], schema: pa.Schema, partition_by: tuple[str, ...], *, change_feed: bool
    ) -> DeltaTable:
        table = self.open(key)
        settings = table.metadata()
        if _FORGETS in settings.configuration:
            raise ForgetfulTable(
                f"{'.'.join(key)} at {self.at(key)} has the property {_FORGETS}: it would forget how far each source "
                "was read, and rows would be written twice. Nothing was written. Remove the property with the tool "
                "that set it."
            )
        needed = evolution(table_schema(table), schema)
        problems = list(needed.problems)
        if tuple(settings.partition_columns) != partition_by:
            problems.append(Difference("the partitioning", _by(settings.partition_columns), _by(partition_by)))
        if change_feed and settings.configuration.get("delta.enableChangeDataFeed") != "true":
            problems.append(Difference("the change feed", "off", "on"))
        if problems:
            raise SchemaDiffers(".".join(key), self.at(key), problems)
        if not needed.is_needed:
            return table
        for name in needed.relaxed:
            table.alter.drop_column_not_null(name)
        if needed.added:
            table.alter.add_columns([Field.from_arrow(column) for column in needed.added])
        return self.open(key)


def _by(columns: Sequence[str]) -> str:
    return f"by {', '.join(columns) or 'nothing'}"


def _tables_below(listing: pafs.FileSystem, prefix: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    folders = [
        info.base_name
        for info in listing.get_file_info(pafs.FileSelector("/".join(prefix), allow_not_found=True))
        if info.type == pafs.FileType.Directory
    ]
    if "_delta_log" in folders:
        yield prefix
        return
    for name in folders:
        yield from _tables_below(listing, (*prefix, name))
