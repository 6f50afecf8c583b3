"""Source tables by their name, as `defs/` declares them, for commands that run outside of Dagster."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from dataeng_assets.components.postgres_tables import PostgresTablesComponent
from dataeng_assets.contracts.load import load_contracts
from dataeng_assets.extract.plan import SourceTable
from dataeng_assets.settings import ROOT


def find_table(name: str, defs_folder: Path = ROOT / "dataeng_assets" / "defs") -> SourceTable:
    """A source table by its bronze table's dotted key, by that without `bronze.`, or by its own name if one has it.

    Raises:
        LookupError: no table of that name is declared, or several are; names those that are.
    """
    tables = {".".join(table.key): table for table in _declared(defs_folder)}
    fitting = [key for key in tables if key == name or key.endswith(f".{name}")]
    if len(fitting) == 1:
        return tables[fitting[0]]
    said = f"Several tables are called {name!r}" if fitting else f"No table {name!r} is declared below {defs_folder}"
    raise LookupError(f"{said}. Declared: {', '.join(key.removeprefix('bronze.') for key in tables) or 'none'}.")


@dataclass(frozen=True)
class PostgresSource:
    """A Postgres source as it is declared: its name, the variable that holds its address, and its tables."""

    name: str
    url_variable: str
    tables: Sequence[SourceTable]


def find_sources(defs_folder: Path = ROOT / "dataeng_assets" / "defs") -> list[PostgresSource]:
    """The declarations of all Postgres sources, with their tables."""
    found = []
    for path in sorted(defs_folder.glob("*/defs.yaml")):
        declaration = yaml.safe_load(path.read_text())
        if str(declaration.get("type", "")).endswith(PostgresTablesComponent.__name__):
            component = PostgresTablesComponent.model_validate(declaration["attributes"])
            tables = component.source_tables(load_contracts(path.parent / "contracts"))
            found.append(PostgresSource(component.source, component.url_variable, tables))
    return found


def _declared(defs_folder: Path) -> Iterator[SourceTable]:
    for source in find_sources(defs_folder):
        yield from source.tables
