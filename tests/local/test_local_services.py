"""What `dataeng up`, `down` and `status` promise, with real servers in a folder whose path has a space."""

import logging
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from dataeng_assets import settings
from dataeng_assets.local import kafka, postgres, process, services
from dataeng_assets.local.process import ServiceError

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def no_addresses_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    for name in (services.POSTGRES_URL, services.KAFKA_BOOTSTRAP):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="dataeng state "))
    folder.chmod(0o755)
    monkeypatch.setenv("DATAENG_STATE", str(folder))
    yield folder
    services.down(folder)
    shutil.rmtree(folder)


@pytest.fixture
def only_postgres(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder for which Kafka is somebody else's, because it takes longest to start."""
    monkeypatch.setenv(services.KAFKA_BOOTSTRAP, "kafka.example:9092")
    return place


def write_something(addresses: services.Services) -> None:
    with psycopg.connect(addresses.postgres_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    admin = administer(addresses)
    admin.create_topics(["kept"])
    admin.close()


def what_was_written(addresses: services.Services) -> tuple[object, bool]:
    with psycopg.connect(addresses.postgres_url) as connection:
        row = connection.execute("SELECT answer FROM kept").fetchone()
    admin = administer(addresses)
    topics = admin.list_topics()
    admin.close()
    return row, "kept" in topics


def administer(addresses: services.Services):
    from kafka import KafkaAdminClient

    return KafkaAdminClient(bootstrap_servers=addresses.kafka_bootstrap)


def states(folder: Path) -> list[str]:
    return [service.state for service in services.status(folder)]


def test_what_is_written_survives_up_again_and_down_and_up(place: Path) -> None:
    assert states(place) == ["stopped", "stopped"]
    first = services.up(place)
    assert states(place) == ["running", "running"]
    write_something(first)
    pids = [process.record(place / name).pid for name in ("postgres", "kafka")]

    assert services.up(place) == first
    assert [process.record(place / name).pid for name in ("postgres", "kafka")] == pids

    assert services.down(place) == ("Postgres", "Kafka")
    assert services.down(place) == ()
    assert states(place) == ["stopped", "stopped"]
    again = services.up(place)
    assert again == first, "addresses that people wrote down stay true"
    assert what_was_written(again) == ((42,), True)


@pytest.mark.crash
def test_killed_servers_come_up_again_with_their_data(place: Path) -> None:
    write_something(services.up(place))
    for name in ("postgres", "kafka"):
        os.kill(process.record(place / name).pid, signal.SIGKILL)
    assert process.wait_until(lambda: states(place) == ["stopped", "stopped"], 10)
    assert what_was_written(services.up(place)) == ((42,), True)


def test_only_one_server_may_use_a_folder(place: Path) -> None:
    addresses = services.up(place)
    for home, start in ((place / "kafka", kafka.start), (place / "postgres", postgres.start)):
        with pytest.raises(ServiceError, match=r"Another server \(process \d+, port \d+\) uses"):
            start(home, log=place / "logs" / "second.log")
    write_something(addresses)
    assert what_was_written(addresses) == ((42,), True)


def test_servers_that_are_asked_at_the_same_time_leave_the_clients_log_as_it_was() -> None:
    log = logging.getLogger("kafka")
    before = log.level
    one, other = ExitStack(), ExitStack()
    one.enter_context(kafka.client_is_silent)
    other.enter_context(kafka.client_is_silent)
    one.close()
    assert not log.isEnabledFor(logging.CRITICAL), "somebody is still asking"
    other.close()
    assert log.level == before


def test_ports_that_are_taken_are_replaced_and_two_state_folders_stand_side_by_side(
    only_postgres: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as stranger:
        stranger.bind((process.HOST, 0))
        stranger.listen()
        taken = stranger.getsockname()[1]
        monkeypatch.setattr(services, "_KINDS", (replace(services._POSTGRES, port=taken), *services._KINDS[1:]))
        first = services.up(only_postgres)
        second = services.up(only_postgres / "beside")
        assert states(only_postgres) == states(only_postgres / "beside") == ["running", "external"]
        services.down(only_postgres / "beside")
        assert states(only_postgres) == ["running", "external"]
    ports = {url.postgres_url.rpartition("@")[2] for url in (first, second)}
    assert len(ports) == 2
    assert not any(str(taken) in port for port in ports)


def test_a_port_that_was_chosen_and_is_not_used_yet_is_not_chosen_again() -> None:
    chosen: list[int] = []
    for _ in range(200):
        chosen.append(process.choose_port(chosen[0] if chosen else None, besides=chosen))
    assert len(set(chosen)) == 200


def test_a_process_file_that_outlived_its_server_is_not_believed(only_postgres: Path) -> None:
    home = only_postgres / "postgres"
    home.mkdir()
    process.write_record(home, process.Record(os.getpid(), process.choose_port()))
    assert states(only_postgres) == ["stopped", "external"]
    assert services.down(only_postgres) == ()
    services.up(only_postgres)
    services.down(only_postgres)
    (home / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{home / 'data'}\n1\n1\n\n127.0.0.1\n")
    services.up(only_postgres)
    assert states(only_postgres) == ["running", "external"]


def test_the_addresses_stand_in_a_file_that_only_its_owner_reads_beside_the_lines_of_others(
    only_postgres: Path,
) -> None:
    file = only_postgres / "local.env"
    file.write_text("DATAENG_FIRST_DAY=2026-01-01\n")
    url = services.up(only_postgres).postgres_url
    assert file.read_text() == f"DATAENG_FIRST_DAY=2026-01-01\n{services.POSTGRES_URL}={url}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert settings.variable(services.POSTGRES_URL) == url
    services.down(only_postgres)
    assert file.read_text() == "DATAENG_FIRST_DAY=2026-01-01\n"


def test_nothing_is_started_for_an_address_of_the_user_and_no_password_is_shown(
    only_postgres: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(services.POSTGRES_URL, "postgresql://me:secret@db.example:5432/mine")
    services.up(only_postgres)
    shown = services.status(only_postgres)
    assert [service.state for service in shown] == ["external", "external"]
    assert [service.address for service in shown] == ["db.example:5432/mine", "kafka.example:9092"]
    assert not (only_postgres / "postgres").exists()


def test_a_server_that_cannot_start_shows_the_end_of_its_log_and_leaves_nothing_running(place: Path) -> None:
    home, log = place / "postgres", place / "postgres.log"
    with pytest.raises(
        ServiceError, match=r'ended at once.*postgres\.log(?s:.*)invalid value for parameter "wal_level"'
    ):
        postgres.start(home, log=log, settings={"wal_level": "nonsense"})
    assert not process.lives(home)
    postgres.start(home, log=log)
    assert postgres.stop(home)


@pytest.mark.crash
def test_a_server_that_hangs_is_told_apart_from_one_that_runs_and_is_ended_all_the_same(
    only_postgres: Path,
) -> None:
    services.up(only_postgres)
    home = only_postgres / "postgres"
    os.kill(process.record(home).pid, signal.SIGSTOP)
    assert states(only_postgres) == ["not answering", "external"]
    with pytest.raises(ServiceError, match=r"Postgres runs \(process \d+\) but does not answer.*postgres\.log"):
        services.up(only_postgres)
    process.stop(home, signal.SIGINT, signal.SIGKILL, seconds=5)
    assert states(only_postgres) == ["stopped", "external"]


def test_a_state_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServiceError, match=r"file/state cannot be used: Not a directory.*DATAENG_STATE"):
        services.up(tmp_path / "file" / "state")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run Postgres as somebody else")
def test_root_puts_postgres_where_nobody_can_walk_to_it(only_postgres: Path) -> None:
    only_postgres.chmod(0o700)
    services.up(only_postgres)
    home = services.postgres_home(only_postgres)
    try:
        assert (only_postgres / "postgres").is_symlink()
        assert not home.is_relative_to(only_postgres)
        services.down(only_postgres)
        (only_postgres / "postgres").unlink()  # as whoever removes the state folder does
        (home / "of the former folder").touch()
        services.up(only_postgres)
        assert services.postgres_home(only_postgres) == home
        assert not (home / "of the former folder").exists()
    finally:
        services.down(only_postgres)
        shutil.rmtree(home)
