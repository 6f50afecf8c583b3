"""Reading dead letters again under the contract in force, and letting those into the main table that keep it, once.

A released event stands in the main table with its offset, and with the release in `_released_by`. It is main's whatever
its time: whether an event is late protects a stream that runs, and this one waited for us. It does not count in what
decides that of others, nor in the proof of `verify`, where the dead letter counts. What tells that it was released is
the main table itself, so a crash or a second replay finds that there; the commit carries a transaction of its own, so
that of two replays one is refused and looks again. Drains are not in its way: their offsets are others.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

from dataeng_assets.contracts.checks.replayed import Replayed
from dataeng_assets.contracts.checks.rule import Bounds
from dataeng_assets.lake.append import ProgressGoesBack, Superseded, append, progress
from dataeng_assets.lake.attempts import ATTEMPTS, until_committed
from dataeng_assets.lake.strict import table_schema
from dataeng_assets.streams.decode.decoder import REASON
from dataeng_assets.streams.errors import ReleaseOvertaken
from dataeng_assets.streams.ingest import make_main
from dataeng_assets.streams.routing import event_day
from dataeng_assets.streams.stored import places
from dataeng_assets.streams.stream import DEAD_LETTERS_SCHEMA, EVENT_DATE, RELEASED_BY, Stream
from dataeng_assets.streams.validate import RULE, Validator, broken

_RECORDS_AT_ONCE = 5_000
_PLACE = ["_kafka_partition", "_kafka_offset", "_kafka_generation"]


@dataclass
class _Judged:
    """What is known so far of the dead letters."""

    already: int = 0
    released: int = 0
    broken: int = 0
    by_rule: Counter[str] = field(default_factory=Counter)


def release(stream: Stream, *, release_id: str, dry_run: bool = False, limit: Bounds | None = None) -> Replayed:
    """Validate all dead letters of a stream again, and release those that keep its contract.

    May be called at any time, beside drains and other replays.

    Args:
        stream: with the contract in force.
        release_id: what the released events carry.
        dry_run: only say what would be done.
        limit: nothing is released when the records that are still broken do not satisfy it; None for no limit.

    Raises:
        TableMissing: the stream was never drained.
        TooManyBroken: more records are still broken than the limit allows.
        RuleUndecided: a rule cannot be evaluated over a record.
        ReleaseOvertaken: other replays were quicker, several times.
    """

    def attempt(folder: Path) -> Replayed:
        dead, main = stream.lake.open(stream.dead_letters), stream.lake.open(stream.main)
        if not dry_run:
            main = make_main(stream)
        staged = folder / "released.parquet"
        found = _told(stream, _judge(stream, dead, main, staged, release_id), release_id)
        found.refuse(stream.name, limit)
        return found if dry_run or not found.released else _append(stream, dead, main, staged, found)

    try:
        return until_committed(attempt)
    except (Superseded, ProgressGoesBack) as error:
        raise ReleaseOvertaken(
            f"Other replays of {stream.name} committed {ATTEMPTS} times in a row while this one was looking. Nothing "
            "of this replay was released, and nothing is lost. Run it again when they have ended."
        ) from error


def _told(stream: Stream, found: _Judged, release_id: str) -> Replayed:
    return Replayed(
        name=".".join(stream.main),
        release=release_id if found.released else "",
        released=found.released,
        broken=found.broken,
        by_rule=dict(sorted(found.by_rule.items())),
        superseded=0,
        already=found.already,
        version=None,
    )


def _judge(stream: Stream, dead: DeltaTable, main: DeltaTable, staged: Path, release_id: str) -> _Judged:
    """Write what keeps the contract into a file."""
    done, found = _released(main), _Judged()
    letters = dead.to_pyarrow_dataset(schema=DEAD_LETTERS_SCHEMA).scanner(
        columns=[*_PLACE, "_kafka_timestamp", "_ingested_at", "_run_id", "key", "value"],
        batch_size=_RECORDS_AT_ONCE,
        batch_readahead=1,
        fragment_readahead=1,
    )
    schema = stream.main_schema()
    with (
        Validator(stream.contract, stream.schemas()) as validator,
        pq.ParquetWriter(staged, schema, compression="zstd") as writer,
    ):
        for batch in letters.to_batches():
            waiting = _waiting(pa.Table.from_batches([batch]), done)
            found.already += batch.num_rows - len(waiting)
            if not len(waiting):
                continue
            validated = validator.validate(waiting.append_column("timestamp", waiting["_kafka_timestamp"]))
            good = pc.is_null(validated[REASON])
            events = _events(stream, waiting.filter(good), validated.filter(good), release_id)
            writer.write_table(events.select(schema.names).cast(schema))
            found.released += len(events)
            found.broken += len(waiting) - len(events)
            found.by_rule.update(broken(validated).by_rule)
            found.by_rule.update(_unreadable(validated))
    return found


def _released(main: DeltaTable) -> pl.DataFrame:
    """Partition and offset of every event that a replay has released."""
    if RELEASED_BY not in table_schema(main).names:
        types = (pl.Int32, pl.Int64, pl.Int32)
        return pl.DataFrame(schema=dict(zip(_PLACE, types, strict=True)))
    rows = places(main, ~pc.field(RELEASED_BY).is_null()).read_all()
    return pl.DataFrame(rows.select(_PLACE))


def _waiting(letters: pa.Table, done: pl.DataFrame) -> pa.Table:
    numbered = pl.DataFrame(letters.select(_PLACE)).with_row_index("row")
    left = numbered.join(done, on=_PLACE, how="anti", nulls_equal=True, maintain_order="left")["row"]
    return letters.take(pa.array(left.to_list(), pa.int64()))


def _unreadable(validated: pa.Table) -> Counter[str]:
    """Records by the reason for which they cannot be read at all."""
    reasons: list[Any] = validated[REASON].drop_null().to_pylist()
    return Counter(reason for reason in reasons if not reason.startswith(RULE))


def _events(stream: Stream, letters: pa.Table, validated: pa.Table, release_id: str) -> pa.Table:
    columns: dict[str, Any] = {name: validated[name] for name in validated.column_names}
    columns |= {name: letters[name] for name in letters.column_names if name not in ("key", "value")}
    columns[EVENT_DATE] = event_day(stream, validated)
    columns[RELEASED_BY] = pa.repeat(pa.scalar(release_id), len(letters))
    return pa.table(columns)


def _append(stream: Stream, dead: DeltaTable, main: DeltaTable, staged: Path, found: Replayed) -> Replayed:
    with pq.ParquetFile(staged) as file:
        rows = pa.RecordBatchReader.from_batches(stream.main_schema(), file.iter_batches(_RECORDS_AT_ONCE))
        version = append(
            main,
            rows,
            transactions={
                f"v1/release/{stream.name}/dead_letters_version": dead.version(),
                # a rewind meanwhile is a conflict: it takes dead letters away
                stream.rewound: progress(main, stream.rewound) or 0,
            },
            metadata={
                "released_by": found.release,
                "released": str(found.released),
                "contract": f"{stream.contract.id} {stream.contract.version}",
                "dead_letters_version": str(dead.version()),
            },
        )
    return replace(found, version=version)
