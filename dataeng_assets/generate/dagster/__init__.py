"""A source of this platform: `defs.yaml` and contracts, the dbt models over it, and what to do next."""

from pathlib import PurePosixPath

from dataeng_assets.contracts.yaml_text import yaml_text
from dataeng_assets.generate.matrix import Refusal, Row, Standing
from dataeng_assets.generate.pipeline import Generated, Pipeline
from dataeng_assets.generate.promises import Promise, head
from dataeng_assets.generate.render import render
from dataeng_assets.generate.request import Destination, Mode, Source

ROWS = (
    Row(
        (Source.POSTGRES,),
        (Destination.DELTA, Destination.DUCKDB),
        (Mode.INCREMENTAL, Mode.FULL),
        Standing.EXECUTED,
        "tests/interop/test_generated_dagster.py::test_what_was_generated_loads_and_is_materialized",
    ),
)
REFUSALS = (
    Refusal("the platform does not read the database's log of changes yet", mode=Mode.CHANGES),
    Refusal("the platform reads Postgres and Kafka"),
)
UNTAKEN = {
    "retries": "the platform tries every step again by its own policy",
    "retry-delay": "the platform tries every step again by its own policy",
}
KEPT = dict.fromkeys(
    (
        Promise.ONE_SNAPSHOT,
        Promise.LATE_COMMITS,
        Promise.PROVED_DELIVERY,
        Promise.NO_SILENT_CASTS,
        Promise.IDEMPOTENT,
        Promise.BOUNDED_MEMORY,
        Promise.NO_SECRETS,
    ),
    "",
)


def files(pipeline: Pipeline) -> Generated:
    """The source's folder, and the models over it, by their places in the project."""
    folder = PurePosixPath("dataeng_assets", "defs", pipeline.source_name)
    main = folder / "defs.yaml"
    made = {main: _declaration(pipeline)}
    for table in pipeline.tables:
        made[folder / "contracts" / f"{table.name}.yaml"] = table.document
        model = PurePosixPath("dbt", "models", "staging", f"stg_{pipeline.source_name}__{table.name}.sql")
        made[model] = render("dagster/templates/staging.sql.j2", table=table, source=pipeline.source_name)
    made[folder / "README.md"] = render("dagster/templates/README.md.j2", pipeline=pipeline)
    return Generated(main, made)


def _declaration(pipeline: Pipeline) -> str:
    schema = pipeline.tables[0].schema
    attributes = {"source": pipeline.source_name, "url_variable": pipeline.address_variable, "db_schema": schema}
    text = yaml_text({"type": "dataeng_assets.components.PostgresTablesComponent", "attributes": attributes})
    return head(pipeline.request, KEPT) + text
