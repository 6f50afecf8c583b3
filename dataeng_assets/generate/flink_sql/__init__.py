"""A job for Flink in SQL: a topic's events judged, dead letters set aside, windows counted, all in transactions.

How a field is read out of JSON belongs in `fields`; what a topic holds comes from `streaming`.
"""

from pathlib import PurePosixPath

from dataeng_assets.generate.flink_sql.fields import reason_sql, value_sql
from dataeng_assets.generate.matrix import Row, Standing
from dataeng_assets.generate.pipeline import Generated, Pipeline
from dataeng_assets.generate.promises import Promise, head
from dataeng_assets.generate.render import render
from dataeng_assets.generate.request import Destination, Mode, RequestRefused, Source
from dataeng_assets.generate.streaming.events import WINDOW, events
from dataeng_assets.generate.streaming.refusals import no_schedule, topics_only
from dataeng_assets.generate.streaming.topics import Topic, event_files

ROWS = (
    Row(
        (Source.KAFKA,),
        (Destination.KAFKA,),
        (Mode.STREAMING,),
        Standing.PARSED,
        "tests/generate/test_flink_sql.py::test_the_job_is_the_one_that_flink_planned",
    ),
)
REFUSALS = topics_only("Flink's job")
UNTAKEN = no_schedule("a stream runs all the time, and Flink starts it again by restart-strategy")
_KEPT = {
    Promise.EXACTLY_ONCE: "",
    Promise.NO_SILENT_CASTS: "",
    Promise.IDEMPOTENT: "",
    Promise.BOUNDED_MEMORY: "",
    Promise.NO_SECRETS: "",
    Promise.NOTHING_DROPPED: (
        "What cannot be read is a dead letter, and a late event is among the valid ones; but Flink leaves it out of "
        "its window and only counts it (numLateRecordsDropped). One whose time is further ahead of its record's than "
        "the contract allows is in no window either, so that it makes no other late."
    ),
    Promise.PROVED_DELIVERY: "Flink commits what its tasks report and compares nothing afterwards.",
}


def files(pipeline: Pipeline) -> Generated:
    """The job, Flink's configuration for it, the topics and a README.

    Raises:
        RequestRefused: there are several topics.
    """
    request, found = pipeline.request, events(pipeline)
    if len(found) != 1:
        names = ", ".join(one.name for one in found)
        raise RequestRefused(f"A job in SQL reads one topic, and these are several: {names}. Say which with --tables.")
    event = found[0]
    main = PurePosixPath(f"{request.name}.sql")
    values = {
        "name": request.name,
        "event": event,
        "request": request,
        "address_variable": pipeline.address_variable,
        "window_seconds": int(WINDOW.total_seconds()),
        "late_seconds": int(event.late_after.total_seconds()),
        "ahead_seconds": int(event.max_ahead.total_seconds()),
    }
    suffixes = ["valid", "dead_letters", *(["windows"] if event.event_time else [])]
    written = [Topic(f"{event.name}_{suffix}", event.partitions, event.replicas) for suffix in suffixes]
    return Generated(
        main,
        {
            main: render(
                "flink_sql/templates/job.sql.j2",
                head=head(request, _KEPT, "--").rstrip(),
                reason_sql=reason_sql,
                value_sql=value_sql,
                **values,
            ),
            PurePosixPath("config.yaml"): render(
                "flink_sql/templates/config.yaml.j2", head=head(request, _KEPT).rstrip(), **values
            ),
            PurePosixPath("README.md"): render("flink_sql/templates/README.md.j2", written=written, **values),
            **event_files(pipeline, found, written),
        },
    )
