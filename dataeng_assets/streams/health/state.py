"""How a stream stands at this moment: what its tables hold, how far it is behind, what its samples say.

Asks tables and broker and keeps nothing. Judging belongs in `judge`, wording in `exposition`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from dataeng_assets.kafka.cluster import Cluster, InsecureCluster
from dataeng_assets.kafka.errors import KafkaProblem
from dataeng_assets.lake.counts import null_counts
from dataeng_assets.lake.location import TableMissing
from dataeng_assets.lake.strict import table_schema
from dataeng_assets.settings import SettingMissing
from dataeng_assets.streams.errors import StreamStopped
from dataeng_assets.streams.health.changes import Change, changes
from dataeng_assets.streams.health.judge import HISTORY, Finding, judge
from dataeng_assets.streams.health.samples import Sample, samples
from dataeng_assets.streams.lag import Lag, lag
from dataeng_assets.streams.stream import RELEASED_BY, Stream

_PATIENCE = timedelta(seconds=3)
"""Whoever scrapes waits 10 seconds, for all streams together."""


@dataclass(frozen=True)
class StreamState:
    """One stream at one moment.

    Attributes:
        rows: that the tables hold, by what became of their records: main, late, dead_letters, released.
        lag: None where nobody could say.
        stopped: why the stream cannot go on without a person, by the name of the error; empty when it can.
        unreachable: why the broker did not answer; empty when it did.
        last_commit: to the main table; None before the first.
        samples: all that were ever taken, in order of time.
        changes: of its owners and of how its records are read, oldest first.
    """

    name: str
    rows: Mapping[str, int]
    lag: Lag | None
    stopped: str = ""
    unreachable: str = ""
    last_commit: datetime | None = None
    samples: Sequence[Sample] = ()
    changes: Sequence[Change] = ()
    findings: Sequence[Finding] = field(default=())


def state(stream: Stream, cluster: Callable[[], Cluster]) -> StreamState:
    """Look at one stream; that its broker cannot be asked, or that it has stopped, is part of the answer.

    Args:
        stream: whose tables are looked at.
        cluster: where its topic is.
    """
    behind: Lag | None = None
    stopped = unreachable = ""
    try:
        behind = lag(stream, cluster(), timeout=_PATIENCE)
    except StreamStopped as error:
        stopped = type(error).__name__
    except (KafkaProblem, InsecureCluster, SettingMissing, OSError) as error:
        unreachable = type(error).__name__
    taken = samples(stream.lake, stream.name)
    newest = [sample for sample in taken if sample.at >= datetime.now(UTC) - HISTORY]
    return StreamState(
        stream.name,
        _rows(stream),
        behind,
        stopped,
        unreachable,
        _last_commit(stream),
        taken,
        changes(stream),
        judge(newest, stream.contract.health),
    )


def _rows(stream: Stream) -> dict[str, int]:
    """Rows by what became of their records, by the tables' logs."""
    keys = {"main": stream.main, "late": stream.late, "dead_letters": stream.dead_letters}
    rows = dict.fromkeys((*keys, "released"), 0)
    for place, key in keys.items():
        try:
            table = stream.lake.open(key)
        except TableMissing:
            continue
        rows[place] = _count(table)
        if place == "main" and RELEASED_BY in table_schema(table).names:
            rows["released"] = rows[place] - null_counts(table, [RELEASED_BY])[RELEASED_BY]
            rows[place] -= rows["released"]
    return rows


def _count(table: DeltaTable) -> int:
    return int(pc.sum(pa.table(table.get_add_actions(flatten=True))["num_records"]).as_py() or 0)


def _last_commit(stream: Stream) -> datetime | None:
    try:
        [newest] = stream.lake.open(stream.main).history(limit=1)
    except TableMissing:
        return None
    return datetime.fromtimestamp(newest["timestamp"] / 1000, UTC)
