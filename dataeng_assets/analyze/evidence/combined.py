"""Facts of several sources as one: of each table what the source that knows it best says, filled up by the others."""

from collections.abc import Sequence
from dataclasses import replace

from dataeng_assets.analyze.facts import ColumnFacts, Facts, TableFacts


def combined(sources: Sequence[Facts]) -> Facts:
    """All tables of all sources; where two know one by the same name, the first source's word stands."""
    tables: dict[str, TableFacts] = {}
    for source in sources:
        for name, facts in source.tables.items():
            known = next((other for other in tables if _is_same(other, name)), None)
            if known is None:
                tables[name] = facts
            else:
                tables[known] = _filled(tables[known], facts)
    return Facts(tables)


def _is_same(one: str, other: str) -> bool:
    shorter, longer = sorted((one.split("."), other.split(".")), key=len)
    return longer[-len(shorter) :] == shorter


def _filled(first: TableFacts, second: TableFacts) -> TableFacts:
    columns = dict(first.columns)
    for name, facts in second.columns.items():
        columns[name] = _filled_column(columns[name], facts) if name in columns else facts
    return replace(
        first,
        rows=first.rows if first.rows is not None else second.rows,
        bytes=first.bytes if first.bytes is not None else second.bytes,
        files=first.files if first.files is not None else second.files,
        partition_columns=first.partition_columns or second.partition_columns,
        indexes=first.indexes or second.indexes,
        keys=first.keys or second.keys,
        columns=columns,
        source=", ".join(dict.fromkeys(part for part in (first.source, second.source) if part)),
    )


def _filled_column(first: ColumnFacts, second: ColumnFacts) -> ColumnFacts:
    unknown = {name: value for name, value in vars(second).items() if getattr(first, name) in (None, "")}
    return replace(first, **unknown)
