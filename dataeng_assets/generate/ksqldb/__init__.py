"""Streams and tables for ksqlDB: a topic's events judged, dead letters set aside, windows counted, all in transactions.

How a field is read out of JSON belongs in `fields`; what a topic holds comes from `streaming`.
"""

from pathlib import PurePosixPath

from dataeng_assets.generate.ksqldb.fields import milliseconds_sql, reason_sql, text_sql
from dataeng_assets.generate.matrix import Row, Standing
from dataeng_assets.generate.pipeline import Generated, Pipeline
from dataeng_assets.generate.promises import Promise, head
from dataeng_assets.generate.render import render
from dataeng_assets.generate.request import Destination, Mode, RequestRefused, Source
from dataeng_assets.generate.streaming.events import WINDOW, Event, events
from dataeng_assets.generate.streaming.refusals import no_schedule, topics_only
from dataeng_assets.generate.streaming.topics import Topic, event_files

ROWS = (
    Row(
        (Source.KAFKA,),
        (Destination.KAFKA,),
        (Mode.STREAMING,),
        Standing.PARSED,
        "tests/generate/test_ksqldb.py::test_the_script_is_the_one_that_its_grammar_took",
    ),
)
REFUSALS = topics_only("ksqlDB")
UNTAKEN = no_schedule("a query runs all the time, and ksqlDB starts it again")
_KEPT = {
    Promise.EXACTLY_ONCE: "",
    Promise.NO_SILENT_CASTS: "",
    Promise.BOUNDED_MEMORY: "",
    Promise.NO_SECRETS: "",
    Promise.NOTHING_DROPPED: (
        "What breaks the contract is a dead letter, and a late event is among the valid ones; but ksqlDB leaves it out "
        "of its window, drops a record without a value, and knows text only: bytes that are no UTF-8 are dead letters "
        "whose partition and offset say where the bytes are. "
        "One event with a time far ahead makes those after it in its partition late."
    ),
    Promise.IDEMPOTENT: (
        "Each record is handled once; but a window counts records, and one that its producer sent twice counts twice, "
        "as ksqlDB's COUNT_DISTINCT only estimates."
    ),
    Promise.PROVED_DELIVERY: "ksqlDB compares nothing afterwards.",
}


def files(pipeline: Pipeline) -> Generated:
    """The script, the server's configuration, the topics and a README.

    Raises:
        RequestRefused: there are several topics.
    """
    request, found = pipeline.request, events(pipeline)
    if len(found) != 1:
        names = ", ".join(one.name for one in found)
        raise RequestRefused(f"A script of ksqlDB reads one topic, and these are several: {names}. Use --tables.")
    event, main = found[0], PurePosixPath(f"{request.name}.sql")
    values = {
        "name": request.name,
        "event": event,
        "request": request,
        "address_variable": pipeline.address_variable,
        "window_seconds": int(WINDOW.total_seconds()),
        "late_seconds": int(event.late_after.total_seconds()),
        "state_seconds": _state_seconds(event),
        "reason_sql": reason_sql,
        "milliseconds_sql": milliseconds_sql,
        "text_sql": text_sql,
    }
    written = _topics(event)
    return Generated(
        main,
        {
            main: render("ksqldb/templates/streams.sql.j2", head=head(request, _KEPT, "--").rstrip(), **values),
            PurePosixPath("ksql-server.properties"): render(
                "ksqldb/templates/ksql-server.properties.j2", head=head(request, _KEPT).rstrip(), **values
            ),
            PurePosixPath("README.md"): render("ksqldb/templates/README.md.j2", written=written, **values),
            **event_files(pipeline, found, written),
        },
    )


def _topics(event: Event) -> list[Topic]:
    """What is written; the judged events are kept as long as the events themselves, so that no query misses one."""
    kept = tuple((name, value) for name, value in event.configs if name in ("min.insync.replicas", "retention.ms"))
    names = ["judged", "valid", "dead_letters", *(["windows"] if event.event_time else [])]
    # ksqlDB wants as many partitions as its source has
    return [
        Topic(f"{event.name}_{name}", event.partitions, event.replicas, *([kept] if name == "judged" else []))
        for name in names
    ]


def _state_seconds(event: Event) -> int:
    """How long the state of a window is kept: a day, and no less than it may still change."""
    return max(24 * 3600, int((WINDOW + event.late_after).total_seconds()))
