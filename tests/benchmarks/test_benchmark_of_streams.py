"""The benchmark of streams runs, and what its contestants write is the same; Spark is left out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "stream.py"


@pytest.mark.server
def test_ours_in_one_process_and_in_two_and_a_naive_reader_write_the_same_events_dead_letters_and_windows(
    tmp_path: Path,
) -> None:
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(SCRIPT), "--records", "6000", "--contestants", "ours,ours-2,kafka-python-naive"]
    done = subprocess.run([*command, "--json", str(figures)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(figures.read_text())["results"]
    assert [(one["case"], one["contestant"]) for one in results] == [
        (case, contestant) for case in ("ingest", "window") for contestant in ("ours", "ours-2", "kafka-python-naive")
    ]
    for one in results:
        assert one["wrong"] == ""
        assert min(one[name] for name in ("wall_s", "cpu_s", "rows_per_s", "peak_mb", "files")) > 0
    assert results[0]["wrote"]["bronze/benchmark/page_events"].startswith("5988 ")
    assert results[0]["wrote"]["bronze/benchmark/page_events_dead_letters"].startswith("12 ")


@pytest.mark.server
def test_the_benchmark_tells_how_long_a_record_waits_with_a_resident_worker(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(SCRIPT), "--latency", "--seconds", "25", "--json", str(figures)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(figures.read_text())["latency"]
    assert found["records"] > 1000
    assert found["batches"] > 1
    assert 0 < found["p50_s"] <= found["p99_s"] <= found["max_s"]


def test_an_unknown_contestant_of_the_benchmark_of_streams_is_refused_by_name() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--contestants", "theirs"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "no contestant 'theirs'" in done.stderr
