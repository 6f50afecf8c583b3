"""`dataeng doctor` as a person types it: what is printed, and the exit code."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dataeng_assets.causes.catalogue import CAUSES
from dataeng_assets.cli import app
from dataeng_assets.doctor.finding import Finding
from dataeng_assets.doctor.fixes import FIXES, STALE

FULL = '2026-11-20 08:00:00.000 UTC [42] PANIC:  could not write to file "pg_wal/x": No space left on device\n'


def run(*words: str, columns: int = 300) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["doctor", *words], env={"COLUMNS": str(columns)})
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "postgres.log"
    path.write_text(FULL)
    return path


def test_a_finding_has_cause_proof_remedy_and_page(log: Path) -> None:
    code, said, _ = run("--file", str(log))
    assert code == 1
    for expected in ("A disk is full, or nearly so", "line 1 at 2026-11-20 08:00:00", "See what takes the room"):
        assert expected in said
    narrow = run("--file", str(log), columns=40)[1].splitlines()
    for whole in ("docs/runbook/disk-full.md", CAUSES["disk-full"].remedy[0].command):
        assert any(line.strip() == whole for line in narrow), "what is to be copied stays in one line"


def test_as_json_it_is_the_same_for_programs(log: Path) -> None:
    code, said, _ = run("--file", str(log), "--format", "json")
    report = json.loads(said)
    assert code == 1
    assert [one["cause"] for one in report["findings"]] == ["disk-full"]
    assert (report["looked_at"], report["not_looked_at"]) == ([{"what": "lines of postgres.log", "count": 1}], [])


def test_the_exit_code_tells_nothing_wrong_from_not_looked(tmp_path: Path) -> None:
    fine, binary = tmp_path / "fine.log", tmp_path / "binary.log"
    fine.write_text("2026-11-20 08:00:00 INFO all is well\n")
    binary.write_bytes(b"\0\1")
    assert run("--file", str(fine))[0] == 0
    assert run("--file", str(binary))[0] == 2
    assert "is binary" in run("--file", str(binary))[1]


def test_one_thing_is_looked_at_at_a_time_and_a_log_cannot_be_mended(log: Path) -> None:
    assert run("orders", "--run", "1a2b")[0] == 2
    assert "ask for one of them at a time" in run("orders", "--run", "1a2b")[2]
    assert "A log can be read and not mended" in run("--file", str(log), "--fix")[2]


def test_every_safe_remedy_is_told_by_its_cause_and_every_command_is_filled_in() -> None:
    assert {cause.id for cause in CAUSES.values() if cause.fix} == {*FIXES, STALE}
    told = Finding("offsets-past-retention", "stream events", ("gone",), names={"STREAM": "events"}).commands
    assert told == ("dataeng stream accept-gap events --dry-run", "dataeng stream accept-gap events --reason REASON")
