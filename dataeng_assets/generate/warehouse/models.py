"""The models over loaded tables: staging, and a fact or dimension where a table is one, as SELECTs.

A staging model names and orders what a contract has; personal columns end there. Which tables are facts belongs in
`shape`; how a model is made from its SELECT, to what runs it.
"""

from collections.abc import Mapping

from dataeng_assets.contracts.model import Column
from dataeng_assets.generate.pipeline import Pipeline, Table
from dataeng_assets.generate.request import Source
from dataeng_assets.generate.shape import Role, Shaped
from dataeng_assets.generate.warehouse.checks import DIALECTS
from dataeng_assets.generate.warehouse.naming import quoted

_PREFIXES = {Role.FACT: "fct", Role.DIMENSION: "dim"}


def models(pipeline: Pipeline) -> Mapping[str, str]:
    """The SELECTs by `<order>.<view or table>.<name>`."""
    dialect, found = DIALECTS[pipeline.request.destination], {}
    schema, source = quoted(pipeline.source_name, dialect), pipeline.source_name
    for table in pipeline.tables:
        shaped = Shaped(table, source)
        staged = f"stg_{source}__{shaped.model}"
        shown = ",\n  ".join(quoted(column.name, dialect) for column in table.contract.columns if not column.personal)
        place = f"{schema}.{quoted(table.name, dialect)}"
        if pipeline.request.source is Source.KAFKA and table.contract.key:
            place = _each_once(table, place, dialect)
        found[f"1.view.{staged}"] = (
            f"-- {_sentence(table)} Personal columns end here.\nSELECT\n  {shown}\nFROM {place};\n"
        )
        if prefix := _PREFIXES.get(shaped.role):
            final = _final(table, f"{schema}.{quoted(staged, dialect)}", dialect)
            found[f"2.table.{prefix}_{shaped.model}"] = final
    return found


def final_names(pipeline: Pipeline) -> list[str]:
    """The facts and dimensions among the models."""
    return [name.removeprefix("2.table.") for name in models(pipeline) if name.startswith("2.table.")]


def _each_once(table: Table, place: str, dialect: str) -> str:
    """The first delivery of each event; the topic's table holds every record."""
    key = ", ".join(quoted(one, dialect) for one in table.contract.key)
    order = ", ".join(quoted(f"_kafka_{one}", dialect) for one in ("timestamp", "partition", "offset"))
    nth = quoted("_delivery", dialect)
    return (
        f"(\n  SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY {order}) AS {nth}\n  FROM {place}\n"
        f") AS deliveries\nWHERE {nth} = 1"
    )


def _final(table: Table, staged: str, dialect: str) -> str:
    keys = [column for column in table.contract.columns if column.name in table.contract.key]
    measures = _measures(table)
    times = [c for c in table.contract.columns if c.type.family in ("date", "timestamp") and c not in keys]
    other = [c for c in table.contract.columns if not c.personal and c not in (*keys, *measures, *times)]
    chosen = [column for column in (*keys, *other, *measures, *times) if not column.personal]
    grain = ", ".join(column.name for column in keys)
    columns = ",\n  ".join(quoted(column.name, dialect) for column in chosen)
    return (
        f"-- One row per {grain or 'record'}: keys, attributes, measures, times.\nSELECT\n  {columns}\nFROM {staged};\n"
    )


def _measures(table: Table) -> list[Column]:
    return [c for c in table.contract.columns if c.type.family in ("decimal", "float") and not c.personal]


def _sentence(table: Table) -> str:
    said = " ".join((table.contract.description or f"The table {table.name}").split())
    return said if said.endswith(".") else f"{said}."
