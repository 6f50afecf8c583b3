"""What truly happened: every committed version of every row, and every record sent.

Written by `fill`, `tick` and `live` as Parquet files, read by tests and by whoever wants to judge the platform. It
knows nothing of the platform, so that it can be compared with what the platform made.
"""

import os
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dataeng_assets.sample import SampleError, world
from dataeng_assets.sample.events import LATENESS, MAX_AHEAD, Event
from dataeng_assets.sample.schema import ARROW, TABLES, key_of, typed

_TIME = pa.timestamp("us", tz="UTC")
EVENTS = typed(
    tick=pa.int32(),
    partition=pa.int32(),
    offset=pa.int64(),
    key=pa.binary(),
    value=pa.binary(),
    timestamp=_TIME,
    event_id=pa.string(),
    event_type=pa.string(),
    user_id=pa.int64(),
    event_time=_TIME,
    properties=pa.string(),
    category=pa.string(),
    routing=pa.string(),
    detail=pa.string(),
)
_OWN = typed(
    _commit=pa.int64(),
    _tick=pa.int32(),
    _is_late=pa.bool_(),
    _is_deleted=pa.bool_(),
)
_UNFINISHED = "unfinished"
_SMALL_BYTES, _MANY = 100_000, 100


class TruthError(SampleError):
    """There is no complete truth in the folder."""


class Version(NamedTuple):
    """One row as one transaction left it; a deleted one is its key, and None in the other columns."""

    table: str
    row: tuple[Any, ...]
    commit: int
    tick: int
    is_late: bool
    is_deleted: bool = False


@dataclass(frozen=True)
class Truth:
    """Reads what truly happened, from the folder that was given to `fill` and `tick`."""

    folder: Path

    def versions(self, table: str) -> pa.Table:
        """Every committed version of every row, in the order of commits.

        Beside the table's columns: `_commit` ascends in the order of commits (rows of one transaction share it),
        `_tick` is 0 for the fill, `_is_late` says that the transaction stayed open while others committed,
        `_is_deleted` that it deleted the row, of which the key alone is left.
        """
        return self._read(table).sort_by([(name, "ascending") for name in ("_commit", *key_of(table))])

    def current(self, table: str, commit: int | None = None) -> pa.Table:
        """The table's rows by key, as they are now or as they were after a commit."""
        versions = self.versions(table)
        if commit is not None:
            versions = versions.filter(pc.field("_commit") <= commit)
        keys = zip(*(versions[name].to_pylist() for name in key_of(table)), strict=True)
        newest = {key: place for place, key in enumerate(keys)}
        rows = versions.take(pa.array([newest[key] for key in sorted(newest)], pa.int64()))
        return rows.filter(pc.invert(rows["_is_deleted"])).select(ARROW[table].names)

    def events(self) -> pa.Table:
        """Every record, by partition and offset, with its category and where it belongs by rule."""
        return self._read("events").sort_by([("partition", "ascending"), ("offset", "ascending")])

    def reached(self) -> dict[int, int]:
        """Running maximum of event time per partition, in microseconds since 1970, as the rule counts it."""
        events = self._read("events", ["partition", "event_time", "timestamp"])
        ahead = pc.subtract(pc.cast(events["event_time"], pa.int64()), pc.cast(events["timestamp"], pa.int64()))
        counted = events.filter(pc.less_equal(ahead, pa.scalar(MAX_AHEAD)))
        largest = counted.group_by("partition").aggregate([("event_time", "max")])
        return {row["partition"]: world.micros(row["event_time_max"]) for row in largest.to_pylist()}

    def _read(self, name: str, columns: list[str] | None = None) -> pa.Table:
        while True:
            files = sorted((self.folder / name).glob("*.parquet"))
            self._refuse(name, files)
            marks = list(self.folder.glob(f"{_UNFINISHED}*"))
            if not marks:
                with suppress(FileNotFoundError):  # `compact` came in between
                    return pa.concat_tables([pq.read_table(file, columns=columns) for file in files])
            elif not any(map(_is_being_written, marks)):
                raise TruthError(
                    f"The truth in {self.folder} is not complete: a tick or a step of life was killed after its first "
                    "commit. The shop and its topic are sound. Make a new shop with `dataeng sample fill --anew`."
                )
            time.sleep(0.02)

    def _refuse(self, name: str, files: list[Path]) -> None:
        if not files:
            raise TruthError(
                f"{self.folder} holds no truth about {name}. Nothing was changed. Give the folder that `dataeng sample "
                "fill` wrote, or make a new shop with `dataeng sample fill --anew`."
            )


