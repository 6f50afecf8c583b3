"""A pipeline in words: titles, documentation, names of connections and models, for programs and READMEs alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from dataeng_assets.generate.pipeline import Pipeline, Table
from dataeng_assets.generate.request import Destination, Source
from dataeng_assets.generate.warehouse.models import final_names

_UNITS = (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))
_CONN_TYPES = {
    Destination.POSTGRES: "postgresql",
    Destination.SNOWFLAKE: "snowflake",
    Destination.BIGQUERY: "bigquery",
    Destination.REDSHIFT: "redshift",
    Destination.DATABRICKS: "databricks",
}


@dataclass(frozen=True)
class Described:
    """What is said of a pipeline.

    Attributes:
        title: in a sentence.
        way: its steps, in a few words.
        extract: what its first step does, in a sentence.
        documentation: the tables, in Markdown.
        rights: what the role at the source needs, in Markdown.
        timeout: how long it may take, in words.
    """

    title: str
    way: str
    extract: str
    documentation: str
    rights: str
    timeout: str


def described(pipeline: Pipeline) -> Described:
    """The words for a pipeline."""
    request, count = pipeline.request, len(pipeline.tables)
    names = pipeline.tables[0].name if count == 1 else f"{count} tables"
    is_topic = request.source is Source.KAFKA
    if is_topic:
        names = pipeline.tables[0].name if count == 1 else f"{count} topics"
    return Described(
        title=f"Copy {names} from {request.source} ({pipeline.source_name}) to {request.destination}.",
        way="extract, load each table, check, build the models",
        extract="Freeze a range of offsets of each partition, and read it into the staging folder."
        if is_topic
        else "Read all tables in one snapshot into the staging folder.",
        documentation="\n".join(_documentation(pipeline)),
        rights=_rights_of_topics(pipeline) if is_topic else _rights(pipeline),
        timeout=_in_words(request.timeout),
    )


def words_of(pipeline: Pipeline) -> Mapping[str, object]:
    """Names that templates need."""
    request = pipeline.request
    return {
        "source_connection": f"{pipeline.source_name}_source",
        "destination_connection": f"{pipeline.source_name}_{request.destination}",
        "staging_variable": f"{request.name}_staging",
        "destination_module": destination_module(pipeline),
        "is_topic": request.source is Source.KAFKA,
        "windows": request.source is Source.POSTGRES and any(table.watermark for table in pipeline.tables),
        "final_models": final_names(pipeline),
    }


def destination_module(pipeline: Pipeline) -> str:
    """The module that opens the destination; Delta takes records of topics in a way of its own."""
    request = pipeline.request
    records = request.source is Source.KAFKA and request.destination is Destination.DELTA
    return f"to_{request.destination}{'_events' if records else ''}"


def length(of_time: timedelta) -> str:
    """A length of time as Python writes it."""
    unit, seconds = _unit(of_time)
    return f"timedelta({unit}={int(of_time.total_seconds()) // seconds})"


def address_form(pipeline: Pipeline) -> str:
    """How the destination is told to Airflow, as a command."""
    destination = pipeline.request.destination
    name = f"airflow connections add {pipeline.source_name}_{destination}"
    if destination in (Destination.DUCKDB, Destination.DELTA):
        place = {
            Destination.DUCKDB: "/data/warehouse.duckdb",
            Destination.DELTA: "/data/lake",
        }[destination]
        return f"`{name} --conn-type generic --conn-host {place}`"
    return f"`{name} --conn-type {_CONN_TYPES[destination]} ...`, {_PARTS[destination]}"


def address_of(pipeline: Pipeline) -> str:
    """The form of the destination's address."""
    return f"`{_ADDRESSES[pipeline.request.destination]}`"


_ADDRESSES = {
    Destination.DUCKDB: "/data/warehouse.duckdb",
    Destination.DELTA: "/data/lake",
    Destination.POSTGRES: "postgresql://user:password@host:5432/database",
    Destination.SNOWFLAKE: "snowflake://user:password@account/database?warehouse=LOADING&role=LOADER",
    Destination.BIGQUERY: "bigquery://project",
    Destination.REDSHIFT: "redshift://user:password@host:5439/database",
    Destination.DATABRICKS: "databricks://:token@host/catalog?http_path=/sql/1.0/warehouses/id&volume=/Volumes/a/b/c",
}
_PARTS = {
    Destination.POSTGRES: "with host, schema (the database), login and password.",
    Destination.SNOWFLAKE: "with the account as host, the database as schema, login, password or `private_key_file` "
    "among the extras, and `warehouse` and `role` there too.",
    Destination.BIGQUERY: "with the project as host; the credentials are those of the machine.",
    Destination.REDSHIFT: "with host, schema (the database), login and password; the staging folder is an `s3://` "
    "address that the cluster's role may read.",
    Destination.DATABRICKS: "with host, the catalog as schema, the token as password, and `http_path` and `volume` "
    "among the extras.",
}


def _documentation(pipeline: Pipeline) -> list[str]:
    lines = ["| table | rows are found by | key | columns | owner |", "|---|---|---|---|---|"]
    for table in pipeline.tables:
        found = f"`{table.watermark}`" if table.watermark else "reading it whole" if table.schema else "their offsets"
        contract = table.contract
        keys = ", ".join(f"`{one}`" for one in contract.key)
        lines.append(f"| `{_place(table)}` | {found} | {keys} | {len(contract.columns)} | {contract.owner} |")
    lines += [
        f"\n`{table.name}`: {' '.join(table.contract.description.split())}"
        for table in pipeline.tables
        if table.contract.description
    ]
    lists = [f"`{t.name}.{c.name}`" for t in pipeline.tables for c in t.contract.columns if c.type.family == "list"]
    if lists:
        lines.append(f"\nCarried as their JSON text: {', '.join(lists)}.")
    return lines


def _place(table: Table) -> str:
    return f"{table.schema}.{table.name}" if table.schema else table.name


def _rights(pipeline: Pipeline) -> str:
    tables = ", ".join(_place(table) for table in pipeline.tables)
    return (
        f"The role needs `USAGE` on the schema and `SELECT` on {tables}. With `GRANT pg_read_all_stats` it also sees "
        "which transactions are open, so that a run reads only what is new; without it each run finds new rows by the "
        "numbers of their transactions, which is as exact and scans the tables."
    )


def _rights_of_topics(pipeline: Pipeline) -> str:
    topics = ", ".join(f"`{table.name}`" for table in pipeline.tables)
    return (
        f"The user needs `READ` and `DESCRIBE` on {topics}; no consumer group is joined. Records that break their "
        "contract lie in `<topic>_dead_letters` with the reason, their bytes, partition and offset. Those bytes may "
        "hold personal values: give that table's rights to few."
    )


def _unit(of_time: timedelta) -> tuple[str, int]:
    seconds = int(of_time.total_seconds())
    return next(unit for unit in _UNITS if seconds % unit[1] == 0)


def _in_words(of_time: timedelta) -> str:
    unit, seconds = _unit(of_time)
    number = int(of_time.total_seconds()) // seconds
    return f"{number} {unit if number != 1 else unit[:-1]}"
