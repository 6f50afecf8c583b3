"""From what was asked for to a pipeline: which tables are meant, taken from the contracts in `defs/` or from the live
source. What is written for them belongs in `generate`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from dataeng_assets.contracts.load import load_contracts
from dataeng_assets.contracts.model import Contract
from dataeng_assets.contracts.write import contract_yaml
from dataeng_assets.extract.declare import url_variable_of
from dataeng_assets.extract.discover import WATERMARK_TYPE, LeftOut, discover, source_name
from dataeng_assets.generate.asked import Asked, combination_of, kind_of, parts, refuse_unwritable, request_of, tier_of
from dataeng_assets.generate.kinds import kind_module
from dataeng_assets.generate.pipeline import Pipeline, Table
from dataeng_assets.generate.request import Mode, RequestRefused, Source, Tier, identifier, nearest
from dataeng_assets.postgres.connect import connect
from dataeng_assets.postgres.tables import describe_tables
from dataeng_assets.settings import ROOT, variable

DEFS = ROOT / "dataeng_assets" / "defs"
_TABLES, _TOPIC = "PostgresTablesComponent", "KafkaTopicComponent"


@dataclass(frozen=True)
class Found:
    """A pipeline, and what of its source cannot be a part of it."""

    pipeline: Pipeline
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class Declared:
    """A source that stands in `defs/`."""

    name: str
    type: str
    text: str
    attributes: Mapping[str, Any]
    contracts: Mapping[str, Contract]


def pipeline_of(asked: Asked, *, pipeline_name: str = "", defs: Path = DEFS) -> Found:
    """The pipeline that the options ask for.

    Args:
        asked: the options.
        pipeline_name: what it is called; after its source when empty.
        defs: folder whose sources are declared.

    Raises:
        RequestRefused: an option cannot be used, or a table or column does not exist.
        SourceError, SettingMissing: the source was to be looked at, and cannot be.
    """
    refuse_unwritable(asked)
    kind = kind_of(asked.type)
    combination = combination_of(kind, kind_module(kind), asked)
    if combination.source is Source.POSTGRES:
        _refuse_schemas(asked)
    declared = {one.name: one for one in _declared(defs, combination.source)}
    if asked.schema and asked.name in declared and tier_of(asked.tier) is Tier.OFFLINE:
        raise RequestRefused(
            f"--tier 3 opens no connection, and --schema looks the tables up in the database. Leave --schema out: "
            f"{asked.name} is declared, and its contracts say what its tables hold."
        )
    if asked.schema or (asked.name and asked.name not in declared and combination.source is Source.POSTGRES):
        return _from_database(asked, pipeline_name)
    if not declared:
        raise RequestRefused(
            f"No source of this kind is declared below {defs}. Name it with --name and its schema with --schema: then "
            "the tables are looked up in the database."
        )
    return Found(_from_contracts(asked, pipeline_name, _chosen(asked, declared)))


def _refuse_schemas(asked: Asked) -> None:
    """A source is one schema: its tables' names alone are the names of models and files."""
    named = parts(asked.tables)
    if not any("." in one for one in named):
        return
    of_schema = defaultdict[str, list[str]](list)
    for one in named:
        schema, _, table = one.rpartition(".")
        of_schema[schema or asked.schema or "public"].append(table)
    names = {schema: "NAME" if schema == "public" else source_name(schema, "") for schema in of_schema}
    calls = [
        f"--name {names[schema]} --schema {schema} --tables {','.join(tables)}" for schema, tables in of_schema.items()
    ]
    raise RequestRefused(
        f"--tables {asked.tables}: tables are named without their schema, as one source is one schema. "
        + (f"Ask for {calls[0]}." if len(calls) == 1 else f"Call once for each: {'; then '.join(calls)}.")
    )


def _chosen(asked: Asked, declared: Mapping[str, Declared]) -> Declared:
    if asked.name and asked.name not in declared:
        raise RequestRefused(
            f"--name {asked.name} is not declared.{nearest(asked.name, declared)} Declared: {', '.join(declared)}."
        )
    if asked.name:
        return declared[asked.name]
    wanted = parts(asked.tables)
    fitting = [one for one in declared.values() if set(wanted) <= set(one.contracts)]
    if len(declared) == 1 or (wanted and len(fitting) == 1):
        return (fitting or list(declared.values()))[0]
    raise RequestRefused(f"Several sources are declared: say which with --name: {', '.join(declared)}.")


def _declared(defs: Path, source: Source) -> Iterator[Declared]:
    wanted = _TABLES if source in (Source.POSTGRES, Source.FILES) else _TOPIC
    for path in sorted(defs.glob("*/defs.yaml")):
        text = path.read_text(encoding="utf-8")
        said = yaml.safe_load(text)
        if str(said.get("type", "")).endswith(wanted):
            contracts = load_contracts(path.parent / "contracts")
            yield Declared(path.parent.name, wanted, text, said["attributes"], contracts)


