"""What an opened input is: its relation, its columns, how its rows are identified, and what data it was.

Opening belongs in `open`.
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

import pyarrow as pa

SAFE = "Nothing was judged and nothing was changed."


class InputUnreadable(Exception):
    """An input that cannot be read, or not without altering it: what it is, where, what is safe, the next step.

    The message never holds a value of the data.
    """

    retryable = False


class Held(StrEnum):
    """What is known of a column's values before a contract says what they should be."""

    TYPED = "typed"
    """The format has types and this is one."""
    TEXT = "text"
    """The format has text only (CSV), or a type that no other carries exactly; delivered as VARCHAR."""
    JSON = "json"
    """Each value is JSON text of type JSON, numbers digit by digit as written, so that "1" and 1 stay apart. A key that
    is absent and a value `null` are both NULL."""


@dataclass(frozen=True)
class InputColumn:
    """One column.

    Attributes:
        name: as the input has it; quote it in SQL.
        duckdb_type: as the relation delivers it.
        held: what that type says about the values.
        physical: the format's own field where it has types: nullability, decimal scale, timestamp unit and zone, width
            of integers. Layouts of one logical type (dictionary, large_string) are given as that type.
        native: the type as the source itself writes it, such as Postgres' `character varying(20)`; "" if it has none
            apart from `physical`.
    """

    name: str
    duckdb_type: str
    held: Held
    physical: "pa.Field[pa.DataType] | None" = None
    native: str = ""


@dataclass(frozen=True)
class Input:
    """An input that was opened on a connection; use it in `with`, or close it before the connection.

    Attributes:
        name: what people call it: path, glob, table name.
        relation: SQL for after FROM on the connection that it was opened on. It can be read any number of times.
        columns: in the input's own order.
        position: columns of the relation, not among `columns`, that identify a row when there is no key: the file and
            the row in it counted from 1, a Postgres row's place, a DuckDB row's id. Empty when there are none.
        rows: how many, where that is known without a scan.
        bytes: how many are read, where that is known.
        version: what data is judged: a Delta version, when a file was last changed, when a snapshot was taken.
    """

    name: str
    relation: str
    columns: tuple[InputColumn, ...]
    position: tuple[str, ...] = ()
    rows: int | None = None
    bytes: int | None = None
    version: str | None = None
    resources: ExitStack = field(default_factory=ExitStack, repr=False, compare=False)

    def close(self) -> None:
        """Remove what was spilled and let go of what was held; a second time does nothing."""
        self.resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def free_names(columns: Iterable[str], *wanted: str) -> tuple[str, ...]:
    """The names wanted for technical columns, with more underscores before them where the input has such columns."""
    taken = {folded(name) for name in columns}
    prefix = ""
    while any(folded(prefix + name) in taken for name in wanted):
        prefix += "_"
    return tuple(prefix + name for name in wanted)


def folded(name: str) -> str:
    """A name as DuckDB compares it: without the case of A to Z, and of no other letter."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def check_names(where: str, names: Sequence[str]) -> None:
    """Refuse column names that SQL cannot tell apart.

    Raises:
        InputUnreadable: one is empty, or two are equal, be it up to upper and lower case.
    """
    empty = [str(place) for place, name in enumerate(names, start=1) if not name]
    if empty:
        raise InputUnreadable(
            f"{where}: column {', '.join(empty)} has no name. {SAFE} Give it one, or leave it out; pandas writes its "
            "index as such a column unless told `index=False`."
        )
    seen: dict[str, str] = {}
    for name in names:
        if folded(name) in seen:
            twin = seen[folded(name)]
            same = "twice" if twin == name else f"and {shown(twin)}, which differ in upper and lower case only"
            raise InputUnreadable(
                f"{where} has the column {shown(name)} {same}, so a rule could not say which it means. {SAFE} Rename "
                "one of them."
            )
        seen[folded(name)] = name


def shown(name: str) -> str:
    """A column's name in a message: quoted, on one line, and not longer than a line."""
    text = repr(name)
    return text if len(text) <= 80 else f"{text[:60]}…' ({len(name):,} characters)"
