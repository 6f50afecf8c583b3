"""What a Spark event log says. `spark_events.zstd` was written by Spark 4.2 and cut down to what is read of it.

It is of a join on a skewed key with little memory (stage 2) and of 300 partitions of three rows (stage 3).
"""

import json
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
    (tmp_path / "log.lz4").write_bytes(b"LZ4Block")
    with pytest.raises(SourceUnreadable, match=r"spark\.eventLog\.compression\.codec"):
        analyze_event_log(str(tmp_path / "log.lz4"))
    (tmp_path / "log.zstd").write_bytes(b"no zstd at all")
    with pytest.raises(SourceUnreadable, match="cannot be read"):
        analyze_event_log(str(tmp_path / "log.zstd"))