def _is_being_written(mark: Path) -> bool:
    """Whether somebody else who is alive writes what the mark says is missing, or has just written it."""
    try:
        process, thread = map(int, mark.read_text(encoding="ascii").split())
        os.kill(process, 0)
    except (FileNotFoundError, PermissionError):  # finished meanwhile; alive, and somebody else's
        return True
    except ProcessLookupError:
        return False
    others = {other.ident for other in threading.enumerate()} - {threading.get_ident()}
    return process != os.getpid() or thread in others


def routings(partitions: Sequence[int], event_times: Sequence[int | None], timestamps: Sequence[int]) -> list[str]:
    """Where records belong by rule, worked out from nothing but what a reader of the topic sees.

    Args:
        partitions: of each record; the records of one partition in the order of offsets.
        event_times: microseconds since 1970; None when the record is malformed.
        timestamps: the records' own timestamps, microseconds since 1970.

    Returns:
        main, late or dead_letter, record by record.
    """
    reached: dict[int, int] = {}
    found = []
    for partition, event_time, timestamp in zip(partitions, event_times, timestamps, strict=True):
        if event_time is None:
            found.append("dead_letter")
            continue
        maximum = reached.get(partition, event_time)
        found.append("late" if event_time < maximum - LATENESS else "main")
        if event_time - timestamp <= MAX_AHEAD:
            reached[partition] = max(maximum, event_time)
    return found


def clear(folder: Path) -> None:
    """Remove the truth about a former shop, and nothing else in the folder."""
    for name in (*TABLES, "events"):
        for file in (folder / name).glob("*.parquet"):
            file.unlink()
    for file in folder.glob(f"{_UNFINISHED}*"):
        file.unlink()


class Writing:
    """Marks the truth as not complete while something is committed that it doesn't hold yet.

    The mark names process and thread, so that a reader waits for those alive, and refuses what a dead one left.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._mark = folder / f"{_UNFINISHED}-{name}"

    def __enter__(self) -> None:
        self._mark.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._mark.with_name(f"{self._mark.name}.writing".removeprefix(_UNFINISHED))
        unfinished.write_text(f"{os.getpid()} {threading.get_ident()}", encoding="ascii")
        unfinished.replace(self._mark)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._mark.unlink(missing_ok=True)


def write_versions(folder: Path, versions: Iterable[Version]) -> None:
    """Add committed versions, one file per table."""
    of_table: dict[str, list[Version]] = {}
    for version in versions:
        of_table.setdefault(version.table, []).append(version)
    for table, found in of_table.items():
        schema = ARROW[table]
        columns = zip(*(version.row for version in found), strict=True)
        arrays = [pa.array(column, type_) for column, type_ in zip(columns, schema.types, strict=True)]
        arrays += [
            pa.array([version.commit for version in found], pa.int64()),
            pa.array([version.tick for version in found], pa.int32()),
            pa.array([version.is_late for version in found], pa.bool_()),
            pa.array([version.is_deleted for version in found], pa.bool_()),
        ]
        rows = pa.Table.from_arrays(arrays, schema=pa.schema([*schema, *_OWN]))
        _write(folder / table / f"{found[0].commit:012d}.parquet", rows)


def compact(folder: Path) -> None:
    """Put the many small files that a long life has written into one per table; what they say stays the same."""
    for name in (*TABLES, "events"):
        small = [file for file in sorted((folder / name).glob("*.parquet")) if file.stat().st_size < _SMALL_BYTES]
        if len(small) < _MANY:
            continue
        with Writing(folder, "compact"):
            rows = pa.concat_tables([pq.read_table(file) for file in small])
            _write(small[0].with_stem(f"{small[0].stem}-{small[-1].stem}"), rows)
            for file in small:
                file.unlink()


def write_events(folder: Path, events: Sequence[Event], offsets: Sequence[int], tick: int) -> None:
    """Add the records that were sent, with the offsets that the broker acknowledged."""
    columns: list[Any] = list(zip(*events, strict=True)) if events else [()] * len(Event._fields)
    of = dict(zip(Event._fields, columns, strict=True))
    values: dict[str, Any] = of | {
        "tick": [tick] * len(events),
        "offset": offsets,
        "timestamp": [timestamp_ms * 1000 for timestamp_ms in of["timestamp_ms"]],
    }
    arrays = [pa.array(values[field.name], field.type) for field in EVENTS]
    _write(folder / "events" / f"{tick:06d}.parquet", pa.Table.from_arrays(arrays, schema=EVENTS))


def _write(path: Path, rows: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".writing")
    pq.write_table(rows, unfinished, compression="zstd")
    unfinished.replace(path)
