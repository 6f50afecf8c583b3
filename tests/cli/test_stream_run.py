"""`dataeng stream run` ends in good order, and says why when it does not."""

import os
import signal
import threading
from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from dataeng_assets.cli import app
from dataeng_assets.components import stream_worker
from dataeng_assets.streams.errors import OffsetsLost
from dataeng_assets.streams.resident import Told
from dataeng_assets.streams.session import BatchReport

BATCH = BatchReport(7, 50, 48, 1, 1, (), 9_000, read_seconds=0.1, write_seconds=0.05, seconds=0.2)


def run(monkeypatch: pytest.MonkeyPatch, work: Callable[[threading.Event, Callable[[Told], None]], None], *more: str):  # type: ignore[no-untyped-def]  # typer names no type
    def instead(_: str, *, stop: threading.Event, tell: Callable[[Told], None], trouble: Callable[[str], None]) -> None:
        trouble("Kafka is away for a moment.")
        work(stop, tell)

    monkeypatch.setattr(stream_worker, "work", instead)
    return CliRunner().invoke(app, ["stream", "run", "user_events", *more])


def test_a_first_signal_asks_it_to_end_and_the_usual_meaning_of_a_second_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual = signal.getsignal(signal.SIGTERM)

    def work(stop: threading.Event, tell: Callable[[Told], None]) -> None:
        tell(Told(BATCH, (0, 1), 2, is_first=True, lag=5))
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(10)
        assert signal.getsignal(signal.SIGTERM) is usual

    result = run(monkeypatch, work)
    assert result.exit_code == 0, result.output
    assert "draining partitions 0, 1; workers: 2" in result.output
    assert "Kafka is away for a moment." in result.output
    assert "ended in good order" in result.output
    assert "50 rows in 1 batches" in result.output


def test_it_ends_after_the_time_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(stop: threading.Event, _: Callable[[Told], None]) -> None:
        assert stop.wait(30)

    assert run(monkeypatch, work, "--for", "1s").exit_code == 0


def test_what_a_person_must_decide_ends_it_with_status_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(*_: object) -> None:
        raise OffsetsLost("partition 3 lost offsets 4 to 9")

    result = run(monkeypatch, work)
    assert result.exit_code == 1
    assert "partition 3 lost offsets 4 to 9" in result.output


@pytest.mark.parametrize("arguments", [["nothing_declared"], ["user_events", "--for", "soon"]])
def test_what_cannot_begin_ends_with_status_two(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, ["stream", "run", *arguments]).exit_code == 2
