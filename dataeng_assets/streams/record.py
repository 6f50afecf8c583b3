"""Which part of a topic a recording is to hold. Writing it belongs in `kafka.recording`."""

from collections.abc import Mapping
from datetime import datetime

from dataeng_assets.kafka.admin import Admin
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.records import Range


def ranges_between(cluster: Cluster, topic: str, since: datetime | None, until: datetime | None) -> Mapping[int, Range]:
    """The offsets of the records that were produced in `[since, until)`, as far as the topic still holds them.

    Args:
        cluster: where the topic is.
        topic: its name.
        since: by the records' own timestamps; the earliest that is retained when None.
        until: likewise; everything that is committed now when None.

    Raises:
        KafkaProblem: with `retryable`.
    """
    with Admin(cluster) as admin:
        found = admin.describe(topic)
        starts = admin.first_since(found, since) if since else found.earliest
        ends = admin.first_since(found, until) if until else found.ends
    return {p: Range(starts[p], max(starts[p], ends[p])) for p in found.ends}
