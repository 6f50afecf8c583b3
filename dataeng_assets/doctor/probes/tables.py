"""Tables of the lake: how they lie, whether their log has checkpoints, whether rows stand in them twice."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from dataeng_assets.doctor.finding import Finding, Looked, NotLooked, Said, safe
from dataeng_assets.doctor.scope import Scope
from dataeng_assets.lake.layout import SMALL_BYTES, file_sizes, newest_files, sizes_by
from dataeng_assets.lake.location import TableMissing
from dataeng_assets.lake.upkeep import COMMITS_BETWEEN_CHECKPOINTS, commits_since_checkpoint
from dataeng_assets.orchestration.lake_upkeep import worth_merging
from dataeng_assets.quality.results_store import read
from dataeng_assets.quality.written.words import Outcome
from dataeng_assets.streams.decode.decoder import RESCUED
from dataeng_assets.streams.stored import places
from dataeng_assets.streams.stream import Stream

Key = tuple[str, ...]
SMALL_FILES = 100
"""Of a table or day that no stream fills: so many are opened in a second or two."""
COMMITS_WITHOUT_CHECKPOINT = 10 * COMMITS_BETWEEN_CHECKPOINTS
"""Ten times as many as upkeep leaves: it has not run, or its checkpoints fail."""
MOST_ROWS = 5_000_000
"""Of one table of a stream, whose offsets are compared: three seconds of work, and some 350 MB of memory."""
RECENT = timedelta(days=7)
_BROKEN = (Outcome.VIOLATED, Outcome.WARNING)
_DOUBLED = """
    SELECT p, count(*) - count(DISTINCT o) FROM (
        SELECT _kafka_partition AS p, (coalesce(_kafka_generation, 0), _kafka_offset) AS o
        FROM places WHERE _released_by IS NULL
    ) GROUP BY p HAVING count(*) > count(DISTINCT o) ORDER BY p
"""


def troubled_tables(scope: Scope) -> Iterator[Said]:
    """The log of every table of interest: small files, missing checkpoints."""
    keys = [key for key in scope.lake.tables() if scope.concerns({".".join(key)})]
    owners = streams_by_table(scope)
    for key in keys:
        try:
            yield from _small_files(scope, key, owners.get(key))
            yield from _checkpoint(scope, key)
        except TableMissing:
            continue  # it went while this looked
    yield Looked(len(keys), "tables of the lake")


def doubled_rows(scope: Scope, *, most_rows: int = MOST_ROWS) -> Iterator[Said]:
    """Offsets that stand in a stream's table twice, and rules on unique keys that do not hold.

    Args:
        scope: where.
        most_rows: of each table, the newest by their files; all of a table are compared by `dataeng verify`.
    """
    for stream in _streams(scope):
        for key in (stream.main, stream.late, stream.dead_letters):
            yield from _doubled_offsets(scope, stream, key, most_rows)
    newest = {one.table_key: one for one in read(scope.lake, since=scope.now - RECENT) if not one.is_by_hand}
    judged = [one for one in newest.values() if scope.concerns({one.table_key})]
    for one in judged:
        proof = tuple(
            f"rule {rule.name}: {rule.found}, judged {one.judged_at:%Y-%m-%d %H:%M} UTC"
            for rule in one.rules
            if rule.kind == "unique" and rule.outcome in _BROKEN
        )
        if proof:
            names = {"TABLE": one.table_key}
            yield Finding("duplicates", one.table_key, proof, one.judged_at, names, frozenset({one.table_key}))
    yield Looked(len(judged), "tables' newest judgements")


def unknown_fields(scope: Scope) -> Iterator[Said]:
    """Events of the last week with fields that the contract does not name."""
    streams = _streams(scope)
    since = datetime.now(UTC) - RECENT
    for stream in streams:
        try:
            rows = stream.lake.open(stream.main).to_pyarrow_dataset()
        except TableMissing:
            continue
        newest = pc.field("_ingested_at") >= pa.scalar(since)
        count = rows.count_rows(filter=newest & pc.field(RESCUED).is_valid())
        if count:
            of = rows.count_rows(filter=newest)
            proof = (
                f"{count:,} of {of:,} events of the last {RECENT.days} days have fields the contract does not name",
            )
            yield Finding("schema-drift", f"stream {stream.name}", proof, scope.now, _names(stream), _concerns(stream))
    yield Looked(len(streams), "streams' unknown fields")


def streams_by_table(scope: Scope) -> dict[Key, Stream]:
    """The stream that fills each table."""
    return {key: one for one in _all(scope) for key in (one.main, one.late, one.dead_letters)}


def _all(scope: Scope) -> Sequence[Stream]:
    return [component.stream(contract) for component, contract in scope.topics]


def _streams(scope: Scope) -> Sequence[Stream]:
    return [stream for stream in _all(scope) if scope.concerns({".".join(stream.main)})]


def _small_files(scope: Scope, key: Key, stream: Stream | None) -> Iterator[Finding]:
    table = scope.lake.open(key)
    if stream:
        days = worth_merging(scope.lake, key, stream)
    else:
        by = table.metadata().partition_columns
        sizes = sizes_by(table, by[0]) if by else {"all": list(file_sizes(table))}
        counts = {str(day): sum(size < SMALL_BYTES for size in found) for day, found in sizes.items()}
        days = {day: count for day, count in counts.items() if count >= SMALL_FILES}
    if not days:
        return
    small = [size for size in file_sizes(table) if size < SMALL_BYTES]
    worst = max(days.items(), key=lambda one: one[1])
    proof = (
        f"{sum(days.values()):,} small files are worth merging, of {median(small) / 1024:,.0f} KiB in the median",
        f"small is below {SMALL_BYTES / 1024**2:,.0f} MiB",
        f"most in {worst[0]}: {worst[1]:,}",
    )
    yield _of_table("small-files", key, proof)


def _checkpoint(scope: Scope, key: Key) -> Iterator[Finding]:
    commits = commits_since_checkpoint(scope.lake, scope.lake.open(key))
    if commits > COMMITS_WITHOUT_CHECKPOINT:
        proof = (f"{commits:,} commits since the last checkpoint; upkeep leaves {COMMITS_BETWEEN_CHECKPOINTS} at most",)
        yield _of_table("failing-checkpoint", key, proof)


def _doubled_offsets(scope: Scope, stream: Stream, key: Key, most_rows: int) -> Iterator[Said]:
    try:
        table = scope.lake.open(key)
    except TableMissing:
        return
    files, rows = newest_files(table, most_rows)
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.register("places", places(table, files=files))
        try:
            found = connection.execute(_DOUBLED).fetchall()
        except duckdb.Error as error:
            yield NotLooked(f"offsets of {'.'.join(key)}", safe(str(error)))
            return
    if found:
        proof = tuple(f"partition {p}: {more:,} rows beyond the first of their offset" for p, more in found)
        yield Finding("duplicates", ".".join(key), proof, scope.now, _names(stream), _concerns(stream))
    yield Looked(rows, f"newest rows of {'.'.join(key)}, each offset once")


def _of_table(cause: str, key: Key, proof: tuple[str, ...]) -> Finding:
    name = ".".join(key)
    return Finding(cause, name, proof, None, {"TABLE": name}, frozenset({name}))


def _names(stream: Stream) -> dict[str, str]:
    return {"STREAM": stream.name, "TOPIC": stream.topic}


def _concerns(stream: Stream) -> frozenset[str]:
    return frozenset({".".join(stream.main)})
