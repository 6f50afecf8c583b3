"""`dataeng metrics`: Prometheus' view of the sample's stream, whatever the broker does."""

import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

DATAENG = [sys.executable, "-c", "from dataeng_assets.cli import app; app()"]


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty lake, and no broker."""
    monkeypatch.setenv("DATAENG_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("DATAENG_KAFKA_BOOTSTRAP", "127.0.0.1:1")


def test_sample_metrics_are_served_over_http_and_say_that_the_broker_is_away(away: None) -> None:
    server = subprocess.Popen(
        [*DATAENG, "metrics", "serve", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout
        address = re.search(r"http://\S+", server.stdout.readline())
        assert address, server.communicate(timeout=10)
        with urllib.request.urlopen(address[0], timeout=60) as answer:
            text = answer.read().decode()
    finally:
        server.kill()
        server.communicate()
    found = {
        (s.name, frozenset(s.labels.values())): s.value for f in text_string_to_metric_families(text) for s in f.samples
    }
    assert found["stream_broker_reachable", frozenset({"user_events"})] == 0
    assert found["stream_records_processed_total", frozenset({"user_events", "main"})] == 0


def test_sample_metrics_are_written_into_a_file(away: None, tmp_path: Path) -> None:
    path = tmp_path / "dataeng.prom"
    done = subprocess.run([*DATAENG, "metrics", "write", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "stream_broker_reachable" in path.read_text()
    assert list(tmp_path.glob("*.prom*")) == [path], "nothing half written is left"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        [*DATAENG, "metrics", "write", str(tmp_path / "no" / "x.prom")], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "There is no folder" in done.stderr


def test_a_port_that_is_taken_is_told() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run([*DATAENG, "metrics", "serve", "--port", port], capture_output=True, text=True)
    assert done.returncode == 2
    assert "--port" in done.stderr
