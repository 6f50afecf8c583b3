"""The topics of a pipeline, as commands for Kafka's own tools, and the way those tools reach the cluster.

Outside of a local trial that is SASL/SCRAM over TLS; the password is a reference that Kafka resolves when it connects.
"""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from dataeng_assets.generate.pipeline import Pipeline
from dataeng_assets.generate.promises import Promise, head
from dataeng_assets.generate.render import render
from dataeng_assets.generate.streaming.events import Event
from dataeng_assets.generate.streaming.schema import schema_text

_KEPT = {Promise.NO_SECRETS: ""}


def topic_files(pipeline: Pipeline, events: Sequence[Event], made: Sequence[str] = ()) -> Mapping[PurePosixPath, str]:
    """`create_topics.sh`, `client.properties`, which it connects with, and the schema of each topic's events.

    Args:
        pipeline: that they belong to.
        events: of the topics that are read.
        made: names of further topics, which the pipeline writes.
    """
    values = {
        "head": head(pipeline.request, _KEPT).rstrip(),
        "events": events,
        "made": made,
        "address_variable": pipeline.address_variable,
    }
    return {
        PurePosixPath("create_topics.sh"): render("streaming/templates/create_topics.sh.j2", **values),
        PurePosixPath("client.properties"): render("streaming/templates/client.properties.j2", **values),
        **{PurePosixPath("schemas") / f"{event.name}.schema.json": schema_text(event) for event in events},
    }
