"""A topic as `extraction.yaml` says it, for the modules that read one."""

from typing import Any

from dataeng_assets.generate.pipeline import Pipeline
from dataeng_assets.generate.request import RequestRefused
from dataeng_assets.generate.streaming.events import Event, events


def refuse_topics(pipeline: Pipeline) -> None:
    """Refuse what cannot be read from topics.

    Raises:
        RequestRefused: a watermark was named, or the records of a topic are no plain JSON.
    """
    for table in pipeline.tables:
        if table.watermark:
            raise RequestRefused(
                f"--watermark {table.watermark} has no use with --source kafka: offsets say what is new. Leave it out."
            )
    events(pipeline)


def topic_config(event: Event) -> dict[str, Any]:
    """What is said of a topic; its records are known by partition and offset."""
    options: dict[str, Any] = {"topic": event.name}
    if values := {one.name: list(one.values) for one in event.fields if one.values}:
        options["values"] = values
    if of_record := {one.name: one.from_record for one in event.fields if one.from_record}:
        options["from_record"] = of_record
    return {
        "schema": "",
        "mode": "incremental",
        "watermark": None,
        "key": ["_kafka_partition", "_kafka_offset"],
        "columns": [
            {"name": one.name, "type": one.kind} | ({} if one.nullable else {"required": True}) for one in event.fields
        ],
        "options": options,
    }
