"""Addresses of tables in a database: `DATABASE#schema.table`, with names in double quotes where they hold a dot."""

import re

from dataeng_assets.quality.inputs.opened import SAFE, InputUnreadable

_NAME = r'(?:"((?:[^"]|"")+)"|([^".]+))'
_TABLE = re.compile(rf"(?:{_NAME}\.)?{_NAME}")


def split_address(where: str, example: str) -> tuple[str, str | None, str]:
    """Database, schema if it is named, and table.

    Raises:
        InputUnreadable: no table is named; says how it is written.
    """
    database, _, table = where.rpartition("#")
    found = _TABLE.fullmatch(table)
    if not database or found is None:
        # what stands before the sign may hold a password
        raise InputUnreadable(
            f"The address of the database names no table. {SAFE} Write it after a number sign, as in `{example}`, in "
            "quotes for the shell."
        )
    schema_quoted, schema, name_quoted, name = found.groups()
    return database, _plain(schema_quoted, schema), _plain(name_quoted, name) or ""


def _plain(in_quotes: str | None, bare: str | None) -> str | None:
    return in_quotes.replace('""', '"') if in_quotes else bare
