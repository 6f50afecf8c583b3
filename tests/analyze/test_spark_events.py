"""What a Spark event log says. `spark_events.zstd` was written by Spark 4.2 and cut down to what is read of it.

It is of a join on a skewed key with little memory (stage 2) and of 300 partitions of three rows (stage 3).
"""

import json
import struct
from pathlib import Path

import pyarrow as pa
import pytest

from dataeng_assets.analyze.reading import SourceUnreadable
from dataeng_assets.analyze.spark_events import analyze_event_log

REAL = Path(__file__).with_name("spark_events.zstd")


def _rules(path):
    return [(finding.rule, finding.message) for finding in analyze_event_log(str(path)).findings]


def _log(path, tasks, *, failure=""):
    stage = {"Event": "SparkListenerStageCompleted", "Stage Info": {"Stage ID": 1, "Stage Name": "save at a.py:1"}}
    if failure:
        stage["Stage Info"]["Failure Reason"] = failure
    path.write_text("\n".join(json.dumps(event) for event in [*map(_task, tasks), stage]) + '\n{"Event": "half a li')
    return path


def _task(told):
    return {
        "Event": "SparkListenerTaskEnd",
        "Stage ID": 1,
        "Task End Reason": told.get("end", {"Reason": "Success"}),
        "Task Metrics": {
            "Executor Run Time": told.get("run", 1000),
            "JVM GC Time": told.get("gc", 0),
            "Disk Bytes Spilled": told.get("spilled", 0),
            "Shuffle Read Metrics": {"Local Bytes Read": told.get("read", 10), "Fetch Wait Time": told.get("wait", 0)},
            "Shuffle Write Metrics": {"Shuffle Bytes Written": told.get("written", 10)},
        },
    }


def test_a_real_log_tells_skew_spill_and_tiny_tasks():
    found = analyze_event_log(str(REAL)).findings
    assert [finding.rule for finding in found] == ["spark-event-skew", "spark-event-spill", "spark-event-tiny-tasks"]
    assert "74.0 s" in found[0].evidence[0]
    assert "50 MB to disk, in 1 of 8 tasks" in found[1].message


def test_a_log_is_read_plain_compressed_and_rolling(tmp_path):
    with pa.input_stream(str(REAL), compression="zstd") as stream:
        content = stream.read()
    (tmp_path / "plain").write_bytes(content)
    with pa.CompressedOutputStream(str(tmp_path / "log.gz"), "gzip") as stream:
        stream.write(content)
    rolling = tmp_path / "eventlog_v2_app"
    rolling.mkdir()
    lines = content.splitlines(keepends=True)
    (rolling / "events_1_app").write_bytes(b"".join(lines[:100]))
    (rolling / "events_2_app").write_bytes(b"".join(lines[100:]))
    (rolling / "appstatus_app").write_bytes(b"")
    for path in (tmp_path / "plain", tmp_path / "log.gz", rolling):
        assert _rules(path) == _rules(REAL)


@pytest.mark.parametrize(
    ("tasks", "failure", "rule"),
    [
        ([{"read": 100}] * 9 + [{"run": 60_000, "read": 110}], "", "spark-event-straggler"),
        ([{"run": 9_000, "gc": 2_000}] * 2, "", "spark-event-garbage-collection"),
        ([{"run": 9_000, "wait": 4_000}] * 2, "", "spark-event-shuffle"),
        ([{"written": 6_000_000_000}] * 2, "", "spark-event-shuffle"),
        (
            [{"end": {"Reason": "ExceptionFailure", "Description": "ValueError: row 17"}}],
            "gone",
            "spark-event-failed-tasks",
        ),
        (
            [{"end": {"Reason": "ExecutorLostFailure", "Loss Reason": "Container killed by YARN, exit code 137"}}],
            "",
            "spark-event-out-of-memory",
        ),
    ],
)
def test_each_trouble_is_found_alone(tmp_path, tasks, failure, rule):
    found = _rules(_log(tmp_path / "log", tasks, failure=failure))
    assert [name for name, _ in found] == [rule]


@pytest.mark.parametrize(
    "tasks",
    [
        [{}] * 20,
        [{"run": 100}] * 8 + [{"run": 900}],
        [{"run": 9_000, "read": 500}] * 10,
        [{"end": {"Reason": "TaskKilled", "Kill Reason": "another attempt succeeded"}}] + [{}] * 3,
        [{"spilled": 10}] * 3,
        [],
    ],
)
def test_a_stage_without_trouble_stays_silent(tmp_path, tasks):
    assert _rules(_log(tmp_path / "log", tasks)) == []


def test_what_is_no_event_log_is_said(tmp_path):
    (tmp_path / "text").write_text("hello\n")
    with pytest.raises(SourceUnreadable, match="no event log"):
        analyze_event_log(str(tmp_path / "text"))
    with pytest.raises(SourceUnreadable, match="There is no event log"):
        analyze_event_log(str(tmp_path / "missing"))
    (tmp_path / "log.lzf").write_bytes(b"ZV")
    with pytest.raises(SourceUnreadable, match=r"spark\.eventLog\.compression\.codec"):
        analyze_event_log(str(tmp_path / "log.lzf"))
    for codec in ("zstd", "lz4", "snappy"):
        (tmp_path / f"log.{codec}").write_bytes(b"not compressed at all, whatever its name says")
        with pytest.raises(SourceUnreadable, match="cannot be read"):
            analyze_event_log(str(tmp_path / f"log.{codec}"))


def _lz4(text):
    """As Java's LZ4BlockOutputStream writes: blocks of 4 KiB, the first one stored, and an empty one at the end."""
    blocks = [text[start : start + 4096] for start in range(0, len(text), 4096)]
    packed = [(0x15, blocks[0]), *((0x25, pa.Codec("lz4_raw").compress(block, asbytes=True)) for block in blocks[1:])]
    head = (
        struct.pack("<BIII", method, len(inside), len(block), 7)
        for (method, inside), block in zip(packed, blocks, strict=True)
    )
    framed = b"".join(b"LZ4Block" + one + inside for one, (_, inside) in zip(head, packed, strict=True))
    return framed + b"LZ4Block" + struct.pack("<BIII", 0x15, 0, 0, 0)


def _snappy(text):
    """As Java's SnappyOutputStream writes: a header with two versions, then blocks of 4 KiB with their lengths."""
    blocks = [text[start : start + 4096] for start in range(0, len(text), 4096)]
    packed = [pa.Codec("snappy").compress(block, asbytes=True) for block in blocks]
    head = b"\x82SNAPPY\0" + struct.pack(">II", 1, 1)
    return head + b"".join(struct.pack(">I", len(block)) + block for block in packed)


@pytest.mark.parametrize(("suffix", "framed"), [("lz4", _lz4), ("snappy", _snappy)])
def test_a_log_in_the_frames_of_java_is_read_whole_twice_over_and_cut_off(tmp_path, suffix, framed):
    text = pa.input_stream(str(REAL), compression="zstd").read()
    path = tmp_path / f"app.{suffix}.inprogress"
    path.write_bytes(framed(text))
    assert _rules(path) == _rules(REAL)
    half = text.index(b"\n", len(text) // 2) + 1
    path.write_bytes(framed(text[:half]) + framed(text[half:]))
    assert _rules(path) == _rules(REAL), "two streams in one file"
    whole = framed(text)
    path.write_bytes(whole[: len(whole) * 2 // 3])
    assert analyze_event_log(str(path)).file == str(path), "the application still writes"
