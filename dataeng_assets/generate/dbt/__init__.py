"""A dbt project over tables that something else has loaded: sources with freshness, staging, facts and dimensions with
history, tests, contracts.

Loading belongs to the other kinds: Airflow and Prefect load tables, Kafka Connect, Flink and Spark load events. A
stream that the warehouse takes in by its own means belongs in `streams`.
"""

from pathlib import Path, PurePosixPath

from dataeng_assets.contracts.yaml_text import yaml_text
from dataeng_assets.generate.dbt import models, streams, targets
from dataeng_assets.generate.matrix import Refusal, Row, Standing
from dataeng_assets.generate.pipeline import Generated, Pipeline
from dataeng_assets.generate.promises import Promise, head
from dataeng_assets.generate.render import render
from dataeng_assets.generate.request import Destination, Mode, RequestRefused, Source
from dataeng_assets.generate.shape import Role, Shaped

_CARRIED = Path(__file__).parent / "delta_lake"
_RUN = (Destination.DUCKDB, Destination.DELTA, Destination.POSTGRES)
_PARSED = (Destination.SNOWFLAKE, Destination.BIGQUERY, Destination.REDSHIFT, Destination.DATABRICKS)
_BATCH = (Mode.INCREMENTAL, Mode.FULL)
_EXECUTED = "tests/interop/test_generated_dbt.py::test_what_was_generated_is_built_and_tested"
_STREAMED = "tests/generate/test_warehouse_streams.py::test_every_statement_is_parsed_in_its_dialect"
_GOLDEN = "tests/generate/test_generated_dbt_files.py::test_the_models_are_parsed_in_their_dialect"
ROWS = (
    Row((Source.POSTGRES,), _RUN, _BATCH, Standing.EXECUTED, _EXECUTED),
    Row((Source.KAFKA,), _RUN, (Mode.INCREMENTAL,), Standing.EXECUTED, _EXECUTED),
    Row((Source.POSTGRES,), _PARSED, _BATCH, Standing.PARSED, _GOLDEN),
    Row((Source.KAFKA,), _PARSED, (Mode.INCREMENTAL,), Standing.PARSED, _GOLDEN),
    Row((Source.KAFKA,), _PARSED, (Mode.STREAMING,), Standing.PARSED, _STREAMED),
    Row(
        (Source.KINESIS,),
        (Destination.REDSHIFT, Destination.DATABRICKS),
        (Mode.STREAMING,),
        Standing.PARSED,
        _STREAMED,
    ),
    Row((Source.FILES,), (Destination.DATABRICKS,), (Mode.STREAMING,), Standing.PARSED, _STREAMED),
)
REFUSALS = (
    Refusal("dbt has no adapter for Kafka; a warehouse's tables are what it builds", destination=Destination.KAFKA),
    Refusal(
        "Iceberg needs a catalog, which only its owner knows; --destination delta needs none",
        destination=Destination.ICEBERG,
    ),
    Refusal("dbt does not read the database's log of changes", mode=Mode.CHANGES),
    Refusal("of the warehouses, Redshift and Databricks read Kinesis themselves", source=Source.KINESIS),
    Refusal("of the warehouses, Databricks reads new files as a stream by SQL alone", source=Source.FILES),
    Refusal("dbt runs in batches; over a stream, ask for what it has landed so far", mode=Mode.STREAMING),
    Refusal("events are added and never change, so they are built by --mode incremental", source=Source.KAFKA),
    Refusal("a loader is needed before dbt, and none is generated for this source"),
)
_NO_SCHEDULER = "dbt Core has no scheduler; whatever runs `dbt build` has it"
UNTAKEN = dict.fromkeys(
    ("schedule", "catchup", "retries", "retry-delay", "timeout", "email-on-failure", "notify"), _NO_SCHEDULER
)


def files(pipeline: Pipeline) -> Generated:
    """The project.

    Raises:
        RequestRefused: it is a stream whose records are no plain JSON, or a topic's contract names no key.
    """
    if pipeline.request.mode is Mode.STREAMING:
        return streams.files(pipeline)
    for table in pipeline.tables:
        if table.contract.event_time and not table.contract.key:
            raise RequestRefused(
                f"The contract of {table.name} names no key, so an event that was sent twice would count twice. Mark "
                "its primaryKey in the contract, or leave the topic out with --tables."
            )
    shaped = [Shaped(table, pipeline.source_name) for table in pipeline.tables]
    top = head(pipeline.request, kept(pipeline))
    main = PurePosixPath("dbt_project.yml")
    made = {main: top + yaml_text(targets.project(pipeline)), PurePosixPath("README.md"): _readme(pipeline, shaped)}
    made[PurePosixPath("profiles.yml")] = targets.profile(pipeline)
    made[PurePosixPath("requirements.txt")] = targets.requirements(pipeline.request.destination)
    made[PurePosixPath("models/staging/_sources.yml")] = yaml_text(models.sources(pipeline, shaped))
    over_delta = pipeline.request.destination is Destination.DELTA
    for name in ("unique_together", "delta" if over_delta else "recent", "generate_schema_name"):
        made[PurePosixPath(f"macros/{name}.sql")] = render(f"dbt/templates/{name}.dbt.j2")
    if over_delta:
        for path in _CARRIED.glob("*.py"):
            made[PurePosixPath("delta_lake", path.name)] = path.read_text(encoding="utf-8")
        made[PurePosixPath(".gitignore")] = "workspace.duckdb*\nlogs/\ntarget/\n"
    for one in shaped:
        made[PurePosixPath(f"contracts/{one.table.name}.yaml")] = one.table.document
        made |= models.of_table(one, pipeline.request)
    return Generated(main, made)


def kept(pipeline: Pipeline) -> dict[Promise, str]:
    """The promises that a dbt project could keep, and why it does not keep some."""
    said = {
        Promise.LATE_COMMITS: "",
        Promise.IDEMPOTENT: "",
        Promise.NO_SILENT_CASTS: "",
        Promise.NO_SECRETS: "",
        Promise.DELETES: "A fact that is built by its watermark keeps a row that the source no longer has, until "
        "`dbt build --full-refresh`.",
        Promise.ONE_SNAPSHOT: "What dbt reads was loaded before, table by table.",
    }
    if pipeline.request.mode is Mode.FULL:
        said[Promise.DELETES] = ""
    if any(Shaped(table, pipeline.source_name).role is Role.DIMENSION for table in pipeline.tables):
        said[Promise.IDEMPOTENT] = (
            "Facts do so; the versions of a dimension begin when dbt first saw them, and a rebuild cannot bring back "
            "those that were never seen."
        )
    return said


def _readme(pipeline: Pipeline, shaped: list[Shaped]) -> str:
    promises = kept(pipeline)
    return render(
        "dbt/templates/README.md.j2",
        source=pipeline.source_name,
        owner=pipeline.request.owner,
        destination=pipeline.request.destination,
        rows=[models.listed(one, pipeline.request.destination) for one in shaped],
        loads=pipeline.request.source is Source.KAFKA and pipeline.request.destination in _RUN,
        holds=[promise for promise, reason in promises.items() if not reason],
        fails=[(promise, reason) for promise, reason in promises.items() if reason],
        variables=targets.variables(pipeline.request.destination),
        command=pipeline.request.command,
    )
