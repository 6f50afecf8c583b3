"""Which of the platform's promises a generated extraction keeps, and why it does not keep the others."""

from collections.abc import Mapping

from dataeng_assets.generate.pipeline import Pipeline
from dataeng_assets.generate.promises import Promise
from dataeng_assets.generate.request import Destination

_PROVED = {
    Destination.DELTA: "A Delta commit cannot be read before it is made: the proof follows it, and progress the proof.",
    Destination.DATABRICKS: "Databricks has no transaction over two statements: the proof follows the merge, and "
    "progress the proof.",
}


def kept(pipeline: Pipeline) -> Mapping[Promise, str]:
    """Each promise with nothing where it holds, and else why not."""
    destination = pipeline.request.destination
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
