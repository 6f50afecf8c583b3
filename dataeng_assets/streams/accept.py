"""Finding what a stream cannot get any more, and letting it go on without that when a person says so.

Nothing here is done by a drain: it stops with an error of `streams.errors`, and this is the way on. What is accepted is
written down first (`gaps`), then progress moves in the side tables and in the main table last, so an acceptance that is
interrupted is found again and finished. Each commit goes through the handle that it was decided on: of two people, or
of a person and a drain, one is refused and looks again.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import duckdb
from deltalake import DeltaTable

from dataeng_assets.kafka.admin import Admin, TopicState
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.records import Range
from dataeng_assets.lake.append import append, progress
from dataeng_assets.lake.attempts import until_committed
from dataeng_assets.lake.changes import ChangesGone
from dataeng_assets.lake.location import TableMissing
from dataeng_assets.lake.strict import table_schema
from dataeng_assets.lake.transactions import transactions
from dataeng_assets.streams.errors import NothingToAccept
from dataeng_assets.streams.gaps import Decision, Gap, State, accepted_gaps, record
from dataeng_assets.streams.ingest import make_tables
from dataeng_assets.streams.plan import (
    Committed,
    committed_under,
    names_in,
    retention_passed,
    starts_of,
    truncated,
)
from dataeng_assets.streams.removed import foreign_removals, lost_by
from dataeng_assets.streams.stored import Run, absent, without
from dataeng_assets.streams.stream import Progress, Stream

Key = tuple[str, ...]


@dataclass
class Found:
    """What an acceptance would write down, and the progress that it would set.

    Attributes:
        gaps: that are not written down yet.
        moves: new progress by table and name.
    """

    gaps: list[Gap] = field(default_factory=list)
    moves: dict[Key, dict[str, int]] = field(default_factory=dict)

    def move(self, key: Key, moved: Mapping[str, int]) -> None:
        """Set progress of a table, too."""
        if moved:
            self.moves.setdefault(key, {}).update(moved)


@dataclass
class _Seen:
    """The stream as it stands; a table that is missing is None."""

    stream: Stream
    topic: TopicState
    tables: Mapping[Key, DeltaTable | None]
    names: Progress
    committed: Committed
    recorded: list[Gap]

    @property
    def sides(self) -> list[Key]:
        return [self.stream.dead_letters, self.stream.late]

    def done(self, key: Key, name: str) -> int | None:
        table = self.tables[key]
        return None if table is None else progress(table, name)

    def gap(self, state: State, key: Key, run: Run, names: Progress | None = None) -> Gap:
        topic_id = (names or self.names).topic_id
        return Gap(state, ".".join(key), topic_id, run.generation, run.partition, run.start, run.end)

    def new(self, runs: Sequence[Run]) -> list[Run]:
        """What of this is not written down yet."""
        return without(runs, [gap.run for gap in self.recorded if gap.run])

    def absent(self, bounds: Mapping[int, Range]) -> list[Run]:
        tables = [table for table in self.tables.values() if table is not None]
        with duckdb.connect(config={"threads": 2}) as connection:
            return self.new(absent(connection, tables, self.names.generation, bounds))


def gaps_of(stream: Stream, cluster: Cluster, partitions: Collection[int] = ()) -> Found:
    """What `accept` would do now. Writes nothing.

    Raises:
        NothingToAccept: the stream can go on by itself.
        KafkaProblem: with `retryable`.
    """
    with Admin(cluster) as admin:
        return _find(stream, admin.describe(stream.topic), partitions)


def accept(
    stream: Stream, cluster: Cluster, *, reason: str, accepted_by: str, partitions: Collection[int] = ()
) -> tuple[Decision, Found]:
    """Write down what is lost, and let the stream go on without it. Safe beside a drain.

    Args:
        stream: that cannot go on.
        cluster: where its topic is.
        reason: why that is fine; kept.
        accepted_by: who says so; kept.
        partitions: only these; all when empty.

    Raises:
        NothingToAccept: the stream can go on by itself, or its gap is in other partitions.
        Superseded, ProgressGoesBack: drains and others were quicker, several times; nothing is half done.
        KafkaProblem: with `retryable`.
    """
    decision = Decision(f"gap-{uuid.uuid4().hex[:12]}", reason, accepted_by, datetime.now(UTC))

    def attempt(_: object) -> Found:
        with Admin(cluster) as admin:
            topic = admin.describe(stream.topic)
        _find(stream, topic, partitions)  # before a missing table is made
        make_tables(stream)
        tables = {key: stream.lake.open(key) for key in _keys(stream)}
        found = _find(stream, topic, partitions, tables)
        record(stream, found.gaps, decision)
        for key in _keys(stream):
            if key in found.moves:
                empty = table_schema(tables[key]).empty_table()
                append(tables[key], empty, transactions=found.moves[key], metadata=decision.metadata)
        return found

    return decision, until_committed(attempt)


def _keys(stream: Stream) -> list[Key]:
    """In the order of their commits."""
    return [stream.dead_letters, stream.late, stream.main]


def _find(
    stream: Stream,
    topic: TopicState,
    partitions: Collection[int],
    tables: Mapping[Key, DeltaTable | None] | None = None,
) -> Found:
    seen = _look(stream, topic, tables or {key: _open(stream, key) for key in _keys(stream)})
    found = _new_generation(seen, partitions) or _within_generation(seen, set(partitions))
    if not found.moves and not found.gaps:
        where = f" in partitions {', '.join(map(str, sorted(partitions)))}" if partitions else ""
        raise NothingToAccept(
            f"Stream {stream.name} lacks nothing{where} that it cannot get by itself, so there is nothing to accept. "
            f"Nothing was written. `dataeng verify {stream.name}` compares its tables with the topic."
        )
    return found


def _open(stream: Stream, key: Key) -> DeltaTable | None:
    try:
        return stream.lake.open(key)
    except TableMissing:
        return None


def _look(stream: Stream, topic: TopicState, tables: Mapping[Key, DeltaTable | None]) -> _Seen:
    main = tables[stream.main]
    if main is None:
        names, committed = Progress(stream.name, topic.id), Committed(None, {}, {}, {}, routing=False)
    else:
        names = names_in(main, stream, topic)
        committed = committed_under(names, main, stream, topic)
    recorded = [accepted.gap for accepted in accepted_gaps(stream)]
    return _Seen(stream, topic, tables, names, committed, recorded)


def _new_generation(seen: _Seen, partitions: Collection[int]) -> Found | None:
    """Where offsets mean other records than before: the topic was made again, or its end was cut off."""
    topic, committed = seen.topic, seen.committed
    main = seen.tables[seen.stream.main]
    if main is None or committed.commits is None:
        return None
    if seen.done(seen.stream.main, seen.names.topic) != committed.commits:
        gaps = _unread_of_the_former_topic(seen, main)
        begin, times = dict(topic.earliest), dict[int, int]()
    elif cut := truncated(starts_of(committed, topic), topic):
        key = seen.stream.main
        runs = [Run(committed.generation, p, *range_) for p, range_ in cut.items()]
        gaps = [seen.gap(State.TRUNCATED, key, run) for run in runs]
        begin = {p: min(at, topic.ends[p]) for p, at in committed.next_offsets.items()}
        times = dict(committed.max_event_times)
    else:
        return None
    if partitions:
        raise NothingToAccept(
            f"Topic {topic.name} was made again or truncated, which concerns all its partitions. Nothing was written. "
            "Leave out --partition."
        )
    found = Found([gap for gap in gaps if gap not in seen.recorded])
    new = Progress(seen.stream.name, topic.id, committed.generation + 1)
    starts = {name(p): at for p, at in begin.items() for name in (new.next_offset, new.first_offset)}
    for key in seen.sides:
        found.move(key, starts)
    commit = committed.commits + 1
    found.move(seen.stream.main, {**starts, new.generations: new.generation, new.commits: commit, new.topic: commit})
    found.move(seen.stream.main, {new.max_event_time(p): moment for p, moment in times.items()})
    # the former names move, too, to what they are: a drain that is about to commit under them is refused
    found.move(seen.stream.main, {seen.names.next_offset(p): at for p, at in committed.next_offsets.items()})
    if committed.routing:
        routed = {name: 1 for p in begin for name in (new.routings(p), new.routed(p, seen.stream.routing))}
        found.move(seen.stream.main, routed)
    return found


def _unread_of_the_former_topic(seen: _Seen, main: DeltaTable) -> list[Gap]:
    """What may have been in the topic of before and was never read: from its progress on, to an end nobody knows."""
    names, known = seen.names, transactions(main) or {}
    prefix, key = f"{seen.stream.progress}topic/", ".".join(seen.stream.main)
    topics = [name for name, commit in known.items() if name.startswith(prefix) and commit == seen.committed.commits]
    if not topics:  # a log that others have written in another form does not tell
        return [Gap(State.RECREATED, key, "unknown", names.generation, p, 0, None) for p in sorted(seen.topic.ends)]
    former = topics[0].removeprefix(prefix)
    begin = f"{seen.stream.progress}{former}/"
    ends = {
        int(name.removeprefix(begin)): end
        for name, end in known.items()
        if name.startswith(begin) and name.removeprefix(begin).isdigit()
    }
    topic_id = former.partition("~")[0]
    return [Gap(State.RECREATED, key, topic_id, names.generation, p, end, None) for p, end in sorted(ends.items())]


def _within_generation(seen: _Seen, partitions: set[int]) -> Found:
    found = Found()
    wanted = partitions or set(seen.topic.ends)
    targets = _past_retention(seen, found, wanted)
    _side_tables(seen, found, targets, wanted)
    _removed_rows(seen, found, wanted)
    return found


def _past_retention(seen: _Seen, found: Found, wanted: set[int]) -> dict[int, int]:
    """Where each partition goes on after it."""
    starts = starts_of(seen.committed, seen.topic)
    state = State.RETENTION
    if seen.committed.commits is None:
        state = State.MAIN_TABLE
        for p in starts:
            begun = [seen.done(key, seen.names.first_offset(p)) for key in seen.sides]
            starts[p] = min(seen.committed.next_offsets.get(p, at) for at in [starts[p], *begun] if at is not None)
    targets = dict(seen.committed.next_offsets)
    for p, range_ in retention_passed(starts, seen.topic).items():
        if p not in wanted:
            continue
        runs = seen.new([Run(seen.names.generation, p, *range_)])
        found.gaps += [seen.gap(state, seen.stream.main, run) for run in runs]
        moves = {seen.names.next_offset(p): range_.end}
        if p not in seen.committed.next_offsets:
            moves[seen.names.first_offset(p)] = range_.start
        found.move(seen.stream.main, moves)
        targets[p] = range_.end
    return targets


def _side_tables(seen: _Seen, found: Found, targets: Mapping[int, int], wanted: set[int]) -> None:
    """A side table that lacks what the main one has passed, and those that go over a gap with it."""
    lacking: dict[int, Range] = {}
    behind: set[Key] = set()
    for key in seen.sides:
        for p, target in targets.items():
            done = seen.done(key, seen.names.next_offset(p))
            passed = seen.committed.next_offsets.get(p)
            if p not in wanted or (done is not None and done >= target):
                continue
            if passed is not None and (seen.committed.routing if done is None else done < passed):
                lo = seen.committed.first_offsets[p] if done is None else done
                lacking[p] = Range(min(lo, lacking[p].start) if p in lacking else lo, passed)
                behind.add(key)
            elif target == passed:
                continue  # younger than the stream since its rules changed: it begins where the plan does
            found.move(key, {seen.names.next_offset(p): target})
    if lacking:
        key = min(behind)
        found.gaps += [seen.gap(State.SIDE_TABLE, key, run) for run in seen.absent(lacking)]


def _removed_rows(seen: _Seen, found: Found, wanted: set[int]) -> None:
    for key, table in seen.tables.items():
        if table is None:
            continue
        try:
            commits = foreign_removals(seen.stream, table, seen.topic.ends)
            lost = lost_by(seen.stream, table, commits) if commits else []
        except ChangesGone:
            # nothing tells any more what was removed; what stands nowhere is all that can be
            next_offsets = seen.committed.next_offsets.items()
            lost = seen.absent({p: Range(seen.committed.first_offsets[p], end) for p, end in next_offsets})
            commits = []
        else:
            if not lost:
                continue
        new = [run for run in seen.new(lost) if run.partition in wanted]
        found.gaps += [seen.gap(State.REMOVED, key, run) for run in new]
        if all(run.partition in wanted for run in seen.new(lost)):
            found.move(key, {seen.stream.checked(min(seen.topic.ends)): int(table.version())})
