"""Streams that a warehouse takes in by its own means: what comes in, the tables derived from it, and the rights.

What is derived are models of dbt, which stand in the folder `models`; what an administrator runs once stands in
`setup.sql`, and the rights of readers in `readers.sql`. How a field is judged belongs in `fields`.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath

from dataeng_assets.generate.pipeline import Pipeline, Table
from dataeng_assets.generate.promises import Promise, head
from dataeng_assets.generate.render import render, sql_text
from dataeng_assets.generate.request import Destination, Source
from dataeng_assets.generate.streaming.events import WINDOW, Event, events
from dataeng_assets.generate.warehouse.naming import quoted
from dataeng_assets.generate.warehouse.types import type_name
from dataeng_assets.generate.warehouse_streams.fields import Judging

_AT_LEAST_ONCE = "The connector may repeat a record after a crash; the counts take each key once."
_LATE = "What breaks the contract is a dead letter; a late event changes the figure of its window whenever it comes."
_SKIPPED = " Redshift skips a record that it cannot load, such as one that is too large: see SYS_STREAM_SCAN_ERRORS."
_IN_THE_CONNECTOR = (
    "What the table's types do not take is in the connector's dead letters; a late event changes the figure of its "
    "window whenever it comes."
)


def kept(pipeline: Pipeline) -> Mapping[Promise, str]:
    """The promises that a warehouse's own stream could keep, and why it does not keep some."""
    of_files = pipeline.request.source is Source.FILES
    dropped = "" if of_files else _LATE
    if pipeline.request.destination is Destination.BIGQUERY:
        dropped = _IN_THE_CONNECTOR
    elif pipeline.request.destination is Destination.REDSHIFT:
        dropped += _SKIPPED
    return {
        Promise.EXACTLY_ONCE: _AT_LEAST_ONCE if pipeline.request.destination is Destination.BIGQUERY else "",
        Promise.NO_SILENT_CASTS: "",
        Promise.IDEMPOTENT: "",
        Promise.NO_SECRETS: "",
        Promise.NOTHING_DROPPED: dropped,
        Promise.PROVED_DELIVERY: "The warehouse compares nothing; count the raw table by "
        + ("file." if of_files else "partition and offset, or by shard."),
    }


def texts(pipeline: Pipeline) -> Mapping[PurePosixPath, str]:
    """The models, the set-up and the rights of readers.

    Raises:
        RequestRefused: a topic's records are no plain JSON, or have a key that is no text.
    """
    made = _of_files(pipeline) if pipeline.request.source is Source.FILES else _of_events(pipeline)
    return {PurePosixPath(path): text for path, text in made.items()}


def _of_events(pipeline: Pipeline) -> dict[str, str]:
    destination, found = pipeline.request.destination, events(pipeline)
    made = {name: _render(pipeline, f"{destination}_{name}", events=found) for name in ("setup.sql", "readers.sql")}
    if destination is Destination.REDSHIFT:
        made["iam_policy.json"] = _render(pipeline, f"redshift_{pipeline.request.source}_policy.json", events=found)
    for event, table in zip(found, pipeline.tables, strict=True):
        values = _values(event, table, destination)
        for kind, name in _MODELS[destination].items():
            if kind in ("once", "windows") and not values["event_time"]:
                continue
            of_source = f"{pipeline.request.source}_" if kind == "raw" else ""
            path = f"models/{name.format(event=event.name)}.sql"
            made[path] = _render(pipeline, f"{destination}_{of_source}{kind}", **values)
    return made


_JUDGED = {
    "valid": "{event}",
    "dead_letters": "{event}_dead_letters",
    "windows": "{event}_windows",
}
_MODELS: Mapping[Destination, Mapping[str, str]] = {
    Destination.SNOWFLAKE: {"judged": "{event}_judged", **_JUDGED},
    Destination.REDSHIFT: {"raw": "{event}_raw", "judged": "{event}_judged", **_JUDGED},
    Destination.DATABRICKS: {"raw": "{event}_raw", "judged": "{event}_judged", **_JUDGED},
    # the connector writes columns with types there, and judges them
    Destination.BIGQUERY: {"once": "{event}_once", "windows": "{event}_windows"},
}
"""What stands in the models of each warehouse, and how they are named."""


def _of_files(pipeline: Pipeline) -> dict[str, str]:
    made = {name: _render(pipeline, f"databricks_files_{name}") for name in ("setup.sql", "readers.sql")}
    for table in pipeline.tables:
        columns = [
            (quoted(column.name, "databricks"), type_name(column.type, Destination.DATABRICKS), column)
            for column in table.contract.columns
        ]
        for kind, ending in (("raw", "_raw"), ("valid", ""), ("dead_letters", "_dead_letters")):
            made[f"models/{table.name}{ending}.sql"] = _render(
                pipeline,
                f"databricks_files_{kind}",
                table=table,
                columns=columns,
                schema=", ".join(f"{name} {kind}" for name, kind, _ in columns),
            )
    return made


def _values(event: Event, table: Table, destination: Destination) -> dict[str, object]:
    judging = Judging(destination, {column.name: column for column in table.contract.columns})
    system = destination.value
    shown = [field for field in event.value_fields if not field.personal]
    names = {field.name for field in shown}
    judged = destination is not Destination.BIGQUERY
    return {
        "event": event,
        "reason": judging.reason(event) if judged else "",
        "columns": [
            (judging.value(field) if judged else quoted(field.name, system), quoted(field.name, system))
            for field in shown
        ],
        "event_time": quoted(event.event_time, system) if event.event_time in names else "",
        "group_by": [quoted(one, system) for one in event.group_by if one in names],
        # a key that is left out, as it says who a person is, counts nothing once
        "key": [quoted(one, system) for one in event.key] if names.issuperset(event.key) else [],
        "minutes": int(WINDOW.total_seconds() // 60),
    }


def _render(pipeline: Pipeline, template: str, **values: object) -> str:
    request = pipeline.request
    return render(
        f"warehouse_streams/templates/{template}.dbt.j2",
        pipeline=pipeline,
        request=request,
        name=request.name,
        source=pipeline.source_name,
        address_variable=pipeline.address_variable,
        head=head(request, kept(pipeline), "--").rstrip(),
        quoted=lambda name: quoted(name, request.destination.value),
        sql_text=sql_text,
        **values,
    )
