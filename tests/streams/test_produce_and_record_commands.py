"""`dataeng stream produce` and `record`: what they say, and how they exit."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import stream_kit
from typer.testing import CliRunner, Result

from dataeng_assets.cli import app
from dataeng_assets.components import kafka_topic
from dataeng_assets.lake.location import Lake
from dataeng_assets.local.kafka import Kafka

pytestmark = pytest.mark.server
Run = Callable[..., Result]


@pytest.fixture
def run(lake: Lake, kafka_broker: Kafka, topic_name: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    topic = stream_kit.Topic(kafka_broker.bootstrap, topic_name).make(2)
    found = stream_kit.stream(lake, topic_name), topic.cluster
    monkeypatch.setattr(kafka_topic, "find_stream", lambda *_, **__: found)
    return lambda *words: CliRunner().invoke(app, ["stream", *map(str, words)], env={"COLUMNS": "200"})


def test_a_file_is_checked_then_sent_then_recorded(run: Run, tmp_path: Path) -> None:
    file, kept = tmp_path / "e.ndjson", tmp_path / "kept.parquet"
    file.write_bytes(b"\n".join(stream_kit.event(number, stream_kit.START) for number in range(7)))
    checked = run("produce", file, "--stream", "user_events", "--dry-run")
    assert (checked.exit_code, "Nothing was sent" in checked.output) == (0, True)
    sent = run("produce", file, "--stream", "user_events", "--event-timestamps")
    assert (sent.exit_code, "7 records acknowledged" in sent.output) == (0, True)
    recorded = run("record", "user_events", kept, "--from", "2026-03-01", "--to", "2026-03-02")
    assert recorded.exit_code == 0, recorded.output
    assert pq.read_table(kept).num_rows == 7
    assert run("record", "user_events", kept).exit_code == 2


def test_what_breaks_the_contract_is_told_by_line_and_a_missing_file_by_name(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "e.ndjson"
    file.write_bytes(stream_kit.event(1, stream_kit.START) + b"\n{}\n")
    refused = run("produce", file, "--stream", "user_events")
    assert refused.exit_code == 1
    assert "line 2: missing:event_id" in refused.output
    assert run("produce", file, "--stream", "user_events", "--skip-invalid").exit_code == 0
    missing = run("produce", tmp_path / "no.ndjson", "--stream", "user_events")
    assert (missing.exit_code, "no.ndjson" in missing.output) == (2, True)
