"""How values travel."""

from dataeng_assets.contracts.types import (
    ColumnType,
    event_type,
    event_type_names,
    postgres_type,
    postgres_type_names,
    refused_types,
)
from reference_pages.markdown import table


def types() -> str:
    """The type table."""
    carried = [_carried(name, postgres_type(name.replace("(p,s)", "(12,2)"))) for name in postgres_type_names()]
    carried += [_carried("an enum", postgres_type("enum", ("label",)))]
    carried += [_carried("an array, here bigint[]", postgres_type("bigint[]"))]
    fields = [_carried(name, event_type(name.replace("(p,s)", "(12,2)"))) for name in event_type_names()]
    refused = "\n".join(f"- `{name}`: {reason}." for name, reason in refused_types().items())
    return f"""
# Types

How a value travels. A type that is not here is refused by the column's name, before a file is written: cast it in a
view, and copy the view.

## Postgres

{table(("Postgres", "Delta, as Arrow calls it", "DuckDB"), carried)}

A domain is carried as the type it is made from. Decimals keep precision and scale, up to 38 digits; their row shows
`numeric(12,2)`.

Refused:

{refused}

## Fields of events

{table(("field", "Delta, as Arrow calls it", "DuckDB"), fields)}

Nothing is cast in silence: `"1"` is no `bigint`, and a time without an offset is no `timestamp`. Such a record goes to
the dead letters.
"""


def _carried(name: str, kind: ColumnType) -> tuple[str, str, str]:
    return name, f"`{kind.arrow}`", f"`{kind.duckdb}`"
