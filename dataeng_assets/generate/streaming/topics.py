"""The topics of a pipeline, as commands for Kafka's own tools, and the way those tools reach the cluster.

Outside of a local trial that is SASL/SCRAM over TLS; the password is a reference that Kafka resolves when it connects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from dataeng_assets.generate.pipeline import Pipeline
from dataeng_assets.generate.promises import Promise, head
from dataeng_assets.generate.render import render
from dataeng_assets.generate.streaming.events import Event
from dataeng_assets.generate.streaming.schema import schema_text

_KEPT = {Promise.NO_SECRETS: ""}


@dataclass(frozen=True)
class Topic:
    """A topic to be made.

    Attributes:
        configs: its settings under Kafka's names.
    """

    name: str
    partitions: int
    replicas: int = 3
    configs: tuple[tuple[str, str], ...] = (("min.insync.replicas", "2"),)


def topic_of(event: Event) -> Topic:
    """The topic of events, as their contract has it."""
    return Topic(event.name, event.partitions, event.replicas, event.configs)


def topic_files(
    pipeline: Pipeline, topics: Sequence[Topic], bootstrap_variable: str = ""
) -> Mapping[PurePosixPath, str]:
    """`create_topics.sh`, and `client.properties`, which it connects with.

    Args:
        pipeline: that they belong to.
        topics: which are made.
        bootstrap_variable: names the variable with the brokers; that of the pipeline's source if not given.
    """
    values = {
        "head": head(pipeline.request, _KEPT).rstrip(),
        "topics": topics,
        "address_variable": bootstrap_variable or pipeline.address_variable,
    }
    return {
        PurePosixPath(name): render(f"streaming/templates/{name}.j2", **values)
        for name in ("create_topics.sh", "client.properties")
    }


def event_files(pipeline: Pipeline, events: Sequence[Event], made: Sequence[Topic] = ()) -> Mapping[PurePosixPath, str]:
    """What `topic_files` gives for the topics of events, and the schema of each.

    Args:
        pipeline: that they belong to.
        events: of the topics that are read or written.
        made: further topics.
    """
    schemas = {PurePosixPath("schemas") / f"{event.name}.schema.json": schema_text(event) for event in events}
    return {**topic_files(pipeline, [*map(topic_of, events), *made]), **schemas}
