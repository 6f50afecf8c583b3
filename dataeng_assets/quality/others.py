"""The tables beside the one that is judged, by the names that its rules give them."""

from collections.abc import Mapping
from contextlib import ExitStack
from types import MappingProxyType
from typing import Self

import duckdb

from dataeng_assets.quality.inputs.open import open_input
from dataeng_assets.quality.inputs.opened import Input, InputUnreadable
from dataeng_assets.quality.platform import current_rows, platform_key, platform_suite

_NOWHERE: Mapping[str, str] = MappingProxyType({})


class Others:
    """Opens each table once: where it was told to be, else as a table of this platform, in its present rows.

    Args:
        connection: where they are read.
        told: address by name.
        near: key of the table that is judged; of several tables of one name, the one beside it is meant.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, told: Mapping[str, str] = _NOWHERE, near: tuple[str, ...] = ()
    ) -> None:
        self._connection, self._told, self._near = connection, told, near
        self._relations: dict[str, str] = {}
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def relation(self, name: str) -> str:
        """A table for after FROM.

        Raises:
            InputUnreadable: it is nowhere, or cannot be read.
        """
        if name not in self._relations:
            self._relations[name] = self._open(name).relation
        return self._relations[name]

    def _open(self, name: str) -> Input:
        if name in self._told:
            return self._resources.enter_context(open_input(self._told[name], self._connection))
        opened = self._resources.enter_context(self._of_platform(name))
        key = platform_key(opened)
        return current_rows(opened, key, platform_suite(key))

    def _of_platform(self, name: str) -> Input:
        if self._near:
            try:
                return open_input(".".join((*self._near[:-1], name)), self._connection, table=True)
            except InputUnreadable:
                pass
        try:
            return open_input(name, self._connection, table=True)
        except InputUnreadable as unknown:
            raise InputUnreadable(
                f"A rule names the table {name}. Say where it is: --reference {name}=PATH. Without that it was looked "
                f"for among the tables of this platform. {unknown}"
            ) from None
