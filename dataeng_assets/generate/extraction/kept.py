"""Which of the platform's promises a generated extraction keeps, and why it does not keep the others."""

from collections.abc import Mapping

from dataeng_assets.generate.pipeline import Pipeline
from dataeng_assets.generate.promises import Promise
from dataeng_assets.generate.request import Destination, Source

_PROVED = {
    Destination.DELTA: "A Delta commit cannot be read before it is made: the proof follows it, and progress the proof.",
    Destination.DATABRICKS: "Databricks has no transaction over two statements: the proof follows the merge, and "
    "progress the proof.",
}


def kept(pipeline: Pipeline) -> Mapping[Promise, str]:
    """Each promise with nothing where it holds, and else why not."""
    destination = pipeline.request.destination
    if pipeline.request.source is Source.KAFKA:
        return _kept_of_topics(destination)
    following = [table.name for table in pipeline.tables if table.watermark]
    deletes = (
        f"{', '.join(following)} {'is' if len(following) == 1 else 'are'} read by a watermark, which a deleted row "
        "does not move; --mode full sees deletes."
    )
    return {
        Promise.ONE_SNAPSHOT: "",
        Promise.LATE_COMMITS: "",
        Promise.PROVED_DELIVERY: _PROVED.get(destination, ""),
        Promise.NO_SILENT_CASTS: "Redshift's COPY reads no time with a zone from Parquet; it is stored as TIMESTAMP, "
        "in UTC."
        if destination is Destination.REDSHIFT
        else "",
        Promise.IDEMPOTENT: "",
        Promise.DELETES: deletes if following else "",
        Promise.BOUNDED_MEMORY: "What a run has read is merged into Delta, and each model built, in memory."
        if destination is Destination.DELTA
        else "",
        Promise.NO_SECRETS: "",
    }


def _kept_of_topics(destination: Destination) -> Mapping[Promise, str]:
    is_delta = destination is Destination.DELTA
    return {
        Promise.EXACTLY_ONCE: "",
        Promise.NOTHING_DROPPED: "A record that cannot be read is a dead letter, with the reason and its bytes; a late "
        "one stands among the others, because no window is closed here.",
        Promise.PROVED_DELIVERY: "A Delta commit cannot be read before it is made: records and progress are one "
        "commit, and the proof that follows it fails the run."
        if is_delta
        else "",
        Promise.NO_SILENT_CASTS: "",
        Promise.IDEMPOTENT: "",
        Promise.BOUNDED_MEMORY: "What a run has read is compared with Delta, and each model built, in memory."
        if is_delta
        else "",
        Promise.NO_SECRETS: "",
    }
