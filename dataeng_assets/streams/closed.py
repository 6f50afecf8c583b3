"""Which days of a stream's tables are closed: the published watermark has passed them, and hardly anything comes.

They can be merged into large files without being in the way of a drain. An event that comes all the same, as a late or
a released one may, is appended as ever.
"""

from datetime import UTC, date, datetime, timedelta

from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.transactions import transactions
from dataeng_assets.streams.stream import Stream

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def closed_before(lake: Lake, stream: Stream) -> date | None:
    """The first day that is not closed, by the tables that are published; None while none is.

    None of them publishes beyond the watermark, so the one that has come furthest tells.
    """
    begins = tuple(f"v1/{kind}/{stream.name}/" for kind in ("windows", "deduplicated", "enriched"))
    ends = "/published_to"
    marks = [
        moment
        for key in lake.tables(stream.windows[:2])
        for name, moment in (transactions(lake.open(key)) or {}).items()
        if name.startswith(begins) and name.endswith(ends)
    ]
    return (_EPOCH + timedelta(microseconds=max(marks))).date() if marks else None
