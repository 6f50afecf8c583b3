"""Up to which time a stream is complete. A function of what is committed and of the topic's ends."""

from datetime import timedelta

from dataeng_assets.kafka.admin import TopicState
from dataeng_assets.streams.plan import Committed
from dataeng_assets.streams.stream import Stream


def watermark(stream: Stream, committed: Committed, topic: TopicState) -> tuple[int | None, tuple[int, ...]]:
    """Time before which no event that is not late can still come, and which partitions hold it back.

    It is the smallest, over the partitions with unread records, of the running maximum of event time minus `lateAfter`.
    A partition from which everything was read holds nothing back; when that is so for all, it is the largest of theirs.

    Returns:
        Microseconds since 1970, None when nothing can be said yet; and the partitions that decided it although they
        have unread records.
    """
    late_after = stream.event_time.late_after // timedelta(microseconds=1)
    marks = {p: moment - late_after for p, moment in committed.max_event_times.items()}
    behind = {p for p, end in topic.ends.items() if committed.next_offsets.get(p, 0) < end}
    if not behind:
        return max(marks.values(), default=None), ()
    unknown = tuple(sorted(behind - set(marks)))
    if unknown:
        return None, unknown
    slowest = min(marks[p] for p in behind)
    return slowest, tuple(sorted(p for p in behind if marks[p] == slowest))