def _from_contracts(asked: Asked, pipeline_name: str, source: Declared) -> Pipeline:
    request = request_of(asked, pipeline_name or f"extract_{source.name}")
    names = _wanted(asked, source.contracts)
    for name in names:
        if name not in source.contracts:
            raise _no_table(name, source.contracts, f"the contracts of {source.name}")
    said = source.attributes
    tables = [
        Table(
            contract=source.contracts[name],
            schema=str(said.get("db_schema", "public")) if source.type == _TABLES else "",
            mode=request.mode,
            watermark=_declared_watermark(said, name) if source.type == _TABLES else None,
            document=source.contracts[name].path.read_text(encoding="utf-8"),
        )
        for name in names
    ]
    variable_name = str(said.get("url_variable") or said.get("bootstrap_variable"))
    return Pipeline(
        request, source.name, _with_modes(tables, request.mode, asked.watermark), variable_name, source.text
    )


def _declared_watermark(said: Mapping[str, Any], table: str) -> str | None:
    options = (said.get("tables") or {}).get(table, {})
    if options.get("mode") == "full":
        return None
    return str(options.get("watermark") or said.get("watermark", "updated_at"))


def _from_database(asked: Asked, pipeline_name: str) -> Found:
    if tier_of(asked.tier) is Tier.OFFLINE:
        raise RequestRefused(
            "--tier 3 opens no connection, and the tables stand in no contract below defs/. Ask for --tier 2, or write "
            "the contracts first: dataeng discover."
        )
    schema = asked.schema or "public"
    if not asked.variable and not asked.name:
        raise RequestRefused(
            "Say what the source is called with --name, or which variable has its address: --variable."
        )
    address_variable = asked.variable or url_variable_of(identifier(asked.name, "--name"))
    with connect(variable(address_variable), "dataeng generate") as connection:
        described = describe_tables(connection, schema)
        name = identifier(asked.name or source_name(schema, connection.info.dbname), "--name")
    request = request_of(asked, pipeline_name or f"extract_{name}")
    found = discover(described, source=name, schema=schema, folder=Path("contracts"), owner=request.owner)
    contracts = {contract.name: contract for contract in found.contracts}
    reasons = {left.name: left.reason for left in found.left_out}
    wanted = _wanted(asked, contracts)
    for table in wanted:
        if table in reasons:
            raise RequestRefused(f"The table {table} of {schema} cannot be copied: {reasons[table]}.")
        if table not in contracts:
            raise _no_table(table, contracts, schema)
    tables = [
        Table(
            contracts[one], schema, request.mode, found.watermarks[one], contract_yaml(contracts[one], status="draft")
        )
        for one in wanted
    ]
    left_out = tuple(left for left in found.left_out if not asked.tables or left.name.partition(".")[0] in wanted)
    pipeline = Pipeline(request, name, _with_modes(tables, request.mode, asked.watermark), address_variable)
    return Found(pipeline, left_out)


def _wanted(asked: Asked, known: Iterable[str]) -> tuple[str, ...]:
    """The tables that were asked for, all when none were named.

    Raises:
        RequestRefused: one is named twice, or two cannot be told apart without capitals and signs.
    """
    named = [name for name in (part.strip() for part in asked.tables.split(",")) if name]
    if asked.tables and not named:
        raise RequestRefused(f"--tables {asked.tables!r} names no table. Leave it out to have all of them.")
    chosen, models = tuple(named or known), dict[str, str]()
    for name in chosen:
        model = re.sub(r"[^a-z0-9]", "", name.lower())
        if model in models and models[model] == name:
            raise RequestRefused(f"--tables names {name} twice. Name it once.")
        if model in models:
            raise RequestRefused(
                f"{models[model]} and {name} would be written to the same files: many systems do not tell them apart. "
                "Name one of them with --tables, and give the other a plain name in a view."
            )
        models[model] = name
    if not chosen:
        raise RequestRefused(
            "There is no table to copy. Name a schema or source that has some; `dataeng discover` says of each table "
            "why it cannot be copied."
        )
    return chosen


def _with_modes(tables: Sequence[Table], mode: Mode, watermark: str) -> tuple[Table, ...]:
    """Each table with the mode it can have: incremental with a watermark only."""
    if mode is not Mode.INCREMENTAL:
        return tuple(replace(table, mode=mode, watermark=None) for table in tables)
    if watermark:
        tables = [replace(table, watermark=_checked_watermark(table.contract, watermark)) for table in tables]
    return tuple(table if table.watermark else replace(table, mode=Mode.FULL) for table in tables)


def _checked_watermark(contract: Contract, watermark: str) -> str:
    fitting = [one.name for one in contract.columns if one.type.kind == WATERMARK_TYPE and not one.nullable]
    instead = f"Those of {contract.name} that could be: {', '.join(fitting) or 'none; ask for --mode full'}."
    column = next((one for one in contract.columns if one.name == watermark), None)
    if column is None:
        names = [one.name for one in contract.columns]
        raise RequestRefused(
            f"--watermark {watermark}: {contract.name} has no such column.{nearest(watermark, names)} {instead}"
        )
    if column.name not in fitting:
        what = (
            "may be NULL" if column.type.kind == WATERMARK_TYPE else f"is a {column.type.kind} and no {WATERMARK_TYPE}"
        )
        raise RequestRefused(f"--watermark {watermark}: in {contract.name} it {what}. {instead}")
    return watermark


def _no_table(name: str, known: Mapping[str, Contract], where: str) -> RequestRefused:
    return RequestRefused(
        f"--tables {name}: there is no such table in {where}.{nearest(name, known)} "
        f"Tables: {', '.join(known) or 'none'}."
    )
