"""A producer for Kafka, in Python: events from lines of JSON, judged before they are sent.

What a topic holds comes from `streaming`.
"""

from pathlib import PurePosixPath

from dataeng_assets.generate.matrix import Refusal, Row, Standing
from dataeng_assets.generate.pipeline import Generated, Pipeline
from dataeng_assets.generate.promises import Promise, head
from dataeng_assets.generate.render import render
from dataeng_assets.generate.request import Destination, Mode, RequestRefused, Source
from dataeng_assets.generate.streaming.events import events
from dataeng_assets.generate.streaming.refusals import no_schedule
from dataeng_assets.generate.streaming.topics import event_files

ROWS = (
    Row(
        (Source.KAFKA,),
        (Destination.KAFKA,),
        (Mode.STREAMING,),
        Standing.EXECUTED,
        "tests/generate/test_sample_kafka_producer.py::test_what_keeps_the_contract_is_sent_once_and_the_rest_set_aside",
    ),
)
REFUSALS = (
    Refusal(
        "a producer reads lines of JSON from its caller; --source kafka says that the contract of a topic tells what "
        "they hold. A table's changes are sent by --type kafka-connect",
        source=Source.POSTGRES,
    ),
    Refusal(
        "a producer reads lines of JSON from its caller, a file's too; --source kafka says that the contract of a "
        "topic tells what they hold",
        source=Source.FILES,
    ),
    Refusal("a producer writes to Kafka", source=None),
)
UNTAKEN = no_schedule("a producer runs for as long as it is given events")
_KEPT = {
    Promise.EXACTLY_ONCE: (
        "No retry doubles or reorders an event while the producer lives. After a crash, whoever calls it sends again "
        "what was not acknowledged; with `--transactional-id` all events of one call are seen, or none."
    ),
    Promise.NO_SILENT_CASTS: "",
    Promise.NOTHING_DROPPED: "",
    Promise.BOUNDED_MEMORY: "",
    Promise.NO_SECRETS: "",
}


def files(pipeline: Pipeline) -> Generated:
    """The producer, its requirements, the topic and a README.

    Raises:
        RequestRefused: there are several topics.
    """
    request, found = pipeline.request, events(pipeline)
    if len(found) != 1:
        names = ", ".join(one.name for one in found)
        raise RequestRefused(f"A producer writes one topic, and these are several: {names}. Say which with --tables.")
    main = PurePosixPath(f"{request.name}.py")
    own_key = next((one.name for one in found[0].fields if one.from_record == "key"), "")
    values = {
        "name": request.name,
        "event": found[0],
        "required": [one.name for one in found[0].value_fields if not one.nullable],
        "key": [own_key] if own_key else list(found[0].key),
        "key_column": own_key,
        "request": request,
        "address_variable": pipeline.address_variable,
    }
    return Generated(
        main,
        {
            main: render("kafka_producer/templates/producer.py.j2", head=head(request, _KEPT).rstrip(), **values),
            PurePosixPath("requirements.txt"): "confluent-kafka>=2.16,<3\nprometheus-client>=0.22\n",
            PurePosixPath("README.md"): render("kafka_producer/templates/README.md.j2", **values),
            **event_files(pipeline, found),
        },
    )
