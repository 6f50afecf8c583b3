"""Where panes end: a walk from each pane's first event to the next one's."""

from typing import Any

import numpy as np
import pyarrow as pa

from dataeng_assets.streams.windows.kinds import Panes


def fired(kind: Panes, events: pa.Table) -> pa.Table:
    """Tell each event its pane.

    Args:
        kind: what ends a pane.
        events: with `place`, `after` and `hit` of `assign.candidates`, in the order of keys, event time, partition and
            offset.

    Returns:
        The events with `pane` (a number), `ends` (of the pane, in microseconds) and `fired` (what ends it). A pane that
        the events do not fill ends after `every`, whether that time has come or not.
    """
    place, after, hit = (np.asarray(events[name]).tolist() for name in ("place", "after", "hit"))
    moments: list[int] = np.asarray(events["moment"]).tolist()
    total, full = len(place), kind.count or 1 << 62
    pane: list[int] = []
    ends: list[int] = []
    reasons: list[str] = []
    first = 0
    while first < total:
        begin = first - place[first]  # so that `begin + place` is an event's number
        last, reason = begin + after[first] - 1, "time"
        if begin + hit[first] <= last and hit[first]:
            last, reason = begin + hit[first], "condition"
        if first + full - 1 < last or (reason == "time" and first + full - 1 == last):
            last, reason = first + full - 1, "count"
        end = moments[first] + kind.every if reason == "time" else moments[last] + 1
        number = last - first + 1
        pane += [first] * number
        ends += [end] * number
        reasons += [reason] * number
        first = last + 1
    columns: dict[str, Any] = {"pane": pa.array(pane, pa.int64()), "ends": pa.array(ends, pa.int64())}
    columns["fired"] = pa.array(reasons, pa.string())
    for name, values in columns.items():
        events = events.append_column(name, values)
    return events
