"""What a Spark event log says of its stages: skew, stragglers, spill, shuffle, garbage collection, bad tasks.

Only the log is read; the format is that of Spark's JsonProtocol, one event a line.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO, Literal

import pyarrow as pa

from dataeng_assets.analyze.analysis import Analysis
from dataeng_assets.analyze.finding import Finding, Severity
from dataeng_assets.analyze.guide import Guide, whole_file
from dataeng_assets.analyze.java_streams import lz4_blocks, snappy_blocks
from dataeng_assets.analyze.reading import SourceUnreadable

_CODECS: Mapping[str, Literal["zstd", "gzip"]] = {".zstd": "zstd", ".zst": "zstd", ".gz": "gzip"}
_JAVA: Mapping[str, Callable[[BinaryIO], Iterator[bytes]]] = {".lz4": lz4_blocks, ".snappy": snappy_blocks}
_NO_MEMORY = re.compile(r"OutOfMemoryError|exit code 137|Container killed|GC overhead")
_TIMES_MEDIAN = 4
_MIN_MILLISECONDS = 5_000  # a task that waits for less is nobody's trouble
_ENOUGH_TASKS = 8  # to call one of them slow: the first ones of an application warm Java up
_MIN_SPILL = 1_000_000
_TINY_MILLISECONDS, _MANY_TASKS = 300, 200
_GC_SHARE, _FETCH_SHARE, _LARGE_SHUFFLE = 0.1, 0.2, 10_000_000_000

SKEW = Guide(
    "spark-event-skew",
    "Partition much larger than the others",
    Severity.WARNING,
    "A stage ends with its last task. One partition that holds most of the rows keeps one core at work while the "
    "others wait, and spills where the others do not.",
    "The stage is short.",
    "orders.join(customers, 'customer_id')",
    "spark.sql.adaptive.enabled true\nspark.sql.adaptive.skewJoin.enabled true",
    "text",
)
STRAGGLER = Guide(
    "spark-event-straggler",
    "Task that is slower than others with as much data",
    Severity.INFO,
    "The data is shared evenly, so the machine or what the task calls is slow.",
    "It happened once.",
    good="spark.speculation true",
    language="text",
)
SPILL = Guide(
    "spark-event-spill",
    "Data that does not fit into a task's memory",
    Severity.WARNING,
    "Sorts, joins and aggregations write what does not fit to disk, and read it again.",
    "The disks are fast and the stage is short.",
    "spark.sql.shuffle.partitions 8",
    "spark.sql.shuffle.partitions 200",
    "text",
)
SHUFFLE = Guide(
    "spark-event-shuffle",
    "Much data between stages",
    Severity.INFO,
    "Each row that is shuffled is written, sent and read. Filters and aggregations before the shuffle, a broadcast of "
    "the small side, or tables that are bucketed by the key, leave less of it.",
    "All rows have to be joined with all.",
)
GARBAGE = Guide(
    "spark-event-garbage-collection",
    "Much time for garbage collection",
    Severity.WARNING,
    "The memory of the executors is nearly full: much is cached, or tasks hold large groups.",
    "The executors have just started.",
)
TINY = Guide(
    "spark-event-tiny-tasks",
    "Very many very short tasks",
    Severity.WARNING,
    "To schedule a task takes some milliseconds in the driver. Many tiny tasks come from many small files, or from "
    "more partitions than the data needs.",
    "The stage is part of a stream whose batches are small.",
    "spark.range(0, 1000, 1, 300).groupBy(key).count()",
    "spark.range(0, 1000).groupBy(key).count()",
)
FAILED = Guide(
    "spark-event-failed-tasks",
    "Tasks that failed",
    Severity.WARNING,
    "A failed task is tried again, up to spark.task.maxFailures, and its work is lost.",
    "Executors are taken away on purpose, as on spot machines.",
)
MEMORY = Guide(
    "spark-event-out-of-memory",
    "Tasks that ran out of memory",
    Severity.ERROR,
    "The executor was ended by Java or by the cluster, with everything it held.",
    "Never.",
    "spark.executor.memory 2g",
    "spark.executor.memory 8g\nspark.executor.memoryOverhead 2g",
    "text",
)
GUIDES = (SKEW, STRAGGLER, SPILL, SHUFFLE, GARBAGE, TINY, FAILED, MEMORY)


@dataclass(frozen=True)
class Task:
    """A task that ended. Times are in milliseconds, sizes in bytes.

    Attributes:
        read: from files and from shuffles.
        failure: why it failed; empty for one that did not.
    """

    run: int
    collected: int
    waited: int
    read: int
    written: int
    spilled: int
    failure: str = ""


@dataclass
class Stage:
    """A stage and its tasks."""

    id: int
    name: str = ""
    failure: str = ""
    tasks: list[Task] = field(default_factory=list)

    @property
    def label(self) -> str:
        """How it is called in messages."""
        return f"Stage {self.id} ({self.name})" if self.name else f"Stage {self.id}"


def analyze_event_log(path: str) -> Analysis:
    """Judge an event log: a file, plain or compressed with zstd, gzip, lz4 or snappy, or the folder of a rolling log.

    Raises:
        SourceUnreadable: there is none, it is compressed with lzf or not as its name says, or it is no event log.
    """
    stages: dict[int, Stage] = {}
    known = False
    for event in _events(Path(path)):
        known = known or str(event.get("Event", "")).startswith("SparkListener")
        _take(event, stages)
    if not known:
        raise SourceUnreadable(f"{path} is no event log of Spark: no line of it is an event.")
    found = [finding for stage in stages.values() for finding in _judge(stage, path)]
    return Analysis(path, "", tuple(found))


def _events(path: Path) -> Iterator[Mapping[str, Any]]:
    for file in _files(path):
        with _opened(file) as lines:
            try:
                yield from _parsed(lines)
            except (OSError, pa.ArrowException) as error:
                raise SourceUnreadable(f"{file} cannot be read: {error}.") from None


def _parsed(lines: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue  # the last line of a log that is being written
        if isinstance(event, dict):
            yield event


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = [file for file in path.rglob("events_*") if file.is_file()]
    if not found:
        raise SourceUnreadable(f"There is no event log at {path}. Name the file, or the folder of a rolling log.")
    return sorted(found, key=lambda file: int(file.name.split("_")[1]) if file.name.split("_")[1].isdigit() else 0)


@contextmanager
def _opened(file: Path) -> Iterator[Iterator[bytes]]:
    """The lines of a file, without its whole content in memory."""
    suffix = Path(file.name.removesuffix(".inprogress")).suffix
    if suffix == ".lzf":
        raise SourceUnreadable(
            f"{file} is compressed with lzf, which is not read here. Set spark.eventLog.compression.codec to zstd, or "
            "spark.eventLog.compress to false, and run it again."
        )
    if (blocks := _JAVA.get(suffix)) is not None:
        with file.open("rb") as framed:
            yield _lines(blocks(framed))
        return
    with pa.input_stream(str(file), compression=_CODECS.get(suffix) or "detect") as stream:
        yield _lines(iter(lambda: stream.read(1 << 20), b""))


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    yield rest


def _take(event: Mapping[str, Any], stages: dict[int, Stage]) -> None:
    kind = event.get("Event")
    if kind == "SparkListenerStageCompleted":
        info = event["Stage Info"]
        stage = stages.setdefault(info["Stage ID"], Stage(info["Stage ID"]))
        stage.name, stage.failure = info.get("Stage Name", ""), info.get("Failure Reason", "")
    elif kind == "SparkListenerTaskEnd":
        stages.setdefault(event["Stage ID"], Stage(event["Stage ID"])).tasks.append(_task(event))


def _task(event: Mapping[str, Any]) -> Task:
    metrics = event.get("Task Metrics") or {}
    shuffled, written = metrics.get("Shuffle Read Metrics") or {}, metrics.get("Shuffle Write Metrics") or {}
    read = (metrics.get("Input Metrics") or {}).get("Bytes Read", 0)
    end = event.get("Task End Reason") or {}
    reason = end.get("Reason", "Success")
    told = end.get("Description") or end.get("Class Name") or end.get("Loss Reason") or end.get("Kill Reason") or ""
    return Task(
        metrics.get("Executor Run Time", 0),
        metrics.get("JVM GC Time", 0),
        shuffled.get("Fetch Wait Time", 0),
        read + shuffled.get("Local Bytes Read", 0) + shuffled.get("Remote Bytes Read", 0),
        written.get("Shuffle Bytes Written", 0),
        metrics.get("Disk Bytes Spilled", 0),
        "" if reason in ("Success", "TaskKilled", "Resubmitted") else f"{reason}: {told}".strip(": "),
    )


def _judge(stage: Stage, file: str) -> Iterator[Finding]:
    place = whole_file(file)
    done = [task for task in stage.tasks if not task.failure]
    if len(done) >= 2:
        yield from _uneven(stage, done, file)
    spilled = sum(task.spilled for task in done)
    if spilled >= _MIN_SPILL:
        tasks = sum(1 for task in done if task.spilled)
        yield SPILL.finding(place, f"{stage.label} wrote {_bytes(spilled)} to disk, in {tasks} of {len(done)} tasks.")
    run = sum(task.run for task in done)
    collected, waited = sum(task.collected for task in done), sum(task.waited for task in done)
    if run >= _MIN_MILLISECONDS and collected > run * _GC_SHARE:
        message = f"{stage.label} spent {collected / run:.0%} of its time on garbage collection."
        yield GARBAGE.finding(place, message, (f"{_seconds(collected)} of {_seconds(run)}.",))
    written = sum(task.written for task in done)
    if written >= _LARGE_SHUFFLE or (run >= _MIN_MILLISECONDS and waited > run * _FETCH_SHARE):
        yield SHUFFLE.finding(
            place, f"{stage.label} wrote {_bytes(written)} for the next stage and waited {_seconds(waited)} for others."
        )
    if len(done) >= _MANY_TASKS and (usual := median(task.run for task in done)) < _TINY_MILLISECONDS:
        yield TINY.finding(place, f"{stage.label} has {len(done)} tasks, half of which take less than {usual:.0f} ms.")
    yield from _failed(stage, file)


def _uneven(stage: Stage, done: Sequence[Task], file: str) -> Iterator[Finding]:
    longest = max(done, key=lambda task: task.run)
    others = [task for task in done if task is not longest]
    usual, usual_read = median(task.run for task in others), median(task.read for task in others)
    if longest.run < _TIMES_MEDIAN * usual or longest.run - usual < _MIN_MILLISECONDS:
        return
    told = (
        f"The longest task took {_seconds(longest.run)}, the median of the others {_seconds(usual)}.",
        f"It read {_bytes(longest.read)}, the median of the others {_bytes(usual_read)}.",
    )
    if longest.read >= 2 * max(usual_read, 1):
        yield SKEW.finding(
            whole_file(file), f"{stage.label} waited for one partition that is larger than the others.", told
        )
    elif len(done) >= _ENOUGH_TASKS:
        yield STRAGGLER.finding(
            whole_file(file), f"{stage.label} waited for one task with no more data than others.", told
        )


def _failed(stage: Stage, file: str) -> Iterator[Finding]:
    failures = Counter(task.failure.splitlines()[0][:200] for task in stage.tasks if task.failure)
    if not failures:
        return
    reason, _ = failures.most_common(1)[0]
    number = sum(failures.values())
    guide = MEMORY if any(_NO_MEMORY.search(told) for told in failures) else FAILED
    severity = Severity.ERROR if stage.failure else None
    message = f"{number} of {len(stage.tasks)} tasks of {stage.label} failed."
    yield guide.finding(whole_file(file), message, (f"Most often: {reason}.",), severity=severity)


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:,.1f} s"


def _bytes(number: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:,.0f} {unit}"
        number /= 1000
    return f"{number:,.1f} TB"
