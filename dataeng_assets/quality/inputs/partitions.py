"""Folders whose names hold a value (`day=2026-01-31/…`): the values as columns, as every engine that writes them reads.

They are text, because a folder's name is. Delta tables keep theirs in the log: `delta`.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dataeng_assets.contracts.checks.sql import literal, quoted
from dataeng_assets.quality.inputs.opened import SAFE, Held, Input, InputColumn, InputUnreadable, folded, shown

_NULL = "__HIVE_DEFAULT_PARTITION__"


def with_partitions(opened: Input, folder: Path, paths: Sequence[Path]) -> Input:
    """The input with a column for each value in the names of the folders below the one that was asked for.

    A column that the files have themselves is theirs.

    Raises:
        InputUnreadable: not every file lies in folders of the same names.
    """
    keys = _keys(folder, paths[0])
    for path in paths:
        if _keys(folder, path) != keys:
            opened.close()
            raise InputUnreadable(
                f"{opened.name}: {path} lies in folders for other columns than {paths[0]} "
                f"({_listed(_keys(folder, path))} and {_listed(keys)}). {SAFE} Name a folder whose files lie alike."
            )
    taken = {folded(name) for name in (*(column.name for column in opened.columns), *opened.position)}
    new = [key for key in keys if folded(key) not in taken]
    if not new:
        return opened
    below = f"substr({quoted(opened.position[0])}, {len(str(folder)) + 1})"
    values = [f"{_value(below, key)} as {quoted(key)}" for key in new]
    relation = f"(select *, {', '.join(values)} from {opened.relation})"
    columns = (*opened.columns, *(InputColumn(key, "VARCHAR", Held.TEXT) for key in new))
    return replace(opened, relation=relation, columns=columns)


def _keys(folder: Path, path: Path) -> tuple[str, ...]:
    parts = path.relative_to(folder).parts[:-1]
    return tuple(dict.fromkeys(part.partition("=")[0] for part in parts if part.find("=") > 0))


def _value(path_sql: str, key: str) -> str:
    pattern = literal(f".*/{re.escape(key)}=([^/]*)/")
    return f"nullif(nullif(url_decode(regexp_extract({path_sql}, {pattern}, 1)), ''), '{_NULL}')"


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(map(shown, keys)) or "none"
